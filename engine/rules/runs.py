"""Rules on their way: their steps, what ends them, and what a person's other devices should know of them."""

from __future__ import annotations

import msgspec

from engine import ids
from engine.clock import Millis
from engine.decisions import Decision, Guard, Outcome, Result
from engine.people import UnderWay
from engine.rules.actions import Audience, BaseAction, Stop, Turn, Wait
from engine.rules.facts import Facts
from engine.rules.guards import Asked, action_hold
from engine.rules.holds import Hold
from engine.rules.model import UNTIL, Rule, RuleSet
from engine.said import frame, say
from engine.visitors import Run

_encode = msgspec.json.Encoder(enc_hook=str).encode
ENDED = "a step of its own"


def continue_runs(rules: RuleSet, facts: Facts, result: Result) -> None:
    """End what has become superfluous, and take the steps that are due."""
    by_name = rules.by_name
    for name, run in list(facts.visitor.runs.items()):
        rule = by_name.get(name)
        if rule is None:
            stop(name, run, Hold(Guard.RULE_REMOVED), facts, result)
            continue
        if run.hash != rule.hash:
            _go_on_as_edited(rule, run, facts)
        reason = ended_by(rule, run, facts)
        if reason is not None:
            stop(name, run, Hold(Guard.UNTIL, frame("%(word)s", word=reason)), facts, result, rule)
        elif run.wake_at <= facts.now:
            take_steps(rule, run, facts, result)


def _go_on_as_edited(rule: Rule, run: Run, facts: Facts) -> None:
    """The rule was edited while it was on its way: it goes on with its new text, from the step it had come to."""
    run.hash = rule.hash
    taken = (rule.steps(run.variant) or ())[: run.step]
    if run.waits_since and taken and isinstance(taken[-1], Wait):
        taken[-1].reckon_anew(run, facts)


def ended_by(rule: Rule, run: Run, facts: Facts) -> str | None:
    """The ``until`` word that has come true since the run began, or None."""
    visitor, person = facts.visitor, facts.person
    since = run.started_at

    def after(at: Millis | None) -> bool:
        return at is not None and at >= since

    # The cart itself may have been ordered before the run began, and told of only now.
    bought = run.cart is not None and (
        (visitor.closed is not None and run.cart in visitor.closed.names)
        or (person is not None and run.cart in person.ordered_carts)
    )
    happened = {
        "ordered": bought or after(visitor.ordered_at) or (person is not None and after(person.ordered_at)),
        "paid": _is_paid(run, facts),
        "cart_emptied": run.cart is not None and (visitor.basket is None or visitor.basket.id != run.cart),
        "unsubscribed": person is not None and person.unsubscribed_at is not None,
        "accepted": after(visitor.accepted_at) or after(visitor.chatting_since),
        "dismissed": after(facts.refused_at),
        "returned": visitor.session.started_at > since,
    }
    # In the order of UNTIL, because an order empties the cart too.
    return next((word for word in UNTIL if word in rule.until and happened[word]), None)


def _is_paid(run: Run, facts: Facts) -> bool:
    """Whether the order that the run is about was paid, or any order since it began."""
    about = (bought for bought in facts.bought if run.occasion == f"order:{bought.id}")
    told = facts.visitor.tallies.get("order_paid")
    return any(not bought.unpaid for bought in about) or (told is not None and max(told.times) >= run.started_at)


def stop(name: str, run: Run, hold: Hold, facts: Facts, result: Result, rule: Rule | None = None) -> None:
    """End a run, with its reason; what it still owes is cancelled."""
    facts.visitor.runs.pop(name, None)
    result.stopped.append((run.decision, hold.guard))
    if rule is not None:
        _tidy_up(rule, run, facts, result)
    result.decisions.append(
        Decision(
            id=ids.derived_id("dec", run.decision, "stopped"),
            rule=name,
            rule_hash=run.hash,
            occasion=run.occasion,
            at=facts.now,
            outcome=Outcome.STOPPED,
            guard=hold.guard,
            detail=hold.detail,
            trace=_encode(rule.when.check(facts)) if rule else b"null",
            cart=run.cart,
            variant=run.variant,
        )
    )


def _tidy_up(rule: Rule, run: Run, facts: Facts, result: Result) -> None:
    """Nobody stays on a list for good because the step that would have taken them off is never reached."""
    for step in (rule.steps(run.variant) or ())[run.step :]:
        if isinstance(step, Audience) and step.remove:
            step.take(Turn(facts, rule.name, run, result))


def take_steps(rule: Rule, run: Run, facts: Facts, result: Result, *, asked: BaseAction | None = None) -> None:
    """Take steps until a timer, the end, or a guard that says no. ``asked`` was asked about when the rule was met."""
    late_ms = max(0, facts.now - run.wake_at)
    run.waits_since = 0
    steps = rule.steps(run.variant)
    if steps is None:
        stop(
            rule.name,
            run,
            Hold(Guard.RULE_REMOVED, say("its variant '%(variant)s'", variant=run.variant)),
            facts,
            result,
            rule,
        )
        return
    while run.step < len(steps):
        step = steps[run.step]
        hold = None if step is asked else _later_hold(rule, step, run, facts, result, late_ms)
        asked = None if step is asked else asked
        if hold is not None and hold.retry_at is None:
            stop(rule.name, run, hold, facts, result, rule)
            return
        if hold is not None:
            run.wake_at = hold.retry_at or facts.now
            facts.visitor.runs[rule.name] = run
            return
        step.take(Turn(facts, rule.name, run, result, rule.late))
        run.step += 1
        if isinstance(step, Stop) and not step.rules:
            break
        if isinstance(step, Wait) and run.wake_at > facts.now:
            facts.visitor.runs[rule.name] = run
            return
    facts.visitor.runs.pop(rule.name, None)


def _later_hold(rule: Rule, step: BaseAction, run: Run, facts: Facts, result: Result, late_ms: Millis) -> Hold | None:
    """A later step is asked about again, and a rule that was switched off meanwhile goes no further."""
    if isinstance(step, Wait):
        return None
    if rule.off or rule.shadow:
        return Hold(Guard.NOT_ACTIVE if rule.off else Guard.SHADOW)
    return action_hold(Asked(rule, step, run.cart, late_ms, result.planned), facts)


def obey_stops(rules: RuleSet, facts: Facts, result: Result) -> None:
    """End the rules that a step named."""
    for name, by in result.stops:
        run = facts.visitor.runs.get(name)
        if run is not None and name != by:
            stop(name, run, Hold(Guard.STOPPED_BY, frame("'%(by)s'", by=by)), facts, result, rules.by_name.get(name))
    result.stops = []


def tell_person(facts: Facts, result: Result) -> None:
    """Note with the person what is on its way here, for their other devices."""
    person, visitor = facts.person, facts.visitor
    if person is None or not (visitor.runs or person.under_way):
        return
    others = {name: mark for name, mark in person.under_way.items() if mark.visitor != facts.visitor_id}
    mine = {name: UnderWay(facts.visitor_id, run.wake_at) for name, run in visitor.runs.items()}
    if others | mine != person.under_way:
        person.under_way = others | mine
        result.about_person = True
