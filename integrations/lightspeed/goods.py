"""What is in stock."""

from __future__ import annotations

from engine.integration import WireEvent, fact
from integrations.lightspeed.body import Json, amount, count, group, linked, name_of, text, thing, without_nothing
from integrations.lightspeed.lines import code_of


def from_variant(body: Json) -> list[WireEvent]:
    """``variants/*``: its stock. Of one that is sold whatever its stock is (``indicator``, ``disabled``) nothing is
    said; nor of one without a code, which by its product alone would be taken for its neighbours.
    """
    variant = thing(body, "variant", "id", "stockTracking", "stockLevel")
    name, at = name_of(variant), text(variant, "updatedAt")
    stock, code = count(variant, "stockLevel"), code_of(variant)
    if text(variant, "stockTracking") != "enabled" or stock is None or code is None:
        return []
    product: Json = {
        "id": linked(variant, "product"),
        "sku": code,
        "variant": text(variant, "title"),
        "price": amount(variant, "priceIncl"),
        "stock": max(0, stock),
        "image_url": text(group(variant, "image"), "src"),
    }
    return [fact("stock_changed", "lightspeed", name, stock, at, at=at, product=without_nothing(product))]
