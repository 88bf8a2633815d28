"""Orders, and what becomes of them.

Lightspeed has an order before it is paid: it ends the recovery of its cart, and may wait for its payment itself. That
an order was placed is one fact, told with everything that is heard of it, so that a missed ``orders/created`` is made
good by the next delivery.
"""

from __future__ import annotations

from engine.integration import OrderNow, WireEvent, fact
from integrations.lightspeed.body import (
    Json,
    amount,
    country_of,
    inside,
    language_of,
    linked,
    name_of,
    person_in,
    refs_of,
    text,
    thing,
    without_nothing,
)
from integrations.lightspeed.lines import lines

_WAITS = "processing_awaiting_payment"
_LATER = ("paymentIsPost", "paymentIsInvoiceExternal", "shipmentIsCashOnDelivery")
"""By which an order is not expected to be paid before it comes."""


_STOPS = ("order_paid", "order_cancelled")
"""What has become of an order and leads to no message."""


_HINTED = ("email", "customer_id", "paid")
"""Whose an order is, and whether it waits for its payment, leads to messages."""


def from_order(body: Json) -> list[WireEvent]:
    """``orders/*``: that it was placed, and all that has become of it; the topic itself is signed by nobody."""
    order = _order_in(body)
    placed = _placed(order, _details(order), **_whose(order))
    return [placed, *_since(order, *_became(order))]


def from_announced_order(body: Json) -> list[WireEvent]:
    """The same, of a delivery on whose word nobody is mailed: only what ends a recovery and stops messages."""
    order = _order_in(body)
    details = {name: value for name, value in _details(order).items() if name not in _HINTED}
    paid: Json = {"paid": True} if _is_paid(order) else {}
    return [_placed(order, details | paid), *_since(order, *(kind for kind in _became(order) if kind in _STOPS))]


def from_reread_order(body: Json) -> list[WireEvent]:
    """All of it, and once more by itself what an announced order had left out: whose it is, and that it waits."""
    order = _order_in(body)
    name, number, email = name_of(order), linked(order, "customer"), text(order, "email")
    who: Json = {"email": email, "customer_id": number, "refs": _refs(order)} | _whose(order)
    contact = fact("contact_given", "lightspeed", "order", name, email, at=text(order, "createdAt"), **who)
    waits = _since(order, "order_updated") if _is_paid(order) is False else []
    return [*from_order(body), *([contact] if email else []), *waits]


def order_now(order: Json) -> OrderNow:
    """Whether it waits for its payment still."""
    if text(order, "status") == "cancelled":
        return OrderNow.CANCELLED
    return OrderNow.UNPAID if _is_paid(order) is False else OrderNow.PAID


def _order_in(body: Json) -> Json:
    return thing(body, "order", "id", "status", "paymentStatus", "shipmentStatus", "priceIncl")


def _refs(order: Json) -> list[str]:
    return [*refs_of(linked(order, "quote"), inside(order, "quote")), f"lightspeed:order:{name_of(order)}"]


def _placed(order: Json, details: Json, **whose: object) -> WireEvent:
    at, name = text(order, "createdAt"), name_of(order)
    return fact("order_placed", "lightspeed", name, at=at, order=details, refs=_refs(order), **whose)


def _since(order: Json, *kinds: str) -> list[WireEvent]:
    name, at = name_of(order), text(order, "updatedAt")
    short = without_nothing({"id": name, "paid": _is_paid(order)})
    return [fact(kind, "lightspeed", name, at=at, order=short, refs=_refs(order)) for kind in kinds]


def _whose(order: Json) -> Json:
    return {
        "name": person_in(order),
        "language": language_of(order),
        "country": country_of(order),
        "consent": _consent(order),
    }


def _became(order: Json) -> list[str]:
    status = text(order, "status")
    became = {
        "order_paid": text(order, "paymentStatus") == "paid",
        "order_shipped": text(order, "shipmentStatus") == "shipped" or status == "completed_shipped",
        "order_delivered": status == "completed_picked_up",
        "order_cancelled": status == "cancelled",
    }
    return [kind for kind, is_so in became.items() if is_so]


def _is_paid(order: Json) -> bool | None:
    """False only while the shopper is expected to pay: not on delivery, not by an invoice later. None: not told."""
    if text(order, "paymentStatus") == "paid":
        return True
    later = any(order.get(name) is True for name in _LATER)
    return False if text(order, "status") == _WAITS and not later else None


def _details(order: Json) -> Json:
    said: Json = {
        "id": name_of(order),
        "cart_id": linked(order, "quote"),
        "total": amount(order, "priceIncl"),
        "shipping": amount(order, "shipmentPriceIncl"),
        "coupon": text(order, "discountCouponCode"),
        "paid": _is_paid(order),
        "email": text(order, "email"),
        "customer_id": linked(order, "customer"),
        "lines": lines(order),
    }
    return without_nothing(said)


def _consent(order: Json) -> Json | None:
    """A ticked box is consent; an empty one says nothing about an earlier yes."""
    ticked = order.get("newsletterSubscribed") is True
    return {"email": True, "source": "Lightspeed checkout"} if ticked else None
