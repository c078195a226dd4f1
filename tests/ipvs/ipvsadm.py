"""The kernel's table as the administrator's own program shows and writes it."""

from __future__ import annotations

import subprocess


def ipvsadm(*arguments: str) -> list[str]:
    """What it prints, line by line and sorted. Raises CalledProcessError."""
    done = subprocess.run(["ipvsadm", *arguments], check=True, capture_output=True, text=True)
    return sorted(done.stdout.splitlines())
