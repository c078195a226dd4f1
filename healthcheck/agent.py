"""AGENT_CHECK: a program on the server says in a line of text how it is, as for HAProxy's `agent-check`.

Words, separated by blanks or commas: `up` or `ready`, `down`, `failed` or `stopped`, `maint`, `drain`, a share such as `75%`,
and behind a `#` why. Of several states the worst holds. Each answer stands for itself: without a share the server carries what
is configured, with `drain` it carries nothing new. An agent that does not answer counts as one that says `down`.
"""

from __future__ import annotations

import re

from healthcheck.connection import PlainStream, converse, within
from healthcheck.lines import receive_line
from healthcheck.types import AgentCheck, NotProbed, ProbeResult, Round, WeightShare

WORDS_SHOWN_MAX = 100
"""Characters of an agent's own words in a reason."""
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", re.ASCII)
PERCENT_MAX = 100.0
OUT_OF_SERVICE = frozenset({"down", "fail", "failed", "stopped", "maint"})
IN_SERVICE = frozenset({"up", "ready"})
OF_NO_MEANING_HERE = re.compile(r"maxconn:\S*")
"""A limit of HAProxy's; IPVS has thresholds of its own."""


async def probe_agent(check: AgentCheck, _round: Round) -> ProbeResult | NotProbed:
    """Ask the agent."""

    async def dialogue(stream: PlainStream) -> ProbeResult:
        if check.request:
            await within(check.connect_timeout_s, "in sending", stream.send(check.request))
        waiting = receive_line(stream, end_is_line_end=True)
        line, _ = await within(check.connect_timeout_s, "waiting for the agent's words", waiting)
        return read_answer(line)

    return await converse(check, dialogue)


def read_answer(line: bytes) -> ProbeResult:
    """What an agent's line means; the latency is left open."""
    text = line.decode("ascii", "backslashreplace").strip()
    shown = repr(text[:WORDS_SHOWN_MAX])
    words = text.partition("#")[0].lower().replace(",", " ").split()
    state, percent = None, PERCENT_MAX
    for word in words:
        if word in OUT_OF_SERVICE:
            return ProbeResult(False, 0.0, f"the agent says {shown}")
        if share := SHARE.fullmatch(word):
            percent = min(float(share[1]), PERCENT_MAX)
            state = state or "share"
        elif word == "drain" or word in IN_SERVICE:
            state = "drain" if "drain" in (word, state) else word
        elif not OF_NO_MEANING_HERE.fullmatch(word):
            return ProbeResult(False, 0.0, f"the agent says {shown}, which means nothing")
    if state is None:
        return ProbeResult(False, 0.0, f"the agent says {shown}, which means nothing" if text else "the agent says nothing")
    return ProbeResult(True, 0.0, f"the agent says {shown}", WeightShare(0.0 if state == "drain" else percent))
