"""The rules asked about one visitor at one moment.

Pure: facts in, a :class:`~engine.decisions.Result` out, and the visitor's own book-keeping (runs, settled occasions,
contacts, offers) brought up to date. Live traffic, timers, rule tests, replay and ``shopbell why`` all call this.
"""

from __future__ import annotations

import msgspec

from engine import ids
from engine.clock import SECOND, Millis
from engine.decisions import Ask, Decision, Guard, Outcome, Result
from engine.rules.facts import Facts
from engine.rules.guards import Asked, action_hold, contacts_of, lot_of, rule_hold
from engine.rules.holds import Hold
from engine.rules.model import Rule, RuleSet
from engine.rules.runs import continue_runs, obey_stops, take_steps, tell_person
from engine.rules.verdicts import Asks, State, Verdict
from engine.said import NOTHING
from engine.visitors import MAX_OCCASIONS, Run

HOUSE_ASK: Millis = 15 * SECOND
"""How often a page that only waits for an agent asks again."""
MIXED_ASK: Millis = 5 * SECOND

_encode = msgspec.json.Encoder(enc_hook=str).encode


def evaluate(rules: RuleSet, facts: Facts, *, due_at: Millis | None = None) -> Result:
    """Ask every rule that could have something to say.

    ``due_at`` is the moment for which this look was planned, when a timer brought it; it tells how late we are.
    """
    result = Result()
    visitor, now = facts.visitor, facts.now
    visitor.offers = [offer for offer in visitor.offers if offer.expires_at > now]
    continue_runs(rules, facts, result)
    asks: list[tuple[Millis, bool]] = []
    ready = _find_ready(rules, facts, result, asks)
    # Whoever was here after the planned moment made a new one: nothing is late for them.
    late_ms = max(0, now - max(due_at, visitor.seen_at)) if due_at is not None else 0
    for rule, occasion in ready:
        _decide(rule, occasion, facts, result, asks, late_ms)
    obey_stops(rules, facts, result)
    tell_person(facts, result)
    for run in visitor.runs.values():
        _sooner(result, run.wake_at)
    result.ask = _soonest_ask(asks, now)
    return result


def _find_ready(
    rules: RuleSet, facts: Facts, result: Result, asks: list[tuple[Millis, bool]]
) -> list[tuple[Rule, str]]:
    """The rules that are met now, most important first; for the others, when to look again."""
    visitor, view = facts.visitor, facts.view
    ready: dict[int, tuple[Rule, str]] = {}

    def ask(place: int) -> None:
        rule = rules.rules[place]
        occasion = occasion_of(rule, facts)
        if occasion is None or rule.name in visitor.runs or occasion in visitor.done.get(rule.name, ()):
            return
        try:
            verdict = rule.when.holds(facts)
        except Exception as error:  # noqa: BLE001 - one rule's fault must not keep the others silent
            result.broken.append((rule.name, type(error).__name__))
            return
        if verdict.met:
            ready[place] = rule, occasion
        else:
            _note_when_to_look(rule, verdict, facts, result, asks)

    found = rules.index.find(facts)
    for place in found.at_once:
        ask(place)
    began = facts.now - view.stretch_ms - view.engaged_ms if view is not None else facts.now
    for stack in found.patient:
        for needed_ms, place in stack:
            # In order of patience: what cannot be met before the page asks anyway, or ever, has nothing to add.
            asked_at = _soonest(asks) if asks else None if rules.pages_ask else facts.now
            if asked_at is not None and began + needed_ms >= max(facts.now + 1, asked_at):
                break
            ask(place)
    return [ready[place] for place in sorted(ready, key=lambda place: (-ready[place][0].priority, place))]


def _soonest(asks: list[tuple[Millis, bool]]) -> Millis:
    return min(asks)[0]


def occasion_of(rule: Rule, facts: Facts) -> str | None:
    """What the rule may speak about once: this session, this cart …; None when there is no such thing now."""
    visitor = facts.visitor
    if rule.once_per == "session":
        return f"session:{visitor.session.started_at}"
    if rule.once_per == "cart":
        about_cart = visitor.basket is not None and not rule.needs_unpaid
        return f"cart:{visitor.basket.id}" if visitor.basket and about_cart else _unpaid_order(rule, facts)
    if rule.once_per == "visitor":
        # What the person heard on another device was said to the same somebody.
        elsewhere = facts.person is not None and any(contact.rule == rule.name for contact in facts.person.contacts)
        return None if elsewhere and "visitor" not in visitor.done.get(rule.name, ()) else "visitor"
    if rule.once_per == "page":
        return f"page:{visitor.view.url}" if visitor.view else None
    last = _last_time(rule, facts)
    if last is not None and facts.now - last < int(rule.once_per):
        return None
    return f"since:{last or 0}"


def _unpaid_order(rule: Rule, facts: Facts) -> str | None:
    """A cart that was ordered and not paid is still something to speak about, for a rule that asks for no cart."""
    unpaid = None if rule.needs_cart else facts.unpaid_order
    return f"order:{unpaid.id}" if unpaid else None


