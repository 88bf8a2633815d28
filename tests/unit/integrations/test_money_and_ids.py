"""Every platform tells amounts in its own way: inside they are the same whole number of the smallest coin.

And no id of up to nineteen digits becomes a number on its way to a browser.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import money
from engine.events import Event, parse_event
from engine.integration import WireEvent, json_object
from integrations.ecwid import orders as ecwid_orders
from integrations.lightspeed import orders as lightspeed_orders
from integrations.shopify import orders as shopify_orders
from integrations.woocommerce import orders as woocommerce_orders
from integrations.woocommerce.told import WooCommerceSettings
from tests.unit.integrations.cases import FIXTURES

NOON = 1_795_262_400_000
CURRENCIES = st.sampled_from(["JPY", "KRW", "EUR", "USD", "KWD", "TND"])
MINOR = st.integers(0, 10**12)
Json = dict[str, object]
Told = Callable[[str, str], list[WireEvent]]


def recorded(platform: str, name: str) -> Json:
    return json_object((FIXTURES / platform / "bodies" / f"{name}.json").read_bytes())


def woocommerce(total: str, currency: str) -> list[WireEvent]:
    told = WooCommerceSettings(webhook_secret="hush")
    body = recorded("woocommerce", "shown_with_tax") | {"total": total, "currency": currency}
    return woocommerce_orders.from_order(body, told)


def shopify(total: str, currency: str) -> list[WireEvent]:
    shown = {"presentment_money": {"amount": total, "currency_code": currency}}
    return shopify_orders.from_order(recorded("shopify", "orders_create") | {"total_price_set": shown})


def lightspeed(total: str, currency: str) -> list[WireEvent]:
    body = recorded("lightspeed", "orders_created")
    order = body["order"]
    assert isinstance(order, dict)
    return lightspeed_orders.from_order({"order": order | {"priceIncl": total}})


def ecwid(total: str, currency: str) -> list[WireEvent]:
    """As a JSON number, which has no zeros at its end."""
    number = json_object(f'{{"total": {Decimal(total).normalize():f}}}'.encode())
    paid: Json = {"paymentStatus": "PAID", "fulfillmentStatus": "SHIPPED"}
    return ecwid_orders.from_order({"id": "XJ12H", "items": [], "email": "a@shopper.example"} | paid | number)


PLATFORMS: dict[str, Told] = {
    "woocommerce": woocommerce,
    "shopify": shopify,
    "lightspeed": lightspeed,
    "ecwid": ecwid,
}


def parsed(wire: WireEvent, currency: str) -> Event:
    return parse_event(wire, received_at=NOON, skew_ms=0, currency=currency, trusted=True)


@pytest.mark.parametrize("platform", PLATFORMS)
@given(minor=MINOR, currency=CURRENCIES)
def test_what_an_order_comes_to_is_exact_in_every_currency(platform: str, minor: int, currency: str) -> None:
    told = PLATFORMS[platform](f"{money.to_major(minor, currency):f}", currency)
    [placed] = [parsed(event, currency) for event in told if event["type"] == "order_placed"]
    assert placed.order is not None
    assert (placed.order.total, placed.order.currency) == (minor, currency)


@given(minor=MINOR, quantity=st.integers(1, 99), currency=CURRENCIES, trusted=st.booleans())
def test_lines_add_up_to_the_coin(minor: int, quantity: int, currency: str, trusted: bool) -> None:
    line = {"sku": "A", "quantity": quantity, "price": f"{money.to_major(minor, currency):f}"}
    wire: WireEvent = {"id": "event-00000001", "type": "cart_updated", "visitor": "visitor-1"}
    told = wire | {"cart": {"currency": currency, "lines": [line]}}
    event = parse_event(told, received_at=NOON, skew_ms=0, currency="EUR", trusted=trusted)
    assert event.cart is not None
    assert (event.cart.total, event.cart.lines[0].price) == (minor * quantity, minor)


@given(st.integers(10**15, 2**63 - 1))
def test_a_long_id_is_text_from_its_first_step_on(number: int) -> None:
    line = {"product_id": number, "sku": number, "quantity": 1, "price": "1.00"}
    wire: WireEvent = {"id": "event-00000001", "type": "cart_updated", "visitor": "visitor-1"}
    event = parsed(wire | {"customer_id": number, "cart": {"id": number, "lines": [line]}}, "EUR")
    assert event.cart is not None
    assert (event.cart.id, event.cart.lines[0].product_id, event.cart.lines[0].sku) == (str(number),) * 3
    order = parsed(wire | {"type": "order_placed", "order": {"id": number, "total": "1.00", "cart_id": number}}, "EUR")
    assert order.order is not None
    assert (order.order.id, order.order.cart_id) == (str(number), str(number))
