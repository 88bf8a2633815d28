"""Lists for advertising: who is on them and may be given out.

Given out are only people with an address who agreed to marketing, on the device that was put on the list, and did not
say goodbye since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, and_, select

from engine.people import Person
from engine.store.database import reading
from engine.store.unit import AUDIENCES, PEOPLE, VISITORS
from engine.visitors import Visitor


class Members(NamedTuple):
    """The addresses that may be given out, each once, and how many visitors on the list have none such."""

    addresses: list[str]
    others: int


def sizes(engine: Engine, shop: str) -> dict[str, int]:
    """How many visitors are on each list, by its name. Raises StoreError."""
    columns = AUDIENCES.c
    query = select(columns.name).where(columns.shop == shop).order_by(columns.name)
    with reading(engine) as connection:
        return dict(Counter(connection.execute(query).scalars()))


def members(engine: Engine, shop: str, name: str) -> Members:
    """Who is on this list. Raises StoreError."""
    with reading(engine) as connection:
        told = list(_addresses(connection, shop, name))
    allowed = {address.strip().casefold(): address for address in told if address}
    return Members(sorted(allowed.values()), sum(not address for address in told))


def _addresses(connection: Connection, shop: str, name: str) -> Iterator[str]:
    """For each visitor on the list their address, or "" where it may not be given out."""
    same_visitor = and_(VISITORS.c.shop == AUDIENCES.c.shop, VISITORS.c.id == AUDIENCES.c.visitor)
    same_person = and_(PEOPLE.c.shop == VISITORS.c.shop, PEOPLE.c.id == VISITORS.c.person)
    query = (
        select(VISITORS.c.state, PEOPLE.c.state.label("person"))
        .select_from(AUDIENCES.join(VISITORS, same_visitor).outerjoin(PEOPLE, same_person))
        .where(AUDIENCES.c.shop == shop, AUDIENCES.c.name == name)
    )
    for row in connection.execute(query):
        visitor = msgspec.msgpack.decode(row.state, type=Visitor)
        person = None if row.person is None else msgspec.msgpack.decode(row.person, type=Person)
        agrees = visitor.marketing is True and person is not None and person.unsubscribed_at is None
        yield person.email if agrees and person is not None else ""
