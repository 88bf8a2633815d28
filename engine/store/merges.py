"""Statements that make one of two: a stand-in and its visitor, two who turned out to be the same person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Delete, Insert, Update, and_, delete, literal, or_, select, update

from engine.clock import Millis
from engine.store import models
from engine.store.statements import Values, insert_ignoring

_TABLES = models.Base.metadata.tables
VISITORS, PEOPLE, LINKS, CARTS, ORDERS, DELIVERIES = (
    _TABLES[name] for name in ("visitors", "people", "links", "carts", "orders", "deliveries")
)
_NAMING_PEOPLE = [
    _TABLES[name] for name in ("identities", "orders", "decisions", "deliveries", "audiences", "consents")
]


def give_to(shop: str, stand_in: str, visitor: str) -> list[Update]:
    """The carts and orders of a stand-in are the visitor's."""
    return [
        update(table).where(table.c.shop == shop, table.c.visitor == stand_in).values(visitor=visitor)
        for table in (CARTS, ORDERS)
    ]


def give_mails_to(shop: str, stand_in: str, visitor: str) -> Update:
    """The messages of a stand-in, sent and owed, are the visitor's."""
    return update(DELIVERIES).where(DELIVERIES.c.shop == shop, DELIVERIES.c.visitor == stand_in).values(visitor=visitor)


_CORRECTED = ("total", "currency", "body", "told_at")


def correct_order(order: Values) -> list[Update]:
    """What the shop's server says of an order goes before what a page has said, and before what it said earlier."""
    columns = ORDERS.c
    told = {name: order[name] for name in _CORRECTED} | ({"cart": order["cart"]} if order["cart"] else {})
    is_news = or_(columns.told_at.is_(None), columns.told_at <= order["told_at"])
    own = (columns.shop == order["shop"], columns.id == order["id"])
    corrected = update(ORDERS).where(*own, is_news).values(told)
    return [corrected, _claim_order(order)] if order["person"] else [corrected]


def _claim_order(order: Values) -> Update:
    """Whose an order is, the shop's server says as well: a browser may have told its number first, rightly or not."""
    columns = ORDERS.c
    anothers = or_(columns.person.is_(None), columns.person != order["person"])
    whose = {"visitor": order["visitor"], "person": order["person"]}
    return update(ORDERS).where(columns.shop == order["shop"], columns.id == order["id"], anothers).values(whose)


def renamed(rows: list[Values], shop: str, gone: str, stays: str) -> list[Values]:
    """The rows that are about to be written, with the one who stays for the one who is gone."""
    about = {"shop": shop, "person": gone}.items()
    return [row | {"person": stays} if about <= row.items() else row for row in rows]


def merge_people(
    shop: str, gone: str, stays: str, here: Sequence[str], now: Millis, dialect: str
) -> list[Update | Insert | Delete]:
    """Whatever names the one who is gone names the other; their visitors, but for ``here``, are looked at soon."""
    rows: list[Update | Insert | Delete] = [
        update(table).where(table.c.shop == shop, table.c.person == gone).values(person=stays)
        for table in _NAMING_PEOPLE
    ]
    links = select(LINKS.c.shop, LINKS.c.visitor, literal(stays), literal(now))
    theirs = links.where(LINKS.c.shop == shop, LINKS.c.person == gone)
    rows.append(insert_ignoring(LINKS, dialect).from_select(["shop", "visitor", "person", "at"], theirs))
    others = and_(VISITORS.c.shop == shop, VISITORS.c.person == gone, VISITORS.c.id.not_in(here))
    fresh = {"person": stays, "due_at": now, "lease_until": None, "version": VISITORS.c.version + 1}
    rows.append(update(VISITORS).where(others).values(fresh))
    rows.append(delete(PEOPLE).where(PEOPLE.c.shop == shop, PEOPLE.c.id == gone))
    return rows
