"""Carts that were left: when, where they stopped, what nobody is mailed about, and shipping that surprised."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decisions import Guard
from engine.visitors import Stage
from tests.builders import KB, LEFT, NOON, SURPRISE, Visit, cart, line, rule_set

# --- the cart ---------------------------------------------------------------------------------------------------------


def test_a_cart_left_for_an_hour_is_mailed_about_at_that_very_moment() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart()
    assert shopper.due_at == NOON + HOUR
    shopper.waits(HOUR)
    (planned,) = shopper.last.planned
    assert (planned.kind, planned.due_at) == ("email", NOON + HOUR)


def test_a_shopper_who_is_still_here_has_not_left() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(55 * MINUTE).opens(KB)
    assert shopper.due_at == NOON + 65 * MINUTE
    assert shopper.waits(9 * MINUTE).fired == []
    assert shopper.waits(MINUTE).fired == ["left"]


@pytest.mark.parametrize("word", ["browse", "cart", "checkout", "shipping", "payment"])
def test_a_cart_may_have_to_stop_at_a_certain_place(word: str) -> None:
    stops: dict[str, list[tuple[str, dict[str, object]]]] = {
        "browse": [],
        "cart": [("cart_viewed", {})],
        "checkout": [("checkout_started", {})],
        "shipping": [("checkout_started", {}), ("shipping_shown", {"shipping": {"price": "6.95"}})],
        "payment": [("checkout_started", {}), ("payment_failed", {})],
    }
    holds_at = {
        "browse": {"browse"}, "cart": {"browse", "cart"}, "checkout": {"checkout", "shipping", "payment"},
        "shipping": {"shipping"}, "payment": {"payment"},
    }  # fmt: skip
    rule = LEFT.replace("1h", f"{{after: 1h, at: {word}}}")
    for place, steps in stops.items():
        shopper = Visit(rule_set(rule)).may_be_mailed().fills_cart()
        for kind, fields in steps:
            shopper.later(SECOND).does(kind, **fields)  # type: ignore[arg-type] # fields of the event
        shopper.waits(2 * HOUR)
        assert bool(shopper.fired) == (place in holds_at[word]), f"{word}: left at {place}"


def test_an_emptied_cart_is_never_mailed_about() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(30 * MINUTE).empties_cart().waits(DAY)
    assert shopper.fired == []
    assert shopper.due_at is None


def test_a_bought_cart_is_never_mailed_about() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(30 * MINUTE).orders().waits(DAY)
    assert shopper.fired == []


def test_echoes_after_the_order_do_not_bring_a_mail() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart(cart_id=None).later(30 * MINUTE).orders(cart_id=None)
    shopper.later(MINUTE).fills_cart(cart_id=None)
    shopper.later(4 * HOUR).does("cart_updated", ago=4 * HOUR + 10 * MINUTE, cart=cart(line("PEN"), cart_id=None))
    assert shopper.waits(2 * DAY).fired == []


def test_a_second_cart_of_somebody_who_unsubscribed_is_not_mailed_about() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().waits(2 * HOUR)
    assert shopper.person is not None
    shopper.person.unsubscribed_at = shopper.now
    shopper.fills_cart(line("PEN"), cart_id="c2").waits(2 * HOUR)
    assert shopper.fired == ["left"]
    assert shopper.silences == [("left", Guard.SUPPRESSED)]


# --- unexpected shipping ----------------------------------------------------------------------------------------------


def at_the_checkout(told: str | None = None, value: str = "24.95") -> Visit:
    shopper = Visit(rule_set(SURPRISE)).may_be_mailed()
    return (
        shopper.fills_cart(line(price=value), shipping_estimate=told)
        .later(MINUTE)
        .does("checkout_started")
        .later(MINUTE)
    )


def test_a_shipping_cost_that_nobody_had_mentioned_is_a_surprise() -> None:
    assert at_the_checkout().sees_shipping("3.00").waits(2 * HOUR).fired == ["surprise"]


def test_a_small_cost_that_is_a_small_share_is_none() -> None:
    assert at_the_checkout(value="100.00").sees_shipping("2.99").waits(2 * HOUR).fired == []


def test_a_small_cost_that_is_a_large_share_is_one() -> None:
    assert at_the_checkout(value="10.00").sees_shipping("0.80").waits(2 * HOUR).fired == ["surprise"]


def test_a_cost_that_was_told_before_is_none() -> None:
    assert at_the_checkout(told="6.95").sees_shipping("6.95").waits(2 * HOUR).fired == []


def test_only_what_goes_beyond_what_was_told_is_the_surprise() -> None:
    assert at_the_checkout(told="4.00", value="100.00").sees_shipping("6.95").waits(2 * HOUR).fired == []
    assert at_the_checkout(told="3.95", value="100.00").sees_shipping("6.95").waits(2 * HOUR).fired == ["surprise"]


def test_of_several_costs_told_before_the_highest_was_expected() -> None:
    shopper = at_the_checkout(told="6.95").sees_shipping("2.00", estimate=True)
    assert shopper.later(SECOND).sees_shipping("6.95").waits(2 * HOUR).fired == []


def test_an_estimate_after_the_fact_excuses_nothing() -> None:
    shopper = at_the_checkout().sees_shipping("6.95").later(SECOND).sees_shipping("6.95", estimate=True)
    assert shopper.waits(2 * HOUR).fired == ["surprise"]


def test_a_lower_price_later_takes_the_surprise_away() -> None:
    shopper = at_the_checkout().sees_shipping("6.95").later(MINUTE).sees_shipping("0.00")
    assert shopper.waits(2 * HOUR).fired == []


def test_a_higher_price_later_counts_as_what_was_shown_first() -> None:
    shopper = at_the_checkout(value="100.00").sees_shipping("2.00").later(MINUTE).sees_shipping("12.00")
    assert shopper.waits(2 * HOUR).fired == []


def test_whoever_took_a_step_forward_was_not_stopped_by_the_cost() -> None:
    shopper = at_the_checkout().sees_shipping("6.95").later(MINUTE).does("checkout_step_completed", step="shipping")
    assert shopper.visitor.basket is not None
    assert shopper.visitor.basket.stage is Stage.PAYMENT
    assert shopper.waits(2 * HOUR).fired == []


def test_free_shipping_is_no_surprise() -> None:
    assert at_the_checkout(value="1.00").sees_shipping("0.00").waits(2 * HOUR).fired == []
