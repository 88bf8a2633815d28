"""``why``: for every rule what it says about a visitor now, and what stands in the way.

It asks the same rules as production, about a copy of the visitor that is thrown away, so that it cannot disagree.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from engine import clock, identify
from engine.clock import Millis, to_iso
from engine.decisions import EXPLANATIONS, Decision, Guard, Outcome
from engine.errors import ShopbellError
from engine.pipeline import ShopRules
from engine.rules.evaluate import evaluate, occasion_of
from engine.rules.facts import Facts
from engine.rules.model import Rule, RuleSet
from engine.rules.verdicts import State, Verdict, describe, unknown
from engine.said import Said, frame, say
from engine.store import looks
from engine.store.database import database_now, reading

Row = dict[str, Any]
Standing = tuple[str, Said, Millis | None]
"""A state's name, a sentence about it, and its moment."""


_OCCASIONS = {"session": say("session"), "cart": say("cart"), "visitor": say("visitor"), "page": say("page")}


class Clause(msgspec.Struct, frozen=True):
    """One clause of a rule: as it was written, its verdict, what was seen and what was wanted."""

    text: str
    verdict: str
    seen: str
    wanted: str
    depth: int = 0


class RuleView(msgspec.Struct, frozen=True):
    """One rule: ``state`` is fired, running, held, met, not_met, not_yet or unknown; ``why`` is a sentence.

    ``met`` means that it fires at the next look. ``at``: when that state began or will end, where that is known.
    """

    name: str
    state: str
    why: Said
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
    history: list[Row]
    """Decisions, newest first: at, rule, outcome, guard, detail, occasion, variant, clauses."""
    notes: list[Row] = []
    """What rules left for whoever helps this shopper, newest first: at, rule, note."""
    past: bool = False
    """Whether ``now`` is a moment that is over."""
    unknown: list[Said] = []
    """What cannot be told of that moment any more, a sentence each."""
    messages: list[Row] = []
    """What became of each message until now, newest first: at, rule, kind, state, result. Of a past moment: nothing."""


def why(engine: Engine, shop: ShopRules, visitor_id: str) -> VisitorView | None:
    """Everything about one visitor, or None when nobody of that name was ever seen.

    Raises StoreError, or ShopbellError when what is stored cannot be read.
    """
    with reading(engine) as connection:
        seen = _seen(connection, shop.id, visitor_id)
        if seen is None:
            return None
        person = looks.person(connection, shop.id, seen.person)
        house = looks.house(connection, shop.id)
        decided = looks.decisions(connection, shop.id, visitor_id)
        notes = looks.notes(connection, shop.id, visitor_id)
        brought = looks.messages(connection, shop.id, visitor_id)
        now = database_now(connection)
    facts = Facts(shop.rules.shop, visitor_id, seen.state, now, person, house)
    view = view_visitor(shop.rules, facts, seen.due_at, decided, notes)
    return msgspec.structs.replace(view, fault=seen.fault, messages=brought)


def view_visitor(
    rules: RuleSet, facts: Facts, due_at: Millis | None, decided: list[Row], notes: list[Row]
) -> VisitorView:
    """What every rule says about the visitor at that moment; what was decided and noted before it, newest first."""
    visitor, person = facts.visitor, facts.person
    if person is not None:
        identify.share(visitor, person)
    coming = _foresee(rules, facts, due_at)
    views = [view_rule(rule, facts, decided, coming.get(rule.name, [])) for rule in rules.rules]
    return VisitorView(
        visitor=facts.visitor_id,
        shop=facts.shop.id,
        now=facts.now,
        next_look_at=due_at,
        person=person is not None,
        fault=None,
        rules=views,
        history=history_of(decided),
        notes=notes,
    )


def history_of(decided: list[Row]) -> list[Row]:
    """Of stored decisions what a view tells, with what each clause saw at that moment."""
    kept = ("at", "rule", "outcome", "guard", "detail", "occasion", "variant")
    return [{name: row[name] for name in kept} | {"clauses": _traced(row["trace"])} for row in decided]


def _traced(trace: str | bytes) -> list[Clause]:
    try:
        verdict = msgspec.json.decode(trace, type=Verdict | None)
    except msgspec.DecodeError:
        return []  # told by a release that had other words for it
    return [] if verdict is None else list(_clauses(verdict, 0))


def _seen(connection: Connection, shop: str, visitor_id: str) -> looks.SeenVisitor | None:
    try:
        return looks.visitor(connection, shop, visitor_id)
    except msgspec.DecodeError as error:
        raise ShopbellError(f"what is stored about {visitor_id} cannot be read by this version") from error