_SETTLED_AT = "at:"


def _last_time(rule: Rule, facts: Facts) -> Millis | None:
    """When a rule that speaks once per duration last spoke, on any device, or was settled in silence."""
    spoke = [contact.at for contact in contacts_of(facts) if contact.rule == rule.name]
    marks = [mark.removeprefix(_SETTLED_AT) for mark in facts.visitor.done.get(rule.name, ()) if _SETTLED_AT in mark]
    return max([*spoke, *map(int, marks)], default=None)


def _cart_of(rule: Rule, facts: Facts) -> str | None:
    about_cart = rule.needs_cart or (rule.once_per == "cart" and not rule.needs_unpaid)
    return facts.visitor.basket.id if about_cart and facts.visitor.basket else None


# --- looking again ----------------------------------------------------------------------------------------------------


def _note_when_to_look(
    rule: Rule, verdict: Verdict, facts: Facts, result: Result, asks: list[tuple[Millis, bool]]
) -> None:
    """Plan the next look: the clock's, or a question to the page (moment, counted in engaged time)."""
    if verdict.state is State.NOT_YET and verdict.at is not None:
        if verdict.asks is Asks.CLOCK:
            _sooner(result, verdict.at)
        # What only the page can tell is asked of the page, also for a rule that will mail.
        if rule.speaks_on_page or verdict.asks is not Asks.CLOCK:
            asks.append((verdict.at, verdict.asks is Asks.ENGAGED))
    elif verdict.asks is Asks.HOUSE and rule.speaks_on_page:
        # Somebody who is not looking needs no agent: this, too, is counted in engaged time.
        asks.append((max(verdict.at or 0, facts.now + HOUSE_ASK), True))


def _sooner(result: Result, at: Millis) -> None:
    result.due_at = at if result.due_at is None else min(result.due_at, at)


def _soonest_ask(asks: list[tuple[Millis, bool]], now: Millis) -> Ask | None:
    """One moment for all: counted in engaged time only when nobody waits for mere visible time."""
    if not asks:
        return None
    at = _soonest(asks)
    if all(engaged for _, engaged in asks):
        return Ask(at, engaged=True)
    # Whether engaged time is waited for, too, must not matter here: rules that wait longer were not even asked.
    exactly = any(moment == at and not engaged for moment, engaged in asks)
    return Ask(at if exactly else max(at, now + MIXED_ASK), engaged=False)


# --- deciding ---------------------------------------------------------------------------------------------------------


def _decide(
    rule: Rule, occasion: str, facts: Facts, result: Result, asks: list[tuple[Millis, bool]], late_ms: Millis
) -> None:
    cart = _cart_of(rule, facts)
    variant = rule.variant_of(lot_of(facts))
    opening = rule.openings[variant]
    hold = rule_hold(rule, facts)
    if hold is None:
        hold = action_hold(Asked(rule, opening, cart, late_ms, result.planned, opens=True), facts)
    if hold is not None:
        _record_hold(rule, occasion, cart, variant, hold, facts, result)
        if hold.retry_at is not None:
            _sooner(result, hold.retry_at)
        if hold.guard is Guard.AGENTS:
            asks.append((facts.now + HOUSE_ASK, True))
        return
    decision = _decision(rule, occasion, cart, variant, Outcome.FIRED, facts)
    result.decisions.append(decision)
    _settle(facts, rule, occasion)
    run = Run(decision.id, occasion, rule.hash, facts.now, step=0, wake_at=facts.now, cart=cart, variant=variant)
    take_steps(rule, run, facts, result, asked=opening)


def _decision(
    rule: Rule,
    occasion: str,
    cart: str | None,
    variant: str,
    outcome: Outcome,
    facts: Facts,
    hold: Hold | None = None,
) -> Decision:
    guard = hold.guard if hold else None
    what = outcome if guard is None else f"{outcome}:{guard}"
    return Decision(
        id=ids.derived_id("dec", facts.shop.id, facts.visitor_id, rule.name, occasion, what),
        rule=rule.name,
        rule_hash=rule.hash,
        occasion=occasion,
        at=facts.now,
        outcome=outcome,
        guard=guard,
        detail=hold.detail if hold else NOTHING,
        trace=_encode(rule.when.check(facts)),
        cart=cart,
        variant=variant,
    )


def _record_hold(
    rule: Rule, occasion: str, cart: str | None, variant: str, hold: Hold, facts: Facts, result: Result
) -> None:
    """Write a silence down once, not at every event."""
    note = f"{occasion}|{hold.guard}"
    if facts.visitor.held.get(rule.name) != note:
        facts.visitor.held[rule.name] = note
        result.decisions.append(_decision(rule, occasion, cart, variant, Outcome.HELD, facts, hold))
    if hold.settled:
        _settle(facts, rule, occasion)


def _settle(facts: Facts, rule: Rule, occasion: str) -> None:
    done = facts.visitor.done
    mark = f"{_SETTLED_AT}{facts.now}" if rule.once_per.isdigit() else occasion
    done[rule.name] = [*done.get(rule.name, ()), mark][-MAX_OCCASIONS:]
