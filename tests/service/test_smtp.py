"""Handing mail over: what is known at each step, and that one mail is never two.

The relay here is a real server on a real socket that misbehaves at exactly one step.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from engine.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain
from integrations.smtp.relay import Deadlines
from tests.parts import free_port
from tests.service.relay import (
    CHATTER,
    DROP,
    MAIL,
    PATIENT,
    SILENCE,
    FaultyRelay,
    Fence,
    failure,
    sender,
)

SOON = Deadlines(connect_s=0.3, command_s=0.3, final_s=0.3)
PATIENT_UNTIL_THE_DOT = replace(PATIENT, final_s=0.3)


# --- before the dot ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_says_not_now_delays_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: "451 4.3.0 come back later"}) as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryDelayed)
    assert "451 4.3.0 come back later" in error.message
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_relay_that_says_never_refuses_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: "554 5.7.1 not from you"}) as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_a_relay_that_does_not_want_us_at_all_only_delays_the_mail(step: str) -> None:
    with FaultyRelay(**{step: "554 5.7.1 no service for you"}) as relay:
        assert isinstance(failure(relay, Fence()), DeliveryDelayed)


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_hangs_up_delays_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: DROP}) as relay:
        assert isinstance(failure(relay, fence), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [SILENCE, CHATTER])
def test_a_relay_that_stalls_delays_the_mail_at_its_deadline(step: str, fault: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: fault}) as relay:
        assert isinstance(failure(relay, fence, deadlines=SOON), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


def test_a_relay_that_vanishes_inside_the_mail_delays_it() -> None:
    fence = Fence()
    large = msgspec.structs.replace(MAIL, html="<p>" + "Hallo " * 1_000_000 + "</p>")
    with FaultyRelay(body=DROP) as relay:
        assert isinstance(failure(relay, fence, large), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


def test_nobody_listening_delays_the_mail() -> None:
    with pytest.raises(DeliveryDelayed):
        sender(free_port()).send(MAIL, Fence())


# --- the fence --------------------------------------------------------------------------------------------------------


def test_a_worker_that_no_longer_owns_the_delivery_sends_nothing() -> None:
    fence = Fence(answer=False)
    with FaultyRelay() as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryDelayed)
    assert error.message == "another worker owns it"
    assert (fence.asked, relay.messages) == (1, [])
    assert "DATA" in relay.commands


def test_a_fence_that_fails_sends_nothing() -> None:
    def fence() -> bool:
        raise ConnectionError("the database is away")

    with FaultyRelay() as relay, pytest.raises(ConnectionError):
        sender(relay.port).send(MAIL, fence)
    assert relay.messages == []


def test_the_fence_is_asked_after_the_mail_and_before_the_dot() -> None:
    with FaultyRelay() as relay:
        seen: list[list[bytes]] = []

        def fence() -> bool:
            seen.append(list(relay.messages))
            return True

        sender(relay.port).send(MAIL, fence)
    assert seen == [[]]
    assert len(relay.messages) == 1


# --- the dot ----------------------------------------------------------------------------------------------------------


def test_a_mail_the_relay_took_is_sent_and_its_answer_kept() -> None:
    fence = Fence()
    with FaultyRelay() as relay:
        assert sender(relay.port).send(MAIL, fence) == "250 2.0.0 queued as 4711"
    assert (fence.asked, len(relay.messages)) == (1, 1)
    assert relay.commands[1:5] == ["MAIL FROM:<sanne@inkt.example>", "RCPT TO:<anna@mail.example>", "DATA", "QUIT"]


def test_how_the_goodbye_goes_changes_nothing() -> None:
    with FaultyRelay(QUIT=SILENCE) as relay:
        assert sender(relay.port).send(MAIL, Fence()).startswith("250")


@pytest.mark.parametrize("fault", [DROP, SILENCE, CHATTER])
def test_silence_after_the_dot_leaves_it_uncertain(fault: str) -> None:
    with FaultyRelay(dot=fault) as relay:
        error = failure(relay, Fence(), deadlines=PATIENT_UNTIL_THE_DOT)
    assert isinstance(error, DeliveryUncertain)
    assert len(relay.messages) == 1


@pytest.mark.parametrize("nonsense", ["hello", "999 what", "354 go ahead", "100 well"])
def test_nonsense_after_the_dot_leaves_it_uncertain(nonsense: str) -> None:
    with FaultyRelay(dot=nonsense) as relay:
        assert isinstance(failure(relay, Fence()), DeliveryUncertain)


def test_a_relay_that_says_not_now_to_the_dot_delays_the_mail() -> None:
    with FaultyRelay(dot="452 4.3.1 disk full") as relay:
        assert isinstance(failure(relay, Fence()), DeliveryDelayed)


def test_a_relay_that_says_never_to_the_dot_refuses_the_mail() -> None:
    with FaultyRelay(dot="550 5.7.1 looks like spam") as relay:
        error = failure(relay, Fence())
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "dead"),
    [
        ("550 5.1.1 <anna@mail.example> no such user", True),
        ("551 5.1.6 moved", True),
        ("553 5.1.3 bad syntax", True),
        ("550 5.1.10 null MX", True),
        ("550 5.1.8 bad sender's system", False),
        ("550 5.7.1 relaying denied", False),
        ("550 relaying denied", False),
        ("552 5.2.2 mailbox full", False),
    ],
)
def test_only_a_refusal_of_the_address_itself_counts_against_it(answer: str, dead: bool) -> None:
    with FaultyRelay(RCPT=answer) as relay:
        error = failure(relay, Fence())
    assert isinstance(error, DeliveryRefused)
    assert error.bad_address is dead


@pytest.mark.parametrize("step", ["RCPT", "dot"])
def test_no_error_repeats_an_address(step: str) -> None:
    with FaultyRelay(**{step: "550 5.1.1 <anna@mail.example>: anna@mail.example unknown"}) as relay:
        error = failure(relay, Fence())
    assert "anna" not in error.message
    assert "(address)" in error.message


@pytest.mark.parametrize(
    "address", ["", "anna", "anna@", "a@b@c.example", "anna@mail.example, bob@mail.example", "a b@c.example"]
)
def test_what_is_no_single_address_is_refused_as_one(address: str) -> None:
    with pytest.raises(DeliveryRefused) as error:
        sender(1).send(msgspec.structs.replace(MAIL, recipient=address), Fence())
    assert error.value.bad_address
    assert "anna" not in error.value.message


def test_a_domain_outside_ascii_travels_in_its_ascii_form() -> None:
    with FaultyRelay() as relay:
        sender(relay.port).send(msgspec.structs.replace(MAIL, recipient="anna@bücher.example"), Fence())
    assert "RCPT TO:<anna@xn--bcher-kva.example>" in relay.commands


def test_a_name_outside_ascii_needs_a_relay_that_can_carry_it() -> None:
    mail = msgspec.structs.replace(MAIL, recipient="jürgen@mail.example")
    with FaultyRelay() as relay:
        error = failure(relay, Fence(), mail)
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address
    with FaultyRelay(EHLO="250-relay.example\r\n250 SMTPUTF8") as able:
        sender(able.port).send(mail, Fence())
    assert "RCPT TO:<jürgen@mail.example>" in able.commands
    assert any(command.endswith("SMTPUTF8") for command in able.commands)


def test_a_relay_that_wants_its_own_sender_gets_it() -> None:
    with FaultyRelay() as relay:
        sender(relay.port, own="post@relay.example").send(MAIL, Fence())
    assert "MAIL FROM:<post@relay.example>" in relay.commands
    assert b'From: "Sanne, Inkt & Papier" <post@relay.example>' in relay.messages[0]


@pytest.mark.parametrize(
    "field", ["subject", "sender", "recipient_name", "reply_to", "language", "unsubscribe_url", "message_id"]
)
@pytest.mark.parametrize("poison", ["\r\nBcc: x@evil.example", "\nX: y", "\x00", "\udc80"])
def test_a_header_that_would_start_another_is_refused(field: str, poison: str) -> None:
    whole = getattr(MAIL, field)
    hostile = msgspec.structs.replace(MAIL, **{field: poison + whole})
    with pytest.raises(DeliveryRefused):
        sender(1).send(hostile, Fence())
