"""Who a visitor is: one person over all devices, and what may be sent to their address."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from engine import identify
from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.people import Person
from engine.store.privacy import erase
from engine.store.suppress import suppress
from engine.store.unit import CONSENTS, DELIVERIES, IDENTITIES, PEOPLE, SUPPRESSIONS
from tests.builders import (
    ADDRESS,
    KB,
    SEQUENCE,
    STUCK,
    Premises,
    line,
    rule_set,
    with_lines,
)

BEFORE_NIGHT = "shop: {time_zone: UTC, quiet_hours: 13:00-20:00}"
"""Quiet hours in which a mail that was decided at two o'clock waits."""


# --- people -----------------------------------------------------------------------------------------------------------


def test_one_cart_on_two_devices_of_a_person_is_mailed_about_once(premises: Premises) -> None:
    for device in ("laptop", "phone"):
        premises.gives_address(device)
        premises.fills_cart(device)
    premises.later(HOUR).look_at("laptop", "phone")
    assert len(premises.mails()) == 1


def test_devices_with_the_same_address_are_one_person_with_one_budget(premises: Premises) -> None:
    premises.use(rule_set(STUCK, head="limits: {invitations: 1 per 7d}"))
    premises.post("page_viewed", "laptop", page={"url": KB})
    premises.later(45 * SECOND).post("checked_in", "laptop", engaged_ms=45_000)
    for device, address in (("laptop", ADDRESS), ("phone", ADDRESS.upper())):
        premises.gives_address(device, address)
    assert premises.visitor("laptop").person == premises.visitor("phone").person
    assert [contact.rule for contact in premises.person_of("phone").contacts] == ["stuck"]
    premises.post("page_viewed", "phone", page={"url": KB})
    assert premises.later(45 * SECOND).post("checked_in", "phone", engaged_ms=45_000).messages == []
    assert premises.decided("held") == [("phone", "stuck")]


def test_what_a_page_is_offered_is_always_kept_too(premises: Premises) -> None:
    premises.use(rule_set(with_lines(STUCK, "once_per: page")))
    for device in ("laptop", "phone"):
        premises.gives_address(device)
        premises.post("page_viewed", device, page={"url": KB})
        (raw,) = premises.later(45 * SECOND).post("checked_in", device, engaged_ms=45_000).messages
        (row,) = premises.rows(DELIVERIES, visitor=device)
        assert msgspec.json.decode(raw)["id"] == row.id


@pytest.mark.parametrize("typed", ["-", "none", "   ", "@", "a b@c"])
def test_what_is_no_address_makes_nobody_a_person(premises: Premises, typed: str) -> None:
    premises.post("contact_given", "v1", email=typed, consent={"email": True})
    premises.post("contact_given", "v2", email=typed, consent={"email": True})
    assert premises.visitor("v1").person is None
    assert premises.rows(PEOPLE) == []


def test_addresses_are_looked_up_by_a_hash_only(premises: Premises) -> None:
    premises.gives_address()
    (row,) = premises.rows(IDENTITIES)
    assert row.value == identify.hash_of("main", ADDRESS)
    assert ADDRESS not in repr(row)


def test_a_customer_number_from_a_browser_proves_nothing(premises: Premises) -> None:
    premises.hear("identified", "v1", customer_id="42", email=ADDRESS)
    premises.post("identified", "v2", customer_id="42")
    assert premises.visitor("v2").person is None


# --- consent ----------------------------------------------------------------------------------------------------------


def test_consent_is_recorded_with_its_words(premises: Premises) -> None:
    premises.gives_address(trusted=False)
    (row,) = premises.rows(CONSENTS)
    assert (row.granted, row.text, row.source, row.trusted) == (True, "Yes, mail me", "checkout", False)
    assert row.person == premises.visitor().person


def test_an_address_without_consent_is_not_mailed(premises: Premises) -> None:
    premises.post("contact_given", email=ADDRESS)
    premises.fills_cart()
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []
    assert premises.decided("held") == [("v1", "left")]


