"""The rules asked about one visitor at one moment.

Pure: facts in, a :class:`~engine.decisions.Result` out, and the visitor's own book-keeping (runs, settled occasions,
contacts, offers) brought up to date. Live traffic, timers, rule tests, replay and ``shopbell why`` all call this.
"""

from __future__ import annotations

import msgspec

from engine import ids
from engine.clock import SECOND, Millis, to_iso
from engine.decisions import Ask, Decision, Guard, Outcome, Planned, Result
from engine.messages import MailOrder
from engine.people import remember_contact
from engine.rules.facts import Facts
from engine.rules.guards import Hold, contacts_of, message_hold, rule_hold
from engine.rules.model import UNTIL, Email, Invite, Rule, RuleSet, Wait
from engine.rules.verdicts import Asks, State, Verdict
from engine.visitors import MAX_OCCASIONS, Contact, Offer, Run

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
    _continue_runs(rules, facts, result)
    asks: list[tuple[Millis, bool]] = []
    ready = _find_ready(rules, facts, result, asks)
    # Whoever was here after the planned moment made a new one: nothing is late for them.
    late_ms = max(0, now - max(due_at, visitor.seen_at)) if due_at is not None else 0
    for rule, occasion in ready:
        _decide(rule, occasion, facts, result, asks, late_ms)
    for run in visitor.runs.values():
        _sooner(result, run.wake_at)
    result.ask = _soonest_ask(asks, now)
    return result


def _find_ready(
    rules: RuleSet, facts: Facts, result: Result, asks: list[tuple[Millis, bool]]
) -> list[tuple[Rule, str]]:
    """The rules that are met now, most important first; for the others, when to look again."""
    visitor, view = facts.visitor, facts.view
    candidates = rules.candidates(view.type if view else None, has_cart=visitor.basket is not None)
    ready: list[tuple[int, Rule, str]] = []

    def ask(place: int, rule: Rule) -> None:
        occasion = occasion_of(rule, facts)
        if occasion is None or rule.name in visitor.runs or occasion in visitor.done.get(rule.name, ()):
            return
        verdict = rule.when.holds(facts)
        if verdict.met:
            ready.append((place, rule, occasion))
        else:
            _note_when_to_look(rule, verdict, facts, result, asks)

    for place, rule in candidates.others:
        ask(place, rule)
    if view is not None and candidates.timed:
        began = facts.now - view.stretch_ms - view.engaged_ms
        for needed_ms, place, rule in candidates.timed:
            # In order of patience: what cannot be met before the page is asked anyway has nothing to add.
            if asks and began + needed_ms >= max(facts.now + 1, _soonest(asks)):
                break
            ask(place, rule)
    ready.sort(key=lambda entry: (-entry[1].priority, entry[0]))
    return [(rule, occasion) for _, rule, occasion in ready]


def _soonest(asks: list[tuple[Millis, bool]]) -> Millis:
    return min(moment for moment, _ in asks)


def occasion_of(rule: Rule, facts: Facts) -> str | None:
    """What the rule may speak about once: this session, this cart …; None when there is no such thing now."""
    visitor = facts.visitor
    if rule.once_per == "session":
        return f"session:{visitor.session.started_at}"
    if rule.once_per == "cart":
        return f"cart:{visitor.basket.id}" if visitor.basket else _unpaid_order(rule, facts)
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
    about_cart = rule.once_per == "cart" or rule.needs_cart
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
    mixed = any(engaged for _, engaged in asks)
    return Ask(max(at, now + MIXED_ASK) if mixed else at, engaged=False)


# --- deciding ---------------------------------------------------------------------------------------------------------


