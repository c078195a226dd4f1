"""Reading and changing the kernel's IPVS table.

    with Client() as client:
        owned = ownership(formerly_desired)
        failures = client.apply(diff(desired, client.table(), owned))

A client lives in the network namespace in which its socket was opened: the first use, or the socket handed in.
"""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

from ipvs import codec
from ipvs.errors import Failure, ModuleMissingError, PermissionDeniedError, refused
from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.netlink import NetlinkError, NetlinkOverrunError, NetlinkSocket
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.statistics import MeasuredRow
from ipvs.types import Row, ServiceKey

MODPROBE_TIMEOUT_S = 10.0
"""Loading the module takes well below a second; a machine that needs ten has other worries, and we must not hang with it."""


class Client:
    """The IPVS table of one network namespace. One thread at a time; every call blocks until the kernel has answered.

    Raises ModuleMissingError, PermissionDeniedError, and NetlinkError when the socket itself fails.
    """

    def __init__(self, netlink: NetlinkSocket | None = None) -> None:
        self._netlink = netlink
        self._family: int | None = None
        self.changes_sent = 0
        """Requests that change the table; `messages_sent` counts reading, too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back; the next use opens another."""
        if self._netlink is not None:
            self._netlink.close()
        self._netlink = self._family = None

    @property
    def messages_sent(self) -> int:
        """Netlink messages sent over the present socket, whatever they asked."""
        return 0 if self._netlink is None else self._netlink.messages_sent

    def info(self) -> codec.Info:
        """Version of IPVS and size of its connection table."""
        ((_kind, payload),) = self._ask(lambda netlink, family: netlink.query(codec.get_info(family)))
        return codec.decode_info(payload)

    def table(self) -> dict[ServiceKey, Row]:
        """All services with an address and their destinations; services by firewall mark are passed over."""
        return {
            answer.key: Row(answer.service, {found.key: found.destination for found in destinations})
            for answer, destinations in self._dump()
        }

    def table_with_statistics(self) -> dict[ServiceKey, MeasuredRow]:
        """As `table`, with the counters of the same dump."""
        table: dict[ServiceKey, MeasuredRow] = {}
        for answer, destinations in self._dump():
            row = Row(answer.service, {found.key: found.destination for found in destinations})
            measured = {found.key: codec.decode_destination_statistics(found) for found in destinations}
            statistics = codec.decode_service_statistics(answer, measured.values())
            table[answer.key] = MeasuredRow(row, statistics, measured)
        return table

    def apply(self, operations: Iterable[Operation]) -> list[Failure]:
        """Carry out all operations, in their order, and return those that the kernel refused for good.

        The table may have changed since it was read, so what counts is what an operation leaves behind: adding what is
        there sets it, deleting what is not there is done, setting what is not there adds it. A destination whose service
        could not be added is not reported on top of its service. Answers that got lost make the rest go out once more.
        """
        wanted = list(operations)
        try:
            return self._apply(wanted)
        except NetlinkOverrunError:
            return self._apply(wanted)

    def _apply(self, operations: Sequence[Operation]) -> list[Failure]:
        second_try: list[Operation] = []
        failures: list[Failure] = []
        for operation, refusal in self._send(operations):
            other = _otherwise(operation, refusal)
            if other is not None:
                second_try.append(other)
            elif not _already_done(operation, refusal):
                failures.append(Failure(operation, refused(operation, refusal.errno or 0, refusal.strerror or "")))
        for operation, refusal in self._send(second_try):
            failures.append(Failure(operation, refused(operation, refusal.errno or 0, refusal.strerror or "")))
        return _without_consequences(failures)

    def _send(self, operations: Sequence[Operation]) -> Iterator[tuple[Operation, NetlinkError]]:
        """Send all and yield those that were refused."""
        if not operations:
            return
        netlink, family = self._conversation()
        self.changes_sent += len(operations)
        outcome = netlink.request([codec.encode(operation, family) for operation in operations])
        for operation, refusal in zip(operations, outcome, strict=True):
            if refusal is not None:
                if refusal.errno == errno.EPERM:
                    raise PermissionDeniedError from refusal
                yield operation, refusal

    def _dump(self) -> Iterator[tuple[codec.ServiceAnswer, list[codec.DestinationAnswer]]]:
        services = self._ask(lambda netlink, family: netlink.dump(codec.dump_services(family)))
        netlink, family = self._conversation()
        for _kind, payload in services:
            service = codec.decode_service(payload)
            if service is None:
                continue
            key = service.key
            answers = netlink.dump(codec.dump_destinations(family, key))
            found = (codec.decode_destination(payload, key.address) for _kind, payload in answers)
            yield service, [destination for destination in found if destination is not None]

    def _ask(self, question: Callable[[NetlinkSocket, int], list[tuple[int, memoryview]]]) -> list[tuple[int, memoryview]]:
        """Ask, and once more with the family's new number when IPVS was unloaded since the last time (ENOENT)."""
        try:
            return question(*self._conversation())
        except NetlinkError as error:
            if error.errno == errno.EPERM:
                raise PermissionDeniedError from error
            if error.errno != errno.ENOENT:
                raise
            self._family = None
            return question(*self._conversation())

    def _conversation(self) -> tuple[NetlinkSocket, int]:
        """The socket and the family's number, found anew by the first call."""
        if self._netlink is None:
            self._netlink = NetlinkSocket(NETLINK_GENERIC)
        if self._family is None:
            self._family = family_id(self._netlink, codec.FAMILY_NAME) or _load_module(self._netlink)
        return self._netlink, self._family


def _load_module(netlink: NetlinkSocket) -> int:
    try:
        done = subprocess.run(["modprobe", "ip_vs"], capture_output=True, text=True, timeout=MODPROBE_TIMEOUT_S, check=False)
        attempt = f"modprobe: {done.stderr.strip() or 'no error'}"
    except (OSError, subprocess.TimeoutExpired) as error:
        attempt = f"modprobe: {error}"
    family = family_id(netlink, codec.FAMILY_NAME)
    if family is None:
        raise ModuleMissingError(attempt)
    return family


def _otherwise(operation: Operation, refusal: NetlinkError) -> Operation | None:
    """The operation that reaches the same end in a table that is not as it was thought to be."""
    match operation, refusal.errno:
        case AddService(key, service), errno.EEXIST:
            return SetService(key, service)
        case SetService(key, service), errno.ESRCH:
            return AddService(key, service)
        case AddDestination(service_key, key, destination), errno.EEXIST:
            return SetDestination(service_key, key, destination)
        case SetDestination(service_key, key, destination), errno.ENOENT:
            return AddDestination(service_key, key, destination)
    return None


def _already_done(operation: Operation, refusal: NetlinkError) -> bool:
    """A missing service is ESRCH, a missing destination ENOENT."""
    return isinstance(operation, DeleteService | DeleteDestination) and refusal.errno in (errno.ESRCH, errno.ENOENT)


def _without_consequences(failures: Sequence[Failure]) -> list[Failure]:
    """Leave out destinations that were refused only because their service was."""
    refused_services = {f.operation.key for f in failures if isinstance(f.operation, AddService | SetService)}
    return [
        failure
        for failure in failures
        if not (
            isinstance(failure.operation, AddDestination | SetDestination)
            and failure.error.errno == errno.ESRCH
            and failure.operation.service_key in refused_services
        )
    ]
