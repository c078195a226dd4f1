"""Framing and accounting, against a stand-in for the kernel."""

import errno
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.netlink import (
    BATCH_MESSAGES_MAX,
    BATCH_OCTETS_MAX,
    DUMP_TRIES_MAX,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    STRANGERS_MAX,
    NetlinkError,
    NetlinkOverrunError,
    NetlinkSocket,
    attribute,
    attributes,
    message,
    messages,
    nested,
)

from .fake_kernel import Answer, FakeKernel, Request, acknowledged, done, refused, reply

KIND = 30


def conversation(answer: Answer = acknowledged) -> tuple[NetlinkSocket, FakeKernel]:
    kernel = FakeKernel(answer)
    return NetlinkSocket(0, kernel), kernel


def requests(count: int, octets: int = 8) -> list[bytes]:
    return [message(KIND, 0, i.to_bytes(4, "big") + bytes(octets - 4)) for i in range(count)]


def number(request: Request) -> int:
    return int.from_bytes(request.payload[:4], "big")


# ---- framing


def test_an_attribute_has_its_length_without_the_padding() -> None:
    assert attribute(7, b"abcde") == struct.pack("=HH", 9, 7) + b"abcde\0\0\0"


def test_a_nest_says_so_and_is_read_without_its_flag() -> None:
    nest = nested(3, attribute(1, b"x"), attribute(2, b"yyyy"))
    ((kind, inner),) = attributes(memoryview(nest))
    assert nest[3] & 0x80
    assert (kind, [(k, bytes(v)) for k, v in attributes(inner)]) == (3, [(1, b"x"), (2, b"yyyy")])


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40)), max_size=8))
def test_attributes_come_back_as_they_were_written(written: list[tuple[int, bytes]]) -> None:
    octets = b"".join(attribute(kind, payload) for kind, payload in written)
    assert [(kind, bytes(payload)) for kind, payload in attributes(memoryview(octets))] == written


@given(st.binary(max_size=200))
def test_no_octets_make_the_readers_raise_or_read_too_far(octets: bytes) -> None:
    assert sum(len(payload) + 4 for _kind, payload in attributes(memoryview(octets))) <= len(octets)
    assert sum(len(payload) + 16 for *_header, payload in messages(octets)) <= len(octets)


@pytest.mark.parametrize("length", [0, 3, 13])
def test_reading_stops_at_an_attribute_whose_length_cannot_be(length: int) -> None:
    octets = attribute(1, b"good") + struct.pack("=HH4x", length, 2)
    assert [kind for kind, _payload in attributes(memoryview(octets))] == [1]


@pytest.mark.parametrize("length", [0, 15, 33])
def test_reading_stops_at_a_message_whose_length_cannot_be(length: int) -> None:
    octets = message(KIND, 0, b"good") + struct.pack("=IHHII", length, KIND, 0, 0, 0)
    assert [kind for kind, *_rest in messages(octets)] == [KIND]


# ---- many requests


def test_the_last_request_asks_for_an_acknowledgement_and_each_has_a_number_of_its_own() -> None:
    netlink, kernel = conversation()
    assert netlink.request(requests(3)) == [None] * 3
    assert [request.flags for request in kernel.requests] == [NLM_F_REQUEST, NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_ACK]
    first = kernel.requests[0].sequence
    assert [request.sequence - first for request in kernel.requests] == [0, 1, 2]
    assert netlink.messages_sent == 3


def test_no_request_sends_nothing() -> None:
    netlink, kernel = conversation()
    assert netlink.request([]) == []
    assert kernel.sends == []


def test_a_refusal_in_the_middle_is_told_of_its_own_request_and_stops_no_other() -> None:
    netlink, kernel = conversation(lambda r: [refused(r, errno.EEXIST if number(r) == 2 else 0, "there already")])
    outcome = netlink.request(requests(5))
    assert [error and (error.errno, error.strerror) for error in outcome] == [
        None,
        None,
        (errno.EEXIST, "there already"),
        None,
        None,
    ]
    assert len(kernel.requests) == 5


def test_without_the_kernels_words_the_error_has_those_of_its_number() -> None:
    netlink, _kernel = conversation(lambda r: [refused(r, errno.ESRCH)])
    (error,) = netlink.request(requests(1))
    assert error is not None
    assert error.strerror == "No such process"


