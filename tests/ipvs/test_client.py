"""What the client makes of the kernel's answers."""

import errno
import struct
import subprocess
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from ipvs import codec
from ipvs.administration import SyncDaemon, SyncRole, Timeouts
from ipvs.client import TRIES_MAX, Client
from ipvs.codec import Command
from ipvs.errors import (
    AlreadyExistsError,
    CommandRefusedError,
    DoesNotExistError,
    MixedFamilyError,
    ModuleMissingError,
    OutOfStepError,
    PermissionDeniedError,
    UnknownSchedulerError,
    UnreadableAnswerError,
)
from ipvs.genetlink import GENL_ID_CTRL
from ipvs.netlink import NetlinkError, NetlinkSocket, attribute
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import Destination, DestinationKey, Forwarding, MarkKey, Protocol, Row, Service, ServiceKey

from .fake_kernel import FakeKernel, Request, acknowledged, done, refused, reply

FAMILY = 35
WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
ONE, TWO = (DestinationKey(ip_address(f"198.51.100.{i}"), 80) for i in (1, 2))
SIX = DestinationKey(ip_address("2001:db8::6"), 80)
WRR = Service("wrr")
DR = Destination(Forwarding.DR, 1)

EVERY_OPERATION: list[Operation] = [
    AddService(WEB, WRR),
    SetService(WEB, WRR),
    AddDestination(WEB, ONE, DR),
    SetDestination(WEB, ONE, DR),
    DeleteDestination(WEB, TWO),
    DeleteService(WEB),
]


class FakeIpvs(FakeKernel):
    """Knows the family IPVS; refuses each command with the errors given, one after the other, and then allows it."""

    def __init__(self, refusals: dict[Command, list[int]] | None = None) -> None:
        super().__init__(self.respond)
        self.refusals = refusals or {}
        self.family: bytes | None = attribute(1, struct.pack("=H", FAMILY))
        self.services: list[bytes] = []
        self.destinations: list[bytes] = []

    def respond(self, request: Request) -> list[bytes | OSError]:
        if request.kind == GENL_ID_CTRL:
            if self.family is None:
                return [refused(request, errno.ENOENT)]
            return [reply(request, GENL_ID_CTRL, b"\1\2\0\0" + self.family), *acknowledged(request)]
        assert request.kind == FAMILY
        planned = self.refusals.get(Command(request.command))
        if planned:
            code = planned.pop(0)
            return [OSError(errno.ENOBUFS, "full")] if code == errno.ENOBUFS else [refused(request, code)]
        if request.command == Command.GET_SERVICE:
            return [*(reply(request, FAMILY, service) for service in self.services), done(request)]
        if request.command == Command.GET_DEST:
            return [*(reply(request, FAMILY, destination) for destination in self.destinations), done(request)]
        return acknowledged(request)

    def asked(self) -> list[Command]:
        """The commands to IPVS, in their order."""
        return [Command(request.command) for request in self.requests if request.kind == FAMILY]


def client_of(kernel: FakeKernel) -> Client:
    return Client(open_netlink=lambda: NetlinkSocket(16, kernel))


def octets(operation: Operation) -> bytes:
    """An operation's payload, which a dump's answer resembles."""
    return codec.encode(operation, FAMILY)[16:]


# ---- applying


def test_all_operations_go_out_in_one_send_and_in_their_order() -> None:
    kernel = FakeIpvs()
    client = client_of(kernel)
    assert client.apply(EVERY_OPERATION) == []
    assert [command.name for command in kernel.asked()] == [
        "NEW_SERVICE",
        "SET_SERVICE",
        "NEW_DEST",
        "SET_DEST",
        "DEL_DEST",
        "DEL_SERVICE",
    ]
    assert kernel.sends == [1, len(EVERY_OPERATION)]
    assert (client.changes_sent, client.messages_sent) == (6, 7)


def test_nothing_to_do_sends_nothing() -> None:
    kernel = FakeIpvs()
    assert client_of(kernel).apply([]) == []
    assert kernel.requests == []


def test_the_family_is_asked_for_once() -> None:
    kernel = FakeIpvs()
    client = client_of(kernel)
    client.apply([DeleteService(WEB)])
    client.apply([DeleteService(WEB)])
    assert [request.kind for request in kernel.requests] == [GENL_ID_CTRL, FAMILY, FAMILY]