def _decide(
    rule: Rule, occasion: str, facts: Facts, result: Result, asks: list[tuple[Millis, bool]], late_ms: Millis
) -> None:
    cart = _cart_of(rule, facts)
    first = next((step for step in rule.then if not isinstance(step, Wait)), None)
    hold = rule_hold(rule, facts)
    if hold is None and isinstance(first, Invite | Email) and not isinstance(rule.then[0], Wait):
        hold = message_hold(rule, first, facts, about_cart=cart, late_ms=late_ms)
    if hold is not None:
        _record_hold(rule, occasion, cart, hold, facts, result)
        if hold.retry_at is not None:
            _sooner(result, hold.retry_at)
        if hold.guard is Guard.AGENTS:
            asks.append((facts.now + HOUSE_ASK, True))
        return
    decision = _decision(rule, occasion, cart, Outcome.FIRED, facts)
    result.decisions.append(decision)
    _settle(facts, rule, occasion)
    run = Run(decision.id, occasion, rule.hash, facts.now, step=0, wake_at=facts.now, cart=cart)
    _take_steps(rule, run, facts, result)


def _decision(
    rule: Rule,
    occasion: str,
    cart: str | None,
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
        detail=hold.detail if hold else "",
        trace=_encode(rule.when.check(facts)),
        cart=cart,
    )


def _record_hold(rule: Rule, occasion: str, cart: str | None, hold: Hold, facts: Facts, result: Result) -> None:
    """Write a silence down once, not at every event."""
    note = f"{occasion}|{hold.guard}"
    if facts.visitor.held.get(rule.name) != note:
        facts.visitor.held[rule.name] = note
        result.decisions.append(_decision(rule, occasion, cart, Outcome.HELD, facts, hold))
    if hold.settled:
        _settle(facts, rule, occasion)


def _settle(facts: Facts, rule: Rule, occasion: str) -> None:
    done = facts.visitor.done
    mark = f"{_SETTLED_AT}{facts.now}" if rule.once_per.isdigit() else occasion
    done[rule.name] = [*done.get(rule.name, ()), mark][-MAX_OCCASIONS:]


# --- steps ------------------------------------------------------------------------------------------------------------


def _continue_runs(rules: RuleSet, facts: Facts, result: Result) -> None:
    by_name = rules.by_name
    for name, run in list(facts.visitor.runs.items()):
        rule = by_name.get(name)
        if rule is None:
            _stop(name, run, Hold(Guard.RULE_REMOVED), facts, result)
            continue
        run.hash = rule.hash
        reason = ended_by(rule, run, facts)
        if reason is not None:
            _stop(name, run, Hold(Guard.UNTIL, reason), facts, result, rule)
        elif run.wake_at <= facts.now:
            _take_steps(rule, run, facts, result)


def ended_by(rule: Rule, run: Run, facts: Facts) -> str | None:
    """The ``until`` word that has come true since the run began, or None."""
    visitor, person = facts.visitor, facts.person
    since = run.started_at

    def after(at: Millis | None) -> bool:
        return at is not None and at >= since

    # The cart itself may have been ordered before the run began, and told of only now.
    bought = run.cart is not None and (
        (visitor.closed is not None and visitor.closed.id == run.cart)
        or (person is not None and run.cart in person.ordered_carts)
    )
    happened = {
        "ordered": bought or after(visitor.ordered_at) or (person is not None and after(person.ordered_at)),
        "cart_emptied": run.cart is not None and (visitor.basket is None or visitor.basket.id != run.cart),
        "unsubscribed": person is not None and person.unsubscribed_at is not None,
        "accepted": after(visitor.chatting_since),
        "dismissed": after(visitor.dismissed_at),
        "returned": visitor.session.started_at > since,
    }
    # In the order of UNTIL, because an order empties the cart too.
    return next((word for word in UNTIL if word in rule.until and happened[word]), None)


def _stop(name: str, run: Run, hold: Hold, facts: Facts, result: Result, rule: Rule | None = None) -> None:
    facts.visitor.runs.pop(name, None)
    result.stopped.append((run.decision, hold.guard))
    trace = _encode(rule.when.check(facts)) if rule else b"null"
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
            trace=trace,
            cart=run.cart,
        )
    )


