"""Claims: what is due is somebody's for one lease, and nothing is sent by two or repeated on hope."""

from __future__ import annotations

from functools import partial

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.messages import DeliveryState
from engine.recovery import DELIVERY_LEASE, VISITOR_LEASE
from engine.store import deliveries, rule_sets, timers
from engine.store.deliveries import Claim
from engine.store.unit import CONSENTS, DELIVERIES, EVENTS, HOUSES, IDENTITIES, ORDERS, PEOPLE, VISITORS
from tests.builders import KB, STUCK, Premises, at_once, rule_set


@pytest.fixture
def mail(premises: Premises) -> str:
    """The id of a mail that is due now."""
    premises.gives_address()
    premises.fills_cart()
    (delivery,) = premises.later(HOUR).look_at("v1").hints
    return delivery


def claimed(premises: Premises, delivery: str) -> Claim:
    held = deliveries.claim(premises.engine, delivery)
    assert held is not None
    return held


def state_of(premises: Premises, delivery: str) -> str:
    (row,) = premises.rows(DELIVERIES, id=delivery)
    return str(row.state)


# --- deliveries -------------------------------------------------------------------------------------------------------


def test_a_claim_tells_all_that_the_worker_needs(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    assert (held.id, held.attempt, held.shop, held.visitor, held.kind) == (mail, 1, "main", "v1", "email")
    assert held.person == premises.visitor().person
    assert held.now == premises.hands.now


def test_what_somebody_holds_is_nobody_else_s(premises: Premises, other: Premises, mail: str) -> None:
    claimed(premises, mail)
    assert deliveries.claim(other.engine, mail) is None


def test_of_many_workers_at_once_one_gets_it(premises: Premises, other: Premises, mail: str) -> None:
    for _ in range(10):
        works = [partial(deliveries.claim, house.engine, mail) for house in (premises, other) * 2]
        (held,) = [claim for claim in at_once(*works) if claim is not None]
        assert deliveries.put_back(premises.engine, held, 0, "again")


def test_what_is_not_due_yet_is_not_claimed(premises: Premises, mail: str) -> None:
    premises.hands.now -= 1
    assert deliveries.claim(premises.engine, mail) is None


@pytest.mark.parametrize("nobody", ["", "dec_unknown.0"])
def test_a_hint_about_nothing_claims_nothing(premises: Premises, nobody: str) -> None:
    assert deliveries.claim(premises.engine, nobody) is None


def test_a_silent_worker_loses_its_claim_when_the_lease_is_over(premises: Premises, mail: str) -> None:
    first = claimed(premises, mail)
    premises.later(DELIVERY_LEASE)
    assert deliveries.claim(premises.engine, mail) is None
    assert claimed(premises.later(1), mail).attempt == first.attempt + 1


def test_a_renewed_claim_is_kept(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    premises.later(DELIVERY_LEASE - SECOND)
    assert deliveries.renew(premises.engine, held)
    premises.later(DELIVERY_LEASE)
    assert deliveries.claim(premises.engine, mail) is None


def test_a_worker_that_was_overtaken_does_not_pass_the_fence(premises: Premises, mail: str) -> None:
    slow = claimed(premises, mail)
    fast = claimed(premises.later(DELIVERY_LEASE + 1), mail)
    assert not deliveries.renew(premises.engine, slow)
    assert not deliveries.pass_fence(premises.engine, slow)
    assert deliveries.pass_fence(premises.engine, fast)


def test_a_worker_that_wakes_late_but_was_not_overtaken_may_go_on(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    premises.later(HOUR)
    assert deliveries.pass_fence(premises.engine, held)


def test_nobody_passes_the_fence_twice(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    assert deliveries.pass_fence(premises.engine, held)
    assert not deliveries.pass_fence(premises.engine, held)


def test_what_passed_the_fence_is_never_claimed_again(premises: Premises, mail: str) -> None:
    deliveries.pass_fence(premises.engine, claimed(premises, mail))
    premises.later(DAY)
    assert deliveries.claim(premises.engine, mail) is None
    assert deliveries.owed(premises.engine, 0, 10) == []


def test_an_order_takes_a_mail_away_from_the_worker_that_holds_it(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    premises.later(SECOND).post("order_placed", order={"id": "o1", "cart_id": "c1"})
    assert premises.mails() == [("v1", "cancelled", "bought")]
    assert not deliveries.pass_fence(premises.engine, held)
    assert not deliveries.put_back(premises.engine, held, MINUTE, "not now")
    assert deliveries.claim(premises.engine, mail) is None


def test_an_order_after_the_fence_does_not_make_a_mail_unsent(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    deliveries.pass_fence(premises.engine, held)
    premises.later(SECOND).post("order_placed", order={"id": "o1", "cart_id": "c1"})
    assert state_of(premises, mail) == "dot"
    assert deliveries.settle(premises.engine, held, DeliveryState.SENT, "250 OK")


def test_the_outcome_is_written_by_whoever_holds_it(premises: Premises, mail: str) -> None:
    slow = claimed(premises, mail)
    fast = claimed(premises.later(DELIVERY_LEASE + 1), mail)
    assert not deliveries.settle(premises.engine, slow, DeliveryState.SENT, "250 OK")
    deliveries.pass_fence(premises.engine, fast)
    assert deliveries.settle(premises.engine, fast, DeliveryState.SENT, "250 OK")
    (row,) = premises.rows(DELIVERIES)
    assert (row.state, row.result, row.lease_until, row.attempt) == ("sent", "250 OK", None, 2)


def test_an_outcome_is_final(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    deliveries.settle(premises.engine, held, DeliveryState.SENT, "250 OK")
    assert not deliveries.settle(premises.engine, held, DeliveryState.FAILED, "no")
    assert not deliveries.put_back(premises.engine, held, 0, "again")
    assert state_of(premises, mail) == "sent"


def test_what_was_put_back_is_due_after_its_pause(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    assert deliveries.put_back(premises.engine, held, 15 * SECOND, "451 not now")
    premises.later(15 * SECOND - 1)
    assert deliveries.claim(premises.engine, mail) is None
    assert claimed(premises.later(1), mail).attempt == 2


def test_silence_around_the_last_byte_is_uncertain_and_nothing_else_is(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    premises.later(10 * DELIVERY_LEASE)
    assert deliveries.mark_uncertain(premises.engine) == 0, "the last byte had not left"
    deliveries.pass_fence(premises.engine, held)
    premises.later(DELIVERY_LEASE)
    assert deliveries.mark_uncertain(premises.engine) == 0, "the worker may still hear the answer"
    assert deliveries.renew(premises.engine, held)
    premises.later(DELIVERY_LEASE)
    assert deliveries.mark_uncertain(premises.engine) == 0, "and takes its time for it"
    premises.later(1)
    assert deliveries.mark_uncertain(premises.engine) == 1
    assert state_of(premises, mail) == "uncertain"
    assert deliveries.claim(premises.engine, mail) is None


def test_what_may_have_left_is_put_back_only_when_it_was_refused(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    deliveries.pass_fence(premises.engine, held)
    assert not deliveries.put_back(premises.engine, held, 0, "the connection broke", refused=False)
    assert deliveries.put_back(premises.engine, held, 0, "451 not now")
    assert state_of(premises, mail) == "scheduled"


def test_a_late_certainty_replaces_the_lack_of_it(premises: Premises, mail: str) -> None:
    held = claimed(premises, mail)
    deliveries.pass_fence(premises.engine, held)
    premises.later(DAY)
    deliveries.mark_uncertain(premises.engine)
    assert deliveries.settle(premises.engine, held, DeliveryState.SENT, "250 OK")
    assert state_of(premises, mail) == "sent"


def test_what_is_owed_is_what_waits_too_long_or_was_left_behind(premises: Premises, mail: str) -> None:
    assert deliveries.owed(premises.engine, 2 * SECOND, 10) == []
    premises.later(2 * SECOND)
    assert deliveries.owed(premises.engine, 2 * SECOND, 10) == [mail]
    claimed(premises, mail)
    assert deliveries.owed(premises.engine, 2 * SECOND, 10) == []
    premises.later(DELIVERY_LEASE + 1)
    assert deliveries.owed(premises.engine, 2 * SECOND, 10) == [mail]


# --- visitors whose time has come -------------------------------------------------------------------------------------


def fill_carts(premises: Premises, count: int) -> None:
    for number in range(count):
        premises.fills_cart(f"v{number:02}", f"c{number}")


def test_a_visitor_is_due_when_its_time_has_come_and_not_before(premises: Premises) -> None:
    fill_carts(premises, 1)
    premises.later(HOUR - 1)
    assert timers.claim_due_visitors(premises.engine) == []
    premises.later(1)
    assert [due.visitor for due in timers.claim_due_visitors(premises.engine)] == ["v00"]


def test_a_claimed_visitor_is_given_out_again_only_after_its_lease(premises: Premises) -> None:
    fill_carts(premises, 1)
    premises.later(HOUR)
    assert len(timers.claim_due_visitors(premises.engine)) == 1
    premises.later(VISITOR_LEASE)
    assert timers.claim_due_visitors(premises.engine) == []
    premises.later(1)
    assert len(timers.claim_due_visitors(premises.engine)) == 1


def test_a_look_ends_the_lease_and_what_is_due_next_is_due(premises: Premises) -> None:
    fill_carts(premises, 1)
    premises.later(HOUR)
    timers.claim_due_visitors(premises.engine)
    premises.look_at("v00")
    (row,) = premises.rows(VISITORS)
    assert (row.due_at, row.lease_until) == (None, None)


def test_those_who_wait_longest_come_first_and_only_so_many(premises: Premises) -> None:
    for number in (3, 1, 2):
        premises.fills_cart(f"v{number}", f"c{number}")
        premises.later(MINUTE)
    premises.later(HOUR)
    assert [due.visitor for due in timers.claim_due_visitors(premises.engine, 2)] == ["v3", "v1"]
    assert [due.visitor for due in timers.claim_due_visitors(premises.engine, 2)] == ["v2"]


def test_two_clocks_share_the_work_and_give_nobody_out_twice(premises: Premises, other: Premises) -> None:
    fill_carts(premises, 40)
    premises.later(HOUR)
    given = []
    for _ in range(6):
        works = [partial(timers.claim_due_visitors, house.engine, 5) for house in (premises, other)]
        given += [due.visitor for claimed in at_once(*works) for due in claimed]
    assert len(given) == len(set(given))
    given += [due.visitor for due in timers.claim_due_visitors(premises.engine, 100)]
    assert sorted(given) == [f"v{number:02}" for number in range(40)]


# --- tidying up -------------------------------------------------------------------------------------------------------


def test_visitors_that_nobody_saw_for_long_are_forgotten_with_their_events(premises: Premises) -> None:
    premises.post("page_viewed", "old", page={"url": KB})
    premises.fills_cart("owed")
    premises.later(91 * DAY).post("page_viewed", "new", page={"url": KB})
    assert timers.forget_visitors(premises.engine, 90 * DAY).forgotten == 1
    assert {row.id for row in premises.rows(VISITORS)} == {"owed", "new"}
    assert {row.visitor for row in premises.rows(EVENTS)} == {"owed", "new"}


def test_an_invitation_that_nobody_came_back_for_expires(premises: Premises) -> None:
    premises.use(rule_set(STUCK))
    premises.post("page_viewed", page={"url": KB})
    premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000)
    premises.later(10 * MINUTE)
    assert timers.expire_offers(premises.engine) == 0
    premises.later(1)
    assert timers.expire_offers(premises.engine) == 1
    assert premises.post("message_shown", message=premises.rows(DELIVERIES)[0].id).accepted == 1
    assert premises.rows(DELIVERIES)[0].state == "expired"


def test_people_are_forgotten_when_none_of_their_visitors_is_left(premises: Premises) -> None:
    premises.use(rule_set())
    premises.gives_address("gone", "gone@shopper.example")
    premises.gives_address("here", "here@shopper.example")
    premises.later(91 * DAY).post("page_viewed", "here", page={"url": KB})
    timers.forget_visitors(premises.engine, 90 * DAY)
    assert timers.forget_people(premises.engine, 90 * DAY).forgotten == 1
    assert {row.id for row in premises.rows(PEOPLE)} == {premises.visitor("here").person}
    assert {row.person for row in premises.rows(IDENTITIES)} == {premises.visitor("here").person}
    assert len(premises.rows(CONSENTS)) == 2, "what was allowed in which words stays, as proof"


def test_old_orders_are_forgotten_stretch_by_stretch(premises: Premises) -> None:
    for number in range(5):
        premises.hear("order_placed", "v1", order={"id": f"old-{number}"})
    premises.later(91 * DAY).hear("order_placed", "v1", order={"id": "new"})
    after, forgotten = None, []
    for _ in range(4):
        sweep = timers.forget_orders(premises.engine, 90 * DAY, after, most=2)
        after = sweep.last
        forgotten.append(sweep.forgotten)
    assert {row.id for row in premises.rows(ORDERS)} == {"new"}
    assert sum(forgotten) == 5


def test_a_shop_without_a_file_for_long_leaves_no_house(premises: Premises) -> None:
    files = {"main": ("one", "rules: []"), "tea": ("two", "rules: []")}
    rule_sets.remember_all(premises.engine, files)
    rule_sets.remember_all(premises.engine, {"main": files["main"]})
    assert timers.forget_houses(premises.engine, 90 * DAY) == 0
    premises.later(91 * DAY)
    assert timers.forget_houses(premises.engine, 90 * DAY) == 1
    assert {row.shop for row in premises.rows(HOUSES)} == {"main"}
