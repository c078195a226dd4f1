"""Reading and changing the kernel's IPVS table.

    with Client() as client:
        owned = ownership(formerly_desired)
        failures = client.apply(diff(desired, client.table(), owned))

Every wait has an end, and every trouble that passes is met by a bounded number of new tries over a new socket. What is left
over is OutOfStepError: read the table again, later.
"""

from __future__ import annotations

import errno
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Self, TypeVar

from ipvs import administration, codec, overview
from ipvs.administration import Info, SyncDaemon, SyncRole, Timeouts
from ipvs.errors import (
    CommandRefusedError,
    Failure,
    ModuleMissingError,
    NamespaceError,
    OutOfStepError,
    PermissionDeniedError,
    UnreadableAnswerError,
    refused,
)
from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.namespaces import in_namespace
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
from ipvs.overview import Overview
from ipvs.statistics import MeasuredRow
from ipvs.types import Row, RowKey

MODPROBE_TIMEOUT_S = 10.0
"""Loading the module takes well below a second; a machine that needs ten has other worries, and we must not hang with it."""
TRIES_MAX = 3
"""Of reading, each over a new socket: one for a loss, one for the module that was loaded anew behind our back, and one more."""

T = TypeVar("T")

DAEMON_REMEDIES: Mapping[int, str] = {
    errno.EEXIST: "one of this role runs already; stop it first",
    errno.ENODEV: "there is no such network interface",
    errno.EINVAL: (
        "check that the group is a multicast address, and that no real server has another address family than its service, "
        "which cannot be synchronised"
    ),
    errno.EADDRNOTAVAIL: "the network interface needs an address",
    errno.ENETUNREACH: "the network interface needs to be up, with an address of the group's family",
}
TIMEOUT_REMEDIES: Mapping[int, str] = {errno.EINVAL: "a time-out is at most 2,147,483 s, on kernels with a fast clock less"}


def open_generic() -> NetlinkSocket:
    """A socket in the caller's network namespace."""
    return NetlinkSocket(NETLINK_GENERIC)


