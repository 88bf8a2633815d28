"""``shopbell why``: what every rule says of a visitor now, and that nothing else happens then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from engine import explain
from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decisions import EXPLANATIONS, Decision, Guard, Outcome
from engine.errors import ShopbellError
from engine.explain import RuleView, next_look, view_rule
from engine.pipeline import group
from engine.store.unit import DECISIONS, VISITORS
from tests.builders import (
    KB,
    LEFT,
    SEQUENCE,
    STUCK,
    Premises,
    Visit,
    line,
    named,
    rule_set,
    with_lines,
)


def rows(decisions: list[Decision]) -> list[dict[str, Any]]:
    """Decisions as they are read from the database, newest first."""
    return [msgspec.structs.asdict(decision) for decision in reversed(decisions)]


def views(visit: Visit) -> dict[str, RuleView]:
    """What ``why`` says of every rule at this moment."""
    coming = next_look(visit.rules, visit.facts, visit.due_at)
    decided = rows(visit.decisions)
    return {rule.name: view_rule(rule, visit.facts, decided, coming.get(rule.name, [])) for rule in visit.rules.rules}


def view(visit: Visit, rule: str) -> RuleView:
    return views(visit)[rule]


# --- each state -------------------------------------------------------------------------------------------------------


def test_a_rule_that_fired_says_when() -> None:
    visit = Visit(rule_set(STUCK)).reads(45 * SECOND)
    seen = view(visit, "stuck")
    assert (seen.state, seen.at) == ("fired", visit.now)
    assert seen.why == "fired at 2026-11-21T12:00:45.000Z; once per session"


def test_a_rule_that_may_speak_again_says_how_often_in_words() -> None:
    visit = Visit(rule_set(with_lines(STUCK, "once_per: 1d"))).reads(45 * SECOND).later(HOUR)
    seen = view(visit, "stuck")
    assert seen.state == "fired"
    assert seen.why.endswith("once per 1 d")


def test_a_rule_that_only_needs_time_says_how_much() -> None:
    visit = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(20 * MINUTE)
    seen = view(visit, "left")
    assert (seen.state, seen.why, seen.at) == (
        "not_yet", "will be met in 40 min, if nothing changes", visit.now + 40 * MINUTE,
    )  # fmt: skip


def test_a_rule_whose_time_has_come_is_met() -> None:
    visit = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(HOUR)
    assert (view(visit, "left").state, view(visit, "left").why) == ("met", "fires at the next look")


def test_a_rule_without_its_subject_says_so() -> None:
    per_cart = named(with_lines(STUCK, "once_per: cart"), "per-cart")
    seen = view(Visit(rule_set(per_cart)).reads(45 * SECOND), "per-cart")
    assert (seen.state, seen.why) == ("not_met", "there is no cart to speak about")


def test_a_missing_fact_is_unknown_and_named() -> None:
    agents = "name: manned\nwhen:\n  - agents: online\nthen:\n  - invite: Can I help?"
    seen = view(Visit(rule_set(agents)).opens(), "manned")
    assert (seen.state, seen.why[:15]) == ("unknown", "cannot be told:")


def test_a_rule_on_its_way_says_when_its_next_step_is_due() -> None:
    visit = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(HOUR).later(HOUR)
    seen = view(visit, "sequence")
    assert (seen.state, seen.why) == ("running", "on its way: the next step is due in 23 h")
    assert seen.at == visit.now + 23 * HOUR


def test_a_rule_on_its_way_that_is_over_says_that_it_stops() -> None:
    visit = Visit(rule_set(SEQUENCE)).may_be_mailed().fills_cart().waits(HOUR)
    visit.takes(visit.later(HOUR).now_happens("order_placed", {"order": {"id": "o1", "cart_id": "c1"}}))
    seen = view(visit, "sequence")
    assert (seen.state, seen.why) == ("held", "stops at the next look: the rule's 'until' came true (ordered)")


def test_every_clause_tells_what_was_seen_and_what_was_wanted() -> None:
    visit = Visit(rule_set(STUCK)).reads(30 * SECOND)
    (clause,) = view(visit, "stuck").clauses
    assert (clause.verdict, clause.seen, clause.wanted) == ("not_yet", "30 s", "45 s")
    assert "on_page" in clause.text


# --- held by each guard -----------------------------------------------------------------------------------------------


def _refuse(visit: Visit) -> Visit:
    return visit.does("message_dismissed", message="m1")


def _bounce(visit: Visit) -> Visit:
    assert visit.person is not None
    visit.person.bounced_at = visit.now
    return visit


def _left(visit: Visit) -> Visit:
    return visit.may_be_mailed().fills_cart().later(HOUR)


def _read(visit: Visit) -> Visit:
    """The knowledge base was read for 45 seconds, and nobody has looked since."""
    visit.takes(visit.now_happens("page_viewed", {"page": {"url": KB}})).later(45 * SECOND)
    return visit.takes(visit.now_happens("checked_in", {"engaged_ms": 45_000}))


OTHER_INVITE = with_lines(named(STUCK, "first"), "priority: 9")
HELD: dict[Guard, tuple[str, str, Callable[[Visit], Visit]]] = {
    Guard.SHADOW: (with_lines(LEFT, "shadow: true"), "left", _left),
    Guard.NOT_ACTIVE: (with_lines(LEFT, "off: true"), "left", _left),
    Guard.HOLDOUT: (with_lines(LEFT, "holdout: 100%"), "left", _left),
    Guard.DISMISSED: (STUCK, "stuck", lambda visit: _read(_refuse(visit))),
    Guard.CHATTING: (STUCK, "stuck", lambda visit: _read(visit.does("chat_started"))),
    Guard.NO_BASIS: (LEFT, "left", lambda visit: visit.fills_cart().later(HOUR)),
    Guard.SUPPRESSED: (LEFT, "left", lambda visit: _bounce(_left(visit))),
    Guard.LIMIT: (with_lines(STUCK, "once_per: 1m", "limits: {messages: 1 per 7d}"), "stuck", lambda visit: _read(
        visit.reads(45 * SECOND).does("page_hidden").later(HOUR))),
    Guard.AGENTS: (STUCK, "stuck", lambda visit: _read(visit.finds_agents(0))),
    Guard.TOO_LATE: (with_lines(LEFT, "late: {at_most: 1h, then: skip}"), "left", lambda visit: _left(visit).later(
        DAY)),
}  # fmt: skip


@pytest.mark.parametrize("guard", HELD)
def test_a_rule_that_is_held_names_the_reason(guard: Guard) -> None:
    rule, name, comes_about = HELD[guard]
    visit = comes_about(Visit(rule_set(rule)))
    seen = view(visit, name)
    assert seen.state == "held"
    assert seen.why.startswith(EXPLANATIONS[guard])
    visit.is_looked_at()
    assert (name, guard) in visit.silences


def test_of_two_invitations_the_second_says_who_took_the_moment() -> None:
    visit = _read(Visit(rule_set(STUCK, OTHER_INVITE)))
    found = views(visit)
    assert found["first"].state == "met"
    assert (found["stuck"].state, found["stuck"].why) == (
        "held", f"{EXPLANATIONS[Guard.PRIORITY]} ('first' is waiting to be shown)",
    )  # fmt: skip


def test_a_silence_that_was_written_down_is_told_again() -> None:
    visit = Visit(rule_set(LEFT)).fills_cart().later(HOUR).is_looked_at().later(MINUTE)
    assert visit.silences == [("left", Guard.NO_BASIS)]
    assert view(visit, "left").why == f"{EXPLANATIONS[Guard.NO_BASIS]} (no address is known)"


def test_an_occasion_that_is_closed_in_silence_keeps_its_reason() -> None:
    visit = _left(Visit(rule_set(with_lines(LEFT, "holdout: 100%")))).is_looked_at().later(DAY)
    assert (view(visit, "left").state, view(visit, "left").why) == (
        "held", f"{EXPLANATIONS[Guard.HOLDOUT]} (100% of visitors)",
    )  # fmt: skip


def test_asking_changes_nothing() -> None:
    visit = _left(Visit(rule_set(LEFT, SEQUENCE)))
    before = msgspec.msgpack.encode((visit.visitor, visit.person))
    views(visit)
    assert msgspec.msgpack.encode((visit.visitor, visit.person)) == before


# --- it never disagrees -----------------------------------------------------------------------------------------------

RULES = rule_set(
    STUCK,
    OTHER_INVITE,
    with_lines(named(STUCK, "often"), "once_per: 10m", "limits: {messages: 2 per 1d}"),
    with_lines(named(STUCK, "silent"), "shadow: true"),
    with_lines(named(STUCK, "half"), "holdout: 50%", "once_per: page"),
    LEFT,
    with_lines(named(LEFT, "off"), "off: true"),
    with_lines(named(LEFT, "prompt"), "late: {at_most: 10m, then: skip}", "once_per: visitor"),
    SEQUENCE,
    "name: later\nwhen:\n  - cart_abandoned: 30m\nthen:\n  - wait: 1h\n  - email: cart-reminder\nuntil: [ordered]",
    "name: manned\nwhen:\n  - on_page: {type: knowledge_base, for: 20s}\n  - agents: online\nthen:\n  - invite: Hello",
    "name: two\nwhen:\n  - cart_abandoned: 2m\nthen:\n  - invite: Two?\nonce_per: cart",
    head="shop: {time_zone: UTC, quiet_hours: 21:00-08:00}\nlimits: {emails: 2 per 24h, invitations: 1 per session}",
)  # fmt: skip

Step = Callable[[Visit], object]
PAGES = (KB, "https://shop.example/help/paper", "https://shop.example/ink")
STEPS: tuple[Step, ...] = (
    *(lambda visit, url=url: visit.takes(visit.now_happens("page_viewed", {"page": {"url": url}})) for url in PAGES),
    *(lambda visit, ms=ms: visit.takes(visit.now_happens("checked_in", {"engaged_ms": ms})) for ms in (20_000, 46_000)),
    lambda visit: visit.fills_cart(),
    lambda visit: visit.fills_cart(line("PEN"), line("PAPER", 3), cart_id="c2"),
    lambda visit: visit.empties_cart(),
    lambda visit: visit.orders(),
    lambda visit: visit.may_be_mailed(),
    lambda visit: visit.may_be_mailed(trusted=False),
    lambda visit: visit.does("message_dismissed", message="m1"),
    lambda visit: visit.does("chat_started"),
    lambda visit: visit.does("chat_ended"),
    lambda visit: visit.finds_agents(2),
    lambda visit: visit.finds_agents(0),
    lambda visit: visit.is_looked_at(),
    *(lambda visit, ms=ms: visit.later(ms) for ms in (SECOND, 2 * MINUTE, 31 * MINUTE, HOUR, 9 * HOUR, DAY)),
    *(lambda visit, ms=ms: visit.waits(ms) for ms in (HOUR, DAY)),
)


def agree(said: dict[str, RuleView], did: list[Decision]) -> None:
    """What was said to be met fired, and nothing else did; what was said to be held by a guard was held."""
    assert {name for name, seen in said.items() if seen.state == "met"} == {
        decision.rule for decision in did if decision.outcome is Outcome.FIRED
    }
    for decision in did:
        if decision.outcome is not Outcome.FIRED:
            assert said[decision.rule].state in ("held", "met"), decision


@given(st.lists(st.sampled_from(STEPS), max_size=14))
@settings(max_examples=400, deadline=None)
def test_what_is_said_to_be_met_fires_at_the_next_look_and_nothing_else_does(steps: list[Step]) -> None:
    visit = Visit(RULES)
    for step in steps:
        step(visit)
        said = views(visit)
        visit.is_looked_at()
        agree(said, visit.last.decisions)


Act = Callable[[Premises, str], object]


def _does(kind: str, **fields: object) -> Act:
    return lambda shop, visitor: shop.submit(shop.accept(kind, visitor, ago=0, trusted=False, **fields))


def _passes(ms: int) -> Act:
    return lambda shop, visitor: shop.later(ms)


def fills_cart(shop: Premises, visitor: str) -> object:
    return shop.fills_cart(visitor, f"cart-of-{visitor}")


def gives_address(shop: Premises, visitor: str) -> object:
    return shop.gives_address(visitor, f"{visitor}@shopper.example")


ACTS: tuple[Act, ...] = (
    _does("page_viewed", page={"url": KB}),
    _does("checked_in", engaged_ms=46_000),
    _does("cart_updated", cart={"lines": []}),
    _does("order_placed", order={"id": "o1"}),
    _does("chat_started"),
    _does("message_dismissed", message="m1"),
    fills_cart,
    gives_address,
    *map(_passes, (2 * MINUTE, 31 * MINUTE, HOUR, 9 * HOUR, DAY)),
)
_visitors = iter(range(1_000_000))


BEGINNINGS: tuple[tuple[Act, ...], ...] = ((), (fills_cart,), (gives_address, fills_cart))


@given(
    beginning=st.sampled_from(BEGINNINGS),
    acts=st.lists(st.sampled_from(ACTS), max_size=6),
    pause=st.sampled_from([2 * MINUTE, 31 * MINUTE, HOUR, DAY]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_command_and_the_pipeline_never_disagree(
    premises: Premises, monkeypatch: pytest.MonkeyPatch, beginning: tuple[Act, ...], acts: list[Act], pause: int
) -> None:
    monkeypatch.setattr(explain, "database_now", lambda connection: premises.hands())
    premises.use(RULES)
    name = f"v{next(_visitors)}"
    premises.post("page_viewed", name, page={"url": "https://shop.example/"})
    for act in (*beginning, *acts, _passes(pause)):
        act(premises, name)
    found = explain.why(premises.engine, premises.shop, name)
    assert found is not None
    before = {row.id for row in premises.rows(DECISIONS, visitor=name)}
    premises.look_at(name)
    new = [row for row in premises.rows(DECISIONS, visitor=name) if row.id not in before]
    met = {seen.name for seen in found.rules if seen.state == "met"}
    assert met == {row.rule for row in new if row.outcome == Outcome.FIRED}


def test_what_the_command_says_is_met_is_what_a_worker_then_does(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "database_now", lambda connection: premises.hands())
    gives_address(premises, "v1")
    fills_cart(premises, "v1")
    premises.later(HOUR)
    found = explain.why(premises.engine, premises.shop, "v1")
    assert found is not None
    assert {seen.name: seen.state for seen in found.rules} == {"stuck": "not_met", "left": "met"}
    assert found.next_look_at == found.now
    premises.look_at("v1")
    assert premises.decided() == [("v1", "left")]


def _breaks(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_a_visitor_whose_evaluation_breaks_is_explained_as_far_as_can_be(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "database_now", lambda connection: premises.hands())
    gives_address(premises, "v1")
    fills_cart(premises, "v1")
    premises.later(HOUR)
    with monkeypatch.context() as broken:
        broken.setattr(group, "evaluate", _breaks)
        broken.setattr(explain, "evaluate", _breaks)
        found = explain.why(premises.engine, premises.shop, "v1")
        premises.look_at("v1")
    assert found is not None
    assert {seen.name: seen.state for seen in found.rules}["left"] == "held"
    assert premises.decided() == []

    mended = explain.why(premises.engine, premises.shop, "v1")
    assert mended is not None
    assert "ZeroDivisionError" in str(mended.fault)
    assert {seen.name: seen.state for seen in mended.rules}["left"] == "met"
    premises.look_at("v1")
    assert premises.decided() == [("v1", "left")]


def test_a_visitor_that_cannot_be_read_is_one_plain_sentence(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    fills_cart(premises, "v1")
    with premises.engine.begin() as connection:
        connection.execute(update(VISITORS).values(state=b"\xc1"))
    with pytest.raises(ShopbellError, match="what is stored about v1 cannot be read by this version"):
        explain.why(premises.engine, premises.shop, "v1")
