"""The lines of an order or a quote. An order's tell what things are called; a quote's only link to them."""

from __future__ import annotations

from integrations.lightspeed.body import Json, all_inside, amount, count, group, inside, linked, text, without_nothing


def lines(body: Json) -> list[Json]:
    """Its products, with the price of one, tax included; without those of which nothing is left."""
    return [_line(item) for item in all_inside(body, "products") if (_quantity(item) or 0) > 0]


def _quantity(item: Json) -> int | None:
    ordered = count(item, "quantityOrdered")
    return count(item, "quantity") if ordered is None else ordered


def _line(item: Json) -> Json:
    product, variant = inside(item, "product"), inside(item, "variant")
    said: Json = {
        "product_id": linked(item, "product"),
        "sku": code_of(item) or code_of(variant),
        "name": text(item, "productTitle") or text(product, "title"),
        "variant": text(item, "variantTitle") or text(variant, "title"),
        "brand": text(item, "brandTitle"),
        "quantity": _quantity(item),
        "price": amount(item, "priceIncl"),
        "image_url": _picture(variant) or _picture(product),
    }
    return without_nothing(said)


def _picture(thing: Json) -> str | None:
    return text(group(thing, "image"), "src")


def code_of(variant: Json) -> str | None:
    """By what a variant is known: its SKU, else its article code."""
    return text(variant, "sku") or text(variant, "articleCode")
