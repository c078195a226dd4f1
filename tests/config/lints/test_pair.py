from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config.reading import INPUTS
from vrrpd.config import Diagnostic, Loaded, load
from vrrpd.config.lints import lint_pair, pairs

Compare = Callable[[str, str], tuple[Diagnostic, ...]]
NAMED = {
    "VRID": " virtual_router_id 50\n",
    "PRIORITY": " priority 100\n",
    "ADDRESSES": " virtual_ipaddress {\n  192.0.2.80/24\n }\n",
    "NAME": "VI_1",
    "MORE": "",
    "BEFORE": "",
}
"""The parts of a virtual router that a test may have otherwise."""


def router(**parts: str) -> str:
    """A virtual router; `low()` is the same with a lower priority."""
    part = {**NAMED, **parts}
    return (
        f"{part['BEFORE']}vrrp_instance {part['NAME']} {{\n interface eth0\n"
        f"{part['VRID']}{part['PRIORITY']}{part['ADDRESSES']}{part['MORE']}}}\n"
    )


def low(**parts: str) -> str:
    return router(**{"PRIORITY": " priority 50\n", **parts})


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    def compared(one: str, other: str) -> tuple[Diagnostic, ...]:
        return lint_pair(_loaded(tmp_path / "a.conf", one), _loaded(tmp_path / "b.conf", other))

    return compared


def _loaded(path: Path, text: str) -> Loaded:
    path.write_text(text)
    return load(str(path))


def test_a_pair_that_fits(compare: Compare) -> None:
    assert compare(router(), low()) == ()


def test_what_differs_is_told_once_with_both_places(compare: Compare) -> None:
    (found,) = compare(router(MORE=" advert_int 2\n"), low(MORE=" advert_int 3\n"))
    assert (found.code.value, Path(found.position.file).name, found.position.line) == ("pair-differs", "b.conf", 8)
    assert found.message.startswith("`VI_1`: advert interval differs: 2 s and 3 s")
    assert found.note is not None
    assert (Path(found.note.position.file).name, found.note.position.line) == ("a.conf", 8)


def authentication(kind: str, password: str) -> str:
    return f" authentication {{\n  auth_type {kind}\n  auth_pass {password}\n }}\n"


def keys(active: int, *numbers: int, letter: str = "k") -> str:
    return " auth_hmac {\n" + "".join(f"  key {one} {letter * 32}\n" for one in numbers) + f"  active_key {active}\n }}\n"


def unicast(source: str, *peers: str) -> str:
    return f" unicast_src_ip {source}\n unicast_peer {{\n" + "".join(f"  {one}\n" for one in peers) + " }\n"


@pytest.mark.parametrize(
    ("one", "other", "begins"),
    [
        (router(), low(VRID=" virtual_router_id 51\n"), "virtual router id differs: 50 and 51"),
        (router(MORE=" version 3\n"), low(), "version differs: 3 and 2"),
        (router(MORE=" version 3\n advert_int 0.5\n"), low(MORE=" version 3\n"), "advert interval differs: 0.5 s and 1 s"),
        (router(MORE=authentication("PASS", "a")), low(), "authentication differs: PASS and NONE"),
        (router(MORE=authentication("PASS", "a")), low(MORE=authentication("AH", "a")), "authentication differs: PASS and AH"),
        (router(MORE=authentication("PASS", "a")), low(MORE=authentication("PASS", "b")), "password differs; "),
        (router(MORE=keys(1, 1)), low(MORE=keys(2, 2)), "the active key is not known to both"),
        (router(MORE=keys(1, 1)), low(MORE=keys(1, 1, letter="l")), "the active key is not known to both"),
        (router(MORE=keys(1, 1)), low(), "the active key is not known to both"),
        (router(MORE=unicast("192.0.2.1", "192.0.2.2")), low(), "way of sending adverts differs: unicast and to 224.0.0.18"),
        (router(MORE=" mcast_dst_ip 239.0.0.1\n"), low(), "way of sending adverts differs"),
        (
            router(MORE=unicast("192.0.2.1", "192.0.2.2")),
            low(MORE=unicast("192.0.2.2", "192.0.2.3")),
            "192.0.2.1 is no peer of the router",
        ),
        (router(), low(ADDRESSES=" virtual_ipaddress {\n  192.0.2.81/24\n }\n"), "192.0.2.80/24, 192.0.2.81/24 is not in both"),
        (router(), low(ADDRESSES=" virtual_ipaddress {\n  192.0.2.80/25\n }\n"), "192.0.2.80/24, 192.0.2.80/25 is not in both"),
    ],
)
def test_what_must_be_equal(compare: Compare, one: str, other: str, begins: str) -> None:
    (found,) = compare(one, other)
    assert found.code.value == "pair-differs"
    assert found.message.removeprefix("`VI_1`: ").startswith(begins)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (router(NAME="web"), low()),
        (router(MORE=keys(1, 1, 2)), low(MORE=keys(2, 1, 2))),
        (router(MORE=unicast("192.0.2.1", "192.0.2.2")), low(MORE=unicast("192.0.2.2", "192.0.2.1"))),
        (router(MORE=authentication("PASS", "a")), low(MORE=authentication("PASS", "a"))),
        (
            router(),
            low(ADDRESSES="", MORE=" virtual_ipaddress_excluded {\n  192.0.2.80/24\n }\n no_virtual_ipaddress\n"),
        ),
        (
            router(MORE=" virtual_ipaddress_excluded {\n  192.0.2.81/24\n  192.0.2.82/24\n }\n"),
            low(MORE=" virtual_ipaddress_excluded {\n  192.0.2.82/24\n  192.0.2.81/24\n }\n"),
        ),
    ],
    ids=["names", "active keys that both know", "peers", "one password", "what is carried in adverts", "order of addresses"],
)
def test_what_may_differ(compare: Compare, one: str, other: str) -> None:
    assert compare(one, other) == ()


