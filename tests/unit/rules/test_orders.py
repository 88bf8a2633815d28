"""What was bought, on whatever device, and what became of it."""

from __future__ import annotations

import pytest

from engine.clock import DAY, Millis
from engine.people import Person
from engine.rules.verdicts import Asks, State
from engine.visitors import Bought
from tests.unit.rules.shoppers import NOON, Shopper, check


def buyer() -> Shopper:
    """Two orders, of 60 and 40 euros, ten days apart."""
    shopper = Shopper().opens("home")
    shopper.tells("order_placed", order={"id": "1", "total": "60"}).later(10 * DAY)
    return shopper.tells("order_placed", order={"id": "2", "total": "40"})


@pytest.mark.parametrize(
    ("text", "after", "state"),
    [
        ("ordered", 0, State.MET),
        ("ordered: {within: 1d}", 0, State.MET),
        ("ordered: {within: 1d}", 2 * DAY, State.NOT_MET),
        ("ordered: {ago: 10d}", 0, State.MET),
        ("ordered: {ago: 11d}", 0, State.NOT_YET),
        ("ordered: {ago: 5d, within: 9d}", 0, State.NOT_YET),
        ("ordered: {ago: 5d, within: 9d}", 20 * DAY, State.NOT_MET),
        ('orders: ">= 2"', 0, State.MET),
        ("orders: 1", 0, State.NOT_MET),
        ("orders: {count: 1, since: 5d}", 0, State.MET),
        ('orders: {value: ">= 100"}', 0, State.MET),
        ('orders: {value: ">= 100", since: 5d}', 0, State.NOT_MET),
        ('orders: {count: 2, value: "< 100"}', 0, State.NOT_MET),
    ],
)
def test_orders_are_counted(text: str, after: Millis, state: State) -> None:
    assert check(text, buyer(), after=after).state is state


def test_the_clock_is_asked_when_an_order_will_be_long_enough_ago() -> None:
    verdict = check("ordered: {ago: 11d}", buyer())
    assert (verdict.at, verdict.asks) == (NOON + 11 * DAY, Asks.CLOCK)


def test_nobody_who_never_ordered_did() -> None:
    assert check("ordered", Shopper()).seen == "never"
    assert check("orders: 0", Shopper()).met


def test_orders_of_another_device_count() -> None:
    shopper = Shopper().opens("home")
    bought = [Bought("9", NOON - DAY, total=5000, delivered_at=NOON)]
    shopper.person = Person("p1", ordered_at=NOON - DAY, orders=1, bought=bought)
    for text in ("ordered: {within: 2d}", "orders: 1", 'orders: {value: "50"}', "delivered"):
        assert check(text, shopper).met


def test_a_cancelled_order_was_none() -> None:
    shopper = buyer().tells("order_cancelled", order={"id": "1"})
    assert check("orders: {value: 40}", shopper).met


def test_orders_in_another_currency_cannot_be_added() -> None:
    shopper = buyer().tells("order_placed", order={"id": "3", "total": "9", "currency": "GBP"})
    assert check('orders: {value: ">= 100"}', shopper).state is State.UNKNOWN
    assert check("orders: 3", shopper).met


@pytest.mark.parametrize(("event", "word"), [("order_delivered", "delivered"), ("order_returned", "returned")])
def test_what_became_of_an_order(event: str, word: str) -> None:
    shopper = buyer()
    assert check(word, shopper).state is State.NOT_MET
    shopper.later(DAY).tells(event, trusted=True, order={"id": "2"})
    assert check(word, shopper).met
    verdict = check(f"{word}: {{ago: 3d, within: 14d}}", shopper, after=DAY)
    assert (verdict.state, verdict.at) == (State.NOT_YET, shopper.at + 3 * DAY)
    assert check(f"{word}: {{ago: 3d, within: 14d}}", shopper, after=3 * DAY).met
    assert check(f"{word}: {{ago: 3d, within: 14d}}", shopper, after=15 * DAY).state is State.NOT_MET


def test_a_delivery_takes_its_time_directly() -> None:
    shopper = buyer().tells("order_delivered", trusted=True, order={"id": "2"})
    assert check("delivered: 3d", shopper, after=3 * DAY).met


def test_events_about_orders_may_come_in_any_order() -> None:
    early = Shopper().tells("order_delivered", order={"id": "1"})
    early.at -= DAY
    early.tells("order_placed", order={"id": "1", "total": "60"})
    (bought,) = early.visitor.bought
    assert (bought.at, bought.total, bought.delivered_at) == (NOON - DAY, 6000, NOON)
