"""Text to logical lines: one table per lexical rule."""

from __future__ import annotations

import os
import socket
import time

import pytest

from tests.config.reading import INSTANCE, Reader, said
from vrrpd.config import Code, Severity


def router_id(reader: Reader, line: str) -> tuple[str, list[str]]:
    loaded = reader.load(f"global_defs {{\n{line}\n}}\n")
    assert loaded.config is not None
    return loaded.config.daemon.router_id, said(loaded)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("router_id web1", "web1"),
        ("\trouter_id\t web1  ", "web1"),
        ("router_id web1\r", "web1"),
        ("router_id web1 # remark", "web1"),
        ("router_id web1#remark", "web1"),
        ("router_id web!1 }", "web"),
        (r"router_id web\#1\!", "web#1!"),
        ('router_id "web 1"', "web 1"),
        ('router_id "a#b!c{d}//"', "a#b!c{d}//"),
        ('router_id "" # empty', socket.gethostname()),
        ("router_id 'web1'", "'web1'"),
        (r"router_id web\1", r"web\1"),
        ("router_id http://web1", "http://web1"),
    ],
)
def test_words_quotes_and_comments(reader: Reader, line: str, expected: str) -> None:
    assert router_id(reader, line) == (expected, [])


def test_a_quote_ends_a_bare_word(reader: Reader) -> None:
    assert router_id(reader, 'router_id ab"cd"') == ("ab", ["2:13 surplus-words"])


def test_a_quote_without_partner_is_said_once_and_ends_with_the_line(reader: Reader) -> None:
    assert router_id(reader, 'router_id "web1') == ("web1", ["2:11 unterminated-quote"])
    loaded = reader.load(INSTANCE.format("").replace("VI_1 {", '"VI_1 {'))
    assert said(loaded) == ["1:15 unterminated-quote"]


@pytest.mark.parametrize(
    "text",
    [
        "global_defs{\nrouter_id a\n}",
        "global_defs\n{\nrouter_id a\n}\n",
        "global_defs { router_id a\n}\n",
        "global_defs { router_id a }",
        "global_defs {\r\nrouter_id a\r\n}\r\n",
        "global_defs\n\n # c\n { \n router_id a } # c",
    ],
)
def test_braces_stand_anywhere(reader: Reader, text: str) -> None:
    assert reader.config(text).daemon.router_id == "a"


def test_only_one_keyword_fits_behind_a_brace(reader: Reader) -> None:
    loaded = reader.load("vrrp_instance A { state BACKUP interface eth0 virtual_router_id 5 no_virtual_ipaddress }\n")
    assert said(loaded) == ["1:32 one-per-line"]
    assert loaded.config is not None
    assert loaded.config.virtual_routers[0].virtual_router_id == 5


def test_one_address_fits_on_a_line(reader: Reader) -> None:
    text = "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress { 10.0.0.1 10.0.0.2 }\n}\n"
    loaded = reader.load(text)
    assert said(loaded) == ["4:31 unknown-option"]
    assert loaded.config is not None
    assert [str(one.address) for one in loaded.config.virtual_routers[0].addresses] == ["10.0.0.1"]


def test_a_line_with_nul_is_ignored(reader: Reader) -> None:
    assert router_id(reader, "router_id a\nrouter_id \0b") == ("a", [])


def test_octets_that_are_no_utf8_reach_the_model_unchanged(reader: Reader) -> None:
    text = INSTANCE.format("authentication {\n auth_type PASS\n auth_pass \udcff\udcfe\n}")
    assert reader.config(text).virtual_routers[0].authentication.password == b"\xff\xfe"


@pytest.mark.parametrize("line", ["router_id " + "a" * 1013, "# " + "router_id b " * 100, "router_id " + "é" * 507])
def test_a_line_that_is_too_long_is_left_out_whole(reader: Reader, line: str) -> None:
    assert router_id(reader, f"router_id a\n{line}") == ("a", ["3:1 line-too-long"])


def test_the_longest_line_is_read(reader: Reader) -> None:
    assert router_id(reader, "router_id " + "a" * 1012) == ("a" * 1012, [])


def test_remarks_are_one_warning_with_their_number(reader: Reader) -> None:
    found = reader.only("global_defs { //one\n router_id a //two {\n//three\n} // it's\n")
    assert (found.severity, found.code, str(found.position.line)) == (Severity.WARNING, Code.LENIENT, "1")
    assert "4 lines" in found.message


def test_a_path_may_begin_with_two_slashes(reader: Reader) -> None:
    found = reader.only("vrrp_script s {\n script //usr/bin/true\n}\n")
    assert found.code is Code.NO_EFFECT


