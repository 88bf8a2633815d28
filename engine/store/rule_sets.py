"""Rule files that were live, by content: a past decision is explained with its own rules, and a restart with a broken
file goes on with the last good one."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Engine, and_, or_, select, update

from engine.clock import DAY, MINUTE, SECOND, Millis
from engine.store import looks, models
from engine.store.database import between_commits, database_now, in_transaction, reading
from engine.store.statements import upsert
from engine.store.unit import CARTS, HOUSES, VISITORS

RULE_SETS = models.Base.metadata.tables["rule_sets"]
RULE_CHANGES = models.Base.metadata.tables["rule_changes"]
GONE = ("gone", "")
"""What stands for the file of a shop that is not served any more."""


WAKE_AFTER: Millis = 2 * SECOND
"""By then every process has seen the new file too."""
WAKE_WITHIN: Millis = MINUTE
"""They are woken one after the other, so that shoppers who are there do not wait for them."""
OPEN_CARTS: Millis = 3 * DAY
"""A new rule speaks about carts that were touched within this time; older ones are history, not news."""
CHUNK = 500


def remember_all(engine: Engine, live: dict[str, tuple[str, str]]) -> list[str]:
    """Note that these are live now, by shop its file's (hash, source), and that no other shop is.

    Returns the shops whose file is another one than before, to the first process that says so and to no other.
    It happens between two commits, and the house says since when: whoever judges by an older file knows it from then
    on, and whoever was judged before is there for :func:`wake` to find. Raises StoreError.
    """

    def work(connection: Connection) -> list[str]:
        between_commits(connection)
        before = _last_hashes(connection)
        gone = dict.fromkeys(_last(connection).keys() - live.keys(), GONE)
        rows = [
            {"shop": shop, "hash": content_hash, "source": source, "live_at": database_now(connection)}
            for shop, (content_hash, source) in (live | gone).items()
        ]
        if rows:
            connection.execute(upsert(RULE_SETS, connection.dialect.name, False), rows)
        changes = [
            {"shop": row["shop"], "at": row["live_at"], "hash": row["hash"]}
            for row in rows
            if before.get(str(row["shop"])) != row["hash"]
        ]
        if changes:
            connection.execute(upsert(RULE_CHANGES, connection.dialect.name, False), changes)
        for shop, (content_hash, _) in live.items():
            _tell_house(connection, shop, content_hash)
        return [shop for shop, (content_hash, _) in live.items() if before.get(shop, content_hash) != content_hash]

    return in_transaction(engine, work)


def _tell_house(connection: Connection, shop: str, content_hash: str) -> None:
    house = looks.house(connection, shop)
    if house.rule_set == content_hash:
        return
    state = msgspec.msgpack.encode(msgspec.structs.replace(house, rule_set=content_hash))
    changed = {"version": HOUSES.c.version + 1, "state": state}
    if not connection.execute(update(HOUSES).where(HOUSES.c.shop == shop).values(changed)).rowcount:
        connection.execute(HOUSES.insert().values(shop=shop, version=1, state=state))


def wake(engine: Engine, shop: str) -> int:
    """Have everybody who waits for something, or has an open cart, looked at again; returns how many.

    Whoever is due sooner stays so: how late they are is part of what their rules decide. Raises StoreError.
    """
    with reading(engine) as connection:
        now = database_now(connection)
        carts = select(CARTS.c.visitor).where(
            CARTS.c.shop == shop, CARTS.c.status == "open", CARTS.c.updated_at > now - OPEN_CARTS
        )
        timers = select(VISITORS.c.id).where(VISITORS.c.shop == shop, VISITORS.c.due_at > now + WAKE_AFTER)
        names = sorted({*connection.execute(carts).scalars(), *connection.execute(timers).scalars()})
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    pause = WAKE_WITHIN // max(1, len(chunks))
    return sum(_wake(engine, shop, chunk, now + WAKE_AFTER + place * pause) for place, chunk in enumerate(chunks))


def _wake(engine: Engine, shop: str, names: list[str], at: Millis) -> int:
    columns = VISITORS.c

    def work(connection: Connection) -> int:
        later = or_(columns.due_at.is_(None), columns.due_at > at)
        own = and_(columns.shop == shop, columns.id.in_(names), columns.fault.is_(None), later)
        # Their version stays: who is being looked at by the new rules right now plans anew anyway.
        return connection.execute(update(VISITORS).where(own).values(due_at=at)).rowcount

    return in_transaction(engine, work)


def last_good(engine: Engine) -> dict[str, str]:
    """The source that was live last, by shop; a shop whose file was taken away has none. Raises StoreError."""
    with reading(engine) as connection:
        return _last(connection)


def changes(connection: Connection, shop: str) -> list[tuple[Millis, str]]:
    """From when on which file was live, by its hash, oldest first; GONE's where there was none any more."""
    columns = RULE_CHANGES.c
    query = select(columns.at, columns.hash).where(columns.shop == shop).order_by(columns.at)
    return [(row.at, row.hash) for row in connection.execute(query)]


def source_of(connection: Connection, shop: str, content_hash: str) -> str | None:
    """A file that was live, by its hash."""
    columns = RULE_SETS.c
    query = select(columns.source).where(columns.shop == shop, columns.hash == content_hash)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _last_hashes(connection: Connection) -> dict[str, str]:
    query = select(RULE_SETS.c.shop, RULE_SETS.c.hash).order_by(RULE_SETS.c.live_at)
    return {row.shop: row.hash for row in connection.execute(query)}


def _last(connection: Connection) -> dict[str, str]:
    query = select(RULE_SETS.c.shop, RULE_SETS.c.source).order_by(RULE_SETS.c.live_at)
    latest = {row.shop: row.source for row in connection.execute(query)}
    return {shop: source for shop, source in latest.items() if source}
