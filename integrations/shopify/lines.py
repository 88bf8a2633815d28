"""Cart lines, and what the whole comes to."""

from __future__ import annotations

from decimal import Decimal

from integrations.shopify.body import Json, amount, group, shown, text, whole


def lines(items: list[Json]) -> list[Json]:
    """The lines of a cart, a checkout or an order; without those of which nothing is left."""
    return [_line(item) for item in items if (whole(item, "quantity") or 0) > 0]


def _line(item: Json) -> Json:
    price, _ = shown(item, "discounted_price" if "discounted_price" in item else "price")
    said = {
        "id": text(item, "variant_id"),
        "product_id": text(item, "product_id"),
        "sku": text(item, "sku"),
        "name": text(item, "presentment_title") or text(item, "title"),
        "variant": text(item, "presentment_variant_title") or text(item, "variant_title"),
        "brand": text(item, "vendor"),
        "quantity": whole(item, "quantity"),
        "price": price,
    }
    return {name: value for name, value in said.items() if value is not None}


def currency_of(items: list[Json]) -> str | None:
    """The currency in which the shopper sees these lines, where they tell."""
    return next((currency for item in items if (currency := shown(item, "price")[1])), None)


def sum_of(items: list[Json]) -> Decimal | None:
    """What the lines come to, after their discounts; None where one of them does not say."""
    prices = [shown(item, "line_price")[0] for item in items]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal()) if len(known) == len(prices) else None


def taxes(body: Json) -> Decimal:
    """The sum of its tax lines."""
    told = body.get("tax_lines")
    found = [amount(line, "price") for line in told if isinstance(line, dict)] if isinstance(told, list) else []
    return sum((tax for tax in found if tax is not None), Decimal())


def coupon_of(body: Json) -> str | None:
    codes = body.get("discount_codes")
    first = next((code for code in codes if isinstance(code, dict)), {}) if isinstance(codes, list) else {}
    return text(first, "code")


def country_of(body: Json) -> str | None:
    """Where it goes, else where the bill goes."""
    return text(group(body, "shipping_address"), "country_code") or text(group(body, "billing_address"), "country_code")
