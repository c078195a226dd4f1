"""The difference of two address tables, by properties: a model of the kernel carries out what `diff` says."""

from __future__ import annotations

import errno
from collections.abc import Collection, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.netlink import NetlinkError
from vrrpd.config.model import Address, Prefix, VirtualAddress
from vrrpd.kernel import rtnetlink
from vrrpd.kernel.addresses import (
    AddAddress,
    AddressAttributes,
    AddressFailure,
    AddressKey,
    AddressMap,
    DeleteAddress,
    Operation,
    diff,
    observed_address,
    wanted,
)
from vrrpd.kernel.rtnetlink import AddressMessage

keys = st.builds(
    AddressKey,
    st.integers(1, 2),
    st.sampled_from([IPv4Address("10.0.0.1") + n for n in range(4)]),
    st.sampled_from([24, 32]),
)
attributes = st.builds(AddressAttributes, label=st.sampled_from(["eth0", "eth0:1"]), scope=st.sampled_from([0, 253]))
tables = st.dictionaries(keys, attributes, max_size=6)

FIRST, SECOND, THIRD = (AddressKey(1, IPv4Address(f"10.0.0.{n}"), 24) for n in (1, 2, 3))
PRIMARY, SECONDARY = AddressAttributes(secondary=False), AddressAttributes(secondary=True)


def network_of(key: AddressKey) -> object:
    """What an address shares with those that the kernel deletes with it."""
    return key.interface_index, ip_network((key.address, key.prefix_length), strict=False)


def carried_out(operations: Sequence[Operation], current: AddressMap, *, promote_secondaries: bool) -> AddressMap:
    """What a kernel with `current` addresses has after the operations."""
    table = dict(current)
    for operation in operations:
        key = operation.key
        if isinstance(operation, AddAddress):
            table.setdefault(key, operation.attributes)  # EEXIST leaves what is there
            continue
        gone = table.pop(key, None)
        if gone is not None and not gone.secondary and not promote_secondaries:
            for other in [other for other, attributes in table.items() if attributes.secondary]:
                if network_of(other) == network_of(key):
                    del table[other]
    return table


def as_the_kernel_has_it(table: AddressMap) -> AddressMap:
    """The table with every address but the first of its network marked as secondary."""
    seen: set[object] = set()
    marked: dict[AddressKey, AddressAttributes] = {}
    for key, value in table.items():
        marked[key] = AddressAttributes(value.label, value.scope, value.broadcast, secondary=network_of(key) in seen)
        seen.add(network_of(key))
    return marked


@given(desired=tables, table=tables, owned=st.sets(keys), promote_secondaries=st.booleans())
def test_after_the_operations_the_kernel_has_what_is_desired(
    desired: AddressMap, table: AddressMap, owned: Collection[AddressKey], promote_secondaries: bool
) -> None:
    current = as_the_kernel_has_it(table)
    after = carried_out(diff(desired, current, owned), current, promote_secondaries=promote_secondaries)

    assert set(desired) <= set(after)
    assert not [key for key in after if key in owned and key not in desired]
    assert all(after[key] == desired[key] for key in desired if key in owned)


@given(desired=tables, table=tables, owned=st.sets(keys))
def test_what_is_not_owned_is_never_deleted(desired: AddressMap, table: AddressMap, owned: Collection[AddressKey]) -> None:
    operations = diff(desired, as_the_kernel_has_it(table), owned)
    assert {operation.key for operation in operations if isinstance(operation, DeleteAddress)} <= set(owned)


@given(table=tables, owned=st.sets(keys))
def test_a_table_that_is_as_desired_needs_no_operation(table: AddressMap, owned: Collection[AddressKey]) -> None:
    owned_part = {key: value for key, value in table.items() if key in owned}
    assert diff(owned_part, as_the_kernel_has_it(table), owned) == []


@pytest.mark.parametrize(
    ("desired", "current", "owned", "expected"),
    [
        ({FIRST: PRIMARY}, {}, set(), [AddAddress(FIRST, PRIMARY)]),
        ({}, {FIRST: PRIMARY}, {FIRST}, [DeleteAddress(FIRST)]),
        ({}, {FIRST: PRIMARY}, set(), []),
        (
            {FIRST: AddressAttributes(label="b")},
            {FIRST: AddressAttributes(label="a")},
            {FIRST},
            [DeleteAddress(FIRST), AddAddress(FIRST, AddressAttributes(label="b"))],
        ),
        ({FIRST: AddressAttributes(label="b")}, {FIRST: AddressAttributes(label="a")}, set(), []),
        ({FIRST: PRIMARY}, {FIRST: AddressAttributes(protocol=0)}, {FIRST}, []),
        (
            {SECOND: PRIMARY},
            {FIRST: PRIMARY, SECOND: SECONDARY},
            {FIRST, SECOND},
            [DeleteAddress(FIRST), AddAddress(SECOND, PRIMARY)],
        ),
        ({FIRST: PRIMARY}, {FIRST: PRIMARY, SECOND: SECONDARY}, {FIRST, SECOND}, [DeleteAddress(SECOND)]),
        ({}, {FIRST: PRIMARY, SECOND: SECONDARY, THIRD: SECONDARY}, {FIRST}, [DeleteAddress(FIRST)]),
    ],
    ids=[
        "missing",
        "no longer wanted",
        "foreign",
        "relabelled",
        "foreign with another label",
        "set by somebody else",
        "goes with the first of its network",
        "the first stays",
        "foreign ones of the network are left to their owner",
    ],
)
def test_each_difference_has_its_operations(
    desired: AddressMap, current: AddressMap, owned: Collection[AddressKey], expected: list[Operation]
) -> None:
    assert diff(desired, current, owned) == expected


