"""Plays a script: the shopper acts, their browser checks in, timers ring, and what the rules do is held against it.

Nothing sleeps. The clock jumps from one moment at which something happens to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import msgspec

from engine import clock, identify
from engine.clock import Millis, from_datetime
from engine.decisions import Guard, ListChange, Outcome, Planned, Result
from engine.events import Event, parse_event
from engine.explain import RuleView, next_look, view_rule
from engine.pipeline import ShopRules, server_visitor
from engine.rehearsal.books import MemoryBooks
from engine.rehearsal.browser import Tab
from engine.rehearsal.house import Rehearsal
from engine.rehearsal.script import Expectation, Expected, Script
from engine.rehearsal.words import ADDRESS, Happening, Raw
from engine.rules.facts import Facts
from engine.rules.guards import in_holdout
from engine.said import NOTHING, Said, all_of, frame, say
from engine.store.unit import VisitorKey
from engine.visitors import Visitor

USUAL_START = datetime(2026, 11, 24, 12, 0)  # noqa: DTZ001 - a Tuesday at noon, wherever the shop is


@dataclass(frozen=True)
class Came:
    """One thing that came of it: a message (``kind`` is its step's word), ``fired``, ``held`` or ``stopped``."""

    at: Millis
    what: str
    rule: str
    by: str = ""
    detail: Said = NOTHING
    body: bytes = b"null"

    def fits(self, wanted: Expected) -> bool:
        if (self.what, self.rule) != (wanted.what, wanted.rule):
            return False
        # What `until` stopped is known by the word that came true.
        if wanted.by not in ("", self.by, self.detail if self.by == Guard.UNTIL else ""):
            return False
        return all(_says(self.body, name, text) for name, text in wanted.details.items())


@dataclass(frozen=True)
class Failure:
    """An expectation that did not come true: where it stands, at which moment, why, and what its rule says then."""

    line: int
    column: int
    at: Millis
    message: Said
    view: RuleView | None


@dataclass
class Played:
    """One script and what came of it."""

    script: Script
    failures: list[Failure] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures


def play(script: Script, shop: ShopRules) -> Played:
    """Play one script from its beginning to its last expectation."""
    return _Stage(script, shop).play()


def _says(body: bytes, name: str, wanted: str) -> bool:
    """Whether a message's body says this; a text may be in any language."""
    told = msgspec.json.decode(body)
    value = told.get(name) if isinstance(told, dict) else None
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return wanted in [str(each) for each in values]


@dataclass
class _Device:
    """One browser of the shopper: its visitor and its tabs, of which the last one that did something is in front."""

    key: VisitorKey
    tabs: dict[str, Tab] = field(default_factory=dict)
    front: str = "t1"
    last_message: str = ""


class _Stage:
    def __init__(self, script: Script, shop: ShopRules) -> None:
        self.script = script
        self.shop = shop
        local = USUAL_START.replace(tzinfo=shop.rules.shop.zone)
        self.start = script.starts if script.starts is not None else from_datetime(local)
        self.books = MemoryBooks(self.start, person_id=lambda shop_id, named: self._name(f"person-{named[0][1][:8]}"))
        self.house = Rehearsal(shop, self.books)
        self.devices: dict[str, _Device] = {}
        self.now = self.start
        self.came: list[Came] = []
        self._numbers = count(1)

    # --- the run ------------------------------------------------------------------------------------------------------

    def play(self) -> Played:
        played = Played(self.script)
        if self.script.agents is not None:
            self._happens(self.script.agents)
        acts = list(self.script.given)
        for expectation in self.script.expect:
            while acts and acts[0][0] <= expectation.at:
                at, happenings = acts.pop(0)
                self._pass_time(self.start + at, last=False)
                for happening in happenings:
                    self._happens(happening)
            self._pass_time(self.start + expectation.at, last=True)
            played.failures.extend(self._compare(expectation))
            self.came.clear()
        return played

    def _pass_time(self, until: Millis, *, last: bool) -> None:
        """Let browsers check in and timers ring up to ``until``; at that very moment only when nothing more happens."""
        while True:
            timer, check_in = self.house.next_due(), self._next_check_in()
            moments = [at for at in (timer, check_in[0] if check_in else None) if at is not None]
            at = max(self.now, min(moments)) if moments else until + 1
            if at > until or (at == until and not last):
                break
            self._move_to(at)
            if check_in is not None and check_in[0] <= at:
                self._page_says(check_in[1], check_in[2], {"type": "checked_in"})
            else:
                self._note(self.house.ring(at))
        self._move_to(until)

    def _move_to(self, now: Millis) -> None:
        self.now = now
        for device in self.devices.values():
            for tab in device.tabs.values():
                tab.advance(now)

    def _next_check_in(self) -> tuple[Millis, _Device, str] | None:
        plans: list[tuple[Millis, _Device, str]] = []
        for device in self.devices.values():
            for name, tab in device.tabs.items():
                if (at := tab.checks_in_at) is not None:
                    plans.append((at, device, name))
        return min(plans, default=None, key=lambda plan: plan[0])

    # --- what happens -------------------------------------------------------------------------------------------------

    def _happens(self, happening: Happening) -> None:
        device = self._device(happening.device)
        if happening.effect == "unsubscribes":
            self._unsubscribe()
        elif happening.effect == "idle":
            for tab in device.tabs.values():
                tab.idle_from = self.now
        elif happening.effect == "leaves":
            for name in list(device.tabs):
                self._page_says(device, name, {"type": "page_hidden"})
            device.tabs.clear()
        elif happening.effect in ("dismisses", "accepts"):
            kind = "message_dismissed" if happening.effect == "dismisses" else "message_accepted"
            self._page_says(device, device.front, {"type": kind, "message": device.last_message or "none"})
        elif happening.trusted:
            self._shop_says(device, happening.raw)
        else:
            self._shopper_does(device, happening.raw)

    def _device(self, name: str) -> _Device:
        if name not in self.devices:
            key = VisitorKey(self.shop.id, self._name(f"shopper{'-' if name else ''}{name}"))
            self.devices[name] = _Device(key)
        return self.devices[name]

    def _name(self, wanted: str) -> str:
        """A name near the one wanted that is in the right holdouts (that of one rule, or none) and variant."""
        return next(name for name in (f"{wanted}-{number}" for number in count(1)) if self._fits(name))

    def _fits(self, name: str) -> bool:
        facts = Facts(self.shop.rules.shop, name, Visitor(), self.now)
        rules = [rule for rule in self.shop.rules.rules if 0 < rule.holdout < 1]
        own = self.shop.rules.by_name.get(self.script.rule or "")
        variant = self.script.in_variant
        fits = variant is None or own is None or own.variant_of(name) == variant
        return fits and all(in_holdout(rule, facts) == (rule.name == self.script.in_holdout) for rule in rules)

    def _shopper_does(self, device: _Device, raw: Raw) -> None:
        tab = str(raw.get("tab") or device.front)
        device.front = tab
        page = raw.get("page")
        if raw["type"] == "page_viewed" and isinstance(page, dict):
            declared = page.get("type")
            device.tabs[tab] = Tab(str(page["url"]), None if declared is None else str(declared), self.now)
        shown = device.tabs.get(tab)
        if shown is not None and raw["type"] in ("page_hidden", "page_shown"):
            shown.shown = raw["type"] == "page_shown"
        elif shown is not None:
            shown.idle_from = None
        self._page_says(device, tab, raw)

    def _page_says(self, device: _Device, name: str, raw: Raw) -> None:
        """The page reports, with what it knows of itself, and hears the answer."""
        tab = device.tabs.get(name)
        told: Raw = {**raw, "tab": name, "visitor": device.key.id}
        if tab is not None:
            own = raw.get("page")
            page = {"url": tab.url} | ({"type": tab.type} if tab.type else {}) | (own if isinstance(own, dict) else {})
            told |= {"engaged_ms": str(tab.engaged_ms), "page": page}
        result = self._commit(self._event(told, trusted=False)).get(device.key)
        if tab is None or result is None:
            return
        tab.hear(result.ask, self.now)
        self._show_message(device, name, tab)

    def _show_message(self, device: _Device, name: str, tab: Tab) -> None:
        offers = [o for o in self.books.visitors[device.key].state.offers if o.expires_at > self.now]
        if offers and tab.shown:
            device.last_message = offers[0].id
            self._page_says(device, name, {"type": "message_shown", "message": offers[0].id})

    def _shop_says(self, device: _Device, raw: Raw) -> None:
        event = self._event({"visitor": "" if raw["type"] == "agents_changed" else device.key.id, **raw}, trusted=True)
        if not event.visitor and event.type != "agents_changed":
            event = msgspec.structs.replace(event, visitor=server_visitor(self.shop.id, event))
        self._commit(event)

    def _unsubscribe(self) -> None:
        for loaded in self.books.people.values():
            loaded.state.unsubscribed_at = loaded.state.unsubscribed_at or self.now
        self.books.suppressed[identify.hash_of(self.shop.id, ADDRESS)] = ("unsubscribed", self.now)

    def _event(self, raw: Raw, *, trusted: bool) -> Event:
        currency = self.shop.rules.shop.currency
        # What a script says first happens first, also where both happen at the same moment.
        number = next(self._numbers)
        whole = {"id": f"event-{number}".rjust(8, "0"), "seq": number, **raw}
        return parse_event(whole, received_at=self.now, skew_ms=0, currency=currency, trusted=trusted, strict=False)

    def _commit(self, event: Event) -> dict[VisitorKey, Result]:
        results = self.house.take([event], self.now)
        self._note(results)
        return results

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def _note(self, results: dict[VisitorKey, Result]) -> None:
        for result in results.values():
            for decision in result.decisions:
                detail = decision.detail
                self.came.append(Came(decision.at, str(decision.outcome), decision.rule, decision.guard or "", detail))
            self.came.extend(_message(planned, self.now) for planned in result.planned)
            self.came.extend(_on_a_list(change, self.now) for change in result.audiences)

    def _compare(self, expectation: Expectation) -> Iterator[Failure]:
        """Everything that was expected came, and nothing else did that the test is about."""
        unexplained = [came for came in self.came if came.what != Outcome.FIRED]
        for wanted in expectation.things:
            found = next((came for came in self.came if came.fits(wanted)), None)
            if found is None:
                # What came instead is told with it, and not a second time below.
                unexplained = [came for came in unexplained if came.rule != wanted.rule]
                yield self._failure(
                    expectation,
                    wanted.rule,
                    say("expected %(wanted)s, but %(came)s", wanted=wanted.text, came=self._instead(wanted)),
                )
            elif found in unexplained:
                unexplained.remove(found)
        fired = {wanted.rule for wanted in expectation.things if wanted.what == "fired"}
        for came in unexplained:
            if came.rule not in fired and self._is_about(came, expectation):
                more = bool(expectation.things)
                yield self._failure(expectation, came.rule, self._unexpected(came, more=more))

    def _is_about(self, came: Came, expectation: Expectation) -> bool:
        """Of its own rule a test tells everything; of others only messages, when it is about no rule or names them."""
        own = self.script.rule
        if came.rule == own:
            return True
        if came.what in list(Outcome):
            return False
        return own is None or came.rule in {wanted.rule for wanted in expectation.things}

    def _instead(self, wanted: Expected) -> Said:
        own = [self._told(came) for came in self.came if came.rule == wanted.rule]
        return all_of(own) if own else say("nothing came")

    def _unexpected(self, came: Came, *, more: bool) -> Said:
        told = self._told(came)
        return (
            say("expected nothing more, but %(came)s", came=told)
            if more
            else say("expected nothing, but %(came)s", came=told)
        )

    def _told(self, came: Came) -> Said:
        rule, at = came.rule, clock.describe(came.at - self.start)
        why = frame("%(by)s (%(detail)s)", by=came.by, detail=came.detail) if came.detail else came.by
        if came.what == Outcome.FIRED:
            return say("'%(rule)s' fired at %(at)s", rule=rule, at=at)
        if came.what == Outcome.HELD:
            return say("'%(rule)s' was held by %(why)s at %(at)s", rule=rule, why=why, at=at)
        if came.what == Outcome.STOPPED:
            return say("'%(rule)s' was stopped by %(why)s at %(at)s", rule=rule, why=why, at=at)
        return say("'%(rule)s' sent %(what)s at %(at)s", rule=rule, what=came.what, at=at)

    def _failure(self, expectation: Expectation, rule: str | None, message: Said) -> Failure:
        return Failure(expectation.line, expectation.column, expectation.at, message, self._view(rule))

    def _view(self, name: str | None) -> RuleView | None:
        rule = self.shop.rules.by_name.get(name or "")
        device = self.devices.get("")
        if rule is None or device is None:
            return None
        visitor = self.books.visitors[device.key]
        person = self.books.people.get((self.shop.id, visitor.person or ""))
        house = self.books.load_house(self.shop.id)
        facts = Facts(
            self.shop.rules.shop, device.key.id, visitor.state, self.now, person.state if person else None, house
        )
        rows = [
            {name: getattr(decision, name) for name in ("rule", "occasion", "outcome", "guard", "detail", "at")}
            for visitor_id, decision in reversed(self.books.decisions)
            if visitor_id == device.key.id
        ]
        coming = next_look(self.shop.rules, facts, visitor.due_at)
        return view_rule(rule, facts, rows, coming.get(rule.name, []))


def _message(planned: Planned, now: Millis) -> Came:
    return Came(now, planned.kind, planned.rule, body=planned.body)


def _on_a_list(change: ListChange, now: Millis) -> Came:
    body = msgspec.json.encode({"add" if change.add else "remove": change.name})
    return Came(now, "audience", change.rule, body=body)