class TestConditions:
    @pytest.mark.parametrize(
        ("line", "kept"),
        [
            ("@one router_id b", True),
            ("  @one   router_id b", True),
            ("@two router_id b", False),
            ("@^two router_id b", True),
            ("@^one router_id b", False),
            ("@one", False),
            ("@one@two router_id b", False),
            ("@vrrpd router_id b", True),
            ("@^vrrpd router_id b", False),
        ],
    )
    def test_a_line_is_kept_for_its_id(self, reader: Reader, line: str, kept: bool) -> None:
        loaded = reader.load(f"global_defs {{\nrouter_id a\n{line}\n}}\n", config_id="one")
        assert said(loaded) == []
        assert loaded.config is not None
        assert loaded.config.daemon.router_id == ("b" if kept else "a")

    def test_the_host_name_up_to_its_first_dot_is_the_default_id(self, reader: Reader) -> None:
        host = os.uname().nodename.partition(".")[0]
        assert router_id(reader, f"@{host} router_id b") == ("b", [])

    def test_lines_with_braces_may_have_conditions(self, reader: Reader) -> None:
        assert router_id(reader, "router_id a\n}\n@other global_defs {\n@other router_id b\n@other }\nglobal_defs {") == (
            "a",
            [],
        )


class TestDefinitions:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("$A=b\nrouter_id ${A}", "b"),
            ("$A=b\nrouter_id $A", "b"),
            ("$A=  b c  \nrouter_id x${A}", "xb"),
            ("$A=b\nrouter_id $A/24", "$A/24"),
            ("$A=b\n$B=x${A}\nrouter_id ${B}", "xb"),
            ("$A=b\n$A=c\nrouter_id ${A}", "c"),
            ("$K=router_id\n$K z", "z"),
            ("$A=router_id q\n$A", "q"),
            ('$A=b\nrouter_id "${A} c"', "b c"),
            ("router_id a${_HASH}b${_BANG}c", "a#b!c"),
            ("router_id ${_INSTANCE}", os.uname().nodename.partition(".")[0]),
            ("router_id ${_ENV VRRPD_TEST_NAME}", "from-environment"),
            ("router_id ${_RANDOM 7 7}", "7"),
            ("$T=\\\n router_id first\\\n router_id second\n$T", "second"),
            ("$T=router_id \\\nnotification_email_from x\n\n$T", ""),
            ('router_id "${UNDEFINED}"', "${UNDEFINED}"),
        ],
    )
    def test_a_reference_is_replaced(self, reader: Reader, lines: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VRRPD_TEST_NAME", "from-environment")
        if not expected:
            assert router_id(reader, lines)[1] == ["5:1 missing-argument"]
            return
        identity, messages = router_id(reader, lines)
        assert identity == expected
        assert all(message.endswith("surplus-words") for message in messages)

    def test_the_directory_of_the_file_is_predefined(self, reader: Reader) -> None:
        assert router_id(reader, "router_id ${_PWD}") == (str(reader.directory), [])

    def test_an_undefined_reference_is_one_error_with_a_remedy(self, reader: Reader) -> None:
        found = reader.only(INSTANCE.format("priority ${PRIO}"))
        assert (found.code, found.position.column, found.length) == (Code.UNDEFINED, 11, 7)
        assert found.help
        assert "$PRIO=" in found.help

    @pytest.mark.parametrize("where", ["VI_1", "eth0", "50", "192.168.4.15", "interface", "vrrp_instance"])
    def test_an_undefined_reference_is_one_error_wherever_it_stands(self, reader: Reader, where: str) -> None:
        assert reader.only(INSTANCE.format("").replace(where, "${X}")).code is Code.UNDEFINED

    def test_a_message_about_substituted_text_points_at_the_reference(self, reader: Reader) -> None:
        found = reader.only("$P=3000\n" + INSTANCE.format("priority ${P}"))
        assert (found.position.line, found.position.column) == (8, 11)

    def test_a_template_is_used_many_times(self, reader: Reader) -> None:
        text = (
            "$INST=vrrp_instance VI_$n {\\\n interface eth0 \\\n virtual_router_id $n \\\n"
            " virtual_ipaddress {\\\n 10.0.${n}.1\\\n }\\\n}\n~SEQ(n, 51, 53) $INST\n"
        )
        routers = reader.config(text).virtual_routers
        assert [one.name for one in routers] == ["VI_51", "VI_52", "VI_53"]
        assert [str(one.addresses[0].address) for one in routers] == ["10.0.51.1", "10.0.52.1", "10.0.53.1"]

    def test_text_behind_a_multi_line_definition_is_an_error(self, reader: Reader) -> None:
        assert router_id(reader, "$T=router_id a\\\nrouter_id b\n$T more\n")[1] == ["4:1 surplus-words"]


class TestLoops:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("~SEQ(i, 3) 10.0.0.${i}", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
            ("~SEQ(i, 5, 3) 10.0.0.${i}", ["10.0.0.5", "10.0.0.4", "10.0.0.3"]),
            ("~SEQ(i, 1, 2, 6) 10.0.0.${i}", ["10.0.0.1", "10.0.0.3", "10.0.0.5"]),
            ("~SEQ(i, 6, -3, 1) 10.0.0.${i}", ["10.0.0.6", "10.0.0.3"]),
            ("~LST(a, 10.0.0.7, 10.0.0.9) $a", ["10.0.0.7", "10.0.0.9"]),
            ("~LST({a,b}, {1,2}, {3,4}) 10.0.${a}.${b}", ["10.0.1.2", "10.0.3.4"]),
            ("~SEQ(i, 2) ~SEQ(j, 2) 10.0.${i}.${j}", ["10.0.1.1", "10.0.1.2", "10.0.2.1", "10.0.2.2"]),
            ("$N=2\n~SEQ(i, ${N}) 10.0.0.${i}", ["10.0.0.1", "10.0.0.2"]),
        ],
    )
    def test_text_is_repeated_for_each_value(self, reader: Reader, line: str, expected: list[str]) -> None:
        config = reader.config(INSTANCE.format("").replace("  192.168.4.15", line))
        assert [str(one.address) for one in config.virtual_routers[0].addresses] == expected

    def test_numbers_may_be_hexadecimal(self, reader: Reader) -> None:
        config = reader.config("global_defs {\n notification_email {\n~SEQx(i,8,2,16) a${i}@b\n}\n}\n")
        assert config.daemon.mail.recipients == ("a8@b", "aa@b", "ac@b", "ae@b", "a10@b")

    def test_missing_values_are_empty(self, reader: Reader) -> None:
        config = reader.config("global_defs {\n notification_email {\n~LST({a,b}, {x,y}, {z}) ${a}-${b}@c\n}\n}\n")
        assert config.daemon.mail.recipients == ("x-y@c", "z-@c")

    @pytest.mark.parametrize("line", ["~SEQ(i) x", "~SEQ(i, a) x", "~SEQ(i, 1, 0, 5) x", "~SEQ(1, 2", "~LST(a) x", "~LST() x"])
    def test_a_wrong_loop_is_one_error(self, reader: Reader, line: str) -> None:
        assert reader.only(line + "\n").code is Code.LOOP


