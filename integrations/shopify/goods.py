"""What is in stock.

A product's webhook tells the stock of its variants, summed over all locations. A level's webhook tells one location of
one inventory item, and nothing of the variant that it is: that is asked for, together with its levels everywhere. What
is asked for is true when it is answered, so webhooks that overtake each other do no harm.
"""

from __future__ import annotations

from engine.integration import Call, News, Page, WireEvent, fact
from integrations.shopify.api import Api
from integrations.shopify.body import Json, amount, group, groups, number_of, require, text, whole

_VARIANT = """id title sku price inventoryPolicy inventoryQuantity
  product { id title vendor productType variantsCount { count } }
  inventoryItem { tracked inventoryLevels(first: 20) {
    pageInfo { hasNextPage } nodes { updatedAt quantities(names: ["available"]) { quantity } }
  } }"""
_ITEM = f"""query($id: ID!, $after: String) {{ found: inventoryItem(id: $id) {{
  variants(first: 10, after: $after) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_VARIANT} }} }}
}} }}"""
_PRODUCT = f"""query($id: ID!, $after: String) {{ found: product(id: $id) {{
  variants(first: 10, after: $after) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_VARIANT} }} }}
}} }}"""
LOOK_UPS = {"inventory": ("InventoryItem", _ITEM), "product": ("Product", _PRODUCT)}


def from_product(body: Json) -> News:
    """``products/update``: the stock of each variant; of one that is sold without stock nothing is said.

    A product with more than a hundred variants tells the first hundred in full, and of the others that they are there.
    """
    require(body, "id", "title", "variants")
    told = groups(body, "variants")
    sold_from_stock = [variant for variant in told if text(variant, "inventory_policy") != "continue"]
    events = tuple(event for variant in sold_from_stock for event in _stock(body, variant, only=len(told) == 1))
    product, more = text(body, "id"), len(groups(body, "variant_gids")) > len(told)
    return News(events, look_ups=(f"product:{product}",) if more and product else ())


def from_level(body: Json) -> News:
    """``inventory_levels/update``: something changed at one location."""
    require(body, "inventory_item_id", "location_id", "available")
    item = text(body, "inventory_item_id")
    return News(look_ups=(f"inventory:{item}",) if item else ())


def ask(api: Api, kind: str, number: str, cursor: str, call: Call) -> Page:
    """A page of the variants of an inventory item or a product, as they are now. Raises as :meth:`Api.query`."""
    name, query = LOOK_UPS[kind]
    data, wait_ms = api.query(call, query, {"id": f"gid://shopify/{name}/{number}", "after": cursor or None})
    page = group(group(data, "found"), "variants")
    info = group(page, "pageInfo")
    events = tuple(event for node in groups(page, "nodes") for event in _from_variant(node))
    further = text(info, "endCursor") if info.get("hasNextPage") is True else None
    return Page(News(events), further or "", wait_ms if further else None)


def _from_variant(node: Json) -> list[WireEvent]:
    """A variant as the API tells it, read as if a product's webhook had told it."""
    product, item = group(node, "product"), group(node, "inventoryItem")
    levels = group(item, "inventoryLevels")
    if text(node, "inventoryPolicy") == "CONTINUE" or item.get("tracked") is not True:
        return []
    body: Json = {
        "id": number_of(product),
        "title": product.get("title"),
        "vendor": product.get("vendor"),
        "product_type": product.get("productType"),
        "updated_at": max((text(level, "updatedAt") or "" for level in groups(levels, "nodes")), default=None),
    }
    variant = {name: node.get(name) for name in ("title", "sku", "price")}
    own: Json = {"id": number_of(node), "inventory_quantity": _available(levels, node)}
    return _stock(body, variant | own, only=whole(group(product, "variantsCount"), "count") == 1)


def _available(levels: Json, variant: Json) -> int | None:
    """The sum over all locations; Shopify's own where there are more than were asked for, or one does not say."""
    told = [
        whole(quantity, "quantity") for level in groups(levels, "nodes") for quantity in groups(level, "quantities")
    ]
    known = [quantity for quantity in told if quantity is not None]
    complete = (
        told and len(known) == len(groups(levels, "nodes")) and group(levels, "pageInfo").get("hasNextPage") is False
    )
    return sum(known) if complete else whole(variant, "inventoryQuantity")


def _stock(body: Json, variant: Json, *, only: bool) -> list[WireEvent]:
    stock, sku = whole(variant, "inventory_quantity"), text(variant, "sku")
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
