"""Wait for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_INTERVAL_S = 0.01
"""Between two looks: fine against what is measured (outages of 100 ms and more), coarse against a look's cost in a guest."""


def wait_for(condition: Callable[[], Value], timeout_s: float, what: str) -> Value:
    """Return the first true value of `condition`.

    Raises TimeoutError naming `what` if there was none in `timeout_s` seconds.
    """
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_INTERVAL_S)
    return value
