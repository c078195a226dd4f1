"""Commands: the one place in the language with single quotes, backslashes and a rule for which word is what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.reading import SERVER, Reader, said
from vrrpd.config.commands import UnterminatedError, split, unescaped
from vrrpd.config.model import Command


def command_of(reader: Reader, line: str, *messages: str, settings: str = "") -> Command | None:
    """The command of a real server's `notify_up`, which stands in line 7."""
    config = reader.written(SERVER.format("", f"notify_up {line}", "") + settings, *messages)
    return config.virtual_servers[0].real_servers[0].notify_up


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/bin/true", Command(("/bin/true",))),
        ('"/bin/true"', Command(("/bin/true",))),
        ("'/bin/echo a b'", Command(("/bin/echo", "a", "b"))),
        ('"/bin/echo a  b" me', Command(("/bin/echo", "a", "b"), "me")),
        ('"/bin/echo a" me us', Command(("/bin/echo", "a"), "me", "us")),
        ("/bin/true a b", Command(("/bin/true",), "a", "b")),
        ('"/p/n.sh master \\"quoted arg\\" \'single x\'"', Command(("/p/n.sh", "master", '"quoted', 'arg"', "single x"))),
        ('"/bin/echo it\\\'s"', Command(("/bin/echo", "it's"))),
        (r"/bin/echo\ me", Command(("/bin/echo me",))),
        (r'"/bin/echo \x41\102\t\cA\E\q"', Command(("/bin/echo", "AB\t\x01\x1bq"))),
        ("\"/bin/echo ''\"", Command(("/bin/echo", ""))),
        ('"/bin/echo a # b ! c"', Command(("/bin/echo", "a", "#", "b", "!", "c"))),
        ('"/bin/echo {a}"', Command(("/bin/echo", "{a}"))),
        ('"</run/ready"', Command(("</run/ready",))),
        ("/bin/true # a remark", Command(("/bin/true",))),
    ],
)
def test_commands(reader: Reader, line: str, command: Command) -> None:
    assert command_of(reader, line) == command


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"/bin/echo \'a"', "7:13 unterminated-quote"),
        ("/bin/echo' a", "7:13 unterminated-quote"),
        ("/bin/echo\\", "7:13 unterminated-quote"),
        ('""', "7:13 missing-argument"),
        ('"  "', "7:13 missing-argument"),
    ],
)
def test_what_is_no_command_is_one_error(reader: Reader, line: str, message: str) -> None:
    assert command_of(reader, line, message) is None


def test_words_behind_the_group_mean_nothing(reader: Reader) -> None:
    assert command_of(reader, "/bin/true a b c", "7:27 surplus-words") == Command(("/bin/true",), "a", "b")


def test_of_two_commands_the_first_holds(reader: Reader) -> None:
    assert command_of(reader, "/bin/a\nnotify_up /bin/b", "8:1 duplicate") == Command(("/bin/a",))


def test_a_definition_may_be_part_of_a_command(reader: Reader) -> None:
    text = "$PROGRAM=/bin/echo\n$WORDS='a b' c\n" + SERVER.format("", 'notify_up "$PROGRAM ${WORDS}"', "")
    assert reader.written(text).virtual_servers[0].real_servers[0].notify_up == Command(("/bin/echo", "a b", "c"))


def test_an_undefined_definition_leaves_the_command_out_with_one_error(reader: Reader) -> None:
    loaded = reader.load(SERVER.format("", "notify_up ${NOBODY}", ""))
    assert [one for one in said(loaded) if not one.endswith("no-effect")] == ["7:13 undefined"]


@pytest.mark.parametrize(
    ("script_user", "line", "user", "group"),
    [
        ("me", "/bin/true", "me", None),
        ("me us", "/bin/true", "me", "us"),
        ("me us", "/bin/true you", "you", None),
        ("me us", "/bin/true you they", "you", "they"),
    ],
)
def test_who_runs_what_names_nobody(reader: Reader, script_user: str, line: str, user: str, group: str | None) -> None:
    command = command_of(reader, line, settings=f"global_defs {{\n script_user {script_user}\n}}\n")
    assert command == Command(("/bin/true",), user, group)


@given(st.text(st.characters(exclude_characters="\n"), max_size=40))
def test_splitting_ends_and_loses_nothing_but_blanks(text: str) -> None:
    try:
        words = split(text)
    except UnterminatedError:
        return
    assert "".join(words).translate(BLANKS) == text.translate(BLANKS)
    for word in words:
        unescaped(word)


BLANKS = dict.fromkeys(map(ord, " \t\f\v\r"))


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), min_size=1), max_size=4))
def test_what_is_quoted_comes_back(words: list[str]) -> None:
    quoted = " ".join("'" + "".join("\\" + one if one in "'\\" else one for one in word) + "'" for word in words)
    assert [unescaped(word) for word in split(quoted)] == words


def test_a_long_line_without_its_quote_is_refused_at_once() -> None:
    with pytest.raises(UnterminatedError):
        split('"' + r"\x41\101\cA" * 80)


def test_a_command_that_should_stand_on_a_line_of_its_own_keeps_its_quotes(reader: Reader) -> None:
    text = SERVER.format("", "weight 2 notify_up \"/bin/echo 'a b' c\" me", "")
    config = reader.written(text, "7:12 one-per-line")
    assert config.virtual_servers[0].real_servers[0].notify_up == Command(("/bin/echo", "a b", "c"), "me")
