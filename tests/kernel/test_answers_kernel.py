"""Who else holds an address: questions and answers between two hosts on a real kernel."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.kernel.conftest import Namespace
from vrrpd.config.model import Address
from vrrpd.kernel import answers as answers_module
from vrrpd.kernel.announcements import FrameSocket, announcements
from vrrpd.kernel.answers import ANSWERS_MAX, Answer, AnswerSocket
from vrrpd.kernel.arp import arp_probe
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import UNSPECIFIED, neighbour_solicitation

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
MAC, OTHER_MAC = bytes.fromhex("020000000005"), bytes.fromhex("020000000006")
VIRTUAL, ELSEWHERE = IPv4Address("192.168.4.15"), IPv4Address("192.168.4.16")
VIRTUAL6, ELSEWHERE6 = IPv6Address("fd00:4::15"), IPv6Address("fd00:4::16")
OWN6 = IPv6Address("fe80::5")
BOTH_FAMILIES = pytest.mark.parametrize(("held", "elsewhere"), [(VIRTUAL, ELSEWHERE), (VIRTUAL6, ELSEWHERE6)], ids=["4", "6"])


class Asker:
    """A host that asks who else holds an address."""

    def __init__(self, link: Link, family: int) -> None:
        self.link = link
        self.frames = FrameSocket(link)
        self.answers = AnswerSocket(link, family)

    def ask(self, address: Address, source: IPv6Address = UNSPECIFIED) -> None:
        mac = self.link.mac
        frame = arp_probe(mac, address) if isinstance(address, IPv4Address) else neighbour_solicitation(mac, source, address)
        assert self.frames.announce((frame,), repeat=1).not_sent == 0

    def hears(self) -> list[Answer]:
        """The answers that come within the deadline."""
        assert select.select([self.answers], [], [], DEADLINE_S)[0], "nobody answered"
        return self.answers.receive()

    def close(self) -> None:
        self.frames.close()
        self.answers.close()


AskerOf = Callable[[Namespace, int], Asker]


@pytest.fixture
def asker() -> Iterator[AskerOf]:
    """Makes askers that are closed after the test."""
    with ExitStack() as stack:

        def asker(host: Namespace, family: int) -> Asker:
            link = host.link("eth0")
            with host.entered():
                made = Asker(link, family)
            stack.callback(made.close)
            return made

        yield asker


@pytest.fixture
def asking(hosts: tuple[Namespace, Namespace]) -> Namespace:
    """The host that asks; both have IPv6 addresses that can be used at once."""
    for host, octet in zip(hosts, (5, 6), strict=True):
        host.ip(f"address add fe80::{octet}/64 dev eth0 nodad")
    return hosts[0]


def hold(host: Namespace, address: Address, device: str = "eth0") -> None:
    """Give an address to a host, without asking anybody."""
    unasked = "" if isinstance(address, IPv4Address) else "nodad"
    host.ip(f"address add {address}/{address.max_prefixlen} dev {device} {unasked}")


@BOTH_FAMILIES
def test_a_second_holder_is_found(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf, held: Address, elsewhere: Address
) -> None:
    for host in hosts:
        hold(host, held)
    one = asker(asking, held.version)
    one.answers.watch({held, elsewhere})
    one.ask(held)
    assert one.hears() == [(held, OTHER_MAC)]


def test_an_answer_to_a_question_with_a_source_comes_to_who_asked_alone(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf
) -> None:
    for host in hosts:
        hold(host, VIRTUAL6)
    one, bystander = asker(asking, 6), asker(hosts[1], 6)
    for each in (one, bystander):
        each.answers.watch({VIRTUAL6})
    one.ask(VIRTUAL6, OWN6)
    assert one.hears() == [(VIRTUAL6, OTHER_MAC)]
    one.frames.announce(announcements(one.link, [VIRTUAL6]), repeat=1)
    assert bystander.hears() == [(VIRTUAL6, MAC)]  # the announcement, which came after the answer


@BOTH_FAMILIES
def test_a_real_server_that_holds_the_address_on_its_loopback_does_not_answer(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf, held: Address, elsewhere: Address
) -> None:
    with hosts[1].entered():
        for name, value in (("arp_ignore", "1"), ("arp_announce", "2")):
            with open(f"/proc/sys/net/ipv4/conf/all/{name}", "w") as setting:
                setting.write(value)
    hold(hosts[1], held, "lo")
    hold(hosts[1], elsewhere)
    one = asker(asking, held.version)
    one.answers.watch({held, elsewhere})
    one.ask(held)
    one.ask(elsewhere)
    assert one.hears() == [(elsewhere, OTHER_MAC)]  # and none for the one that was asked for first


@BOTH_FAMILIES
def test_what_others_announce_unasked_is_heard_and_what_is_not_watched_does_not_wake_us(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf, held: Address, elsewhere: Address
) -> None:
    one, other = asker(asking, held.version), asker(hosts[1], held.version)
    one.answers.watch({held})
    other.frames.announce(announcements(other.link, [elsewhere, elsewhere, held]), repeat=1)
    assert one.hears() == [(held, OTHER_MAC)]

    with asking.entered():
        one.answers.watch({elsewhere})
    other.frames.announce(announcements(other.link, [held]), repeat=1)
    other.frames.announce(announcements(other.link, [elsewhere]), repeat=1)
    assert one.hears() == [(elsewhere, OTHER_MAC)]


@BOTH_FAMILIES
def test_nothing_is_heard_before_something_is_watched(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf, held: Address, elsewhere: Address
) -> None:
    one, control, other = asker(asking, held.version), asker(asking, held.version), asker(hosts[1], held.version)
    control.answers.watch({held})
    other.frames.announce(announcements(other.link, [held, elsewhere]), repeat=1)
    assert control.hears() == [(held, OTHER_MAC)]
    assert one.answers.receive() == []


@BOTH_FAMILIES
def test_the_filter_leaves_out_neither_the_first_nor_the_last_of_many(
    hosts: tuple[Namespace, Namespace],
    asking: Namespace,
    asker: AskerOf,
    held: Address,
    elsewhere: Address,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = asker(asking, held.version), asker(hosts[1], held.version)
    many: list[Address] = [held + n for n in range(answers_module.FILTER_ADDRESSES_MAX)]
    for at_most in (answers_module.FILTER_ADDRESSES_MAX, 10):  # then: more than a filter holds
        monkeypatch.setattr(answers_module, "FILTER_ADDRESSES_MAX", at_most)
        one.answers.watch(many)
        other.frames.announce(announcements(other.link, [held - 1, many[0], many[-1]]), repeat=1)
        heard: list[Answer] = []
        while len(heard) < 2:
            heard += one.hears()
        assert heard == [(many[0], OTHER_MAC), (many[-1], OTHER_MAC)]


@BOTH_FAMILIES
def test_one_call_reads_a_bounded_number(
    hosts: tuple[Namespace, Namespace], asking: Namespace, asker: AskerOf, held: Address, elsewhere: Address
) -> None:
    one, other = asker(asking, held.version), asker(hosts[1], held.version)
    one.answers.watch({held})
    assert other.frames.announce(announcements(other.link, [held]), repeat=ANSWERS_MAX + 3).not_sent == 0
    assert [len(one.hears()), len(one.hears())] == [ANSWERS_MAX, 3]


@pytest.mark.parametrize("family", [4, 6])
def test_the_sockets_are_refused_and_given_back_where_there_is_no_such_interface(namespace: Namespace, family: int) -> None:
    with namespace.entered(), pytest.raises(OSError, match="No such device"):
        AnswerSocket(Link(index=9999, name="eth9", up=True, mac=bytes(6), mtu=1500, arp=True), family)
