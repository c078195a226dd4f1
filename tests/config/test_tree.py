"""What is said about single keywords and about braces: one mistake, one message, with its place and a remedy."""

from __future__ import annotations

import pytest

from tests.config.reading import INPUTS, INSTANCE, SERVER, Reader, said
from vrrpd.config import Code, Severity
from vrrpd.config.declaration import Effect, Form
from vrrpd.config.keywords import ROOT
from vrrpd.config.near import nearest

LVS1 = (INPUTS / "lvs-dr" / "lvs1.conf").read_text().replace(" pass\n", " PASS\n").replace("nb_get_retry", "retry")


@pytest.mark.parametrize(
    ("setting", "code", "column", "words"),
    [
        ("priorty 100", Code.UNKNOWN_KEYWORD, 2, ["did you mean `priority`?"]),
        ("Priority 100", Code.UNKNOWN_KEYWORD, 2, ["did you mean `priority`?"]),
        ("frobnicate 1", Code.UNKNOWN_KEYWORD, 2, ["in `vrrp_instance`"]),
        ("lb_algo rr", Code.UNKNOWN_KEYWORD, 2, ["it belongs into `virtual_server`"]),
        ("frobnicate {\n a {\n b\n }\n }", Code.UNKNOWN_KEYWORD, 2, []),
        ("priority 300", Code.BAD_VALUE, 11, ["300 is not in the range 1 to 255", "100, the default"]),
        ("priority ten", Code.BAD_VALUE, 11, ["not a whole number"]),
        ("priority 0x10", Code.BAD_VALUE, 11, ["not a whole number"]),
        ("priority", Code.MISSING_ARGUMENT, 2, ["1 to 255"]),
        ("priority 100 foo", Code.SURPLUS_WORDS, 15, ["one argument", "`priority 100`"]),
        ("nopreempt please", Code.SURPLUS_WORDS, 12, ["no argument"]),
        ("nopreempt off", Code.FLAG_WITH_WORD, 12, ["no argument", "`nopreempt`"]),
        ("advert_int 1s", Code.BAD_VALUE, 13, ["did you mean `1`?"]),
        ("advert_int 300", Code.BAD_VALUE, 13, ["0.01 to 255 seconds"]),
        ("state master", Code.BAD_VALUE, 8, ["did you mean `MASTER`?", "BACKUP, the default"]),
        ("smtp_alert maybe", Code.BAD_VALUE, 13, ["neither true nor false"]),
        ("mcast_src_ip 10.0.0.01", Code.BAD_VALUE, 15, ["leading zero", "did you mean `10.0.0.1`?"]),
        ("mcast_dst_ip 10.0.0.1", Code.BAD_VALUE, 15, ["multicast"]),
        ("priority 100 {\n a b\n }", Code.UNEXPECTED_BRACE, 15, []),
        ("{\n a b\n }", Code.UNEXPECTED_BRACE, 2, []),
        ("virtual_routes {\n 10.1.0.0/16 dev eth0\n }", Code.NO_EFFECT, 2, ["no effect yet"]),
        ("notify_master \"/bin/x 'a b'\" user group", Code.NO_EFFECT, 2, []),
        ("virtual_ipaddress {\n  192.168.4.300\n }", Code.BAD_VALUE, 3, ["300 is more than 255"]),
        ("virtual_ipaddress\n  192.168.4.30\n }", Code.MISSING_BRACE, 2, ["`{` stands here"]),
        ("authentication {\n auth_type Pass\n auth_pass a\n }", Code.LENIENT, 12, ["`PASS`"]),
    ],
)
def test_one_mistake_gives_one_message(reader: Reader, setting: str, code: Code, column: int, words: list[str]) -> None:
    found = reader.only(INSTANCE.format(setting))
    assert (found.code, found.position.column) == (code, column)
    for word in words:
        assert word in f"{found.message} {found.assumed} {found.help}"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [("interfac eth0", 2), ("interface", 2), ("interface averylonginterfacename", 2), ("interface a/b", 2)],
)
def test_what_a_virtual_router_cannot_do_without_is_said_once(reader: Reader, wrong: str, line: int) -> None:
    loaded = reader.load(INSTANCE.format("").replace("interface eth0", wrong))
    assert [one.position.line for one in loaded.diagnostics] == [line]
    assert loaded.config is not None
    assert loaded.config.virtual_routers == ()


