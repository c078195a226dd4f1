"""Expressions mean what they mean in PCRE, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.expression import ExpressionError, compiled, found_in
from healthcheck.types import Regex, RegexOption

O = RegexOption  # noqa: E741


def matches(pattern: str, page: bytes, *options: RegexOption, first: int = 0, last: int | None = None) -> bool | None:
    regex = Regex(pattern, options=options, min_offset=first, max_offset=last)
    return found_in(compiled(regex), regex, page)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("a.c", b"xabcx", b"a\nc"),
        (r"^b", b"bc", b"a\nbc"),
        (r"b$", b"ab\n", b"b\n\n"),
        (r"b\Z", b"ab\n", b"b\n\n"),
        (r"b\z", b"ab", b"b\n"),
        (r"a\h+b", b"a \tb", b"a\nb"),
        (r"a\Hb", b"axb", b"a b"),
        (r"a\vb", b"a\nb", b"a b"),
        (r"a\Vb", b"a b", b"a\nb"),
        (r"a\Rb", b"a\r\nb", b"a b"),
        (r"a[\v]b", b"a\x0bb", b"avb"),
        (r"\e\[2J", b"\x1b[2J", b"e[2J"),
        (r"a{b}", b"a{b}", b"ab"),
        (r"(?:foo){e<=1}", b"foo{e<=1}", b"fo"),
        (r"a{2}", b"aa", b"a{2}"),
        (r"^a{2,}$", b"aaa", b"a"),
        (r"^a{1,2}$", b"aa", b"aaa"),
        (r"\x{41}b", b"Ab", b"x{41}b"),
        (r"\x41", b"A", b"x"),
        (r"[]a]", b"]", b"["),
        (r"[^]a]", b"b", b"]"),
        (r"[a&&b]", b"&", b"c"),
        (r"[a||b]", b"|", b"c"),
        (r"[[a]", b"[", b"b"),
        (r"[[:digit:]]x", b"1x", b":x"),
        (r"x[a-]", b"x-", b"xb"),
        (r"[$#]", b"$", b"a"),
        (r"a++b", b"aab", b"a+b"),
        (r"(?>a+)b", b"aab", b"aa"),
        (r"(?|(a)|(b))\1", b"bb", b"ab"),
        (r"x(?i)a", b"xA", b"XA"),
        (r"(a(?1)?b)$", b"aabb", b"aab\nc"),
        (r"\$", b"$", b"a"),
        ("ü", "ü".encode(), b"\xfc"),
    ],
)
def test_what_a_pattern_means(pattern: str, good: bytes, bad: bytes) -> None:
    assert (matches(pattern, good), matches(pattern, bad)) == (True, False)


@pytest.mark.parametrize(
    ("option", "pattern", "page", "without", "with_it"),
    [
        (O.CASELESS, "A", b"a", False, True),
        (O.DOTALL, "a.b", b"a\nb", False, True),
        (O.EXTENDED, "a b # or ]", b"ab", False, True),
        (O.EXTENDED, "a # one\nb", b"ab", False, True),
        (O.MULTILINE, "^b$", b"a\nb\nc", False, True),
        (O.DOLLAR_ENDONLY, "b$", b"b\n", True, False),
        (O.FIRSTLINE, "b", b"a\nb", True, False),
        (O.FIRSTLINE, "b", b"ab", True, True),
        (O.UTF, "^.$", "ü".encode(), False, True),
        (O.UCP, r"^\w$", "ü".encode(), False, True),
        (O.NO_START_OPTIMIZE, "a", b"a", True, True),
    ],
)
def test_what_an_option_changes(option: RegexOption, pattern: str, page: bytes, without: bool, with_it: bool) -> None:
    assert (matches(pattern, page), matches(pattern, page, option)) == (without, with_it)


@pytest.mark.parametrize(
    ("pattern", "options", "fault"),
    [
        ("a", (O.ALLOW_EMPTY_CLASS,), "the option `allow_empty_class` is not supported"),
        (r"a\Cb", (), r"`\C` is not supported at position 1"),
        (r"ab\Q.\E", (), r"`\Q` is not supported at position 2"),
        (r"[\H]", (), r"`\H` is not supported at position 1"),
        (r"[+--]", (), "`--` within brackets is not supported at position 2"),
        (r"[a", (), "`[` without `]` at position 0"),
        (r"\x{zz}", (), r"`\x{` without a number and `}` at position 0"),
        (r"\x{41", (), r"`\x{` without a number and `}` at position 0"),
        ("a\\", (), "it ends with a backslash"),
        ("(a", (), "missing ) at position 2"),
        ("*a", (), "nothing to repeat at position 0"),
    ],
)
def test_what_cannot_be_used(pattern: str, options: tuple[RegexOption, ...], fault: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compiled(Regex(pattern, options=options))
    assert str(raised.value) == fault


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(0, None, True), (2, None, True), (3, None, False), (0, 2, True), (0, 1, False), (5, None, False), (9, None, False)],
)
@pytest.mark.parametrize(("pattern", "page"), [("b", b"aabaa"), ("b", "üb".encode() + b"aa")])
def test_where_a_match_may_begin(pattern: str, page: bytes, first: int, last: int | None, found: bool) -> None:
    for options in ((), (O.UTF,)):
        assert matches(pattern, page, *options, first=first, last=last) is found


def test_a_comment_may_hold_anything() -> None:
    assert matches("a b # or [, or (", b"ab", O.EXTENDED) is True


def test_the_leftmost_match_counts() -> None:
    assert matches("bb|b", b"abb", last=1) is True


@given(st.text(st.sampled_from("ab\\[](){}*+?|^$.-:,<>!=#&~01xQEZzvhHRK"), max_size=12), st.binary(max_size=20))
def test_no_pattern_raises_anything_else(pattern: str, page: bytes) -> None:
    try:
        found = matches(pattern, page, O.EXTENDED)
    except ExpressionError:
        return
    assert found in (True, False, None)
