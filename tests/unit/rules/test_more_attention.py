"""Pages seen, time in the shop, idling, leaving, scrolling."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import Shopper, check

INK = "https://shop.example/inkt/zwart"


def reader() -> Shopper:
    """Two pages of returns, then a product."""
    return Shopper().opens("returns").later(MINUTE).opens("returns").later(MINUTE).opens("product", INK)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("seen_page: returns", State.MET),
        ("seen_page: {type: returns, at_least: 2}", State.MET),
        ("seen_page: {type: [faq, returns], at_least: 3}", State.NOT_MET),
        ("seen_page: {type: returns, at_least: 2, within: 90s}", State.NOT_MET),
        ("seen_page: {type: returns, at_least: 1, within: 90s}", State.MET),
        ('pages_viewed: ">= 3"', State.MET),
        ('pages_viewed: "< 3"', State.NOT_MET),
        ("pages_viewed: {count: 2, type: returns}", State.MET),
        ('pages_viewed: {count: ">= 3", type: [returns, product]}', State.MET),
        ('pages_viewed: {count: ">= 4", across: visits}', State.NOT_MET),
    ],
)
def test_pages_are_counted(text: str, state: State) -> None:
    assert check(text, reader()).state is state


def test_pages_of_earlier_visits_are_remembered() -> None:
    shopper = reader().later(DAY).opens("home")
    assert check("seen_page: returns", shopper).met
    assert check("pages_viewed: 1", shopper).met
    assert check("pages_viewed: {count: 4, across: visits}", shopper).met
    assert check("pages_viewed: {count: 0, type: returns}", shopper).met


def test_an_address_is_watched_from_when_the_rule_goes_live() -> None:
    text = 'seen_page: {url: "/inkt/*", at_least: 2}'
    before, after = Shopper(), Shopper(text)
    for shopper in (before, after):
        shopper.opens("product", INK).opens("product", INK).opens("product", "https://shop.example/papier")
    assert (check(text, before).state, check(text, before).seen) == (State.NOT_MET, 0)
    assert (check(text, after).state, check(text, after).seen) == (State.MET, 2)


def test_time_in_the_shop_is_engaged_time_over_all_pages() -> None:
    shopper = Shopper().reads("product", 100).reads("faq", 50)
    verdict = check("time_on_site: 3m", shopper)
    assert (verdict.state, verdict.asks, verdict.seen) == (State.NOT_YET, Asks.ENGAGED, 150_000)
    assert verdict.at == shopper.at + 30 * SECOND
    assert check("time_on_site: 2m30s", shopper).met


def test_elapsed_time_runs_while_the_page_is_there() -> None:
    shopper = Shopper().opens("home").later(4 * MINUTE).opens("faq")
    verdict = check("time_on_site: {for: 5m, counting: elapsed}", shopper)
    assert (verdict.state, verdict.asks, verdict.at) == (State.NOT_YET, Asks.VISIBLE, shopper.at + MINUTE)
    assert check("time_on_site: {for: 4m, counting: elapsed}", shopper).met


def test_nobody_spends_time_in_a_shop_they_left() -> None:
    shopper = Shopper().reads("product", 200)
    assert check("time_on_site: 3m", shopper).met
    assert check("time_on_site: 3m", shopper, after=HOUR).state is State.NOT_MET
    assert check("time_on_site: 3m", Shopper()).state is State.NOT_MET


# --- idling -----------------------------------------------------------------------------------------------------------


def test_a_page_on_which_nothing_happens_is_idle() -> None:
    shopper = Shopper().opens("product").later(20 * SECOND).has_engaged(20).later(50 * SECOND).has_engaged(20)
    verdict = check("idle: 1m", shopper)
    assert (verdict.state, verdict.asks, verdict.seen) == (State.NOT_YET, Asks.VISIBLE, 50_000)
    assert verdict.at == shopper.at + 10 * SECOND
    assert check("idle: 50s", shopper).met


@pytest.mark.parametrize("sign", ["scrolled", "product_viewed", "page_shown"])
def test_whatever_the_shopper_does_ends_idling(sign: str) -> None:
    shopper = Shopper().opens("product").later(MINUTE)
    shopper.tells(sign, product={"sku": "A"}, depth=50)
    assert check("idle: 1m", shopper).seen == 0


def test_a_page_nobody_can_see_is_not_idle() -> None:
    shopper = Shopper().opens("product").later(2 * MINUTE).looks_away()
    assert check("idle: 1m", shopper).seen == "hidden"
    assert check("idle: 1m", Shopper()).seen == "no page"


def test_idling_is_never_assumed() -> None:
    verdict = check("idle: 1m", Shopper().opens("product"), after=5 * MINUTE)
    assert (verdict.state, verdict.seen) == (State.NOT_YET, 0)


# --- leaving and scrolling --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "by", "later", "state"),
    [
        ("exit_intent", "mouse", 0, State.MET),
        ("exit_intent", "touch", 0, State.MET),
        ("exit_intent: touch", "touch", 0, State.MET),
        ("exit_intent: touch", "mouse", 0, State.NOT_MET),
        ("exit_intent: {by: mouse, within: 10s}", "mouse", 11 * SECOND, State.NOT_MET),
        ("exit_intent", "mouse", 61 * SECOND, State.NOT_MET),
    ],
)
def test_a_sign_of_leaving(text: str, by: str, later: Millis, state: State) -> None:
    shopper = Shopper().opens("cart").tells("exit_intended", by=by)
    assert check(text, shopper, after=later).state is state


def test_a_sign_of_leaving_belongs_to_its_page() -> None:
    assert check("exit_intent", Shopper().opens("cart").tells("exit_intended").opens("faq")).state is State.NOT_MET
    assert check("exit_intent", Shopper().opens("cart")).state is State.NOT_MET


def test_the_deepest_scroll_counts_for_its_page() -> None:
    shopper = Shopper().opens("faq").tells("scrolled", depth=75).tells("scrolled", depth=25)
    assert check("scrolled: 75%", shopper).met
    assert check("scrolled: 76%", shopper).state is State.NOT_MET
    assert check("scrolled: 25%", shopper.opens("product")).state is State.NOT_MET
    assert check("scrolled: 25%", Shopper()).state is State.NOT_MET
