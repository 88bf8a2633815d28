"""Statements by which a unit changes what is stored already: carts, reports of messages, what somebody wants or not."""

from __future__ import annotations

from sqlalchemy import Delete, Insert, Update, and_, delete, exists, insert, literal, or_, select, update

from engine.clock import Millis
from engine.messages import DeliveryState
from engine.store import models

_TABLES = models.Base.metadata.tables
AUDIENCES, CARTS, DELIVERIES, SUPPRESSIONS = (
    _TABLES[name] for name in ("audiences", "carts", "deliveries", "suppressions")
)


def touch_cart(shop: str, cart: str, shipping_shown: int | None, now: Millis) -> Update:
    """The shipping cost that is known for a cart now."""
    values = {"shipping_shown": shipping_shown, "updated_at": now}
    return update(CARTS).where(CARTS.c.shop == shop, CARTS.c.id == cart).values(values)


def close_cart(shop: str, cart: str, status: str, now: Millis) -> Update:
    return update(CARTS).where(CARTS.c.shop == shop, CARTS.c.id == cart).values(status=status, updated_at=now)


def keep_cart_as(shop: str, cart: str, name: str, shipping_shown: int | None, now: Millis) -> Insert:
    """What is kept of a cart is kept under its new name too, unless that has a row of its own."""
    told = {"id": name, "status": "open", "shipping_shown": shipping_shown, "updated_at": now}
    columns = [literal(told[each.name], each.type).label(each.name) if each.name in told else each for each in CARTS.c]
    there = exists().where(CARTS.c.shop == shop, CARTS.c.id == name).correlate(None)
    kept = select(*columns).where(CARTS.c.shop == shop, CARTS.c.id == cart, ~there)
    return insert(CARTS).from_select([each.name for each in CARTS.c], kept)


def report_delivery(
    shop: str, visitor: str, delivery: str, state: DeliveryState, before: tuple[DeliveryState, ...], now: Millis
) -> Update:
    """Moves a visitor's own delivery on from one of the states ``before``."""
    columns = DELIVERIES.c
    own = and_(columns.id == delivery, columns.shop == shop, columns.visitor == visitor)
    earlier = columns.state.in_([item.value for item in before])
    return update(DELIVERIES).where(own, earlier).values(state=state.value, updated_at=now)


def lift_suppression(shop: str, address: str) -> Delete:
    """They want mail again; an address that bounced stays as it is."""
    columns = SUPPRESSIONS.c
    own = and_(columns.shop == shop, columns.address == address, columns.reason == "unsubscribed")
    return delete(SUPPRESSIONS).where(own)


def leave_audiences(shop: str, visitor: str, person: str | None, name: str | None) -> Delete:
    """Takes the visitor off the list of that name; None is every list they are on."""
    columns = AUDIENCES.c
    if name is not None:
        return delete(AUDIENCES).where(columns.shop == shop, columns.visitor == visitor, columns.name == name)
    # A no to all of it holds on every device of the person.
    mine = or_(columns.visitor == visitor, columns.person == (person or ""))
    return delete(AUDIENCES).where(columns.shop == shop, mine)
