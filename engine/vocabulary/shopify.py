"""Shopify's web pixel: standard events with ``data`` and ``context``; and the cart of a theme.

https://shopify.dev/docs/api/web-pixels-api/standard-events. Amounts are ``{amount, currencyCode}`` in major units.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.vocabulary import shopify_cart
from engine.vocabulary.entries import Entry, Vocabulary
from engine.vocabulary.values import JsonObject, amount, dig, each, first, is_said, said, section, text, whole

_ONE_PRODUCT = "tells one line, never the whole cart: an event of its own, and no cart is made up"
_GLOBAL_ID = re.compile(r"gid://shopify/\w+/([^/?]+)")
_ALERTS = {"PAYMENT_ERROR": "payment_failed", "DISCOUNT_ERROR": "coupon_rejected"}

ENTRIES = (
    Entry(
        "cart_updated",
        "cart_updated",
        ("cart_js",),
        note="theirs when `data.cartJs` is there: a theme's `/cart.js` as it is, in hundredths also of yen",
    ),
    Entry("page_viewed", "page_viewed", note="theirs when `context.document` is there and our `page` is not"),
    Entry("search_submitted", "searched", ("search",), note="length of the words only, and how many were found"),
    Entry("collection_viewed", "product_list_viewed", note="no canonical twin: kept under Segment's name"),
    Entry("product_viewed", "product_viewed", ("product",), note="theirs when `data.productVariant` is there"),
    Entry("product_added_to_cart", "product_added", ("cart_line",), note=_ONE_PRODUCT),
    Entry("product_removed_from_cart", "product_removed", ("cart_line",), note=_ONE_PRODUCT),
    Entry("cart_viewed", "cart_viewed", ("cart",), note="theirs when `data.cart` is there; null: no cart is told"),
    Entry(
        "checkout_started",
        "checkout_started",
        ("checkout", "expected_shipping"),
        note="theirs when `data.checkout` is there; a shipping price before that step is `cart.shipping_estimate`",
    ),
    Entry(
        "checkout_contact_info_submitted",
        "contact_given",
        ("checkout", "expected_shipping", "contact"),
        note="consent only where the box is ticked; an empty box says nothing",
    ),
    Entry(
        "checkout_address_info_submitted",
        "checkout_step_completed",
        ("checkout", "expected_shipping"),
        step="address",
    ),
    Entry(
        "checkout_shipping_info_submitted",
        "shipping_shown",
        ("checkout", "shipping"),
        step="shipping",
        note="the chosen options after discounts, else `shippingLine`; without a price `checkout_step_completed`",
    ),
    Entry("payment_info_submitted", "checkout_step_completed", ("checkout",), step="payment"),
    Entry("checkout_completed", "order_placed", ("order", "contact"), note="`token` is no cart's id"),
    Entry(
        "alert_displayed",
        "alert_displayed",
        ("alert",),
        note="`PAYMENT_ERROR` is `payment_failed`, `DISCOUNT_ERROR` is `coupon_rejected`, others keep their name",
    ),
)


def _has_document(raw: JsonObject) -> bool:
    return raw.get("page") is None and isinstance(dig(raw, "context", "document"), dict)


def _has_product(raw: JsonObject) -> bool:
    return raw.get("product") is None and "productVariant" in section(raw.get("data"))


def _has_cart(raw: JsonObject) -> bool:
    return raw.get("cart") is None and "cart" in section(raw.get("data"))


def _has_checkout(raw: JsonObject) -> bool:
    return raw.get("cart") is None and "checkout" in section(raw.get("data"))


def body(raw: JsonObject) -> JsonObject:
    """What stands in ``data``; without it, the fields beside the type."""
    data = raw.get("data")
    return data if isinstance(data, dict) else raw


def _id(value: object) -> str | None:
    """``gid://shopify/Cart/abc?key=…`` and ``abc`` name the same cart; webhooks use the second."""
    plain = text(value)
    match = _GLOBAL_ID.match(plain) if plain else None
    return match[1] if match else plain


