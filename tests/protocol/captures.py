"""What keepalived 2.2.7 put on the wire, as whole IP packets, and the configurations that made it do so.

Director 1 (192.168.4.5, priority 100) and director 2 (192.168.4.6, priority 50) are of virtual router 50. Of each setting there
are the first advert of each, and the farewell of the first. `use_vmac` changes nothing above Ethernet.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from tests.protocol.routers import addresses, router
from vrrpd.config.model import (
    VRRP_GROUP6,
    Address,
    Authentication,
    AuthenticationType,
    OldChecksum,
    Unicast,
    UnicastPeer,
    VirtualAddress,
    VirtualRouter,
)

NONE = Authentication()
AH_1111 = Authentication(AuthenticationType.AH, b"1111")
IPV6: dict[str, Any] = {"version": 3, "family": 6, "authentication": NONE, "multicast_group": VRRP_GROUP6}


def addresses6(*texts: str) -> tuple[VirtualAddress, ...]:
    """Virtual addresses of IPv6."""
    return tuple(VirtualAddress(IPv6Address(text), 128, "eth0") for text in texts)


def peers(*texts: str, **settings: Any) -> Unicast:
    """Unicast to these addresses."""
    return Unicast(peers=tuple(UnicastPeer(ip_address(text)) for text in texts), **settings)


@dataclass(frozen=True)
class Capture:
    """One setting and what was heard of it."""

    name: str
    router: VirtualRouter
    """Of either director but for the priority; both are peers, as one's own address among them is left out."""
    advert: bytes
    """The first of director 1 as master."""
    of_director_2: bytes
    farewell: bytes


CAPTURES = (
    Capture(
        "PASS over version 2",
        router(),
        bytes.fromhex("45c0002800010000ff7015e5c0a80405e0000012 21326401010152b1c0a8040f3131313100000000"),
        bytes.fromhex("45c0002800010000ff7015e4c0a80406e0000012 21323201010184b1c0a8040f3131313100000000"),
        bytes.fromhex("45c0002800080000ff7015dec0a80405e0000012 213200010101b6b1c0a8040f3131313100000000"),
    ),
    Capture(
        "version 2, three addresses",
        router(authentication=NONE, addresses=addresses(15, 16, 17)),
        bytes.fromhex("45c0003000010000ff7015ddc0a80405e0000012 2132640300012c9fc0a8040fc0a80410c0a804110000000000000000"),
        bytes.fromhex("45c0003000010000ff7015dcc0a80406e0000012 2132320300015e9fc0a8040fc0a80410c0a804110000000000000000"),
        bytes.fromhex("45c0003000080000ff7015d6c0a80405e0000012 213200030001909fc0a8040fc0a80410c0a804110000000000000000"),
    ),
    Capture(
        "version 2 with authentication headers",
        router(authentication=AH_1111),
        bytes.fromhex(
            "45c0004000010000ff33160ac0a80405e0000012"
            "70040000c0a8040500000005bf3961af84ab347ebb9847a6"
            "213264010201b413c0a8040f0000000000000000"
        ),
        bytes.fromhex(
            "45c0004000010000ff331609c0a80406e0000012"
            "70040000c0a8040600000001167315e7b2f55eedc495b3c1"
            "213232010201e613c0a8040f0000000000000000"
        ),
        bytes.fromhex(
            "45c0004000080000ff331603c0a80405e0000012"
            "70040000c0a804050000000c201644a628ea633ee4b7ef98"
            "2132000102011814c0a8040f0000000000000000"
        ),
    ),
    Capture(
        "version 3, five adverts a second",
        router(version=3, authentication=NONE, advert_interval_s=0.2),
        bytes.fromhex("45c0002000010000ff7015edc0a80405e0000012 31326401001400c4c0a8040f"),
        bytes.fromhex("45c0002000010000ff7015ecc0a80406e0000012 31323201001432c3c0a8040f"),
        bytes.fromhex("45c0002000220000ff7015ccc0a80405e0000012 31320001001464c4c0a8040f"),
    ),
    Capture(
        "version 3 over IPv6",
        router(**IPV6, addresses=addresses6("fe80::15", "fd00:4::15")),
        bytes.fromhex(
            "6c0cbfac002870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
            "3132640200647184fe800000000000000000000000000015fd000004000000000000000000000015"
        ),
        bytes.fromhex(
            "6c07c0f0002870fffe80000000000000000000fffe000006ff020000000000000000000000000012"
            "313232020064a383fe800000000000000000000000000015fd000004000000000000000000000015"
        ),
        bytes.fromhex(
            "6c0cbfac002870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
            "313200020064d584fe800000000000000000000000000015fd000004000000000000000000000015"
        ),
    ),
    Capture(
        "version 2 to a peer",
        router(unicast=peers("192.168.4.5", "192.168.4.6")),
        bytes.fromhex("45c0002800010000ff703149c0a80405c0a80406 21326401010152b1c0a8040f3131313100000000"),
        bytes.fromhex("45c0002800010000ff703149c0a80406c0a80405 21323201010184b1c0a8040f3131313100000000"),
        bytes.fromhex("45c0002800080000ff703142c0a80405c0a80406 213200010101b6b1c0a8040f3131313100000000"),
    ),
    Capture(
        "version 3 to a peer",
        router(version=3, authentication=NONE, unicast=peers("192.168.4.5", "192.168.4.6")),
        bytes.fromhex("45c0002000010000ff703151c0a80405c0a80406 3132640100641bd8c0a8040f"),
        bytes.fromhex("45c0002000010000ff703151c0a80406c0a80405 3132320100644dd8c0a8040f"),
        bytes.fromhex("45c0002000080000ff70314ac0a80405c0a80406 3132000100647fd8c0a8040f"),
    ),
    Capture(
        "version 3 over IPv6 to a peer",
        router(**IPV6, addresses=addresses6("fd00:4::15"), unicast=peers("fd00:4::5", "fd00:4::6", ttl=64)),
        bytes.fromhex(
            "6c083f3e00187040fd000004000000000000000000000005fd000004000000000000000000000006"
            "31326401006472b1fd000004000000000000000000000015"
        ),
        bytes.fromhex(
            "6c083f3e00187040fd000004000000000000000000000006fd000004000000000000000000000005"
            "313232010064a4b1fd000004000000000000000000000015"
        ),
        bytes.fromhex(
            "6c083f3e00187040fd000004000000000000000000000005fd000004000000000000000000000006"
            "313200010064d6b1fd000004000000000000000000000015"
        ),
    ),
)


