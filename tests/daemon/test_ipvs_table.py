"""The mirror of the kernel's table: how much of it is read again, and what is tried again. The kernel is a stand-in."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from ipvs.client import Client
from ipvs.errors import Failure, ModuleMissingError, RefusedError
from ipvs.operations import AddDestination, AddService, DestinationOperation, Operation, SetDestination
from ipvs.overview import Overview
from ipvs.statistics import MeasuredRow, Statistics
from ipvs.types import Destination, DestinationKey, Forwarding, Protocol, Row, RowKey, Service, ServiceKey
from tests.ipvs.model_kernel import ModelKernel
from vrrpd.daemon.ipvs_table import ORDINARY_SERVICES, SERVICES_IN_TURN, IpvsTable

SERVER = DestinationKey(IPv4Address("192.0.2.1"), 80)
LARGE = 3 * ORDINARY_SERVICES
ROUND = -(-LARGE // SERVICES_IN_TURN)
"""Updates until each service of a large table had its turn."""


def service(number: int) -> ServiceKey:
    return ServiceKey(Protocol.TCP, IPv4Address("10.0.0.1") + number, 80)


def rows(count: int) -> dict[RowKey, Row]:
    return {service(number): Row(Service("wlc"), {SERVER: Destination(Forwarding.DR, 1)}) for number in range(count)}


class StandIn(Client):
    """A kernel in memory that counts what is read of it, and refuses what it is told to refuse."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.kernel = ModelKernel(rows(count))
        self.available = True
        self.shown = True
        self.refused: set[RowKey] = set()
        self.read_whole = 0
        self.read_again: list[RowKey] = []
        self.asked: list[Operation] = []

    def table(self) -> dict[RowKey, Row]:
        self._check()
        self.read_whole += 1
        return self.kernel.table()

    def rows(self, keys: Iterable[RowKey]) -> dict[RowKey, Row]:
        self._check()
        wanted = list(keys)
        self.read_again += wanted
        table = self.kernel.table()
        return {key: table[key] for key in wanted if key in table}

    def rows_with_statistics(self, keys: Iterable[RowKey]) -> dict[RowKey, MeasuredRow]:
        return {
            key: MeasuredRow(row, Statistics(), {each: Statistics() for each in row.destinations})
            for key, row in self.rows(keys).items()
        }

    def flush(self) -> None:
        self.kernel = ModelKernel({})

    def overview(self) -> Overview | None:
        """Schedulers and weights are shown, thresholds are not."""
        if not (self.available and self.shown):
            return None
        return {
            f"TCP  {int(key.address):08X}:{key.port:04X} {row.service.scheduler} ".encode(): [
                f"{each} {destination.weight}".encode() for each, destination in row.destinations.items()
            ]
            for key, row in self.kernel.table().items()
            if isinstance(key, ServiceKey)
        }

    def apply(self, operations: Iterable[Operation]) -> list[Failure]:
        self._check()
        failures = []
        for operation in operations:
            self.asked.append(operation)
            if (operation.service_key if isinstance(operation, DestinationOperation) else operation.key) in self.refused:
                failures.append(Failure(operation, RefusedError(operation, errno.EINVAL, "no")))
            else:
                self.kernel.apply(operation)
        return failures

    def change(self, number: int, *, weight: int = 1, upper_threshold: int = 0) -> None:
        """As somebody would by hand."""
        before = self.kernel.destinations[service(number)][SERVER]
        after = replace(before, weight=weight, upper_threshold=upper_threshold)
        self.kernel.apply(SetDestination(service(number), SERVER, after))

    def _check(self) -> None:
        if not self.available:
            raise ModuleMissingError("modprobe: no such module")


def opened(count: int) -> tuple[IpvsTable, StandIn]:
    client = StandIn(count)
    table = IpvsTable(client)
    table.read()
    client.read_whole = 0
    table.owned = {key: frozenset(row.destinations) for key, row in rows(count).items()}
    return table, client


def mend(table: IpvsTable, count: int) -> int:
    return table.bring_about(rows(count), only=table.update())


