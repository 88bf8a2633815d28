"""What is kept beside the visitor's state: the events themselves, carts with their lines, orders, reports."""

from __future__ import annotations

import msgspec

from engine.clock import Millis
from engine.decisions import Guard
from engine.events import Cart, Event, Order
from engine.messages import DeliveryState
from engine.store.books import Books
from engine.store.looks import SavedOrder
from engine.store.statements import Values
from engine.store.unit import LoadedVisitor
from engine.visitors import Closed, contents_in, contents_of, good_of

LONGEST_ADDRESS = 2_000
"""Of a longer one nothing is kept: half of it leads nowhere."""

_encode = msgspec.json.Encoder().encode

_REPORTS = {
    "message_shown": ("shown", DeliveryState.SHOWN, (DeliveryState.OFFERED,)),
    "message_accepted": ("accepted", DeliveryState.ACCEPTED, (DeliveryState.OFFERED, DeliveryState.SHOWN)),
    "message_dismissed": ("dismissed", DeliveryState.DISMISSED, (DeliveryState.OFFERED, DeliveryState.SHOWN)),
    "cart_restored": ("restored", None, ()),
    "email_opened": ("opened", None, ()),
    "email_clicked": ("clicked", None, ()),
    "survey_answered": ("answered", None, ()),
}


def event_row(shop: str, event: Event, body: str, received_at: Millis, fault: str | None) -> Values:
    """The event as a row; ``body`` is what came in, with the fields that nobody here knows."""
    return {
        "shop": shop,
        "visitor": event.visitor,
        "id": event.id,
        "type": event.type,
        "at": event.at,
        "received_at": received_at,
        "trusted": event.trusted,
        "body": body,
        "fault": fault,
    }


def keep(unit: Books, visitor: LoadedVisitor, event: Event) -> None:
    """Write down what the event brings beyond the visitor's own state."""
    if event.type == "order_placed" or _tells_order_anew(event):
        _keep_order(unit, visitor, event)
    elif event.cart is not None:
        _keep_cart(unit, visitor, event, event.cart)
    elif event.type == "shipping_shown" and visitor.state.basket is not None:
        _keep_cart(unit, visitor, event, None)
    keep_waiting(unit, visitor, event)
    if event.type == "consent_changed" and visitor.state.marketing is False:
        unit.change_audience(visitor, None, add=False)
    if event.type in _REPORTS and event.message:
        _keep_report(unit, visitor, event)


def keep_waiting(unit: Books, visitor: LoadedVisitor, event: Event) -> None:
    """Whoever sees something sold out is told when it is back; whoever saw it so before, what is true now."""
    product = event.product
    if product is None or event.type != "product_viewed":
        return
    good = good_of(visitor.state, product)
    if good is not None and (good.stock == 0 or good.back_at is not None):
        unit.note_waiting(visitor, product, event.at, in_stock=good.stock != 0)


def _keep_cart(unit: Books, visitor: LoadedVisitor, event: Event, cart: Cart | None) -> None:
    basket = visitor.state.basket
    if cart is not None and not cart.lines and cart.id is not None and visitor.state.emptied_at == event.at:
        unit.close_cart(visitor.key.shop, cart.id, "emptied")
    if cart is not None and not cart.lines and basket is None and visitor.state.emptied_at == event.at:
        unit.cancel_cart_mails(visitor.key.shop, visitor.key.id, Guard.CART_EMPTIED.value)
    if basket is None:
        return
    if cart is None or event.at != basket.told_at or contents_in(basket) != contents_of(cart):
        # An older story, or one that the visitor's state did not take: what it holds stays as it was told last.
        unit.touch_cart(visitor.key.shop, basket.id, basket.shipping_now)
        return
    unit.add(
        "carts",
        {
            "shop": visitor.key.shop,
            "id": basket.id,
            "visitor": visitor.key.id,
            "status": "open",
            "opened_at": basket.opened_at,
            "updated_at": event.at,
            "shipping_shown": basket.shipping_now,
            "body": _encode(msgspec.structs.replace(cart, id=basket.id)).decode(),
        },
    )


def close_carts(unit: Books, visitor: LoadedVisitor) -> None:
    """Carts that are over stand as open no longer; a mail's link still finds what was in them."""
    basket = visitor.state.basket
    for cart, became in visitor.state.over.items():
        if became == "merged" and basket is not None:
            unit.keep_cart_as(visitor.key.shop, cart, basket.id, basket.shipping_now)
        unit.close_cart(visitor.key.shop, cart, became)
    visitor.state.over = {}


def _tells_order_anew(event: Event) -> bool:
    """Whether the shop has changed what is in the order."""
    return event.type == "order_updated" and event.trusted and event.order is not None and bool(event.order.lines)


def _keep_order(unit: Books, visitor: LoadedVisitor, event: Event) -> None:
    order = event.order
    if order is None:
        return
    cart = _cart_of(order, event, visitor.state.closed)
    row: Values = {
        "shop": visitor.key.shop,
        "id": order.id,
        "visitor": visitor.key.id,
        "person": visitor.person,
        "cart": cart,
        "at": event.at,
        "total": order.total,
        "currency": order.currency,
        "body": _encode(SavedOrder(_without_person(order, event), event.refs)).decode(),
        "told_at": event.at if event.trusted else None,
    }
    if event.type == "order_placed":
        unit.add("orders", row)
    if event.trusted:
        # The page that thanks may have told it before, and knows less of it.
        unit.correct_order(row)
    if cart:
        unit.close_cart(visitor.key.shop, cart, "ordered")


def _cart_of(order: Order, event: Event, closed: Closed | None) -> str | None:
    """The ordered cart; what the platform calls the order stands in for its name where nobody has said that."""
    names = [order.cart_id or "", *(closed.names if closed is not None and closed.order == order.id else ())]
    told = [name for name in names if name and name not in event.refs]
    return next(iter([*told, *filter(None, names)]), None)


def _without_person(order: Order, event: Event) -> Order:
    """An address to pay at is believed of the shop alone: anybody could send a browser's events."""
    pay_url = order.pay_url if event.trusted and len(order.pay_url) <= LONGEST_ADDRESS else ""
    return msgspec.structs.replace(order, email=None, customer_id=None, pay_url=pay_url)


def _keep_report(unit: Books, visitor: LoadedVisitor, event: Event) -> None:
    kind, state, before = _REPORTS[event.type]
    shop, message = visitor.key.shop, event.message
    unit.add("outcomes", {"shop": shop, "delivery": message, "kind": kind, "at": event.at})
    if state is None:
        return
    # Only the visitor for whom a message was made can say what became of it.
    unit.report_delivery(shop, visitor.key.id, message or "", state, before)
