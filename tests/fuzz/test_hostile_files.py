"""Files made to take time or memory: each gives a diagnostic, soon, and no file takes more than a bounded amount of memory.

Each is checked as an operator would, by a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.running import run

MEMORY_MAX_MIB = 700.0
"""For files of up to 64 MiB, the largest that are read."""
TIME_MAX_S = 30.0
"""Of processor time; a tenth of it is usual."""

Written = Callable[[Path], object]


def text(contents: str) -> Written:
    """One file with these contents."""
    return lambda path: path.write_text(contents)


def filled(octet: bytes, count: int, end: bytes = b"") -> Written:
    """One file of an octet over and over; made when it is needed, for it is large."""
    return lambda path: path.write_bytes(octet * count + end)


def including(**others: str) -> Written:
    """A file that includes the first of these, `first.inc`, and so on."""

    def write(path: Path) -> None:
        path.write_text("include first.inc\n")
        for name, contents in others.items():
            (path.parent / f"{name}.inc").write_text(contents)

    return write


DOUBLING = "\n".join(f"$A{n + 1}=${{A{n}}}${{A{n}}}" for n in range(60))
DOUBLING_LINES = "\n".join(f"$A{n + 1}=\\\n ${{A{n}}} \\\n ${{A{n}}}\n" for n in range(60))
ROUTER = "vrrp_instance VI_{n} {{\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {{\n 10.0.0.1\n }}\n}}\n"

HOSTILE: dict[str, tuple[str, Written]] = {
    "a definition that doubles sixty times": (
        "expansion-limit",
        text(f"$A0=x\n{DOUBLING}\nglobal_defs {{\nrouter_id ${{A60}}\n}}\n"),
    ),
    "lines of a definition that double": ("expansion-limit", text(f"$A0=x\n{DOUBLING_LINES}\n$A60\n")),
    "a definition of itself": ("expansion-limit", text("$A=${A} x\n${A}\n")),
    "a definition of lines of itself": ("expansion-limit", text("$A=\\\n x \\\n $A\n\n$A\n")),
    "a loop without end": ("expansion-limit", text("~SEQ(i, 1, 999999999999) x\n")),
    "loops within loops": ("expansion-limit", text("~SEQ(i, 99999) " * 50 + "x\n")),
    "empty loops within loops": ("expansion-limit", text("~SEQ(i, 99999) " * 50 + "\n")),
    "a file that includes itself": ("include", including(first="include first.inc\n")),
    "files that include each other": (
        "include",
        including(first="include second.inc\n" * 50, second="include first.inc\n" * 50),
    ),
    "files that include the next one twice": (
        "include-limit",
        including(first="include 1.inc\n" * 2, **{str(n): f"include {n + 1}.inc\n" * 2 for n in range(1, 30)}),
    ),
    "an include with a million alternatives": ("include", text("includea " + "{a,b}" * 20 + "\n")),
    "a line of 100 MB": ("file-unreadable", filled(b"x", 100_000_000)),
    "a line of 60 MB": ("line-too-long", filled(b"x", 60_000_000)),
    "a line of 60 MB in quotes": ("line-too-long", filled(b'"', 60_000_000)),
    "ten million empty lines and a mistake": ("unknown-keyword", filled(b"\n", 10_000_000, b"x")),
    "10,000 nested blocks": ("unexpected-brace", text("global_defs {\n" + "router_id x {\n" * 10_000)),
    "10,000 nested blocks of no known name": ("unknown-keyword", text("a {\n" * 10_000 + "}\n" * 10_000)),
    "10,000 nested blocks of nearly known names": ("unknown-keyword", text("vrrp_instanc A {\n" * 10_000)),
    "10,000 nested virtual routers": ("missing-brace", text("vrrp_instance A {\n" * 10_000)),
    "300,000 opening braces": ("unexpected-brace", text("{\n" * 300_000)),
    "300,000 closing braces": ("surplus-brace", text("}\n" * 300_000)),
    "300,000 unknown keywords": ("unknown-keyword", text("nonsense here\n" * 300_000)),
    "300,000 unknown keywords, no two alike": ("unknown-keyword", text("\n".join(f"vrrp_{n}" for n in range(300_000)))),
    "300,000 keywords without arguments": ("missing-argument", text("global_defs {\n" + "router_id\n" * 300_000 + "}\n")),
    "300,000 open quotes": ("unterminated-quote", text('global_defs {\nrouter_id "x\n' * 150_000)),
    "50,000 virtual routers on one number": ("duplicate", text("".join(ROUTER.format(n=n) for n in range(50_000)))),
    "50,000 virtual addresses": (
        "too-many",
        text(
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n"
            + "".join(f"10.0.{n >> 8}.{n & 255}\n" for n in range(50_000)) * 2
            + "}\n}\n"
        ),
    ),
    "100,000 real servers, each twice": (
        "duplicate",
        text(
            "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n"
            + "".join(f"real_server 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 80 {{\n}}\n" for n in [*range(50_000)] * 2)
            + "}\n"
        ),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_a_diagnostic_soon(name: str, tmp_path: Path) -> None:
    code, write = HOSTILE[name]
    path = tmp_path / "hostile.conf"
    write(path)
    checked = run([sys.executable, "-m", "vrrpd", "check", "--json", path])
    assert checked.exit_code in {4, 5}, checked.output[-2000:]
    said = {one["code"] for one in json.loads(checked.output)["diagnostics"]}
    assert code in said
    assert checked.processor_s <= TIME_MAX_S
    assert checked.peak_mib <= MEMORY_MAX_MIB
