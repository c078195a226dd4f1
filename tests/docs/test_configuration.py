"""docs/configuration.md says which keywords have no effect, exactly these, and knows all of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks, first_cells, section
from vrrpd.config import load
from vrrpd.config.declaration import Effect, Keyword
from vrrpd.config.keywords import ROOT as LANGUAGE
from vrrpd.config.keywords import all_keywords
from vrrpd.config.support_vrrp import ADDRESS_OPTIONS_BUILT

PAGE = ROOT / "docs/configuration.md"
OUTSIDE = "outside of blocks"


def declared(effect: Effect, block: Keyword = LANGUAGE) -> Iterator[tuple[str, str]]:
    """Block and name of the keywords of this effect; what stands in such a block is not looked at."""
    for keyword in block.children.values():
        if keyword.effect is effect:
            yield block.name or OUTSIDE, keyword.name
        elif keyword.means is None:
            yield from declared(effect, keyword)


def told() -> list[tuple[str, str]]:
    """Block and name, or pattern, of each keyword in the table of those without effect."""
    rows = [line.split("|") for line in section(PAGE, "### Read without effect").splitlines() if line.startswith("|")]
    return [(row[1].strip(" `"), pattern) for row in rows for pattern in re.findall(r"`([^`]+)`", row[2])]


def test_every_keyword_without_effect_is_told() -> None:
    patterns = told()
    missing = [
        (block, name)
        for block, name in declared(Effect.NONE)
        if not any(block == where and fnmatchcase(name, pattern) for where, pattern in patterns)
    ]
    assert missing == []


@pytest.mark.parametrize(("block", "pattern"), told())
def test_what_is_told_to_have_no_effect_has_none(block: str, pattern: str) -> None:
    matching = {
        effect for effect in Effect for where, name in declared(effect) if where == block and fnmatchcase(name, pattern)
    }
    assert matching == {Effect.NONE}


def test_every_keyword_that_leaves_its_block_out_is_told() -> None:
    text = section(PAGE, "### Left out with an error")
    assert {name for _block, name in declared(Effect.REFUSED)} == set(re.findall(r"`([^`]+)`", text))


def test_the_number_of_keywords() -> None:
    names = {keyword.name for keyword in all_keywords() if keyword.since != "vrrpd" and not keyword.lenient}
    assert f"All {len(names)} keywords" in PAGE.read_text()


def test_the_options_of_an_address_without_effect() -> None:
    (addresses,) = (keyword for keyword in all_keywords() if keyword.name == "virtual_ipaddress")
    assert addresses.entries is not None
    options = {usage.split()[0] for usage in addresses.entries.options}
    (sentence,) = re.findall(r"Of the options of an address, (.*) have no effect", PAGE.read_text())
    assert options - ADDRESS_OPTIONS_BUILT == set(re.findall(r"`([^`]+)`", sentence))


def test_every_keyword_of_our_own_is_told() -> None:
    text = section(PAGE, "## What keepalived does not know")
    ours = {keyword.name for keyword in all_keywords() if keyword.since == "vrrpd"}
    assert ours <= set(re.findall(r"`([^`\s]+)`", text))
    assert set(first_cells(text)) <= ours


def test_the_example_is_sound(tmp_path: Path) -> None:
    (example,) = blocks(PAGE, "keepalived")
    path = tmp_path / "example.conf"
    path.write_text(example)
    loaded = load(str(path))
    assert not loaded.diagnostics
    assert loaded.config is not None
    assert loaded.config.virtual_servers
