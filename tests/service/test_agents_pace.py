"""Invitations to chat go out as fast as agents are free, over all visitors, events and processes."""

from __future__ import annotations

import msgspec
import pytest

from engine import explain
from engine.clock import MINUTE, SECOND
from engine.decisions import Guard
from engine.explain import why
from engine.messages import DeliveryState
from engine.store.unit import DECISIONS, DELIVERIES
from tests.builders import KB, STUCK, Premises, at_once, named, rule_set

ASKS_FREE = STUCK.replace("then:", "  - agents: free\nthen:")
FREE = 3


@pytest.fixture
def premises(premises: Premises) -> Premises:
    premises.use(rule_set(STUCK))
    premises.hear("agents_changed", agents={"online": 5, "free": FREE})
    return premises


def open_page(premises: Premises, count: int, prefix: str = "reader") -> list[str]:
    """So many shoppers open an article at the same time."""
    names = [f"{prefix}-{number}" for number in range(count)]
    premises.submit(*(premises.accept("page_viewed", name, page={"url": KB}) for name in names))
    return names


def have_read(premises: Premises, names: list[str]) -> None:
    """All of them check in after 45 seconds, in one commit."""
    premises.submit(*(premises.accept("checked_in", name, engaged_ms=45_000) for name in names))


def invited(premises: Premises) -> list[str]:
    return sorted(row.visitor for row in premises.rows(DELIVERIES, kind="invite"))


def offer_of(premises: Premises, visitor: str) -> str:
    (row,) = premises.rows(DELIVERIES, kind="invite", visitor=visitor)
    return str(row.id)


@pytest.mark.parametrize("rule", [STUCK, ASKS_FREE], ids=["the guard", "the condition"])
def test_three_free_agents_do_not_get_two_hundred_invitations_in_one_second(premises: Premises, rule: str) -> None:
    premises.use(rule_set(rule))
    names = open_page(premises, 200)
    premises.later(45 * SECOND)
    for start in range(0, 200, 50):
        have_read(premises, names[start : start + 50])
    assert len(invited(premises)) == FREE


def test_two_processes_do_not_give_the_same_agent_away(premises: Premises, other: Premises) -> None:
    other.use(premises.shop.rules)
    here, there = open_page(premises, 20, "here"), open_page(other, 20, "there")
    premises.later(45 * SECOND)

    def one_by_one(process: Premises, names: list[str]) -> None:
        for name in names:
            have_read(process, [name])

    at_once(lambda: one_by_one(premises, here), lambda: one_by_one(other, there))
    assert len(invited(premises)) == FREE
    held = [row for row in premises.rows(DECISIONS, outcome="held") if row.guard == Guard.AGENTS]
    assert len(held) == 40 - FREE


def test_whoever_was_not_invited_is_asked_about_again_and_hears_why(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "database_now", lambda connection: premises.hands())
    names = open_page(premises, FREE + 1)
    premises.later(45 * SECOND)
    have_read(premises, names[:FREE])
    answer = premises.post("checked_in", names[FREE], engaged_ms=45_000)
    assert answer.messages == []
    assert answer.ask is not None
    seen = why(premises.engine, premises.shop, names[FREE])
    assert seen is not None
    assert [(rule.state, rule.why) for rule in seen.rules] == [
        ("held", "no agent is free to answer (3 invitations are out)")
    ]
    assert why(premises.engine, premises.shop, names[FREE]) == seen, "asking why promises no agent to anybody"


def test_a_no_frees_the_agent_for_the_next_shopper(premises: Premises) -> None:
    names = open_page(premises, FREE + 2)
    premises.later(45 * SECOND)
    have_read(premises, names)
    first = invited(premises)
    assert len(first) == FREE
    premises.post("message_dismissed", first[0], message=offer_of(premises, first[0]))
    have_read(premises, names)
    assert len(invited(premises)) == FREE + 1