@pytest.mark.parametrize("count", [1, 2, 5, ORDINARY_SERVICES])
def test_of_a_table_of_ordinary_size_all_is_read_by_two_updates(count: int) -> None:
    table, client = opened(count)
    for changed in {0, count // 2, count - 1}:
        client.change(changed, upper_threshold=9)
        assert mend(table, count) + mend(table, count) == 1
        assert client.kernel.table() == rows(count)
    assert client.read_whole == 0


def test_of_a_large_table_what_is_shown_otherwise_is_read_and_mended_at_once() -> None:
    table, client = opened(LARGE)
    client.change(LARGE - 1, weight=9)
    del client.kernel.services[service(LARGE - 2)], client.kernel.destinations[service(LARGE - 2)]
    assert mend(table, LARGE) == 3
    assert client.kernel.table() == rows(LARGE)
    assert client.read_whole == 0
    assert len(client.read_again) == SERVICES_IN_TURN + 2
    assert mend(table, LARGE) == 0


def test_of_a_large_table_what_is_not_shown_has_its_turn() -> None:
    table, client = opened(LARGE)
    client.change(LARGE - 1, upper_threshold=9)
    changes = [mend(table, LARGE) for _ in range(ROUND)]
    assert changes == [0] * (ROUND - 1) + [1]
    assert sorted(client.read_again, key=str) == sorted(rows(LARGE), key=str)
    assert [mend(table, LARGE) for _ in range(ROUND)] == [0] * ROUND
    assert client.read_whole == 0


def test_a_large_table_that_is_shown_quite_otherwise_is_read_wholly() -> None:
    table, client = opened(LARGE)
    client.kernel = ModelKernel({})
    assert table.update() is None
    assert client.read_whole == 1
    assert table.bring_about(rows(LARGE)) == 2 * LARGE
    assert client.kernel.table() == rows(LARGE)


def test_a_large_table_of_which_nothing_is_shown_is_read_wholly_each_time() -> None:
    table, client = opened(LARGE)
    client.shown = False
    for _ in range(3):
        client.change(LARGE - 1, upper_threshold=9)
        assert mend(table, LARGE) == 1
    assert client.read_whole == 3


def test_what_we_change_ourselves_is_not_read_again_and_what_others_change_meanwhile_is() -> None:
    table, client = opened(LARGE)
    wanted = {key: Row(Service("rr"), row.destinations) for key, row in rows(LARGE).items()}
    client.change(1, weight=9)
    assert table.bring_about(wanted, only=[service(number) for number in range(2, LARGE)]) == LARGE - 2
    assert table.update() == {service(number) for number in range(SERVICES_IN_TURN)}
    assert client.read_whole == 0
    assert table.bring_about(wanted) == 3
    client.shown = False
    assert table.bring_about(rows(LARGE)) == LARGE
    client.shown = True
    assert table.update() is None
    assert client.read_whole == 1


def test_what_was_refused_is_tried_again_at_each_update_and_is_no_repair() -> None:
    table, client = opened(LARGE)
    wanted = rows(LARGE + 2)
    client.refused = {service(LARGE + 1)}
    assert table.bring_about(wanted) == 2
    assert [table.bring_about(wanted, only=table.update()) for _ in range(3)] == [0, 0, 0]
    assert table.refusals == 4 * 2
    client.refused = set()
    client.asked.clear()
    assert table.bring_about(wanted, only=table.update()) == 2
    assert client.asked == [
        AddService(service(LARGE + 1), Service("wlc")),
        AddDestination(service(LARGE + 1), SERVER, Destination(Forwarding.DR, 1)),
    ]
    assert table.bring_about(wanted, only=table.update()) == 0
    assert client.kernel.table() == wanted


def test_rows_of_others_in_a_large_table_are_counted_and_left_alone() -> None:
    table, client = opened(LARGE)
    theirs = DestinationKey(IPv4Address("192.0.2.99"), 80)
    client.kernel.apply(AddService(service(LARGE), Service("rr")))
    client.kernel.apply(AddDestination(service(0), theirs, Destination(Forwarding.DR, 1)))
    assert mend(table, LARGE) == 0
    assert table.foreign_rows() == 2


def test_a_table_out_of_sight_is_not_touched_and_read_wholly_when_it_is_back() -> None:
    table, client = opened(LARGE)
    client.available = False
    assert mend(table, LARGE) == 0
    assert table.current is None
    assert (table.bring_about(rows(LARGE)), table.foreign_rows(), table.measured(rows(LARGE))) == (0, 0, {})
    client.available = True
    client.change(1, weight=9)
    assert mend(table, LARGE) == 1
    assert client.kernel.table() == rows(LARGE)
