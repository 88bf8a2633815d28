"""How far a shopper is, from looking around to sending something back."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE
from engine.people import Person
from engine.rules.conditions.journey import STAGES
from engine.rules.verdicts import State
from engine.visitors import Bought
from tests.unit.rules.shoppers import INK, NOON, Shopper, check


def stage(shopper: Shopper) -> str:
    """The one stage the shopper is in."""
    (found,) = [name for name in STAGES if check(f"stage: {name}", shopper).met]
    return found


def ordered(shopper: Shopper, name: str = "o1") -> Shopper:
    return shopper.tells("order_placed", order={"id": name, "total": "30"})


def hears(shopper: Shopper, event: str) -> Shopper:
    return shopper.tells(event, trusted=True, order={"id": "o1"})


@pytest.mark.parametrize("page", ["home", "category", "search", "blog", "faq", "knowledge_base", "returns", "account"])
def test_who_looks_around_does_research(page: str) -> None:
    assert stage(Shopper().opens(page)) == "research"


def test_who_looks_at_a_product_or_has_something_in_the_cart_is_choosing() -> None:
    assert stage(Shopper().opens("home").opens("product").opens("faq")) == "discovery"
    assert stage(Shopper().opens("home").fills_cart(INK)) == "discovery"
    assert stage(Shopper().tells("product_viewed", product={"sku": "A"})) == "discovery"


def test_a_product_of_the_last_visit_is_no_choice_today() -> None:
    assert stage(Shopper().opens("product").later(DAY).opens("home")) == "research"


def test_who_began_the_checkout_is_ordering_also_after_a_look_elsewhere() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK).does("checkout_started").later(MINUTE).opens("returns")
    assert stage(shopper) == "ordering"
    assert stage(shopper.later(HOUR)) == "ordering"


def test_a_checkout_of_an_earlier_visit_is_a_cart_today() -> None:
    shopper = Shopper().opens("cart").fills_cart(INK).does("checkout_started").later(DAY).opens("home")
    assert stage(shopper) == "discovery"
    assert stage(shopper.does("checkout_step_completed", step="contact")) == "ordering"


def test_an_order_is_awaited_until_it_is_delivered_or_two_weeks_old() -> None:
    shopper = ordered(Shopper().opens("product").later(DAY))
    assert stage(shopper) == "delivery"
    assert stage(shopper.later(13 * DAY).opens("product")) == "delivery"
    assert stage(shopper.later(2 * DAY).opens("home")) == "research"
    assert stage(hears(ordered(Shopper().opens("home")), "order_delivered")) == "research"


def test_a_cancelled_order_is_not_awaited() -> None:
    assert stage(hears(ordered(Shopper().opens("home")), "order_cancelled")) == "research"


def test_whoever_fills_a_new_cart_while_waiting_is_choosing() -> None:
    assert stage(ordered(Shopper().opens("home")).later(HOUR).fills_cart(INK)) == "discovery"


def test_reading_about_returns_after_an_order_means_that_order() -> None:
    shopper = hears(ordered(Shopper().opens("home")), "order_delivered").later(30 * DAY)
    assert stage(shopper.opens("returns")) == "returns"
    assert stage(shopper.later(DAY).opens("home")) == "research"
    assert stage(shopper.later(30 * DAY).opens("returns")) == "research"


def test_a_parcel_on_its_way_back_is_on_somebody_s_mind_for_two_weeks() -> None:
    shopper = hears(ordered(Shopper().opens("home")).later(DAY), "order_returned")
    assert stage(shopper) == "returns"
    assert stage(shopper.later(15 * DAY).opens("home")) == "research"


def test_an_order_on_another_device_counts_also_for_somebody_who_was_never_here() -> None:
    shopper = Shopper()
    shopper.person = Person("p1", bought=[Bought("9", NOON - DAY)])
    assert stage(shopper) == "delivery"


def test_of_somebody_of_whom_nothing_is_known_nothing_is_said() -> None:
    assert check("stage: research", Shopper()).state is State.UNKNOWN
    assert check("not: {stage: research}", Shopper()).state is State.UNKNOWN


def test_it_tells_what_it_saw() -> None:
    verdict = check("stage: [delivery, returns]", Shopper().opens("product"))
    assert (verdict.seen, verdict.wanted) == ("discovery", "delivery or returns")