class Client:
    """The IPVS table of one network namespace. One thread at a time; every call blocks until the kernel has answered.

    `namespace` is a name of `ip netns` or a path; None is the namespace of the thread that makes the first call. Raises
    ModuleMissingError, PermissionDeniedError, NamespaceError, OutOfStepError, and NetlinkError when the socket itself fails.
    """

    def __init__(self, namespace: str | None = None, *, open_netlink: Callable[[], NetlinkSocket] = open_generic) -> None:
        self._namespace = namespace
        self._open_netlink = open_netlink
        self._netlink: NetlinkSocket | None = None
        self._family: int | None = None
        self._sent_before = 0
        self.changes_sent = 0
        """Requests that change the table; `messages_sent` counts reading, too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back; the next use opens another."""
        if self._netlink is not None:
            self._sent_before += self._netlink.messages_sent
            self._netlink.close()
        self._netlink = self._family = None

    @property
    def messages_sent(self) -> int:
        """Netlink messages sent so far, whatever they asked."""
        return self._sent_before + (0 if self._netlink is None else self._netlink.messages_sent)

    # -- the table

    def table(self) -> dict[RowKey, Row]:
        """All services and their destinations."""
        return self._ask(lambda netlink, family: {answer.key: _row(answer, found) for answer, found in _dump(netlink, family)})

    def rows(self, keys: Iterable[RowKey]) -> dict[RowKey, Row]:
        """Those of these services that are there, with their destinations."""
        return self._ask(
            lambda netlink, family: {key: _row(*found) for key in keys if (found := _answers(netlink, family, key))}
        )

    def overview(self) -> Overview | None:
        """What /proc shows of the table; None where it shows nothing. Asks nothing of netlink, and so loads no module."""
        try:
            return overview.parse(in_namespace(self._namespace, overview.PATH.read_bytes))
        except (OSError, NamespaceError):
            return None

    def table_with_statistics(self) -> dict[RowKey, MeasuredRow]:
        """As `table`, with the counters of the same dump."""
        return self._ask(
            lambda netlink, family: {answer.key: _measured(answer, found) for answer, found in _dump(netlink, family)}
        )

    def rows_with_statistics(self, keys: Iterable[RowKey]) -> dict[RowKey, MeasuredRow]:
        """As `rows`, with the counters of the same answers."""
        return self._ask(
            lambda netlink, family: {key: _measured(*found) for key in keys if (found := _answers(netlink, family, key))}
        )

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
            self.close()
        try:
            return self._apply(wanted)
        except NetlinkOverrunError as error:
            self.close()
            raise OutOfStepError(str(error)) from error

    def zero(self, key: RowKey | None = None) -> None:
        """Begin to count anew: one service with its destinations, or all. Connections there are now stay counted."""
        what = "all services" if key is None else f"service {key}"
        remedies = {errno.ESRCH: "there is no such service"}
        self._command(f"zero the counters of {what}", lambda family: administration.zero(family, key), remedies)

    def flush(self) -> None:
        """Delete every service, whoever put it there."""
        self._command("flush the table", administration.flush, {})

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
        codes = {refusal.errno for refusal in outcome if refusal is not None}
        if errno.EPERM in codes:
            raise PermissionDeniedError
        if errno.ENOENT in codes:
            self._check_family(netlink, family)
        for operation, refusal in zip(operations, outcome, strict=True):
            if refusal is not None:
                yield operation, refusal

    # -- IPVS as a whole

    def info(self) -> Info:
        """Version of IPVS and size of its connection table."""
        return self._ask(lambda netlink, family: _only(netlink, administration.get_info(family), administration.decode_info))

    def timeouts(self) -> Timeouts:
        """How long idle connections are remembered."""
        return self._ask(
            lambda netlink, family: _only(netlink, administration.get_timeouts(family), administration.decode_timeouts)
        )

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set those that are not None."""
        self._command("set the time-outs", lambda family: administration.set_timeouts(family, timeouts), TIMEOUT_REMEDIES)

    def daemons(self) -> list[SyncDaemon]:
        """The synchronisation daemons that run, with what the kernel chose for them."""
        return self._ask(
            lambda netlink, family: [
                administration.decode_daemon(payload) for _kind, payload in netlink.dump(administration.dump_daemons(family))
            ]
        )

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Start a synchronisation daemon. Raises CommandRefusedError, also when one of its role runs already."""
        what = f"start the synchronisation daemon as {daemon.role.name.lower()} on {daemon.interface}"
        self._command(what, lambda family: administration.start_daemon(family, daemon), DAEMON_REMEDIES)

    def stop_daemon(self, role: SyncRole) -> None:
        """Stop the synchronisation daemon of a role; without one there is nothing to do."""
        what = f"stop the synchronisation daemon as {role.name.lower()}"
        done = frozenset({errno.ESRCH})
        self._command(what, lambda family: administration.stop_daemon(family, role), DAEMON_REMEDIES, done)

    def _command(
        self, what: str, encode: Callable[[int], bytes], remedies: Mapping[int, str], done: frozenset[int] = frozenset()
    ) -> None:
        """One request without data in answer. It is not sent twice: a daemon whose start was lost may have started.

        Behind it goes a question that is always answered: to a daemon's stop before its thread first ran (EINTR) the kernel
        says nothing at all, not even that it is done.
        """
        netlink, family = self._conversation()
        self.changes_sent += 1
        try:
            refusal, _answered = netlink.request([encode(family), administration.get_info(family)])
        except NetlinkOverrunError as error:
            self.close()
            raise OutOfStepError(str(error)) from error
        if refusal is None or refusal.errno in done:
            return
        if refusal.errno == errno.EPERM:
            raise PermissionDeniedError
        if refusal.errno == errno.ENOENT:
            self._check_family(netlink, family)
        raise CommandRefusedError(what, refusal.errno or 0, refusal.strerror or "", remedies)

    # -- the conversation

    def _ask(self, question: Callable[[NetlinkSocket, int], T]) -> T:
        """Ask, and from the start over a new socket when answers got lost, a dump was still under way (EBUSY), or IPVS was
        unloaded since the last time (ENOENT) and so has another number.
        """
        for _ in range(TRIES_MAX):
            netlink, family = self._conversation()
            try:
                return question(netlink, family)
            except NetlinkError as error:
                if error.errno == errno.EPERM:
                    raise PermissionDeniedError from error
                if not isinstance(error, NetlinkOverrunError) and error.errno not in (errno.ENOENT, errno.EBUSY):
                    raise
                trouble = error
                self.close()
            except (KeyError, ValueError, struct.error) as error:
                raise UnreadableAnswerError(repr(error)) from error
        raise OutOfStepError(str(trouble)) from trouble

    def _conversation(self) -> tuple[NetlinkSocket, int]:
        """The socket and the family's number, found anew by the first call."""
        if self._netlink is None:
            self._netlink = in_namespace(self._namespace, self._open_netlink)
        if self._family is None:
            self._family = family_id(self._netlink, codec.FAMILY_NAME) or _load_module(self._netlink)
        return self._netlink, self._family

    def _check_family(self, netlink: NetlinkSocket, family: int) -> None:
        """ENOENT is also what an unloaded module's number gets: the whole table is gone with it."""
        if family_id(netlink, codec.FAMILY_NAME) != family:
            self.close()
            raise OutOfStepError("the module ip_vs was unloaded in the middle")


def _dump(netlink: NetlinkSocket, family: int) -> Iterator[tuple[codec.ServiceAnswer, list[codec.DestinationAnswer]]]:
    """One service after the other: of a large table the undecoded attributes are never there all at once."""
    for _kind, payload in netlink.dump(codec.dump_services(family)):
        service = codec.decode_service(payload)
        answers = netlink.dump(codec.dump_destinations(family, service.key))
        yield service, [codec.decode_destination(answer, service.key) for _kind, answer in answers]


def _answers(
    netlink: NetlinkSocket, family: int, key: RowKey
) -> tuple[codec.ServiceAnswer, list[codec.DestinationAnswer]] | None:
    """One service; None if it is not there."""
    try:
        service = _only(netlink, codec.get_service(family, key), codec.decode_service)
    except NetlinkError as error:
        if error.errno != errno.ESRCH:
            raise
        return None
    answers = netlink.dump(codec.dump_destinations(family, key))
    return service, [codec.decode_destination(answer, key) for _kind, answer in answers]


def _row(answer: codec.ServiceAnswer, found: Sequence[codec.DestinationAnswer]) -> Row:
    return Row(answer.service, {each.key: each.destination for each in found})


def _measured(answer: codec.ServiceAnswer, found: Sequence[codec.DestinationAnswer]) -> MeasuredRow:
    measured = {each.key: codec.decode_destination_statistics(each) for each in found}
    return MeasuredRow(_row(answer, found), codec.decode_service_statistics(answer, measured.values()), measured)


def _only(netlink: NetlinkSocket, request: bytes, decode: Callable[[memoryview], T]) -> T:
    ((_kind, payload),) = netlink.query(request)
    return decode(payload)


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
