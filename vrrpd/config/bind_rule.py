"""One line of `virtual_rules` or `static_rules` -> :class:`vrrpd.config.model.Rule`.

from 192.168.4.0/24 to 10.0.0.0/8 table 100 preference 1000
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from typing import Any

from vrrpd.config.bind_route import EVERYTHING, FAMILIES, TYPES, read_destination, read_octet, read_protocol, read_table
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line
from vrrpd.config.model import Prefix, Rule
from vrrpd.config.model.network import KEEPALIVED_PROTOCOL, Option
from vrrpd.config.values import BadValueError, Choice, Integer, InterfaceName
from vrrpd.config.words import Words, read_entry

FIRST_ASSUMED_PREFERENCE = 16384
"""Where keepalived begins to count down for rules that name no preference."""
NUMBER = Integer()
ACTIONS = frozenset({"nop", "blackhole", "unreachable", "prohibit"})
"""Actions of one word."""
VALUES = {
    "fwmark": 1, "realms": 1, "suppress_prefixlength": 1, "suppress_ifgroup": 1, "ipproto": 1, "sport": 1, "dport": 1,
    "uidrange": 1, "tun_id": 1, "l3mdev": 0, "type": 1,
}  # fmt: skip
"""Conditions that go to the kernel as they are, and how many words follow."""
RANGES = {"sport": 65535, "dport": 65535, "uidrange": 2**32 - 1}
"""Conditions whose value is a range, with its greatest end; keepalived takes no single number."""
KEYWORDS = (
    "not", "from", "to", "tos", "iif", "dev", "oif", "protocol", "table", "lookup", "preference", "order", "priority", "goto",
    "no_track", "track_group", *FAMILIES, *ACTIONS, *VALUES,
)  # fmt: skip


class Preferences:
    """Numbers for rules that name none: downwards for each family, through the whole configuration."""

    def __init__(self) -> None:
        self._next = {4: FIRST_ASSUMED_PREFERENCE, 6: FIRST_ASSUMED_PREFERENCE}

    def take(self, family: int) -> int:
        """The next number of a family."""
        number = self._next[family]
        self._next[family] = max(1, number - 1)
        return number


def bind_rule(entry: Line, preferences: Preferences, report: Report) -> Rule | None:
    """The rule on a line; None, with a message, where it is not sound."""
    rule = read_entry(Words(entry), _read, "rule", report)
    if rule is None:
        return None
    if rule.preference == 0:
        rule = replace(rule, preference=preferences.take(rule.family))
        report.error(
            Code.MISSING_SETTING,
            entry,
            0,
            "a rule needs a `preference`",
            assumed=f"`preference {rule.preference}`",
            advice="add `preference NUMBER`, so that the order of rules is yours",
        )
    if rule.tracked and rule.protocol != KEEPALIVED_PROTOCOL:
        report.error(
            Code.CONFLICT,
            entry,
            entry.words.index("protocol"),
            "only rules of protocol keepalived can be tracked",
            assumed="`protocol keepalived`",
            advice="add `no_track`",
        )
        rule = replace(rule, protocol=KEEPALIVED_PROTOCOL)
    return rule


def _read(words: Words) -> Rule:
    rule = Rule(0, 0, "", words.line.position())
    options: list[Option] = []
    family = None
    while words.next is not None:
        word = words.take()
        if word in FAMILIES:
            family = word
        elif word in VALUES:
            options.append(_option(words, word))
        else:
            rule = replace(rule, **_part(words, word))
    if not rule.action:
        words.index = 0
        raise BadValueError("a rule needs a `table` or another action")
    return replace(rule, family=_family(rule, family, words), options=tuple(options))


def _part(words: Words, word: str) -> dict[str, Any]:
    """What one keyword says of a rule, by the names of the model's fields."""
    if word in {"from", "to"}:
        return {"source" if word == "from" else "destination": words.read(_prefix)}
    if word in {"table", "lookup"}:
        return {"action": "lookup", "table": words.read(read_table)}
    if word == "goto":
        return {"action": "goto", "target": words.read(NUMBER.read)}
    if word in ACTIONS:
        return {"action": word}
    if word in {"preference", "order", "priority"}:
        return {"preference": words.read(Integer(1).read)}
    if word in {"iif", "dev", "oif"}:
        return {"outgoing_interface" if word == "oif" else "incoming_interface": words.read(InterfaceName().read)}
    if word == "not":
        return {"inverted": True}
    if word == "tos":
        return {"type_of_service": words.read(read_octet)}
    if word == "protocol":
        return {"protocol": words.read(read_protocol)}
    if word == "no_track":
        return {"tracked": False}
    if word == "track_group":
        return {"track_group": words.read(str)}
    raise words.unknown(KEYWORDS)


def _prefix(word: str) -> Prefix | None:
    """None is any address."""
    return None if word in EVERYTHING else read_destination(word)


def _option(words: Words, word: str) -> Option:
    if word in RANGES:
        return word, words.read(lambda value: _range(value, RANGES[word]))
    if word == "type":
        return word, words.read(Choice(TYPES).read)
    return (word, words.read(str)) if VALUES[word] else (word,)


def _range(word: str, greatest: int) -> str:
    low, dash, high = word.partition("-")
    if not dash:
        raise BadValueError(f"`{word}` is not a range `FIRST-LAST`", f"{word}-{word}")
    number = Integer(0, greatest)
    if number.read(low) > number.read(high):
        raise BadValueError(f"`{word}` ends before it begins", f"{high}-{low}")
    return word


def _family(rule: Rule, written: str | None, words: Words) -> int:
    """4 or 6: that of the addresses, else what the line says, else 4."""
    families = {
        6 if isinstance(prefix.address, IPv6Address) else 4 for prefix in (rule.source, rule.destination) if prefix is not None
    }
    if len(families) == 2:
        words.index = words.line.words.index("to") + 1
        raise BadValueError(f"{rule.source} and {rule.destination} are of two families")
    return families.pop() if families else 6 if written == "inet6" else 4