class TestBraces:
    @pytest.mark.parametrize("closing", [number for number, line in enumerate(LVS1.split("\n")) if line.strip() == "}"])
    def test_each_missing_brace_is_one_message_that_says_where_the_block_was_opened(self, reader: Reader, closing: int) -> None:
        lines = LVS1.split("\n")
        del lines[closing]
        found = reader.only("\n".join(lines))
        assert found.code is Code.MISSING_BRACE
        assert found.severity is Severity.ERROR
        assert found.position.line <= closing
        assert lines[found.position.line - 1].rstrip().endswith("{")
        assert found.help

    def test_the_rest_of_a_file_with_a_missing_brace_is_read_as_meant(self, reader: Reader) -> None:
        whole = reader.config(LVS1)
        loaded = reader.load(LVS1.replace("auth_pass 1111\n  }\n", "auth_pass 1111\n"))
        assert said(loaded) == ["16:3 missing-brace"]
        assert loaded.config is not None
        assert loaded.config == whole

    @pytest.mark.parametrize("after", ["router_id lvs1\n", "advert_int 1\n", "auth_pass 1111\n  }\n", "weight 1\n"])
    def test_a_surplus_brace_is_one_message(self, reader: Reader, after: str) -> None:
        whole = reader.config(LVS1)
        assert LVS1.count(after) == 1
        loaded = reader.load(LVS1.replace(after, after + "}\n"))
        assert [one.code for one in loaded.diagnostics] == [Code.SURPLUS_BRACE]
        assert loaded.config == whole

    @pytest.mark.parametrize("opening", [number for number, line in enumerate(LVS1.split("\n")) if line.endswith("{")])
    def test_each_missing_opening_brace_is_one_message(self, reader: Reader, opening: int) -> None:
        whole = reader.config(LVS1)
        lines = LVS1.split("\n")
        lines[opening] = lines[opening][:-1]
        loaded = reader.load("\n".join(lines))
        assert said(loaded) == [f"{opening + 1}:{len(lines[opening]) - len(lines[opening].lstrip()) + 1} missing-brace"]
        assert loaded.config == whole

    @pytest.mark.parametrize("opening", ["vrrp_instanse VI_1", "vrrp_intance VI_1", "Vrrp_Instance VI_1"])
    def test_a_misspelled_block_is_one_message_and_its_inside_is_checked(self, reader: Reader, opening: str) -> None:
        text = INSTANCE.format("priority 300").replace("vrrp_instance VI_1", opening)
        assert said(reader.load(text.replace("300", "100"))) == ["1:1 unknown-keyword"]
        loaded = reader.load(text)
        assert said(loaded) == ["1:1 unknown-keyword", "7:11 bad-value"]
        assert loaded.written is not None
        assert not loaded.written.virtual_routers

    def test_a_block_like_no_other_is_left_out_unread(self, reader: Reader) -> None:
        assert said(reader.load("frobnicate {\n priority 300 {\n }\n}\n")) == ["1:1 unknown-keyword"]

    def test_a_misplaced_keyword_is_not_taken_for_a_missing_brace(self, reader: Reader) -> None:
        found = reader.only(SERVER.format("", "", "uthreshold 3"))
        assert (found.code, found.help) == (Code.UNKNOWN_KEYWORD, "it belongs into `real_server`")

    def test_braces_missing_at_the_end_are_counted(self, reader: Reader) -> None:
        loaded = reader.load(LVS1.rstrip().removesuffix("}").rstrip().removesuffix("}"))
        (found,) = loaded.diagnostics
        assert (found.position.line, found.help) == (22, "add `}}`")
        assert "`real_server` opened at line 37" in found.message


class TestOldNames:
    def test_an_old_name_is_read_and_the_better_one_told(self, reader: Reader) -> None:
        loaded = reader.load("global_defs {\n vrrp_rlimit_rtime 1000\n}\n")
        found = loaded.diagnostics[0]
        assert (found.severity, found.code, found.help) == (Severity.WARNING, Code.DEPRECATED, "write `vrrp_rlimit_rttime`")

    def test_what_has_no_better_name_is_explained(self, reader: Reader) -> None:
        loaded = reader.load(INSTANCE.format("lvs_sync_daemon_interface eth1"))
        assert loaded.diagnostics[0].help == "see `vrrpd explain lvs_sync_daemon_interface`"


class TestEffect:
    def test_nothing_without_effect_is_silent(self, reader: Reader) -> None:
        """Every keyword of the root that is not built gives exactly one message."""
        for one in ROOT.children.values():
            if one.effect is not Effect.NONE or one.form is not Form.BLOCK:
                continue
            loaded = reader.load(f"{one.name} name {{\n}}\n")
            assert "no-effect" in {message.split()[1] for message in said(loaded)}, one.name


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("priorty", "priority"),
        ("pirority", "priority"),
        ("prority", "priority"),
        ("virtual_router_if", "virtual_router_id"),
        ("garp-master-delay", "garp_master_delay"),
        ("x", None),
        ("frobnicate", None),
        ("p" * 100, None),
    ],
)
def test_the_nearest_word_is_found(word: str, expected: str | None) -> None:
    assert nearest(word, ROOT.children["vrrp_instance"].children) == expected
