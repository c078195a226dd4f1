"""What there is to say about a keyword, a block, an option or a message, looked up by its name.

All of it is in the declarations and explanations; here it is found, and put into sentences. How it is laid out is the
business of `vrrpd explain` and of the reference pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc

from vrrpd.config.declaration import Argument, Effect, Entries, Form, Keyword
from vrrpd.config.diagnostics import Code
from vrrpd.config.keywords import ROOT
from vrrpd.config.near import nearest
from vrrpd.config.values import Boolean, Choice, Text

Place = tuple[Keyword, ...]
"""The blocks that a keyword stands in, from the file itself inwards."""

OUTSIDE = "outside of all blocks"
SUGGESTIONS_MAX = 8
"""More names than this are no help."""
MESSAGE = re.compile(r"([EW])?0*([0-9]{1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One declaration, with all the places where it holds."""

    keyword: Keyword
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A word that may stand in the lines of some blocks of values."""

    usage: str
    help: str
    blocks: tuple[str, ...]


@cache
def entries() -> dict[str, tuple[Entry, ...]]:
    """Every keyword's entries by its name, in the order of their declaration; a declaration that blocks share is one entry."""
    found: dict[int, tuple[Keyword, list[Place]]] = {}
    for keyword, place in _walk(ROOT, (ROOT,)):
        found.setdefault(id(keyword), (keyword, []))[1].append(place)
    by_name: dict[str, list[Entry]] = {}
    for keyword, places in found.values():
        by_name.setdefault(keyword.name, []).append(Entry(keyword, tuple(places)))
    return {name: tuple(of_name) for name, of_name in by_name.items()}


def _walk(block: Keyword, place: Place) -> Iterator[tuple[Keyword, Place]]:
    for child in block.children.values():
        yield child, place
        if child.means is None:
            yield from _walk(child, (*place, child))


def options(word: str) -> tuple[Option, ...]:
    """The options that begin with this word, in whichever blocks."""
    blocks: dict[tuple[str, str], list[str]] = {}
    for of_name in entries().values():
        for entry in of_name:
            for usage, meaning in _options(entry.keyword.entries):
                if usage.split()[0] == word and entry.keyword.name not in blocks.setdefault((usage, meaning), []):
                    blocks[usage, meaning].append(entry.keyword.name)
    return tuple(Option(usage, meaning, tuple(names)) for (usage, meaning), names in blocks.items())


def _options(of: Entries | None) -> Iterator[tuple[str, str]]:
    if of is not None:
        yield from of.options.items()


def message(word: str) -> Code | None:
    """The kind of message with this code (`E012`, or the number alone) or this name."""
    match = MESSAGE.fullmatch(word)
    return next((code for code in Code if code.value == word or (match and code.number == int(match[2]))), None)


def suggestions(word: str) -> list[str]:
    """Names that may have been meant: the nearest one, then those that begin with the word, then those that contain it."""
    names = [*entries(), *(code.value for code in Code)]
    near = nearest(word, names)
    containing = [name for name in names if word.lower() in name.lower() and name != near] if len(word) > 2 else []
    containing.sort(key=lambda name: not name.lower().startswith(word.lower()))
    return ([near] if near else []) + containing[: SUGGESTIONS_MAX - 1]


# -- sentences --------------------------------------------------------------------------------


def arguments(keyword: Keyword) -> list[tuple[str, str]]:
    """Each argument as the usage line shows it, with what it may be, if that does not say all."""
    return [(one.usage(), described) for one in keyword.arguments if (described := _describe(one, keyword))]


def facts(entry: Entry) -> list[tuple[str, str]]:
    """What a manual puts into a table: where a keyword stands, its default, since when, and so on."""
    keyword = entry.keyword
    since = {"vrrpd": "vrrpd only; keepalived does not know it", "git": "keepalived after 2.4.3; in no release yet"}
    unit = f" {keyword.unit}" if keyword.unit and keyword.default and _is_number(keyword.default) else ""
    takes = "no word; one behind it is ignored" if keyword.form is Form.LINE and not keyword.arguments else None
    table = [
        ("Stands", _stands(entry)),
        ("Takes", takes),
        ("Default", f"{keyword.default}{unit}" if keyword.default else None),
        ("Only for", keyword.family),
        ("Since", since.get(keyword.since, f"keepalived {keyword.since}")),
        ("In vrrpd", _effect(entry)),
    ]
    return [(name, text) for name, text in table if text]


def _is_number(text: str) -> bool:
    return text.replace(".", "").isdigit()


def _describe(argument: Argument, keyword: Keyword) -> str | None:
    """What an argument may be; None where its name says all."""
    if isinstance(argument.type, Text) or (isinstance(argument.type, Choice) and argument.name is None):
        return None
    described = argument.type.describe()
    if isinstance(argument.type, Boolean):
        return f"{described}; on without a word"
    unit = f" {keyword.unit}" if keyword.unit and described[-1].isdigit() else ""
    return f"{described}{unit}"


def _stands(entry: Entry) -> str:
    """`in TCP_CHECK and HTTP_GET (in real_server)`."""
    inside: dict[str, list[str]] = {}
    for place in entry.places:
        parent = place[-2].name if len(place) > 1 else ""
        inside.setdefault(parent, []).append(place[-1].name)
    return "; ".join(
        f"in {listed(names)}" + (f" (in {parent})" if parent else "") if names != [""] else OUTSIDE
        for parent, names in inside.items()
    )


def effect(keyword: Keyword, place: Place) -> Effect:
    """What a keyword does at a place: nothing that is not built can have parts that are."""
    around = (block.effect for block in place if block.effect is not Effect.BUILT)
    return keyword.effect if keyword.effect is Effect.IGNORED else next(around, keyword.effect)


def _effect(entry: Entry) -> str:
    blocks: dict[Effect, list[str]] = {}
    for place in entry.places:
        blocks.setdefault(effect(entry.keyword, place), []).append(place[-1].name)
    if len(blocks) == 1:
        return EFFECTS[next(iter(blocks))]
    return "; ".join(f"{one.value} in {listed(names)}" for one, names in blocks.items())


EFFECTS = {
    Effect.BUILT: "has effect in this version",
    Effect.NONE: "has no effect yet; it is left out with a warning",
    Effect.REFUSED: "is not built yet; the block that it stands in, or opens, is left out with an error",
    Effect.IGNORED: "has no effect, nor has it any in keepalived",
}


def remark(keyword: Keyword, places: Sequence[Place]) -> str | None:
    """What a list of keywords says of one that does not have effect everywhere; None of one that has."""
    effects = {effect(keyword, place) for place in places}
    return REMARKS[next(iter(effects))] if len(effects) == 1 else "partly"


REMARKS = {
    Effect.BUILT: None,
    Effect.NONE: "no effect yet",
    Effect.REFUSED: "not built yet",
    Effect.IGNORED: "ignored",
}


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a declaration's details, each as one line."""
    return [" ".join(paragraph.split()) for paragraph in cleandoc(text).split("\n\n") if paragraph.strip()]
