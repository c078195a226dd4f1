"""What Debian's keepalived says about configurations, asked in namespaces of its own.

It gets a pair of interfaces, `eth0` and `eth1`, and an empty `/run`, so it neither sees this host's network nor leaves a
file behind. A user who is not root gets the namespaces as the root of a user namespace.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.interop.configurations import CLEAN, CONFIG_ID, CRASH, ERRORS

TIMEOUT_S = 120.0
"""For all files; one takes a few milliseconds."""
SIGNALLED = 128
"""The shell's exit code for a program that was killed, less the signal."""
ASK = """
set -e
mount -t tmpfs run /run
ip link add eth0 type veth peer name eth1
for link in lo eth0 eth1; do ip link set $link up; done
config_id=$1
shift
for file; do
    code=0
    keepalived --config-test --config-id "$config_id" --use-file "$file" >/dev/null 2>&1 || code=$?
    echo "$code $file"
done
"""


def verdicts(files: Iterable[Path]) -> dict[Path, str]:
    """The verdict of `keepalived -t` on each file: clean, errors or crash."""
    namespaces = ["unshare", "--mount", "--net", *(["--map-root-user"] if os.geteuid() else [])]
    asked = subprocess.run(
        [*namespaces, "sh", "-c", ASK, "sh", CONFIG_ID, *files], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S
    )
    answers = (line.split(" ", 1) for line in os.fsdecode(asked.stdout).splitlines())
    return {Path(file): _verdict(int(code)) for code, file in answers}


def _verdict(exit_code: int) -> str:
    if exit_code >= SIGNALLED:
        return CRASH
    return ERRORS if exit_code else CLEAN
