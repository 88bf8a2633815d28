"""The cart of a Shopify theme, as ``/cart.js`` and Liquid's ``cart | json`` have it; told raw, in ``data.cartJs``.

Amounts are whole numbers of hundredths, also in a currency that has none: 1000 yen are 100000. Shopify's page about
Liquid says so; elsewhere it says "the smallest unit", which for yen would be 1000. A line mostly carries the same price
once more in major units, ``presentment_price``: where it does, it decides, for each currency and every shop.
``line_level_total_discount`` is reported in yet another unit and never read.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.vocabulary.values import JsonObject, dig, each, said, section, text, whole

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?\Z")
_USUAL = 100
_UNITS = (1, 10, 100, 1000)
_LONGEST = 150
"""A token has some thirty to sixty letters; what is longer is none."""


def is_told(raw: JsonObject) -> bool:
    """Whether the event tells a theme's cart."""
    return raw.get("cart") is None and isinstance(dig(raw, "data", "cartJs"), dict)


def cart_js(data: JsonObject) -> JsonObject:
    """The cart in major units, and the name under which Shopify's webhooks know it."""
    cart = section(data.get("cartJs"))
    items = each(cart.get("items"))
    if items is None:
        return {}
    unit = _unit(items)
    name = without_key(text(cart.get("token")))
    told: JsonObject = {
        "id": name,
        "currency": text(cart.get("currency")),
        "total": _major(cart.get("total_price"), unit),
        "subtotal": _major(cart.get("items_subtotal_price"), unit),
        "discount": _major(cart.get("total_discount"), unit),
        "coupon": text(cart.get("coupon")),
    }
    return {"cart": {**said(told), "lines": [_line(item, unit) for item in items]}, **refs("cart", name)}


def refs(kind: str, name: str | None) -> JsonObject:
    """The platform's name for the cart or the checkout, by which its webhooks find this visitor."""
    return {"refs": [f"shopify:{kind}:{name}"]} if name and len(name) <= _LONGEST else {}


def without_key(token: str | None) -> str | None:
    """Pages say ``token?key=…``, webhooks the token alone."""
    return token.partition("?")[0] or None if token else None


def _unit(items: list[object]) -> int:
    """How many of the cart's units make one of the currency."""
    for item in items:
        price, major = _number(dig(item, "price")), _number(dig(item, "presentment_price"))
        if price and major:
            told = next((unit for unit in _UNITS if major * unit == price), None)
            if told is not None:
                return told
    return _USUAL


def _number(value: object) -> Decimal | None:
    """Also of a decimal text: that is how fractions are kept with an event."""
    if isinstance(value, str) and not _DECIMAL.match(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def _major(value: object, unit: int) -> Decimal | None:
    number = _number(value)
    return None if number is None or abs(number.adjusted()) > 15 else number / unit


def _line(item: object, unit: int) -> object:
    if not isinstance(item, dict):
        return item
    title = text(item.get("variant_title"))
    price = item.get("final_price")
    told: JsonObject = {
        "id": text(item.get("variant_id")),
        "product_id": text(item.get("product_id")),
        "sku": text(item.get("sku")),
        "name": text(item.get("product_title")),
        "variant": None if title == "Default Title" else title,
        "brand": text(item.get("vendor")),
        "category": text(item.get("product_type")),
        "quantity": whole(item.get("quantity")),
        "price": _major(price if price is not None else item.get("price"), unit),
        "url": text(item.get("url")),
        "image_url": text(item.get("image")),
    }
    return said(told)
