"""Chats, invitations and mails that were."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, Millis
from engine.people import Person
from engine.rules.verdicts import State
from engine.visitors import Contact
from tests.unit.rules.shoppers import NOON, Shopper, check

INVITATION = Contact(NOON, "invite", "stuck", id="dec_1.0")
MAIL = Contact(NOON, "email", "left-cart", id="dec_2.0")


def contacted(*replies: str, message: str = "dec_1.0") -> Shopper:
    """Was invited by one rule and mailed by another, and answered so."""
    shopper = Shopper().opens("faq")
    shopper.visitor.contacts = [INVITATION, MAIL]
    for event in replies:
        shopper.later(MINUTE).tells(event, message=message)
    return shopper


@pytest.mark.parametrize(
    ("text", "after", "state"),
    [
        ("chatting", 0, State.MET),
        ("chatting", HOUR, State.NOT_MET),
        ("chatted", 2 * DAY, State.MET),
        ("chatted: {within: 1d}", 2 * DAY, State.NOT_MET),
        ("chatted: {ago: 3d}", 2 * DAY, State.NOT_YET),
    ],
)
def test_chats(text: str, after: Millis, state: State) -> None:
    assert check(text, Shopper().opens("faq").tells("chat_started"), after=after).state is state


def test_a_chat_that_ended_is_not_going_on() -> None:
    shopper = Shopper().opens("faq").tells("chat_started").later(MINUTE).tells("chat_ended")
    assert check("chatting", shopper).state is State.NOT_MET
    assert check("chatted: {within: 1h}", shopper).met
    assert check("chatted", Shopper()).state is State.NOT_MET


@pytest.mark.parametrize(
    ("text", "replies", "after", "state"),
    [
        ("invited", (), 0, State.MET),
        ("invited: stuck", (), 0, State.MET),
        ("invited: other-rule", (), 0, State.NOT_MET),
        ("invited: {rule: stuck, ago: 2d}", (), DAY, State.NOT_YET),
        ("invited: {within: 1d}", (), 2 * DAY, State.NOT_MET),
        ("emailed: left-cart", (), 0, State.MET),
        ("emailed: stuck", (), 0, State.NOT_MET),
        ("accepted", (), 0, State.NOT_MET),
        ("accepted: stuck", ("message_shown", "message_accepted"), 0, State.MET),
        ("accepted: left-cart", ("message_shown", "message_accepted"), 0, State.NOT_MET),
        ("dismissed: stuck", ("message_shown", "message_dismissed"), 0, State.MET),
        ("dismissed: {rule: stuck, within: 7d}", ("message_dismissed",), 8 * DAY, State.NOT_MET),
        ("accepted", ("message_dismissed",), 0, State.NOT_MET),
    ],
)
def test_invitations_and_their_answers(text: str, replies: tuple[str, ...], after: Millis, state: State) -> None:
    assert check(text, contacted(*replies), after=after).state is state


@pytest.mark.parametrize(
    ("text", "replies", "state"),
    [
        ("opened", (), State.UNKNOWN),
        ("opened: stuck", (), State.NOT_MET),
        ("opened: left-cart", ("email_opened",), State.MET),
        ("opened", ("cart_restored",), State.MET),
        ("clicked", (), State.NOT_MET),
        ("clicked", ("email_opened",), State.NOT_MET),
        ("clicked: left-cart", ("email_clicked",), State.MET),
        ("clicked", ("cart_restored",), State.MET),
        ("clicked: stuck", ("cart_restored",), State.NOT_MET),
    ],
)
def test_mails_and_what_was_done_with_them(text: str, replies: tuple[str, ...], state: State) -> None:
    assert check(text, contacted(*replies, message="dec_2.0")).state is state


def test_nobody_opens_what_was_never_sent() -> None:
    assert check("opened", Shopper().opens("faq")).state is State.NOT_MET


def test_messages_on_another_device_count_for_the_person() -> None:
    shopper = Shopper().opens("faq")
    shopper.person = Person("p1", contacts=[MAIL])
    assert check("emailed: left-cart", shopper).met


def test_the_same_answer_twice_counts_once_and_few_are_kept() -> None:
    shopper = contacted("message_dismissed", "message_dismissed")
    assert len(shopper.visitor.replies) == 1
    for number in range(40):
        shopper.tells("message_dismissed", message=f"dec_{number}.0")
    assert len(shopper.visitor.replies) == 16
