"""A shopper's browser as the storefront script runs in it: it counts looking, checks in when asked, shows messages."""

from __future__ import annotations

from dataclasses import dataclass

from engine.clock import SECOND, Millis
from engine.decisions import Ask

ACTIVE_FOR: Millis = 30 * SECOND
"""So long after the last sign of activity somebody still counts as looking."""
SOONEST: Millis = SECOND // 2
"""The script's soonest next check-in."""


@dataclass
class Tab:
    """One page in one tab. Whoever has it before them is taken to be looking, until told otherwise."""

    url: str
    type: str | None
    now: Millis
    engaged_ms: Millis = 0
    shown: bool = True
    idle_from: Millis | None = None
    _left: Millis | None = None
    _engaged_only: bool = True

    def advance(self, now: Millis) -> None:
        """Time passes; what was looked at, and what is left until the next check-in, is counted."""
        looked = max(0, self._looking_until(now) - self.now)
        passed = looked if self._engaged_only else (now - self.now if self.shown else 0)
        self.engaged_ms += looked
        if self._left is not None:
            self._left -= passed
        self.now = now

    def _looking_until(self, now: Millis) -> Millis:
        if not self.shown:
            return self.now
        return now if self.idle_from is None else min(now, self.idle_from + ACTIVE_FOR)

    def hear(self, ask: Ask | None, now: Millis) -> None:
        """The answer of the server says when to check in again."""
        self._left = None if ask is None else max(SOONEST, ask.at - now)
        self._engaged_only = ask is None or ask.engaged

    @property
    def checks_in_at(self) -> Millis | None:
        """The moment of its next check-in, if nothing changes."""
        if self._left is None or not self.shown:
            return None
        at = self.now + max(0, self._left)
        return at if not self._engaged_only or self._looking_until(at) >= at else None