def test_the_kernels_words_are_found_behind_a_request_echoed_whole() -> None:
    def answer(request: Request) -> list[bytes | OSError]:
        capped = refused(request, errno.EINVAL, "bad mask")
        whole = capped[:36] + request.payload + capped[36:]
        return [struct.pack("=IHH", len(whole), NLMSG_ERROR, 0x200) + whole[8:]]

    netlink, _kernel = conversation(answer)
    (error,) = netlink.request(requests(1))
    assert error is not None
    assert error.strerror == "bad mask"


def test_many_requests_go_out_in_few_sends_within_the_bounds() -> None:
    netlink, kernel = conversation()
    assert netlink.request(requests(2 * BATCH_MESSAGES_MAX + 1)) == [None] * (2 * BATCH_MESSAGES_MAX + 1)
    assert kernel.sends == [BATCH_MESSAGES_MAX, BATCH_MESSAGES_MAX, 1]


def test_large_requests_are_cut_by_octets() -> None:
    netlink, kernel = conversation()
    netlink.request(requests(5, octets=BATCH_OCTETS_MAX // 2 - 16))
    assert kernel.sends == [2, 2, 1]


def test_a_request_larger_than_a_batch_goes_alone() -> None:
    netlink, kernel = conversation()
    netlink.request([*requests(1), *requests(1, octets=BATCH_OCTETS_MAX), *requests(1)])
    assert kernel.sends == [1, 1, 1]


def test_sequence_numbers_wrap_within_a_batch() -> None:
    netlink, _kernel = conversation(lambda r: [refused(r, errno.EBUSY if number(r) == 2 else 0)])
    netlink._sequence = 0xFFFF_FFFE
    assert [error is None for error in netlink.request(requests(4))] == [True, True, False, True]


# ---- losses


def test_lost_acknowledgements_are_an_overrun_and_the_next_request_is_clean() -> None:
    def lossy(request: Request) -> list[bytes | OSError]:
        if number(request) == 1:
            return [OSError(errno.ENOBUFS, "No buffer space available")]
        return acknowledged(request)

    netlink, kernel = conversation(lossy)
    with pytest.raises(NetlinkOverrunError) as caught:
        netlink.request(requests(4))
    assert caught.value.errno == errno.ENOBUFS
    assert not kernel.unread
    kernel.answer = acknowledged
    assert netlink.request(requests(4)) == [None] * 4


def test_a_second_loss_while_clearing_up_is_survived() -> None:
    netlink, kernel = conversation(lambda _request: [OSError(errno.ENOBUFS, "full")])
    with pytest.raises(NetlinkOverrunError):
        netlink.request(requests(3))
    assert not kernel.unread


def test_an_answer_that_never_comes_is_an_overrun() -> None:
    netlink, _kernel = conversation(lambda request: [] if number(request) else acknowledged(request))
    with pytest.raises(NetlinkOverrunError) as caught:
        netlink.request(requests(2))
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_flood_from_another_process_ends_the_wait() -> None:
    netlink, kernel = conversation(lambda _request: [])
    stranger = Request(KIND, 0, 1, b"")
    kernel.unread.extend((refused(stranger, 0), 4711) for _ in range(STRANGERS_MAX))
    with pytest.raises(NetlinkOverrunError, match="floods"):
        netlink.request(requests(1))


def test_a_socket_that_cannot_be_had_is_a_netlink_error() -> None:
    with pytest.raises(NetlinkError, match="no netlink socket"):
        NetlinkSocket(31 * 1000)


def test_late_answers_of_an_abandoned_request_count_for_no_other() -> None:
    netlink, kernel = conversation(lambda _request: [])
    with pytest.raises(NetlinkOverrunError):
        netlink.request(requests(1))
    kernel.unread.append((refused(kernel.requests[0], errno.EPERM), 0))
    kernel.answer = acknowledged
    assert netlink.request(requests(1)) == [None]


def test_what_another_process_sends_is_not_taken_for_the_kernels_answer() -> None:
    netlink, kernel = conversation(lambda _request: [])
    with pytest.raises(NetlinkOverrunError):
        netlink.request(requests(1))
    forged = Request(KIND, 0, kernel.requests[0].sequence + 1, b"")
    kernel.unread.append((refused(forged, errno.EPERM), 4711))
    kernel.answer = acknowledged
    assert netlink.request(requests(1)) == [None]


def test_an_error_of_the_socket_itself_keeps_its_number() -> None:
    netlink, _kernel = conversation(lambda _request: [OSError(errno.EIO, "broken")])
    with pytest.raises(NetlinkError) as caught:
        netlink.request(requests(1))
    assert caught.value.errno == errno.EIO
    assert not isinstance(caught.value, NetlinkOverrunError)


def test_a_send_that_fails_is_a_netlink_error() -> None:
    class Full(FakeKernel):
        def sendto(self, _octets: bytes, _address: tuple[int, int], /) -> int:
            raise OSError(errno.EMSGSIZE, "Message too long")

    with pytest.raises(NetlinkError) as caught:
        NetlinkSocket(0, Full()).request(requests(1))
    assert caught.value.errno == errno.EMSGSIZE


def test_closing_closes_the_transport() -> None:
    netlink, kernel = conversation()
    netlink.close()
    assert kernel.closed


# ---- dumps and questions


def test_a_dump_is_collected_over_datagrams_until_it_is_done() -> None:
    netlink, kernel = conversation(
        lambda r: [reply(r, KIND, b"1111") + reply(r, KIND, b"2222"), reply(r, KIND, b"3333"), done(r)]
    )
    assert [bytes(payload) for _kind, payload in netlink.dump(message(KIND, 0, b""))] == [b"1111", b"2222", b"3333"]
    assert kernel.requests[0].flags == NLM_F_REQUEST | NLM_F_DUMP


def test_an_interrupted_dump_is_asked_again_from_the_start() -> None:
    def answer(request: Request) -> list[bytes | OSError]:
        first = len(kernel.requests) == 1
        return [reply(request, KIND, b"old!" if first else b"new!", NLM_F_DUMP_INTR if first else 0), done(request)]

    netlink, kernel = conversation(answer)
    assert [bytes(payload) for _kind, payload in netlink.dump(message(KIND, 0, b""))] == [b"new!"]


def test_a_dump_that_is_always_interrupted_is_an_error_after_so_many_tries() -> None:
    netlink, kernel = conversation(lambda r: [reply(r, KIND, b"", NLM_F_DUMP_INTR), done(r)])
    with pytest.raises(NetlinkOverrunError, match="changed during each"):
        netlink.dump(message(KIND, 0, b""))
    assert len(kernel.requests) == DUMP_TRIES_MAX


@pytest.mark.parametrize("end", [refused, done])
def test_a_dump_that_is_refused_or_fails_half_way_raises(end: Callable[[Request, int], bytes]) -> None:
    netlink, _kernel = conversation(lambda r: [reply(r, KIND, b"1111"), end(r, errno.EOPNOTSUPP)])
    with pytest.raises(NetlinkError) as caught:
        netlink.dump(message(KIND, 0, b""))
    assert caught.value.errno == errno.EOPNOTSUPP


def test_answers_to_another_dump_are_passed_over() -> None:
    stale = Request(KIND, 0, 1, b"")
    netlink, _kernel = conversation(lambda r: [reply(stale, KIND, b"old!"), done(stale), reply(r, KIND, b"new!"), done(r)])
    assert [bytes(payload) for _kind, payload in netlink.dump(message(KIND, 0, b""))] == [b"new!"]


def test_a_dump_whose_buffer_overflowed_leaves_nothing_behind() -> None:
    netlink, kernel = conversation(lambda r: [reply(r, KIND, b"1111"), OSError(errno.ENOBUFS, "full"), done(r)])
    with pytest.raises(NetlinkOverrunError):
        netlink.dump(message(KIND, 0, b""))
    assert not kernel.unread


def test_a_question_is_over_with_its_acknowledgement() -> None:
    netlink, kernel = conversation(lambda r: [reply(r, KIND, b"data"), *acknowledged(r)])
    assert [bytes(payload) for _kind, payload in netlink.query(message(KIND, 0, b""))] == [b"data"]
    assert kernel.requests[0].flags == NLM_F_REQUEST | NLM_F_ACK
    assert not kernel.unread