def test_a_configured_address_is_labelled_with_its_interface_unless_it_has_a_label() -> None:
    plain = VirtualAddress(IPv4Address("192.168.4.15"), 32, "eth0", scope=253, broadcast=IPv4Address("192.168.4.255"))
    assert wanted(plain, 7) == AddAddress(
        AddressKey(7, plain.address, 32), AddressAttributes(label="eth0", scope=253, broadcast=plain.broadcast)
    )
    assert wanted(VirtualAddress(plain.address, 32, "eth0", label="eth0:1"), 7).attributes.label == "eth0:1"


def test_an_ipv6_address_has_no_label_and_is_not_first_asked_for_unless_told_to() -> None:
    plain = VirtualAddress(IPv6Address("2001:db8::15"), 128, "eth0", preferred_lifetime_s=0)
    asked = wanted(plain, 7).attributes
    assert (asked.label, asked.flags, asked.preferred_lifetime_s) == (None, rtnetlink.IFA_F_NODAD, 0)
    assert wanted(replace(plain, duplicate_detection=True), 7).attributes.flags == 0
    every = replace(plain, home=True, manages_temporary_addresses=True, no_prefix_route=True, joins_groups=True)
    assert wanted(every, 7).attributes.flags == rtnetlink.IFA_F_ASKED_FOR


def test_an_address_with_a_peer_has_the_peers_prefix_length() -> None:
    peer = Prefix(IPv4Address("10.9.9.9"), 24)
    plain = VirtualAddress(IPv4Address("192.168.4.15"), 32, "eth0", peer=peer)
    assert wanted(plain, 7).key == AddressKey(7, plain.address, 24, peer.address)


@pytest.mark.parametrize(
    ("has_s", "asked_s", "expected"),
    [
        (None, None, True),
        (0, None, False),
        (60, None, False),
        (0, 0, True),
        (60, 0, False),
        (None, 0, False),
        (59, 60, True),
        (0, 60, True),
        (None, 60, True),
    ],
)
def test_a_lifetime_that_runs_down_is_as_asked(has_s: int | None, asked_s: int | None, expected: bool) -> None:
    has, asked = (AddressAttributes(preferred_lifetime_s=lifetime_s) for lifetime_s in (has_s, asked_s))
    assert has.is_as_asked(asked) is expected


@pytest.mark.parametrize(
    "remark",
    [rtnetlink.IFA_F_DADFAILED, rtnetlink.IFA_F_TENTATIVE, 0x80, 0x800, rtnetlink.IFA_F_SECONDARY],
    ids=["failed", "tentative", "permanent", "stable", "temporary"],
)
@pytest.mark.parametrize("address", [IPv4Address("192.168.4.15"), IPv6Address("fe80::15")])
def test_what_the_kernel_remarks_on_an_address_is_no_difference(address: Address, remark: int) -> None:
    asked = wanted(VirtualAddress(address, 24, "eth0"), 7)
    label = asked.attributes.label
    flags = asked.attributes.flags | remark
    key, attributes = observed_address(AddressMessage(7, address, 24, 253 if label is None else 0, flags, label, None, 18))
    assert diff({asked.key: asked.attributes}, {key: attributes}, owned={key}) == []
    assert attributes.duplicate is (remark == rtnetlink.IFA_F_DADFAILED)
    assert attributes.tentative is (remark == rtnetlink.IFA_F_TENTATIVE)
    assert attributes.secondary is (remark == rtnetlink.IFA_F_SECONDARY and address.version == 4)


def test_operations_carry_their_messages() -> None:
    assert DeleteAddress(FIRST).message == rtnetlink.delete_address(1, FIRST.address, 24)
    assert AddAddress(FIRST, AddressAttributes(label="eth0")).message == rtnetlink.new_address(
        1, FIRST.address, 24, label="eth0", scope=0, broadcast=None
    )


def test_a_failure_is_one_sentence_with_address_interface_reason_and_remedy() -> None:
    failure = AddressFailure(AddAddress(FIRST, PRIMARY), NetlinkError(errno.EPERM, "Operation not permitted"))
    assert str(failure) == ("cannot add 10.0.0.1/24 on interface 1: Operation not permitted; give the process CAP_NET_ADMIN")
    assert str(DeleteAddress(FIRST)) == "delete 10.0.0.1/24"
    assert "ip address" in AddressFailure(DeleteAddress(FIRST), NetlinkError(errno.EBUSY, "busy")).remedy
