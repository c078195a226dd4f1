"""Configurations as strings, for tests that look at what is said about them and what becomes of them."""

from __future__ import annotations

from pathlib import Path

from healthcheck.types import TcpCheck
from vrrpd.config import Code, Diagnostic, Loaded, load
from vrrpd.config.model import Config, VirtualRouter, VirtualServer

INPUTS = Path(__file__).parent.parent / "inputs"

INSTANCE = (
    "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 50\n virtual_ipaddress {{\n  192.168.4.15\n }}\n {}\n}}\n"
)
"""A virtual router that is sound, with room for one more setting at line 7, column 2."""
SERVER = (
    "virtual_server 192.168.4.15 80 {{\n lb_algo wrr\n lb_kind DR\n protocol TCP\n {}\n"
    " real_server 192.168.4.100 80 {{\n  {}\n  TCP_CHECK {{\n   {}\n  }}\n }}\n}}\n"
)
"""A virtual server that is sound, with room in itself (line 5), its real server (line 7) and its check (line 9)."""
NOT_BUILT_YET = {Code.NO_EFFECT, Code.NOT_BUILT}


class Reader:
    """Writes text into a file and loads it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, text: str | bytes, config_id: str | None = None) -> Loaded:
        path = self.directory / "test.conf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        return load(str(path), config_id=config_id)

    def config(self, text: str | bytes) -> Config:
        """The model of a text about which nothing is to be said."""
        loaded = self.load(text)
        assert said(loaded) == []
        assert loaded.config is not None
        return loaded.config

    def model(self, text: str) -> Config:
        """All that a text says, whether it is built or not and whatever is said about it."""
        loaded = self.load(text)
        assert loaded.written is not None
        return loaded.written

    def written_router(self, *settings: str) -> VirtualRouter:
        """The virtual router with these further settings, all that is said of it."""
        (router,) = self.model(INSTANCE.format("\n ".join(settings))).virtual_routers
        return router

    def mistakes(self, text: str) -> list[str]:
        """What is to be said about a text, but for what is not built yet."""
        return [one for one in said(self.load(text)) if one.split()[1] not in NOT_BUILT_YET]

    def written(self, text: str, *messages: str) -> Config:
        """All that a text says. `messages` are said about it, and nothing else but that something is not built yet."""
        loaded = self.load(text)
        assert loaded.written is not None
        assert [one for one in said(loaded) if one.split()[1] not in NOT_BUILT_YET] == list(messages)
        return loaded.written

    def router(self, *settings: str) -> VirtualRouter:
        """The virtual router with these further settings, whatever is said about them."""
        loaded = self.load(INSTANCE.format("\n ".join(settings)))
        assert loaded.config is not None
        (router,) = loaded.config.virtual_routers
        return router

    def server(self, virtual: str = "", real: str = "", check: str = "") -> VirtualServer:
        """The virtual server with these further settings, whatever is said about them."""
        loaded = self.load(SERVER.format(virtual, real, check))
        assert loaded.config is not None
        (server,) = loaded.config.virtual_servers
        return server

    def check(self, virtual: str = "", real: str = "", check: str = "") -> TcpCheck:
        """The one check of the virtual server with these further settings."""
        (found,) = self.server(virtual, real, check).real_servers[0].checks
        assert isinstance(found, TcpCheck)
        return found

    def only(self, text: str) -> Diagnostic:
        """The one thing that is to be said about a text."""
        loaded = self.load(text)
        assert len(loaded.diagnostics) == 1, said(loaded)
        return loaded.diagnostics[0]


def said(loaded: Loaded) -> list[str]:
    """Every message in short: `line:column code`."""
    return [f"{one.position.line}:{one.position.column} {one.code}" for one in loaded.diagnostics]
