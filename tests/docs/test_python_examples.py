"""The examples in Python run as they stand."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from tests.docs.markdown import ROOT, blocks

TOLD_S = 10.0
"""Deadline for a verdict that comes a second after the start."""


async def test_the_health_checks_tell_of_a_server() -> None:
    (example,) = blocks(ROOT / "docs/healthcheck.md", "python")
    definitions, watching = example.split("asyncio.run(")[0], "await asyncio.sleep(60)"
    assert watching in definitions
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    names = {"print": lambda *words: told.set_result(" ".join(map(str, words))), "told": told}
    exec(definitions.replace(watching, f"await asyncio.wait_for(told, {TOLD_S})"), names)  # noqa: S102  it is ours
    watch = names["watch"]
    assert callable(watch)
    await watch()
    assert told.result() == "127.0.0.1 down connection refused"


@pytest.mark.kernel
def test_the_library_fills_and_tends_a_table() -> None:
    first, ownership, whole, settings = blocks(ROOT / "docs/ipvs.md", "python")
    with Lab(topology.load("lvs-dr")) as lab:
        host = lab.host("lvs1")
        names: dict[str, object] = {"formerly_desired": {}}
        with host.entered():
            for example in (first, ownership):
                exec(example, names)  # noqa: S102  it is ours
            assert names["strangers"] == {}
            shown = subprocess.run(["ipvsadm", "-Sn"], capture_output=True, text=True, check=True).stdout
            assert shown.splitlines() == [
                "-A -t 192.0.2.15:80 -s wrr",
                "-a -t 192.0.2.15:80 -r 192.0.2.100:80 -g -w 1",
                "-a -t 192.0.2.15:80 -r 192.0.2.200:80 -g -w 2",
            ]
            exec(settings, names)  # noqa: S102
        assert 'Client("blue")' in whole
        exec(whole.replace('"blue"', repr(host.name)), names)  # noqa: S102
        daemons = host.run("ipvsadm", "-Ln", "--daemon").stdout
    assert daemons.startswith("master sync daemon (mcast=eth0, syncid=7")