def _goods(variant: JsonObject, quantity: object) -> JsonObject:
    title = text(variant.get("title"))
    return {
        "sku": text(variant.get("sku")),
        "name": text(dig(variant, "product", "title")),
        # A product without variants has one of this name.
        "variant": None if title == "Default Title" else title,
        "brand": text(dig(variant, "product", "vendor")),
        "category": text(dig(variant, "product", "type")),
        "price": amount(variant.get("price")),
        "quantity": whole(quantity),
        "url": text(dig(variant, "product", "url")),
        "image_url": text(dig(variant, "image", "src")),
    }


def _line(item: object, variant_at: str) -> object:
    if not isinstance(item, dict):
        return item
    variant = section(item.get(variant_at))
    product = _id(dig(variant, "product", "id"))
    goods = _goods(variant, item.get("quantity"))
    name = first(goods["name"], text(item.get("title")))
    return said({"id": _id(variant.get("id")), "product_id": product, **goods, "name": name})


def _as_product(variant: JsonObject, quantity: object = None) -> JsonObject:
    currency = text(dig(variant, "price", "currencyCode"))
    product = {"id": _id(dig(variant, "product", "id")), **_goods(variant, quantity), "currency": currency}
    return {"product": said(product)} if variant else {}


def _product(data: JsonObject) -> JsonObject:
    return _as_product(section(data.get("productVariant")))


def _cart_line(data: JsonObject) -> JsonObject:
    line = section(data.get("cartLine"))
    return _as_product(section(line.get("merchandise")), line.get("quantity"))


def _cart(data: JsonObject) -> JsonObject:
    cart = section(data.get("cart"))
    lines = each(cart.get("lines"))
    if lines is None:
        return {}
    told = {
        "id": _id(cart.get("id")),
        "currency": text(dig(cart, "cost", "totalAmount", "currencyCode")),
        "total": amount(dig(cart, "cost", "totalAmount")),
    }
    named = shopify_cart.refs("cart", _id(cart.get("id")))
    return {"cart": {**said(told), "lines": [_line(item, "merchandise") for item in lines]}, **named}


def _where(checkout: JsonObject) -> JsonObject:
    country = first(
        dig(checkout, "shippingAddress", "countryCode"), dig(checkout, "localization", "country", "isoCode")
    )
    return {"language": text(dig(checkout, "localization", "language", "isoCode")), "country": text(country)}


def _currency(checkout: JsonObject) -> str | None:
    return text(first(checkout.get("currencyCode"), dig(checkout, "totalPrice", "currencyCode")))


def _coupon(checkout: JsonObject) -> str | None:
    for applied in each(checkout.get("discountApplications")) or []:
        if dig(applied, "type") == "DISCOUNT_CODE":
            return text(dig(applied, "title"))
    return None


def _costs(checkout: JsonObject) -> JsonObject:
    return {
        "currency": _currency(checkout),
        "subtotal": amount(checkout.get("subtotalPrice")),
        "discount": amount(checkout.get("discountsAmount")),
        "coupon": _coupon(checkout),
        "tax": amount(checkout.get("totalTax")),
    }


def _checkout_lines(checkout: JsonObject) -> list[object]:
    return [_line(item, "variant") for item in each(checkout.get("lineItems")) or []]


def _checkout(data: JsonObject) -> JsonObject:
    """The cart being paid for, by its goods: ``totalPrice`` holds shipping, and the token is not the cart's id.

    Under another id the same cart would look like a new one, and what the shopper was told before would be forgotten.
    """
    checkout = section(data.get("checkout"))
    lines = _checkout_lines(checkout)
    cart = {"cart": {**said(_costs(checkout)), "lines": lines}} if lines else {}
    return {**cart, **_where(checkout), **_named(checkout)}


