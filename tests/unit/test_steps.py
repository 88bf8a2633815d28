"""What a rule does once it fired: steps, waits, what ends it, and what is too late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.decisions import Guard
from tests.builders import KB, LEFT, NOON, SEQUENCE, STUCK, Visit, line, rule_set, with_lines

# --- steps, waits and endings -----------------------------------------------------------------------------------------


def test_a_sequence_sends_waits_and_sends_again() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(HOUR)
    assert [planned.step for planned in shopper.last.planned] == [0]
    assert shopper.due_at == NOON + HOUR + DAY
    shopper.waits(DAY)
    assert [planned.step for planned in shopper.last.planned] == [2]
    assert shopper.visitor.runs == {}


def test_a_rule_may_wait_before_its_first_message() -> None:
    patient = STUCK.replace("invite: Can I help?", "wait: 1h\n  - email: cart-reminder")
    reader = Visit(rule_set(patient)).may_be_mailed().reads(45 * SECOND)
    assert reader.fired == ["stuck"]
    assert reader.last.planned == []
    reader.waits(HOUR)
    assert [planned.kind for planned in reader.last.planned] == ["email"]


@pytest.mark.parametrize(
    ("happens", "ending"),
    [
        (lambda shopper: shopper.orders(), "ordered"),
        (lambda shopper: shopper.does("order_placed", ago=2 * HOUR, order={"id": "o1", "cart_id": "c1"}), "ordered"),
        (lambda shopper: shopper.empties_cart(), "cart_emptied"),
        (lambda shopper: shopper.fills_cart(line("PEN"), cart_id="c2").empties_cart(), "cart_emptied"),
        (lambda shopper: shopper.opens(KB), "returned"),
    ],
)
def test_what_makes_the_rest_superfluous_ends_a_sequence_at_that_very_event(
    happens: Callable[[Visit], Visit], ending: str
) -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    happens(shopper)
    assert shopper.endings == [("until", ending)]
    assert shopper.visitor.runs == {}
    assert shopper.waits(3 * DAY).fired == ["sequence"]


def test_what_a_sequence_still_owes_is_cancelled_when_it_ends() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    (decision,) = shopper.decisions
    assert shopper.orders().last.stopped == [(decision.id, Guard.UNTIL)]


def test_unsubscribing_ends_a_sequence() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    assert shopper.person is not None
    shopper.person.unsubscribed_at = shopper.now
    assert shopper.is_looked_at().endings == [("until", "unsubscribed")]


def test_a_sequence_whose_rule_was_removed_ends() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.rules = rule_set(LEFT)
    assert shopper.waits(2 * DAY).endings == [("rule_removed", "")]


def test_a_sequence_whose_rule_was_changed_goes_on_as_the_rule_now_says() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.rules = rule_set(SEQUENCE.replace("- email: cart-reminder", "- email: shipping-surprise"))
    shopper.waits(DAY)
    (planned,) = shopper.last.planned
    assert b"shipping-surprise" in planned.body
    assert shopper.fired == ["sequence"]


def test_a_sequence_whose_rule_became_shorter_ends_quietly() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.rules = rule_set(LEFT.replace("name: left", "name: sequence"))
    shopper.waits(2 * DAY)
    assert (shopper.last.planned, shopper.visitor.runs) == ([], {})


@pytest.mark.parametrize(("setting", "guard"), [("off: true", "not_active"), ("shadow: true", "shadow")])
def test_a_sequence_whose_rule_was_silenced_goes_no_further(setting: str, guard: str) -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.rules = rule_set(with_lines(SEQUENCE, setting))
    assert shopper.waits(2 * DAY).endings == [(guard, "")]


def test_a_reload_of_the_same_file_changes_nothing() -> None:
    shopper = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.rules = rule_set(SEQUENCE)
    assert shopper.waits(2 * DAY).fired == ["sequence"]
    assert shopper.endings == []


def test_a_later_step_asks_the_guards_again() -> None:
    shopper = Visit(rule_set(SEQUENCE, head="limits: {emails: 1 per 2d}")).may_be_mailed().fills_cart().waits(2 * DAY)
    assert shopper.fired == ["sequence"]
    assert shopper.endings == [("limit", "1 per 2 d for the shop, used up by sequence")]


def test_a_step_waits_while_the_shopper_is_in_a_chat() -> None:
    rule = SEQUENCE.replace("until: [ordered, cart_emptied, unsubscribed, returned]", "until: ordered")
    shopper = Visit(rule_set(rule)).may_be_mailed().fills_cart().waits(HOUR)
    shopper.waits(DAY - MINUTE).does("chat_started", trusted=True).waits(MINUTE)
    assert shopper.last.planned == []
    assert shopper.due_at is not None
    assert shopper.waits(2 * HOUR).endings == []
    assert len(shopper.visitor.contacts + (shopper.person.contacts if shopper.person else [])) == 2


# --- late -------------------------------------------------------------------------------------------------------------


def test_a_mail_that_could_not_leave_in_time_leaves_later() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(3 * DAY).is_looked_at()
    assert shopper.fired == ["left"]


@pytest.mark.parametrize(("late", "fires"), [(9 * MINUTE, True), (11 * MINUTE, False)])
def test_a_rule_may_rather_be_silent_than_late(late: Millis, fires: bool) -> None:
    rule = with_lines(LEFT, "late: {at_most: 10m, then: skip}")
    shopper = Visit(rule_set(rule)).may_be_mailed().fills_cart().later(HOUR + late).is_looked_at()
    assert bool(shopper.fired) == fires
    assert shopper.silences == ([] if fires else [("left", Guard.TOO_LATE)])


def test_an_invitation_that_a_timer_brought_late_is_skipped() -> None:
    invites = LEFT.replace("email: cart-reminder", "invite: Still there?")
    shopper = Visit(rule_set(invites)).fills_cart().later(2 * HOUR).is_looked_at()
    assert shopper.silences == [("left", Guard.TOO_LATE)]


def test_a_reader_who_is_here_now_is_not_late_because_a_timer_was() -> None:
    reader = Visit(rule_set(LEFT, STUCK)).may_be_mailed().fills_cart().later(HOUR - 20 * SECOND)
    reader.opens().later(HOUR).takes(reader.now_happens("checked_in", {"engaged_ms": 45_000})).is_looked_at()
    assert "stuck" in reader.fired


def test_a_step_of_a_sequence_may_be_too_late() -> None:
    rule = with_lines(SEQUENCE, "late: {at_most: 1h, then: skip}")
    shopper = Visit(rule_set(rule)).may_be_mailed().fills_cart().waits(HOUR).later(DAY + 2 * HOUR).is_looked_at()
    assert shopper.endings == [("too_late", "2 h late")]
