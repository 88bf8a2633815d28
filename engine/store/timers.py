"""Due visitors: claimed with a lease, so that any number of clocks may run and none of them is special."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, delete, or_, select, tuple_, update

from engine.clock import SECOND, Millis
from engine.store.database import database_now, in_transaction
from engine.store.unit import DELIVERIES, EVENTS, VISITORS

LEASE: Millis = 10 * SECOND
"""A hint that was lost is given again after this; the evaluation itself takes milliseconds."""


class Due(NamedTuple):
    shop: str
    visitor: str


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


def forget_visitors(engine: Engine, idle_ms: Millis, most: int = 1_000) -> int:
    """Delete visitors (with their events) that gave no sign of life for ``idle_ms`` and are owed nothing."""

    def work(connection: Connection) -> int:
        before = database_now(connection) - idle_ms
        old = select(VISITORS.c.shop, VISITORS.c.id).where(VISITORS.c.seen_at < before, VISITORS.c.due_at.is_(None))
        rows = [tuple(row) for row in connection.execute(old.limit(most))]
        if rows:
            connection.execute(delete(EVENTS).where(tuple_(EVENTS.c.shop, EVENTS.c.visitor).in_(rows)))
            connection.execute(delete(VISITORS).where(tuple_(VISITORS.c.shop, VISITORS.c.id).in_(rows)))
        return len(rows)

    return in_transaction(engine, work)


def expire_offers(engine: Engine) -> int:
    """On-page messages that nobody came back for in time."""

    def work(connection: Connection) -> int:
        now = database_now(connection)
        late = and_(DELIVERIES.c.state == "offered", DELIVERIES.c.expires_at > 0, DELIVERIES.c.expires_at < now)
        return connection.execute(update(DELIVERIES).where(late).values(state="expired", updated_at=now)).rowcount

    return in_transaction(engine, work)
