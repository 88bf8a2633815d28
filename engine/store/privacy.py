"""What is kept about a person, given out or taken away: their rights, as two functions.

A suppression outlives an erasure, as a keyed hash: who was erased must not be mailed again by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, and_, delete, or_, select

from engine.people import Person
from engine.said import Said
from engine.store import errands, quarantine
from engine.store.database import between_commits, in_transaction, reading
from engine.store.errands import ERRANDS
from engine.store.unit import (
    ALIASES,
    AUDIENCES,
    CARTS,
    CONSENTS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    HOUSES,
    IDENTITIES,
    LINKS,
    ORDERS,
    OUTCOMES,
    PEOPLE,
    RECEIPTS,
    RECHECKS,
    VISITORS,
)
from engine.store.waiting import WAITING
from engine.visitors import Visitor

_OF_VISITORS = (DELIVERIES, ORDERS, DECISIONS, CONSENTS, AUDIENCES, EVENTS, RECHECKS, LINKS, CARTS, ALIASES, WAITING)


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


def former_ids(engine: Engine, shop: str, person_id: str) -> list[str]:
    """The customer numbers of accounts that went up in this person's."""
    with reading(engine) as connection:
        row = connection.execute(_person(shop, person_id)).one_or_none()
    return msgspec.msgpack.decode(row.state, type=Person).former_ids if row else []


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
        for table in _OF_VISITORS:
            rows = connection.execute(select(table).where(_about(table, shop, person_id, names)))
            kept[table.name] = [
                {name: str(value) if isinstance(value, Said) else value for name, value in item._mapping.items()}
                for item in rows
            ]
        return kept


def erase(engine: Engine, shop: str, person_id: str) -> int:
    """Delete the person and everything about them on every device; returns how many rows. Twice is harmless."""
    return in_transaction(engine, lambda connection: erase_all_of(connection, shop, person_id, (), []))


def erase_all_of(
    connection: Connection, shop: str, person_id: str | None, refs: Sequence[str], words: list[str]
) -> int:
    """The same for somebody whom a platform names: also the orders ``refs``, and what could not be read of ``words``.

    Returns how many rows are gone.
    """
    between_commits(connection)
    orders = select(ALIASES.c.visitor).where(ALIASES.c.shop == shop, ALIASES.c.name.in_(list(refs)))
    strangers = [row.visitor for row in connection.execute(orders)]
    gone = _erase_visitors(connection, shop, strangers, None) if strangers else 0
    if person_id is not None:
        gone += _erase_person(connection, shop, person_id)
    gone += errands.drop_about(connection, shop, [*words, *(ref.rpartition(":")[2] for ref in refs)])
    return gone + quarantine.drop_about(connection, shop, words)


def erase_shop(connection: Connection, shop: str) -> int:
    """Delete everything about everybody in the shop; its keys, its rules and whom it must never mail stay."""
    between_commits(connection)
    own = select(DELIVERIES.c.id).where(DELIVERIES.c.shop == shop)
    gone = connection.execute(delete(OUTCOMES).where(OUTCOMES.c.delivery.in_(own))).rowcount
    everything = (*_OF_VISITORS, VISITORS, IDENTITIES, PEOPLE, RECEIPTS, HOUSES, ERRANDS, quarantine.QUARANTINE)
    return gone + sum(connection.execute(delete(table).where(table.c.shop == shop)).rowcount for table in everything)


def _erase_person(connection: Connection, shop: str, person_id: str) -> int:
    row = connection.execute(_person(shop, person_id)).one_or_none()
    person = msgspec.msgpack.decode(row.state, type=Person) if row else Person("")
    names = [name for name, _ in _visitors(connection, shop, person_id)]
    gone = _erase_visitors(connection, shop, names, person_id)
    for table, column in ((IDENTITIES, IDENTITIES.c.person), (PEOPLE, PEOPLE.c.id)):
        gone += connection.execute(delete(table).where(table.c.shop == shop, column == person_id)).rowcount
    return gone + quarantine.drop_about(connection, shop, [person.email, person.customer_id])


def _erase_visitors(connection: Connection, shop: str, names: list[str], person_id: str | None) -> int:
    """Everything about these browsers, and about the person where one is named."""
    own_deliveries = select(DELIVERIES.c.id).where(_about(DELIVERIES, shop, person_id, names))
    about = and_(OUTCOMES.c.shop == shop, OUTCOMES.c.delivery.in_(own_deliveries))
    gone = connection.execute(delete(OUTCOMES).where(about)).rowcount
    for table in _OF_VISITORS:
        gone += connection.execute(delete(table).where(_about(table, shop, person_id, names))).rowcount
    return gone + connection.execute(delete(VISITORS).where(VISITORS.c.shop == shop, VISITORS.c.id.in_(names))).rowcount


def _person(shop: str, person_id: str) -> Select[Any]:
    return select(PEOPLE.c.state).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)


def _visitors(connection: Connection, shop: str, person_id: str) -> list[tuple[str, bytes]]:
    query = select(VISITORS.c.id, VISITORS.c.state).where(VISITORS.c.shop == shop, VISITORS.c.person == person_id)
    return [(row.id, row.state) for row in connection.execute(query)]


def _about(table: Table, shop: str, person_id: str | None, visitors: list[str]) -> ColumnElement[bool]:
    """Rows of the table that concern the person or one of their visitors."""
    subject: ColumnElement[bool] = table.c.visitor.in_(visitors)
    if person_id is not None and "person" in table.c:
        subject = or_(subject, table.c.person == person_id)
    return and_(table.c.shop == shop, subject)
