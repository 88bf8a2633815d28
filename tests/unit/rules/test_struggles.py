"""Getting stuck."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import Shopper, check


def test_words_typed_and_not_sent() -> None:
    shopper = Shopper().opens("faq").tells("text_typed", length=24)
    assert check("typed_unsent", shopper).met
    assert check("typed_unsent: 24", shopper).met
    assert (check("typed_unsent: 25", shopper).state, check("typed_unsent: 25", shopper).seen) == (State.NOT_MET, 24)


def test_words_that_wait_for_some_time() -> None:
    shopper = Shopper().opens("faq").tells("text_typed", length=24)
    verdict = check("typed_unsent: {length: 20, for: 30s}", shopper, after=10 * SECOND)
    assert (verdict.state, verdict.asks, verdict.at) == (State.NOT_YET, Asks.CLOCK, shopper.at + 30 * SECOND)
    assert check("typed_unsent: {length: 20, for: 30s}", shopper, after=30 * SECOND).met


@pytest.mark.parametrize("sends", ["form_submitted", "searched", "chat_started", "checkout_step_completed"])
def test_what_was_sent_is_not_unsent(sends: str) -> None:
    shopper = Shopper().opens("faq").tells("text_typed", length=24).later(SECOND).tells(sends)
    assert check("typed_unsent", shopper).state is State.NOT_MET


def test_what_was_deleted_is_not_unsent() -> None:
    shopper = Shopper().opens("faq").tells("text_typed", length=24).later(SECOND).tells("text_typed", length=0)
    assert check("typed_unsent", shopper).state is State.NOT_MET


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("form_abandoned", State.MET),
        ("form_abandoned: contact", State.MET),
        ("form_abandoned: [returns, CONTACT]", State.MET),
        ("form_abandoned: returns", State.NOT_MET),
        ("form_abandoned: {form: contact, within: 1m}", State.NOT_MET),
    ],
)
def test_a_form_left_half_way(text: str, state: State) -> None:
    shopper = Shopper(text).opens("faq").tells("form_abandoned", form="contact")
    assert check(text, shopper, after=2 * MINUTE).state is state


def test_a_form_sent_after_all_was_not_abandoned() -> None:
    shopper = Shopper().opens("faq").tells("form_abandoned").later(SECOND).tells("form_submitted")
    assert check("form_abandoned", shopper).seen == "sent after all"


def test_a_form_of_an_earlier_visit_is_forgotten_unless_asked_for() -> None:
    shopper = Shopper().opens("faq").tells("form_abandoned").later(HOUR).opens("home")
    assert check("form_abandoned", shopper).state is State.NOT_MET
    assert check("form_abandoned: {within: 1d}", shopper).met


@pytest.mark.parametrize(
    ("results", "text", "state"),
    [
        ([0], "search_failed", State.MET),
        ([3], "search_failed", State.NOT_MET),
        ([], "search_failed", State.NOT_MET),
        ([0, 5, 0], "search_failed: 2", State.MET),
        ([0, 5, 0], "search_failed: 3", State.NOT_MET),
        ([0, 0, 5], "search_failed: {times: 2, within: 1m}", State.NOT_MET),
    ],
)
def test_searches_in_vain(results: list[int], text: str, state: State) -> None:
    shopper = Shopper().opens("search")
    for found in results:
        shopper.later(25 * SECOND).tells("searched", results=found)
    assert check(text, shopper, after=25 * SECOND).state is state


def test_failed_searches_of_an_earlier_visit_are_forgotten_unless_asked_for() -> None:
    shopper = Shopper().opens("search").tells("searched", results=0).later(HOUR).opens("home")
    assert check("search_failed", shopper).state is State.NOT_MET
    assert check("search_failed: {times: 1, within: 1d}", shopper).met


def test_going_to_and_fro() -> None:
    shopper = Shopper()
    for page in ("product", "returns", "home", "product", "product", "returns"):
        shopper.later(MINUTE).opens(page)
    assert check("back_and_forth: [product, returns]", shopper).met
    assert check("back_and_forth: {between: [product, returns], times: 4}", shopper).seen == 3
    assert check("back_and_forth: {between: [product, returns], within: 3m}", shopper).state is State.NOT_MET
    assert check("back_and_forth: [product, returns]", shopper.later(DAY).opens("product")).state is State.NOT_MET
