"""Reads stored events once for both rule sets, on the clock they came by."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, Engine

from engine import ids
from engine.clock import Millis
from engine.events import Event
from engine.pipeline import ShopRules
from engine.rehearsal.stored import read_stored
from engine.replay.report import Message, Report, RuleCount
from engine.replay.sides import REPORTS, Side
from engine.replay.sieve import Difference, Sieve
from engine.store import stream
from engine.store.database import reading
from engine.store.stream import StoredEvent

MOST_AT_HAND = 200_000
"""Events that are kept in memory between looking who matters and playing; a few hundred bytes each."""
Progress = Callable[[str, int, int], None]
"""Told now and then: what is being done, how many events are done, and of how many."""


@dataclass(frozen=True)
class Window:
    """What is counted, [since, until), and from when on events are played to know how things stood at ``since``."""

    since: Millis
    until: Millis
    warm_from: Millis


def replay(
    engine: Engine,
    before: ShopRules,
    after: ShopRules,
    window: Window,
    *,
    examples: int = 20,
    progress: Progress = lambda what, done, of: None,
    sift: bool = True,
) -> Report:
    """Play the stored events of one shop by both rule sets. ``sift`` False plays everybody. Raises StoreError."""
    started = time.perf_counter()
    with _fewer_collections(), reading(engine) as connection, reading(engine) as lookups:
        run = _Run(connection, lookups, before, after, window, progress)
        wanted = run.sift() if sift else None
        run.play(wanted)
        report = run.report(examples)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """So much is alive, and nothing of it in cycles, that looking for garbage often would cost a third of the time."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


