"""What an operator asks of a real server for a while, whatever its checks say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drain:
    """No new clients; those that are there go on. Its row stays, at weight 0."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Out of service, as if it were down."""


@dataclass(frozen=True, slots=True)
class FixedWeight:
    """This weight in place of the configured one and of whatever checks ask for."""

    weight: int


Override = Drain | Maintenance | FixedWeight


def in_words(override: Override) -> str:
    """As a person reads it in a reason."""
    if isinstance(override, Drain):
        return "is being drained"
    if isinstance(override, Maintenance):
        return "is in maintenance"
    return f"weight fixed at {override.weight}"