def test_a_password_is_not_shown(compare: Compare) -> None:
    (found,) = compare(router(MORE=authentication("PASS", "hush1")), low(MORE=authentication("PASS", "hush2")))
    assert "hush" not in found.message


def test_priorities_and_sources_should_differ(compare: Compare) -> None:
    (found,) = compare(router(), router())
    assert (found.code.value, found.position.line) == ("pair-agrees", 4)
    (found,) = compare(router(MORE=" mcast_src_ip 192.0.2.1\n"), low(MORE=" mcast_src_ip 192.0.2.1\n"))
    assert (found.code.value, found.position.line) == ("pair-agrees", 8)


SCRIPT = "vrrp_script web {{\n script </dev/null\n weight {}\n}}\n"
TRACK = " track_script {\n  web\n }\n"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (router(MORE=TRACK, BEFORE=SCRIPT.format(-20)), low(), ["a.conf weight-without-effect"]),
        (router(MORE=TRACK, BEFORE=SCRIPT.format(-60)), low(), []),
        (router(MORE=TRACK, BEFORE=SCRIPT.format(-50)), low(), []),
        (router(), low(MORE=TRACK, BEFORE=SCRIPT.format(20)), ["b.conf weight-without-effect"]),
        (router(), low(MORE=" nopreempt\n"), ["b.conf nopreempt-without-effect"]),
        (router(MORE=" nopreempt\n"), low(MORE=" nopreempt\n"), []),
        (router(MORE=" nopreempt\n"), low(), []),
        (router(), low(MORE=" preempt_delay 60\n"), ["b.conf preempt-delay-without-effect"]),
        (router(MORE=" preempt_delay 60\n"), low(), []),
        (
            router(MORE=TRACK, BEFORE=SCRIPT.format(-60)),
            low(MORE=" preempt_delay 60\n"),
            [],
        ),
    ],
    ids=[
        "a weight too small to change the master",
        "a weight that changes the master",
        "a weight that makes both equal",
        "one that is added too small",
        "nopreempt on the lower router alone",
        "nopreempt on both",
        "nopreempt on the higher router alone",
        "a delay on the lower router",
        "a delay on the higher router",
        "a delay on a router that a weight can make the higher",
    ],
)
def test_elections(compare: Compare, one: str, other: str, said: list[str]) -> None:
    assert [f"{Path(found.position.file).name} {found.code.value}" for found in compare(one, other)] == said


def test_files_with_mistakes_and_strangers_are_not_compared(compare: Compare) -> None:
    assert compare(router(), low(MORE=" advert_int fast\n")) == ()
    other = " virtual_ipaddress {\n  198.51.100.80/24\n }\n"
    assert compare(router(), low(NAME="db", VRID=" virtual_router_id 51\n", ADDRESSES=other)) == ()


def test_of_several_virtual_routers_each_finds_its_own(compare: Compare) -> None:
    second = {"NAME": "VI_2", "VRID": " virtual_router_id 51\n", "ADDRESSES": " virtual_ipaddress {\n  192.0.2.81/24\n }\n"}
    assert compare(router() + low(**second), router(**second) + low()) == ()
    (found,) = compare(router() + low(**second), router(**{**second, "MORE": " advert_int 2\n"}) + low())
    assert found.message.startswith("`VI_2`: advert interval")


def test_which_files_are_pairs() -> None:
    files = [
        load(str(INPUTS / name)) for name in ("lvs-dr/lvs1.conf", "web-ha/web1.conf", "lvs-dr/lvs2.conf", "web-ha/web2.conf")
    ]
    assert list(pairs(files)) == [(files[0], files[2]), (files[1], files[3])]
    assert list(pairs(files[:2])) == [(files[0], files[1])]
    assert list(pairs(files[:1])) == []
    assert lint_pair(files[0], files[2]) == lint_pair(files[1], files[3]) == ()
