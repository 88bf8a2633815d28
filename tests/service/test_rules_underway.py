"""A rule file changes while something is on its way: what goes on, what ends, and what is looked at again."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decisions import Guard
from engine.store import rule_sets
from engine.store.unit import DECISIONS
from tests.builders import KB, LEFT, SEQUENCE, STUCK, Premises, rule_set, with_lines

A_RULE = "name: another\nwhen:\n  - cart_abandoned: 3d\nthen:\n  - email: cart-reminder"


@pytest.fixture
def underway(premises: Premises) -> Premises:
    """A shop whose first mail of two has left."""
    premises.use(rule_set(SEQUENCE))
    premises.gives_address()
    premises.fills_cart()
    premises.later(HOUR).look_at("v1")
    assert [row[1] for row in premises.decided()] == ["sequence"]
    return premises


def mails(premises: Premises) -> list[str]:
    return [state for _, state, _ in premises.mails()]


def test_a_running_timer_survives_a_reload_of_the_same_rule(underway: Premises) -> None:
    underway.use(rule_set(SEQUENCE, with_lines(A_RULE, "priority: 1")))
    underway.later(DAY - 1).look_at("v1")
    assert len(mails(underway)) == 1
    underway.later(1).look_at("v1")
    assert len(mails(underway)) == 2


def test_a_changed_rule_goes_on_under_its_new_text(underway: Premises) -> None:
    underway.use(rule_set(SEQUENCE.replace("email: cart-reminder", "email: shipping-surprise")))
    underway.later(DAY).look_at("v1")
    assert len(mails(underway)) == 2
    underway.later(DAY).look_at("v1")
    assert len(mails(underway)) == 2
    assert underway.decided() == [("v1", "sequence")]


def test_a_changed_rule_that_now_ends_earlier_simply_ends(underway: Premises) -> None:
    shorter = SEQUENCE.replace("  - wait: 1d\n  - email: cart-reminder\n", "")
    underway.use(rule_set(shorter))
    underway.later(DAY).look_at("v1")
    assert len(mails(underway)) == 1
    assert underway.visitor().state.runs == {}


def test_a_removed_rule_stops_what_is_on_its_way_and_says_why(underway: Premises) -> None:
    underway.use(rule_set())
    underway.later(DAY).look_at("v1")
    assert mails(underway) == ["cancelled"]
    (row,) = underway.rows(DECISIONS, outcome="stopped")
    assert (row.rule, row.guard) == ("sequence", Guard.RULE_REMOVED)


LONGER, SHORTER = (SEQUENCE.replace("wait: 1d", f"wait: {pause}") for pause in ("3d", "1h"))


def test_a_wait_that_was_made_longer_is_as_long_as_it_says_now_from_when_it_began(underway: Premises) -> None:
    underway.later(HOUR).use(rule_set(LONGER))
    underway.look_at("v1")
    underway.later(3 * DAY - HOUR - 1).look_at("v1")
    assert len(mails(underway)) == 1
    underway.later(1).look_at("v1")
    assert len(mails(underway)) == 2


def test_a_wait_that_was_made_shorter_than_it_lasts_already_is_over_and_not_late(underway: Premises) -> None:
    underway.later(20 * HOUR).use(rule_set(with_lines(SHORTER, "late: {at_most: 1m, then: skip}")))
    underway.look_at("v1")
    assert len(mails(underway)) == 2


def test_an_edit_beside_the_wait_moves_no_timer(underway: Premises) -> None:
    before = underway.visitor().state.runs["sequence"]
    underway.later(HOUR).use(rule_set(with_lines(SEQUENCE, "priority: 3")))
    underway.look_at("v1")
    after = underway.visitor().state.runs["sequence"]
    assert (after.wake_at, after.waits_since) == (before.wake_at, before.waits_since)
    assert after.hash != before.hash


def test_a_process_behind_the_file_does_not_undo_that_somebody_is_to_be_looked_at(
    underway: Premises, other: Premises
) -> None:
    """It may be handling an event of theirs in the very moment in which another process reads the new file."""
    old = other.shop
    tell_of(underway, SEQUENCE)
    underway.use(rule_set(LEFT))
    tell_of(underway, LEFT)
    rule_sets.wake(underway.engine, "main")
    other.shop = old
    for _ in range(3):
        other.later(SECOND).post("page_viewed", page={"url": KB})
    soon = underway.visitor().due_at
    assert soon is not None
    assert soon <= underway.hands.now + MINUTE
    underway.hands.now = soon
    underway.look_at("v1")
    assert mails(underway) == ["cancelled"]


def test_who_comes_in_the_moment_of_a_reload_is_judged_by_the_new_rules_soon(
    premises: Premises, other: Premises
) -> None:
    """Nobody knew them when those who wait were woken."""
    other.use(rule_set(STUCK))
    tell_of(premises, STUCK)
    tell_of(premises, LEFT)
    rule_sets.wake(premises.engine, "main")
    other.gives_address()
    other.fills_cart()
    soon = other.visitor().due_at
    assert soon is not None
    premises.use(rule_set(LEFT))
    premises.hands.now = soon
    premises.look_at("v1")
    assert premises.visitor().due_at == premises.visitor().state.seen_at + HOUR
    premises.post("page_viewed", "reader", page={"url": KB})
    assert premises.visitor("reader").due_at is None, "whoever is up to date plans what the rules ask and no more"


def tell_of(premises: Premises, *rules: str) -> None:
    """These rules went on record as the ones that are live."""
    loaded = rule_set(*rules)
    rule_sets.remember_all(premises.engine, {"main": (loaded.hash, loaded.source)})
