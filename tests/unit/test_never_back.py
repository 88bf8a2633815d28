"""One checkout is told by the page, by webhooks and by a later look, in any order: nothing that is known goes back."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from engine.clock import HOUR, MINUTE
from engine.leaving import stopped_at_shipping
from engine.visitors import Basket, Closed, Item, Stage
from tests.unit.rules.shoppers import NOON, Shopper

Story = tuple[int, str, dict[str, object]]
KOBALT: dict[str, object] = {"id": "11", "sku": "VL-I-01"}


def told_in_order(shopper: Shopper, *stories: Story) -> Shopper:
    """What happened so many minutes after noon, told one after the other."""
    for minute, kind, fields in stories:
        shopper.at = NOON + minute * MINUTE
        shopper.tells(kind, trusted=True, **fields)  # type: ignore[arg-type] # the fields of the event
    return shopper


def shipping(minute: int, price: str) -> Story:
    return minute, "shipping_shown", {"shipping": {"price": price, "currency": "EUR"}}


ORDERS_OF_SHIPPING = list(permutations([shipping(1, "4.95"), shipping(2, "6.95"), shipping(3, "5.95")]))


@pytest.mark.parametrize("order", ORDERS_OF_SHIPPING)
def test_the_shipping_cost_is_the_latest_and_the_first_one_the_earliest(
    order: tuple[Story, ...],
) -> None:
    cart: dict[str, object] = {"cart": {"id": "c1", "lines": [{"sku": "INK-1", "price": "24.95"}]}}
    basket = told_in_order(Shopper(), (0, "cart_updated", cart), *order).visitor.basket
    assert basket is not None
    assert (basket.shipping_first, basket.shipping_now, basket.shipping_at) == (495, 595, NOON + MINUTE)


@pytest.mark.parametrize("first", [0, 1])
def test_who_was_stopped_by_shipping_was_so_by_any_clock(first: int) -> None:
    """The page tells milliseconds, the platform whole seconds: neither is a step forward beyond the other."""
    cart: dict[str, object] = {"cart": {"id": "c1", "lines": [{"sku": "INK-1", "price": "24.95"}]}}
    shopper = told_in_order(Shopper(), (0, "cart_updated", cart), (1, "checkout_started", cart))
    for late_ms in (456, 0) if first else (0, 456):
        shopper.at = NOON + 2 * MINUTE + late_ms
        shopper.tells("shipping_shown", trusted=True, shipping={"price": "6.95", "currency": "EUR"})
    assert shopper.visitor.basket is not None
    assert stopped_at_shipping(shopper.visitor.basket)
    shopper.later(MINUTE).tells("checkout_step_completed", step="shipping")
    assert not stopped_at_shipping(shopper.visitor.basket)


@pytest.mark.parametrize("late", ["price", "stock"])
def test_an_older_price_or_stock_that_comes_late_changes_nothing(late: str) -> None:
    seen: dict[str, object] = {"product": KOBALT | {"price": "14.50", "stock": 3}}
    newer: dict[str, object] = {"product": KOBALT | {"price": "12.00", "stock": 0}}
    older: dict[str, object] = {"product": KOBALT | {late: 9}}
    stories: list[Story] = [(0, "product_viewed", seen), (60, "stock_changed", newer), (30, "stock_changed", older)]
    shopper = told_in_order(Shopper(), *stories)
    [good] = shopper.visitor.goods
    assert (good.price, good.stock, good.dropped_at, good.back_at) == (1200, 0, NOON + HOUR, None)


PLACED: Story = (0, "order_placed", {"order": {"id": "o1", "total": "9.95", "paid": False}})
PAID: Story = (30, "order_paid", {"order": {"id": "o1"}})
UPDATED: Story = (10, "order_updated", {"order": {"id": "o1", "paid": False}})
CANCELLED: Story = (50, "order_cancelled", {"order": {"id": "o1"}})
ORDERS_OF_ORDERS = list(permutations([PLACED, PAID, UPDATED, CANCELLED]))


@pytest.mark.parametrize("order", ORDERS_OF_ORDERS)
def test_a_paid_order_stays_paid_and_a_cancelled_one_cancelled(
    order: tuple[Story, ...],
) -> None:
    [bought] = told_in_order(Shopper(), *order).visitor.bought
    assert (bought.unpaid, bought.cancelled, bought.total) == (False, True, 995)


def test_a_cart_of_an_older_release_goes_on_from_when_it_last_changed() -> None:
    """Its row does not say when it was told; an order of another cart that is heard of late takes nothing from it."""
    shopper = Shopper()
    shopper.visitor.basket = Basket("c2", NOON + HOUR, NOON + 2 * HOUR)
    other: Story = (30, "order_placed", {"order": {"id": "o1", "total": "9.95", "cart_id": "c1", "lines": [KOBALT]}})
    basket = told_in_order(shopper, other).visitor.basket
    assert basket is not None
    assert (basket.id, basket.opened_at, basket.progressed_at) == ("c2", NOON + HOUR, NOON + 2 * HOUR)


def test_a_checkout_of_an_older_release_goes_on_from_where_it_was() -> None:
    """Its row says how things stood, and not what was told."""
    before = Basket("c1", NOON, NOON + 9 * MINUTE, total=2_495, items=[Item("INK-1", "INK-1", value=2_495)])
    before = replace(
        before, stage=Stage.SHIPPING, stage_at=NOON + 4 * MINUTE, moved_at=NOON + 9 * MINUTE, step="payment"
    )
    before = replace(before, shipping_expected=495, shipping_first=695, shipping_at=NOON + 4 * MINUTE, told_at=NOON + 8)
    before = replace(before, shipping_now=595, shipping_told_at=NOON + 6 * MINUTE, total_before=2_295, delivery_days=3)
    shopper = Shopper()
    shopper.visitor.basket = replace(before)
    after = told_in_order(shopper, (10, "cart_viewed", {}), (10, "payment_failed", {})).visitor.basket
    further = replace(before, stage=Stage.PAYMENT, stage_at=NOON + 10 * MINUTE, progressed_at=NOON + 10 * MINUTE)
    assert after is not None
    assert replace(after, goods=0, visit=0) == replace(further, told_at=after.told_at)


def test_what_an_older_release_knew_as_over_stays_so() -> None:
    shopper = Shopper()
    shopper.visitor.closed = Closed("c1", NOON, "INK-1×1", ["own-1"], "o1")
    shopper.visitor.emptied_at = NOON - HOUR
    echoes: list[Story] = [
        (5, "cart_updated", {"cart": {"id": name, "lines": [{"sku": "INK-1"}]}}) for name in ("c1", "other")
    ]
    assert told_in_order(shopper, *echoes).visitor.basket is None
    assert shopper.visitor.closed is not None
    assert (shopper.visitor.closed.names, shopper.visitor.emptied_at) == (["c1", "own-1"], NOON - HOUR)


PRICES = [(10, "22.95"), (20, "19.95"), (0, "24.95"), (15, "21.95")]


def cart_at(price: str) -> dict[str, object]:
    return {"cart": {"id": "c1", "lines": [{"sku": "INK-1", "price": price}]}}


def test_an_older_telling_of_the_cart_brings_no_old_price_back() -> None:
    stories: list[Story] = [(minute, "cart_updated", cart_at(price)) for minute, price in PRICES]
    basket = told_in_order(Shopper(), *stories).visitor.basket
    assert basket is not None
    assert (basket.total, basket.opened_at, basket.progressed_at) == (1995, NOON, NOON)
