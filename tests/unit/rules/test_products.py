"""Stock and prices of what the shopper looked at or has in the cart."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE
from engine.rules.verdicts import State
from engine.visitors.state import MAX_GOODS
from tests.unit.rules.shoppers import INK, Shopper, check


def looks_at(shopper: Shopper, sku: str = "A", **facts: object) -> Shopper:
    return shopper.later(MINUTE).tells("product_viewed", product={"sku": sku} | facts)


def hears(shopper: Shopper, event: str, sku: str = "A", **facts: object) -> Shopper:
    return shopper.later(HOUR).tells(event, trusted=True, product={"sku": sku} | facts)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('stock: "1..3"', State.MET),
        ('stock: "> 3"', State.NOT_MET),
        ("stock: {left: 2, of: viewed}", State.MET),
        ("stock: {left: 2, of: cart}", State.NOT_MET),
    ],
)
def test_how_many_are_left(text: str, state: State) -> None:
    assert check(text, looks_at(Shopper(), stock=2)).state is state


def test_the_product_of_the_page_is_the_one_that_was_told_since_it_was_opened() -> None:
    shopper = looks_at(Shopper().opens("product"), "A", stock=2)
    text = 'stock: {left: "1..3", of: page}'
    assert check(text, shopper).met
    assert check(text, shopper.later(MINUTE).opens("product")).seen == "no product"
    assert check(text, looks_at(shopper, "B", stock=40)).seen == 40
    assert check('stock: "1..3"', shopper).met


def test_stock_that_nobody_told_is_unknown() -> None:
    assert check('stock: "1..3"', looks_at(Shopper())).state is State.UNKNOWN
    assert check('stock: "1..3"', Shopper()).seen == "no product"


def test_what_is_in_the_cart_counts_too() -> None:
    shopper = hears(Shopper().fills_cart(INK), "stock_changed", "INK-1", stock=1)
    assert check("stock: {left: 1, of: cart}", shopper).met
    assert check("stock: 1", hears(Shopper(), "stock_changed", stock=1)).seen == "no product"


def test_a_product_is_back_after_it_was_sold_out() -> None:
    shopper = looks_at(Shopper(), stock=0)
    assert check("back_in_stock", shopper).state is State.NOT_MET
    assert check("back_in_stock", hears(shopper, "stock_changed", stock=5)).met
    assert check("back_in_stock", shopper, after=8 * DAY).state is State.NOT_MET
    assert check("back_in_stock: {of: cart}", shopper).state is State.NOT_MET
    assert check("back_in_stock", hears(shopper, "stock_changed", stock=0)).state is State.NOT_MET


def test_more_of_what_was_there_is_not_back() -> None:
    assert check("back_in_stock", hears(looks_at(Shopper(), stock=1), "stock_changed", stock=9)).state is State.NOT_MET


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("price_dropped", State.MET),
        ("price_dropped: {at_least: 5.00}", State.MET),
        ("price_dropped: {at_least: 5.01}", State.NOT_MET),
        ("price_dropped: {share: 10%}", State.MET),
        ("price_dropped: {share: 11%}", State.NOT_MET),
        ("price_dropped: {of: cart}", State.NOT_MET),
    ],
)
def test_a_price_went_from_50_to_45(text: str, state: State) -> None:
    shopper = hears(looks_at(Shopper(), price="50"), "price_changed", price="45")
    assert check(text, shopper).state is state


def test_a_price_that_rose_again_has_not_dropped() -> None:
    shopper = hears(looks_at(Shopper(), price="50"), "price_changed", price="45")
    assert check("price_dropped: {at_least: 5.00}", hears(shopper, "price_changed", price="44")).met
    assert check("price_dropped", hears(shopper, "price_changed", price="50")).state is State.NOT_MET


def test_an_old_drop_is_no_news() -> None:
    shopper = hears(looks_at(Shopper(), price="50"), "price_changed", price="45")
    assert check("price_dropped", shopper, after=8 * DAY).state is State.NOT_MET


def test_the_price_in_the_cart_is_what_a_later_one_is_held_against() -> None:
    shopper = hears(Shopper().fills_cart(INK), "price_changed", "INK-1", price="12.00")
    assert check("price_dropped: {of: cart, at_least: 2.95}", shopper).met


def test_prices_in_two_currencies_cannot_be_compared() -> None:
    shopper = hears(looks_at(Shopper(), price="50"), "price_changed", price="40", currency="GBP")
    assert check("price_dropped", shopper).state is State.NOT_MET
    foreign = hears(looks_at(Shopper(), price="50", currency="GBP"), "price_changed", price="40", currency="GBP")
    assert check("price_dropped: {share: 20%}", foreign).met
    assert check("price_dropped: {at_least: 1}", foreign).state is State.UNKNOWN


def test_only_the_latest_products_are_remembered() -> None:
    shopper = Shopper()
    for number in range(MAX_GOODS + 5):
        looks_at(shopper, f"sku-{number}", stock=1)
    assert len(shopper.visitor.goods) == MAX_GOODS
    assert shopper.visitor.goods[0].sku == "sku-5"