def test_withdrawn_consent_is_kept_and_obeyed(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    premises.later(MINUTE).post("consent_changed", email=ADDRESS, consent={"email": False})
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []
    assert [row.granted for row in sorted(premises.rows(CONSENTS), key=lambda row: int(row.at))] == [True, False]


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("ago", [MINUTE, 0], ids=["from before", "of the same moment"])
def test_consent_from_before_it_was_withdrawn_does_not_bring_it_back(
    premises: Premises, trusted: bool, ago: int
) -> None:
    premises.later(HOUR).post("consent_changed", email=ADDRESS, consent={"email": False})
    premises.submit(premises.accept("contact_given", ago=ago, trusted=trusted, email=ADDRESS, consent={"email": True}))
    assert premises.person_of().why_no_mail() is not None


def test_consent_that_only_a_browser_told_does_not_undo_an_unsubscribe(premises: Premises) -> None:
    premises.gives_address()
    person = premises.person_of()
    suppress(premises.engine, "main", person.id, identify.hash_of("main", ADDRESS), "unsubscribed")
    premises.later(MINUTE).gives_address("v2", trusted=False)
    premises.fills_cart("v2", "c2")
    premises.later(DAY).look_at("v2")
    assert premises.mails() == []
    assert premises.person_of("v2").why_no_mail() == "unsubscribed"


def test_an_unsubscribe_cancels_what_waits(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address()
    premises.fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    suppress(premises.engine, "main", premises.person_of().id, identify.hash_of("main", ADDRESS), "unsubscribed")
    assert premises.mails() == [("v1", "cancelled", "unsubscribed")]
    premises.later(3 * DAY).look_at("v1")
    assert premises.mails() == [("v1", "cancelled", "unsubscribed")]


def test_a_suppressed_address_that_comes_back_as_somebody_new_stays_suppressed(premises: Premises) -> None:
    suppress(premises.engine, "main", "per-gone", identify.hash_of("main", ADDRESS), "unsubscribed")
    premises.gives_address()
    assert premises.person_of().why_no_mail() == "unsubscribed"


def test_an_address_from_a_browser_is_mailed_at_most_once_a_day(premises: Premises) -> None:
    premises.gives_address(trusted=False)
    for day in range(3):
        premises.fills_cart("v1", f"c{day}", line(f"INK-{day}"))
        premises.later(2 * HOUR).look_at("v1")
        premises.fills_cart("v1", f"d{day}", line(f"PEN-{day}"))
        premises.later(22 * HOUR).look_at("v1")
    sent_at = sorted(int(row.due_at) for row in premises.rows(DELIVERIES))
    assert len(sent_at) == 3
    assert all(later - earlier >= DAY for earlier, later in pairwise(sent_at))


def test_a_stranger_who_types_a_customer_s_address_cannot_have_them_mailed_again_and_again(premises: Premises) -> None:
    premises.gives_address("customer")
    for stranger in ("s1", "s2", "s3"):
        premises.gives_address(stranger, trusted=False)
        premises.fills_cart(stranger, f"cart-{stranger}")
    premises.later(HOUR).look_at("s1", "s2", "s3")
    assert len(premises.mails()) == 1


# --- asking for mail again --------------------------------------------------------------------------------------------


OTHER = "anna@new.example"


def moves(premises: Premises, *, ago: int = 0, trusted: bool = True, consent: bool = True) -> str:
    """The customer of number 7 tells another address; returns where they are written to from now on."""
    agreed = {"email": consent, "text": "Yes", "source": "account"}
    told = premises.accept(
        "contact_given", "v1", ago=ago, trusted=trusted, email=OTHER, customer_id="7", consent=agreed
    )
    premises.submit(told)
    (person,) = [row for row in premises.rows(PEOPLE) if row.id == premises.visitor("v1").person]
    return msgspec.msgpack.decode(person.state, type=Person).email


def agrees_as_customer(premises: Premises) -> None:
    agreed = {"email": True, "text": "Yes", "source": "account"}
    told = premises.accept("contact_given", "v1", trusted=True, email=ADDRESS, customer_id="7", consent=agreed)
    premises.submit(told)
    premises.later(DAY)


def test_who_agrees_again_with_another_address_is_written_to_there(premises: Premises) -> None:
    agrees_as_customer(premises)
    assert moves(premises) == OTHER
    assert premises.person_of().why_no_mail() is None


def test_another_address_without_a_yes_leaves_the_mail_where_the_yes_was(premises: Premises) -> None:
    agrees_as_customer(premises)
    assert moves(premises, consent=False) == ADDRESS


def test_an_older_yes_that_arrives_late_moves_no_mail_back(premises: Premises) -> None:
    agrees_as_customer(premises)
    assert moves(premises, ago=2 * DAY) == ADDRESS


def test_a_yes_for_an_address_that_unsubscribed_is_no_yes(premises: Premises) -> None:
    agrees_as_customer(premises)
    suppress(premises.engine, "main", "per-gone", identify.hash_of("main", OTHER), "unsubscribed")
    assert moves(premises) == OTHER
    assert premises.person_of().why_no_mail() == "unsubscribed"


def test_who_said_goodbye_and_yes_a_day_later_is_written_to_where_they_said_it(premises: Premises) -> None:
    agrees_as_customer(premises)
    says_goodbye(premises)
    premises.later(DAY)
    assert moves(premises) == OTHER
    assert premises.person_of().why_no_mail() is None
    assert [row.address for row in premises.rows(SUPPRESSIONS)] == [identify.hash_of("main", ADDRESS)]


def test_an_address_that_bounced_does_not_keep_mail_from_the_next(premises: Premises) -> None:
    agrees_as_customer(premises)
    suppress(premises.engine, "main", premises.person_of().id, identify.hash_of("main", ADDRESS), "bounced")
    assert moves(premises) == OTHER
    assert premises.person_of().why_no_mail() is None


def says_goodbye(premises: Premises) -> None:
    person = premises.person_of("v1")
    suppress(premises.engine, "main", person.id, identify.hash_of("main", ADDRESS), "unsubscribed")


def test_another_cart_after_a_goodbye_is_not_mailed_about(premises: Premises) -> None:
    premises.gives_address()
    says_goodbye(premises)
    premises.later(DAY).fills_cart()
    premises.post("contact_given", "v1", email=ADDRESS)
    premises.later(2 * HOUR).look_at("v1")
    assert premises.mails() == []
    assert premises.person_of("v1").unsubscribed_at is not None


def test_whoever_asks_for_mail_again_in_so_many_words_is_mailed(premises: Premises) -> None:
    premises.gives_address()
    says_goodbye(premises)
    premises.later(DAY).gives_address()
    premises.fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    assert [state for _, state, _ in premises.mails()] == ["scheduled"]
    assert premises.rows(SUPPRESSIONS) == []


@pytest.mark.parametrize("consent", [{"email": True}, {"email": True, "text": "Yes", "source": "checkout"}])
def test_a_browser_that_merely_types_the_address_lifts_no_goodbye(
    premises: Premises, consent: dict[str, object]
) -> None:
    """Anybody may type anybody's address, and tick a box beside it."""
    premises.gives_address(trusted=False)
    says_goodbye(premises)
    premises.later(DAY).post("contact_given", "stranger", email=ADDRESS, consent=consent)
    assert premises.person_of("v1").unsubscribed_at is not None
    assert len(premises.rows(SUPPRESSIONS)) == 1


def test_a_consent_from_before_the_goodbye_that_arrives_late_lifts_nothing(premises: Premises) -> None:
    premises.gives_address()
    premises.later(DAY)
    says_goodbye(premises)
    premises.later(MINUTE)
    consent = {"email": True, "text": "Yes, mail me", "source": "checkout"}
    premises.submit(premises.accept("contact_given", "v1", ago=HOUR, trusted=True, email=ADDRESS, consent=consent))
    assert premises.person_of("v1").unsubscribed_at is not None


def test_who_was_erased_and_asks_for_mail_again_is_mailed(premises: Premises) -> None:
    premises.gives_address()
    says_goodbye(premises)
    erase(premises.engine, "main", premises.person_of("v1").id)
    premises.later(DAY).gives_address("v2")
    assert premises.person_of("v2").unsubscribed_at is None
    assert premises.rows(SUPPRESSIONS) == []


def test_an_address_that_bounced_stays_so_whatever_is_agreed_to(premises: Premises) -> None:
    premises.gives_address()
    person = premises.person_of("v1")
    suppress(premises.engine, "main", person.id, identify.hash_of("main", ADDRESS), "bounced")
    premises.later(DAY).gives_address()
    assert premises.person_of("v1").bounced_at is not None
    assert len(premises.rows(SUPPRESSIONS)) == 1
