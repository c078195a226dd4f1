"""What a line says before it is split in words: conditions, definitions and loops.

    @director1 priority 150          kept only where the configuration id is director1
    $IF=eth0                         a definition; used as ${IF}, or as $IF before a blank
    ~SEQ(i, 1, 9) 10.0.0.${i}        one line for each number

A text is a string with one column for each of its characters, so that a message about a substituted word points at the
reference it came from. All work is charged to one budget, because a few lines of definitions can ask for any amount of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import UNDEFINED, Line, Mark

BUDGET = 16 * 1024 * 1024
"""Characters of rewritten text in one load, about two seconds' work. The largest honest use seen, a loop over a template of a
virtual server for each of 4,000 addresses, needs a tenth of it."""
REWRITES_MAX = 1000
"""Substitutions within one line; a definition that contains itself is found out by this."""
STEP_COST = 64
"""Charged for every step beside its length, so that empty steps are bounded too."""
NESTING_MAX = 64
"""Loops and multi-line definitions within one another."""

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
DEFINITION = re.compile(rf"\$({NAME})=[ \t]*(.*)", re.DOTALL)
REFERENCE = re.compile(rf"\$(?:\{{({NAME})((?:[ \t]+[^ \t{{}}]+)*)[ \t]*\}}|({NAME})(?=[ \t,)]|$))")
LOOP = re.compile(r"~(SEQx?|LST)\(")
CONDITION = re.compile(r"@(\^?)([^ \t]*)[ \t]*")
INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

Text = tuple[str, Sequence[int]]


class Expansion:
    """The definitions in force and what they make of lines; one for all files of a load."""

    def __init__(self, report: Report, ids: frozenset[str], config_id: str) -> None:
        self._report = report
        self._ids = ids
        self._config_id = config_id
        self._definitions: dict[str, list[str]] = {}
        self._open: tuple[str, list[str]] | None = None
        self._budget = BUDGET
        self._spent = False
        self._place = Line(Mark.WORDS, [""], "", 0, "")

    @property
    def in_definition(self) -> bool:
        """Whether the next line of the file continues a definition."""
        return self._open is not None

    def continue_definition(self, text: str) -> None:
        """Take one more line of the definition begun before; one that does not end in a backslash is its last."""
        assert self._open is not None
        name, values = self._open
        text = text.strip(" \t")
        if text.endswith("\\"):
            values.append(text[:-1].rstrip(" \t"))
            return
        if text:
            values.append(text)
        self._open = None
        self._definitions[name] = values

    def expand(self, text: Text, place: Line) -> Iterator[Text]:
        """The lines that `text`, free of comments, stands for; `place` is where messages point.

        Loops and definitions are worked on depth first: a loop's variable holds one value until all its text is done.
        """
        self._place = place
        pending: list[Iterator[Text]] = [iter((text,))]
        while pending:
            current = next(pending[-1], None)
            if current is None:
                pending.pop()
                continue
            if self._charge(current):
                return
            current = self._unconditional(_stripped(current))
            if not current[0] or self._define(current[0]):
                continue
            further = self._loop(current) or self._substitute(current)
            if further is None:
                yield current
                continue
            pending.append(further)
            if len(pending) > NESTING_MAX:
                self._exhaust("definitions or loops are nested too deep here")
                return

    def _charge(self, text: Text) -> bool:
        self._budget -= len(text[0]) + STEP_COST
        if self._budget < 0:
            self._exhaust("definitions and loops make too much text")
        return self._budget < 0

    def _exhaust(self, message: str) -> None:
        """Report once; what follows from text that was not made is not the file's author's next mistake."""
        if not self._spent:
            self._report.error(Code.EXPANSION_LIMIT, self._place, 0, message, assumed="the rest of this line is left out")
        self._spent = True

    def _unconditional(self, text: Text) -> Text:
        """Without its `@ID`; empty where the condition does not hold."""
        match = CONDITION.match(text[0])
        if match is None:
            return text
        holds = (match[2] in self._ids) != (match[1] == "^")
        return _cut(text, match.end()) if holds else ("", ())

    def _define(self, text: str) -> bool:
        match = DEFINITION.fullmatch(text)
        if match is None:
            return False
        name, value = match.groups()
        if value.endswith("\\"):
            self._open = (name, [value[:-1].rstrip(" \t")])
        else:
            self._definitions[name] = [value]
        return True

    # -- references --------------------------------------------------------------------------------

    def _substitute(self, text: Text) -> Iterator[Text] | None:
        """The text with every reference replaced; None where there is nothing to replace."""
        rewrites = 0
        changed = False
        search_from = 0
        while match := REFERENCE.search(text[0], search_from):
            values = self._values(match)
            if values is None:
                search_from = match.end()
                if match[1] and text[0].count('"', 0, match.start()) % 2 == 0:
                    self._undefined(text, match)
                    text = _replaced(text, match, UNDEFINED + match[1])
                    changed = True
                continue
            if len(values) > 1:
                return self._many(text, match, values)
            text = _replaced(text, match, values[0] if values else "")
            search_from = match.start()
            changed = True
            rewrites += 1
            if rewrites > REWRITES_MAX or self._charge(text):
                self._exhaust("a definition contains itself")
                return iter(())
        return iter((text,)) if changed else None

    def _many(self, text: Text, match: re.Match[str], values: list[str]) -> Iterator[Text]:
        """The lines of a multi-line definition, behind the text in front of the reference."""
        if text[0][match.end() :].strip(" \t"):
            self._report.error(
                Code.SURPLUS_WORDS,
                self._at(text, match),
                0,
                f"text follows the definition `{match[1] or match[3]}`, which has several lines",
                assumed="the text behind it is left out",
            )
        columns = text[1]
        here = columns[match.start()]
        first = (text[0][: match.start()] + values[0], [*columns[: match.start()], *repeat(here, len(values[0]))])
        rest = ((value, [here] * len(value)) for value in values[1:])
        return chain((first,), rest)

    def _values(self, match: re.Match[str]) -> list[str] | None:
        name = match[1] or match[3]
        if name in self._definitions:
            return self._definitions[name]
        value = self._predefined(name, match[2].split()) if match[1] else None
        return None if value is None else [value]

    def _predefined(self, name: str, arguments: list[str]) -> str | None:
        """The value of a definition that is always there; None for any other name."""
        match name:
            case "_PWD":
                return os.path.dirname(os.path.abspath(self._place.file))
            case "_INSTANCE":
                return self._config_id
            case "_HASH":
                return "#"
            case "_BANG":
                return "!"
            case "_RANDOM":
                return _random(arguments)
            case "_ENV":
                return os.environ.get(arguments[0]) if arguments else None
        return None

    def _undefined(self, text: Text, match: re.Match[str]) -> None:
        at = self._at(text, match)
        self._report.error(
            Code.UNDEFINED,
            at,
            0,
            f"`${{{match[1]}}}` is not defined",
            assumed="what is set here is left out",
            advice=f"write `${match[1]}=value` on a line above this one",
        )

    def _at(self, text: Text, match: re.Match[str]) -> Line:
        place = self._place
        return Line(Mark.WORDS, [match[0]], place.file, place.number, place.source, [text[1][match.start()]])

    # -- loops --------------------------------------------------------------------------------

    def _loop(self, text: Text) -> Iterator[Text] | None:
        """The text behind `~SEQ(…)` or `~LST(…)`, once for each value; None where there is no loop."""
        match = LOOP.match(text[0])
        if match is None:
            return None
        end = text[0].find(")", match.end())
        header = text[0][match.end() : end] if end > 0 else ""
        substituted = self._substitute((header, text[1][match.end() : match.end() + len(header)]))
        arguments = "".join(part for part, _ in substituted) if substituted else header
        values = _list_values(arguments) if match[1] == "LST" else _sequence_values(arguments, match[1] == "SEQx")
        if values is None:
            if UNDEFINED not in arguments:
                self._report.error(
                    Code.LOOP,
                    self._place,
                    0,
                    f"`~{match[1]}` needs {LOOP_FORMS[match[1]]}",
                    assumed="the line is left out",
                )
            return iter(())
        return self._repeated(_stripped(_cut(text, end + 1)), values)

    def _repeated(self, text: Text, values: Iterator[dict[str, str]]) -> Iterator[Text]:
        for bound in values:
            for name, value in bound.items():
                self._definitions[name] = [value]
            yield text


LOOP_FORMS = {
    "SEQ": "`(name, [start, [step,]] end)`",
    "SEQx": "`(name, [start, [step,]] end)`",
    "LST": "`(name, value, …)` or `({name, …}, {value, …}, …)`",
}


def _random(bounds: list[str]) -> str | None:
    """`${_RANDOM [min [max]]}`, by default 0 to 32767."""
    if not all(INTEGER.fullmatch(bound) for bound in bounds[:2]):
        return None
    low, high = [*map(int, bounds[:2]), *(0, 32767)[len(bounds[:2]) :]]
    return str(low + int.from_bytes(os.urandom(8)) % max(1, high - low + 1))


def _sequence_values(arguments: str, hexadecimal: bool) -> Iterator[dict[str, str]] | None:
    """The values of `~SEQ`: `end`, `start, end` or `start, step, end`, both ends included."""
    name, *words = (word.strip() for word in arguments.split(","))
    if not re.fullmatch(NAME, name) or not 1 <= len(words) <= 3 or not all(INTEGER.fullmatch(word) for word in words):
        return None
    numbers = [int(word) for word in words]
    end = numbers[-1]
    start = numbers[0] if len(numbers) > 1 else 1 if end >= 0 else -1
    step = numbers[1] if len(numbers) == 3 else 1 if end >= start else -1
    if step == 0:
        return None
    return (
        {name: f"{number:x}" if hexadecimal else str(number)} for number in range(start, end + (1 if step > 0 else -1), step)
    )


def _list_values(arguments: str) -> Iterator[dict[str, str]] | None:
    """The values of `~LST`; those that are missing are empty."""
    groups = [
        [word.strip() for word in group[1:-1].split(",")] if group.startswith("{") else [group.strip()]
        for group in re.findall(r"\{[^{}]*\}|[^ \t,{}][^,{}]*", arguments)
    ]
    if len(groups) < 2 or not all(re.fullmatch(NAME, name) for name in groups[0]):
        return None
    names, *rows = groups
    return (dict(zip(names, chain(row, repeat("")), strict=False)) for row in rows)


def _cut(text: Text, start: int) -> Text:
    return text[0][start:], text[1][start:]


def _stripped(text: Text) -> Text:
    string, columns = text
    stripped = string.lstrip(" \t")
    start = len(string) - len(stripped)
    stripped = stripped.rstrip(" \t")
    return stripped, columns[start : start + len(stripped)]


def _replaced(text: Text, match: re.Match[str], value: str) -> Text:
    string, columns = text
    start, end = match.span()
    return (
        string[:start] + value + string[end:],
        [*columns[:start], *repeat(columns[start], len(value)), *columns[end:]],
    )
