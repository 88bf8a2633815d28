"""What is in stock."""

from __future__ import annotations

from engine.integration import WireEvent, fact
from integrations.shopify.body import Json, amount, groups, require, text, whole


def from_product(body: Json) -> list[WireEvent]:
    """``products/update``: the stock of each variant; of one that is sold without stock nothing is said.

    A product with more than a hundred variants tells the first hundred in full.
    """
    require(body, "id", "title", "variants")
    variants = [variant for variant in groups(body, "variants") if text(variant, "inventory_policy") != "continue"]
    return [event for variant in variants for event in _stock(body, variant)]


def _stock(body: Json, variant: Json) -> list[WireEvent]:
    stock, sku = whole(variant, "inventory_quantity"), text(variant, "sku")
    only = len(groups(body, "variants")) == 1
    if stock is None or not (sku or only):
        return []  # by its product alone a variant would be taken for its neighbours
    product = {
        "id": text(body, "id"),
        "sku": sku,
        "name": text(body, "title"),
        "variant": text(variant, "title"),
        "brand": text(body, "vendor"),
        "category": text(body, "product_type"),
        "price": amount(variant, "price"),
        "stock": max(0, stock),
    }
    said = {name: value for name, value in product.items() if value is not None}
    at = text(body, "updated_at")
    return [fact("stock_changed", "shopify", text(variant, "id"), stock, at, at=at, product=said)]
