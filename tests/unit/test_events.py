"""Events as they come in: types checked, money in minor units, and one plain sentence for what is wrong."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, SECOND
from engine.errors import InvalidEvent
from engine.events import CANONICAL_TYPES, Event, is_known, parse_event
from tests.builders import NOON, cart, line


def read(*, trusted: bool = False, skew_ms: int = 0, **fields: object) -> Event:
    raw = {"id": "event-0001", "type": "cart_updated", "cart": cart(line())} | fields
    return parse_event(raw, received_at=NOON, skew_ms=skew_ms, currency="EUR", trusted=trusted)


def test_a_platform_s_number_is_an_id_like_any_other() -> None:
    taken = read(cart=cart({"sku": 12, "product_id": 34, "price": 1}, cart_id=None) | {"id": 9_007_199_254_740_993})
    assert taken.cart is not None
    assert (taken.cart.id, taken.cart.lines[0].sku) == ("9007199254740993", "12")


@pytest.mark.parametrize(
    ("currency", "told", "kept"), [("EUR", "6.95", 695), ("EUR", 6, 600), ("JPY", "695", 695), ("KWD", "1.234", 1234)]
)
def test_money_becomes_whole_minor_units(currency: str, told: object, kept: int) -> None:
    taken = read(cart=cart(currency=currency, total=told)).cart
    assert taken is not None
    assert taken.total == kept


def test_a_cart_without_a_total_costs_what_its_lines_cost() -> None:
    taken = read(cart=cart(line(quantity=2, price="10.00"), line("PEN", price="2.50"))).cart
    assert taken is not None
    assert taken.total == 2250


def test_a_line_of_nothing_is_no_line() -> None:
    taken = read(cart=cart(line(quantity=0))).cart
    assert taken is not None
    assert taken.lines == ()


def test_a_net_shipping_price_is_made_gross() -> None:
    shipping = {"price": "5.00", "currency": "EUR", "tax_included": False, "tax": "1.05"}
    taken = read(type="shipping_shown", shipping=shipping).shipping
    assert taken is not None
    assert taken.price == 605


def test_a_shipping_price_is_in_the_currency_of_its_cart() -> None:
    taken = read(type="shipping_shown", cart=cart(line(), currency="USD"), shipping={"price": "5.00"}).shipping
    assert taken is not None
    assert taken.currency == "USD"


def test_a_page_s_own_fields_are_looked_over() -> None:
    taken = read(type="page_viewed", page={"url": "https://shop.example/", "theme": "dark"}, mood="good")
    assert taken.page is not None
    assert taken.page.url == "https://shop.example/"


def test_nothing_happens_in_the_future() -> None:
    assert read(at="2099-01-01T00:00:00Z").at == NOON


def test_a_wrong_clock_is_put_right() -> None:
    assert read(at="2026-11-21T11:00:00Z", skew_ms=3_590 * SECOND).at == NOON - 10 * SECOND


def test_without_a_time_it_happened_when_it_came() -> None:
    assert read().at == NOON


def test_the_first_and_the_last_day_of_the_calendar_are_days() -> None:
    assert read(at="0001-01-01T00:00:00+23:59").at < 0
    assert read(at="9999-12-31T23:59:59-23:59").at == NOON


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"cart": cart(total="abc")}, "cart.total", "must be a number, got 'abc'"),
        ({"cart": cart(total="NaN")}, "cart.total", "not an amount"),
        ({"cart": cart(total="1e999999")}, "cart.total", "larger than any cart"),
        ({"cart": cart(line(price="9e12", quantity=1_000_000))}, "cart.lines", "more than any cart"),
        ({"cart": cart(*[line(price="9e12")] * 3)}, "cart.lines", "more than any cart"),
        ({"cart": cart(line(), line(price="free"))}, "cart.lines[1].price", "must be a number, got 'free'"),
        ({"cart": cart(line(quantity=-1))}, "cart.lines[0].quantity", "must be at least 0, got -1"),
        ({"cart": cart(line(quantity=1.5))}, "cart.lines[0].quantity", "must be a whole number, got 1.5"),  # type: ignore[arg-type]
        ({"cart": cart(currency="euro")}, "cart.currency", "ISO 4217"),
        ({"cart": []}, "cart", "must be an object, got a list"),
        ({"cart": None}, "cart", "is missing"),
        ({"type": "page_viewed"}, "page", "is missing"),
        ({"type": "order_placed", "order": {}}, "order.id", "is missing"),
        ({"type": "Page View"}, "type", "must look like object_verbed"),
        ({"type": "viewed"}, "type", "must look like object_verbed"),
        ({"type": "a_" * 40}, "type", "at most 64 characters"),
        ({"id": "short"}, "id", "at least 8 characters"),
        ({"id": 12345678}, "id", "must be text"),
        ({"at": "yesterday"}, "at", "must be a time such as"),
        ({"at": 1_795_262_400}, "at", "must be a time such as"),
        ({"engaged_ms": -1}, "engaged_ms", "at least 0"),
        ({"engaged_ms": 8 * DAY}, "engaged_ms", "at most"),
        ({"email": "a" * 400}, "email", "at most 320 characters"),
        ({"type": "order_placed", "order": {"id": 1, "email": "a" * 400}}, "order.email", "at most 320 characters"),
        ({"type": "agents_changed", "agents": {"online": 1, "free": 10**30}}, "agents.free", "at most"),
        ({"message": "m" * 65}, "message", "at most 64 characters"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(fields: dict[str, object], field: str, says: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read(**fields)  # type: ignore[arg-type] # the fields are wrong on purpose
    assert refused.value.field == field
    assert says in refused.value.message
    assert "\n" not in refused.value.message


def test_what_is_no_object_is_no_event() -> None:
    others: list[object] = [None, [], "page_viewed", 1]
    for raw in others:
        with pytest.raises(InvalidEvent, match="must be an object"):
            parse_event(raw, received_at=NOON, skew_ms=0, currency="EUR", trusted=False)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=12) | st.just("page_viewed"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(Event.__struct_fields__), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Event.__struct_fields__, "sent"]), ANYTHING))
def test_whatever_comes_is_an_event_that_can_be_kept_or_is_refused(raw: dict[str, object]) -> None:
    complete = {"id": "event-0001", "type": "page_viewed", "page": {}} | raw
    with suppress(InvalidEvent):
        taken = parse_event(complete, received_at=NOON, skew_ms=0, currency="EUR", trusted=False)
        assert taken.at <= NOON
        assert not taken.trusted


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 1_000_000))
def test_no_price_makes_a_number_that_cannot_be_stored(price: Decimal, quantity: int) -> None:
    with suppress(InvalidEvent):
        taken = read(cart=cart(line(price=str(price), quantity=quantity)))
        assert taken.cart is not None
        msgspec.msgpack.encode([taken.cart, [(item.price or 0) * item.quantity for item in taken.cart.lines]])


def test_a_shop_may_have_events_of_its_own() -> None:
    assert read(type="size_guide_opened").type == "size_guide_opened"
    assert not is_known("size_guide_opened")


@pytest.mark.parametrize("kind", sorted(CANONICAL_TYPES))
def test_every_canonical_event_comes_in(kind: str) -> None:
    sections = {
        "page": {"url": "https://shop.example/"},
        "product": {"id": "p1"},
        "shipping": {"price": "6.95"},
        "order": {"id": "o1"},
        "consent": {"analytics": True},
        "agents": {"online": 1},
        "message": "dec_1.0",
    }
    assert read(type=kind, **sections).type == kind  # type: ignore[arg-type] # sections stand under their own names
    assert is_known(kind)
