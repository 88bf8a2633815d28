"""What came to the doors of each shop, counted: so that somebody who connects a platform sees that it is heard."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Insert, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.clock import Millis
from engine.store import models
from engine.store.database import database_now, in_transaction

HEARD = models.Base.metadata.tables["heard"]
REFUSED = "refused"
NO_SHOP = ""
"""Where the shop's id stands for what came to no shop here."""
PAGES = ""
"""Where an integration's name stands for what the shop's own pages send."""


class Sound(NamedTuple):
    """A kind of thing that came: ``result`` is what became of it, ``reason`` (a fixed sentence) why it was refused."""

    shop: str
    integration: str
    result: str
    reason: str = ""


class Tally(NamedTuple):
    """How often it came, when last, and something about that last one."""

    result: str
    reason: str
    detail: str
    times: int
    last_at: Millis


def add(engine: Engine, noted: Iterable[tuple[Sound, int, str]]) -> None:
    """Count these: what, how often, and the last one's detail. Raises StoreError when none of it is kept."""

    def work(connection: Connection) -> None:
        now = database_now(connection)
        # In this order, so that two processes never wait for each other.
        rows = [
            sound._asdict() | {"times": times, "detail": _plain(detail), "last_at": now}
            for sound, times, detail in sorted(noted)
        ]
        if rows:
            connection.execute(_counted(connection.dialect.name), rows)

    in_transaction(engine, work)


def tallies(connection: Connection, shop: str, integration: str) -> list[Tally]:
    """All that was heard of this, the latest first."""
    columns = HEARD.c
    query = select(*(columns[name] for name in Tally._fields))
    query = query.where(columns.shop == shop, columns.integration == integration)
    return [Tally(*row) for row in connection.execute(query.order_by(columns.last_at.desc()))]


def _plain(detail: str) -> str:
    """What a stranger wrote, as any database keeps it and any terminal shows it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in detail[:100])


@cache
def _counted(dialect: str) -> Insert:
    """INSERT, or one more of what is there."""
    statement: Any = (sqlite if dialect == "sqlite" else postgresql).insert(HEARD)
    fresh = statement.excluded
    changed = {"times": HEARD.c.times + fresh.times, "detail": fresh.detail, "last_at": fresh.last_at}
    result: Insert = statement.on_conflict_do_update(index_elements=list(HEARD.primary_key.columns), set_=changed)
    return result