@pytest.mark.parametrize(
    ("operation", "code", "then"),
    [
        (AddService(WEB, WRR), errno.EEXIST, SetService(WEB, WRR)),
        (SetService(WEB, WRR), errno.ESRCH, AddService(WEB, WRR)),
        (AddDestination(WEB, ONE, DR), errno.EEXIST, SetDestination(WEB, ONE, DR)),
        (SetDestination(WEB, ONE, DR), errno.ENOENT, AddDestination(WEB, ONE, DR)),
    ],
)
def test_an_operation_that_does_not_fit_the_table_is_made_to(operation: Operation, code: int, then: Operation) -> None:
    command = Command(octets(operation)[0])
    kernel = FakeIpvs({command: [code]})
    assert client_of(kernel).apply([operation]) == []
    assert kernel.requests[-1].payload == octets(then)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (DeleteService(WEB), errno.ESRCH),
        (DeleteDestination(WEB, ONE), errno.ESRCH),
        (DeleteDestination(WEB, ONE), errno.ENOENT),
    ],
)
def test_deleting_what_is_not_there_is_done(operation: Operation, code: int) -> None:
    kernel = FakeIpvs({Command(octets(operation)[0]): [code]})
    assert client_of(kernel).apply([operation]) == []
    assert len(kernel.asked()) == 1


def test_a_refusal_in_the_middle_is_returned_and_the_rest_carried_out() -> None:
    kernel = FakeIpvs({Command.NEW_DEST: [errno.EINVAL]})
    operations: list[Operation] = [AddService(WEB, WRR), AddDestination(WEB, SIX, DR), AddDestination(WEB, ONE, DR)]
    (failure,) = client_of(kernel).apply(operations)
    assert failure.operation == operations[1]
    assert isinstance(failure.error, MixedFamilyError)
    assert len(kernel.asked()) == 3


def test_two_writers_at_odds_over_a_row_end_in_a_typed_refusal() -> None:
    kernel = FakeIpvs({Command.NEW_DEST: [errno.EEXIST], Command.SET_DEST: [errno.ENOENT]})
    (failure,) = client_of(kernel).apply([AddDestination(WEB, ONE, DR)])
    assert isinstance(failure.error, DoesNotExistError)
    kernel = FakeIpvs({Command.NEW_SERVICE: [errno.EEXIST], Command.SET_SERVICE: [errno.ESRCH]})
    (failure,) = client_of(kernel).apply([SetService(WEB, WRR)])
    assert isinstance(failure.error, AlreadyExistsError)


def test_destinations_of_a_refused_service_are_not_reported_on_top() -> None:
    kernel = FakeIpvs({Command.NEW_SERVICE: [errno.ENOENT], Command.NEW_DEST: [errno.ESRCH, errno.ESRCH]})
    operations: list[Operation] = [AddService(WEB, Service("wrrr")), AddDestination(WEB, ONE, DR), AddDestination(WEB, TWO, DR)]
    (failure,) = client_of(kernel).apply(operations)
    assert isinstance(failure.error, UnknownSchedulerError)


def test_a_destination_without_its_service_is_reported_when_that_was_not_ours_to_add() -> None:
    kernel = FakeIpvs({Command.SET_DEST: [errno.ESRCH]})
    (failure,) = client_of(kernel).apply([SetDestination(WEB, ONE, DR)])
    assert isinstance(failure.error, DoesNotExistError)


def test_lost_answers_make_all_go_out_once_more() -> None:
    kernel = FakeIpvs({Command.SET_DEST: [errno.ENOBUFS], Command.NEW_DEST: [0, errno.EEXIST]})
    operations: list[Operation] = [AddDestination(WEB, ONE, DR), SetDestination(WEB, TWO, DR)]
    assert client_of(kernel).apply(operations) == []
    assert [command.name for command in kernel.asked()] == ["NEW_DEST", "SET_DEST", "NEW_DEST", "SET_DEST", "SET_DEST"]


def test_answers_lost_twice_are_an_error_after_which_all_is_new() -> None:
    kernel = FakeIpvs({Command.SET_DEST: [errno.ENOBUFS, errno.ENOBUFS]})
    client = client_of(kernel)
    with pytest.raises(OutOfStepError, match="read again"):
        client.apply([SetDestination(WEB, TWO, DR)])
    assert kernel.closed
    assert client.apply([SetDestination(WEB, TWO, DR)]) == []


