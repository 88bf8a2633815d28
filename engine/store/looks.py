"""Rows as the core sees them, read without changing anything: for the last look, for ``why``, for pages."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from engine.events import Cart
from engine.messages import NOTES
from engine.people import Person
from engine.rules.facts import House
from engine.store.unit import CARTS, DECISIONS, DELIVERIES, HOUSES, PEOPLE, SUPPRESSIONS, VISITORS
from engine.visitors import Visitor


class SavedCart(NamedTuple):
    visitor: str
    status: str
    shipping_shown: int | None
    cart: Cart


class SeenVisitor(NamedTuple):
    state: Visitor
    person: str | None
    due_at: int | None
    fault: str | None


def visitor(connection: Connection, shop: str, visitor_id: str) -> SeenVisitor | None:
    query = select(VISITORS).where(VISITORS.c.shop == shop, VISITORS.c.id == visitor_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return SeenVisitor(msgspec.msgpack.decode(row.state, type=Visitor), row.person, row.due_at, row.fault)


def person(connection: Connection, shop: str, person_id: str | None) -> Person | None:
    if person_id is None:
        return None
    query = select(PEOPLE.c.state).where(PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)
    state = connection.execute(query).scalar_one_or_none()
    return None if state is None else msgspec.msgpack.decode(state, type=Person)


def house(connection: Connection, shop: str) -> House:
    state = connection.execute(select(HOUSES.c.state).where(HOUSES.c.shop == shop)).scalar_one_or_none()
    return House() if state is None else msgspec.msgpack.decode(state, type=House)


def cart(connection: Connection, shop: str, cart_id: str | None) -> SavedCart | None:
    if cart_id is None:
        return None
    row = connection.execute(select(CARTS).where(CARTS.c.shop == shop, CARTS.c.id == cart_id)).one_or_none()
    if row is None:
        return None
    return SavedCart(row.visitor, row.status, row.shipping_shown, msgspec.json.decode(row.body, type=Cart))


def is_suppressed(connection: Connection, shop: str, address: str) -> bool:
    query = select(SUPPRESSIONS.c.at).where(SUPPRESSIONS.c.shop == shop, SUPPRESSIONS.c.address == address)
    return connection.execute(query).first() is not None


def decisions(connection: Connection, shop: str, visitor_id: str, most: int = 50) -> list[dict[str, Any]]:
    """The visitor's latest decisions, newest first."""
    columns = DECISIONS.c
    query = select(DECISIONS).where(columns.shop == shop, columns.visitor == visitor_id)
    rows = connection.execute(query.order_by(columns.at.desc()).limit(most))
    return [dict(row._mapping) for row in rows]


def notes(connection: Connection, shop: str, visitor_id: str, most: int = 20) -> list[dict[str, Any]]:
    """What rules left for whoever helps the visitor, newest first: at, rule, note."""
    columns = DELIVERIES.c
    query = select(columns.created_at, columns.rule, columns.body).where(
        columns.shop == shop, columns.visitor == visitor_id, columns.kind.in_(sorted(NOTES))
    )
    rows = connection.execute(query.order_by(columns.created_at.desc()).limit(most))
    return [{"at": row.created_at, "rule": row.rule, **msgspec.json.decode(row.body)} for row in rows]


def deliveries(connection: Connection, shop: str, visitor_id: str, most: int = 50) -> list[dict[str, Any]]:
    """The visitor's latest deliveries, newest first."""
    columns = DELIVERIES.c
    query = select(DELIVERIES).where(columns.shop == shop, columns.visitor == visitor_id)
    rows = connection.execute(query.order_by(columns.created_at.desc()).limit(most))
    return [dict(row._mapping) for row in rows]
