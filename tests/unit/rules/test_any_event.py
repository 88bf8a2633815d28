"""Events by their own fields, what did not happen, and what happened in order."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.rules.verdicts import Asks, State
from engine.visitors import MAX_TIMES
from tests.unit.rules.shoppers import Shopper, check

VIDEO = {"plan": "Pro", "seconds": 40, "finished": True, "product": {"category": "Ink"}, "price": "12.50"}


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("{plan: pro}", True),
        ("{plan: [team, PRO]}", True),
        ("{plan: team}", False),
        ('{plan: "p*"}', True),
        ('{plan: "*x*"}', False),
        ('{plan: "~ ^pr.$"}', True),
        ('{plan: "~ ^r"}', False),
        ('{seconds: ">= 40"}', True),
        ('{seconds: "> 40"}', False),
        ('{seconds: "30..50"}', True),
        ('{seconds: "< 41"}', True),
        ('{seconds: "<= 39"}', False),
        ("{seconds: 40.0}", True),
        ("{finished: true}", True),
        ("{finished: false}", False),
        ('{finished: ">= 1"}', False),
        ("{product.category: ink}", True),
        ('{price: ">= 12.5"}', True),
        ('{plan: ">= 3"}', False),
        ("{nothing: x}", False),
        ('{nothing: "*"}', False),
        ("{plan: pro, seconds: 41}", False),
        ("{plan: pro, seconds: 40}", True),
        ("{product: ink}", False),
    ],
)
def test_an_events_own_fields_are_asked(where: str, fits: bool) -> None:
    text = f"happened: {{event: video_played, where: {where}}}"
    shopper = Shopper(text).opens("product").tells("video_played", **VIDEO)  # type: ignore[arg-type] # its fields
    assert check(text, shopper).met is fits


@pytest.mark.parametrize("inside", ["properties", "params", "data"])
def test_fields_are_found_where_the_vocabularies_put_them(inside: str) -> None:
    text = "happened: {event: quiz_completed, where: {score: 8}}"
    shopper = Shopper(text).opens("product").tells("quiz_completed", **{inside: {"score": 8}})  # type: ignore[arg-type]
    assert check(text, shopper).met


def test_what_happened_before_the_rule_went_live_does_not_count() -> None:
    text = "happened: {event: video_played, where: {plan: pro}}"
    shopper = Shopper().opens("product").tells("video_played", plan="pro")
    assert check(text, shopper).seen == 0


def test_events_with_fields_are_counted_in_such_a_time() -> None:
    text = "happened: {event: video_played, where: {plan: pro}, at_least: 2, within: 10m}"
    shopper = Shopper(text).opens("product").tells_again(2, "video_played", every=4 * MINUTE, plan="pro")
    assert check(text, shopper).met
    assert check(text, shopper, after=7 * MINUTE).seen == 1


def test_a_field_is_added_up() -> None:
    text = "happened: {event: video_played, sum: seconds, at_least: 100}"
    shopper = Shopper(text).opens("product").tells_again(30, "video_played", seconds=3.5)
    verdict = check(text, shopper)
    assert (verdict.state, verdict.seen) == (State.MET, 105.0)


def test_a_field_is_added_up_over_some_time() -> None:
    text = "happened: {event: order_placed, sum: order.total, at_least: 100, within: 30d}"
    shopper = Shopper(text)
    for number, total in enumerate(["60.00", "55.50"]):
        shopper.later(20 * DAY).tells("order_placed", order={"id": str(number), "total": total})
    assert check(text, shopper).seen == 115.5
    assert check(text, shopper, after=15 * DAY).seen == 55.5


@pytest.mark.parametrize("odd", [None, True, "many", "NaN", "1e999", [3], {"a": 1}])
def test_what_is_no_number_adds_nothing(odd: object) -> None:
    text = "happened: {event: video_played, sum: seconds}"
    assert check(text, Shopper(text).tells("video_played", seconds=odd)).seen == 0


def test_different_values_are_counted_once_each() -> None:
    text = "happened: {event: product_viewed, distinct: product.sku, at_least: 3}"
    shopper = Shopper(text).opens("product")
    for sku in ("A", "B", "A", "B", "A"):
        shopper.later(MINUTE).tells("product_viewed", product={"sku": sku})
    assert check(text, shopper).seen == 2
    assert check(text, shopper.tells("product_viewed", product={"sku": "C"})).met
    lately = "happened: {event: product_viewed, distinct: product.sku, at_least: 3, within: 1m}"
    assert check(lately, shopper, after=30 * SECOND).seen == 2


@pytest.mark.parametrize("signal", ["scrolled", "checked_in", "page_hidden"])
def test_frequent_signals_are_watched_when_somebody_asks(signal: str) -> None:
    text = f"happened: {{event: {signal}, at_least: 5, within: 1m}}"
    shopper = Shopper(text).opens("faq").tells_again(5, signal)
    assert check(text, shopper).met
    assert signal not in shopper.visitor.tallies


def test_what_is_watched_stays_small() -> None:
    text = "happened: {event: product_viewed, distinct: product.sku, at_least: 3}"
    shopper = Shopper(text)
    for number in range(100):
        shopper.later(SECOND).tells("product_viewed", product={"sku": f"sku-{number}"})
    (series,) = shopper.visitor.watched.values()
    assert len(series.times) == len(series.values) == MAX_TIMES
    assert series.values[-1] == "sku-99"


# --- what did not happen ----------------------------------------------------------------------------------------------


def test_what_never_happened() -> None:
    assert check("not_happened: chat_started", Shopper().opens("faq")).met
    assert check("not_happened: chat_started", Shopper().opens("faq").tells("chat_started")).state is State.NOT_MET


@pytest.mark.parametrize(
    ("after", "state"), [(7 * DAY - 1, State.NOT_YET), (7 * DAY, State.MET)], ids=["just before", "then"]
)
def test_what_did_not_happen_for_a_week(after: Millis, state: State) -> None:
    shopper = Shopper().opens("product").tells("product_viewed", product={"sku": "A"})
    verdict = check("not_happened: {event: product_viewed, for: 7d}", shopper, after=after)
    assert verdict.state is state
    if state is State.NOT_YET:
        assert (verdict.at, verdict.asks) == (shopper.at + 7 * DAY, Asks.CLOCK)


def test_what_never_happened_is_counted_from_the_first_visit() -> None:
    shopper = Shopper().opens("home").later(DAY)
    text = "not_happened: {event: product_viewed, for: 2d}"
    assert check(text, shopper).at == shopper.at + DAY
    assert check(text, shopper, after=DAY).met
    assert check(text, Shopper()).state is State.UNKNOWN


def test_what_did_not_happen_since_something_else() -> None:
    text = "not_happened: {event: survey_answered, since: order_delivered, for: 3d}"
    shopper = Shopper().opens("home").tells("survey_answered").later(HOUR)
    assert check(text, shopper).state is State.NOT_MET
    shopper.tells("order_delivered", order={"id": "1"})
    assert check(text, shopper, after=DAY).at == shopper.at + 3 * DAY
    assert check(text, shopper, after=3 * DAY).met
    assert check(text, shopper.later(HOUR).tells("survey_answered"), after=3 * DAY).state is State.NOT_MET


def test_without_a_time_it_is_enough_that_nothing_happened_since() -> None:
    shopper = Shopper().opens("home").tells("order_delivered", order={"id": "1"})
    assert check("not_happened: {event: survey_answered, since: order_delivered}", shopper).met


# --- in order ---------------------------------------------------------------------------------------------------------

STEPS = ("product_viewed", "cart_viewed", "checkout_started")


def did(text: str, *events: str, every: Millis = MINUTE) -> Shopper:
    shopper = Shopper(text)
    for event in events:
        shopper.later(every).tells(event, product={"sku": "A"})
    return shopper


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        (STEPS, 3),
        (("product_viewed", "searched", "cart_viewed", "searched", "checkout_started"), 3),
        (STEPS[::-1], 1),
        (STEPS[1:], 0),
        (("product_viewed", "checkout_started", "cart_viewed"), 2),
        ((), 0),
    ],
)
def test_events_in_order(events: tuple[str, ...], seen: int) -> None:
    text = "sequence: [product_viewed, cart_viewed, checkout_started]"
    verdict = check(text, did(text, *events))
    assert (verdict.met, verdict.seen) == (seen == 3, seen)


def test_the_same_event_must_happen_twice_to_follow_itself() -> None:
    text = "sequence: [searched, searched]"
    assert check(text, did(text, "searched")).seen == 1
    assert check(text, did(text, "searched", "searched")).met


def test_events_of_one_batch_may_share_their_moment() -> None:
    text = "sequence: [product_viewed, cart_viewed]"
    assert check(text, did(text, "product_viewed", "cart_viewed", every=0)).met


def test_all_of_it_must_be_lately() -> None:
    text = "sequence: {events: [product_viewed, cart_viewed], within: 10m}"
    shopper = did(text, "product_viewed", "cart_viewed", every=4 * MINUTE)
    assert check(text, shopper).met
    assert check(text, shopper, after=7 * MINUTE).seen == 0


def test_events_in_order_by_their_fields() -> None:
    text = "sequence: [coupon_rejected, {event: page_viewed, where: {page.type: faq}}]"
    shopper = Shopper(text).opens("cart").tells("coupon_rejected").later(SECOND)
    assert not check(text, shopper.tells("page_viewed", page={"url": "/a", "type": "home"})).met
    assert check(text, shopper.tells("page_viewed", page={"url": "/b", "type": "faq"})).met