def test_a_module_unloaded_in_the_middle_is_no_missing_scheduler() -> None:
    """Every number of a family that is gone gets ENOENT."""
    kernel = FakeIpvs({Command.SET_DEST: [errno.ENOENT]})
    client = client_of(kernel)
    client.table()
    kernel.family = attribute(1, struct.pack("=H", FAMILY + 1))
    with pytest.raises(OutOfStepError, match="unloaded"):
        client.apply([SetDestination(WEB, TWO, DR)])
    kernel = FakeIpvs({Command.ZERO: [errno.ENOENT]})
    client = client_of(kernel)
    client.table()
    kernel.family = None
    with pytest.raises(OutOfStepError, match="unloaded"):
        client.zero()


# ---- IPVS as a whole


def whole_commands(client: Client) -> list[Callable[[], None]]:
    return [
        lambda: client.zero(WEB),
        client.flush,
        lambda: client.set_timeouts(Timeouts(tcp_s=900)),
        lambda: client.start_daemon(SyncDaemon(SyncRole.MASTER, "eth0")),
        lambda: client.stop_daemon(SyncRole.MASTER),
    ]


WHOLE_COMMANDS = [Command.ZERO, Command.FLUSH, Command.SET_CONFIG, Command.NEW_DAEMON, Command.DEL_DAEMON]


def test_each_command_is_sent_once() -> None:
    kernel = FakeIpvs()
    client = client_of(kernel)
    for command in whole_commands(client):
        command()
    assert [command for command in kernel.asked() if command is not Command.GET_INFO] == WHOLE_COMMANDS
    assert client.changes_sent == len(WHOLE_COMMANDS)


def test_a_daemon_stopped_before_it_ran_is_stopped_though_the_kernel_says_nothing() -> None:
    class Silent(FakeIpvs):
        def respond(self, request: Request) -> list[bytes | OSError]:
            return [] if request.command == Command.DEL_DAEMON and request.kind == FAMILY else super().respond(request)

    kernel = Silent()
    client_of(kernel).stop_daemon(SyncRole.MASTER)
    assert not kernel.unread


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.EINVAL, CommandRefusedError),
        (errno.ENOENT, CommandRefusedError),
        (errno.EPERM, PermissionDeniedError),
        (errno.ENOBUFS, OutOfStepError),
    ],
)
def test_a_command_that_fails_has_its_type(code: int, error: type[Exception]) -> None:
    client = client_of(FakeIpvs({command: [code] for command in WHOLE_COMMANDS}))
    for command in whole_commands(client):
        with pytest.raises(error):
            command()


def test_a_daemon_that_does_not_run_is_stopped() -> None:
    client_of(FakeIpvs({Command.DEL_DAEMON: [errno.ESRCH]})).stop_daemon(SyncRole.BACKUP)


def test_a_daemon_that_cannot_start_says_why() -> None:
    client = client_of(FakeIpvs({Command.NEW_DAEMON: [errno.ENODEV]}))
    with pytest.raises(CommandRefusedError, match=r"daemon as master on eth9.*no such network interface") as caught:
        client.start_daemon(SyncDaemon(SyncRole.MASTER, "eth9"))
    assert caught.value.errno == errno.ENODEV


# ---- rights and modules


def test_a_process_without_the_right_is_told_which() -> None:
    kernel = FakeIpvs({Command.SET_DEST: [errno.EPERM], Command.GET_SERVICE: [errno.EPERM], Command.GET_INFO: [errno.EPERM]})
    client = client_of(kernel)
    actions: list[Callable[[], object]] = [lambda: client.apply([SetDestination(WEB, ONE, DR)]), client.table, client.info]
    for action in actions:
        with pytest.raises(PermissionDeniedError, match="CAP_NET_ADMIN"):
            action()


