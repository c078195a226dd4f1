"""Frames that keepalived 2.2.7 of Debian 12 put on a wire, captured with tcpdump: what vrrpd has to say in its place.

The sender is director 1: 192.168.4.5, 02:00:00:00:00:05, virtual router 50 with priority 100 and an advert each second. The
adverts are the first after its start; it took its leave with the eighth.
"""

from __future__ import annotations

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
