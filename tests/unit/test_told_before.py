"""What is told of a checkout before its cart, of another cart, or in another currency finds the cart it was told of."""

from __future__ import annotations

from itertools import permutations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.leaving import Reason, other_costs, shipping_surprise, why_left
from engine.rules.shop import Shop
from engine.visitors import Basket, Stage, Visitor, apply
from tests.builders import NOON, cart, event, line

Telling = tuple[Millis, str, dict[str, object]]
TEA = line("TEA", price="30.00")
CUP = line("CUP", price="9.50")


def filled(at: Millis, *lines: dict[str, object], name: str | None = "c1", **fields: object) -> Telling:
    return at, "cart_updated", {"cart": cart(*lines, cart_id=name) | fields}


def shipping(at: Millis, price: str, **fields: object) -> Telling:
    return at, "shipping_shown", {"shipping": {"price": price, "currency": "EUR"} | fields}


def at_checkout(at: Millis, *lines: dict[str, object], **fields: object) -> Telling:
    return at, "checkout_started", {"cart": cart(*lines) | fields} if lines else {}


def hear(*tellings: Telling) -> Visitor:
    """A visitor who hears these one after the other; each happened so long after noon."""
    visitor = Visitor()
    for at, kind, fields in tellings:
        apply(visitor, event(kind, NOON + at, trusted=True, **fields), page_type="other")
    return visitor


def cart_after(*tellings: Telling) -> Basket:
    basket = hear(*tellings).basket
    assert basket is not None
    return basket


def reason_after(*tellings: Telling) -> Reason:
    return why_left(hear(*tellings), None, Shop(), NOON + DAY)


# --- before the cart --------------------------------------------------------------------------------------------------


def test_a_shipping_cost_that_comes_here_before_its_cart_is_that_carts() -> None:
    cart_told, cost_told = filled(0, TEA), shipping(MINUTE, "6.95")
    assert reason_after(cost_told, cart_told) == reason_after(cart_told, cost_told)
    assert reason_after(cost_told, cart_told).kind == "unexpected_shipping"


def test_a_shipping_cost_that_happened_a_moment_before_the_cart_was_told_is_that_carts() -> None:
    basket = cart_after(shipping(0, "6.95"), filled(5 * SECOND, TEA))
    assert (basket.shipping_now, basket.stage) == (695, Stage.SHIPPING)


def test_an_estimate_that_comes_here_before_its_cart_makes_the_cost_no_surprise() -> None:
    told = [shipping(0, "6.95", estimate=True), shipping(2 * MINUTE, "6.95"), filled(MINUTE, TEA)]
    assert {shipping_surprise(cart_after(*order)) for order in permutations(told)} == {0}


def test_how_far_somebody_came_before_the_cart_is_known_is_not_lost() -> None:
    done: Telling = (MINUTE, "checkout_step_completed", {"step": "payment"})
    assert cart_after(done, filled(0, TEA)).stage is Stage.PAYMENT


@pytest.mark.parametrize("later", [HOUR, 30 * DAY])
def test_a_cost_of_an_earlier_visit_is_not_the_carts_of_a_later_one(later: Millis) -> None:
    basket = cart_after(shipping(0, "6.95"), filled(later, TEA))
    assert (basket.shipping_at, basket.stage) == (None, Stage.CART)


ORDERED: Telling = (2 * MINUTE, "order_placed", {"order": {"id": "o1", "cart_id": "c1"}})
EMPTIED = filled(2 * MINUTE)


@pytest.mark.parametrize("over", [ORDERED, EMPTIED], ids=["ordered", "emptied"])
@pytest.mark.parametrize("cost_at", [MINUTE, 3 * MINUTE], ids=["before", "as an echo"])
def test_a_cost_of_a_cart_that_is_over_is_not_the_next_ones(over: Telling, cost_at: Millis) -> None:
    told = [filled(0, TEA), shipping(cost_at, "6.95"), over, filled(4 * MINUTE, CUP, name="c2")]
    known = {(cart_after(*order).id, cart_after(*order).shipping_at) for order in permutations(told)}
    assert known == {("c2", None)}


# --- of another cart, in another currency -----------------------------------------------------------------------------


def test_the_cost_that_was_shown_for_one_cart_does_not_become_the_next_ones() -> None:
    told = [filled(0, TEA), shipping(MINUTE, "6.95"), filled(2 * MINUTE, CUP, name="c2")]
    known = {(cart_after(*order).id, cart_after(*order).shipping_now) for order in permutations(told)}
    assert known == {("c2", None)}


def test_a_cost_in_the_currency_in_which_the_cart_is_told_later_counts_then() -> None:
    dollars = filled(2 * MINUTE, TEA, currency="USD")
    told = [filled(0, TEA), shipping(MINUTE, "6.95", currency="USD"), dollars]
    known = {(cart_after(*order).currency, cart_after(*order).shipping_now) for order in permutations(told)}
    assert known == {("USD", 695)}


# --- costs that grow --------------------------------------------------------------------------------------------------


def test_what_the_cart_came_to_before_the_checkout_is_known_in_whatever_order_it_is_told() -> None:
    told = [
        filled(0, TEA, CUP, total="39.50"),
        filled(MINUTE, TEA, CUP, total="41.00"),
        at_checkout(2 * MINUTE, TEA, CUP, total="41.00"),
        filled(3 * MINUTE, TEA, CUP, total="44.00"),
    ]
    orders = [cart_after(*order) for order in permutations(told)]
    assert {(basket.total_before, basket.total, other_costs(basket)) for basket in orders} == {(4100, 4400, 300)}


def test_a_cart_that_is_first_told_at_the_checkout_is_held_against_what_it_came_to_there() -> None:
    told = [at_checkout(0, TEA, total="30.00"), filled(MINUTE, TEA, total="32.50")]
    assert {other_costs(cart_after(*order)) for order in permutations(told)} == {250}


def test_other_goods_are_not_held_against_what_the_cart_came_to_before() -> None:
    told = [filled(0, TEA), at_checkout(MINUTE), filled(2 * MINUTE, TEA, CUP)]
    assert {other_costs(cart_after(*order)) for order in permutations(told)} == {0}
