"""What Debian's keepalived says about configurations, asked in namespaces of its own.

It gets a pair of interfaces, `eth0` and `eth1`, and an empty `/run`, so it neither sees this host's network nor leaves a
file behind. A user who is not root gets the namespaces as the root of a user namespace.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.interop.configurations import CLEAN, CONFIG_ID, CRASH, ERRORS

ALL_FILES_S = 120.0
"""For the verdicts on all files; one takes a few milliseconds."""
DUMP_S = 20.0
"""For one daemon to start and to dump its state; it takes a tenth of a second."""
SIGNALLED = 128
"""The shell's exit code for a program that was killed, less the signal."""
PREPARE = """
set -e
mount -t tmpfs run /run
ip link add eth0 type veth peer name eth1
for link in lo eth0 eth1; do ip link set $link up; done
ip address add 192.0.2.1/24 dev eth0
ip address add 198.51.100.1/24 dev eth1
config_id=$1
shift
"""
ASK = """
for file; do
    code=0
    keepalived --config-test --config-id "$config_id" --use-file "$file" >/dev/null 2>&1 || code=$?
    echo "$code $file"
done
"""
DUMP = """
mkdir /run/dumps
export TMPDIR=/run/dumps
keepalived --dont-fork --log-console --vrrp --config-id "$config_id" --use-file "$1" >/run/log 2>&1 &
daemon=$!
until grep -q 'Startup complete' /run/log; do kill -0 $daemon; sleep 0.02; done
kill -"$(keepalived --signum=JSON)" $daemon
until [ -s $TMPDIR/keepalived.json ]; do kill -0 $daemon; sleep 0.02; done
kill -"$(keepalived --signum=DATA)" $daemon
until [ -s $TMPDIR/keepalived.data ]; do kill -0 $daemon; sleep 0.02; done
cat $TMPDIR/keepalived.json
echo
cat $TMPDIR/keepalived.data
"""
"""The process namespace ends with the shell, and with it the daemon."""


def verdicts(files: Iterable[Path]) -> dict[Path, str]:
    """The verdict of `keepalived -t` on each file: clean, errors or crash."""
    answers = (line.split(" ", 1) for line in _run(ASK, files, ALL_FILES_S).splitlines())
    return {Path(file): _verdict(int(code)) for code, file in answers}


def dump(file: Path) -> tuple[list[dict[str, Any]], str]:
    """What keepalived, as a daemon, says of its virtual routers: as JSON, and as the text that people read."""
    first_line, _, text = _run(DUMP, [file], DUMP_S).partition("\n")
    return [one["data"] for one in json.loads(first_line)], text


def _run(script: str, files: Iterable[Path], timeout_s: float) -> str:
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    as_root = ["--map-root-user"] if os.geteuid() else []
    command: list[str | Path] = [*namespaces, *as_root, "sh", "-c", PREPARE + script, "sh", CONFIG_ID, *files]
    return os.fsdecode(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=timeout_s).stdout)


def _verdict(exit_code: int) -> str:
    if exit_code >= SIGNALLED:
        return CRASH
    return ERRORS if exit_code else CLEAN
