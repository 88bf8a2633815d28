"""Rule files that were live, by content: a past decision is explained with its own rules, and a restart with a broken
file goes on with the last good one."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from engine.store import models
from engine.store.database import database_now, in_transaction, reading
from engine.store.unit import upsert

RULE_SETS = models.Base.metadata.tables["rule_sets"]


def remember(engine: Engine, shop: str, content_hash: str, source: str) -> None:
    """Note that this file is live now."""

    def work(connection: Connection) -> None:
        row = {"shop": shop, "hash": content_hash, "source": source, "live_at": database_now(connection)}
        connection.execute(upsert(RULE_SETS, connection.dialect.name, False), [row])

    in_transaction(engine, work)


def last_good(engine: Engine) -> dict[str, str]:
    """The source that was live last, by shop."""
    with reading(engine) as connection:
        query = select(RULE_SETS.c.shop, RULE_SETS.c.source).order_by(RULE_SETS.c.live_at)
        return {row.shop: row.source for row in connection.execute(query)}
