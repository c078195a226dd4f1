"""That every keyword of keepalived is declared, and each declaration holds together and can be told to a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path

import pytest

from vrrpd.config import bind_address, bind_route, bind_rule
from vrrpd.config.declaration import Effect, Entries, Form, Keyword
from vrrpd.config.diagnostics import Report
from vrrpd.config.expansion import Expansion
from vrrpd.config.includes import Includes
from vrrpd.config.keywords import PATH_KEYWORDS, ROOT, all_keywords
from vrrpd.config.keywords.entries import ADDRESSES, ROUTES, RULES
from vrrpd.config.lexer import Lexer
from vrrpd.config.manual import entries, paragraphs
from vrrpd.config.tree import TreeBuilder
from vrrpd.config.values import Text

SINCE = {
    name: set(releases.split("/"))
    for name, releases in map(str.split, (Path(__file__).parent / "keepalived-keywords.txt").read_text().splitlines())
}
"""Every keyword that keepalived 2.4.3 and its git know, with the releases that first had it in some block."""
ALL = list({id(one): one for one in all_keywords()}.values())
EXAMPLES = [one for one in ALL if one.example]


def test_all_keywords_of_keepalived_are_declared_and_no_others() -> None:
    assert len(SINCE) == 363
    assert {one.name for one in ALL if one.since != "vrrpd"} == set(SINCE)


@pytest.mark.parametrize("name", SINCE)
def test_each_is_as_old_as_keepalived_has_it(name: str) -> None:
    assert {entry.keyword.since for entry in entries()[name]} == SINCE[name]


@pytest.mark.parametrize(
    ("block", "count"),
    [
        ("global_defs", 140),
        ("track_group", 1),
        ("vrrp_sync_group", 15),
        ("garp_group", 4),
        ("vrrp_script", 8),
        ("vrrp_track_process", 9),
        ("track_file", 3),
        ("bfd_instance", 15),
        ("SSL", 4),
    ],
)
def test_each_block_has_its_keywords(block: str, count: int) -> None:
    assert len(ROOT.children[block].children) == count


@pytest.mark.parametrize(
    ("path", "described", "default"),
    [
        ("vrrp_instance advert_int", ["0.01 to 255 seconds"], "1"),
        ("vrrp_instance priority", ["1 to 255"], "100"),
        ("vrrp_instance preempt_delay", ["0 to 1000 seconds"], "0"),
        ("vrrp_instance auth_hmac time_window", ["1 to 300"], "three advert intervals, at least 5 s"),
        ("global_defs vrrp_garp_master_delay", ["0 to 4294"], "5"),
        ("global_defs vrrp_startup_delay", ["0.001 seconds or more"], "0"),
        ("global_defs max_auto_priority", ["-1 to 99"], "0, which is never; 99 without a number"),
        ("global_defs min_auto_priority_delay", ["1 to 10000000"], "1000000"),
        ("global_defs snmp_vs_stats_update_interval", ["0.001 to 30 seconds"], "5"),
        ("vrrp_script weight", ["-253 to 253", "reverse"], "0"),
        ("track_file weight", ["-254 to 254", "reverse"], "1"),
        ("vrrp_track_process fork_delay", ["0.000001 to 3600 seconds"], "0"),
        ("bfd_instance min_rx", ["1 to 4294967 milliseconds"], "10"),
        ("bfd_instance max_hops", ["-1 to 255"], "0"),
        ("virtual_server persistence_timeout", ["1 to 2678400"], "off; 360 s without a number"),
        ("virtual_server quorum", ["1 to 4294967295"], "1"),
        ("virtual_server real_server TCP_CHECK retry", ["0 to 4294967295"], "1"),
        ("virtual_server real_server DNS_CHECK retry", ["0 to 4294967295"], "3"),
        ("virtual_server real_server MISC_CHECK retry", ["0 to 4294967295"], "0"),
        ("virtual_server real_server HTTP_GET delay_before_retry", ["0 seconds or more"], "3"),
        ("virtual_server real_server HTTP_GET connect_timeout", ["0.000001 to 4294.967295 seconds"], "5"),
        ("virtual_server real_server UDP_CHECK max_reply_length", ["0 to 65535"], "255"),
    ],
)
def test_ranges_and_defaults_are_keepaliveds(path: str, described: list[str], default: str) -> None:
    keyword = ROOT
    for name in path.split():
        keyword = keyword.children[name]
    assert ([argument.type.describe() for argument in keyword.arguments], keyword.default) == (described, default)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_every_declaration_can_be_explained(one: Keyword) -> None:
    assert one.help[0].isupper() or one.help[0] in "0123456789"
    assert one.help.endswith(".")
    assert one.usage().startswith(one.name)
    assert all(paragraph.endswith((".", ":")) for paragraph in paragraphs(one.details))
    assert bool(one.children) == (one.form is Form.BLOCK)
    assert one.entries is None or one.form is Form.VALUES
    assert one.entries or one.form is not Form.VALUES
    optional = [argument.optional for argument in one.arguments]
    assert optional == sorted(optional)
    assert not any(argument.repeated for argument in one.arguments[:-1])
    assert not one.unit or any(not isinstance(argument.type, Text) for argument in one.arguments)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_what_a_declaration_refers_to_exists(one: Keyword) -> None:
    assert set(one.see) <= set(entries())
    assert one.name not in one.see or len(entries()[one.name]) > 1
    if one.means:
        places = [place for entry in entries()[one.name] if entry.keyword is one for place in entry.places]
        assert all(one.means in place[-1].children for place in places)


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.name)
def test_every_example_is_sound(one: Keyword, tmp_path: Path) -> None:
    """It stands for itself, or for lines of the block that the keyword stands in."""
    text = cleandoc(one.example)
    place = next(entry.places[0] for entry in entries()[one.name] if entry.keyword is one)
    report = Report()
    lexer = Lexer(report, Expansion(report, frozenset({"vrrpd"}), "vrrpd"), Includes(report), PATH_KEYWORDS)
    lexer.read(str(tmp_path / "example.conf"), text)
    first = lexer.lines[0].words[0]
    root = ROOT if first in ROOT.children and first != one.name else place[-1]
    TreeBuilder(root, lexer.lines, report).build()
    assert report.diagnostics([]) == ()
    assert one.name in text


def test_blocks_that_are_not_built_say_so_of_their_parts() -> None:
    (entry,) = entries()["neighbour_ip"]
    assert entry.places[0][-1].effect is Effect.NONE


@pytest.mark.parametrize(
    ("told", "read"),
    [(ADDRESSES, bind_address.OPTIONS), (ROUTES, bind_route.KEYWORDS), (RULES, bind_rule.KEYWORDS)],
    ids=["addresses", "routes", "rules"],
)
def test_lines_of_values_are_told_with_all_words_that_are_read_in_them(told: Entries, read: Sequence[str]) -> None:
    options = {word for usage in told.options for word in usage.split()[0].split("|")} - {"TYPE"}
    assert options <= set(read)
    words = {word for text in told.options.values() for quoted in re.findall(r"`([^`]+)`", text) for word in quoted.split()}
    usages = {word for usage in (told.usage, *told.options) for word in re.findall(r"[a-z0-9_-]+", usage)}
    assert set(read) <= words | usages
