"""Commands that cannot run, or that others than root could change.

Neither shows before the command is needed: keepalived's own test says nothing about them.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vrrpd.config.commands import read_command
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.lints.subject import Subject
from vrrpd.config.model import Command
from vrrpd.config.settings import flag
from vrrpd.config.tree import Node
from vrrpd.config.values import Text

DEFAULT_USER = "keepalived_script"
"""Who runs commands for which nobody is named, where there is such a user."""
ROOT = 0
PATHS_KEPT = 4096
"""Findings kept: many virtual servers have one script."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a command's path."""

    code: Code
    message: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Who runs a command."""

    name: str
    uid: int
    gid: int


def lint_scripts(subject: Subject) -> None:
    """Every command of one configuration, as this host has it."""
    secured = flag(subject.settings, "enable_script_security")
    for block in subject.blocks:
        for node in block.children:
            if not (node.sound and is_command(node)):
                continue
            command = read_command(node, subject.settings, Report())
            if command is None:
                continue
            finding = _finding(command, block, secured)
            if finding:
                subject.report.lint(finding.code, node.line, 1, finding.message, advice=finding.advice)


def is_command(node: Node) -> bool:
    """Whether the keyword is followed by a command."""
    arguments = node.keyword.arguments
    return bool(arguments) and isinstance(arguments[0].type, Text) and arguments[0].type.what.startswith("COMMAND")


def _finding(command: Command, block: Node, secured: bool) -> Finding | None:
    own = block.last("user") if "script" in block.keyword.children or "misc_path" in block.keyword.children else None
    name = str(own.values[0]) if own else command.user
    program = command.words[0]
    if "\0" in f"{program}{name}":
        return Finding(Code.SCRIPT_MISSING, "no path and no user's name has a NUL in it")
    user = _user(name)
    if user is None:
        return Finding(Code.SCRIPT_NOT_EXECUTABLE, f"this host has no user `{name}`, so the command cannot run")
    if program.startswith("<"):
        return _missing(os.path.normpath(program[1:].strip()))
    path = program if "/" in program else _searched(program)
    if path is None:
        return Finding(Code.SCRIPT_MISSING, f"no directory of PATH has `{program}`", "write the whole path")
    return _program(os.path.normpath(path), user, secured)


@lru_cache(PATHS_KEPT)
def _user(name: str | None) -> User | None:
    """Whoever runs a command; None for a name that this host does not know."""
    try:
        known = pwd.getpwnam(name or DEFAULT_USER)
    except KeyError:
        return None if name else User("root", ROOT, ROOT)
    return User(known.pw_name, known.pw_uid, known.pw_gid)


def _searched(program: str) -> str | None:
    places = (os.path.join(place, program) for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if place)
    return next((path for path in places if os.path.exists(path)), None)


def _program(path: str, user: User, secured: bool) -> Finding | None:
    return _missing(path) or _not_executable(path, user) or _unsafe(path, user, secured)


def _components(path: str) -> Iterator[str]:
    """`/`, `/usr`, `/usr/bin`, `/usr/bin/true`."""
    end = 0
    while end >= 0:
        yield path[:end] or "/"
        end = path.find("/", end + 1)
    yield path


def _missing(path: str) -> Finding | None:
    """The first component that is not there. What may not be looked at is taken to be there."""
    for component in _components(path):
        try:
            Path(component).stat()
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                return None
            what = "it" if component == path else f"`{component}`"
            return Finding(Code.SCRIPT_MISSING, f"there is no `{path}`: {what} does not exist on this host")
    return None


def _not_executable(path: str, user: User) -> Finding | None:
    """The first component whose mode keeps the user out: `x` is needed on each, the directories included."""
    for component in _components(path):
        found = _status(component)
        if found is None:
            return None
        if component == path and not stat.S_ISREG(found.st_mode):
            return Finding(Code.SCRIPT_NOT_EXECUTABLE, f"`{path}` is no regular file, so it cannot be executed")
        who, bit = _execute_bit(found, user)
        if not found.st_mode & bit and not (user.uid == ROOT and stat.S_ISDIR(found.st_mode)):
            deed = "execute" if component == path else "enter"
            return Finding(
                Code.SCRIPT_NOT_EXECUTABLE,
                f"`{user.name}` may not {deed} `{component}`: mode {stat.S_IMODE(found.st_mode):04o} has no x for {who}",
                f"`chmod {who[0]}+x {component}`",
            )
    return None


def _execute_bit(found: os.stat_result, user: User) -> tuple[str, int]:
    """Whose bit counts. For root any one will do, so the one that is set."""
    if user.uid == ROOT:
        return "anybody", stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    if found.st_uid == user.uid:
        return "user", stat.S_IXUSR
    if found.st_gid == user.gid:
        return "group", stat.S_IXGRP
    return "others", stat.S_IXOTH


def _unsafe(path: str, user: User, secured: bool) -> Finding | None:
    """Where root runs the command: the first component that somebody else could change or replace."""
    if user.uid != ROOT:
        return None
    what = "so the command is not run" if secured else "who could so have anything run as root"
    for component in dict.fromkeys((*_components(path), *_components(os.path.realpath(path)))):
        found = _status(component)
        if found is None:
            return None
        mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
        if found.st_uid != ROOT:
            return Finding(
                Code.SCRIPT_UNSAFE, f"`{component}` belongs to user {found.st_uid}, {what}", f"`chown root {component}`"
            )
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        writers = [who for who, bit in (("group", stat.S_IWGRP), ("others", stat.S_IWOTH)) if found.st_mode & bit]
        if writers and not sticky:
            return Finding(
                Code.SCRIPT_UNSAFE,
                f"`{component}` can be changed by {' and '.join(writers)} ({mode} has w), {what}",
                f"`chmod {''.join(who[0] for who in writers)}-w {component}`",
            )
        if secured and component != path and Path(component).is_symlink():
            return Finding(
                Code.SCRIPT_UNSAFE,
                f"`{component}` is a symbolic link, and under `enable_script_security` keepalived 2.4 follows none",
                f"write `{os.path.realpath(path)}`",
            )
    return None


def _status(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None
