"""What is kept about a person, given out or taken away: their rights, as two functions.

A suppression outlives an erasure, as a keyed hash: who was erased must not be mailed again by accident.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, select

from engine.people import Person
from engine.said import Said
from engine.store.database import in_transaction, reading
from engine.store.erasing import OF_VISITORS, about, erase_all_of
from engine.store.unit import IDENTITIES, PEOPLE, VISITORS
from engine.visitors import Visitor


def find_person(engine: Engine, shop: str, identities: list[tuple[str, str]], person_id: str) -> str | None:
    """The person with one of these (kind, hash) identities, or with this id; None when there is nobody."""
    with reading(engine) as connection:
        return next(iter(people_of(connection, shop, identities, person_id)), None)


def people_of(connection: Connection, shop: str, identities: list[tuple[str, str]], person_id: str = "") -> list[str]:
    """Everybody with one of these (kind, hash) identities, or with this id: somebody may be known once by an address
    and once by a number without anybody having said that they are the same.
    """
    known = select(PEOPLE.c.id).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)
    found = list(connection.execute(known).scalars())
    for kind, value in identities:
        columns = IDENTITIES.c
        query = select(columns.person).where(columns.shop == shop, columns.kind == kind, columns.value == value)
        found += connection.execute(query).scalars()
    return list(dict.fromkeys(found))


def former_ids(connection: Connection, shop: str, person_id: str) -> list[str]:
    """The customer numbers of accounts that went up in this person's."""
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
        for table in OF_VISITORS:
            rows = connection.execute(select(table).where(about(table, shop, [person_id], names)))
            kept[table.name] = [
                {name: str(value) if isinstance(value, Said) else value for name, value in item._mapping.items()}
                for item in rows
            ]
        return kept


def erase(engine: Engine, shop: str, person_id: str) -> int:
    """Delete the person and everything about them on every device; returns how many rows. Twice is harmless."""
    return in_transaction(engine, lambda connection: erase_all_of(connection, shop, [person_id], (), ()))


def _person(shop: str, person_id: str) -> Select[Any]:
    return select(PEOPLE.c.state).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)


def _visitors(connection: Connection, shop: str, person_id: str) -> list[tuple[str, bytes]]:
    query = select(VISITORS.c.id, VISITORS.c.state).where(VISITORS.c.shop == shop, VISITORS.c.person == person_id)
    return [(row.id, row.state) for row in connection.execute(query)]
