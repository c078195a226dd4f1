"""What every check takes from around it: its own block, else its real server's, else its virtual server's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, TypeVar, cast

from healthcheck.types import Pace
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import Address
from vrrpd.config.settings import switch
from vrrpd.config.tree import Node

T = TypeVar("T")
DELAY_LOOP_S = 60.0
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a check is found."""

    real: Node
    virtual: Node
    settings: Node
    """`global_defs`."""
    address: Address
    """The real server's."""
    port: int
    """The real server's as written; 0 where it names none."""
    names: Mapping[str, Mapping[str, Node]]
    """What was declared above and may be referred to: `track_file` and `bfd_instance` blocks by name."""


class NetworkSettings(TypedDict):
    """The fields of :class:`healthcheck.types.NetworkCheck`."""

    address: Address
    port: int
    pace: Pace
    connect_timeout_s: float
    bind_address: Address | None
    bind_port: int
    bind_interface: str | None
    mark: int
    log_all_failures: bool


class CheckLayers:
    """A check's block and those around it, the nearest first."""

    def __init__(self, check: Node, around: Surroundings, report: Report) -> None:
        self.check = check
        self.around = around
        self.report = report
        host = check.last("host")
        self._in_force: dict[str, Node] = {}
        for block in (around.virtual, around.real, check, *([host] if host else [])):
            self._in_force.update(block.in_force())

    def nearest(self, name: str, default: T) -> T:
        """The setting of the nearest block that has it, else `default`."""
        node = self._in_force.get(name)
        return cast("T", node.values[0]) if node else default

    @property
    def alpha(self) -> bool:
        """Whether the check must succeed before its server first serves."""
        node = self._in_force.get("alpha")
        return node is not None and (not node.values or bool(node.values[0]))

    @property
    def log_all_failures(self) -> bool:
        """Whether each failed try is logged."""
        by_default = switch(self.around.settings, "checker_log_all_failures", default=False)
        return switch(self.check, "log_all_failures", by_default)

    def pace(self, *, retry: int = 1, delay_before_retry_s: float | None = 1.0) -> Pace:
        """When the check runs. The arguments are its kind's defaults; None is the delay from one check to the next."""
        delay_loop_s = self.nearest("delay_loop", DELAY_LOOP_S)
        return Pace(
            delay_loop_s=delay_loop_s,
            retry=self.nearest("retry", retry),
            delay_before_retry_s=self.nearest(
                "delay_before_retry", delay_loop_s if delay_before_retry_s is None else delay_before_retry_s
            ),
            warmup_s=self.nearest("warmup", cast("float | None", None)),
        )

    def network(self, pace: Pace, *, needs_port: bool = True) -> NetworkSettings:
        """How the check reaches the server. It asks the port as written, whatever port connections go to."""
        address = self.nearest("connect_ip", self.around.address)
        port = self.nearest("connect_port", self.around.port)
        if needs_port and port == 0:
            self.report.warning(
                Code.CHECK_WITHOUT_PORT,
                self.check.line,
                0,
                "neither the real server nor the check names a port",
                assumed="port 0, which nobody answers",
                advice="add `connect_port`",
            )
        interface = self.nearest("bind_if", cast("str | None", None))
        if address.is_link_local and address.version == 6 and interface is None:
            self.report.error(
                Code.MISSING_SETTING,
                self.check.line,
                0,
                f"{address} is there on every link, so the check needs `bind_if`",
                assumed="any interface",
                advice="add `bind_if INTERFACE`",
            )
        return NetworkSettings(
            address=address,
            port=port,
            pace=pace,
            connect_timeout_s=self.nearest("connect_timeout", CONNECT_TIMEOUT_S),
            bind_address=self._bind_address(address),
            bind_port=self.nearest("bind_port", 0),
            bind_interface=interface,
            mark=self.nearest("fwmark", 0),
            log_all_failures=self.log_all_failures,
        )

    def _bind_address(self, address: Address) -> Address | None:
        """The source address, which must be of the family of what is asked."""
        found = self._in_force.get("bindto")
        if found is None:
            return None
        source = cast("Address", found.values[0])
        if source.version != address.version:
            self.report.error(
                Code.ADDRESS_FAMILY, found.line, 1, f"{source} and {address} are of two families", assumed="any source address"
            )
            return None
        return source
