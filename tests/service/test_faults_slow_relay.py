"""Relays that say nothing: they cost their own shop time, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.parts import DEADLINE_S
from tests.service.faulty_smtp import HANG, TAKES_AND_ANSWERS_TOO_LATE, FaultySmtp
from tests.service.house import House, Shopper, open_house, rules

CONNECT_S = 10.0
WORKERS = 3
MUTE_MAILS = int(1.5 * WORKERS * DEADLINE_S / CONNECT_S)
"""So many that workers who do not learn from the first ones wait for this relay longer than the test waits for them."""


@dataclass
class Street:
    """Three shops in one house: one relay works, one says nothing, one answers when nobody listens any more."""

    house: House
    good: FaultySmtp
    mute: FaultySmtp
    late: FaultySmtp
    at_the_mute: list[Shopper]
    at_the_late: Shopper


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with ExitStack() as stack:
        good, mute, late = (stack.enter_context(FaultySmtp()) for _ in range(3))
        mute.script = lambda: {"connect": HANG}
        late.script = lambda: {"dot": TAKES_AND_ANSWERS_TOO_LATE}
        folder = tmp_path_factory.mktemp("slow")
        shops = [rules("mute", smtp=mute.url), rules("late", smtp=late.url)]
        url = f"sqlite:///{folder / 'shopbell.db'}"
        house = stack.enter_context(open_house(folder, url, good.url, *shops, workers=WORKERS))
        street = Street(
            house,
            good,
            mute,
            late,
            [Shopper(f"mute-{n}@mail.example") for n in range(MUTE_MAILS)],
            Shopper("late@mail.example"),
        )
        house.leaves_cart(*street.at_the_mute, key=house.opens_for("mute"))
        house.leaves_cart(street.at_the_late, key=house.opens_for("late"))
        mute.wait_for_connections(1)
        yield street


def test_a_relay_that_says_nothing_does_not_hold_up_another_shops_mail(street: Street) -> None:
    shopper = Shopper("main@mail.example")
    street.house.leaves_cart(shopper)
    street.good.wait_for_mail_to(shopper.email)


def test_a_relay_that_says_nothing_is_left_alone_for_a_while_and_then_gets_its_mails(street: Street) -> None:
    for shopper in street.at_the_mute:
        street.house.wait_for_state(shopper, "scheduled")
    assert street.mute.connections <= 2 * WORKERS
    street.mute.script = dict
    for shopper in street.at_the_mute:
        street.house.wait_for_state(shopper, "sent")
        assert len(street.mute.mails_to(shopper.email)) == 1


def test_an_answer_that_comes_too_late_leaves_the_mail_uncertain_and_one(street: Street) -> None:
    shopper = street.at_the_late
    street.late.wait_for_mail_to(shopper.email)
    assert street.house.wait_for_state(shopper, "uncertain", "sent", "failed", timeout_s=2 * DEADLINE_S) == "uncertain"
    assert "did not answer" in street.house.result_of(shopper)
    assert len(street.late.mails_to(shopper.email)) == 1
