"""What a WooCommerce shop says of itself in its settings changes how its bodies are read."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from engine.errors import BadSignature, SettingsError
from engine.integration import Delivery, RawRequest, WireEvent, create
from integrations.woocommerce import WooCommerce
from tests.unit.integrations.cases import FIXTURES, settings_of


def shop(**settings: str) -> WooCommerce:
    made = create("woocommerce", settings_of("woocommerce") | settings, {})
    assert isinstance(made, WooCommerce)
    return made


def told(case: str, topic: str = "order.created", **settings: str) -> dict[str, WireEvent]:
    """What the recorded body becomes under these settings, by type."""
    raw = (FIXTURES / "woocommerce" / "bodies" / f"{case}.json").read_bytes()
    return {str(event["type"]): event for event in shop(**settings).read(Delivery(topic, raw)).events}


@pytest.mark.parametrize("stated", ["a&b", "a&amp;b"])
def test_a_secret_may_be_told_as_wordpress_keeps_it(stated: str) -> None:
    """WordPress signs with ``a&b`` where its database has ``a&amp;b``."""
    raw = b"{}"
    signature = base64.b64encode(hmac.new(b"a&b", raw, hashlib.sha256).digest()).decode()
    request = RawRequest({"x-wc-webhook-signature": signature}, {}, raw)
    admitted = shop(webhook_secret=stated).admit(request)
    assert admitted is not None
    assert admitted.body == raw
    with pytest.raises(BadSignature):
        shop(webhook_secret="b&a").admit(request)


@pytest.mark.parametrize(
    ("case", "prices", "price", "discount"),
    [
        ("coupon_used", "as_entered", "15.00", "3.00"),
        ("coupon_used", "with_tax", "15.00", "3.00"),
        ("coupon_used", "without_tax", "12.395", "2.48"),
        ("order_created", "as_entered", "3.00", "0.00"),
        ("order_created", "with_tax", "3.225", "0.00"),
    ],
)
def test_prices_are_as_the_shop_shows_them(case: str, prices: str, price: str, discount: str) -> None:
    order = told(case, prices=prices)["order_placed"]["order"]
    assert isinstance(order, dict)
    assert (str(order["lines"][0]["price"]), str(order["discount"])) == (price, discount)


def test_shipping_is_always_with_its_tax() -> None:
    orders = [told("shown_with_tax", prices=prices)["order_placed"]["order"] for prices in ("with_tax", "without_tax")]
    assert [str(order["shipping"]) for order in orders if isinstance(order, dict)] == ["6.95", "6.95"]


def test_a_tick_counts_only_where_the_shop_has_said_in_which_key_it_stands() -> None:
    assert told("with_account")["order_placed"]["consent"] == {"email": True, "source": "WooCommerce checkout"}
    assert "consent" not in told("with_account", consent_meta="")["order_placed"]
    assert "consent" not in told("with_account", consent_meta="another")["order_placed"]
    assert told("subscribed", "customer.updated", consent_meta="") == {}


def test_the_statuses_of_plugins_are_those_that_are_named() -> None:
    assert "order_shipped" not in told("plugin_shipped", shipped_statuses="completed")
    assert "order_shipped" in told("plugin_shipped", shipped_statuses="wc-shipped")
    assert "order_shipped" not in told("completed", shipped_statuses="")
    assert {"order_shipped", "order_delivered"} <= told("plugin_delivered", shipped_statuses="").keys()


@pytest.mark.parametrize(
    ("name", "value"), [("prices", "gross"), ("shipped_statuses", "Sent, Gone"), ("visitor_meta", "two words")]
)
def test_a_setting_that_cannot_be_meant_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        shop(**{name: value})
