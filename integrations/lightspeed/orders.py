"""Orders, and what becomes of them.

Lightspeed has an order before it is paid: it ends the recovery of its cart, and may wait for its payment itself. That
an order was placed is one fact, told with everything that is heard of it, so that a missed ``orders/created`` is made
good by the next delivery.
"""

from __future__ import annotations

from engine.integration import WireEvent, fact
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


def from_order(body: Json) -> list[WireEvent]:
    """``orders/*``: that it was placed, and all that has become of it; the topic itself is signed by nobody."""
    order = thing(body, "order", "id", "status", "paymentStatus", "shipmentStatus", "priceIncl")
    name, at = name_of(order), text(order, "updatedAt")
    refs = [*refs_of(linked(order, "quote"), inside(order, "quote")), f"lightspeed:order:{name}"]
    placed = fact(
        "order_placed",
        "lightspeed",
        name,
        at=text(order, "createdAt"),
        order=_order(order, name),
        refs=refs,
        name=person_in(order),
        language=language_of(order),
        country=country_of(order),
        consent=_consent(order),
    )
    short = without_nothing({"id": name, "paid": _is_paid(order)})
    since = [fact(kind, "lightspeed", name, at=at, order=short, refs=refs) for kind in _became(order)]
    return [placed, *since]


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
    later = order.get("paymentIsPost") is True or order.get("shipmentIsCashOnDelivery") is True
    return False if text(order, "status") == _WAITS and not later else None


def _order(order: Json, name: str) -> Json:
    said: Json = {
        "id": name,
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