def _named(checkout: JsonObject) -> JsonObject:
    return shopify_cart.refs("checkout", text(checkout.get("token")))


def _sum(prices: list[object]) -> object:
    if len(prices) == 1:
        return prices[0]
    total = Decimal(0)
    for price in prices:
        if isinstance(price, bool) or not isinstance(price, int | float | Decimal):
            return None
        exact = Decimal(str(price)) if isinstance(price, float) else Decimal(price)
        if not exact.is_finite():
            return None
        total += exact
    return total


def _shipping_price(checkout: JsonObject) -> object:
    """What is paid for shipping: an order sent in parts has an option for each."""
    options = each(dig(checkout, "delivery", "selectedDeliveryOptions")) or []
    prices = [first(amount(dig(option, "costAfterDiscounts")), amount(dig(option, "cost"))) for option in options]
    complete = bool(prices) and all(is_said(price) for price in prices)
    total = _sum(prices) if complete else None
    return first(total, amount(dig(checkout, "shippingLine", "price")))


def _expected_shipping(data: JsonObject) -> JsonObject:
    return {"shipping_estimate": _shipping_price(section(data.get("checkout")))}


def _shipping(data: JsonObject) -> JsonObject:
    checkout = section(data.get("checkout"))
    price = _shipping_price(checkout)
    if price is None:
        return {"type": "checkout_step_completed"}
    options = each(dig(checkout, "delivery", "selectedDeliveryOptions")) or []
    titles = [title for title in (text(dig(option, "title")) for option in options) if title]
    return {"shipping": said({"price": price, "currency": _currency(checkout), "method": " + ".join(titles)})}


def _contact(data: JsonObject) -> JsonObject:
    checkout = section(data.get("checkout"))
    ticked: JsonObject = {
        "email": True if checkout.get("buyerAcceptsEmailMarketing") is True else None,
        "sms": True if checkout.get("buyerAcceptsSmsMarketing") is True else None,
    }
    granted = said(ticked)
    consent = {"consent": {**granted, "source": "Shopify checkout"}} if granted else {}
    return {"email": text(checkout.get("email")), **consent, **_where(checkout)}


def _order(data: JsonObject) -> JsonObject:
    checkout = section(data.get("checkout"))
    order = {
        "id": _id(dig(checkout, "order", "id")),
        **_costs(checkout),
        "total": amount(checkout.get("totalPrice")),
        "shipping": _shipping_price(checkout),
        "email": text(checkout.get("email")),
        "customer_id": _id(dig(checkout, "order", "customer", "id")),
    }
    lines = _checkout_lines(checkout)
    return {"order": said(order) | ({"lines": lines} if lines else {}), **_named(checkout)}


def _search(data: JsonObject) -> JsonObject:
    query = dig(data, "searchResult", "query")
    found = each(dig(data, "searchResult", "productVariants"))
    length = len(query) if isinstance(query, str) else None
    return {"query_length": length, "results": None if found is None else len(found)}


def _alert(data: JsonObject) -> JsonObject:
    kind = dig(data, "alert", "type")
    return {"type": _ALERTS.get(kind) if isinstance(kind, str) else None}


SHOPIFY = Vocabulary(
    title="Shopify web pixel",
    source="https://shopify.dev/docs/api/web-pixels-api/standard-events",
    entries=ENTRIES,
    body=body,
    parts={
        "product": _product, "cart_line": _cart_line, "cart": _cart, "checkout": _checkout, "contact": _contact,
        "cart_js": shopify_cart.cart_js,
        "expected_shipping": _expected_shipping, "shipping": _shipping, "order": _order, "search": _search,
        "alert": _alert,
    },
    signs={
        "page_viewed": _has_document, "product_viewed": _has_product, "cart_viewed": _has_cart,
        "checkout_started": _has_checkout, "cart_updated": shopify_cart.is_told,
    },
)  # fmt: skip