@dataclass(frozen=True)
class Single:
    """One setting of which one advert was heard."""

    name: str
    router: VirtualRouter
    source: Address
    advert: bytes


SINGLES = (
    Single(
        "version 2 over IPv6, which has no authentication data",
        router(**IPV6 | {"version": 2}, virtual_router_id=61, priority=255, addresses=addresses6("fe80::16")),
        IPv6Address("fe80::ff:fe00:5"),
        bytes.fromhex(
            "6c07a7e8001870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
            "213dff010001e405fe800000000000000000000000000016"
        ),
    ),
    Single(
        "version 2 over IPv6 with PASS, which has the type but no password",
        router(
            **IPV6 | {"version": 2, "authentication": Authentication(AuthenticationType.PASS, b"1111")},
            virtual_router_id=60,
            priority=255,
            addresses=addresses6("fe80::15", "fd00:4::15"),
        ),
        IPv6Address("fe80::ff:fe00:5"),
        bytes.fromhex(
            "6c07a7e8002870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
            "213cff020101e5dcfe800000000000000000000000000015fd000004000000000000000000000015"
        ),
    ),
    Single(
        "version 2 over IPv6 with AH, which there is not",
        router(
            **IPV6 | {"version": 2, "authentication": AH_1111},
            virtual_router_id=63,
            priority=255,
            addresses=addresses6("fe80::17"),
        ),
        IPv6Address("fe80::ff:fe00:5"),
        bytes.fromhex(
            "6c07a7e8001870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
            "213fff010001e402fe800000000000000000000000000017"
        ),
    ),
    Single(
        "authentication headers to a peer",
        router(
            authentication=AH_1111,
            virtual_router_id=64,
            priority=200,
            addresses=addresses(18),
            unicast=peers("192.168.4.6"),
        ),
        IPv4Address("192.168.4.5"),
        bytes.fromhex(
            "45c0004000010000ff33316ec0a80405c0a80406"
            "70040000c0a80405000000011924f9b15c0fbb5fa0e46e12"
            "2140c80102015002c0a804120000000000000000"
        ),
    ),
    Single(
        "the checksum of keepalived before 1.3.7",
        router(
            version=3,
            authentication=NONE,
            virtual_router_id=62,
            priority=255,
            unicast=Unicast(peers=(UnicastPeer(IPv4Address("192.168.4.6")),), old_checksum=OldChecksum.ALWAYS),
        ),
        IPv4Address("192.168.4.5"),
        bytes.fromhex("45c0002000010000ff703151c0a80405c0a80406 313eff0100646567c0a8040f"),
    ),
    Single(
        "authentication headers of another build",
        router(
            authentication=Authentication(AuthenticationType.AH, b"abcdefgh"),
            virtual_router_id=58,
            priority=200,
            addresses=addresses(88),
        ),
        IPv4Address("192.168.4.1"),
        bytes.fromhex(
            "45c0004000010000ff33160ec0a80401e0000012"
            "70040000c0a804010000000193d9527fbc771db400e9709e"
            "213ac80102014fc2c0a804580000000000000000"
        ),
    ),
)
"""All the first of their numbering."""
