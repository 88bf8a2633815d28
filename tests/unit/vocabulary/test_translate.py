"""What translating an event may and may never do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidEvent
from engine.events import CANONICAL_TYPES, Event, parse_event
from engine.strictjson import JsonObject
from engine.vocabulary import VOCABULARIES, translate

NAMES = sorted({entry.name for vocabulary in VOCABULARIES for entry in vocabulary.entries})
CALLS = ["track", "page", "identify", "standard", "custom"]
WORDS = [
    "properties", "params", "ecommerce", "data", "context", "customData", "traits", "products", "items", "checkout",
    "cart", "cartLine", "productVariant", "lines", "lineItems", "merchandise", "variant", "product", "price", "amount",
    "quantity", "shipping", "shipping_estimate", "shippingLine", "delivery", "selectedDeliveryOptions", "cost",
    "costAfterDiscounts", "order", "order_id", "transaction_id", "id", "item_id", "title", "name", "event", "type",
    "page", "document", "location", "href", "url", "email", "userId", "timestamp", "timestamp_micros", "currency",
    "value", "step", "payment_method", "query", "search_term", "searchResult", "productVariants", "alert",
    "localization", "language", "isoCode", "discountApplications", "totalPrice", "messageId",
    "anonymousId", "at", "seq", "consent",
]  # fmt: skip

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "abc", "4.95", "2", "NaN", "EUR", "²", "2026-11-21T10:00:00Z", *NAMES])
    | st.text(max_size=8)
)
VALUES: st.SearchStrategy[object] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)
HOSTILE: st.SearchStrategy[JsonObject] = st.builds(
    lambda head, body: {**head, **body},
    st.fixed_dictionaries(
        {"id": st.just("11111111"), "type": st.sampled_from([*NAMES, *CALLS, *sorted(CANONICAL_TYPES)])}
    ),
    st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6),
)


def read(raw: JsonObject) -> Event:
    return parse_event(translate(raw), received_at=1_795_300_000_000, skew_ms=0, currency="EUR", trusted=False)


def cart(**fields: object) -> JsonObject:
    return {"currency": "EUR", "lines": [{"sku": "P1", "price": 2}], **fields}


@given(HOSTILE)
def test_nothing_a_stranger_writes_makes_it_raise(raw: JsonObject) -> None:
    with contextlib.suppress(InvalidEvent):
        read(raw)


@given(HOSTILE)
def test_what_came_in_is_never_changed(raw: JsonObject) -> None:
    before = repr(raw)
    translate(raw)
    assert repr(raw) == before


@pytest.mark.parametrize("kind", sorted(CANONICAL_TYPES))
def test_an_event_of_ours_comes_back_as_the_same_object(kind: str) -> None:
    raw: JsonObject = {"type": kind, "page": {"url": "/"}, "product": {"id": "1"}, "cart": cart(), "step": "shipping"}
    assert translate(raw) is raw


@pytest.mark.parametrize("kind", ["gift_wrapped", "Cart viewed", "cart viewed", 7, None, ["Cart Viewed"], {}])
def test_a_type_that_nobody_knows_comes_back_as_the_same_object(kind: object) -> None:
    raw: JsonObject = {"type": kind, "properties": {"products": []}}
    assert translate(raw) is raw


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "page_viewed", "page": {"url": "/"}, "context": {"document": {"title": "another"}}},
        {"type": "product_viewed", "product": {"id": "1"}, "data": {"productVariant": {"id": "2"}}},
        {"type": "cart_viewed", "cart": cart(), "data": {"cart": {"lines": []}}},
        {"type": "checkout_started", "cart": cart(), "data": {"checkout": {"lineItems": []}}},
        {"type": "checkout_started", "data": {"experiment": "b"}, "context": {"a": 1}},
        {"type": "cart_viewed", "data": "cart", "context": []},
    ],
)
def test_a_body_of_ours_is_never_taken_for_shopifys(raw: JsonObject) -> None:
    assert translate(raw) is raw


@pytest.mark.parametrize("kind", ["cart_updated", "cart_viewed", "checkout_started"])
def test_a_bare_shipping_price_before_its_step_is_an_estimate(kind: str) -> None:
    event = read({"id": "11111111", "type": kind, "cart": cart(), "shipping": Decimal("4.95")})
    assert (event.type, event.shipping) == (kind, None)
    assert event.cart is not None
    assert event.cart.shipping_estimate == 495


def test_an_estimate_that_stands_in_the_cart_wins() -> None:
    event = read({"id": "11111111", "type": "cart_viewed", "cart": cart(shipping_estimate=3), "shipping": 5})
    assert event.cart is not None
    assert event.cart.shipping_estimate == 300


def test_an_estimate_without_a_cart_does_not_empty_the_cart() -> None:
    event = read({"id": "11111111", "type": "checkout_started", "shipping_estimate": 5, "currency": "CHF"})
    assert event.cart is None
    assert event.shipping is not None
    assert (event.shipping.price, event.shipping.currency, event.shipping.estimate) == (500, "CHF", True)


def test_a_bare_shipping_price_at_the_shipping_step_is_what_was_shown() -> None:
    event = read(
        {"id": "11111111", "type": "checkout_step_completed", "step": "shipping", "shipping": 0, "cart": cart()}
    )
    assert event.type == "shipping_shown"
    assert event.shipping is not None
    assert (event.shipping.price, event.shipping.currency) == (0, "EUR")


def test_the_payment_step_keeps_its_type_whatever_the_price_of_shipping() -> None:
    event = read({"id": "11111111", "type": "add_payment_info", "ecommerce": {"items": [], "shipping": 4}})
    assert (event.type, event.step) == ("checkout_step_completed", "payment")
    assert event.shipping is not None


def test_a_shipping_section_of_ours_beside_a_foreign_body_is_taken_whole() -> None:
    event = read(
        {
            "id": "11111111",
            "type": "add_shipping_info",
            "shipping": {"price": 7, "currency": "CHF", "method": "Post"},
            "ecommerce": {"shipping_tier": "Ground"},
        }
    )
    assert event.type == "shipping_shown"
    assert event.shipping is not None
    assert (event.shipping.price, event.shipping.currency, event.shipping.method) == (700, "CHF", "Post")


@pytest.mark.parametrize(
    "raw", [{"type": "begin_checkout", "items": []}, {"type": "Checkout Started", "properties": {"products": []}}]
)
def test_a_checkout_without_goods_does_not_empty_the_cart(raw: JsonObject) -> None:
    assert read({"id": "11111111", **raw}).cart is None


def test_a_whole_cart_beside_a_single_product_is_kept() -> None:
    event = read({"id": "11111111", "type": "Product Added", "properties": {"product_id": "1"}, "cart": cart(id="c-9")})
    assert event.type == "product_added"
    assert event.cart is not None
    assert event.cart.id == "c-9"


def test_our_envelope_wins_over_theirs() -> None:
    raw: JsonObject = {"type": "Cart Viewed", "id": "11111111", "messageId": "22222222", "visitor": "v-1"}
    event = read({**raw, "anonymousId": "v-2", "page": {"url": "/ours"}, "context": {"page": {"url": "/theirs"}}})
    assert (event.id, event.visitor) == ("11111111", "v-1")
    assert event.page is not None
    assert event.page.url == "/ours"


def _odd_bodies() -> Iterator[tuple[str, JsonObject, str]]:
    yield "a word for a list", {"type": "view_cart", "items": [7]}, "cart.lines[0]"
    yield "a word for a price", {"type": "add_to_cart", "items": [{"item_id": 1, "price": "free"}]}, "product.price"
    yield "a list for money", {"type": "purchase", "transaction_id": "T1", "value": [1]}, "order.total"
    yield "no order id", {"type": "Order Completed", "properties": {"total": 5}}, "order.id"
    yield "an empty order", {"type": "purchase"}, "order"
    yield "a product that is none", {"type": "Product Viewed", "properties": "pen"}, "product"
    yield "a page nowhere", {"type": "page", "properties": {"url": ["/"]}}, "page"


@pytest.mark.parametrize(
    ("raw", "field"), [case[1:] for case in _odd_bodies()], ids=[case[0] for case in _odd_bodies()]
)
def test_what_cannot_be_understood_is_named(raw: JsonObject, field: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read({"id": "11111111", **raw})
    assert refused.value.field == field


def test_a_section_of_the_wrong_kind_is_left_out() -> None:
    event = read(
        {"id": "11111111", "type": "Cart Viewed", "properties": "none", "context": "x", "cart": "y", "page": 3}
    )
    assert (event.type, event.cart, event.page) == ("cart_viewed", None, None)
