"""Rows as the core sees them, read without changing anything: for the last look, for ``why``, for pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from engine.clock import HOUR
from engine.events import Cart, Order
from engine.messages import NOTES
from engine.people import Person
from engine.rules.facts import House
from engine.store.unit import (
    CARTS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    HOUSES,
    LINKS,
    ORDERS,
    OUTCOMES,
    PEOPLE,
    SUPPRESSIONS,
    VISITORS,
)
from engine.visitors import Visitor


def visitors_of(connection: Connection, shop: str, person: str) -> list[str]:
    """The browsers of a person, whichever was seen last first."""
    columns = VISITORS.c
    query = select(columns.id).where(columns.shop == shop, columns.person == person)
    return list(connection.execute(query.order_by(columns.seen_at.desc(), columns.id)).scalars())


class SavedCart(NamedTuple):
    visitor: str
    status: str
    shipping_shown: int | None
    cart: Cart


class SavedOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was ordered, and the platform's names for it; of whoever ordered it nothing stands here."""

    order: Order
    refs: tuple[str, ...] = ()


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


def order(connection: Connection, shop: str, order_id: str | None) -> SavedOrder | None:
    """None also where nobody told what is in it."""
    if order_id is None:
        return None
    query = select(ORDERS.c.body).where(ORDERS.c.shop == shop, ORDERS.c.id == order_id)
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else msgspec.json.decode(body, type=SavedOrder)


def is_suppressed(connection: Connection, shop: str, address: str) -> bool:
    query = select(SUPPRESSIONS.c.at).where(SUPPRESSIONS.c.shop == shop, SUPPRESSIONS.c.address == address)
    return connection.execute(query).first() is not None


MOST_KIN = 50
"""More browsers than anybody has; a shared address stands behind them."""


def kin(connection: Connection, shop: str, visitor_id: str) -> list[str]:
    """The visitor, every visitor that was ever linked to a person of theirs, and so on."""
    found: set[str] = set()
    more = {visitor_id}
    while more - found and len(found) <= MOST_KIN:
        found |= more
        more = _linked(connection, shop, found)
    return sorted(found)


def _linked(connection: Connection, shop: str, visitors: set[str]) -> set[str]:
    columns = LINKS.c
    persons = select(columns.person).where(columns.shop == shop, columns.visitor.in_(visitors))
    query = select(columns.visitor).where(columns.shop == shop, columns.person.in_(persons))
    return set(connection.execute(query).scalars())


def still_there(connection: Connection, shop: str, visitors: list[str]) -> set[str]:
    """Those of these visitors that were not forgotten."""
    columns = VISITORS.c
    query = select(columns.id).where(columns.shop == shop, columns.id.in_(visitors))
    return set(connection.execute(query).scalars())


def buyers_of(connection: Connection, shop: str, carts: Collection[str]) -> set[str]:
    """The visitors under whose name these carts were ordered."""
    columns = ORDERS.c
    query = select(columns.visitor).where(columns.shop == shop, columns.cart.in_(carts))
    return set(connection.execute(query).scalars())


def owners_of(connection: Connection, shop: str, carts: Collection[str]) -> dict[str, str]:
    """Whose carts these are: visitor by cart id."""
    query = select(CARTS.c.id, CARTS.c.visitor).where(CARTS.c.shop == shop, CARTS.c.id.in_(carts))
    return {row.id: row.visitor for row in connection.execute(query)}


def clickers_of(connection: Connection, shop: str, visitor_id: str) -> set[str]:
    """The visitors in whose browsers a link of this visitor's mails was followed."""
    columns, told = OUTCOMES.c, EVENTS.c
    own = select(DELIVERIES.c.id).where(DELIVERIES.c.shop == shop, DELIVERIES.c.visitor == visitor_id)
    clicks = select(columns.at).where(columns.shop == shop, columns.delivery.in_(own), columns.kind == "clicked")
    found: set[str] = set()
    for at in connection.execute(clicks).scalars().all():
        near = (told.received_at >= at, told.received_at <= at + HOUR, told.at == at)
        query = select(told.visitor).where(told.shop == shop, *near, told.type == "email_clicked")
        found.update(connection.execute(query).scalars())
    return found


class Goodbye(NamedTuple):
    """That somebody unsubscribed; it stays on record also when they came back."""

    person: str
    at: int


