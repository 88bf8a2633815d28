"""Deliveries that were rightly signed and could not be read: kept with their bytes for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, func, select, update

from engine.clock import Millis
from engine.ids import derived_id
from engine.integration import Delivery
from engine.store import models
from engine.store.database import database_now, in_transaction, reading
from engine.store.statements import insert_ignoring

QUARANTINE = models.Base.metadata.tables["quarantine"]


class Kept(NamedTuple):
    """One of them. ``tries`` is how often it was read in vain."""

    id: str
    shop: str
    integration: str
    topic: str
    delivery: Delivery
    reason: str
    received_at: Millis
    tries: int


def keep(engine: Engine, shop: str, integration: str, delivery: Delivery, reason: str, *, signed: bool = True) -> str:
    """Put it away and return its name; the same bytes under the same topic are put away once. Raises StoreError.

    Where its body is not ``signed``, once for its id: around one good signature anybody can write as much as they like.
    """
    content = (delivery.topic, delivery.body.hex())
    name = derived_id("qua", shop, integration, *(content if signed or not delivery.id else ("id", delivery.id)))

    def work(connection: Connection) -> None:
        row = {
            "id": name,
            "shop": shop,
            "integration": integration,
            "topic": delivery.topic[:100],
            "delivery": msgspec.msgpack.encode(delivery),
            "reason": reason[:500],
            "received_at": database_now(connection),
            "tries": 1,
        }
        connection.execute(insert_ignoring(QUARANTINE, connection.dialect.name), [row])

    in_transaction(engine, work)
    return name


def everything(engine: Engine, shop: str | None = None) -> list[Kept]:
    """All that is kept (of one shop), oldest first."""
    query = select(QUARANTINE).order_by(QUARANTINE.c.received_at, QUARANTINE.c.id)
    if shop is not None:
        query = query.where(QUARANTINE.c.shop == shop)
    with reading(engine) as connection:
        return [_kept(*row) for row in connection.execute(query)]


def find(engine: Engine, name: str) -> Kept | None:
    with reading(engine) as connection:
        row = connection.execute(select(QUARANTINE).where(QUARANTINE.c.id == name)).one_or_none()
        return None if row is None else _kept(*row)


def count(connection: Connection) -> dict[tuple[str, str], int]:
    """How many are kept, by shop and integration."""
    columns = QUARANTINE.c
    query = select(columns.shop, columns.integration, func.count()).group_by(columns.shop, columns.integration)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def forget(engine: Engine, older_than_ms: Millis) -> int:
    """Delete what has been kept for so long, read in vain or not; returns how many."""

    def work(connection: Connection) -> int:
        old = QUARANTINE.c.received_at < database_now(connection) - older_than_ms
        return connection.execute(delete(QUARANTINE).where(old)).rowcount

    return in_transaction(engine, work)


def drop(engine: Engine, name: str) -> bool:
    """True when it was there."""
    query = delete(QUARANTINE).where(QUARANTINE.c.id == name)
    return in_transaction(engine, lambda connection: connection.execute(query).rowcount > 0)


def note_failure(engine: Engine, name: str, reason: str) -> None:
    """It was read once more, and in vain."""
    values = {"reason": reason[:500], "tries": QUARANTINE.c.tries + 1}
    query = update(QUARANTINE).where(QUARANTINE.c.id == name).values(values)
    in_transaction(engine, lambda connection: connection.execute(query))


def drop_about(connection: Connection, shop: str, tells_of: Callable[[str], bool]) -> int:
    """Delete whatever of the shop's ``tells_of`` somebody, as it came."""
    rows = connection.execute(select(QUARANTINE).where(QUARANTINE.c.shop == shop))
    named = [kept.id for kept in (_kept(*row) for row in rows) if tells_of(_text_of(kept.delivery))]
    return connection.execute(delete(QUARANTINE).where(QUARANTINE.c.id.in_(named))).rowcount if named else 0


def _text_of(delivery: Delivery) -> str:
    told = [delivery.body.decode(errors="replace"), delivery.topic, delivery.id, *delivery.hints.values()]
    return " ".join(told)


def _kept(
    name: str, shop: str, integration: str, topic: str, delivery: bytes, reason: str, received_at: int, tries: int
) -> Kept:
    read = msgspec.msgpack.decode(delivery, type=Delivery)
    return Kept(name, shop, integration, topic, read, reason, received_at, tries)
