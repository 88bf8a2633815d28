"""Orders, and what becomes of them.

That an order was placed is one fact, told with everything that is heard of it, and ends every recovery, paid or not.
One that is ``INCOMPLETE`` was never placed: it is what Ecwid calls an unfinished order, and comes as a cart.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.integration import Json, OrderNow, WireEvent, amount, fact, require, text, without_nothing
from integrations.ecwid.body import (
    consent_in,
    country_of,
    coupon,
    discount,
    lines,
    moment,
    person_in,
    shipping,
    visitor,
)

_UNPAID = frozenset(["AWAITING_PAYMENT"])
_ON_ITS_WAY = frozenset(["SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED", "RETURNED", "READY_FOR_PICKUP"])
"""What is sent, or lies ready, before it is paid is paid at the door or by an invoice."""
_CALLED_OFF = frozenset(["CANCELLED", "REFUNDED", "INCOMPLETE"])
_PAID = frozenset(["PAID", "PARTIALLY_REFUNDED", "REFUNDED"])
_PAYMENT = {"CANCELLED": "order_cancelled", "PARTIALLY_REFUNDED": "order_refunded", "REFUNDED": "order_refunded"}
_FULFILMENT = {
    "SHIPPED": ("order_shipped",),
    "OUT_FOR_DELIVERY": ("order_shipped",),
    "DELIVERED": ("order_shipped", "order_delivered"),
    "RETURNED": ("order_returned",),
}


def from_order(body: Json, cart: str | None = None, later: Collection[str] = ()) -> list[WireEvent]:
    """That it was placed, and all that has become of it; ``cart`` is the cart that is known to have become it.

    ``later`` are the ways to pay, in small letters, that are paid on delivery or afterwards.
    """
    require(body, "id", "items", "paymentStatus", "fulfillmentStatus")
    payment, name, at = text(body, "paymentStatus") or "", text(body, "id"), moment(body, "update")
    if payment == "INCOMPLETE":
        return []
    cart = cart or text(body, "cartId")
    whose: Json = {"visitor": visitor(body), "refs": _refs(body, cart)}
    placed = fact(
        "order_placed",
        "ecwid",
        name,
        *([cart] if cart else []),
        at=moment(body, "create"),
        order=_order(body, name, cart, _is_paid(body, later)),
        language=text(body, "lang"),
        country=country_of(body),
        name=person_in(body),
        consent=consent_in(body),
        **whose,
    )
    short = without_nothing({"id": name, "paid": _is_paid(body, later)})
    became = ["order_paid"] if payment == "PAID" else [_PAYMENT[payment]] if payment in _PAYMENT else []
    became += _FULFILMENT.get(text(body, "fulfillmentStatus") or "", ())
    return [placed, *(fact(kind, "ecwid", name, at=at, order=short, **whose) for kind in became)]


def _refs(body: Json, cart: str | None) -> list[str]:
    told = (("cart", cart), ("order", text(body, "id")), ("order_number", text(body, "internalId")))
    return [f"ecwid:{kind}:{name}" for kind, name in told if name]


def order_now(body: Json, later: Collection[str] = ()) -> OrderNow:
    """Whether it waits for its payment still."""
    require(body, "id", "paymentStatus")
    if text(body, "paymentStatus") in _CALLED_OFF:
        return OrderNow.CANCELLED
    return OrderNow.UNPAID if _is_paid(body, later) is False else OrderNow.PAID


def _is_paid(body: Json, later: Collection[str]) -> bool | None:
    """False only while the shopper is expected to pay. None for what the shop has made up itself, and for a cancelled
    order: that says nothing about a payment."""
    status = text(body, "paymentStatus")
    if status in _PAID:
        return True
    is_later = text(body, "fulfillmentStatus") in _ON_ITS_WAY or (text(body, "paymentMethod") or "").casefold() in later
    return False if status in _UNPAID and not is_later else None


def _order(body: Json, name: str | None, cart: str | None, paid: bool | None) -> Json:
    said: Json = {
        "id": name,
        "cart_id": cart,
        "total": amount(body, "total"),
        "shipping": shipping(body),
        "tax": amount(body, "tax"),
        "discount": discount(body),
        "coupon": coupon(body),
        "paid": paid,
        "email": text(body, "email"),
        "customer_id": text(body, "customerId"),
        "lines": lines(body),
    }
    return without_nothing(said)