class TestBounds:
    """What a hostile file asks for ends soon, with one message."""

    @pytest.mark.parametrize(
        "text",
        [
            "$A=${A}x\n${A}\n",
            "$A=${B}\n$B=${A}\n${A}\n",
            "$A=x\\\n${A}\n$A\n",
            "$A0=aaaaaaaaaa\n"
            + "".join(f"$A{i + 1}={f'${{A{i}}}' * 10}\n" for i in range(12))
            + "# ${A12}\n$Z=${A12}\n${Z} x\n",
            "$L0=#\n" + "".join(f"$L{i + 1}=${{L{i}}}\\\n${{L{i}}}\n" for i in range(40)) + "${L40}\n",
            "~SEQ(i, 1, 999999999999) $i=1\n",
            "~SEQ(i, 99999) ~SEQ(j, 99999) @none x\n",
            "~SEQ(i, 1) " * 90 + "x\n",
        ],
        ids=["self", "mutual", "self-lines", "doubling", "doubling-lines", "endless", "nested", "deep"],
    )
    def test_expansion_is_bounded(self, reader: Reader, text: str) -> None:
        started_s = time.monotonic()
        loaded = reader.load(text)
        assert Code.EXPANSION_LIMIT in {one.code for one in loaded.diagnostics}
        assert [one.code for one in loaded.errors].count(Code.EXPANSION_LIMIT) == 1
        assert time.monotonic() - started_s < 30

    def test_a_line_of_a_hundred_megabytes_is_one_error(self, reader: Reader) -> None:
        assert reader.only("x" * (60 << 20)).code is Code.LINE_TOO_LONG
        loaded = reader.load("x" * (100 << 20))
        assert (loaded.config, [one.code for one in loaded.errors]) == (None, [Code.FILE_UNREADABLE])

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{" * 300_000, ["1:1 line-too-long"]),
            ("{\n" * 300_000, ["1:1 unexpected-brace"]),
            ("}\n" * 100, None),
            ("foo {\n" * 100_000, ["1:1 unknown-keyword"]),
        ],
    )
    def test_nesting_is_no_recursion(self, reader: Reader, text: str, expected: list[str] | None) -> None:
        messages = said(reader.load(text))
        assert messages == expected if expected else {message.split()[1] for message in messages} == {"surplus-brace"}

    def test_messages_are_bounded(self, reader: Reader) -> None:
        loaded = reader.load("unknown_thing\n" * 100_000)
        assert len(loaded.diagnostics) == 201
        assert loaded.diagnostics[-1].code is Code.TOO_MANY
        assert "99800" in loaded.diagnostics[-1].message
