"""What is in stock."""

from __future__ import annotations

from engine.integration import WireEvent, fact
from integrations.woocommerce.body import (
    Json,
    amount,
    groups,
    moment,
    number,
    readable,
    require,
    text,
    whole,
    without_nothing,
)


def from_product(body: Json) -> list[WireEvent]:
    """``product.*``: how many there are. Nothing of what is hidden, or sold whatever its stock is, or not counted."""
    require(body, "id", "type", "status", "manage_stock", "stock_status")
    product_id, stock = number(body, "id"), _stock(body)
    if product_id is None or stock is None or text(body, "status") != "publish":
        return []
    parent, sku = number(body, "parent_id"), text(body, "sku")
    if text(body, "type") == "variation" and not sku:
        return []  # by its product alone a variation would be taken for its neighbours
    images, at = groups(body, "images"), moment(body, "date_modified")
    product: Json = {
        "id": parent or product_id if text(body, "type") == "variation" else product_id,
        "sku": sku,
        "name": readable(body, "name"),
        "category": next(filter(None, (readable(each, "name") for each in groups(body, "categories"))), None),
        "price": amount(body, "price"),
        "url": text(body, "permalink"),
        "image_url": next(filter(None, (text(image, "src") for image in images)), None),
        "stock": stock,
    }
    return [fact("stock_changed", "woocommerce", product_id, stock, at, at=at, product=without_nothing(product))]


def from_variation(body: Json, product: int) -> list[WireEvent]:
    """A variation as the list of its product's tells it, which leaves out what all in that list have in common."""
    image = body.get("image")
    whole = {"type": "variation", "parent_id": product, "images": [image] if isinstance(image, dict) else []}
    return from_product(body | whole)


def _stock(body: Json) -> int | None:
    """None: not counted, or taken although there is none. A variation may be counted with its product (``parent``)."""
    if text(body, "stock_status") == "outofstock":
        return 0
    if body.get("manage_stock") is not True or body.get("backorders_allowed") is True:
        return None
    left = whole(body, "stock_quantity")
    return None if left is None else max(0, left)
