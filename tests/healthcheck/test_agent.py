from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.agent import probe_agent, read_answer
from healthcheck.types import FIRST_STEP, AgentCheck, Outcome, ProbeResult, WeightShare
from tests.healthcheck.servers import LOCALHOST, PATIENCE_S, TIMEOUT_S, answering, serving


@pytest.mark.parametrize(
    ("answer", "percent"),
    [
        ("up", 100.0),
        ("ready", 100.0),
        ("UP\t75%", 75.0),
        ("75%", 75.0),
        ("12.5% , up", 12.5),
        ("0%", 0.0),
        ("999%", 100.0),
        ("drain", 0.0),
        ("up drain 50%", 0.0),
        ("drain up", 0.0),
        ("ready up 30% maxconn:30 # load is 7", 30.0),
        ("up # down for nobody", 100.0),
    ],
)
def test_words_by_which_a_server_is_up_and_weighs_something(answer: str, percent: float) -> None:
    assert read_answer(answer.encode()) == ProbeResult(True, 0.0, f"the agent says {answer!r}", WeightShare(percent))


@pytest.mark.parametrize(
    "answer", ["down", "fail", "failed #no replica", "stopped", "maint", "up 75% down", "MAINT", "drain,down"]
)
def test_words_by_which_a_server_is_out(answer: str) -> None:
    assert read_answer(answer.encode()) == ProbeResult(False, 0.0, f"the agent says {answer!r}")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "the agent says nothing"),
        (b"  ", "the agent says nothing"),
        (b"# up", "the agent says '# up', which means nothing"),
        (b"maxconn:7", "the agent says 'maxconn:7', which means nothing"),
        (b"HTTP/1.0 200 OK", "the agent says 'HTTP/1.0 200 OK', which means nothing"),
        (b"\xff\x00%", "the agent says '\\\\xff\\x00%', which means nothing"),
        (b"1000%", "the agent says '1000%', which means nothing"),
    ],
)
def test_words_without_a_meaning_are_a_failure(answer: bytes, reason: str) -> None:
    assert read_answer(answer) == ProbeResult(False, 0.0, reason)


@given(st.binary(max_size=200))
def test_whatever_an_agent_says_has_a_verdict_in_few_words(answer: bytes) -> None:
    outcome = read_answer(answer)
    assert outcome.reason.isprintable()
    assert len(outcome.reason) < 900
    assert outcome.success is (outcome.weight is not None)


async def ask(port: int, request: bytes = b"", timeout_s: float = PATIENCE_S) -> Outcome:
    return await probe_agent(AgentCheck(LOCALHOST, port, connect_timeout_s=timeout_s, request=request), FIRST_STEP)


async def test_an_agent_is_asked_what_it_wants_to_be_asked() -> None:
    heard = []

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"up 40%\r\nignored")
        await writer.drain()
        await reader.read()

    async with serving(agent) as port:
        outcome = await ask(port, b"how are you\n")
    assert heard == [b"how are you\n"]
    assert isinstance(outcome, ProbeResult)
    assert (outcome.success, outcome.weight) == (True, WeightShare(40.0))


async def test_an_agent_may_end_its_line_by_closing() -> None:
    async with serving(answering(b"up 40%")) as port:
        outcome = await ask(port, b"x")
    assert isinstance(outcome, ProbeResult)
    assert outcome.weight == WeightShare(40.0)


async def test_an_agent_that_says_nothing_is_a_failure_in_time() -> None:
    async with serving(answering(b"", then_wait=True)) as port:
        assert (await ask(port, b"x", TIMEOUT_S)).reason == "timed out after 0.3 s waiting for the agent's words"
    async with serving(answering(b"")) as port:
        assert (await ask(port, b"x")).reason == "closed without an answer"