def _take_steps(rule: Rule, run: Run, facts: Facts, result: Result) -> None:
    """Take steps until a timer, the end, or a guard that says no."""
    late_ms = max(0, facts.now - run.wake_at)
    first = run.step == 0
    while run.step < len(rule.then):
        step = rule.then[run.step]
        if isinstance(step, Wait):
            run.step += 1
            run.wake_at = facts.now + step.ms
            facts.visitor.runs[rule.name] = run
            return
        # The first message was asked about when the rule was decided.
        hold = None if first else _later_hold(rule, step, run, facts, late_ms)
        if hold is not None and hold.retry_at is not None:
            run.wake_at = hold.retry_at
            facts.visitor.runs[rule.name] = run
            return
        if hold is not None:
            _stop(rule.name, run, hold, facts, result, rule)
            return
        _plan(rule, step, run, facts, result)
        run.step += 1
        first = False
    facts.visitor.runs.pop(rule.name, None)


def _later_hold(rule: Rule, step: Invite | Email, run: Run, facts: Facts, late_ms: Millis) -> Hold | None:
    """A later step is asked about again, and a rule that was switched off meanwhile goes no further."""
    if rule.off or rule.shadow:
        return Hold(Guard.NOT_ACTIVE if rule.off else Guard.SHADOW)
    return message_hold(rule, step, facts, about_cart=run.cart, late_ms=late_ms)


def _plan(rule: Rule, step: Invite | Email, run: Run, facts: Facts, result: Result) -> None:
    delivery = f"{run.decision}.{run.step}"
    # A mail about the same thing goes to a person once; what a page shows belongs to the page.
    who = facts.person.id if facts.person and step.kind == "email" else facts.visitor_id
    contact = Contact(at=facts.now, kind=step.kind, rule=rule.name, session=facts.visitor.session.number, id=delivery)
    holder = facts.person or facts.visitor
    holder.contacts = remember_contact(holder.contacts, contact)
    planned = Planned(
        id=delivery,
        decision=run.decision,
        rule=rule.name,
        step=run.step,
        kind=step.kind,
        due_at=facts.now,
        expires_at=0,
        body=b"null",
        once=ids.derived_id("once", facts.shop.id, rule.name, run.occasion, str(run.step), who),
    )
    if isinstance(step, Invite):
        expires_at = facts.now + step.expires_ms
        body = _encode(invitation(rule, step, delivery, facts, expires_at))
        facts.visitor.offers.append(Offer(delivery, rule.name, expires_at, body))
        result.planned.append(msgspec.structs.replace(planned, expires_at=expires_at, body=body))
        return
    late = rule.late
    due_at = facts.shop.quiet_until(facts.now) or facts.now
    expires_at = due_at + late.at_most_ms if late is not None and late.then == "skip" else 0
    body = _encode(
        MailOrder(step.template, step.offer, step.promise, step.call, step.subject, step.text, cart=run.cart)
    )
    result.planned.append(msgspec.structs.replace(planned, due_at=due_at, expires_at=expires_at, body=body))


def invitation(rule: Rule, step: Invite, delivery: str, facts: Facts, expires_at: Millis) -> dict[str, object]:
    """An invitation as the page receives it (see ``messages`` in the answer of POST /v1/events)."""
    language = facts.shop.speaks(facts.visitor.language)
    action: dict[str, object] = {"open": step.opens, "label": in_language(step.label or CHAT_LABEL, language)}
    if step.href:
        action["href"] = step.href
    message: dict[str, object] = {
        "id": delivery,
        "kind": step.kind,
        "rule": rule.name,
        "text": in_language(step.text, language),
        "language": language,
        "actions": [action],
        "expires_at": to_iso(expires_at),
    }
    if step.agent:
        message["agent"] = {"name": step.agent, "picture": step.picture}
    return message


CHAT_LABEL = {"nl": "Chat met ons", "en": "Chat with us", "de": "Mit uns chatten", "fr": "Discuter avec nous"}


def in_language(texts: dict[str, str], language: str) -> str:
    """The text in ``language``, else in English, else whichever stands first."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
