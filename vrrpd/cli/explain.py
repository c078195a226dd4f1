"""`vrrpd explain WORD`: the manual's entry for a keyword, a block, an option of an address line, or the code of a message."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from inspect import cleandoc

import click

from vrrpd.config import Code
from vrrpd.config.explanations import EXPLANATIONS
from vrrpd.config.manual import (
    Entry,
    Option,
    arguments,
    effect,
    entries,
    facts,
    listed,
    message,
    options,
    paragraphs,
    remark,
    suggestions,
)

WIDTH = 80
"""Columns of a manual page."""
INDENT = "    "


@click.command()
@click.argument("word")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(word: str, as_json: bool) -> None:
    """Explain a keyword, a block, or the code of a message.

    WORD is a name such as advert_int, virtual_server or E012. What stands in several blocks is explained for each.
    """
    found, chosen, code = entries().get(word, ()), options(word), message(word)
    if not (found or chosen or code):
        near = suggestions(word)
        raise click.ClickException(f"there is nothing called `{word}`" + (f"; did you mean {listed(near)}?" if near else ""))
    if as_json:
        click.echo(json.dumps(_as_json(found, chosen, code), indent=2))
        return
    pages = [*map(_entry, found), *map(_option, chosen), *([_message(code)] if code else [])]
    click.echo("\n\n".join(pages))


# -- as text --------------------------------------------------------------------------------


def _entry(entry: Entry) -> str:
    keyword = entry.keyword
    parts = [_filled(f"{keyword.name}: {keyword.help}", ""), INDENT + keyword.usage()]
    if keyword.entries:
        parts.append(_filled(f"with, on each line: {keyword.entries.usage}"))
    parts.append(_table([*arguments(keyword), *facts(entry)]))
    parts += map(_filled, paragraphs(keyword.details))
    if keyword.entries and keyword.entries.options:
        parts.append(_definitions("In a line", keyword.entries.options.items()))
    if keyword.children:
        parts.append(_definitions("In the block", _inside(entry)))
    if keyword.example:
        parts.append(_example(keyword.example))
    if keyword.see:
        parts.append(_filled(f"See also {listed(keyword.see)}."))
    return "\n\n".join(parts)


def _inside(entry: Entry) -> Iterator[tuple[str, str]]:
    """Each keyword of a block; where the block has effect, with a remark on those that have none."""
    block = entry.keyword
    whole = [(*place, block) for place in entry.places]
    for one in block.children.values():
        mark = remark(one, whole) if remark(block, entry.places) is None else None
        yield one.usage() + (f"  ({mark})" if mark else ""), one.help


def _option(option: Option) -> str:
    where = f"Stands in the lines of {listed(option.blocks)}."
    return "\n\n".join([f"{option.usage}", _filled(option.help), _filled(where)])


def _message(code: Code) -> str:
    explanation = EXPLANATIONS[code]
    parts = [_filled(f"{explanation.codes(code)} {code.value}", ""), *map(_filled, paragraphs(explanation.text))]
    if explanation.example:
        parts.append(_example(explanation.example))
    return "\n\n".join(parts)


def _filled(text: str, indent: str = INDENT) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows if len(name) <= WIDTH // 4)
    return "\n".join(_row(name, text, width) for name, text in rows)


def _row(name: str, text: str, width: int) -> str:
    body = textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * (len(INDENT) + width + 2),
        subsequent_indent=" " * (len(INDENT) + width + 2),
        break_on_hyphens=False,
    )
    head = f"{INDENT}{name:{width}}  "
    return head + body[len(head) :] if len(name) <= width else f"{head.rstrip()}\n{body}"


def _definitions(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([f"{INDENT}{title}", *(f"{INDENT * 2}{name}\n{_filled(text, INDENT * 3)}" for name, text in rows)])


def _example(text: str) -> str:
    return f"{INDENT}Example\n" + textwrap.indent(cleandoc(text), INDENT * 2)


# -- as JSON --------------------------------------------------------------------------------


def _as_json(found: Iterable[Entry], chosen: Iterable[Option], code: Code | None) -> dict[str, object]:
    return {
        "keywords": [_entry_as_json(entry) for entry in found],
        "options": [{"usage": one.usage, "help": one.help, "blocks": one.blocks} for one in chosen],
        "message": _message_as_json(code) if code else None,
    }


def _entry_as_json(entry: Entry) -> dict[str, object]:
    keyword = entry.keyword
    return {
        "name": keyword.name,
        "means": keyword.means,
        "usage": keyword.usage(),
        "help": keyword.help,
        "details": paragraphs(keyword.details),
        "places": [
            {"block": [block.name for block in place if block.name], "effect": effect(keyword, place).name.lower()}
            for place in entry.places
        ],
        "arguments": [
            {
                "usage": one.usage(),
                "type": type(one.type).__name__,
                "range": one.type.describe(),
                "optional": one.optional,
                "repeated": one.repeated,
            }
            for one in keyword.arguments
        ],
        "unit": keyword.unit,
        "default": keyword.default,
        "family": keyword.family,
        "since": keyword.since,
        "deprecated": keyword.deprecated,
        "entries": {"usage": keyword.entries.usage, "options": dict(keyword.entries.options)} if keyword.entries else None,
        "keywords": list(keyword.children),
        "example": cleandoc(keyword.example),
        "see": keyword.see,
    }


def _message_as_json(code: Code) -> dict[str, object]:
    explanation = EXPLANATIONS[code]
    return {
        "name": code.value,
        "number": code.number,
        "codes": explanation.codes(code).split(", "),
        "text": paragraphs(explanation.text),
        "example": cleandoc(explanation.example),
    }
