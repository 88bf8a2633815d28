"""``why``: for every rule what it says about a visitor now, and what stands in the way.

It runs the same conditions and guards as production, on a copy of the visitor that is thrown away.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Engine

from engine import clock, identify
from engine.clock import Millis, to_iso
from engine.decisions import EXPLANATIONS, Guard
from engine.pipeline import ShopRules
from engine.rules.evaluate import ended_by, occasion_of
from engine.rules.facts import Facts
from engine.rules.guards import message_hold, rule_hold
from engine.rules.model import Email, Invite, Rule
from engine.rules.verdicts import State, Verdict, describe
from engine.store import looks
from engine.store.database import database_now, reading


class Clause(msgspec.Struct, frozen=True):
    """One clause of a rule: as it was written, its verdict, what was seen and what was wanted."""

    text: str
    verdict: str
    seen: str
    wanted: str
    depth: int = 0


class RuleView(msgspec.Struct, frozen=True):
    """One rule: ``state`` is fired, running, held, met, not_met, not_yet, unknown or off; ``why`` is a sentence."""

    name: str
    state: str
    why: str
    at: Millis | None = None
    clauses: list[Clause] = []


class VisitorView(msgspec.Struct, frozen=True):
    visitor: str
    shop: str
    now: Millis
    next_look_at: Millis | None
    person: bool
    fault: str | None
    rules: list[RuleView]
    history: list[dict[str, Any]]
    """Decisions, newest first: at, rule, outcome, guard, detail."""


def why(engine: Engine, shop: ShopRules, visitor_id: str) -> VisitorView | None:
    """Everything about one visitor, or None when nobody of that name was ever seen. Raises StoreError."""
    with reading(engine) as connection:
        seen = looks.visitor(connection, shop.id, visitor_id)
        if seen is None:
            return None
        person = looks.person(connection, shop.id, seen.person)
        house = looks.house(connection, shop.id)
        decided = looks.decisions(connection, shop.id, visitor_id)
        now = database_now(connection)
    if person is not None:
        identify.share_orders(seen.state, person)
    facts = Facts(shop.rules.shop, visitor_id, seen.state, now, person, house)
    rules = [view_rule(rule, facts, decided) for rule in shop.rules.rules]
    kept = ("at", "rule", "outcome", "guard", "detail", "occasion")
    history = [{name: row[name] for name in kept} for row in decided]
    return VisitorView(visitor_id, shop.id, now, seen.due_at, person is not None, seen.fault, rules, history)


def view_rule(rule: Rule, facts: Facts, decided: list[dict[str, Any]]) -> RuleView:
    """One rule's state for the visitor, with the first thing that keeps it silent."""
    verdict = rule.when.check(facts)
    clauses = list(_clauses(verdict, 0)) or [_clause(rule.when.clause, verdict, 0)]
    state, sentence, at = _state(rule, facts, verdict, decided)
    return RuleView(rule.name, state, sentence, at, clauses)


def _state(rule: Rule, facts: Facts, verdict: Verdict, decided: list[dict[str, Any]]) -> tuple[str, str, Millis | None]:
    run = facts.visitor.runs.get(rule.name)
    if run is not None:
        ended = ended_by(rule, run, facts)
        if ended:
            return "held", f"stops at the next look, because of 'until: {ended}'", None
        return "running", f"on its way: the next step is due {_in(run.wake_at, facts.now)}", run.wake_at
    occasion = occasion_of(rule, facts)
    if occasion is None:
        return "not_met", f"there is nothing to speak about once per {rule.once_per}", None
    if occasion in facts.visitor.done.get(rule.name, ()):
        return _settled(rule, occasion, decided)
    if verdict.met:
        return _met(rule, facts)
    if verdict.state is State.NOT_YET and verdict.at is not None:
        return "not_yet", f"will be met {_in(verdict.at, facts.now)}, if nothing changes", verdict.at
    if verdict.state is State.UNKNOWN:
        return "unknown", f"cannot be told: {verdict.seen}", None
    return "not_met", "not met", None


def _in(at: Millis, now: Millis) -> str:
    return f"in {clock.describe(at - now)}" if at > now else "now"


def _settled(rule: Rule, occasion: str, decided: list[dict[str, Any]]) -> tuple[str, str, Millis | None]:
    made = [row for row in decided if row["rule"] == rule.name and row["occasion"] == occasion]
    fired = next((row for row in made if row["outcome"] == "fired"), None)
    if fired is not None:
        return "fired", f"fired at {to_iso(fired['at'])}; once per {rule.once_per}", fired["at"]
    held = next((row for row in made if row["guard"]), None)
    if held is not None:
        return "held", f"{EXPLANATIONS[Guard(held['guard'])]} {held['detail']}".strip(), held["at"]
    return "held", EXPLANATIONS[Guard.ALREADY], None


def _met(rule: Rule, facts: Facts) -> tuple[str, str, Millis | None]:
    hold = rule_hold(rule, facts)
    first = rule.then[0]
    if hold is None and isinstance(first, Invite | Email):
        basket = facts.visitor.basket
        cart = basket.id if basket and (rule.once_per == "cart" or rule.needs_cart) else None
        hold = message_hold(rule, first, facts, about_cart=cart, late_ms=0)
    if hold is not None:
        detail = f" ({hold.detail})" if hold.detail else ""
        return "held", EXPLANATIONS[hold.guard] + detail, hold.retry_at
    return "met", "fires at the next look", facts.now


def _clause(text: str, verdict: Verdict, depth: int) -> Clause:
    seen = describe(verdict.seen, verdict.unit) if not verdict.parts else ""
    wanted = describe(verdict.wanted, verdict.unit) if verdict.wanted is not None and not verdict.parts else ""
    return Clause(text, verdict.state.value, seen, wanted, depth)


def _clauses(verdict: Verdict, depth: int) -> list[Clause]:
    found: list[Clause] = []
    for part in verdict.parts:
        found.append(_clause(part.clause, part.verdict, depth))
        found.extend(_clauses(part.verdict, depth + 1))
    return found
