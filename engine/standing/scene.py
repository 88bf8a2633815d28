"""What everything that is told of a shop is read from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from engine.clock import Millis, describe
from engine.pipeline import ShopRules
from engine.said import Said, frame, say, say_count
from engine.settings import Settings
from engine.standing.lines import Line, Mark
from engine.store.heard import REFUSED, Tally


@dataclass(frozen=True)
class Scene:
    """A shop at one moment, with a connection to read by."""

    engine: Engine
    connection: Connection
    shop: ShopRules
    settings: Settings
    now: Millis

    def ago(self, at: Millis) -> Said:
        return ago(self.now, at)


def ago(now: Millis, at: Millis) -> Said:
    """How long that is over, in words."""
    return say("%(long)s ago", long=describe(now - at))


def refusals(tallies: list[Tally], now: Millis) -> list[Line]:
    """A line for each reason; one is no worry any more once something good has come since."""
    good_at = max((tally.last_at for tally in tallies if tally.result != REFUSED), default=0)
    return [
        Line("refused", Mark.WRONG if tally.last_at > good_at else Mark.FINE, _refused(tally, now))
        for tally in tallies
        if tally.result == REFUSED
    ]


def _refused(tally: Tally, now: Millis) -> Said:
    reason = (
        frame("%(reason)s (%(detail)s)", reason=tally.reason, detail=tally.detail) if tally.detail else tally.reason
    )
    when = ago(now, tally.last_at)
    return say_count(
        "once, %(ago)s: %(reason)s",
        "%(count)s times, the last %(ago)s: %(reason)s",
        count=tally.times, ago=when, reason=reason,
    )  # fmt: skip
