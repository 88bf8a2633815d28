"""What goes wrong in other systems, over the database and with several processes; the core's part of it is in unit."""

from __future__ import annotations

import msgspec
import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decisions import Guard
from engine.identify import hash_of
from engine.store.suppress import suppress
from engine.store.unit import CARTS, DECISIONS, DELIVERIES, ORDERS
from tests.builders import ADDRESS, KB, LEFT, SEQUENCE, STUCK, Premises, cart, named, rule_set, with_lines


def messages(premises: Premises, visitor: str, engaged_ms: int) -> list[str]:
    """The rules whose messages the page is given when it checks in."""
    answer = premises.post("checked_in", visitor, engaged_ms=engaged_ms)
    return [msgspec.json.decode(raw)["rule"] for raw in answer.messages]


def test_time_on_a_page_survives_a_restart_a_reload_and_another_process(premises: Premises, other: Premises) -> None:
    premises.post("page_viewed", "reader", page={"url": KB})
    assert messages(premises.later(30 * SECOND), "reader", 30_000) == []
    other.use(rule_set(with_lines(STUCK, "about: It reads otherwise now."), LEFT))
    other.later(SECOND).post("page_viewed", "reader", page={"url": KB})
    assert messages(other.later(14 * SECOND), "reader", 14_000) == []
    assert messages(premises.later(SECOND), "reader", 15_000) == ["stuck"]


def test_a_purchase_on_the_phone_ends_at_once_all_that_is_pending_on_the_laptop(premises: Premises) -> None:
    quiet = "shop: {time_zone: UTC, quiet_hours: 13:30-20:00}"
    premises.use(rule_set(named(LEFT, "waits-for-the-morning"), SEQUENCE.replace("1h", "30m"), head=quiet))
    for device in ("laptop", "phone"):
        premises.gives_address(device)
    premises.fills_cart("laptop")
    premises.later(30 * MINUTE).look_at("laptop")
    premises.later(30 * MINUTE).look_at("laptop")
    assert sorted(state for _, state, _ in premises.mails()) == ["scheduled", "scheduled"]
    assert list(premises.visitor("laptop").state.runs) == ["sequence"]

    premises.post("order_placed", "phone", order={"id": "o1", "total": "24.95", "currency": "EUR"})
    assert {(state, result) for _, state, result in premises.mails()} == {("cancelled", "bought")}
    due = premises.visitor("laptop").due_at
    assert due is not None
    assert due <= premises.hands.now
    premises.look_at("laptop")
    assert premises.visitor("laptop").state.runs == {}
    premises.later(7 * DAY).look_at("laptop", "phone")
    assert {state for _, state, _ in premises.mails()} == {"cancelled"}


def test_a_sale_during_a_chat_with_no_agent_left_is_on_the_books(premises: Premises) -> None:
    premises.hear("agents_changed", agents={"online": 1})
    premises.gives_address("v1")
    premises.fills_cart()
    premises.post("chat_started")
    premises.later(SECOND).hear("agents_changed", agents={"online": 0})
    premises.later(MINUTE).post("order_placed", order={"id": "o1", "cart_id": "c1", "total": "24.95"})
    (order,) = premises.rows(ORDERS)
    assert (order.id, order.visitor, order.total, order.person) == ("o1", "v1", 2495, premises.visitor().person)
    assert [row.status for row in premises.rows(CARTS)] == ["ordered"]
    assert premises.person_of().orders == 1


def test_of_several_rules_in_one_instant_the_most_important_speaks_and_every_other_says_why(
    premises: Premises,
) -> None:
    priorities = (1, 9, 5, 9)
    premises.use(rule_set(*(with_lines(named(STUCK, f"r{n}"), f"priority: {p}") for n, p in enumerate(priorities))))
    premises.post("page_viewed", "reader", page={"url": KB})
    assert messages(premises.later(45 * SECOND), "reader", 45_000) == ["r1"], "the first of equals"
    held = {row.rule: (row.guard, row.detail) for row in premises.rows(DECISIONS, outcome="held")}
    assert held == dict.fromkeys(["r0", "r2", "r3"], (Guard.PRIORITY, "'r1' is waiting to be shown"))
    assert len(premises.rows(DELIVERIES)) == 1


@pytest.mark.parametrize("before_mailing", [True, False], ids=["before it is decided", "after it was decided"])
def test_an_emptied_cart_is_never_mailed_about_whenever_it_was_emptied(
    premises: Premises, before_mailing: bool
) -> None:
    premises.gives_address()
    premises.fills_cart()
    if before_mailing:
        premises.later(10 * MINUTE).post("cart_updated", cart=cart())
    premises.later(HOUR).look_at("v1")
    if not before_mailing:
        assert [state for _, state, _ in premises.mails()] == ["scheduled"]
        premises.post("cart_updated", cart=cart())
    premises.later(DAY).look_at("v1")
    assert {state for _, state, _ in premises.mails()} <= {"cancelled"}


def test_a_second_cart_after_a_goodbye_is_not_mailed_about_on_any_device(premises: Premises) -> None:
    premises.gives_address("laptop")
    premises.fills_cart("laptop")
    premises.later(2 * HOUR).look_at("laptop")
    person = premises.person_of("laptop")
    suppress(premises.engine, "main", person.id, hash_of("main", ADDRESS), "unsubscribed")
    premises.later(2 * DAY).gives_address("phone", trusted=False)
    premises.fills_cart("phone", "c2")
    premises.later(2 * HOUR).look_at("phone")
    assert [(visitor, state) for visitor, state, _ in premises.mails()] == [("laptop", "cancelled")]
    assert {row.guard for row in premises.rows(DECISIONS, visitor="phone")} == {Guard.SUPPRESSED}


@pytest.mark.parametrize("hour", [0, 23], ids=["just after midnight", "just before midnight"])
def test_one_per_day_is_a_day_and_not_a_date(premises: Premises, hour: int) -> None:
    premises.use(rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 1 per 1d}"))
    premises.hands.now += (hour - 13) * HOUR % DAY + 55 * MINUTE
    for number in range(2):
        premises.post("page_viewed", "reader", page={"url": f"{KB}/{number}"})
        premises.later(45 * SECOND).post("checked_in", "reader", engaged_ms=45_000)
        premises.later(10 * MINUTE)
    assert premises.decided() == [("reader", "stuck")]
    premises.later(DAY).post("page_viewed", "reader", page={"url": f"{KB}/3"})
    premises.later(45 * SECOND).post("checked_in", "reader", engaged_ms=45_000)
    assert premises.decided() == [("reader", "stuck")] * 2
