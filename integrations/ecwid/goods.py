"""What is in stock."""

from __future__ import annotations

from engine.integration import Json, WireEvent, amount, fact, groups, require, text, whole, without_nothing
from integrations.ecwid.body import chosen, moment


def from_product(body: Json) -> list[WireEvent]:
    """The stock of each variation, or of the product where it has none."""
    require(body, "id", "name", "enabled")
    variations = groups(body, "combinations")
    # By its product alone a variation would be taken for its neighbours.
    told = [each for each in variations if text(each, "sku")] if variations else [body]
    return [event for each in told for event in _stock(body, each)]


def _stock(body: Json, sold: Json) -> list[WireEvent]:
    stock = 0 if body.get("enabled") is False else _left(sold)
    if stock is None:
        return []
    price = amount(sold, "defaultDisplayedPrice")
    product: Json = {
        "id": text(body, "id"),
        "sku": text(sold, "sku"),
        "name": text(body, "name"),
        "variant": chosen(sold, "options") if sold is not body else None,
        "brand": text(body, "brand"),
        "price": amount(sold, "price") if price is None else price,
        "url": text(body, "url"),
        "image_url": text(sold, "imageUrl") or text(body, "imageUrl"),
        "stock": stock,
    }
    at, said = moment(body, "update"), without_nothing(product)
    return [fact("stock_changed", "ecwid", text(body, "id"), text(sold, "sku"), stock, at, at=at, product=said)]


def _left(sold: Json) -> int | None:
    """How many there are; None for what is sold without being counted."""
    if sold.get("inStock") is False:
        return 0
    quantity = whole(sold, "quantity")
    return None if quantity is None or sold.get("unlimited") is True else max(0, quantity)
