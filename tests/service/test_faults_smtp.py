"""A relay that misbehaves: each delivery ends where it was promised, and no mail is two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Row, select

from engine.recovery import FIRST_RETRY
from engine.store import looks
from engine.store.database import reading
from engine.store.unit import SUPPRESSIONS
from tests.service.faulty_smtp import DROP, TAKES_AND_DROPS, FaultySmtp, Script
from tests.service.house import FINAL, House, Shopper, open_house, rules, wait_until

NOT_NOW: dict[str, Script] = {
    "rcpt-450": {"RCPT": "450 4.2.1 greylisted"},
    "data-452": {"DATA": "452 4.3.1 no room"},
    "dot-451": {"dot": "451 4.7.1 later"},
    "hangs-up-at-rcpt": {"RCPT": DROP},
    "hangs-up-at-data": {"DATA": DROP},
}
NEVER: dict[str, Script] = {
    "rcpt-554": {"RCPT": "554 5.7.1 policy"},
    "data-554": {"DATA": "554 5.6.0 no"},
    "dot-554": {"dot": "554 5.7.1 spam"},
    "dead-address": {"RCPT": "550 5.1.1 no such user"},
}
NOBODY_KNOWS: dict[str, Script] = {
    "hangs-up-at-the-dot": {"dot": DROP},
    "takes-it-and-hangs-up": {"dot": TAKES_AND_DROPS},
    "speaks-in-riddles": {"dot": "999 hm"},
}
WHOLE_RELAYS: dict[str, tuple[Script, str]] = {
    "relay-too-busy": ({"connect": "421 4.3.2 too many"}, "scheduled"),
    "relay-hangs-up": ({"connect": DROP}, "scheduled"),
    "relay-not-now": ({"MAIL": "451 4.3.0 later"}, "scheduled"),
    "relay-not-us": ({"MAIL": "554 5.7.1 not from you"}, "failed"),
}
"""Relays that treat every mail the same, each with a shop of its own, and what becomes of its deliveries."""
RESTING = (*FINAL, "scheduled")
IN_THE_BODY = "hangs-up-in-the-body"


def shopper_of(case: str) -> Shopper:
    return Shopper(f"{case}@mail.example", visitor=f"visitor-{case}", cart=f"cart-{case}")


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    scripts = {shopper_of(case).email: script for case, script in (NOT_NOW | NEVER | NOBODY_KNOWS).items()}
    scripts[shopper_of(IN_THE_BODY).email] = {"body": DROP}
    with FaultySmtp(scripts=scripts) as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, smtp: FaultySmtp) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("smtp")
    with ExitStack() as stack:
        relays = {case: stack.enter_context(_always(script)) for case, (script, _) in WHOLE_RELAYS.items()}
        shops = [rules(case, smtp=relay.url) for case, relay in relays.items()]
        url = f"sqlite:///{folder / 'shopbell.db'}"
        house = stack.enter_context(open_house(folder, url, smtp.url, *shops))
        house.leaves_cart(*(shopper_of(case) for case in [*NOT_NOW, *NEVER, *NOBODY_KNOWS, IN_THE_BODY]))
        for case in WHOLE_RELAYS:
            house.leaves_cart(shopper_of(case), key=house.opens_for(case))
        yield house


def tried(house: House, case: str) -> Row[Any]:
    """The row of a delivery between two attempts, or after the last."""

    def between_attempts() -> Row[Any] | None:
        return next((row for row in house.deliveries(shopper_of(case)) if row.result and row.state in RESTING), None)

    row = wait_until(between_attempts, f"an attempt at {case}")
    assert row is not None
    return row


def _always(script: Script) -> FaultySmtp:
    return FaultySmtp(script=lambda: script)


@pytest.mark.parametrize(("case", "state"), [(case, state) for case, (_, state) in WHOLE_RELAYS.items()])
def test_a_relay_that_takes_nobodys_mail_delays_or_refuses_it(house: House, case: str, state: str) -> None:
    assert tried(house, case).state == state


@pytest.mark.parametrize("case", NOT_NOW)
def test_not_now_is_tried_again_after_a_pause(house: House, case: str) -> None:
    row = tried(house, case)
    assert row.state == "scheduled"
    assert row.due_at - row.updated_at == FIRST_RETRY << (row.attempt - 1)
    assert row.result


@pytest.mark.parametrize("case", NEVER)
def test_never_is_failed_with_the_reason(house: House, case: str) -> None:
    shopper = shopper_of(case)
    assert house.wait_for_state(shopper, "failed", "sent", "uncertain") == "failed"
    assert "the relay refused" in house.result_of(shopper)


@pytest.mark.parametrize("case", NOBODY_KNOWS)
def test_what_nobody_can_know_is_uncertain_and_never_repeated(house: House, smtp: FaultySmtp, case: str) -> None:
    shopper = shopper_of(case)
    assert house.wait_for_state(shopper, "uncertain", "sent", "failed") == "uncertain"
    assert len(smtp.mails_to(shopper.email)) == (1 if case == "takes-it-and-hangs-up" else 0)
    assert house.deliveries(shopper)[0].attempt == 1


def test_a_relay_that_hangs_up_in_the_body_has_no_mail_and_we_may_not_know(house: House, smtp: FaultySmtp) -> None:
    """Whether its goodbye is heard before the last byte or after is a matter of microseconds."""
    assert tried(house, IN_THE_BODY).state in ("scheduled", "uncertain")
    assert smtp.mails_to(shopper_of(IN_THE_BODY).email) == []


def test_a_dead_address_is_never_mailed_again_and_says_why(house: House) -> None:
    house.wait_for_state(shopper_of("dead-address"), "failed")
    again, follower = Shopper(shopper_of("dead-address").email), Shopper("alive@mail.example")
    house.leaves_cart(again)
    house.leaves_cart(follower)
    house.wait_for_state(follower, "sent")
    assert house.deliveries(again) == []
    assert _why_no_mail(house, again) == "the address bounced"


def test_only_the_dead_address_is_suppressed(house: House) -> None:
    for case in NEVER:
        house.wait_for_state(shopper_of(case), "failed")
    with reading(house.engine) as connection:
        assert [row.reason for row in connection.execute(select(SUPPRESSIONS))] == ["bounced"]


def test_what_was_refused_for_a_moment_is_sent_once_when_the_relay_takes_it(house: House, smtp: FaultySmtp) -> None:
    waiting = [shopper_of(case) for case in NOT_NOW]
    for shopper in waiting:
        tried(house, shopper.email.partition("@")[0])
        smtp.scripts.pop(shopper.email)
        house.is_due_now(shopper)
    for shopper in waiting:
        house.wait_for_state(shopper, "sent")
        assert len(smtp.mails_to(shopper.email)) == 1
    assert smtp.doubled() == []


def _why_no_mail(house: House, shopper: Shopper) -> str | None:
    with reading(house.engine) as connection:
        seen = looks.visitor(connection, "main", shopper.visitor)
        person = looks.person(connection, "main", seen.person if seen else None)
        assert person is not None
        return person.why_no_mail()
