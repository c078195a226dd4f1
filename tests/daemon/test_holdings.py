"""What masters hold is in the kernel and stays there, and what is not ours is never touched. The kernel is a model here."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.netlink import NetlinkError, NetlinkOverrunError
from vrrpd.daemon.holdings import Holdings
from vrrpd.kernel.addresses import (
    AddAddress,
    AddressAttributes,
    AddressFailure,
    AddressKey,
    AddressTable,
    Applied,
    DeleteAddress,
    Operation,
)

ATTRIBUTES = AddressAttributes(label="eth0")


def key(octet: int, interface_index: int = 2, prefix_length: int = 32) -> AddressKey:
    return AddressKey(interface_index, IPv4Address(f"192.0.2.{octet}"), prefix_length)


def addition(octet: int) -> AddAddress:
    return AddAddress(key(octet), ATTRIBUTES)


class ModelTable(AddressTable):
    """A kernel's table of addresses, which answers as AddressTable does."""

    def __init__(self, *octets: int) -> None:
        self.addresses = {key(octet): ATTRIBUTES for octet in octets}
        self.asked: list[Operation] = []
        self.refused: dict[AddressKey, int] = {}
        self.unreadable = False
        self.answers_lost = False
        """Requests are carried out, but nobody is told."""

    def read(self) -> dict[AddressKey, AddressAttributes]:
        if self.unreadable:
            raise NetlinkError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        return dict(self.addresses)

    def apply(self, operations: Sequence[Operation]) -> Applied:
        adopted, failures = [], []
        for operation in operations:
            self.asked.append(operation)
            if operation.key in self.refused:
                code = self.refused[operation.key]
                failures.append(AddressFailure(operation, NetlinkError(code, os.strerror(code))))
            elif isinstance(operation, DeleteAddress):
                self.addresses.pop(operation.key, None)
            elif operation.key in self.addresses:
                adopted.append(operation.key)
            else:
                self.addresses[operation.key] = operation.attributes
        if self.answers_lost:
            raise NetlinkOverrunError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        return Applied(tuple(adopted), tuple(failures))

    def asked_since(self) -> list[Operation]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def table() -> ModelTable:
    """The addresses of a host before anything of ours is there: one, 192.0.2.1."""
    return ModelTable(1)


@pytest.fixture
def holdings(table: ModelTable) -> Holdings:
    holdings = Holdings(table)
    holdings.read()
    return holdings


# ---- becoming master and stepping down


def test_what_a_master_holds_is_in_the_kernel_until_it_is_released(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100), addition(101)])
    assert table.addresses.keys() == {key(1), key(100), key(101)}
    assert holdings.current == table.addresses
    holdings.release([key(100), key(101)])
    assert table.addresses.keys() == {key(1)}
    assert holdings.current == table.addresses


def test_what_is_there_already_is_not_asked_for_again(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100), addition(1)])
    holdings.hold([addition(100)])
    assert table.asked_since() == [addition(100)]


