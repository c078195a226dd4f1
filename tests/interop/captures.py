"""Frames that keepalived put on a wire, captured with tcpdump: what vrrpd has to say in its place.

First of 2.2.7 of Debian 12. The sender is director 1: 192.168.4.5, 02:00:00:00:00:05, virtual router 50 with priority 100 and
an advert each second. The adverts are the first after its start; it took its leave with the eighth.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from tests.protocol import routers

MAC = bytes.fromhex("020000000005")
TO_GROUP = bytes.fromhex("01005e000012") + MAC + bytes.fromhex("0800")
"""The Ethernet header of an advert."""

PASS_ADVERT = TO_GROUP + routers.KEEPALIVED_PASS
"""With `auth_type PASS`, `auth_pass 1111` and the address 192.168.4.15."""
PASS_FAREWELL = TO_GROUP + routers.KEEPALIVED_PASS_FAREWELL
THREE_ADDRESSES_ADVERT = TO_GROUP + routers.KEEPALIVED_THREE_ADDRESSES
"""Without authentication; 192.168.4.15, 192.168.4.16/24 and 192.168.4.17/24."""
THREE_ADDRESSES_FAREWELL = TO_GROUP + routers.KEEPALIVED_THREE_ADDRESSES_FAREWELL

ANNOUNCEMENTS = (
    bytes.fromhex("ffffffffffff 020000000005 0806 0001080006040001 020000000005 c0a8040f ffffffffffff c0a8040f"),
    bytes.fromhex("ffffffffffff 020000000005 0806 0001080006040001 020000000005 c0a80410 ffffffffffff c0a80410"),
    bytes.fromhex("ffffffffffff 020000000005 0806 0001080006040001 020000000005 c0a80411 ffffffffffff c0a80411"),
)
"""Of the three addresses, in this order, round after round; the first alone where there is one address."""

# What keepalived 2.4 said on another host, 192.168.4.1. The adverts of its virtual routers are each a second apart.
OTHER_SOURCE = IPv4Address("192.168.4.1")
KEY_ID, KEY = 1, b"0123456789abcdef0123456789abcdef"
KEYED_MESSAGE = bytes.fromhex("313cc80100649c22c0a8045a")
"""Version 3, virtual router 60 with priority 200 and 192.168.4.90."""
KEYED_TRAILER = bytes.fromhex("010100006b00e6f14d740000 bed8444f23e60c4e3af5e8b03f840896")
AUTHENTICATED_PACKET = bytes.fromhex(
    "45c0004000010000ff33160ec0a80401e0000012 70040000c0a804010000000193d9527fbc771db400e9709e"
    "213ac80102014fc2c0a804580000000000000000"
)
"""Version 2 with `auth_type AH` and `auth_pass abcdefgh`, virtual router 58 with priority 200 and 192.168.4.88: the first."""
