"""The configuration of a large site: many virtual servers with many real servers, in words that both daemons know."""

from __future__ import annotations

from ipaddress import IPv4Address

from ipvs.types import DestinationKey, Protocol, ServiceKey

SERVERS_NETWORK = "172.16.0.0/12"
"""Where all real servers are."""
TCP_CHECK = """\
        TCP_CHECK {
            connect_port 80
            connect_timeout 3
            retry 2
        }
"""


def configuration(virtual_servers: int, real_servers: int, *, checked: bool = True) -> str:
    """The file's text: with 2,284 virtual servers of 16 real servers each, all checked, about 306,000 lines."""
    check = TCP_CHECK if checked else ""
    return "\n".join(_virtual_server(number, real_servers, check) for number in range(virtual_servers))


def service(number: int) -> ServiceKey:
    """The service of a virtual server, counted from 0."""
    return ServiceKey(Protocol.TCP, IPv4Address(f"10.{number >> 8}.{number & 255}.1"), 80)


def destination(number: int, own: int) -> DestinationKey:
    """A real server of a virtual server, counted from 1, which is its weight, too."""
    return DestinationKey(IPv4Address(f"172.{16 + (number >> 8)}.{number & 255}.{own}"), 80)


def _virtual_server(number: int, real_servers: int, check: str) -> str:
    head = (
        f"virtual_server {service(number).address} 80 {{\n    delay_loop 5\n    lb_algo wlc\n    lb_kind DR\n    protocol TCP\n"
    )
    return head + "".join(_real_server(number, own, check) for own in range(1, real_servers + 1)) + "}\n"


def _real_server(number: int, own: int, check: str) -> str:
    return f"    real_server {destination(number, own).address} 80 {{\n        weight {own}\n{check}    }}\n"
