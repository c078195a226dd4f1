"""The effective priority of one virtual router: configured, adjusted by what is tracked, lowered when there are two owners."""

from __future__ import annotations

from vrrpd.protocol.tracking import OWNER_PRIORITY, PRIORITY_MAX, effective_priority


class OwnPriority:
    """1 to 255, and what it comes from."""

    __slots__ = ("_adjustments", "_base", "_in_penance", "value")

    def __init__(self, base: int) -> None:
        self._base = base
        self._adjustments: dict[str, int] = {}
        self._in_penance = False
        self.value = base
        """The effective priority."""

    @property
    def is_owner(self) -> bool:
        """Whether the addresses are its own, and it says so."""
        return self.value == OWNER_PRIORITY

    def rebase(self, base: int) -> None:
        """Take another configured priority."""
        self._base = base
        self._reckon()

    def adjust(self, name: str, adjustment: int) -> None:
        """Let something tracked add this."""
        self._adjustments[name] = adjustment
        if adjustment == 0:
            del self._adjustments[name]
        self._reckon()

    def do_penance(self, *, begins: bool) -> None:
        """Let an owner be as good as the best router that owns nothing, or an owner again."""
        self._in_penance = begins
        self._reckon()

    def _reckon(self) -> None:
        value = effective_priority(self._base, self._adjustments.values())
        self.value = min(value, PRIORITY_MAX) if self._in_penance else value
