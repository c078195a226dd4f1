"""Commands that the daemon runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, run without a shell."""

    words: tuple[str, ...]
    """The path, then the arguments; at least the path."""
    user: str | None = None
    """None, where no `script_user` is set either, is keepalived_script if there is such a user, else root."""
    group: str | None = None
    """None is the user's own."""
