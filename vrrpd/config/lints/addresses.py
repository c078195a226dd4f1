"""Virtual addresses that do not say in which network they are."""

from __future__ import annotations

from vrrpd.config.diagnostics import Code
from vrrpd.config.line import Line
from vrrpd.config.lints.subject import Subject
from vrrpd.config.values import BadValueError, read_address

BLOCKS = ("virtual_ipaddress", "virtual_ipaddress_excluded", "static_ipaddress")
LOOPBACK = "lo"


def lint_addresses(subject: Subject) -> None:
    """One message for each block with such addresses."""
    for node in (node for block in subject.blocks for name in BLOCKS for node in block.all(name)):
        short = [entry for entry in node.entries if _has_no_length(entry)]
        if not short:
            continue
        address = read_address(short[0].words[0])
        others = f", nor have {len(short) - 1} more" if len(short) > 1 else ""
        what = f"a host of its own, /{address.max_prefixlen}"
        subject.report.lint(
            Code.NO_PREFIX_LENGTH,
            short[0],
            0,
            f"{address} has no prefix length{others}: it becomes {what}, and no network comes with it"
            + (". The kernel then never uses it as a source address by itself" if address.version == 6 else ""),
            advice=f"write the network's length, as in `{address}/{24 if address.version == 4 else 64}`, or "
            f"`/{address.max_prefixlen}` if another address of the interface brings the network",
        )


def _has_no_length(entry: Line) -> bool:
    """Whether a network is missed. On the loopback interface an address has none."""
    words = entry.words
    if "/" in words[0] or "peer" in words or f"dev {LOOPBACK}" in " ".join(words[1:]):
        return False
    try:
        read_address(words[0])
    except BadValueError:
        return False
    return True
