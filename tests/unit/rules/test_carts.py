from __future__ import annotations

import pytest

from engine.clock import HOUR, MINUTE
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import INK, LAMP, Shopper, at_the_checkout, check

# --- what is in the cart ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", ['">= 29.90"', '"> 29"', '"29..30"', "29.90", '"<= 29.90"', '"€ 29.90"'])
def test_a_cart_of_29_90_fits(total: str) -> None:
    verdict = check(f"cart: {{total: {total}}}", Shopper().fills_cart(INK))
    assert verdict.met
    assert (verdict.seen, verdict.unit) == (2990, "EUR")


@pytest.mark.parametrize("total", ['">= 29.91"', '"< 29.90"', '"30..40"', "29"])
def test_a_cart_of_29_90_does_not_fit(total: str) -> None:
    verdict = check(f"cart: {{total: {total}}}", Shopper().fills_cart(INK))
    assert (verdict.state, verdict.seen) == (State.NOT_MET, 2990)


def test_pieces_are_counted_and_not_lines() -> None:
    shopper = Shopper().fills_cart(INK, LAMP)
    assert check('cart: {items: "3"}', shopper).met
    assert check('cart: {items: "2..3"}', shopper).met
    assert not check('cart: {items: "< 3"}', shopper).met


def test_contents_must_be_in_one_line() -> None:
    shopper = Shopper().fills_cart(INK, LAMP)
    assert check("cart: {contains: {category: ink, brand: [HP, epson]}}", shopper).met
    assert check("cart: {contains: {sku: LAMP}}", shopper).met
    assert check("cart: {contains: {product: 12}}", shopper).met
    verdict = check("cart: {contains: {category: lamps, brand: Epson}}", shopper)
    assert (verdict.state, verdict.wanted) == (State.NOT_MET, "lamps, Epson")


def test_everything_that_is_asked_of_a_cart_must_hold() -> None:
    shopper = Shopper().fills_cart(INK)
    assert check('cart: {total: ">= 20", items: 2}', shopper).met
    assert check('cart: {total: ">= 20", items: 3}', shopper).state is State.NOT_MET


def test_a_cart_is_filled_or_empty() -> None:
    assert check("cart: filled", Shopper().fills_cart(INK)).met
    assert check("cart: empty", Shopper()).met
    assert check("cart: empty", Shopper().fills_cart(INK).later(MINUTE).fills_cart()).met
    assert check("cart: empty", Shopper().fills_cart(INK)).seen == 2
    assert check('cart: {total: "< 100"}', Shopper()).state is State.NOT_MET


def test_a_total_in_another_currency_is_not_known_in_ours() -> None:
    shopper = Shopper().fills_cart(INK, currency="GBP")
    assert check('cart: {total: ">= 1"}', shopper).state is State.UNKNOWN
    assert check('cart: {total: ">= 1", items: 5}', shopper).state is State.NOT_MET


# --- left behind ------------------------------------------------------------------------------------------------------


def test_a_cart_left_for_an_hour_is_abandoned() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK)
    verdict = check("cart_abandoned: 1h", shopper, after=HOUR)
    assert verdict.met
    assert (verdict.seen, verdict.wanted, verdict.unit) == (HOUR, HOUR, "ms")


def test_the_clock_is_asked_when_a_cart_will_have_stood_still_long_enough() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK)
    verdict = check("cart_abandoned: 1h", shopper, after=20 * MINUTE)
    assert (verdict.state, verdict.asks) == (State.NOT_YET, Asks.CLOCK)
    assert verdict.at == shopper.at + HOUR
    assert verdict.seen == 20 * MINUTE


def test_somebody_still_in_the_shop_has_not_left_their_cart() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK).later(55 * MINUTE).opens("product")
    verdict = check("cart_abandoned: 1h", shopper, after=5 * MINUTE)
    assert verdict.state is State.NOT_YET
    assert verdict.at == shopper.at + 10 * MINUTE
    assert check("cart_abandoned: 1h", shopper, after=10 * MINUTE).met


def test_a_short_wait_needs_no_longer_absence_than_itself() -> None:
    shopper = Shopper().fills_cart(INK).later(5 * MINUTE).opens("product")
    assert check("cart_abandoned: 3m", shopper, after=3 * MINUTE - 1).state is State.NOT_YET
    assert check("cart_abandoned: 3m", shopper, after=3 * MINUTE).met


def test_a_step_forward_starts_the_wait_again() -> None:
    shopper = Shopper().fills_cart(INK).later(30 * MINUTE).does("checkout_started")
    assert check("cart_abandoned: 1h", shopper, after=30 * MINUTE).state is State.NOT_YET
    assert check("cart_abandoned: 1h", shopper, after=HOUR).met


