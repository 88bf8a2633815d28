"""Carts and checkouts.

A checkout is told again at every step. What it says becomes events about facts: that it began, what is in it, who it
is, what shipping costs. Each fact has one id however often it is told, so that a repeat and a back-fill change nothing.

Amounts are those that the shopper saw: a checkout's prices are in ``presentment_currency`` (its shipping lines have the
shop's own beside them, as ``original_shop_price``). ``abandoned_checkout_url`` opens somebody's checkout: never kept.
"""

from __future__ import annotations

from decimal import Decimal

from engine.errors import Unreadable
from engine.integration import WireEvent, fact
from integrations.shopify.body import (
    Json,
    amount,
    group,
    groups,
    ref,
    require,
    text,
    visitor,
    without_query,
    words,
)
from integrations.shopify.lines import country_of, coupon_of, currency_of, lines, sum_of, taxes


def from_cart(body: Json) -> list[WireEvent]:
    """``carts/*``: what is in the cart of a theme; nobody's name, no currency but that of its lines."""
    require(body, "token", "line_items")
    if "abandoned_checkout_url" in body or "financial_status" in body:
        raise Unreadable("it is no cart")
    token, at = without_query(text(body, "token")), text(body, "updated_at")
    items = groups(body, "line_items")
    cart = _cart(token, items, currency_of(items), sum_of(items), {})
    return [fact("cart_updated", "shopify", token, at, cart, at=at, refs=ref("cart", token), cart=cart)]


def from_checkout(body: Json) -> list[WireEvent]:
    """``checkouts/create`` and ``checkouts/update``; nothing of one that became an order: the order tells itself."""
    require(body, "token", "line_items", "abandoned_checkout_url")
    if body.get("completed_at"):
        return []
    key, at = _key(body), text(body, "updated_at")
    whose: Json = {"visitor": visitor(body), "refs": _refs(body), "language": text(body, "customer_locale")}
    cart = _checkout_cart(body)
    began = fact("checkout_started", "shopify", key, at=text(body, "created_at"), cart=cart, **whose)
    told = fact("cart_updated", "shopify", key, at, cart, at=at, cart=cart, **whose)
    return [began, told, *_shipping(body, whose), *_contact(body, whose)]


def from_deleted_checkout(body: Json) -> list[WireEvent]:
    """``checkouts/delete``: kept, and changes nothing; it names a cart and holds no lines."""
    require(body, "cart_token", "total_price")
    cart = without_query(text(body, "cart_token"))
    return [fact("checkout_deleted", "shopify", text(body, "id"), cart, refs=ref("cart", cart))] if cart else []


def _key(body: Json) -> str | None:
    """By what webhooks and the API know the same checkout: its name, such as ``#35481578373269``."""
    return text(body, "name") or text(body, "token")


def _refs(body: Json) -> list[str]:
    tokens = ref("checkout", text(body, "token")) + ref("cart", without_query(text(body, "cart_token")))
    return tokens + ref("checkout_name", (text(body, "name") or "").lstrip("#") or None)


def _currency(body: Json) -> str | None:
    return text(body, "presentment_currency") or text(body, "currency")


def _checkout_cart(body: Json) -> Json:
    name = without_query(text(body, "cart_token")) or text(body, "token") or text(body, "name")
    more: Json = {
        "discount": amount(body, "total_discounts"),
        "tax": amount(body, "total_tax"),
        "coupon": coupon_of(body),
    }
    return _cart(name, groups(body, "line_items"), _currency(body), amount(body, "subtotal_price"), more)


def _cart(name: str | None, items: list[Json], currency: str | None, total: Decimal | None, more: Json) -> Json:
    said = {"id": name, "currency": currency, "total": total if items else None, "lines": lines(items)} | more
    return {name: value for name, value in said.items() if value is not None}


def _shipping(body: Json, whose: Json) -> list[WireEvent]:
    """What shipping costs, gross, of all its lines: goods of two kinds may travel apart."""
    chosen = groups(body, "shipping_lines")
    if not chosen:
        return []
    included = body.get("taxes_included") is True
    price = sum((_gross(line, included=included) for line in chosen), Decimal())
    titles = filter(None, (text(line, "presentment_title") or text(line, "title") for line in chosen))
    shipping = {"price": price, "currency": _currency(body), "method": " + ".join(titles)}
    said = {name: value for name, value in shipping.items() if value is not None}
    at = text(body, "updated_at")
    return [fact("shipping_shown", "shopify", _key(body), price, at, at=at, shipping=said, **whose)]


def _gross(line: Json, *, included: bool) -> Decimal:
    discounts = [amount(discount, "amount") for discount in groups(line, "applied_discounts")]
    net = (amount(line, "price") or Decimal()) - sum((each for each in discounts if each is not None), Decimal())
    return max(Decimal(), net) + (Decimal() if included else taxes(line))


def _contact(body: Json, whose: Json) -> list[WireEvent]:
    """Who it is, once they have said so. A ticked box is consent; an empty one says nothing about an earlier yes."""
    email = text(body, "email")
    if email is None:
        return []
    customer, address = group(body, "customer"), group(body, "shipping_address")
    ticked = [name for name, box in _BOXES.items() if body.get(box) is True]
    consent = dict.fromkeys(ticked, True) | {"source": "Shopify checkout"} if ticked else None
    name = words(customer, "first_name", "last_name") or words(address, "first_name", "last_name")
    said = fact(
        "contact_given",
        "shopify",
        _key(body),
        email,
        ticked,
        at=text(body, "updated_at"),
        email=email,
        customer_id=text(customer, "id"),
        name=name,
        country=country_of(body),
        consent=consent,
        **whose,
    )
    return [said]


_BOXES = {"email": "buyer_accepts_marketing", "sms": "buyer_accepts_sms_marketing"}