def test_a_yes_counts_until_the_agents_report_it(premises: Premises) -> None:
    names = open_page(premises, FREE + 2)
    premises.later(45 * SECOND)
    have_read(premises, names)
    first = invited(premises)
    premises.post("message_accepted", first[0], message=offer_of(premises, first[0]))
    have_read(premises, names)
    assert len(invited(premises)) == FREE
    premises.later(SECOND).hear("agents_changed", agents={"online": 5, "free": FREE - 1})
    have_read(premises, names)
    assert len(invited(premises)) == FREE, "two are free and two invitations are out"
    premises.later(SECOND).hear("agents_changed", agents={"online": 5, "free": FREE})
    have_read(premises, names)
    assert len(invited(premises)) == FREE + 1


def test_an_invitation_that_nobody_answers_keeps_an_agent_for_two_minutes(premises: Premises) -> None:
    names = open_page(premises, 2 * FREE + 1)
    premises.later(45 * SECOND)
    have_read(premises, names)
    premises.later(2 * MINUTE - 1)
    have_read(premises, names)
    assert len(invited(premises)) == FREE
    premises.later(1)
    have_read(premises, names)
    assert len(invited(premises)) == 2 * FREE


def test_an_agent_is_not_kept_longer_than_the_invitation_lasts(premises: Premises) -> None:
    short = STUCK.replace("invite: Can I help?", "invite: {text: Can I help?, expires: 30s}")
    premises.use(rule_set(short))
    names = open_page(premises, FREE + 1)
    premises.later(45 * SECOND)
    have_read(premises, names)
    premises.later(30 * SECOND)
    have_read(premises, names)
    assert len(invited(premises)) == FREE + 1


def test_what_opens_no_chat_needs_no_agent(premises: Premises) -> None:
    link = STUCK.replace("invite: Can I help?", "invite: {text: Read on, opens: link, href: /guide}")
    premises.use(rule_set(link, named(STUCK, "chat")))
    names = open_page(premises, 3 * FREE)
    premises.later(45 * SECOND)
    have_read(premises, names)
    assert len(invited(premises)) == 3 * FREE


def test_where_it_was_never_told_how_many_are_free_nobody_is_held_back(premises: Premises) -> None:
    premises.later(SECOND).hear("agents_changed", agents={"online": 5})
    names = open_page(premises, 3 * FREE)
    premises.later(45 * SECOND)
    have_read(premises, names)
    assert len(invited(premises)) == 3 * FREE


def test_a_shop_that_reports_its_departments_only_is_paced_by_all_of_them(premises: Premises, other: Premises) -> None:
    del premises
    other.use(rule_set(STUCK, head="shop: {id: ink}"))
    for department, free in (("ink", 1), ("paper", 1)):
        other.hear("agents_changed", agents={"online": 2, "free": free, "department": department})
    names = open_page(other, 5)
    other.later(45 * SECOND)
    have_read(other, names)
    assert len(invited(other)) == 2


def test_a_strangers_answer_to_an_invitation_of_nobody_frees_nobody(premises: Premises) -> None:
    names = open_page(premises, FREE + 1)
    premises.later(45 * SECOND)
    have_read(premises, names)
    premises.post("message_dismissed", "stranger", message="dec_made_up.0")
    have_read(premises, names)
    assert len(invited(premises)) == FREE


def test_an_offer_that_is_out_stays_offered(premises: Premises) -> None:
    """The pace says who is invited, and takes nothing back."""
    names = open_page(premises, FREE)
    premises.later(45 * SECOND)
    have_read(premises, names)
    premises.later(SECOND).hear("agents_changed", agents={"online": 0, "free": 0})
    answer = premises.post("checked_in", names[0], engaged_ms=46_000)
    assert [msgspec.json.decode(raw)["id"] for raw in answer.messages] == [offer_of(premises, names[0])]
    assert {row.state for row in premises.rows(DELIVERIES, kind="invite")} == {DeliveryState.OFFERED}
