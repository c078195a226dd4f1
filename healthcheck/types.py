"""What is checked, and what came out, as plain values.

A check is a hashable value: two real servers that ask the same question carry equal checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Pace:
    """When a check runs and how patient it is; seconds as in keepalived.conf."""

    delay_loop_s: float = 60.0
    """From the end of one check to the start of the next."""
    retry: int = 1
    """Further tries before a server that was up is called down."""
    delay_before_retry_s: float = 1.0
    warmup_s: float | None = None
    """The first check starts at a random moment within this time, plus one second; None is `delay_loop_s`."""


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Up while a TCP connection can be opened within `connect_timeout_s`."""

    address: Address
    port: int
    pace: Pace = Pace()
    connect_timeout_s: float = 5.0
    bind_address: Address | None = None
    bind_port: int = 0
    bind_interface: str | None = None
    mark: int = 0
    """SO_MARK of the probe's packets; 0 sets none."""
    log_all_failures: bool = False


Check = TcpCheck
"""Every kind of check; grows with each probe."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The outcome of one probe."""

    success: bool
    latency_s: float
    reason: str
    """What a person reads: `connected`, `connection refused`, `timed out after 3 s` ..."""


@dataclass(frozen=True, slots=True)
class NotProbed:
    """No probe took place: this machine lacked a descriptor, an address, a right. Says nothing about the server."""

    reason: str
    """`cannot bind to 192.0.2.1: cannot assign requested address` ..."""


Outcome = ProbeResult | NotProbed
"""What became of a probe that was asked for."""
