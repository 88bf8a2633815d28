"""Due visitors: claimed with a lease, so that any number of clocks may run and none of them is special."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, func, or_, select, tuple_, update

from engine.clock import Millis, machine_time
from engine.recovery import VISITOR_LEASE
from engine.store import models
from engine.store.database import database_now, in_transaction
from engine.store.unit import (
    ALIASES,
    AUDIENCES,
    DELIVERIES,
    EVENTS,
    HOUSES,
    IDENTITIES,
    LINKS,
    ORDERS,
    PEOPLE,
    RECHECKS,
    VISITORS,
)
from engine.store.waiting import WAITING

RULE_SETS = models.Base.metadata.tables["rule_sets"]
LEASE: Millis = machine_time(VISITOR_LEASE)


class Due(NamedTuple):
    shop: str
    visitor: str


class Sweep(NamedTuple):
    """What one stretch of a sweep did: how many it forgot, and the last one it saw (None at the end)."""

    forgotten: int
    last: Due | None


def claim_due_visitors(engine: Engine, most: int = 500) -> list[Due]:
    """Up to ``most`` visitors whose time has come, leased to the caller. Raises StoreError."""

    def work(connection: Connection) -> list[Due]:
        now = database_now(connection)
        free = or_(VISITORS.c.lease_until.is_(None), VISITORS.c.lease_until < now)
        due = (
            select(VISITORS.c.shop, VISITORS.c.id)
            .where(VISITORS.c.due_at <= now, free)
            .order_by(VISITORS.c.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(due).all()
        if not rows:
            return []
        chosen = tuple_(VISITORS.c.shop, VISITORS.c.id).in_([tuple(row) for row in rows])
        connection.execute(update(VISITORS).where(chosen).values(lease_until=now + LEASE))
        return [Due(*row) for row in rows]

    return in_transaction(engine, work)


def forget_visitors(engine: Engine, idle_ms: Millis, after: Due | None = None, most: int = 5_000) -> Sweep:
    """Look at the next ``most`` visitors in the order of their names, and delete the idle ones with their events.

    Idle is: no sign of life for ``idle_ms`` and nothing owed. A sweep rather than an index on the last sign of life,
    because every single event would have to keep that index up to date.
    """

    def work(connection: Connection) -> Sweep:
        before = database_now(connection) - idle_ms
        columns = VISITORS.c
        names = tuple_(columns.shop, columns.id)
        query = select(columns.shop, columns.id, columns.seen_at, columns.due_at, columns.fault).order_by(
            *names.clauses
        )
        if after is not None:
            query = query.where(names > tuple(after))
        rows = connection.execute(query.limit(most)).all()
        idle = [(row.shop, row.id) for row in rows if row.seen_at < before and (row.due_at is None or row.fault)]
        for start in range(0, len(idle), 500):
            chunk = idle[start : start + 500]
            connection.execute(delete(EVENTS).where(tuple_(EVENTS.c.shop, EVENTS.c.visitor).in_(chunk)))
            connection.execute(delete(ALIASES).where(tuple_(ALIASES.c.shop, ALIASES.c.visitor).in_(chunk)))
            connection.execute(delete(RECHECKS).where(tuple_(RECHECKS.c.shop, RECHECKS.c.visitor).in_(chunk)))
            connection.execute(delete(AUDIENCES).where(tuple_(AUDIENCES.c.shop, AUDIENCES.c.visitor).in_(chunk)))
            connection.execute(delete(WAITING).where(tuple_(WAITING.c.shop, WAITING.c.visitor).in_(chunk)))
            connection.execute(delete(VISITORS).where(names.in_(chunk)))
        last = Due(rows[-1].shop, rows[-1].id) if len(rows) == most else None
        return Sweep(len(idle), last)

    return in_transaction(engine, work)


def forget_people(engine: Engine, idle_ms: Millis, after: Due | None = None, most: int = 5_000) -> Sweep:
    """The same for people: whoever has no visitor left and of whom nothing was heard for so long.

    Their consents stay for a while, as proof (see engine.store.retention), and a suppression for good; neither holds an
    address.
    """

    def work(connection: Connection) -> Sweep:
        before = database_now(connection) - idle_ms
        rows, last = _stretch(connection, PEOPLE, PEOPLE.c.updated_at, after, most)
        old = [(shop, name) for shop, name, updated_at in rows if updated_at < before]
        gone = [name for chunk in _chunks(old) for name in _without_visitors(connection, chunk)]
        for chunk in _chunks(gone):
            connection.execute(delete(IDENTITIES).where(tuple_(IDENTITIES.c.shop, IDENTITIES.c.person).in_(chunk)))
            connection.execute(delete(LINKS).where(tuple_(LINKS.c.shop, LINKS.c.person).in_(chunk)))
            connection.execute(delete(PEOPLE).where(tuple_(PEOPLE.c.shop, PEOPLE.c.id).in_(chunk)))
        return Sweep(len(gone), last)

    return in_transaction(engine, work)


def _without_visitors(connection: Connection, people: list[tuple[str, str]]) -> list[tuple[str, str]]:
    names = tuple_(VISITORS.c.shop, VISITORS.c.person)
    present = {tuple(row) for row in connection.execute(select(*names.clauses).where(names.in_(people)))}
    return [person for person in people if person not in present]


def forget_orders(engine: Engine, older_than_ms: Millis, after: Due | None = None, most: int = 5_000) -> Sweep:
    """The same for orders, by when they were placed."""

    def work(connection: Connection) -> Sweep:
        before = database_now(connection) - older_than_ms
        rows, last = _stretch(connection, ORDERS, ORDERS.c.at, after, most)
        old = [(shop, name) for shop, name, at in rows if at < before]
        for chunk in _chunks(old):
            connection.execute(delete(ORDERS).where(tuple_(ORDERS.c.shop, ORDERS.c.id).in_(chunk)))
        return Sweep(len(old), last)

    return in_transaction(engine, work)


def forget_houses(engine: Engine, older_than_ms: Millis) -> int:
    """What was true for shops whose rule file was taken away so long ago."""

    def work(connection: Connection) -> int:
        before = database_now(connection) - older_than_ms
        columns = RULE_SETS.c
        latest = select(columns.shop, func.max(columns.live_at).label("at")).group_by(columns.shop).subquery()
        last_word = and_(columns.shop == latest.c.shop, columns.live_at == latest.c.at)
        gone = select(columns.shop).join(latest, last_word).where(columns.source == "", columns.live_at < before)
        return connection.execute(delete(HOUSES).where(HOUSES.c.shop.in_(gone))).rowcount

    return in_transaction(engine, work)


def _stretch(
    connection: Connection, table: Table, moment: ColumnElement[Millis], after: Due | None, most: int
) -> tuple[list[tuple[str, str, Millis]], Due | None]:
    """The next ``most`` rows in the order of their names, with their moment; and the last, when there are more."""
    names = tuple_(table.c.shop, table.c.id)
    query = select(table.c.shop, table.c.id, moment).order_by(*names.clauses).limit(most)
    found = connection.execute(query if after is None else query.where(names > tuple(after))).all()
    rows = [(row[0], row[1], row[2]) for row in found]
    return rows, Due(*rows[-1][:2]) if len(rows) == most else None


def _chunks(names: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    return [names[start : start + 500] for start in range(0, len(names), 500)]


def forget_house_events(engine: Engine, older_than_ms: Millis) -> int:
    """Events about a shop itself (its agents), which belong to no visitor."""

    def work(connection: Connection) -> int:
        before = database_now(connection) - older_than_ms
        old = and_(EVENTS.c.visitor == "", EVENTS.c.received_at < before)
        return connection.execute(delete(EVENTS).where(old)).rowcount

    return in_transaction(engine, work)


def expire_offers(engine: Engine) -> int:
    """On-page messages that nobody came back for in time."""

    def work(connection: Connection) -> int:
        now = database_now(connection)
        late = and_(DELIVERIES.c.state == "offered", DELIVERIES.c.expires_at > 0, DELIVERIES.c.expires_at < now)
        return connection.execute(update(DELIVERIES).where(late).values(state="expired", updated_at=now)).rowcount

    return in_transaction(engine, work)
