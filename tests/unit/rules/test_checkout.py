"""What the checkout costs, what fails there, and orders that wait for their payment."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, Millis
from engine.rules.shop import Shop
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import INK, LAMP, Shopper, at_the_checkout, check

FREE_FROM_50 = Shop(free_shipping_from=5000)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('shipping: ">= 6.95"', State.MET),
        ('shipping: "< 6.95"', State.NOT_MET),
        ("shipping: {share: 23%}", State.MET),
        ("shipping: {share: 24%}", State.NOT_MET),
        ('shipping: {cost: ">= 5", share: 24%}', State.NOT_MET),
        ('shipping: {cost: ">= 5", share: 20%}', State.MET),
    ],
)
def test_shipping_of_6_95_for_a_cart_of_29_90(text: str, state: State) -> None:
    assert check(text, at_the_checkout(shipping=695)).state is state


def test_what_was_told_before_the_checkout_counts_until_it_shows_a_cost() -> None:
    assert check("shipping: 3.95", Shopper().fills_cart(INK, shipping_told=395)).met
    assert check("shipping: 6.95", at_the_checkout(shipping=695, told=395)).met


def test_shipping_that_nobody_told_is_unknown() -> None:
    assert check('shipping: ">= 1"', Shopper().fills_cart(INK)).state is State.UNKNOWN
    assert check('shipping: ">= 1"', Shopper()).state is State.NOT_MET
    foreign = Shopper().fills_cart(INK, currency="GBP", shipping_told=395)
    assert check('shipping: ">= 1"', foreign).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("text", "state", "seen"),
    [
        ('gap_to_free_shipping: "<= 20.10"', State.MET, 2010),
        ('gap_to_free_shipping: "<= 20"', State.NOT_MET, 2010),
        ('gap_to_free_shipping: "10..25"', State.MET, 2010),
    ],
)
def test_what_is_missing_for_free_shipping(text: str, state: State, seen: int) -> None:
    verdict = check(text, Shopper(shop=FREE_FROM_50).fills_cart(INK))
    assert (verdict.state, verdict.seen, verdict.unit) == (state, seen, "EUR")


def test_what_the_platform_says_of_this_very_cart_goes_before_what_the_file_says_of_the_shop() -> None:
    filled = Shopper(shop=FREE_FROM_50).fills_cart(INK, free_from=3500)
    assert check('gap_to_free_shipping: "<= 5.10"', filled).seen == 510
    assert check('gap_to_free_shipping: "<= 5.10"', Shopper().fills_cart(INK, free_from=3500)).met


def test_a_cart_that_is_told_again_without_it_still_ships_for_free_from_there() -> None:
    filled = Shopper().fills_cart(INK, free_from=7500).fills_cart(INK, LAMP)
    assert filled.visitor.basket is not None
    assert filled.visitor.basket.free_shipping_from == 7500
    abroad = filled.fills_cart(INK, currency="GBP")
    assert check('gap_to_free_shipping: "<= 50"', abroad).state is State.UNKNOWN


def test_nothing_is_missing_once_shipping_is_free() -> None:
    assert (
        check('gap_to_free_shipping: "<= 20"', Shopper(shop=FREE_FROM_50).fills_cart(INK, LAMP)).seen == "free already"
    )
    assert check('gap_to_free_shipping: "<= 20"', Shopper(shop=FREE_FROM_50)).seen == "no cart"


def test_a_shop_without_free_shipping_has_no_gap() -> None:
    assert check('gap_to_free_shipping: "<= 20"', Shopper().fills_cart(INK)).state is State.UNKNOWN
    foreign = Shopper(shop=FREE_FROM_50).fills_cart(INK, currency="GBP")
    assert check('gap_to_free_shipping: "<= 20"', foreign).state is State.UNKNOWN


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "word"), [("coupon_rejected", "coupon_failed"), ("payment_failed", "payment_failed")]
)
def test_failures_count_for_the_cart_they_happened_to(event: str, word: str) -> None:
    shopper = Shopper().tells(event).later(MINUTE).fills_cart(INK)
    assert check(word, shopper).seen == 0
    shopper.later(MINUTE).tells(event).later(MINUTE).tells(event)
    assert check(f"{word}: 2", shopper).met
    assert check(f"{word}: 3", shopper).state is State.NOT_MET
    assert check(f"{word}: {{times: 2, within: 30s}}", shopper).seen == 1
    assert check(word, Shopper()).seen == "no cart"


def test_a_code_that_was_taken_after_all_did_not_fail() -> None:
    shopper = Shopper().fills_cart(INK).later(MINUTE).tells("coupon_rejected").later(MINUTE).tells("coupon_applied")
    assert check("coupon_failed", shopper).seen == "it worked afterwards"


def unpaid() -> Shopper:
    shopper = Shopper().fills_cart(INK).later(MINUTE)
    return shopper.tells("order_placed", order={"id": "o1", "cart_id": "c1", "total": 29.9, "paid": False})


def test_a_payment_may_fail_after_the_order() -> None:
    shopper = unpaid().later(MINUTE).tells("payment_failed")
    assert check("payment_failed", shopper).met
    assert check("payment_failed", shopper.later(MINUTE).tells("order_paid", order={"id": "o1"})).state is State.NOT_MET


@pytest.mark.parametrize(("after", "state"), [(HOUR, State.NOT_YET), (2 * HOUR, State.MET)])
def test_an_order_waits_for_its_payment(after: Millis, state: State) -> None:
    for text in ("unpaid_order: 2h", "cart_abandoned: {after: 2h, at: unpaid_order}"):
        verdict = check(text, unpaid(), after=after)
        assert (verdict.state, verdict.asks) == (state, Asks.CLOCK)


@pytest.mark.parametrize("event", ["order_paid", "order_cancelled", "order_shipped"])
def test_an_order_that_goes_on_waits_for_nothing(event: str) -> None:
    shopper = unpaid().later(MINUTE).tells(event, order={"id": "o1"})
    assert check("unpaid_order", shopper).state is State.NOT_MET
    assert check("cart_abandoned: {after: 1h, at: unpaid_order}", shopper, after=DAY).state is State.NOT_MET


def test_an_order_of_which_nothing_is_said_is_paid() -> None:
    assert check("unpaid_order", Shopper().fills_cart(INK).orders()).state is State.NOT_MET


# --- a line of the cart, and a cart kept ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contains", "met"),
    [
        ('{value: ">= 49"}', True),
        ('{value: ">= 49.01"}', False),
        ('{category: ink, value: ">= 29.90"}', True),
        ('{category: ink, value: ">= 30"}', False),
    ],
)
def test_the_value_of_one_line(contains: str, met: bool) -> None:
    assert check(f"cart: {{contains: {contains}}}", Shopper().fills_cart(INK, LAMP)).met is met


def test_the_value_of_a_line_in_another_currency_is_not_known() -> None:
    shopper = Shopper().fills_cart(INK, currency="GBP")
    assert check('cart: {contains: {value: ">= 1"}}', shopper).state is State.UNKNOWN
    assert check('cart: {contains: {category: lamps, value: ">= 1"}}', shopper).state is State.NOT_MET


def test_a_cart_kept_over_visits_is_a_wish_list() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK)
    assert check("wish_listed", shopper).seen == 0
    shopper.later(DAY).opens("cart").later(DAY).opens("cart")
    assert check("wish_listed", shopper).met
    assert check("wish_listed: 3", shopper).seen == 2
    verdict = check("wish_listed: {visits: 2, for: 3d}", shopper)
    assert (verdict.state, verdict.at) == (State.NOT_YET, shopper.at + DAY)


def test_a_cart_of_an_older_release_is_no_wish_list_for_all_we_know() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK)
    assert shopper.visitor.basket is not None
    shopper.visitor.basket.visit = 0
    assert check("wish_listed", shopper).state is State.UNKNOWN
    assert check("wish_listed", Shopper()).state is State.NOT_MET
