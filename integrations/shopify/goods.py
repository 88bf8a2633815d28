"""What is in stock.

A product's webhook tells the stock of its variants, summed over all locations. A level's webhook tells one location of
one inventory item, and nothing of the variant that it is: that is asked for, together with its levels everywhere. What
is asked for is true when it is answered, so webhooks that overtake each other do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Throttled
from engine.integration import Call, News, Page, WireEvent, fact
from integrations.shopify.api import Api, TooDear
from integrations.shopify.body import Json, amount, group, groups, number_of, require, text, whole

_LEVELS = 20
_FEW_LEVELS = 5
"""Of each of many; where there are more, Shopify's own sum is as good."""
TOGETHER = {"inventory": 50, "product": 6}
"""How many are asked for at once: about as much as one query may cost, a thousand points."""


def _variants(first: int, levels: int, after: str = "") -> str:
    return f"""variants(first: {first}{after}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{
  id title sku price inventoryPolicy inventoryQuantity
  product {{ id title vendor productType variantsCount {{ count }} }}
  inventoryItem {{ tracked inventoryLevels(first: {levels}) {{
    pageInfo {{ hasNextPage }} nodes {{ updatedAt quantities(names: ["available"]) {{ quantity }} }}
  }} }}
}} }}"""


_ONE = f"""query($id: ID!, $after: String) {{ found: node(id: $id) {{
  ... on InventoryItem {{ {_variants(10, _LEVELS, ", after: $after")} }}
  ... on Product {{ {_variants(10, _LEVELS, ", after: $after")} }}
}} }}"""
_MANY = f"""query($ids: [ID!]!) {{ found: nodes(ids: $ids) {{
  id
  ... on InventoryItem {{ {_variants(1, _FEW_LEVELS)} }}
  ... on Product {{ {_variants(10, _FEW_LEVELS)} }}
}} }}"""
LOOK_UPS = {"inventory": "InventoryItem", "product": "Product"}


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


def ask(api: Api, what: str, cursor: str, call: Call) -> Page:
    """A page of the variants of an inventory item or a product, as they are now. Raises as :meth:`Api.query`."""
    data, wait_ms = api.query(call, _ONE, {"id": _name_of(what), "after": cursor or None})
    return _page(group(data, "found"), wait_ms)


def ask_together(api: Api, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
    """The first page of each of them, in as few queries as they can be paid in. Raises as :meth:`Api.query`."""
    try:
        return _ask_at_once(api, whats, call)
    except TooDear:
        if len(whats) == 1:
            raise
    first, rest = whats[: len(whats) // 2], whats[len(whats) // 2 :]
    pages = ask_together(api, first, call)
    try:
        return {**pages, **ask_together(api, rest, call)}
    except Throttled as throttled:
        return {**pages, **dict.fromkeys(rest, Page(News(), "", throttled.wait_ms))}


def _ask_at_once(api: Api, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
    data, wait_ms = api.query(call, _MANY, {"ids": [_name_of(what) for what in whats]})
    require(data, "found")
    found = {text(node, "id"): node for node in groups(data, "found")}
    return {what: _page(found.get(_name_of(what), {}), wait_ms) for what in whats}


def _name_of(what: str) -> str:
    """``inventory:7`` as the API calls it."""
    kind, _, number = what.partition(":")
    return f"gid://shopify/{LOOK_UPS[kind]}/{number}"


def _page(found: Json, wait_ms: int) -> Page:
    """What is gone meanwhile says nothing."""
    page = group(found, "variants")
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
