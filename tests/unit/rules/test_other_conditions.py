from __future__ import annotations

import pytest

from engine.clock import HOUR, MINUTE
from engine.people import Person
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import NOON, Shopper, check

# --- the house --------------------------------------------------------------------------------------------------------


def test_agents_are_unknown_as_long_as_nobody_told() -> None:
    for text in ("agents: online", "agents: offline", "agents: free", "not: {agents: online}"):
        assert check(text, Shopper()).state is State.UNKNOWN


def test_agents_are_online_or_offline() -> None:
    assert check("agents: online", Shopper().finds_agents(2)).met
    assert check("agents: offline", Shopper().finds_agents(0)).met
    assert not check("agents: offline", Shopper().finds_agents(2)).met


def test_an_empty_desk_may_fill_at_any_moment() -> None:
    verdict = check("agents: online", Shopper().finds_agents(0))
    assert (verdict.state, verdict.asks) == (State.NOT_MET, Asks.HOUSE)


def test_free_agents_must_be_told_as_free() -> None:
    assert check("agents: free", Shopper().finds_agents(2)).state is State.UNKNOWN
    assert check("agents: free", Shopper().finds_agents(2, free=1)).met
    assert check("agents: free", Shopper().finds_agents(2, free=0)).state is State.NOT_MET


@pytest.mark.parametrize("text", ["agents: online", "agents: free", "queue: 0"])
def test_what_was_told_for_a_while_is_not_known_after_it(text: str) -> None:
    told = Shopper().finds_agents(2, free=1, until=NOON + 3 * MINUTE)
    assert check(text, told, after=3 * MINUTE - 1).met
    assert check(text, told, after=3 * MINUTE).state is State.UNKNOWN


def test_an_empty_desk_is_not_known_to_be_empty_for_ever_either() -> None:
    told = Shopper().finds_agents(0, until=NOON + 3 * MINUTE)
    assert check("agents: offline", told).met
    for text in ("agents: offline", "not: {agents: online}"):
        assert check(text, told, after=3 * MINUTE).state is State.UNKNOWN


def test_who_counts_as_free_is_still_known() -> None:
    told = Shopper().finds_agents(2, free=2, until=NOON + MINUTE).finds_agents(3, free=3, department="ink")
    assert (told.house.free(NOON), told.house.free(NOON + MINUTE)) == (2, 3)


def test_a_department_is_asked_for_itself() -> None:
    shopper = Shopper().finds_agents(3).finds_agents(0, department="ink")
    assert not check("agents: {are: online, department: ink}", shopper).met
    assert check("agents: {are: online, department: paper}", shopper).state is State.UNKNOWN


# --- contact ----------------------------------------------------------------------------------------------------------


def test_nobody_without_an_address_can_be_mailed() -> None:
    assert check("can_email", Shopper()).state is State.NOT_MET
    assert check("not: can_email", Shopper()).met


def test_an_address_with_consent_can_be_mailed() -> None:
    assert check("can_email", Shopper().may_be_mailed()).met


def test_the_reason_why_somebody_cannot_be_mailed_is_told() -> None:
    shopper = Shopper()
    shopper.person = Person(id="p1", email="sam@shopper.example")
    assert check("can_email: true", shopper).seen == "no consent or other legal basis was recorded"


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_happened_once_or_more() -> None:
    assert not check("happened: coupon_rejected", Shopper().opens("cart")).met
    assert check("happened: coupon_rejected", Shopper().does("coupon_rejected")).met


def test_an_event_happened_so_often_in_such_a_time() -> None:
    shopper = Shopper()
    for _ in range(3):
        shopper.does("searched").later(4 * MINUTE)
    text = "happened: {event: searched, at_least: 3, within: 10m}"
    assert check(text, shopper, after=-4 * MINUTE).met
    verdict = check(text, shopper)
    assert (verdict.state, verdict.seen, verdict.wanted) == (State.NOT_MET, 2, 3)
    assert check("happened: {event: searched, at_least: 3}", shopper, after=HOUR).met


def test_an_event_of_the_shops_own_counts() -> None:
    assert check("happened: size_guide_opened", Shopper().does("size_guide_opened")).met