def test_an_address_is_released_once_and_only_if_it_was_held(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    holdings.release([key(100), key(100), key(101)])
    holdings.release([key(100), key(1)])
    assert table.asked_since() == [addition(100), DeleteAddress(key(100))]


def test_what_somebody_else_removed_needs_no_release(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    holdings.vanished(key(100))
    table.asked_since()
    holdings.release([key(100)])
    assert table.asked_since() == []


# ---- start, reload, stop


def test_what_an_earlier_run_left_behind_is_removed_and_nothing_else(table: ModelTable) -> None:
    table.addresses |= ModelTable(100, 101, 102).addresses
    holdings = Holdings(table)
    holdings.read()
    holdings.own([key(100), key(101), key(199)])
    holdings.hold([addition(100)])
    holdings.reconcile()
    assert table.addresses.keys() == {key(1), key(100), key(102)}
    assert table.asked_since() == [DeleteAddress(key(101))], "what stays is not touched, not even by one message"
    holdings.reconcile()
    assert table.asked_since() == []


def test_what_is_disowned_is_left_alone(table: ModelTable, holdings: Holdings) -> None:
    holdings.own([key(1), key(100)])
    holdings.disown({key(100)})
    holdings.reconcile()
    assert table.asked_since() == []
    assert table.addresses.keys() == {key(1)}


def test_an_address_whose_label_changed_is_set_anew(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    labelled = AddAddress(key(100), AddressAttributes(label="eth0:vip"))
    table.asked_since()
    holdings.hold([labelled])
    holdings.reconcile()
    assert table.asked_since() == [DeleteAddress(key(100)), labelled]
    assert table.addresses[key(100)].label == holdings.current[key(100)].label == "eth0:vip"


def test_an_address_removed_to_be_set_anew_and_then_refused_is_known_to_be_missing(
    table: ModelTable, holdings: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings.hold([addition(100)])
    labelled = AddAddress(key(100), AddressAttributes(label="eth0:vip"))
    holdings.hold([labelled])
    monkeypatch.setattr(table, "apply", refusing_additions(table))
    holdings.reconcile()
    assert key(100) not in table.addresses
    assert holdings.missing() == [key(100)]


def refusing_additions(table: ModelTable) -> Callable[[Sequence[Operation]], Applied]:
    def apply(operations: Sequence[Operation]) -> Applied:
        additions = [operation for operation in operations if isinstance(operation, AddAddress)]
        ModelTable.apply(table, [operation for operation in operations if operation not in additions])
        refusal = NetlinkError(errno.EINVAL, os.strerror(errno.EINVAL))
        return Applied((), tuple(AddressFailure(operation, refusal) for operation in additions))

    return apply


# ---- repair


def test_what_somebody_removed_is_put_back_and_counted(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100), addition(101)])
    del table.addresses[key(101)]
    holdings.vanished(key(101))
    assert holdings.missing() == [key(101)]
    assert holdings.repair() == [key(101)]
    assert (holdings.repairs, holdings.missing(), holdings.repair()) == (1, [], [])
    assert table.addresses.keys() == {key(1), key(100), key(101)}


def test_what_nobody_holds_is_not_put_back(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    holdings.release([key(100)])
    del table.addresses[key(1)]
    holdings.vanished(key(1))
    assert holdings.missing() == holdings.repair() == []
    assert table.addresses == {}


def test_what_came_back_by_itself_is_not_put_back(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    table.asked_since()
    holdings.vanished(key(100))
    holdings.appeared(key(100), ATTRIBUTES)
    assert holdings.repair() == []
    assert table.asked_since() == []
    assert holdings.repairs == 0


def test_with_an_interface_its_addresses_are_gone(table: ModelTable, holdings: Holdings) -> None:
    holdings.appeared(key(7, interface_index=3), ATTRIBUTES)
    holdings.hold([addition(100)])
    holdings.interface_vanished(2)
    assert holdings.current.keys() == {key(7, interface_index=3)}
    assert holdings.missing() == [key(100)]


# ---- refusals and lost answers


def test_a_refusal_is_told_once_and_again_when_it_says_something_else(
    table: ModelTable, holdings: Holdings, caplog: pytest.LogCaptureFixture
) -> None:
    table.refused[key(101)] = errno.EPERM
    holdings.hold([addition(100), addition(101)])
    for _ in range(5):
        assert holdings.repair() == []
    assert caplog.messages == [
        "cannot add 192.0.2.101/32 on interface 2: Operation not permitted; give the process CAP_NET_ADMIN"
    ]
    assert holdings.missing() == [key(101)]
    assert table.addresses.keys() == {key(1), key(100)}, "one refusal keeps no other from being set"
    table.refused[key(101)] = errno.ENOMEM
    holdings.repair()
    assert len(caplog.messages) == 2


def test_what_is_set_after_a_refusal_is_no_repair_and_the_next_refusal_is_told(
    table: ModelTable, holdings: Holdings, caplog: pytest.LogCaptureFixture
) -> None:
    table.refused[key(100)] = errno.ENODEV
    holdings.hold([addition(100)])
    table.refused.clear()
    assert holdings.repair() == [key(100)], "it is to be announced"
    assert holdings.repairs == 0, "but nobody had removed it"
    holdings.vanished(key(100))
    table.refused[key(100)] = errno.ENODEV
    holdings.repair()
    assert len(caplog.messages) == 2


def test_a_refusal_is_told_again_to_the_next_master(
    table: ModelTable, holdings: Holdings, caplog: pytest.LogCaptureFixture
) -> None:
    table.refused[key(100)] = errno.ENODEV
    for _takeover in range(2):
        holdings.hold([addition(100)])
        holdings.release([key(100)])
    assert len(caplog.messages) == 2


def test_a_refused_removal_is_known_to_be_still_there(table: ModelTable, holdings: Holdings) -> None:
    holdings.hold([addition(100)])
    table.refused[key(100)] = errno.EPERM
    holdings.release([key(100)])
    assert holdings.current == table.addresses
    table.refused.clear()
    holdings.reconcile()
    assert table.addresses.keys() == {key(1)}


def test_lost_answers_make_it_look_what_is_there(
    table: ModelTable, holdings: Holdings, caplog: pytest.LogCaptureFixture
) -> None:
    table.answers_lost = True
    table.refused[key(101)] = errno.ENOMEM
    holdings.hold([addition(100), addition(101)])
    assert holdings.current == table.addresses
    assert holdings.missing() == [key(101)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_kernel_that_cannot_be_asked_at_all_leaves_what_was_known(
    table: ModelTable, holdings: Holdings, caplog: pytest.LogCaptureFixture
) -> None:
    table.answers_lost = table.unreadable = True
    holdings.hold([addition(100)])
    assert holdings.current == {key(1): ATTRIBUTES}
    assert holdings.missing() == [key(100)]
    assert "addresses cannot be read" in caplog.messages[-1]
    table.answers_lost = table.unreadable = False
    assert holdings.repair() == [key(100)]


# ---- histories

OURS = range(100, 104)
FOREIGN = range(1, 4)


@dataclass(frozen=True)
class Step:
    what: str
    octets: frozenset[int]


ours = st.frozensets(st.sampled_from(OURS), min_size=1)
steps = st.one_of(
    st.builds(Step, st.sampled_from(["hold", "release", "removed", "added"]), ours),
    st.builds(Step, st.sampled_from(["removed", "added"]), st.frozensets(st.sampled_from(FOREIGN), min_size=1)),
    st.just(Step("answers lost", frozenset())),
    st.just(Step("refused", frozenset(OURS))),
    st.just(Step("repair", frozenset())),
)


@given(history=st.lists(steps, max_size=15))
def test_whatever_happened_held_is_there_ours_is_gone_and_foreign_stays(history: list[Step]) -> None:
    table = ModelTable(1, 2)
    holdings = Holdings(table)
    holdings.read()
    holdings.own(key(octet) for octet in OURS)
    held: set[int] = set()
    foreign = {1, 2}
    for step in history:
        happen(step, table, holdings)
        if step.what == "hold":
            held |= step.octets
        elif step.what == "release":
            held -= step.octets
        elif step.what == "added":
            foreign |= step.octets & set(FOREIGN)
        elif step.what == "removed":
            foreign -= step.octets
        assert holdings.current == table.addresses
    table.refused.clear()
    table.answers_lost = False
    holdings.repair()
    assert {key(octet) for octet in held} <= table.addresses.keys()
    holdings.reconcile()
    assert table.addresses.keys() == {key(octet) for octet in held | foreign}
    assert holdings.current == table.addresses


def happen(step: Step, table: ModelTable, holdings: Holdings) -> None:
    """A step of ours, or of somebody else whom the kernel tells of."""
    keys = [key(octet) for octet in sorted(step.octets)]
    match step.what:
        case "hold":
            holdings.hold([AddAddress(each, ATTRIBUTES) for each in keys])
        case "release":
            holdings.release(keys)
        case "repair":
            holdings.repair()
        case "answers lost":
            table.answers_lost = not table.answers_lost
        case "refused":
            table.refused = {} if table.refused else dict.fromkeys(keys, errno.EPERM)
        case "removed":
            for each in keys:
                if table.addresses.pop(each, None) is not None:
                    holdings.vanished(each)
        case "added":
            for each in keys:
                table.addresses[each] = ATTRIBUTES
                holdings.appeared(each, ATTRIBUTES)
