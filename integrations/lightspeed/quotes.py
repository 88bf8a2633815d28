"""Quotes: what Lightspeed calls a cart.

Their products, and who it is, are links that a delivery need not hold. What is not in it is not told: a cart without
lines would be an emptied one.
"""

from __future__ import annotations

from decimal import Decimal

from engine.integration import WireEvent, fact
from integrations.lightspeed.body import (
    Json,
    all_inside,
    amount,
    count,
    language_of,
    linked,
    name_of,
    refs_of,
    text,
    thing,
    without_nothing,
)
from integrations.lightspeed.lines import lines

_NEVER = 1_000_000


def from_quote(body: Json) -> list[WireEvent]:
    """``quotes/*``: what is in it as far as that is told, what its shipping costs, and whose it is."""
    quote = thing(body, "quote", "id", "productsCount", "shipmentIsSet")
    name = name_of(quote)
    whose: Json = {"refs": refs_of(name, quote), "language": language_of(quote)}
    return [*_cart(quote, name, whose), *_shipping(quote, name, whose), *_customer(quote, name, whose)]


def _cart(quote: Json, name: str, whose: Json) -> list[WireEvent]:
    told, is_empty = lines(quote), count(quote, "productsCount") == 0
    if not told and not is_empty:
        return []
    coupon = text(quote, "discountCouponCode")
    free_from = _free_shipping_from(quote)
    said: Json = {
        "id": name,
        "discount": amount(quote, "discountIncl"),
        "coupon": coupon,
        "free_shipping_from": free_from,
    }
    cart = without_nothing(said) | {"lines": [] if is_empty else told}
    at = text(quote, "updatedAt")
    return [fact("cart_updated", "lightspeed", name, at, cart, at=at, cart=cart, **whose)]


def _free_shipping_from(quote: Json) -> Decimal | None:
    """From which value on the chosen way of shipping is free, else the first of those that cost something.

    What costs nothing already has no limit that anybody must reach; Lightspeed writes a million for never.
    """
    methods, chosen = all_inside(quote, "shippingmethods"), text(quote, "shipmentId")
    if quote.get("shipmentIsSet") is True and any(text(method, "id") == chosen for method in methods):
        methods = [method for method in methods if text(method, "id") == chosen]
    limits = [amount(method, "freeAbove") for method in methods if (amount(method, "priceIncl") or 0) > 0]
    return min((limit for limit in limits if limit is not None and 0 < limit < _NEVER), default=None)


def _shipping(quote: Json, name: str, whose: Json) -> list[WireEvent]:
    """What the chosen way of shipping costs, tax included."""
    price, at = amount(quote, "shipmentPriceIncl"), text(quote, "updatedAt")
    if quote.get("shipmentIsSet") is not True or price is None or count(quote, "productsCount") == 0:
        return []
    shipping = without_nothing({"price": price, "method": text(quote, "shipmentTitle")})
    return [fact("shipping_shown", "lightspeed", name, price, at, at=at, shipping=shipping, **whose)]


def _customer(quote: Json, name: str, whose: Json) -> list[WireEvent]:
    """The customer's number: by it ``customers/*`` and orders know an address."""
    customer, at = linked(quote, "customer"), text(quote, "updatedAt")
    if customer is None:
        return []
    return [fact("contact_given", "lightspeed", name, customer, at=at, customer_id=customer, **whose)]
