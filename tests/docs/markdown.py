"""The repository's pages: their links, headings, tables and examples."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)[ \t#]*$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page that is the project's own."""
    folders = ("docs", "examples", "netns-lab", "tests")
    return sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))])


def links(page: Path) -> list[str]:
    """Where a page's links lead, but for those into the network."""
    prose = CODE.sub("", FENCED.sub("", page.read_text()))
    return [target for target in LINK.findall(prose) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What can stand behind a `#` in a link to a page: its headings, as GitHub makes names of them."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: Path, language: str) -> list[str]:
    """The examples of a page in one language."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return found


def section(page: Path, heading: str) -> str:
    """What stands under a heading, as far as the next of its rank."""
    text = page.read_text()
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    rank = heading.partition(" ")[0]
    end = re.search(rf"^#{{1,{len(rank)}}} ", text[start:], re.MULTILINE)
    return text[start : start + end.start()] if end else text[start:]


def first_cells(text: str) -> list[str]:
    """What stands as code in the first cell of each row of the tables in a text."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("|")]
    return [name for cells in rows if len(cells) > 2 for name in re.findall(r"`([^`]+)`", cells[1])]
