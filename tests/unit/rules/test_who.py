"""Who it is, as far as anybody told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.clock import DAY, HOUR, MINUTE, Millis
from engine.people import Person
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import NOON, Shopper, check


def visits(times: int, every: Millis = DAY) -> Shopper:
    shopper = Shopper().opens("home")
    for _ in range(times - 1):
        shopper.later(every).opens("home")
    return shopper


@pytest.mark.parametrize(
    ("text", "times", "state"),
    [
        ("returning: true", 1, State.NOT_MET),
        ("returning: true", 2, State.MET),
        ("returning", 2, State.MET),
        ("returning: false", 1, State.MET),
        ("returning: no", 2, State.NOT_MET),
        ("returning: true", 0, State.UNKNOWN),
        ('visits: ">= 3"', 3, State.MET),
        ('visits: ">= 3"', 2, State.NOT_MET),
        ('visits: {count: ">= 3", within: 36h}', 5, State.NOT_MET),
        ("visits: {count: 2, within: 36h}", 5, State.MET),
    ],
)
def test_visits_are_counted(text: str, times: int, state: State) -> None:
    assert check(text, visits(times) if times else Shopper()).state is state


def test_days_between_two_visits() -> None:
    assert check('days_since_visit: ">= 30"', visits(2, 30 * DAY)).met
    assert check('days_since_visit: ">= 30"', visits(2, 29 * DAY)).seen == 29
    assert check('days_since_visit: ">= 30"', visits(1)).seen == "no visit before this one"
    assert check('days_since_visit: ">= 30"', Shopper()).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("text", "days", "state", "at"),
    [
        ('days_since_visit: ">= 30"', 10, State.NOT_YET, 30),
        ('days_since_visit: "> 30"', 10, State.NOT_YET, 31),
        ("days_since_visit: 30", 10, State.NOT_YET, 30),
        ('days_since_visit: "30..40"', 10, State.NOT_YET, 30),
        ('days_since_visit: ">= 30"', 30, State.MET, None),
        ('days_since_visit: "30..40"', 41, State.NOT_MET, None),
        ('days_since_visit: "< 5"', 10, State.NOT_MET, None),
        ('days_since_visit: "< 5"', 2, State.MET, None),
    ],
)
def test_days_pass_for_those_who_are_away(text: str, days: int, state: State, at: int | None) -> None:
    verdict = check(text, visits(1), after=days * DAY)
    assert verdict.state is state
    assert verdict.asks is Asks.CLOCK
    assert verdict.at == (None if at is None else NOON + at * DAY)


def test_somebody_is_identified_by_an_address_or_a_number() -> None:
    assert check("identified", Shopper().may_be_mailed()).seen == "by address"
    known = Shopper()
    known.person = Person("p1", customer_id="77")
    assert check("identified", known).seen == "by customer number"
    assert check("identified", Shopper()).state is State.NOT_MET


def says(**fields: object) -> Shopper:
    return Shopper().opens("home").later(MINUTE).tells("page_shown", **fields)  # type: ignore[arg-type] # its fields


def server_says(**fields: object) -> Shopper:
    return Shopper().opens("home").tells("profile_updated", trusted=True, **fields)  # type: ignore[arg-type]


TOLD: list[tuple[str, Callable[[], Shopper], State]] = [
    ("logged_in: true", Shopper, State.UNKNOWN),
    ("logged_in: true", lambda: says(logged_in=True), State.MET),
    ("logged_in", lambda: says().tells("identified", email="a@b.example"), State.MET),
    ("logged_in: false", lambda: says().tells("identified", email="a@b.example"), State.NOT_MET),
    ("logged_in: false", lambda: says(logged_in=True).tells("logged_out"), State.MET),
    ("loyalty: member", Shopper, State.UNKNOWN),
    ("loyalty: member", lambda: says(loyalty={"member": True}), State.MET),
    ("loyalty: none", lambda: says(loyalty={"member": True}), State.NOT_MET),
    ("loyalty: none", lambda: says(loyalty={"member": False}), State.MET),
    ("loyalty: member", lambda: says(loyalty={"tier": "gold"}), State.MET),
    ("loyalty: {tier: [GOLD, platinum]}", lambda: says(loyalty={"tier": "gold"}), State.MET),
    ("loyalty: {tier: silver}", lambda: says(loyalty={"tier": "gold"}), State.NOT_MET),
    ("loyalty: {tier: silver}", lambda: says(loyalty={"member": True}), State.UNKNOWN),
    ('loyalty: {points: ">= 500"}', lambda: says(loyalty={"points": 500}), State.MET),
    ('loyalty: {points: ">= 500"}', lambda: says(loyalty={"points": 499}), State.NOT_MET),
    ('loyalty: {points: ">= 500"}', lambda: says(loyalty={"tier": "gold"}), State.UNKNOWN),
    ('loyalty: {tier: silver, points: ">= 5"}', lambda: says(loyalty={"tier": "gold"}), State.NOT_MET),
    ("country: NO", Shopper, State.UNKNOWN),
    ("country: NO", lambda: says(country="no"), State.MET),
    ("country: [nl, BE]", lambda: says(country="BE"), State.MET),
    ("country: [NL, BE]", lambda: says(country="DE"), State.NOT_MET),
    ("language: nl", Shopper, State.UNKNOWN),
    ("language: nl", lambda: says(language="nl-BE"), State.MET),
    ("language: nl-BE", lambda: says(language="nl"), State.NOT_MET),
    ("language: [de, pt-BR]", lambda: says(language="pt_br"), State.MET),
    ("device: mobile", Shopper, State.UNKNOWN),
    ("device: mobile", lambda: says(device="mobile"), State.MET),
    ("device: [desktop, tablet]", lambda: says(device="mobile"), State.NOT_MET),
    ("attribute: {name: plan, is: pro}", Shopper, State.UNKNOWN),
    ("attribute: {name: plan, is: pro}", lambda: says(attributes={"plan": "Pro"}), State.MET),
    ('attribute: {name: plan, is: [free, "t*"]}', lambda: says(attributes={"plan": "team"}), State.MET),
    ("attribute: {name: plan, is: pro}", lambda: says(attributes={"plan": "free"}), State.NOT_MET),
    ('attribute: {name: tickets, is: ">= 1"}', lambda: says(attributes={"tickets": 2}), State.MET),
    ("attribute: {name: vip, is: true}", lambda: says(attributes={"vip": True}), State.MET),
    ("tag: b2b", Shopper, State.NOT_MET),
    ("tag: [staff, B2B]", lambda: says(tags=["b2b"]), State.MET),
    ("tag: staff", lambda: says(tags=["b2b"]), State.NOT_MET),
    ("segment: vip", Shopper, State.UNKNOWN),
    ("segment: vip", lambda: says(segments=["vip"]), State.UNKNOWN),
    ("segment: vip", lambda: server_says(segments=["VIP"]), State.MET),
    ("segment: vip", lambda: server_says(segments=[]), State.NOT_MET),
]


@pytest.mark.parametrize(("text", "shopper", "state"), TOLD)
def test_what_the_shop_told(text: str, shopper: Callable[[], Shopper], state: State) -> None:
    assert check(text, shopper()).state is state


def test_what_a_person_told_elsewhere_counts_where_this_browser_says_nothing() -> None:
    shopper = Shopper()
    shopper.person = Person("p1", country="NO", language="nb")
    assert check("country: NO", shopper).met
    assert check("language: nb", shopper).met


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {f"name-{number}": "x" * 500 for number in range(90)}},
        {"tags": [f"tag-{number}" + "x" * 500 for number in range(90)]},
        {"loyalty": {"tier": "x" * 500, "points": 10**30}},
        {"attributes": {"a": [1], "b": {"c": 1}, "d": None, "e": 10**30}},
        {"tags": "many", "attributes": 3, "loyalty": "gold", "device": "fridge", "logged_in": "yes"},
    ],
)
def test_whatever_a_browser_tells_is_bounded(fields: dict[str, object]) -> None:
    visitor = says(**fields).visitor
    assert len(visitor.attributes) <= 20
    assert len(visitor.tags) <= 20
    assert all(len(str(word)) <= 80 for word in (*visitor.attributes, *visitor.attributes.values(), *visitor.tags))
    assert visitor.device == ""
    assert visitor.logged_in is None


def test_a_long_absence_is_counted_in_whole_days() -> None:
    assert check("days_since_visit: 0", visits(1), after=23 * HOUR).met
