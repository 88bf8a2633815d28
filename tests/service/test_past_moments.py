"""Of a moment that is over: what was otherwise then, what is not known any more, and which moment is meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, from_datetime, to_iso
from engine.errors import InvalidMoment
from engine.explain import VisitorView
from engine.past import moment_of, why_then
from engine.pipeline import group
from engine.store import timers
from engine.store.rule_sets import RULE_CHANGES, RULE_SETS
from engine.store.unit import EVENTS, VISITORS
from tests.builders import (
    STUCK,
    named,
    rule_set,
)
from tests.service.watched import HELP, MANNED, Watched, agrees, watched

# --- what was otherwise then ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(database_url: str) -> Iterator[Watched]:
    """A shop that invites whoever reads for 45 seconds, and tags them after 20; v1 has been reading for 30."""
    with watched(rule_set(STUCK, MANNED.replace("invite: Hello", "tag: reader")), database_url) as opened:
        opened.premises.post("page_viewed", page=HELP)
        opened.premises.later(30 * SECOND).post("checked_in", page=HELP, engaged_ms=30 * SECOND)
        yield opened


def told(shop: Watched, ago: Millis = 0, visitor: str = "v1") -> VisitorView:
    found = why_then(shop.premises.engine, shop.premises.shop, visitor, shop.hands.now - ago)
    assert found is not None
    return found


def states(view: VisitorView) -> dict[str, str]:
    return {rule.name: rule.state for rule in view.rules}


def test_the_moment_before_a_rule_fired_it_was_not_yet_time(shop: Watched) -> None:
    shop.premises.later(20 * SECOND).post("checked_in", page=HELP, engaged_ms=50 * SECOND)
    assert states(told(shop)) == {"stuck": "fired", "manned": "fired"}
    before = told(shop, ago=SECOND)
    assert (states(before)["stuck"], before.rules[0].clauses[0].seen) == ("not_yet", "30 s")
    assert [row["rule"] for row in before.history] == ["manned"]
    assert before.past


def test_a_decision_tells_what_its_clauses_saw(shop: Watched) -> None:
    (decided,) = told(shop).history
    assert [(clause.verdict, clause.seen) for clause in decided["clauses"]] == [("met", "30 s"), ("met", "1 online")]


def test_a_moment_is_judged_by_the_rules_that_were_live_then(shop: Watched) -> None:
    shop.hands.now += MINUTE
    shop.live_by(rule_set(named(STUCK, "renamed").replace("45s", "2m")))
    shop.hands.now += MINUTE
    assert states(told(shop)) == {"renamed": "not_yet"}
    assert states(told(shop, ago=90 * SECOND)) == {"stuck": "not_yet", "manned": "fired"}


def test_agents_are_there_as_they_were_then(shop: Watched) -> None:
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 0})
    shop.premises.later(MINUTE).post("page_viewed", "v2", page=HELP)
    shop.premises.later(30 * SECOND).post("checked_in", "v2", page=HELP, engaged_ms=30 * SECOND)
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 2})
    seen = [rule.clauses[1].seen for rule in told(shop, visitor="v2").rules if rule.name == "manned"]
    then = [rule.clauses[1].seen for rule in told(shop, MINUTE + SECOND, "v2").rules if rule.name == "manned"]
    assert (seen, then) == (["2 online"], ["0 online"])


def test_nobody_was_there_before_they_came(shop: Watched) -> None:
    assert why_then(shop.premises.engine, shop.premises.shop, "v1", shop.hands.now - HOUR) is None
    assert why_then(shop.premises.engine, shop.premises.shop, "nobody", shop.hands.now) is None


# --- what is not known any more ---------------------------------------------------------------------------------------


def test_of_whoever_was_forgotten_only_decisions_are_left(shop: Watched) -> None:
    shop.hands.now += 100 * DAY
    timers.forget_visitors(shop.premises.engine, 90 * DAY)
    view = told(shop)
    assert (view.rules, [row["rule"] for row in view.history]) == ([], ["manned"])
    assert view.unknown == ["what v1 did up to then is not stored any more, only what was decided"]


def test_a_forgotten_device_of_the_same_person_is_named(shop: Watched) -> None:
    shop.premises.gives_address("v1")
    shop.premises.gives_address("v2")
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.visitor == "v2"))
        connection.execute(delete(VISITORS).where(VISITORS.c.id == "v2"))
    assert told(shop).unknown == ["what this person did as v2 is not stored any more"]


def test_agents_that_were_told_of_too_long_ago_are_not_known(shop: Watched) -> None:
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 0})
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.visitor == ""))
    assert "how many agents were there was not told by then, or is not stored any more" in told(shop, SECOND).unknown
    assert states(told(shop, SECOND))["manned"] == "unknown"
    assert "how many agents" not in " ".join(told(shop).unknown)


def test_rules_of_before_they_were_noted_are_not_known(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        connection.execute(update(RULE_CHANGES).values(at=shop.hands.now - SECOND))
    assert told(shop).unknown == []
    assert told(shop, 2 * SECOND).unknown == [
        "which rules were live then is not stored; those that came next are asked instead"
    ]


def test_rules_that_cannot_be_read_any_more_are_not_guessed(shop: Watched) -> None:
    shop.hands.now += MINUTE
    now = rule_set(named(STUCK, "renamed"))
    shop.live_by(now)
    with shop.premises.engine.begin() as connection:
        old = RULE_SETS.c.hash != now.hash
        connection.execute(update(RULE_SETS).where(old).values(source="rules: [{name: of-long-ago, when: [gone]}]"))
    view = told(shop, SECOND)
    assert states(view) == {"renamed": "not_yet"}
    assert view.unknown[0].startswith("the rules that were live then cannot be read by this version")


def test_a_past_that_does_not_lead_to_what_was_decided_says_so(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.type == "checked_in"))
    view = told(shop)
    assert [row["rule"] for row in view.history] == ["manned"]
    assert view.unknown == [
        "what is stored leads to other decisions than were taken (1 fewer, 0 more); those told here were taken"
    ]


def test_an_event_that_cannot_be_read_any_more_is_counted(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        broken = '{"type": "page_viewed", "page": {"url": 7}}'
        connection.execute(update(EVENTS).where(EVENTS.c.type == "page_viewed").values(body=broken))
    assert "1 stored event cannot be read by this version and is left out" in told(shop).unknown


def test_what_broke_something_then_changes_nothing_now(shop: Watched) -> None:
    """As it was then: the event was kept, and the visitor stayed as they were."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(group, "apply", _breaks)
        shop.premises.later(20 * SECOND).post("checked_in", page=HELP, engaged_ms=50 * SECOND)
    shop.premises.later(SECOND).post("page_hidden")
    shop.ask()
    agrees(shop)
    assert states(told(shop))["stuck"] != "fired"