def test_a_missing_module_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeIpvs()
    family, kernel.family = kernel.family, None

    def modprobe(arguments: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        assert arguments == ["modprobe", "ip_vs"]
        kernel.family = family
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(subprocess, "run", modprobe)
    assert client_of(kernel).table() == {}


@pytest.mark.parametrize(
    "failure", [FileNotFoundError(errno.ENOENT, "No such file"), subprocess.TimeoutExpired("modprobe", 10.0), None]
)
def test_a_module_that_cannot_be_loaded_is_an_error_that_says_how_to(
    monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    kernel = FakeIpvs()
    kernel.family = None

    def modprobe(arguments: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        if failure is not None:
            raise failure
        return subprocess.CompletedProcess(arguments, 1, "", "Module ip_vs not found")

    monkeypatch.setattr(subprocess, "run", modprobe)
    with pytest.raises(ModuleMissingError, match="modprobe ip_vs") as caught:
        client_of(kernel).table()
    assert str(failure or "Module ip_vs not found") in str(caught.value)


def test_an_answer_about_the_family_without_its_number_is_an_error() -> None:
    kernel = FakeIpvs()
    kernel.family = attribute(2, b"IPVS\0")
    with pytest.raises(NetlinkError, match="no number"):
        client_of(kernel).table()


def test_another_refusal_than_a_missing_family_is_passed_on() -> None:
    kernel = FakeKernel(lambda request: [refused(request, errno.EOPNOTSUPP)])
    with pytest.raises(NetlinkError) as caught:
        client_of(kernel).table()
    assert caught.value.errno == errno.EOPNOTSUPP


def test_a_family_that_got_another_number_is_found_again() -> None:
    """As when the module was unloaded and loaded: generic netlink refuses the old number with ENOENT."""
    kernel = FakeIpvs()
    client = client_of(kernel)
    client.table()
    kernel.refusals[Command.GET_SERVICE] = [errno.ENOENT]
    assert client.table() == {}
    assert [request.kind for request in kernel.requests].count(GENL_ID_CTRL) == 2


def test_a_dump_that_fails_for_another_reason_keeps_its_number() -> None:
    with pytest.raises(NetlinkError) as caught:
        client_of(FakeIpvs({Command.GET_SERVICE: [errno.EOPNOTSUPP]})).table()
    assert caught.value.errno == errno.EOPNOTSUPP


@pytest.mark.parametrize("code", [errno.EBUSY, errno.ENOBUFS, errno.ENOENT])
def test_trouble_that_passes_is_met_by_reading_from_the_start_over_a_new_socket(code: int) -> None:
    kernel = FakeIpvs({Command.GET_DEST: [code]})
    kernel.services = [octets(AddService(WEB, WRR))]
    kernel.destinations = [octets(AddDestination(WEB, ONE, DR))]
    assert client_of(kernel).table() == {WEB: Row(WRR, {ONE: DR})}
    assert kernel.asked() == [Command.GET_SERVICE, Command.GET_DEST] * 2
    assert kernel.closed


@pytest.mark.parametrize("code", [errno.EBUSY, errno.ENOBUFS, errno.ENOENT])
def test_trouble_that_stays_is_an_error_that_asks_to_read_again(code: int) -> None:
    kernel = FakeIpvs({Command.GET_SERVICE: [code] * TRIES_MAX})
    client = client_of(kernel)
    with pytest.raises(OutOfStepError):
        client.table()
    assert client.table() == {}


@pytest.mark.parametrize("service", [b"\4\1\0\0", b"\4\1\0\0" + attribute(codec.ATTR_SERVICE, attribute(codec.SVC_AF, b"\2"))])
def test_an_answer_without_what_every_kernel_says_is_an_error_of_its_own(service: bytes) -> None:
    kernel = FakeIpvs()
    kernel.services = [service]
    with pytest.raises(UnreadableAnswerError, match="cannot be read"):
        client_of(kernel).table()


# ---- reading


def test_the_table_has_marks_and_every_way_of_forwarding() -> None:
    kernel = FakeIpvs()
    mark, bypass = MarkKey(7, 6), Destination(Forwarding.BYPASS, 1)
    kernel.services = [octets(AddService(mark, WRR)), octets(AddService(WEB, WRR))]
    kernel.destinations = [octets(AddDestination(WEB, ONE, DR)), octets(AddDestination(WEB, TWO, bypass))]
    row = Row(WRR, {ONE: DR, TWO: bypass})
    assert client_of(kernel).table() == {mark: row, WEB: row}
    assert kernel.asked() == [Command.GET_SERVICE, Command.GET_DEST, Command.GET_DEST]


def test_a_closed_client_has_given_its_socket_back() -> None:
    kernel = FakeIpvs()
    with client_of(kernel) as client:
        client.table()
    assert kernel.closed
    assert client.messages_sent == 2
    client.close()
