"""The clock and the calendar. ``NOON`` is a Saturday, one o'clock in Amsterdam."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.clock import DAY, HOUR, MINUTE, Millis, from_datetime
from engine.rules.facts import Presence
from engine.rules.shop import DailyHours, Shop, WeeklyHours
from engine.rules.verdicts import Asks, State, Verdict
from tests.unit.rules.shoppers import NOON, Shopper, check, load_text

WEEK = DailyHours(9 * 60, 21 * 60)
HOURS = WeeklyHours(((WEEK,), (WEEK,), (WEEK,), (WEEK,), (WEEK,), (DailyHours(600, 1020),), ()))
SHOP = Shop(time_zone="Europe/Amsterdam", office_hours=HOURS)
SUNDAY = DAY


def asked(text: str, *, after: Millis = 0, zone: str = "", country: str = "", shop: Shop = SHOP) -> Verdict:
    shopper = Shopper(shop=shop)
    shopper.visitor.time_zone, shopper.visitor.country = zone, country
    return check(text, shopper, after=after)


@pytest.mark.parametrize(
    ("text", "after", "state", "at"),
    [
        ("office_hours: open", 0, State.MET, None),
        ("office_hours", 0, State.MET, None),
        ("office_hours: closed", 0, State.NOT_YET, 4 * HOUR),
        ("office_hours: open", 5 * HOUR, State.NOT_YET, 44 * HOUR),
        ("office_hours: closed", SUNDAY, State.MET, None),
        ("office_hours: open", SUNDAY, State.NOT_YET, 44 * HOUR),
    ],
)
def test_the_office_opens_and_closes_by_the_clock(text: str, after: Millis, state: State, at: Millis | None) -> None:
    verdict = asked(text, after=after)
    assert (verdict.state, verdict.asks) == (state, Asks.CLOCK)
    assert verdict.at == (None if at is None else NOON + at)


def test_a_shop_without_hours_and_one_that_never_opens() -> None:
    assert asked("office_hours: open", shop=Shop()).state is State.UNKNOWN
    closed = Shop(office_hours=WeeklyHours(((),) * 7))
    assert asked("office_hours: open", shop=closed).state is State.NOT_MET
    assert asked("office_hours: closed", shop=closed).met


def test_opening_hours_follow_the_shops_clock_over_the_change_to_summer_time() -> None:
    saturday_evening = from_datetime(datetime(2027, 3, 27, 22, tzinfo=UTC))
    monday_nine = from_datetime(datetime(2027, 3, 29, 7, tzinfo=UTC))
    assert asked("office_hours: open", after=saturday_evening - NOON).at == monday_nine


# --- the time of day --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "state", "at"),
    [
        ("local_time: 12:00-14:00", "Europe/Amsterdam", State.MET, None),
        ("local_time: 18:00-23:00", "Europe/Amsterdam", State.NOT_YET, 5 * HOUR),
        ("local_time: 06:00-08:00", "America/New_York", State.MET, None),
        ("local_time: 12:00-14:00", "America/New_York", State.NOT_YET, 5 * HOUR),
        ("local_time: 22:00-02:00", "Asia/Tokyo", State.NOT_YET, HOUR),
        ("local_time: 20:00-02:00", "Asia/Tokyo", State.MET, None),
        ("local_time: 09:00-10:00", "Europe/Amsterdam", State.NOT_YET, 20 * HOUR),
        ("local_time: 12:00-14:00", "", State.UNKNOWN, None),
        ("local_time: 12:00-14:00", "Mars/Olympus", State.UNKNOWN, None),
        ("local_time: 12:00-14:00", "Europe", State.UNKNOWN, None),
        ("local_time: {between: 12:00-14:00, clock: shop}", "Asia/Tokyo", State.MET, None),
    ],
)
def test_the_shoppers_own_time_of_day(text: str, zone: str, state: State, at: Millis | None) -> None:
    verdict = asked(text, zone=zone)
    assert verdict.state is state
    assert verdict.at == (None if at is None else NOON + at)


@pytest.mark.parametrize(
    ("country", "state"), [("NL", State.MET), ("DE", State.MET), ("US", State.UNKNOWN), ("ZZ", State.UNKNOWN)]
)
def test_a_country_with_one_clock_tells_the_time(country: str, state: State) -> None:
    assert asked("local_time: 13:00-13:01", country=country).state is state


@pytest.mark.parametrize(
    ("text", "zone", "state", "at"),
    [
        ("weekday: sat", "Europe/Amsterdam", State.MET, None),
        ("weekday: [sat, sun]", "Europe/Amsterdam", State.MET, None),
        ("weekday: mon-fri", "Europe/Amsterdam", State.NOT_YET, 35 * HOUR),
        ("weekday: sunday", "Pacific/Auckland", State.MET, None),
        ("weekday: fri-mon", "", State.UNKNOWN, None),
        ("weekday: {days: fri-mon, clock: shop}", "", State.MET, None),
    ],
)
def test_days_of_the_week(text: str, zone: str, state: State, at: Millis | None) -> None:
    verdict = asked(text, zone=zone)
    assert verdict.state is state
    assert verdict.at == (None if at is None else NOON + at)


@pytest.mark.parametrize(
    ("text", "state", "at"),
    [
        ("dates: {from: 2026-11-01}", State.MET, None),
        ("dates: {until: 2026-11-21}", State.MET, None),
        ("dates: {until: 2026-11-20}", State.NOT_MET, None),
        ("dates: {from: 2026-11-22, until: 2026-12-24}", State.NOT_YET, 12 * HOUR),
        ('dates: {from: "2026-11-21 12:30"}', State.NOT_YET, 30 * MINUTE),
        ('dates: {until: "2026-11-21 12:00"}', State.NOT_MET, None),
    ],
)
def test_dates(text: str, state: State, at: Millis | None) -> None:
    verdict = asked(text)
    assert verdict.state is state
    assert verdict.at == (None if at is None else NOON + at)


def test_dates_are_by_the_shops_own_clock() -> None:
    rules = load_text(
        "shop: {time_zone: Asia/Tokyo}\nrules:\n  - name: a\n    when: [{dates: {from: 2026-11-22}}]\n"
        "    then: [email: cart-reminder]\n"
    )
    assert rules.rules[0].when.check(Shopper(shop=rules.shop).facts()).at == NOON + 3 * HOUR


# --- the queue --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waiting", "state"), [(0, State.MET), (2, State.MET), (3, State.NOT_MET), (None, State.UNKNOWN)]
)
def test_how_many_wait_for_a_chat(waiting: int | None, state: State) -> None:
    shopper = Shopper()
    shopper.house.agents[""] = Presence(1, 1, NOON, waiting)
    verdict = check('queue: "<= 2"', shopper)
    assert verdict.state is state
    assert verdict.met or verdict.asks is Asks.HOUSE
    assert check('queue: {waiting: "<= 2", department: ink}', shopper).state is State.UNKNOWN
