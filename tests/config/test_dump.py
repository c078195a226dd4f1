"""What is written back says what was read."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.config.reading import INPUTS, INSTANCE, Reader
from tests.config.strategies import configurations
from vrrpd.config import Code, Loaded, load
from vrrpd.config.dump import dump

CORPUS = Path(__file__).parents[1] / "interop" / "corpus"
FILES = sorted([*INPUTS.rglob("*.conf"), *CORPUS.rglob("*.conf")])


def again(loaded: Loaded) -> Loaded:
    """What came of reading what was written back."""
    assert loaded.tree is not None
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "again.conf"
        path.write_bytes(dump(loaded.tree).encode("utf-8", "surrogateescape"))
        return load(str(path))


def assert_same(first: Loaded, second: Loaded) -> None:
    assert first.written is not None
    assert second.written is not None
    assert replace(first.written, files=()) == replace(second.written, files=())


def assert_comes_back(first: Loaded) -> None:
    """What has no mistakes comes back as it was; a mistake may be left out, and then other things follow."""
    second = again(first)
    if all(one.code is Code.NOT_BUILT for one in first.errors):
        assert_same(first, second)
        assert {one.code for one in second.diagnostics} <= {one.code for one in first.diagnostics}
    assert first.tree is not None
    assert second.tree is not None
    assert dump(second.tree) == dump(first.tree), "what was written back once is written back as it is"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_comes_back(path: Path) -> None:
    assert_comes_back(load(str(path), config_id="director1"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(configurations)
def test_whatever_the_declarations_allow_comes_back(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "made.conf"
        path.write_text(text)
        first = load(str(path))
    assert_comes_back(first)


def test_one_order_one_spelling_and_quotes_where_they_are_needed(reader: Reader) -> None:
    loaded = reader.load(
        "vrrp_instance VI_1{\n priority  0100\n auth_x\n state BACKUP # a comment\n notify \"/x 'a b' \\#\" me\n"
        " interface eth0\n virtual_router_id 50\n virtual_ipaddress { 192.0.2.1 }\n}\n"
        'vrrpd {\n http_listen [::1]:80\n}\n$NAME="web one"\nglobal_defs {\n router_id ${NAME}\n'
        " vrrp_garp_interval .50\n vrrp_higher_prio_send_advert true\n smtp_server mail 025\n}\n"
    )
    assert loaded.tree is not None
    assert dump(loaded.tree) == (
        'global_defs {\n    smtp_server mail 25\n    router_id "web one"\n    vrrp_garp_interval 0.5\n'
        "    vrrp_higher_prio_send_advert on\n}\n\n"
        "@vrrpd vrrpd {\n@vrrpd     http_listen [::1]:80\n@vrrpd }\n\n"
        "vrrp_instance VI_1 {\n    state BACKUP\n    interface eth0\n    virtual_router_id 50\n    priority 100\n"
        "    virtual_ipaddress {\n        192.0.2.1\n    }\n    notify \"/x 'a b' \\#\" me\n}\n"
    )


def test_of_two_that_outdo_one_another_the_later_one_still_holds(reader: Reader) -> None:
    for settings_ in ("nopreempt\n preempt", "preempt\n nopreempt"):
        loaded = reader.load(INSTANCE.format(settings_))
        assert_same(loaded, again(loaded))
