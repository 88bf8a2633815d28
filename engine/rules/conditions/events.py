"""Events: what the shopper or the shop did, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import ClassVar

from engine.clock import Millis
from engine.events import Event
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import EventName, OneOrMore
from engine.rules.forms import Clash, form_of, setting
from engine.rules.needs import AtLeast, Fact, Needs, happened, watched
from engine.rules.numbers import Duration, Whole
from engine.rules.texts import Conditions, FieldName, Where, fits_any
from engine.rules.verdicts import Verdict, met, not_met, not_yet, unknown
from engine.said import say
from engine.visitors import MAX_TIMES, SIGNALS, Series, Watch

_THOUSAND = 1000
_LARGEST = 10**15


@dataclass(frozen=True)
class EventWatch:
    """Watches for events whose fields fit ``where``; keeps the moments, and with them the values of ``field``.

    With ``distinct`` every value counts once, as text; else it is a number and counts in thousandths.
    """

    event: str
    where: Conditions = ()
    field: str = ""
    distinct: bool = False

    @cached_property
    def key(self) -> str:
        asked = [(name, sorted(test.text for test in tests)) for name, tests in self.where]
        content = ("event", self.event, asked, self.field, self.distinct)
        return sha256(repr(content).encode()).hexdigest()[:10]

    def match(self, event: Event) -> int | str | None:
        if not all(fits_any(tests, event.told(name)) for name, tests in self.where):
            return None
        if not self.field:
            return 1
        told = event.told(self.field)
        if told is None or isinstance(told, bool):
            return None
        if self.distinct:
            return str(told)[:60]
        number = _number(told)
        return None if number is None or abs(number) >= _LARGEST else int(number * _THOUSAND)


def _number(told: str | int | Decimal) -> Decimal | None:
    try:
        number = Decimal(told.strip() if isinstance(told, str) else told)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """An event, and what its own fields must be."""

    event: str = setting(EventName(), "The event's type.", main=True)
    where: Conditions = setting(Where(), "What its fields must be.", default=())

    @property
    def watches(self) -> tuple[Watch, ...]:
        return () if self._watch is None else (self._watch,)

    @cached_property
    def _watch(self) -> EventWatch | None:
        # Of signals that come all the time nothing is kept unless somebody asks.
        return EventWatch(self.event, self.where) if self.where or self.event in SIGNALS else None

    @property
    def seen(self) -> Fact[int]:
        """How often it happened, and never less; more than that no condition counts."""
        return happened(self.event) if self._watch is None else watched(self._watch)

    def times(self, facts: Facts) -> list[Millis]:
        """The latest moments at which it happened, in order."""
        if self._watch is not None:
            return facts.visitor.watched.get(self._watch.key, _NOTHING).times
        if self.event == "page_viewed":
            return [seen.at for seen in facts.visitor.trail]
        tally = facts.visitor.tallies.get(self.event)
        return tally.times if tally else []

    def count(self, facts: Facts) -> int:
        """How often it happened at all."""
        if self._watch is not None:
            return facts.visitor.watched.get(self._watch.key, _NOTHING).count
        tally = facts.visitor.tallies.get(self.event)
        return tally.count if tally else 0


_NOTHING = Series()


@condition
@dataclass(frozen=True, kw_only=True)
class Happened(BaseCondition):
    """An event happened, so often, in such a time.

    Any event counts: Shopbell's own, and whatever the shop sends under a name like `size_guide_opened`. `where` looks
    at the event's own fields as they were sent: `results: 0`, `product.category: [ink, toner]`, `plan: "pro*"`,
    `order.total: ">= 50"`, `sku: "~ ^INK-"`. With `sum` the field's numbers are added up, with `distinct` its
    different values are counted, and `at_least` is what they must reach.

    A rule with `where`, `sum` or `distinct`, or on a signal that comes all the time (`checked_in`, `page_hidden`,
    `page_shown`, `scrolled`), begins to count when it goes live: what happened before was not kept. For `within` the
    latest 20 events are known.

    Example:
        - happened: coupon_rejected
        - happened: {event: searched, at_least: 3, within: 10m}
        - happened: {event: video_played, where: {product.category: ink}, at_least: 2}
        - happened: {event: order_placed, sum: order.total, at_least: 500, within: 90d}
        - happened: {event: product_viewed, distinct: product.sku, at_least: 4, within: 1h}
    """

    event: str = setting(EventName(), "The event's type.", main=True)
    where: Conditions = setting(Where(), "What its own fields must be; all of them.", default=())
    at_least: int = setting(
        Whole(1, 1_000_000), "How often it must have happened, or what it must add up to.", default=1
    )
    within: Millis | None = setting(Duration(), "Only count what happened so lately.", default=None, shown="ever")
    sum: str = setting(FieldName(), "Add up this field instead of counting.", default="")
    distinct: str = setting(FieldName(), "Count the different values of this field.", default="")

    effort: ClassVar[int] = 2
    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "custom event, min N in M s",
        "Libredesk": "custom event",
        "Tidio": "custom event",
        "Crisp": "custom event",
        "Intercom": "event",
    }

    def __post_init__(self) -> None:
        if self.sum and self.distinct:
            raise Clash(say("'sum' adds up and 'distinct' counts; use one of them"))
        limited = self.within is not None and not self.sum
        if self.distinct and self.at_least > MAX_TIMES:
            raise Clash(say("up to %(most)s different values are remembered; ask for fewer", most=MAX_TIMES))
        if limited and self.at_least > MAX_TIMES:
            raise Clash(
                say(
                    "with 'within' an event is counted up to %(most)s times; ask for fewer, or leave 'within' out",
                    most=MAX_TIMES,
                )
            )

    @property
    def watches(self) -> tuple[Watch, ...]:
        return self._plain.watches if self._valued is None else (self._valued,)

    @cached_property
    def _valued(self) -> EventWatch | None:
        field = self.sum or self.distinct
        return EventWatch(self.event, self.where, field, bool(self.distinct)) if field else None

    @cached_property
    def _plain(self) -> Occurrence:
        return Occurrence(event=self.event, where=self.where)

    @property
    def needs(self) -> Needs:
        if self._valued is None:
            return (AtLeast(self._plain.seen, self.at_least),)
        return (AtLeast(watched(self._valued), self.at_least if self.distinct else 1),)

    def check(self, facts: Facts) -> Verdict:
        # A sum may also grow when something leaves the window: what was less than nothing.
        return self.in_time(facts, self._compared) if self.sum else self._compared(facts)

    def _compared(self, facts: Facts) -> Verdict:
        seen = self._seen(facts)
        return met(seen, self.at_least) if seen >= self.at_least else not_met(seen, self.at_least)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        if self.within is None:
            return ()
        known = self._plain.times(facts) if self._valued is None else self._series(facts).times
        return [at + self.within for at in known]

    def _series(self, facts: Facts) -> Series:
        return _NOTHING if self._valued is None else facts.visitor.watched.get(self._valued.key, _NOTHING)

    def _seen(self, facts: Facts) -> int | float:
        since = None if self.within is None else facts.now - self.within
        if self._valued is None:
            return self._plain.count(facts) if since is None else sum(at > since for at in self._plain.times(facts))
        series = self._series(facts)
        told = [value for at, value in zip(series.times, series.values, strict=True) if since is None or at > since]
        if self.distinct:
            return len(told)
        total = series.total if since is None else sum(value for value in told if isinstance(value, int))
        return total / _THOUSAND


@condition
@dataclass(frozen=True, kw_only=True)
class NotHappened(BaseCondition):
    """An event did not happen: never, not for some time, or not since another one.

    `for` alone counts from the last time it happened, or else from when the shopper was first seen. With `since` it
    counts from that event, and nothing is said about shoppers for whom that never happened.

    Example:
        - not_happened: chat_started
        - not_happened: {event: product_viewed, for: 7d}
        - not_happened: {event: survey_answered, since: order_delivered, for: 3d}
    """

    event: str = setting(EventName(), "The event's type.", main=True)
    where: Conditions = setting(Where(), "What its own fields must be; all of them.", default=())
    for_: Millis = setting(Duration(), "For so long.", default=0, shown="ever")
    since: str = setting(EventName(), "Since this other event.", default="", shown="ever")

    @cached_property
    def _what(self) -> Occurrence:
        return Occurrence(event=self.event, where=self.where)

    @cached_property
    def _since(self) -> Occurrence | None:
        return Occurrence(event=self.since) if self.since else None

    @property
    def watches(self) -> tuple[Watch, ...]:
        return (*self._what.watches, *(self._since.watches if self._since else ()))

    def check(self, facts: Facts) -> Verdict:
        last = max(self._what.times(facts), default=None)
        if self._since is not None:
            began = max(self._since.times(facts), default=None)
            if began is None:
                return not_met(say("no %(since)s", since=self.since), self.since)
            if last is not None and last >= began:
                return not_met(say("it happened since"), say("not since"))
            return self._waited(began, facts.now)
        if not self.for_:
            return met(say("never")) if last is None else not_met(say("it happened"), say("never"))
        first_seen = facts.visitor.first_seen_at or None
        start = first_seen if last is None else last
        if start is None:
            return unknown(say("since when this shopper is known"))
        return self._waited(start, facts.now)

    def _waited(self, start: Millis, now: Millis) -> Verdict:
        if now - start >= self.for_:
            return met(now - start, self.for_, "ms")
        return not_yet(start + self.for_, now - start, self.for_, "ms")


@condition
@dataclass(frozen=True, kw_only=True)
class Sequence(BaseCondition):
    """Events happened in this order; others may stand in between.

    `within` is how lately the whole of it must have happened. The latest 20 times of each event are known; events with
    `where` are counted from when the rule goes live.

    Example:
        - sequence: [product_viewed, cart_updated, checkout_started]
        - sequence: {events: [coupon_rejected, {event: page_viewed, where: {page.type: faq}}], within: 30m}
    """

    events: tuple[Occurrence, ...] = setting(
        OneOrMore(form_of(Occurrence, say("an event of 'sequence'"))), "The events, first to last.", main=True
    )
    within: Millis | None = setting(Duration(), "All of it so lately.", default=None, shown="ever")

    peers: ClassVar[dict[str, str]] = {"LiveChat": "url_funnel"}

    def __post_init__(self) -> None:
        if not 2 <= len(self.events) <= 10:
            raise Clash(say("'sequence' needs two to ten events: sequence: [product_viewed, cart_updated]"))

    @property
    def watches(self) -> tuple[Watch, ...]:
        return tuple(watch for event in self.events for watch in event.watches)

    @property
    def needs(self) -> Needs:
        return tuple(AtLeast(event.seen, 1) for event in self.events)

    def check(self, facts: Facts) -> Verdict:
        since = None if self.within is None else facts.now - self.within
        reached = self._length(facts, since)
        return (met if reached == len(self.events) else not_met)(reached, len(self.events))

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [at + self.within + 1 for at in self.events[0].times(facts)]

    def _length(self, facts: Facts, since: Millis | None) -> int:
        """How many of the events were found, one after the other; taking each as early as possible finds the most."""
        at, before = since or 0, None
        for reached, event in enumerate(self.events):
            # Two events of one batch may share their millisecond; the same event cannot follow itself in it.
            later = [moment for moment in event.times(facts) if moment > at or (moment == at and event != before)]
            if not later:
                return reached
            at, before = later[0], event
        return len(self.events)