def test_an_ordered_cart_is_not_abandoned() -> None:
    shopper = Shopper().fills_cart(INK).later(MINUTE).orders()
    assert check("cart_abandoned: 1h", shopper, after=2 * HOUR).state is State.NOT_MET


def test_a_cart_ordered_on_another_device_is_not_abandoned() -> None:
    shopper = Shopper().fills_cart(INK).may_be_mailed()
    assert shopper.person is not None
    shopper.person.ordered_carts.append("c1")
    assert check("cart_abandoned: 1h", shopper, after=2 * HOUR).seen == "ordered"


def test_no_cart_cannot_be_left() -> None:
    assert check("cart_abandoned: 1h", Shopper().opens("product"), after=2 * HOUR).state is State.NOT_MET


_STOPPED = {
    "in the cart": Shopper().opens("cart").fills_cart(INK),
    "while browsing": Shopper().opens("product").fills_cart(INK),
    "at the checkout": Shopper().opens("cart").fills_cart(INK).does("checkout_started"),
    "at the shipping cost": at_the_checkout(shipping=695),
    "at the payment": at_the_checkout(shipping=695).does("checkout_step_completed", step="shipping"),
}


@pytest.mark.parametrize(
    ("at", "fitting"),
    [
        ("browse", {"while browsing"}),
        ("cart", {"in the cart", "while browsing"}),
        ("checkout", {"at the checkout", "at the shipping cost", "at the payment"}),
        ("shipping", {"at the shipping cost"}),
        ("payment", {"at the payment"}),
    ],
)
def test_where_a_cart_stopped(at: str, fitting: set[str]) -> None:
    text = f"cart_abandoned: {{after: 1h, at: {at}}}"
    assert {place for place, shopper in _STOPPED.items() if check(text, shopper, after=2 * HOUR).met} == fitting


# --- shipping costs that surprise -------------------------------------------------------------------------------------


def test_a_cost_nobody_had_mentioned_is_a_surprise() -> None:
    verdict = check("unexpected_shipping: 3.00", at_the_checkout(shipping=695))
    assert verdict.met
    assert (verdict.seen, verdict.wanted, verdict.unit) == (695, 300, "EUR")


def test_a_cost_that_was_told_before_is_no_surprise() -> None:
    assert check("unexpected_shipping: 3.00", at_the_checkout(shipping=695, told=695)).state is State.NOT_MET
    assert check("unexpected_shipping: 3.00", at_the_checkout(shipping=695, told=395)).met


def test_an_estimate_shown_before_the_checkout_is_telling() -> None:
    shopper = Shopper().fills_cart(INK).later(MINUTE).sees_shipping(500, estimate=True)
    shopper.later(MINUTE).does("checkout_started").later(MINUTE).sees_shipping(695)
    assert check("unexpected_shipping: 3.00", shopper).seen == 195


def test_a_lower_price_later_takes_the_surprise_away() -> None:
    shopper = at_the_checkout(shipping=695).later(MINUTE).sees_shipping(0)
    assert check("unexpected_shipping: 3.00", shopper).state is State.NOT_MET


def test_a_higher_price_later_does_not_enlarge_the_surprise() -> None:
    assert (
        check("unexpected_shipping: 3.00", at_the_checkout(shipping=250).later(MINUTE).sees_shipping(995)).seen == 250
    )


def test_an_amount_or_a_share_either_will_do() -> None:
    shopper = at_the_checkout(shipping=270)  # 9.03% of 29.90
    assert check("unexpected_shipping: {at_least: 3.00, or_share: 9%}", shopper).met
    assert check("unexpected_shipping: {at_least: 2.70, or_share: 50%}", shopper).met
    assert not check("unexpected_shipping: {at_least: 3.00, or_share: 10%}", shopper).met


def test_a_share_is_told_in_percent() -> None:
    verdict = check("unexpected_shipping: {or_share: 9%}", at_the_checkout(shipping=270))
    assert verdict.unit == "%"
    assert verdict.seen == pytest.approx(0.0903, abs=0.0001)


def test_a_step_forward_shows_that_the_cost_was_accepted() -> None:
    shopper = at_the_checkout(shipping=695).later(MINUTE).does("checkout_step_completed", step="shipping")
    assert check("unexpected_shipping: 3.00", shopper).state is State.NOT_MET


def test_without_a_shipping_cost_there_is_no_surprise() -> None:
    assert check("unexpected_shipping: 3.00", Shopper()).state is State.NOT_MET
    assert check("unexpected_shipping: 3.00", Shopper().fills_cart(INK)).state is State.NOT_MET
