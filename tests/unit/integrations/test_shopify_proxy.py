"""Shopify's app proxy: what its signature vouches for, by the example on Shopify's own page."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import BadSignature
from engine.integration import Vouched
from integrations.shopify.proxy import vouch

SHOP, SECRET, NOW = "shop-name.myshopify.com", "hush", 1_317_327_555_000
LOGGED_IN = (
    "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1&path_prefix=%2Fapps%2Fawesome_reviews"
    "&timestamp=1317327555&signature=4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
)
"""https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies"""
ANONYMOUS = LOGGED_IN.replace("customer_id=1", "customer_id=").partition("&signature=")[0] + (
    "&signature=e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb"
)


def signed(query: str, secret: str = SECRET) -> str:
    """The query with the signature that Shopify would give it."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    message = "".join(sorted(f"{name}={','.join(each)}" for name, each in values.items()))
    return f"{query}&signature={hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def query(**changes: str) -> str:
    whole = {"shop": SHOP, "logged_in_customer_id": "7", "path_prefix": "%2Fapps%2Fbell", "timestamp": "1317327555"}
    return "&".join(f"{name}={value}" for name, value in (whole | changes).items())


def ask(text: str, *, now: int = NOW, secrets: tuple[str, ...] = (SECRET, "")) -> Vouched:
    return vouch(text, SHOP, secrets, now)


def test_the_examples_of_shopifys_page_are_understood() -> None:
    assert ask(LOGGED_IN) == Vouched("1")
    assert ask(ANONYMOUS) == Vouched("")


def test_the_order_of_the_parameters_does_not_matter() -> None:
    parts = LOGGED_IN.split("&")
    assert ask("&".join(reversed(parts[2:])) + "&extra=1&extra=2") == Vouched("1")
    with pytest.raises(BadSignature):
        ask(LOGGED_IN.replace("extra=1&extra=2", "extra=2&extra=1"))


def test_a_secret_that_is_being_replaced_is_good_still() -> None:
    assert ask(signed(query(), "before"), secrets=(SECRET, "before")) == Vouched("7")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must name signature once"),
        (query(), "must name signature once"),
        (query() + "&signature=", "not signed"),
        (signed(query(), ""), "not signed"),
        (signed(query(), "another"), "not signed"),
        (LOGGED_IN.upper(), "must name signature once"),
        (LOGGED_IN.replace("4c68", "4C68"), "not signed"),
        (LOGGED_IN.replace("4c68", "%C3%A9c68"), "not signed"),
        (LOGGED_IN.replace("customer_id=1", "customer_id=2"), "not signed"),
        (LOGGED_IN + "&signature=" + "0" * 64, "must name signature once"),
        (signed(query(shop="other.myshopify.com")), "another shop"),
        (signed(query() + "&logged_in_customer_id=8"), "must name logged_in_customer_id once"),
        (signed(query() + "&shop=" + SHOP), "must name shop once"),
        (signed("shop=" + SHOP + "&timestamp=1317327555&path_prefix=x"), "must name logged_in_customer_id once"),
        (signed(query(logged_in_customer_id="7x")), "no number"),
        (signed(query(logged_in_customer_id="%D9%A3")), "no number"),
        (signed(query(timestamp="now")), "no number"),
        (signed(query(timestamp="9" * 30)), "no number"),
        (signed(query(timestamp="")), "no number"),
        ("&".join(f"a{number}=1" for number in range(60)), "too many"),
    ],
)
def test_everything_else_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadSignature, match=why):
        ask(text)


def test_it_lasts_for_ninety_seconds_either_way() -> None:
    for late in (-90_000, 0, 90_000):
        assert ask(LOGGED_IN, now=NOW + late) == Vouched("1")
    for late in (-90_001, 90_001):
        with pytest.raises(BadSignature, match="90 seconds"):
            ask(LOGGED_IN, now=NOW + late)


def test_no_secret_is_no_key() -> None:
    with pytest.raises(BadSignature):
        ask(signed(query(), ""), secrets=("", ""))


@given(st.text(max_size=200))
@example("signature=\udcff")
@example("signature=%ff%fe&shop=%00")
def test_whatever_stands_in_the_address_it_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(BadSignature):
        ask(text)
