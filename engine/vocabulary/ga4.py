"""Google Analytics 4 e-commerce: ``params``, ``ecommerce`` (the data layer) or flat, with ``items``.

https://developers.google.com/analytics/devguides/collection/ga4/reference/events
"""

from __future__ import annotations

from engine.vocabulary.entries import Entry, Vocabulary
from engine.vocabulary.values import JsonObject, amount, each, first, said, section, text, whole

_ONE_PRODUCT = "tells what changed, never the whole cart: an event of its own, and no cart is made up"
_OWN = "no canonical twin: kept under Segment's name for the same thing"

ENTRIES = (
    Entry("page_view", "page_viewed", ("page",)),
    Entry("search", "searched", ("search",), note="length of the words only"),
    Entry("view_search_results", "searched", ("search",), note="length of the words only"),
    Entry("view_item_list", "product_list_viewed", note=_OWN),
    Entry("select_item", "product_clicked", ("product",), note=_OWN),
    Entry("view_promotion", "promotion_viewed", note=_OWN),
    Entry("select_promotion", "promotion_clicked", note=_OWN),
    Entry("view_item", "product_viewed", ("product",), note="the first of `items`"),
    Entry("add_to_wishlist", "product_added_to_wishlist", ("product",), note=_OWN),
    Entry("add_to_cart", "product_added", ("product",), note=_ONE_PRODUCT),
    Entry("remove_from_cart", "product_removed", ("product",), note=_ONE_PRODUCT),
    Entry("view_cart", "cart_viewed", ("cart",), note="no `items` list: no cart; an empty list: emptied"),
    Entry("begin_checkout", "checkout_started", ("checkout",)),
    Entry(
        "add_shipping_info",
        "checkout_step_completed",
        ("checkout", "method"),
        step="shipping",
        note="`shipping_tier` is a name, not a price; add `shipping` and it becomes `shipping_shown`",
    ),
    Entry("add_payment_info", "checkout_step_completed", ("checkout",), step="payment"),
    Entry(
        "purchase",
        "order_placed",
        ("order",),
        note="`value` is taken as told; Google asks for it without shipping and tax",
    ),
    Entry("refund", "order_refunded", ("order",), note="money back is not goods back: not `order_returned`"),
)
_PAGE = {"url": "page_location", "title": "page_title", "referrer": "page_referrer"}


def body(raw: JsonObject) -> JsonObject:
    """The fields, wherever the shop's tag puts them."""
    inner = (section(raw.get(name)) for name in ("properties", "params", "ecommerce"))
    gathered = dict(raw)
    for fields in inner:
        gathered.update(fields)
    return gathered


def _goods(item: JsonObject) -> JsonObject:
    return {
        "name": text(item.get("item_name")),
        "variant": text(item.get("item_variant")),
        "brand": text(item.get("item_brand")),
        "category": text(item.get("item_category")),
        "price": amount(item.get("price")),
        "quantity": whole(item.get("quantity")),
    }


def _line(item: object) -> object:
    return said({"product_id": text(item.get("item_id")), **_goods(item)}) if isinstance(item, dict) else item


def _product(fields: JsonObject) -> JsonObject:
    items = each(fields.get("items")) or []
    item = items[0] if items else None
    if not isinstance(item, dict):
        return {"product": item}
    currency = text(first(item.get("currency"), fields.get("currency")))
    return {"product": said({"id": text(item.get("item_id")), **_goods(item), "currency": currency})}


def _cart(fields: JsonObject) -> JsonObject:
    items = each(fields.get("items"))
    if items is None:
        return {}
    cart = {
        "id": text(fields.get("cart_id")),
        "currency": text(fields.get("currency")),
        "total": amount(fields.get("value")),
        "coupon": text(fields.get("coupon")),
    }
    return {"cart": {**said(cart), "lines": [_line(item) for item in items]}}


def _checkout(fields: JsonObject) -> JsonObject:
    """Nobody pays for nothing: an empty list is a tag that did not know, not a cart that was emptied."""
    return _cart(fields) if fields.get("items") else {}


def _order(fields: JsonObject) -> JsonObject:
    order = {
        "id": text(fields.get("transaction_id")),
        "cart_id": text(fields.get("cart_id")),
        "currency": text(fields.get("currency")),
        "total": amount(fields.get("value")),
        "shipping": amount(fields.get("shipping")),
        "tax": amount(fields.get("tax")),
        "coupon": text(fields.get("coupon")),
        "email": text(fields.get("email")),
        "customer_id": text(fields.get("user_id")),
    }
    lines = [_line(item) for item in each(fields.get("items")) or []]
    return {"order": said(order) | ({"lines": lines} if lines else {})}


def _method(fields: JsonObject) -> JsonObject:
    return {"method": text(fields.get("shipping_tier"))}


def _search(fields: JsonObject) -> JsonObject:
    query = fields.get("search_term")
    return {"query_length": len(query)} if isinstance(query, str) else {}


def _page(fields: JsonObject) -> JsonObject:
    return {"page": said({name: text(fields.get(theirs)) for name, theirs in _PAGE.items()})}


GA4 = Vocabulary(
    title="Google Analytics 4 e-commerce",
    source="https://developers.google.com/analytics/devguides/collection/ga4/reference/events",
    entries=ENTRIES,
    body=body,
    parts={
        "product": _product, "cart": _cart, "checkout": _checkout, "order": _order, "method": _method,
        "search": _search, "page": _page,
    },
)  # fmt: skip
