"""`vrrpd explain` at the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vrrpd.cli import main
from vrrpd.config import Code
from vrrpd.config.explanations import EXPLANATIONS
from vrrpd.config.manual import entries


def explained(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def as_json(word: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(explained(word, "--json").output)
    return found


def test_a_keyword_is_told_like_a_manual() -> None:
    result = explained("advert_int")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[:5] == [
        "advert_int: Time from one advert of the master to the next.",
        "",
        "    advert_int SECONDS",
        "",
        "    SECONDS   0.01 to 255 seconds",
    ]
    for said in (
        "in vrrp_instance",
        "Default   1 s",
        "Since     keepalived 1.0",
        "In vrrpd  has effect in this version",
        "    Version 2 sends",
        "    Version 3 sends",
        "    Example\n        vrrp_instance VI_1 {",
        "    See also version",
    ):
        assert said in result.output
    assert max(map(len, lines)) <= 80


def test_a_keyword_of_several_blocks_is_told_for_each() -> None:
    output = explained("weight").output
    assert output.count("\nweight: ") + output.startswith("weight: ") == len(entries()["weight"]) > 5
    assert "in real_server (in virtual_server)" in output
    assert "in vrrp_script" in output


def test_effect_is_told_by_block() -> None:
    built, _, not_built = " ".join(explained("alpha").output.split()).partition("; has no effect yet in ")
    assert "has effect in TCP_CHECK" in built
    assert "BFD_CHECK" in not_built


def test_a_block_lists_what_stands_in_it() -> None:
    output = explained("vrrp_script").output
    assert "    vrrp_script NAME { … }\n" in output
    assert "        interval SECONDS\n            From the start of one run" in output


def test_options_of_address_lines_are_known() -> None:
    output = explained("preferred_lft").output
    assert output.startswith("preferred_lft SECONDS|forever\n")
    assert "virtual_ipaddress" in output


def test_another_name_leads_to_the_keyword() -> None:
    output = explained("lvs_sched").output
    assert output.startswith("lvs_sched: Another name for `lb_algo`.")
    assert output.endswith("See also lb_algo.\n")


@pytest.mark.parametrize("word", ["E012", "e012", "12", "bad-value"])
def test_a_message_is_told_by_code_number_and_name(word: str) -> None:
    output = explained(word).output
    assert output.startswith("E012 bad-value\n")
    assert "            priority 300\n" in output


@pytest.mark.parametrize("code", Code)
def test_every_message_can_be_explained(code: Code) -> None:
    for word in EXPLANATIONS[code].codes(code).split(", "):
        result = explained(word)
        assert (result.exit_code, result.output.split("\n")[0].endswith(f" {code.value}")) == (0, True)


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("advert_itn", "advert_int"),
        ("vrrp_instanse", "vrrp_instance"),
        ("conflct", "conflict"),
        ("garp_master", "garp_master_delay"),
    ],
)
def test_an_unknown_word_is_answered_with_what_was_probably_meant(word: str, suggested: str) -> None:
    result = explained(word)
    assert result.exit_code == 1
    assert f"did you mean {suggested}" in result.output


def test_a_word_like_no_other_is_answered_without_a_suggestion() -> None:
    result = explained("xyzzy")
    assert (result.exit_code, result.output) == (1, "Error: there is nothing called `xyzzy`\n")


def test_json_has_the_whole_declaration() -> None:
    (found,) = as_json("priority")["keywords"]
    assert found["places"] == [{"block": ["vrrp_instance"], "effect": "built"}]
    assert found["arguments"] == [
        {"usage": "PRIORITY", "type": "Integer", "range": "1 to 255", "optional": False, "repeated": False}
    ]
    assert (found["default"], found["since"], found["means"]) == ("100", "1.0", None)
    assert as_json("E012")["message"]["name"] == "bad-value"
    assert as_json("label")["options"][0]["blocks"][0] == "virtual_ipaddress"


@pytest.mark.parametrize("name", entries())
def test_every_keyword_can_be_explained_in_both_forms(name: str) -> None:
    result = explained(name)
    assert result.exit_code == 0
    assert result.output.count(f"{name}: ") >= len(entries()[name])
    assert len(as_json(name)["keywords"]) == len(entries()[name])