def goodbyes(connection: Connection, shop: str, visitors: list[str], until: int) -> list[Goodbye]:
    """Those said by a link in a mail to one of these visitors up to ``until``, oldest first."""
    columns, mails = OUTCOMES.c, DELIVERIES.c
    query = select(mails.person, columns.at).join(DELIVERIES, mails.id == columns.delivery)
    said = (columns.shop == shop, columns.kind == "unsubscribed", columns.at <= until)
    rows = connection.execute(query.where(*said, mails.visitor.in_(visitors)).order_by(columns.at))
    return [Goodbye(row.person, row.at) for row in rows if row.person]


class Invitation(NamedTuple):
    """An invitation on the page: to whom, when, until when, and what it opens."""

    delivery: str
    visitor: str
    at: int
    expires_at: int
    opens: str


def invitations(connection: Connection, shop: str, since: int, until: int) -> list[Invitation]:
    """Every invitation that went out in [since, until], oldest first."""
    columns = DELIVERIES.c
    query = select(columns.id, columns.visitor, columns.created_at, columns.expires_at, columns.body).where(
        columns.shop == shop, columns.kind == "invite", columns.created_at >= since, columns.created_at <= until
    )
    rows = connection.execute(query.order_by(columns.created_at))
    return [Invitation(*row[:4], _opened_by(row.body)) for row in rows]


def _opened_by(body: str) -> str:
    actions = msgspec.json.decode(body).get("actions") or [{}]
    return str(actions[0].get("open", ""))


class Reply(NamedTuple):
    delivery: str
    kind: str
    at: int


def replies(connection: Connection, shop: str, deliveries: list[str], until: int) -> list[Reply]:
    """What was said to these messages up to ``until``, oldest first."""
    columns = OUTCOMES.c
    query = select(columns.delivery, columns.kind, columns.at).where(
        columns.shop == shop, columns.delivery.in_(deliveries), columns.at <= until
    )
    return [Reply(*row) for row in connection.execute(query.order_by(columns.at))]


class Decided(NamedTuple):
    """That something was decided, and by the rules of which file."""

    id: str
    visitor: str
    at: int
    rule_set: str


def everything_decided(connection: Connection, shop: str, visitors: list[str], until: int) -> list[Decided]:
    """Every decision about these visitors up to ``until``, oldest first."""
    columns = DECISIONS.c
    query = select(columns.id, columns.visitor, columns.at, columns.rule_set)
    query = query.where(columns.shop == shop, columns.visitor.in_(visitors), columns.at <= until)
    return [Decided(*row) for row in connection.execute(query.order_by(columns.at))]


FOREVER = 2**62


def decisions(
    connection: Connection, shop: str, visitor_id: str, *, until: int = FOREVER, most: int = 50
) -> list[dict[str, Any]]:
    """The visitor's latest decisions up to ``until``, newest first."""
    columns = DECISIONS.c
    query = select(DECISIONS).where(columns.shop == shop, columns.visitor == visitor_id, columns.at <= until)
    rows = connection.execute(query.order_by(columns.at.desc()).limit(most))
    return [dict(row._mapping) for row in rows]


def notes(
    connection: Connection, shop: str, visitor_id: str, *, until: int = FOREVER, most: int = 20
) -> list[dict[str, Any]]:
    """What rules left for whoever helps the visitor up to ``until``, newest first: at, rule, note."""
    columns = DELIVERIES.c
    query = select(columns.created_at, columns.rule, columns.body).where(
        columns.shop == shop,
        columns.visitor == visitor_id,
        columns.kind.in_(sorted(NOTES)),
        columns.created_at <= until,
    )
    rows = connection.execute(query.order_by(columns.created_at.desc()).limit(most))
    return [{"at": row.created_at, "rule": row.rule, **msgspec.json.decode(row.body)} for row in rows]


def messages(connection: Connection, shop: str, visitor_id: str, most: int = 50) -> list[dict[str, Any]]:
    """The latest messages to the visitor with what became of them, newest first: at, rule, kind, state, result."""
    columns = DELIVERIES.c
    query = select(columns.created_at.label("at"), columns.rule, columns.kind, columns.state, columns.result).where(
        columns.shop == shop, columns.visitor == visitor_id, columns.kind.not_in(sorted(NOTES))
    )
    rows = connection.execute(query.order_by(columns.created_at.desc()).limit(most))
    return [dict(row._mapping) for row in rows]
