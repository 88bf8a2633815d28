"""Segment's e-commerce spec v2: ``properties`` of ``track`` calls, and its ``page`` and ``identify`` calls.

https://segment.com/docs/connections/spec/ecommerce/v2/
"""

from __future__ import annotations

from engine.vocabulary.entries import Entry, Vocabulary
from engine.vocabulary.values import JsonObject, amount, dig, each, first, said, section, text, whole

_ONE_PRODUCT = "tells one product, never the whole cart: an event of its own, and no cart is made up"
_OWN = "no canonical twin: kept under its own name"

ENTRIES = (
    Entry("Products Searched", "searched", ("search",), note="length of the words only"),
    Entry("Product List Viewed", "product_list_viewed", note=_OWN),
    Entry("Product List Filtered", "product_list_filtered", note=_OWN),
    Entry("Promotion Viewed", "promotion_viewed", note=_OWN),
    Entry("Promotion Clicked", "promotion_clicked", note=_OWN),
    Entry("Product Clicked", "product_clicked", ("product",), note=_OWN),
    Entry("Product Viewed", "product_viewed", ("product",)),
    Entry("Product Added", "product_added", ("product",), note=_ONE_PRODUCT),
    Entry("Product Removed", "product_removed", ("product",), note=_ONE_PRODUCT),
    Entry("Cart Viewed", "cart_viewed", ("cart",), note="no `products` list: no cart; an empty list: emptied"),
    Entry(
        "Checkout Started",
        "checkout_started",
        ("checkout",),
        note="`shipping` is known before a method is chosen: `cart.shipping_estimate`; `order_id` is not a cart's id",
    ),
    Entry("Checkout Step Viewed", "checkout_step_viewed", ("step",), note="seen is not completed: an event of its own"),
    Entry(
        "Checkout Step Completed",
        "checkout_step_completed",
        ("step",),
        note="`payment_method` makes it the payment step, else `shipping_method` the shipping step, else `step`",
    ),
    Entry("Payment Info Entered", "checkout_step_completed", (), step="payment"),
    Entry("Order Updated", "order_updated", ("order",), note=_OWN),
    Entry("Order Completed", "order_placed", ("order",), note="`checkout_id` is not a cart's id"),
    Entry("Order Refunded", "order_refunded", ("order",), note="money back is not goods back: not `order_returned`"),
    Entry("Order Cancelled", "order_cancelled", ("order",)),
    Entry("Coupon Entered", "coupon_entered", note="typed, not yet judged"),
    Entry("Coupon Applied", "coupon_applied"),
    Entry("Coupon Denied", "coupon_rejected"),
    Entry("Coupon Removed", "coupon_removed", note=_OWN),
    Entry("Product Added to Wishlist", "product_added_to_wishlist", ("product",), note=_OWN),
    Entry("Product Removed from Wishlist", "product_removed_from_wishlist", ("product",), note=_OWN),
    Entry("Wishlist Product Added to Cart", "product_added", ("product",), note=_ONE_PRODUCT),
    Entry("Product Shared", "product_shared", ("product",), note=_OWN),
    Entry("Cart Shared", "cart_shared", note="products by id only, so no cart"),
    Entry("Product Reviewed", "product_reviewed", ("product",), note=_OWN),
)

PAGE_CALL = Entry("page", "page_viewed", ("page",), note="the `page` call (`type` is `page`)")
IDENTIFY_CALL = Entry("identify", "identified", ("person",), note="the `identify` call (`type` is `identify`)")
CALLS = (PAGE_CALL, IDENTIFY_CALL)


def body(raw: JsonObject) -> JsonObject:
    """The ``properties`` (or ``traits``), with what stands beside them."""
    return {**raw, **section(raw.get("traits")), **section(raw.get("properties"))}


def _goods(item: JsonObject) -> JsonObject:
    return {
        "sku": text(item.get("sku")),
        "name": text(item.get("name")),
        "variant": text(item.get("variant")),
        "brand": text(item.get("brand")),
        "category": text(item.get("category")),
        "price": amount(item.get("price")),
        "quantity": whole(item.get("quantity")),
        "url": text(item.get("url")),
        "image_url": text(item.get("image_url")),
    }


def _line(item: object) -> object:
    return said({"product_id": text(item.get("product_id")), **_goods(item)}) if isinstance(item, dict) else item


def _product(fields: JsonObject) -> JsonObject:
    told = {"id": text(fields.get("product_id")), **_goods(fields)}
    return {"product": said({**told, "currency": text(fields.get("currency"))})}


def _money(fields: JsonObject) -> JsonObject:
    return {
        "currency": text(fields.get("currency")),
        "subtotal": amount(fields.get("subtotal")),
        "discount": amount(fields.get("discount")),
        "coupon": text(fields.get("coupon")),
        "tax": amount(fields.get("tax")),
    }


def _cart(fields: JsonObject) -> JsonObject:
    products = each(fields.get("products"))
    if products is None:
        return {}
    total = amount(first(fields.get("value"), fields.get("revenue")))
    cart = {"id": text(fields.get("cart_id")), **_money(fields), "total": total}
    return {"cart": {**said(cart), "lines": [_line(item) for item in products]}}


def _checkout(fields: JsonObject) -> JsonObject:
    """Nobody pays for nothing: an empty list is a tag that did not know, not a cart that was emptied."""
    return _cart(fields) if fields.get("products") else {}


def _order(fields: JsonObject) -> JsonObject:
    order = {
        "id": text(fields.get("order_id")),
        "cart_id": text(fields.get("cart_id")),
        **_money(fields),
        "total": amount(first(fields.get("total"), fields.get("value"), fields.get("revenue"))),
        "shipping": amount(fields.get("shipping")),
        "email": text(first(fields.get("email"), dig(fields, "context", "traits", "email"))),
        "customer_id": text(first(fields.get("customer_id"), fields.get("userId"))),
    }
    lines = [_line(item) for item in each(fields.get("products")) or []]
    return {"order": said(order) | ({"lines": lines} if lines else {})}


def _step(fields: JsonObject) -> JsonObject:
    """A step's number means something to that shop alone; what it carries tells which one it is."""
    told = fields.get("step")
    if isinstance(told, str) and told in ("contact", "address", "shipping", "payment"):
        return {"step": told}
    if text(fields.get("payment_method")):
        return {"step": "payment"}
    return {"step": "shipping" if text(fields.get("shipping_method")) else text(told)}


def _search(fields: JsonObject) -> JsonObject:
    query = fields.get("query")
    return {"query_length": len(query)} if isinstance(query, str) else {}


def _page(fields: JsonObject) -> JsonObject:
    return {"page": said({name: text(fields.get(name)) for name in ("url", "title", "referrer")})}


def _person(fields: JsonObject) -> JsonObject:
    full = " ".join(filter(None, (text(fields.get("firstName")), text(fields.get("lastName")))))
    return {
        "email": text(fields.get("email")),
        "name": text(fields.get("name")) or full,
        "language": text(first(fields.get("language"), fields.get("locale"), dig(fields, "context", "locale"))),
        "country": text(first(fields.get("country"), dig(fields, "address", "country"))),
    }


SEGMENT = Vocabulary(
    title="Segment v2 e-commerce",
    source="https://segment.com/docs/connections/spec/ecommerce/v2/",
    entries=ENTRIES,
    body=body,
    parts={
        "product": _product, "cart": _cart, "checkout": _checkout, "order": _order, "step": _step, "search": _search,
        "page": _page, "person": _person,
    },
)  # fmt: skip
