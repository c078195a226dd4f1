"""The channel over a real socket pair: whole messages or none, never waiting, and nothing let in that is no value of ours."""

from __future__ import annotations

import asyncio
import pickle
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrrpd.daemon import channel
from vrrpd.daemon.channel import LENGTH, MESSAGE_OCTETS_MAX, QUEUE_MESSAGES_MAX, Channel, ChannelError, decode, encode
from vrrpd.daemon.messages import Ask, LogLine

PATIENCE_S = 10.0
"""How long a test waits for what must come; reached only when it fails."""
ADDRESS_SPACE_MAX = 4 << 30
"""A broken pickle can ask for any amount of memory; what is over this is refused to it."""


class End:
    """One end and what it heard."""

    def __init__(self, end: socket.socket) -> None:
        self.heard: list[object] = []
        self.closings = 0
        self._news = asyncio.Event()
        self.channel = Channel(end, self._on_message, self._on_close)

    def _on_message(self, message: object) -> None:
        self.heard.append(message)
        self._news.set()

    def _on_close(self) -> None:
        self.closings += 1
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was heard makes `condition` true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_closed(self) -> None:
        await self.until(lambda: self.closings > 0)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    left, right = (End(end) for end in socket.socketpair())
    yield left, right
    left.channel.close()
    right.channel.close()


@pytest.fixture
async def raw() -> AsyncIterator[tuple[socket.socket, End]]:
    """A bare socket, to write what no channel would, and the channel at its other end."""
    ours, theirs = socket.socketpair()
    end = End(theirs)
    with ours:
        yield ours, end
    end.channel.close()


@contextmanager
def little_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_MAX, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


# ---- messages


async def test_messages_arrive_both_ways_in_their_order(ends: tuple[End, End]) -> None:
    left, right = ends
    for number in range(100):
        assert left.channel.send(Ask(number))
        assert right.channel.send(LogLine(20, f"line {number}"))
    await right.until(lambda: len(right.heard) == 100)
    await left.until(lambda: len(left.heard) == 100)
    assert right.heard == [Ask(number) for number in range(100)]
    assert left.heard == [LogLine(20, f"line {number}") for number in range(100)]


async def test_a_message_larger_than_every_buffer_arrives_whole(ends: tuple[End, End]) -> None:
    left, right = ends
    text = "x" * 10_000_000
    assert left.channel.send(LogLine(20, text))
    assert left.channel.send(Ask(1))
    await right.until(lambda: len(right.heard) == 2)
    assert right.heard == [LogLine(20, text), Ask(1)]


