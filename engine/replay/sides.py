"""One of the two rule sets, with everybody in a rehearsal of its own, and a count of what it decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from engine.clock import Millis
from engine.decisions import Outcome
from engine.events import Event
from engine.pipeline import ShopRules
from engine.rehearsal.books import MemoryBooks
from engine.rehearsal.house import Rehearsal
from engine.replay.report import Cost, Message
from engine.store.stream import Suppression

REPORTS = frozenset(["message_shown", "message_accepted", "message_dismissed"])
MOST_AT_HAND = 20_000
"""Visitors that are kept unpacked."""


class Side:
    """``since`` is where counting begins; what was decided before only makes the state."""

    def __init__(
        self,
        shop: ShopRules,
        since: Millis,
        suppressions: Iterable[Suppression],
        person_id: Callable[[str, list[tuple[str, str]]], str],
    ) -> None:
        self.asked_since: dict[str, Millis] = {}
        """By visitor, before when no rule can be met."""
        self.shop = shop
        self.since = since
        known = list(suppressions)
        self._suppressed = known[::-1]
        self.books = MemoryBooks(
            0,
            person_id=person_id,
            suppressed={found.address: (found.reason, found.at) for found in known},
            most_visitors=MOST_AT_HAND,
        )
        self.house = Rehearsal(shop, self.books, self.asked_since)
        self.sent: set[str] = set()
        """The messages of these rules, by delivery id."""
        self.fired: dict[str, Message] = {}
        """By decision id."""
        self.held: dict[str, Counter[str]] = {}
        self.messages: Counter[str] = Counter()

    def pass_time(self, until: Millis) -> None:
        """Let timers ring and addresses be suppressed, up to ``until``."""
        while self._suppressed and self._suppressed[-1].at <= until:
            self.books.suppress(self.shop.id, self._suppressed.pop())
        if self.house.could_ring(until):
            self.house.ring(until)
            self._count()

    def take(self, events: list[Event], now: Millis) -> None:
        """The events of one commit."""
        self.pass_time(now - 1)
        self.house.take(events, now)
        self._count()

    def is_foreign(self, event: Event, other: Side) -> bool:
        """Whether this is about a message that only the other side sends, so that nobody can have seen it here."""
        return event.type in REPORTS and event.message in other.sent and event.message not in self.sent

    def _count(self) -> None:
        books = self.books
        if not (books.decisions or books.deliveries):
            return
        for visitor, decision in books.decisions:
            if decision.at < self.since:
                continue
            if decision.outcome is Outcome.FIRED:
                self.fired[decision.id] = Message(decision.at, visitor, decision.rule)
            elif decision.outcome is Outcome.HELD:
                self.held.setdefault(decision.rule, Counter())[str(decision.guard)] += 1
        for delivery in books.deliveries:
            self.sent.add(delivery.planned.id)
            if books.now >= self.since:
                self.messages[delivery.planned.kind] += 1
        books.decisions.clear()
        books.deliveries.clear()

    @property
    def faults(self) -> int:
        return sum(1 for visitor in self.books.visitors.values() if visitor.fault is not None)

    def add(self, other: Side) -> None:
        """Count what another side decided as decided here too."""
        self.fired.update(other.fired)
        self.messages.update(other.messages)
        for rule, held in other.held.items():
            self.held.setdefault(rule, Counter()).update(held)

    def cost(self, visitors: int) -> Cost:
        total = sum(self.messages.values())
        return Cost(dict(self.messages), total / visitors if visitors else 0.0)
