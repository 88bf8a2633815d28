"""What is left of those who were forgotten goes too, each in its time, and never while anybody is known by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Table, insert, update

from engine import hints
from engine.clock import DAY, HOUR
from engine.hints import Ringer
from engine.messages import DeliveryState
from engine.schedule import Rounds
from engine.store import deliveries, retention, timers
from engine.store.database import in_transaction
from engine.store.suppress import suppress
from engine.store.timers import Due, Sweep
from engine.store.unit import (
    CARTS,
    CONSENTS,
    DECISIONS,
    DELIVERIES,
    LINKS,
    ORDERS,
    OUTCOMES,
    PEOPLE,
    SUPPRESSIONS,
    VISITORS,
)
from tests.builders import ADDRESS, KB, Premises

IDLE, RESULTS = 90 * DAY, 400 * DAY
LEFT_BEHIND = (CARTS, DECISIONS, DELIVERIES, OUTCOMES, CONSENTS)


@pytest.fixture
def mailed(premises: Premises) -> Premises:
    """Somebody left a cart, was mailed about it and put the mail's link to use."""
    premises.gives_address()
    premises.fills_cart()
    (delivery,) = premises.later(HOUR).look_at("v1").hints
    held = deliveries.claim(premises.engine, delivery)
    assert held is not None
    assert deliveries.settle(premises.engine, held, DeliveryState.SENT, "250 OK")
    clicked = insert(OUTCOMES).values(shop="main", delivery=delivery, kind="clicked", at=premises.hands.now)
    in_transaction(premises.engine, lambda connection: connection.execute(clicked))
    assert [len(premises.rows(table)) for table in LEFT_BEHIND] == [1] * len(LEFT_BEHIND)
    return premises


@pytest.fixture
def tidy(mailed: Premises, redis_url: str) -> Callable[[], int]:
    """One round of the clock."""
    rounds = Rounds(mailed.engine, Ringer(hints.connect(redis_url)), forget_after_ms=IDLE, keep_results_ms=RESULTS)
    return rounds.tidy


def left(premises: Premises) -> list[str]:
    return [table.name for table in LEFT_BEHIND if premises.rows(table)]


def test_nothing_is_left_of_somebody_who_was_not_seen_for_long(mailed: Premises, tidy: Callable[[], int]) -> None:
    mailed.later(RESULTS + 1)
    tidy()
    assert left(mailed) == []
    assert [mailed.rows(table) for table in (VISITORS, PEOPLE, LINKS, ORDERS)] == [[]] * 4


def test_what_was_decided_outlives_who_it_was_about_and_then_goes(mailed: Premises, tidy: Callable[[], int]) -> None:
    mailed.later(IDLE + HOUR)
    tidy()
    assert mailed.rows(VISITORS) == []
    assert left(mailed) == ["decisions", "deliveries", "outcomes", "consents"]
    mailed.later(RESULTS - IDLE - HOUR)
    tidy()
    assert left(mailed) == ["decisions", "deliveries", "outcomes", "consents"]
    mailed.later(1)
    tidy()
    assert left(mailed) == []


def test_what_was_decided_about_somebody_who_still_comes_stays(mailed: Premises, tidy: Callable[[], int]) -> None:
    for _ in range(6):
        mailed.later(80 * DAY).post("page_viewed", page={"url": KB})
        tidy()
    assert left(mailed) == ["carts", "decisions", "deliveries", "outcomes", "consents"]


def test_what_was_decided_stays_as_long_as_the_person_is_known_on_another_device(
    mailed: Premises, tidy: Callable[[], int]
) -> None:
    mailed.gives_address("v2")
    mailed.look_at("v1")  # whoever is theirs is looked at again
    for _ in range(6):
        mailed.later(80 * DAY).post("page_viewed", "v2", page={"url": KB})
        tidy()
    assert [row.id for row in mailed.rows(VISITORS)] == ["v2"]
    assert left(mailed) == ["decisions", "deliveries", "outcomes", "consents"]


def test_a_cart_stays_as_long_as_a_mail_may_bring_it_back(mailed: Premises) -> None:
    mailed.later(29 * DAY)
    timers.forget_visitors(mailed.engine, DAY)
    assert mailed.rows(VISITORS) == []
    assert retention.forget_carts(mailed.engine, DAY).forgotten == 0
    mailed.later(DAY + 1)
    assert retention.forget_carts(mailed.engine, DAY).forgotten == 1


@pytest.mark.parametrize("state", ["scheduled", "claimed", "dot"])
def test_what_is_still_under_way_is_never_taken_away(mailed: Premises, tidy: Callable[[], int], state: str) -> None:
    in_transaction(mailed.engine, lambda connection: connection.execute(update(DELIVERIES).values(state=state)))
    mailed.later(2 * RESULTS)
    tidy()
    assert left(mailed) == ["decisions", "deliveries", "outcomes", "consents"]


def test_a_proof_stays_as_long_as_a_message_that_was_sent_on_it(mailed: Premises) -> None:
    mailed.later(RESULTS + 1)
    timers.forget_visitors(mailed.engine, IDLE)
    timers.forget_people(mailed.engine, IDLE)
    assert retention.forget_consents(mailed.engine, RESULTS).forgotten == 0
    assert retention.forget_results(mailed.engine, RESULTS).forgotten == 1
    assert retention.forget_consents(mailed.engine, RESULTS).forgotten == 1


def test_whom_nobody_may_mail_is_kept_for_good(mailed: Premises, tidy: Callable[[], int]) -> None:
    suppress(mailed.engine, "main", mailed.visitor().person or "", "a hash", "unsubscribed")
    (before,) = mailed.rows(SUPPRESSIONS)
    mailed.later(10 * RESULTS)
    tidy()
    assert left(mailed) == []
    assert mailed.rows(SUPPRESSIONS) == [before]


@pytest.mark.parametrize(
    ("forget", "table"),
    [
        (retention.forget_carts, CARTS),
        (retention.forget_results, DECISIONS),
        (retention.forget_consents, CONSENTS),
    ],
)
def test_a_table_is_gone_through_stretch_by_stretch(
    premises: Premises, forget: Callable[..., Sweep], table: Table
) -> None:
    for number in range(5):
        premises.gives_address(f"v{number}", f"{number}-{ADDRESS}")
        premises.fills_cart(f"v{number}", f"c{number}")
    premises.later(HOUR).look_at(*(f"v{number}" for number in range(5)))
    in_transaction(premises.engine, lambda connection: connection.execute(update(DELIVERIES).values(state="sent")))
    premises.later(2 * RESULTS)
    timers.forget_visitors(premises.engine, IDLE)
    timers.forget_people(premises.engine, IDLE)
    if table is CONSENTS:
        retention.forget_results(premises.engine, RESULTS)
    after: Due | None = None
    forgotten = []
    for _ in range(3):
        sweep = forget(premises.engine, RESULTS, after, 2)
        forgotten.append(sweep.forgotten)
        after = sweep.last
    assert (forgotten, after, premises.rows(table)) == ([2, 2, 1], None, [])
