"""What came to the address of no shop here, or with a key that nobody has: usually a slip of somebody's pen."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from engine.clock import DAY, Millis
from engine.standing.lines import Line, Mark
from engine.standing.scene import refusals
from engine.store import heard

_RECENT: Millis = 7 * DAY


def strays_of(connection: Connection, integrations: Iterable[str], now: Millis) -> tuple[Line, ...]:
    """Those of the last week."""
    told: list[Line] = []
    for name in (heard.PAGES, *integrations):
        tallies = heard.tallies(connection, heard.NO_SHOP, name)
        recent = [tally for tally in tallies if tally.last_at > now - _RECENT]
        told.extend(Line(name or "pages", Mark.WRONG, line.says) for line in refusals(recent, now))
    return tuple(told)