class _Run:
    def __init__(
        self,
        connection: Connection,
        lookups: Connection,
        before: ShopRules,
        after: ShopRules,
        window: Window,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._lookups = lookups
        self._shop = after.id
        self._currency = after.rules.shop.currency
        self._window = window
        self._progress = progress
        before, after = (replace(each, rules=replace(each.rules, pages_ask=False)) for each in (before, after))
        if before.rules.shop.pages == after.rules.shop.pages:
            after = replace(after, page_types=before.page_types)  # each remembers the addresses it has seen
        suppressions = stream.suppressions(lookups, self._shop)
        self._before, self._after, self._same = (
            Side(rules, window.since, suppressions, self._person_id) for rules in (before, after, before)
        )
        self._alike: set[str] = set()
        """Visitors for whom both rule sets are the same; they are played once, and count for both."""
        self._total = stream.count_events(lookups, self._shop, window.warm_from, window.until)
        self._at_hand: list[list[StoredEvent]] = []
        self._counted = self._unreadable = 0
        self._visitors: set[str] = set()
        self._played: set[str] = set()

    # --- who matters --------------------------------------------------------------------------------------------------

    def sift(self) -> set[str]:
        """The visitors that any rule of either set could touch; notes which rules those are."""
        sets = [self._before.shop.rules, self._after.shop.rules]
        if sets[0].shop.pages == sets[1].shop.pages:
            sieves = [Sieve(sets, self._before.shop.page_types)] * 2
        else:
            sieves = [Sieve([side.shop.rules], side.shop.page_types) for side in (self._before, self._after)]
        for chunk in self._chunks("Looking who matters"):
            for sieve in dict.fromkeys(sieves):
                sieve.take(chunk)
        difference = Difference(*sets)
        wanted = {visitor for sieve in sieves for visitor in sieve.wanted()}
        for visitor in wanted:
            for side, sieve in zip((self._before, self._after, self._same), (*sieves, sieves[0]), strict=True):
                side.asked_since[visitor] = sieve.asked_since(visitor)
            if not difference.concerns(sieves[0].seen[visitor]):
                self._alike.add(visitor)
        return wanted

    # --- the play -----------------------------------------------------------------------------------------------------

    def play(self, wanted: set[str] | None) -> None:
        for stored in stream.house_events_before(self._lookups, self._shop, self._window.warm_from):
            self._take([stored], stored[4])
        for chunk in self._chunks("Playing"):
            self._count(chunk)
            if wanted is not None:
                chunk = [event for event in chunk if event[0] in wanted or not event[0]]
            for received_at, group in groupby(chunk, itemgetter(4)):
                self._take(list(group), received_at)
        self._visitors.discard("")
        self._played = self._visitors if wanted is None else self._visitors & wanted
        for side in (self._before, self._after, self._same):
            side.pass_time(self._window.until)
        for side in (self._before, self._after):
            side.add(self._same)

    def _count(self, chunk: list[StoredEvent]) -> None:
        counted = [event[0] for event in chunk if event[4] >= self._window.since]
        self._counted += len(counted)
        self._visitors.update(counted)

    def _take(self, stored: list[StoredEvent], now: Millis) -> None:
        """One commit's events, to the sides that they concern; those about the shop itself concern all."""
        events = [event for event in map(self._event, stored) if event is not None]
        if len(events) > 1:
            events.sort(key=lambda event: (event.at, event.seq))
        alike = [event for event in events if event.visitor in self._alike or not event.visitor]
        if alike:
            self._same.take(alike, now)
        others = [event for event in events if event.visitor not in self._alike]
        if others:
            self._take_twice(others, now)

    def _take_twice(self, events: list[Event], now: Millis) -> None:
        before, after = self._before, self._after
        reports = any(event.type in REPORTS for event in events)
        for side, other in ((before, after), (after, before)):
            own = [event for event in events if not side.is_foreign(event, other)] if reports else events
            side.take(own, now)

    def _event(self, stored: StoredEvent) -> Event | None:
        event = read_stored(stored, self._currency)
        self._unreadable += event is None
        return event

    def _chunks(self, what: str) -> Iterator[list[StoredEvent]]:
        done = 0
        for chunk in self._at_hand or self._read():
            done += len(chunk)
            yield chunk
            self._progress(what, done, self._total)

    def _read(self) -> Iterator[list[StoredEvent]]:
        """All stored events; what fits into memory is not read a second time."""
        window, at_hand = self._window, []
        for chunk in stream.events(self._connection, self._shop, window.warm_from, window.until):
            if self._total <= MOST_AT_HAND:
                at_hand.append(chunk)
            yield chunk
        self._at_hand = at_hand

    def _person_id(self, shop: str, identities: list[tuple[str, str]]) -> str:
        """The person's real name where there is one, because it decides about holdouts."""
        known = stream.person_of(self._lookups, shop, identities)
        return known or ids.derived_id("per", shop, *identities[0])

    # --- what came of it ----------------------------------------------------------------------------------------------

    def report(self, examples: int) -> Report:
        before, after = self._before, self._after
        gained = [message for name, message in after.fired.items() if name not in before.fired]
        lost = [message for name, message in before.fired.items() if name not in after.fired]
        visitors = len(self._visitors)
        return Report(
            self._shop,
            self._window.since,
            self._window.until,
            events=self._counted,
            visitors=visitors,
            played=len(self._played),
            unreadable=self._unreadable,
            faults=max(before.faults, after.faults) + self._same.faults,
            rules=list(_counts(before, after, gained, lost)),
            gained=sorted(gained, key=lambda message: message.at)[:examples],
            lost=sorted(lost, key=lambda message: message.at)[:examples],
            before=before.cost(visitors),
            after=after.cost(visitors),
        )


def _counts(before: Side, after: Side, gained: list[Message], lost: list[Message]) -> Iterator[RuleCount]:
    """Every rule of either file, those of the new one first and in its order."""
    names = [rule.name for side in (after, before) for rule in side.shop.rules.rules]
    fired = [Counter(message.rule for message in side.fired.values()) for side in (before, after)]
    changes = [Counter(message.rule for message in messages) for messages in (gained, lost)]
    for name in dict.fromkeys(names):
        counts = [counted[name] for counted in (*fired, *changes)]
        held = [dict(side.held.get(name, {})) for side in (before, after)]
        yield RuleCount(name, counts[0], counts[1], counts[2], counts[3], held[0], held[1])
