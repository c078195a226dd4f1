"""Settings against files in place of the kernel's."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ipvs.namespaces import in_namespace
from ipvs.settings import CONN_REUSE_MODE, EXPIRE_NODEST_CONN, KNOWN, SYNC_THRESHOLD, Setting, SettingError, Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for setting in KNOWN:
        (tmp_path / setting.name).write_text("3\t50\n" if setting is SYNC_THRESHOLD else "0\n")
    return tmp_path


def test_each_setting_has_its_type(folder: Path) -> None:
    settings = Settings(folder=folder)
    assert settings.read(EXPIRE_NODEST_CONN) is False
    assert settings.read(CONN_REUSE_MODE) == 0
    assert settings.read(SYNC_THRESHOLD) == (3, 50)
    assert str(CONN_REUSE_MODE) == "net.ipv4.vs.conn_reuse_mode"


def test_what_was_set_is_restored_to_what_it_was_first(folder: Path) -> None:
    settings = Settings(folder=folder)
    settings.set(EXPIRE_NODEST_CONN, True)
    settings.set(CONN_REUSE_MODE, 1)
    settings.set(CONN_REUSE_MODE, 2)
    settings.set(SYNC_THRESHOLD, (5, 60))
    assert settings.read(EXPIRE_NODEST_CONN) is True
    assert (settings.read(CONN_REUSE_MODE), settings.read(SYNC_THRESHOLD)) == (2, (5, 60))
    assert settings.restore() == []
    assert settings.read(EXPIRE_NODEST_CONN) is False
    assert (settings.read(CONN_REUSE_MODE), settings.read(SYNC_THRESHOLD)) == (0, (3, 50))
    (folder / "conn_reuse_mode").write_text("7\n")
    assert settings.restore() == []
    assert settings.read(CONN_REUSE_MODE) == 7


def test_what_has_its_value_already_is_not_written(folder: Path) -> None:
    settings = Settings(folder=folder)
    settings.set(SYNC_THRESHOLD, (3, 50))
    assert (folder / "sync_threshold").read_text() == "3\t50\n"
    (folder / "sync_threshold").write_text("9 9\n")
    settings.restore()
    assert settings.read(SYNC_THRESHOLD) == (9, 9)


def test_a_setting_that_is_not_there_says_what_to_load_and_is_not_made(folder: Path) -> None:
    settings = Settings(folder=folder)
    (folder / "conn_reuse_mode").unlink()
    with pytest.raises(SettingError, match=r"cannot read net.ipv4.vs.conn_reuse_mode: .*ENOENT.*modprobe ip_vs") as caught:
        settings.set(CONN_REUSE_MODE, 1)
    assert (caught.value.setting, caught.value.errno) == ("conn_reuse_mode", errno.ENOENT)
    assert not (folder / "conn_reuse_mode").exists()


def test_what_cannot_be_restored_now_is_restored_later(folder: Path) -> None:
    settings = Settings(folder=folder)
    settings.set(CONN_REUSE_MODE, 1)
    file = folder / "conn_reuse_mode"
    file.rename(folder / "away")
    (error,) = settings.restore()
    assert error.errno == errno.ENOENT
    (folder / "away").rename(file)
    assert settings.restore() == []
    assert settings.read(CONN_REUSE_MODE) == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EROFS, "ProtectKernelTunables"),
        (errno.EACCES, "run as root"),
        (errno.EINVAL, "does not take"),
        (errno.EIO, "EIO"),
    ],
)
def test_each_error_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(code, "the kernel's words")

    monkeypatch.setattr("builtins.open", refuse)
    settings = Settings(folder=folder)
    with pytest.raises(SettingError, match=words) as caught:
        settings.set(CONN_REUSE_MODE, 1)
    assert "set to '1' the setting net.ipv4.vs.conn_reuse_mode: the kernel's words" in str(caught.value)


@pytest.mark.parametrize(("setting", "text"), [(CONN_REUSE_MODE, "yes"), (EXPIRE_NODEST_CONN, ""), (SYNC_THRESHOLD, "3")])
def test_a_value_that_is_none_is_an_error(folder: Path, setting: Setting[object], text: str) -> None:
    (folder / setting.name).write_text(text)
    with pytest.raises(SettingError, match="no such value"):
        Settings(folder=folder).read(setting)


def test_an_action_without_a_namespace_is_done_here() -> None:
    assert in_namespace(None, lambda: 5) == 5
