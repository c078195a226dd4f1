"""What lints say of configurations that are written in a few words."""

from __future__ import annotations

from tests.config.reading import Reader
from vrrpd.config import Code, Diagnostic
from vrrpd.config.lints import lint

ROUTER = (
    "vrrp_instance {name} {{\n interface eth0\n virtual_router_id 50\n{settings}\n"
    " virtual_ipaddress {{\n  192.0.2.80/24\n }}\n}}\n"
)
"""A virtual router about which there is nothing to say; settings begin at line 4."""


def router(*settings: str, name: str = "VI_1", before: str = "") -> str:
    """A configuration of one virtual router with these further settings."""
    return before + ROUTER.format(name=name, settings="\n".join(f" {one}" for one in settings))


def lints(reader: Reader, text: str) -> tuple[Diagnostic, ...]:
    """All lints of a text that has no mistakes."""
    loaded = reader.load(text)
    assert not [one.message for one in loaded.errors if one.code is not Code.NOT_BUILT]
    return lint(loaded)


def codes(reader: Reader, text: str) -> list[str]:
    """Each lint in short: `line code`."""
    return [f"{one.position.line} {one.code.value}" for one in lints(reader, text)]
