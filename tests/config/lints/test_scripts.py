"""The tests make files; what may be done with them is asked for a user whom every system has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.config.lints.linting import codes, lints, router
from tests.config.reading import Reader

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that nobody but root can change, and everybody enter."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory == Path("/tmp"):  # noqa: S108  sticky, and so safe
            break
        directory.chmod(0o755)
    place = tmp_path / "scripts"
    place.mkdir(mode=0o755)
    return place


@pytest.fixture
def script(place: Path) -> Path:
    script = place / "tell"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return script


def test_a_script_that_is_safe_and_can_be_run(reader: Reader, script: Path) -> None:
    assert codes(reader, router(f'notify "{script} a b" root', f"notify_master {script} nobody")) == []


def test_one_that_is_missing_names_the_component_that_is(reader: Reader, script: Path) -> None:
    (found,) = lints(reader, router(f"notify {script.parent}/there/tell root"))
    assert found.code.value == "script-missing"
    assert f"`{script.parent}/there` does not exist" in found.message
    assert codes(reader, router("notify no-such-command-anywhere root")) == ["4 script-missing"]


@pytest.mark.parametrize(
    ("mode", "user", "named"),
    [
        (0o644, "root", "has no x for anybody"),
        (0o750, "nobody", "has no x for others"),
        (0o644, "nobody", "has no x for others"),
    ],
)
def test_one_that_its_user_cannot_execute_names_the_bit(reader: Reader, script: Path, mode: int, user: str, named: str) -> None:
    script.chmod(mode)
    (found,) = lints(reader, router(f"notify {script} {user}"))
    assert found.code.value == "script-not-executable"
    assert f"`{script}`: mode {mode:04o} {named}" in found.message


def test_a_directory_that_its_user_cannot_enter_is_named(reader: Reader, script: Path) -> None:
    script.parent.chmod(0o700)
    assert codes(reader, router(f"notify {script} root")) == []
    (found,) = lints(reader, router(f"notify {script} nobody"))
    assert f"`nobody` may not enter `{script.parent}`: mode 0700 has no x for others" in found.message


@pytest.mark.parametrize(
    ("mode", "named"),
    [(0o775, "group"), (0o777, "group and others"), (0o1777, None)],
)
def test_a_directory_that_others_can_write_is_unsafe_unless_it_is_sticky(
    reader: Reader, script: Path, mode: int, named: str | None
) -> None:
    script.parent.chmod(mode)
    found = [one.message for one in lints(reader, router(f"notify {script} root"))]
    if named is None:
        assert found == []
    else:
        (message,) = found
        assert f"`{script.parent}` can be changed by {named} (mode {mode:04o} has w)" in message
    assert codes(reader, router(f"notify {script} nobody")) == []


def test_a_script_of_another_user_is_unsafe_for_root_alone(reader: Reader, script: Path) -> None:
    os.chown(script, 65534, -1)
    assert codes(reader, router(f"notify {script} root")) == ["4 script-unsafe"]
    assert codes(reader, router(f"notify {script} nobody")) == []


def test_links_are_followed_but_not_under_script_security(reader: Reader, script: Path) -> None:
    link = script.parent.parent / "link"
    link.symlink_to(script.parent)
    assert codes(reader, router(f"notify {link}/tell root")) == []
    secured = "global_defs {\n enable_script_security\n}\n"
    (found,) = lints(reader, router(f"notify {link}/tell root", before=secured))
    assert f"`{link}` is a symbolic link" in found.message


def test_users_come_from_the_command_its_block_and_script_user(reader: Reader, script: Path) -> None:
    script.chmod(0o744)
    tracked = "vrrp_script web {{\n script {}\n {}\n}}\n"
    assert codes(reader, tracked.format(script, "user nobody")) == ["2 script-not-executable"]
    assert codes(reader, tracked.format(script, "user root")) == []
    assert codes(reader, "global_defs {\n script_user nobody\n}\n" + router(f"notify {script}")) == ["7 script-not-executable"]
    assert codes(reader, router(f"notify {script} no-such-user")) == ["4 script-not-executable"]


def test_a_file_that_only_has_to_open(reader: Reader, script: Path) -> None:
    script.chmod(0o644)
    tracked = "vrrp_script web {{\n script <{}\n}}\n"
    assert codes(reader, tracked.format(script)) == []
    assert codes(reader, tracked.format(f"{script}x")) == ["2 script-missing"]


def test_a_nul_is_in_no_path(reader: Reader) -> None:
    assert codes(reader, router('notify "/bin/a\\x0z" root', 'notify_master "/bin/sh" "a\\x0z"')) == [
        "4 script-missing",
        "5 script-missing",
    ]
