"""FILE_CHECK: a number in a file, by which an operator or a program says what a server is to carry."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from healthcheck.sockets import error_text
from healthcheck.types import FIRST_STEP, FileCheck, NotProbed, Outcome, ProbeResult, Round, WeightAdded

OCTETS_MAX = 64
"""No number is longer; nothing behind is read."""
NUMBER = re.compile(rb"\s*([+-]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)")
"""As strtol with base 0 has it: decimal, octal with a 0 in front, hexadecimal with 0x."""
NUMBER_MAX = 2**31
DOWN_FROM = -(2**31)
"""A product this low takes the server out."""

Token = TypeVar("Token")


class FileReader(Generic[Token]):
    """Reads files as they are due; nothing is ever under way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Never readable, for there is nothing to wait for."""

    has_room = True

    def fileno(self) -> int:
        """A descriptor that is never readable."""
        return self._bell

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._bell)

    def deadline(self) -> float | None:
        """None: nothing is ever under way."""
        return None

    def start(self, check: FileCheck, _token: Token, _round: Round = FIRST_STEP, /) -> Outcome:
        """Read the file. One that is not there counts as 0; one that cannot be read says nothing of the server.

        Nor does an empty one: somebody is about to write a number into it.
        """
        started_s = self._clock()
        try:
            octets = _beginning(check.path)
        except FileNotFoundError:
            octets = b"0"
        except OSError as error:
            return NotProbed(f"cannot read {check.path}: {error_text(error.errno)}")
        if octets is None:
            return NotProbed(f"cannot read {check.path}: not a regular file")
        if not octets.strip():
            return NotProbed(f"{check.path} is empty")
        return judged(check, number_in(octets), self._clock() - started_s)

    def run(self) -> list[tuple[Token, Outcome]]:
        """Nothing: every probe has ended as it began."""
        return []


def number_in(octets: bytes) -> int:
    """The number that a file begins with, 32 bits at most; 0 where it begins with something else."""
    found = NUMBER.match(octets)
    if found is None:
        return 0
    digits = found[2].decode()
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits.startswith("0") else 10
    number = min(int(digits, base), NUMBER_MAX)
    return -number if found[1] == b"-" else number


def judged(check: FileCheck, number: int, latency_s: float) -> ProbeResult:
    """What a number means for the server."""
    said = f"{check.path} says {number}"
    if check.weight == 0:
        return ProbeResult((number == 0) is not check.reverse, latency_s, said, WeightAdded(0))
    product = number * check.weight * (-1 if check.reverse else 1)
    return ProbeResult(product > DOWN_FROM, latency_s, said, WeightAdded(product))


def _beginning(path: str) -> bytes | None:
    """The first octets of a regular file, None where it is another thing; a FIFO or a device must not hold anybody up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, OCTETS_MAX) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)
