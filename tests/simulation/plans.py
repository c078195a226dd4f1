"""Routers to be simulated, written as the configurations that operators write, and read as the daemon reads them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from vrrpd.config import load
from vrrpd.config.model import Config
from vrrpd.simulation.behaviour import Behaviour


@dataclass(frozen=True)
class RouterPlan:
    """One `vrrp_instance` on one host."""

    name: str = "VI_1"
    interface: str = "eth0"
    virtual_router_id: int = 51
    priority: int = 100
    version: int = 2
    addresses: tuple[str, ...] = ("192.0.2.10",)
    excluded: tuple[str, ...] = ()
    interval_s: float = 1
    settings: tuple[str, ...] = ()
    """Further lines, such as `nopreempt`."""

    def text(self) -> str:
        """The block."""
        blocks = [f"virtual_ipaddress {{ {' '.join(self.addresses)} }}"]
        if self.excluded:
            blocks.append(f"virtual_ipaddress_excluded {{ {' '.join(self.excluded)} }}")
        lines = [
            f"version {self.version}",
            f"interface {self.interface}",
            f"virtual_router_id {self.virtual_router_id}",
            f"priority {self.priority}",
            f"advert_int {self.interval_s:g}",
            *self.settings,
            *(block.replace("{ ", "{\n    ").replace(" }", "\n  }").replace("{\n    ", "{\n    ") for block in blocks),
        ]
        return f"vrrp_instance {self.name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


@dataclass(frozen=True)
class HostPlan:
    """One host's file."""

    name: str
    routers: tuple[RouterPlan, ...]
    is_group: bool = False
    """Its virtual routers are a sync group."""
    behaviour: Behaviour = Behaviour.VRRPD

    def text(self) -> str:
        """The whole file."""
        members = "".join(f"    {router.name}\n" for router in self.routers)
        group = f"vrrp_sync_group GROUP {{\n  group {{\n{members}  }}\n}}\n" if self.is_group else ""
        return f"global_defs {{\n  router_id {self.name}\n}}\n" + "".join(one.text() for one in self.routers) + group

    def config(self) -> Config:
        """What the daemon makes of it. It must be sound, and run as a whole."""
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(self.text())
            file.flush()
            loaded = load(file.name)
        assert not loaded.errors, loaded.errors
        assert loaded.config is not None
        assert len(loaded.config.virtual_routers) == len(self.routers)
        return loaded.config
