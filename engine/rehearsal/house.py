"""A shop in memory: events come in, time passes, and the rules are asked exactly as they are live."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from engine.clock import Millis
from engine.decisions import Result
from engine.events import Event
from engine.pipeline import Group, ShopRules
from engine.records import keep_waiting
from engine.rehearsal.books import MemoryBooks
from engine.stitch import Stitcher
from engine.store.books import Books
from engine.store.unit import LoadedVisitor, VisitorKey
from engine.visitors import contents_in, contents_of

MOST_LOOKS = 100_000
"""Looks that timers bring at one and the same moment; more is a rule that asks for ever."""


class Rehearsal:
    """One shop, its rules and everybody in it. Time is told, never asked.

    ``since`` tells of some visitors before which moment no rule can be met for them, so that none is asked.
    """

    def __init__(self, shop: ShopRules, books: MemoryBooks, since: Mapping[str, Millis] | None = None) -> None:
        self.shop = shop
        self._since = {} if since is None else since
        self.books = books
        self._group = Group(books, keep=self._keep)
        self._stitcher = Stitcher()
        self._due: list[tuple[Millis, VisitorKey]] = []
        self._planned: dict[VisitorKey, Millis] = {}
        """What was put into that heap last for each."""
        books.load_house(shop.id)

    def take(self, events: Iterable[Event], now: Millis) -> dict[VisitorKey, Result]:
        """These events are committed together at ``now``; what the rules say then. Each event is given once."""
        self.books.now = now
        events = [self._stitcher.settle(self.shop.id, event) for event in events]
        handed_over = self._stitcher.hand_over(self.books)
        self._group.owners.clear()
        self._group.receivers.clear()
        self._group.find_concerned(self.shop.id, events)
        for handover in handed_over:
            self._group.heed(self.shop, handover)
        for event in events:
            self._group.hear(self.shop, event)
        return self._look()

    def look_at(self, visitors: Iterable[VisitorKey], now: Millis) -> dict[VisitorKey, Result]:
        """Ask about these visitors again, as a timer would."""
        self.books.now = now
        self._group.touched.update(dict.fromkeys(visitors, self.shop))
        return self._look()

    def next_due(self) -> Millis | None:
        """When the next timer rings."""
        due = self._due
        while due:
            at, key = due[0]
            if self.books.visitors[key].due_at == at:
                return at
            self._forget(*heapq.heappop(due))
        return None

    def could_ring(self, until: Millis) -> bool:
        """Whether a timer might ring before or at ``until``; quickly told, and never no where one does."""
        return bool(self._due) and self._due[0][0] <= until

    def _forget(self, at: Millis, key: VisitorKey) -> None:
        if self._planned.get(key) == at:
            del self._planned[key]

    def ring(self, until: Millis) -> dict[VisitorKey, Result]:
        """Take every look that is due before or at ``until``, each at its own moment."""
        results: dict[VisitorKey, Result] = {}
        looks, last = 0, -1
        while (at := self.next_due()) is not None and at <= until:
            looks = looks + 1 if at == last else 0
            assert looks < MOST_LOOKS, "the rules ask to be looked at again and again"
            last = at
            results.update(self.look_at([self._due[0][1]], max(at, self.books.now)))
        return results

    def _look(self) -> dict[VisitorKey, Result]:
        group, books = self._group, self.books
        if self._since:
            group.touched = self._worth_asking(group.touched)
        group.ask_rules()
        for key in group.touched:
            due_at = books.visitors[key].due_at
            if due_at is not None and self._planned.get(key) != due_at:
                self._planned[key] = due_at
                heapq.heappush(self._due, (due_at, key))
        results, group.results = group.results, {}
        group.touched.clear()
        group.heard_of.clear()
        return results

    def _worth_asking(self, touched: Iterable[VisitorKey]) -> dict[VisitorKey, ShopRules]:
        since, now = self._since, self.books.now
        return {key: self.shop for key in touched if since.get(key.id, 0) <= now}

    def _keep(self, books: Books, visitor: LoadedVisitor, event: Event) -> None:
        """Of what SQL would keep beside the state, only what later events look up."""
        if event.cart is not None and event.type != "order_placed":
            basket = visitor.state.basket
            if basket is not None and contents_in(basket) == contents_of(event.cart):
                self.books.owners[visitor.key.shop, basket.id] = visitor.key.id
        keep_waiting(books, visitor, event)
        if visitor.person:
            self.books.note_person(visitor)
