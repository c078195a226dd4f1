"""The pages that come from the declarations: docs/reference, one page for each block, and docs/diagnostics.md.

`python -m vrrpd.config.reference docs` writes them. They are never edited by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

from vrrpd.config.declaration import Form, Keyword
from vrrpd.config.diagnostics import FIRST_LINT, Code
from vrrpd.config.explanations import EXPLANATIONS
from vrrpd.config.keywords import ROOT
from vrrpd.config.manual import OUTSIDE, Entry, Place, arguments, entries, facts, paragraphs, remark

NOTICE = "<!-- Written by `python -m vrrpd.config.reference docs` from the declarations in vrrpd/config: change those. -->"
OUTSIDE_PAGE = "outside"
INDEX = """
# keepalived.conf, keyword by keyword

Every keyword that keepalived 2.4.3 knows, two that are in no release of it yet, and our own. How a file is read (lines, words,
braces, definitions, includes) is told in [configuration.md](../configuration.md). On the command line `vrrpd explain KEYWORD`
shows the same.
"""
DIAGNOSTICS = """
# Messages about configuration files

`vrrpd check`, `vrrpd -t`, the start and every reload speak of a configuration in this form:

```
web.conf:7:2: error[E016 unknown-keyword]: unknown keyword `priorty` in `vrrp_instance`
     priorty 100
     ^~~~~~~
    assumed: it is left out
    help: did you mean `priority`?
```

File, line and column, the kind of message, what is wrong; the line with the place underlined; what the daemon does in place of
what was written; and what to write instead. Where a second place is part of it, as with things that are there twice, that place
is shown below. One mistake gives one message.

An **error** is something that cannot be done as written. `vrrpd check` exits with 5, a reload is refused, a start runs what is
sound. A **warning** is something that is read otherwise than it may seem, or has no effect. A **lint** is sound and probably
not what was wanted. Both exit with 0, or with 1 under `--strict`. At most 200 of each are shown.

Each kind of message has a name and a number that never changes. The letter in front of the number is E for an error, and W for
a warning or a lint. `vrrpd explain E016` says what this page does.
"""
LINTS = """
## Lints

Each of them is told at length, with an example, in [lints.md](lints.md).

| code | name | what it says |
| --- | --- | --- |
"""


def pages() -> dict[str, str]:
    """Every page by its path below docs/."""
    found = {"reference/index.md": _index(), "diagnostics.md": _diagnostics(), f"reference/{OUTSIDE_PAGE}.md": _outside()}
    for of_name in entries().values():
        for entry in of_name:
            if entry.keyword.form is Form.BLOCK:
                found[f"reference/{entry.keyword.name}.md"] = _page(entry)
    return {path: text.rstrip() + "\n" for path, text in found.items()}


# -- the reference --------------------------------------------------------------------------------


def _index() -> str:
    lines = [
        NOTICE,
        INDEX,
        "## Blocks\n",
        *_blocks(ROOT, 0),
        "\n## Keywords\n",
        "| keyword | stands in | | effect |",
        "| --- | --- | --- | --- |",
    ]
    for name in sorted(entries(), key=str.lower):
        for entry in entries()[name]:
            places = ", ".join(f"[{_title(place)}]({_page_name(place)}.md#{name.lower()})" for place in entry.places)
            has_effect = remark(entry.keyword, entry.places) or "yes"
            lines.append(f"| `{name}` | {places} | {_escaped(entry.keyword.help)} | {has_effect} |")
    return "\n".join(lines)


def _blocks(block: Keyword, depth: int) -> Iterator[str]:
    if depth == 0:
        yield f"- [{OUTSIDE}]({OUTSIDE_PAGE}.md): what stands in no block."
    for child in block.children.values():
        if child.form is Form.BLOCK:
            yield f"{'  ' * depth}- [{child.name}]({child.name}.md): {child.help}"
            if child.means is None:
                yield from _blocks(child, depth + 1)


def _title(place: Place) -> str:
    return place[-1].name or "outside"


def _page_name(place: Place) -> str:
    return place[-1].name or OUTSIDE_PAGE


def _page(entry: Entry) -> str:
    block = entry.keyword
    parts = [NOTICE, f"# {block.name}", *_body(entry, entry.places[0])]
    if block.means is None:
        parts += _sections((*entry.places[0], block))
    return "\n\n".join(parts)


def _outside() -> str:
    opening = "What stands in no block. Blocks of keywords have [pages of their own](index.md#blocks)."
    return "\n\n".join([NOTICE, f"# {OUTSIDE.capitalize()}", opening, *_sections((ROOT,))])


def _sections(place: Place) -> Iterator[str]:
    """A section for each keyword of a block; a block in it has a page of its own."""
    for child in place[-1].children.values():
        (entry,) = (one for one in entries()[child.name] if one.keyword is child)
        yield f"## {child.name}"
        if child.form is Form.BLOCK:
            yield f"{child.help} See [{child.name}]({child.name}.md)."
        else:
            yield from _body(entry, place)


def _body(entry: Entry, place: Place) -> Iterator[str]:
    """What there is to say of a keyword, on the page of the block that it stands in."""
    keyword = entry.keyword
    yield f"```\n{keyword.usage()}\n```"
    yield keyword.help
    if keyword.entries:
        yield f"On each line:\n\n```\n{keyword.entries.usage}\n```"
    yield _table([*((f"`{_escaped(usage)}`", text) for usage, text in arguments(keyword)), *facts(entry)])
    yield from paragraphs(keyword.details)
    if keyword.entries and keyword.entries.options:
        yield _table([(f"`{_escaped(usage)}`", meaning) for usage, meaning in keyword.entries.options.items()])
    if keyword.example:
        yield f"```keepalived\n{cleandoc(keyword.example)}\n```"
    if keyword.see:
        yield f"See also {', '.join(_link(name, place) for name in keyword.see)}."


def _escaped(text: str) -> str:
    """Text that can stand in a table."""
    return text.replace("|", "\\|")


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {_escaped(text)} |" for name, text in rows)])


def _link(name: str, place: Place) -> str:
    """To what has this name in the same block; else to the first of that name."""
    neighbour = place[-1].children.get(name)
    form = (neighbour or entries()[name][0].keyword).form
    page = _page_name(place if neighbour else entries()[name][0].places[0])
    return f"[{name}]({name}.md)" if form is Form.BLOCK else f"[{name}]({page}.md#{name.lower()})"


# -- messages --------------------------------------------------------------------------------


def _diagnostics() -> str:
    in_order = sorted(Code, key=lambda code: code.number)
    sections = [_message(code) for code in in_order if code.number < FIRST_LINT]
    lints = "\n".join(
        f"| W{code.number} | {code.value} | {' '.join(paragraphs(EXPLANATIONS[code].text))} |"
        for code in in_order
        if code.number >= FIRST_LINT
    )
    return "\n\n".join([NOTICE, DIAGNOSTICS.strip(), *sections, LINTS.strip() + "\n" + lints])


def _message(code: Code) -> str:
    explanation = EXPLANATIONS[code]
    parts = [f"## {explanation.codes(code)} {code.value}", *paragraphs(explanation.text)]
    if explanation.example:
        parts.append(f"```keepalived\n{cleandoc(explanation.example)}\n```")
    return "\n\n".join(parts)


def main() -> None:
    """Write the pages below the directory that the command line names."""
    docs = Path(sys.argv[1])
    for path, text in pages().items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(text)


if __name__ == "__main__":
    main()