async def test_a_message_cut_in_pieces_is_delivered_once_it_is_whole(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    frames = encode(LogLine(20, "one")) + encode(Ask(2))
    for at in range(len(frames)):
        ours.send(frames[at : at + 1])
        end.channel.drain()
        assert len(end.heard) == (at + 1 >= len(encode(LogLine(20, "one")))) + (at + 1 == len(frames))
    assert end.heard == [LogLine(20, "one"), Ask(2)]


async def test_a_fault_over_one_message_holds_up_none_behind_it(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
    fault = ValueError("no such number")

    def refuse_the_first(message: object) -> None:
        if message == Ask(1):
            raise fault
        end.heard.append(message)

    end.channel._on_message = refuse_the_first
    ours.send(encode(Ask(1)) + encode(Ask(2)))
    end.channel.drain()
    assert end.heard == [Ask(2)]
    assert faults == [fault]


# ---- bounds


async def test_a_reader_that_does_not_read_costs_reports_and_no_time(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    line = LogLine(20, "x" * 1000)
    kept = 0
    while end.channel.send(line):
        kept += 1
    assert kept >= QUEUE_MESSAGES_MAX
    assert end.channel.dropped == 1
    assert not end.channel.send(line)
    assert end.channel.dropped == 2
    assert end.channel.send(Ask(7), must_arrive=True)
    assert end.channel.dropped == 2
    reader = End(ours)  # at last somebody reads
    await reader.until(lambda: Ask(7) in reader.heard)
    assert reader.heard == [line] * kept + [Ask(7)]
    assert end.channel.send(line), "there is room again"
    reader.channel.close()


async def test_an_impossible_length_closes_the_channel(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    ours.send(LENGTH.pack(MESSAGE_OCTETS_MAX + 1))
    await end.until_closed()
    assert end.closings == 1
    assert ours.recv(1) == b""


# ---- what is no message


FOREIGN = [print, socket.socket, channel.encode, Channel, Exception("no value"), complex(1, 1)]


@pytest.mark.parametrize("value", FOREIGN, ids=lambda value: getattr(value, "__name__", type(value).__name__))
async def test_what_is_no_value_of_ours_is_refused_and_the_channel_closed(
    value: object, raw: tuple[socket.socket, End]
) -> None:
    ours, end = raw
    body = pickle.dumps(value)
    with pytest.raises(ChannelError, match="has no place in a message"):
        decode(body)
    ours.send(encode(Ask(1)) + LENGTH.pack(len(body)) + body + encode(Ask(2)))
    await end.until_closed()
    assert end.heard == [Ask(1)]
    assert not end.channel.send(Ask(3))


@pytest.mark.parametrize("name", ["os.system", "os.getpid", "fork", "asyncio.Event"])
def test_nothing_is_reached_through_a_module_of_ours(name: str) -> None:
    call_without_arguments = b"\x80\x04" + b"".join(
        b"\x8c" + bytes([len(text)]) + text.encode() for text in ("vrrpd.daemon.child", name)
    )
    with pytest.raises(ChannelError, match="has no place in a message"):
        decode(call_without_arguments + b"\x93)R.")


@given(body=st.binary(max_size=200))
def test_any_octets_are_a_message_or_a_channel_error(body: bytes) -> None:
    with little_memory():
        try:
            decode(body)
        except ChannelError:
            return


WHOLE = encode(LogLine(20, "the line that is damaged"))


@given(at=st.integers(0, len(WHOLE) - LENGTH.size - 1), octet=st.integers(0, 255))
def test_a_damaged_message_is_a_message_or_a_channel_error(at: int, octet: int) -> None:
    body = bytearray(WHOLE[LENGTH.size :])
    body[at] = octet
    with little_memory():
        try:
            decode(bytes(body))
        except ChannelError:
            return


@given(pieces=st.lists(st.binary(max_size=60) | st.just(encode(Ask(1))), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_octets_raise_out_of_the_reader(pieces: list[bytes]) -> None:
    async def feed() -> None:
        ours, theirs = socket.socketpair()
        end = End(theirs)
        raised: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
        with ours, little_memory():
            for piece in pieces:
                ours.send(piece)
                end.channel.drain()
                if end.channel.closed:
                    break
            ours.close()
            await end.until_closed()
        assert end.closings == 1
        assert not raised

    run(feed())


def run(story: Awaitable[None]) -> None:
    async def tell() -> None:
        await story

    with asyncio.Runner() as runner:
        runner.run(tell())


# ---- the end


async def test_the_other_ends_end_is_told_once(ends: tuple[End, End]) -> None:
    left, right = ends
    left.channel.close()
    await right.until_closed()
    right.channel.close()
    right.channel.drain()
    assert (left.closings, right.closings) == (0, 1), "who closes needs not be told"
    assert not right.channel.send(Ask(1))
    assert right.channel.dropped == 1


async def test_what_a_sender_said_before_it_ended_can_still_be_drained(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    ours.send(b"".join(encode(Ask(number)) for number in range(2_000)))
    ours.close()
    end.channel.drain()
    assert end.heard == [Ask(number) for number in range(2_000)]
    assert end.closings == 1


async def test_writing_to_an_end_that_is_gone_loses_none_of_its_last_words(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    ours.send(encode(LogLine(40, "why I died")))
    ours.close()
    end.channel.send(Ask(0))
    assert end.closings == 0
    end.channel.drain()
    assert end.heard == [LogLine(40, "why I died")]
    assert end.closings == 1


async def test_last_words_are_sent_without_an_event_loop_and_in_a_bounded_time(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    line = LogLine(20, "x" * 1000)
    while end.channel.send(line):
        pass
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    end.channel.flush(0.1)
    assert 0.1 <= loop.time() - began_s < 2.0, "nobody reads, and it goes on all the same"
    end.channel.close()
    reader = End(ours)
    await reader.until_closed()
    assert reader.heard
    assert set(reader.heard) == {line}, "whole messages alone"


async def test_flushed_words_arrive(raw: tuple[socket.socket, End]) -> None:
    ours, end = raw
    line = LogLine(20, "x" * 1_000_000)
    frame = encode(line)
    end.channel.send(line, must_arrive=True)
    reading = asyncio.to_thread(ours.recv, len(frame), socket.MSG_WAITALL)  # beside the loop, which flushing holds up
    arrived = asyncio.ensure_future(reading)
    await asyncio.sleep(0)
    end.channel.flush(PATIENCE_S)
    assert await arrived == frame
