"""Which deliveries of a shop's platform were taken in already, however they come again."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, select

from engine.clock import DAY, Millis
from engine.store.database import database_now, in_transaction
from engine.store.statements import Values
from engine.store.unit import RECEIPTS, Unit

KEPT_FOR: Millis = 30 * DAY
"""Longer than any platform tries again (Shopify 4 hours, Ecwid a day)."""


class Receipt(NamedTuple):
    """One delivery; ``keys`` are its id and its content, each as a hash, as far as they mean anything."""

    integration: str
    topic: str
    keys: tuple[str, ...]

    def rows(self, shop: str, now: Millis) -> list[Values]:
        row = {"shop": shop, "integration": self.integration, "topic": self.topic[:100], "received_at": now}
        return [row | {"key": key} for key in self.keys]


def receipt(integration: str, topic: str, delivery_id: str, body: bytes | None) -> Receipt:
    """The receipt of a delivery; an empty id is none, and no body is none that tells deliveries apart.

    The content counts under its topic: the same order may rightly be told as created and as paid.
    """
    keys = []
    if body is not None:
        keys.append(f"body:{hashlib.sha256(topic.encode() + bytes(1) + body).hexdigest()}")
    if delivery_id:
        keys.append(f"id:{hashlib.sha256(delivery_id.encode()).hexdigest()}")
    return Receipt(integration, topic, tuple(keys))


def known(connection: Connection, shop: str, receipt: Receipt) -> bool:
    """Whether this delivery was taken in before."""
    columns = RECEIPTS.c
    query = select(columns.key).where(
        columns.shop == shop, columns.integration == receipt.integration, columns.key.in_(receipt.keys)
    )
    return connection.execute(query.limit(1)).first() is not None


def forget(engine: Engine) -> int:
    """Delete receipts that nobody will ask for again."""

    def work(connection: Connection) -> int:
        old = RECEIPTS.c.received_at < database_now(connection) - KEPT_FOR
        return connection.execute(delete(RECEIPTS).where(old)).rowcount

    return in_transaction(engine, work)


class Once:
    """Lets each delivery of a group commit through once, and writes down that it was there."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._seen: set[tuple[str, str, str]] = set()

    def is_new(self, shop: str, receipt: Receipt | None) -> bool:
        """False when its id or its content was taken in before, in this group or any other."""
        if receipt is None:
            return True
        keys = {(shop, receipt.integration, key) for key in receipt.keys}
        if self._seen & keys or known(self._unit.connection, shop, receipt):
            return False
        self._seen |= keys
        for row in receipt.rows(shop, self._unit.now):
            self._unit.add("receipts", row)
        return True