def _foresee(rules: RuleSet, facts: Facts, due_at: Millis | None) -> dict[str, list[Decision]]:
    try:
        return next_look(rules, facts, due_at)
    except Exception:  # noqa: BLE001 - what breaks here breaks there, and there nothing is decided then
        return {}


def next_look(rules: RuleSet, facts: Facts, due_at: Millis | None) -> dict[str, list[Decision]]:
    """What would be decided, by rule, if the visitor were looked at now: the rules themselves, asked about a copy."""
    visitor = copy.deepcopy(facts.visitor)
    visitor.held = {}  # a silence is written down once; here it is told again
    person, house = copy.deepcopy(facts.person), copy.deepcopy(facts.house)
    result = evaluate(rules, replace(facts, visitor=visitor, person=person, house=house), due_at=due_at)
    found: dict[str, list[Decision]] = {}
    for decision in result.decisions:
        found.setdefault(decision.rule, []).append(decision)
    return found


def view_rule(rule: Rule, facts: Facts, decided: list[dict[str, Any]], coming: list[Decision]) -> RuleView:
    """One rule's state for the visitor: ``decided`` is the past, ``coming`` what the next look would decide."""
    verdict = _check(rule, facts)
    clauses = list(_clauses(verdict, 0)) or [_clause(rule.when.clause, verdict, 0)]
    state, sentence, at = _coming(coming, facts) or _now(rule, facts, verdict, decided)
    return RuleView(rule.name, state, sentence, at, clauses)


def _check(rule: Rule, facts: Facts) -> Verdict:
    try:
        return rule.when.check(facts)
    except Exception as error:  # noqa: BLE001 - the other rules are to be explained too
        return unknown(say("what it says, because asking it breaks (%(error)s)", error=type(error).__name__))


def _coming(coming: list[Decision], facts: Facts) -> Standing | None:
    """What the next look brings; a rule that stops may begin again in the same moment."""
    if any(decision.outcome is Outcome.FIRED for decision in coming):
        return "met", say("fires at the next look"), facts.now
    for decision in reversed(coming):
        if decision.guard is not None:
            reason = _reason(decision.guard, decision.detail)
            stops = decision.outcome is Outcome.STOPPED
            return "held", say("stops at the next look: %(reason)s", reason=reason) if stops else reason, None
    return None


def _reason(guard: str, detail: str) -> Said:
    explained = EXPLANATIONS[Guard(guard)]
    return frame("%(explained)s (%(detail)s)", explained=explained, detail=detail) if detail else explained


def _now(rule: Rule, facts: Facts, verdict: Verdict, decided: list[dict[str, Any]]) -> Standing:
    run = facts.visitor.runs.get(rule.name)
    if run is not None:
        return (
            "running",
            say("on its way: the next step is due %(when)s", when=_in(run.wake_at, facts.now)),
            run.wake_at,
        )
    occasion = occasion_of(rule, facts)
    if rule.once_per.isdigit() and occasion is None:
        return _settled(rule, [row for row in decided if row["rule"] == rule.name])
    if occasion is None:
        return "not_met", say("there is no %(occasion)s to speak about", occasion=_OCCASIONS[rule.once_per]), None
    if occasion in facts.visitor.done.get(rule.name, ()):
        return _settled(rule, [row for row in decided if row["rule"] == rule.name and row["occasion"] == occasion])
    if verdict.met:
        return "held", say("evaluating this visitor breaks; it is set aside and tried again later"), None
    if verdict.state is State.NOT_YET and verdict.at is not None:
        when = _in(verdict.at, facts.now)
        return "not_yet", say("will be met %(when)s, if nothing changes", when=when), verdict.at
    if verdict.state is State.UNKNOWN:
        return "unknown", say("cannot be told: %(what)s", what=verdict.seen or ""), None
    return "not_met", say("not met"), None


def _in(at: Millis, now: Millis) -> Said:
    return say("in %(span)s", span=clock.describe(at - now)) if at > now else say("now")


def _settled(rule: Rule, made: list[dict[str, Any]]) -> Standing:
    """It has spoken, or was silent for good; ``made`` are its decisions on this occasion, newest first."""
    fired = next((row for row in made if row["outcome"] == Outcome.FIRED), None)
    if fired is not None:
        per = clock.describe(int(rule.once_per)) if rule.once_per.isdigit() else _OCCASIONS[rule.once_per]
        return "fired", say("fired at %(at)s; once per %(per)s", at=to_iso(fired["at"]), per=per), fired["at"]
    held = next((row for row in made if row["guard"]), None)
    if held is not None:
        return "held", _reason(held["guard"], held["detail"]), held["at"]
    return "held", EXPLANATIONS[Guard.ALREADY], None


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
