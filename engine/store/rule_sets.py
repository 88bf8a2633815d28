"""Rule files that were live, by content: a past decision is explained with its own rules, and a restart with a broken
file goes on with the last good one."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from engine.store import models
from engine.store.database import database_now, in_transaction, reading
from engine.store.unit import upsert

RULE_SETS = models.Base.metadata.tables["rule_sets"]
GONE = ("gone", "")
"""What stands for the file of a shop that is not served any more."""


def remember_all(engine: Engine, live: dict[str, tuple[str, str]]) -> None:
    """Note that these are live now, by shop its file's (hash, source), and that no other shop is. Raises StoreError."""

    def work(connection: Connection) -> None:
        gone = dict.fromkeys(_last(connection).keys() - live.keys(), GONE)
        rows = [
            {"shop": shop, "hash": content_hash, "source": source, "live_at": database_now(connection)}
            for shop, (content_hash, source) in (live | gone).items()
        ]
        if rows:
            connection.execute(upsert(RULE_SETS, connection.dialect.name, False), rows)

    in_transaction(engine, work)


def last_good(engine: Engine) -> dict[str, str]:
    """The source that was live last, by shop; a shop whose file was taken away has none. Raises StoreError."""
    with reading(engine) as connection:
        return _last(connection)


def _last(connection: Connection) -> dict[str, str]:
    query = select(RULE_SETS.c.shop, RULE_SETS.c.source).order_by(RULE_SETS.c.live_at)
    latest = {row.shop: row.source for row in connection.execute(query)}
    return {shop: source for shop, source in latest.items() if source}