def _breaks(*_: object, **__: object) -> None:
    raise ZeroDivisionError


# --- which moment is meant --------------------------------------------------------------------------------------------


AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = from_datetime(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-20T14:03", "2026-11-20T13:03:00.000Z"),
        ("2026-11-20 14:03:05", "2026-11-20T13:03:05.000Z"),
        ("2026-11-20T14:03Z", "2026-11-20T14:03:00.000Z"),
        ("2026-11-20T14:03-05:00", "2026-11-20T19:03:00.000Z"),
        ("2026-07-01T14:03", "2026-07-01T12:03:00.000Z"),
        ("2026-11-20", "2026-11-19T23:00:00.000Z"),
        ("5m ago", "2026-11-21T11:55:00.000Z"),
        ("1d", "2026-11-20T12:00:00.000Z"),
    ],
)
def test_a_moment_is_meant_on_the_shop_s_clock(text: str, meant: str) -> None:
    assert to_iso(moment_of(text, AMSTERDAM, NOW)) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "'yesterday' is no moment; write 2026-11-20T14:03, or 5m ago"),
        ("14:03", "'14:03' is no moment; write 2026-11-20T14:03, or 5m ago"),
        ("2026-12-01T09:00", "2026-12-01 09:00:00+01:00 (Europe/Amsterdam) is still to come"),
    ],
)
def test_what_is_no_moment_of_the_past_is_one_plain_sentence(text: str, told: str) -> None:
    with pytest.raises(InvalidMoment) as refused:
        moment_of(text, AMSTERDAM, NOW)
    assert refused.value.message == told
