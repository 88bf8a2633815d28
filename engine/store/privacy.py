"""What is kept about a person, given out or taken away: their rights, as two functions.

A suppression outlives an erasure, as a keyed hash: who was erased must not be mailed again by accident.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, and_, delete, or_, select

from engine.people import Person
from engine.store.database import in_transaction, reading
from engine.store.unit import (
    AUDIENCES,
    CARTS,
    CONSENTS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    IDENTITIES,
    ORDERS,
    OUTCOMES,
    PEOPLE,
    VISITORS,
)
from engine.store.waiting import WAITING
from engine.visitors import Visitor

_BY_VISITOR_OR_PERSON = (ORDERS, DECISIONS, CONSENTS, AUDIENCES, WAITING)


def find_person(engine: Engine, shop: str, identities: list[tuple[str, str]], person_id: str) -> str | None:
    """The person with one of these (kind, hash) identities, or with this id; None when there is nobody."""
    with reading(engine) as connection:
        known = select(PEOPLE.c.id).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)
        found = connection.execute(known).scalar_one_or_none()
        for kind, value in identities:
            if found is not None:
                break
            columns = IDENTITIES.c
            query = select(columns.person).where(columns.shop == shop, columns.kind == kind, columns.value == value)
            found = connection.execute(query).scalar_one_or_none()
        return found


def export(engine: Engine, shop: str, person_id: str) -> dict[str, Any]:
    """Everything about the person and their visitors, by table, ready for JSON. Raises StoreError."""
    with reading(engine) as connection:
        row = connection.execute(_person(shop, person_id)).one_or_none()
        visitors = _visitors(connection, shop, person_id)
        kept: dict[str, Any] = {
            "person": msgspec.to_builtins(msgspec.msgpack.decode(row.state, type=Person)) if row else None,
            "visitors": {
                name: msgspec.to_builtins(msgspec.msgpack.decode(state, type=Visitor)) for name, state in visitors
            },
        }
        names = [name for name, _ in visitors]
        for table in (EVENTS, CARTS, ORDERS, CONSENTS, DECISIONS, DELIVERIES, AUDIENCES, WAITING):
            rows = connection.execute(select(table).where(_about(table, shop, person_id, names)))
            kept[table.name] = [dict(item._mapping) for item in rows]
        return kept


def erase(engine: Engine, shop: str, person_id: str) -> int:
    """Delete the person and everything about them on every device; returns how many rows. Twice is harmless."""

    def work(connection: Connection) -> int:
        names = [name for name, _ in _visitors(connection, shop, person_id)]
        own_deliveries = select(DELIVERIES.c.id).where(_about(DELIVERIES, shop, person_id, names))
        gone = connection.execute(
            delete(OUTCOMES).where(OUTCOMES.c.shop == shop, OUTCOMES.c.delivery.in_(own_deliveries))
        ).rowcount
        for table in (DELIVERIES, *_BY_VISITOR_OR_PERSON, EVENTS, CARTS):
            gone += connection.execute(delete(table).where(_about(table, shop, person_id, names))).rowcount
        for table, column in ((VISITORS, VISITORS.c.person), (IDENTITIES, IDENTITIES.c.person), (PEOPLE, PEOPLE.c.id)):
            gone += connection.execute(delete(table).where(table.c.shop == shop, column == person_id)).rowcount
        return gone

    return in_transaction(engine, work)


def _person(shop: str, person_id: str) -> Select[Any]:
    return select(PEOPLE.c.state).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)


def _visitors(connection: Connection, shop: str, person_id: str) -> list[tuple[str, bytes]]:
    query = select(VISITORS.c.id, VISITORS.c.state).where(VISITORS.c.shop == shop, VISITORS.c.person == person_id)
    return [(row.id, row.state) for row in connection.execute(query)]


def _about(table: Table, shop: str, person_id: str, visitors: list[str]) -> ColumnElement[bool]:
    """Rows of the table that concern the person or one of their visitors."""
    subject: ColumnElement[bool] = table.c.visitor.in_(visitors)
    if "person" in table.c:
        subject = or_(subject, table.c.person == person_id)
    return and_(table.c.shop == shop, subject)
