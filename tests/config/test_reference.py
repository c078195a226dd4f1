"""That the reference pages are what the declarations give, and that what they point at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vrrpd.config.keywords import all_keywords
from vrrpd.config.reference import pages

DOCS = Path(__file__).parents[2] / "docs"
PAGES = pages()


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_page_is_what_the_declarations_give(path: str) -> None:
    assert (DOCS / path).read_text() == PAGES[path], "run `python -m vrrpd.config.reference docs`"


def test_there_is_no_page_for_what_is_no_more() -> None:
    assert {f"reference/{path.name}" for path in (DOCS / "reference").iterdir()} == {path for path in PAGES if "/" in path}


def test_every_keyword_has_its_section_and_its_row_in_the_index() -> None:
    reference = "".join(text for path, text in PAGES.items() if path.startswith("reference/"))
    for one in all_keywords():
        assert re.search(rf"^#+ {re.escape(one.name)}$", reference, re.MULTILINE), one.name
        assert f"| `{one.name}` |" in PAGES["reference/index.md"]


@pytest.mark.parametrize("path", [path for path in sorted(PAGES) if "/" in path])
def test_links_lead_somewhere(path: str) -> None:
    for page, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", PAGES[path]):
        if page.startswith(".."):
            assert (DOCS / "reference" / page).exists()
            continue
        target = PAGES[f"reference/{page}"]
        assert not anchor or re.search(rf"^#+ {re.escape(anchor)}$", target, re.MULTILINE | re.IGNORECASE), (page, anchor)


def test_table_cells_have_no_stray_bars() -> None:
    for text in PAGES.values():
        tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        for table in tables:
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table
