"""`unicast_peer`: to whom adverts go, and from whom they come."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import OldChecksum, Unicast, UnicastPeer

PEER = UnicastPeer(IPv4Address("10.0.0.1"))
ONE = "unicast_peer {\n10.0.0.1\n}"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), None),
        (("unicast_ttl 5",), None),
        ((ONE,), Unicast((PEER,))),
        (("unicast_peer {\n10.0.0.1\n10.0.0.2\n}",), Unicast((PEER, UnicastPeer(IPv4Address("10.0.0.2"))))),
        ((ONE, "unicast_ttl 64"), Unicast((PEER,), ttl=64)),
        ((ONE, "check_unicast_src"), Unicast((PEER,), check_source=True)),
        ((ONE, "unicast_fault_no_peer"), Unicast((PEER,), fault_without_peer=True)),
        ((ONE, "old_unicast_checksum"), Unicast((PEER,), old_checksum=OldChecksum.ALWAYS)),
        ((ONE, "old_unicast_checksum never"), Unicast((PEER,), old_checksum=OldChecksum.NEVER)),
        (("unicast_peer {\n}", "unicast_fault_no_peer"), Unicast(fault_without_peer=True)),
        (
            ("unicast_peer {\n10.0.0.1 min_ttl 250 max_ttl 255\n}",),
            Unicast((UnicastPeer(IPv4Address("10.0.0.1"), 250, 255),), check_source=True),
        ),
    ],
)
def test_peers(reader: Reader, settings: tuple[str, ...], expected: Unicast | None) -> None:
    assert reader.written_router(*settings).unicast == expected
    assert reader.mistakes(INSTANCE.format("\n ".join(settings))) == []


def test_sources_are_checked_where_global_defs_says_so(reader: Reader) -> None:
    config = reader.model("global_defs {\n vrrp_check_unicast_src\n}\n" + INSTANCE.format(ONE))
    assert config.virtual_routers[0].unicast == Unicast((PEER,), check_source=True)


@pytest.mark.parametrize(
    ("entries", "message", "peers"),
    [
        ("", "7:2 missing-setting", 0),
        ("10.0.0.1\n10.0.0.1", "9:1 duplicate", 1),
        ("10.0.0.1\n2001:db8::1", "9:1 address-family", 1),
        ("router2\n10.0.0.1", "8:1 bad-value", 1),
        ("10.0.0.1 min_ttl 256", "8:18 bad-value", 0),
        ("10.0.0.1 min_ttl", "8:10 bad-value", 0),
        ("10.0.0.1 min_ttl 9 max_ttl 8", "8:28 bad-value", 0),
        ("10.0.0.1 ttl 9", "8:10 unknown-option", 0),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, entries: str, message: str, peers: int) -> None:
    setting = f"unicast_peer {{\n{entries}\n}}"
    assert reader.mistakes(INSTANCE.format(setting)) == [message]
    unicast = reader.written_router(setting).unicast
    assert (len(unicast.peers) if unicast else 0) == peers
