"""Which visitors could any rule touch? Told from a glimpse at their events, without playing them.

A rule is reduced to what must at least have happened for it to be met: so much looking at such a page, a cart, an
address, an event. Whatever a condition does not say here counts as met, so nobody is ever left out wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

import msgspec

from engine.clock import Millis
from engine.rules.conditions.attention import OnPage
from engine.rules.conditions.base import BaseCondition
from engine.rules.conditions.contact import CanEmail
from engine.rules.conditions.events import Happened
from engine.rules.logic import All, Any
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.store.stream import StoredEvent
from engine.visitors import MAX_TABS

IDENTIFYING = frozenset(["contact_given", "identified", "order_placed", "consent_changed"])
"""Events after which somebody is a person, who may have other devices."""
_MOST_WAYS = 200
NEVER: Millis = 2**62

Way = frozenset[tuple[str, str, int]]
"""What must have happened, all of it: (kind, of what, at least how much)."""
ANYBODY: list[Way] = [frozenset()]


def ways(condition: BaseCondition) -> list[Way]:
    """The ways in which this condition could come to be met; any one of them must have happened."""
    if isinstance(condition, All):
        return _joined([ways(part) for part in condition.of])
    if isinstance(condition, Any):
        return [way for part in condition.of for way in ways(part)]
    own = list(_own(condition))
    if condition.needs_cart:
        own = [way | {("cart", "", 1)} for way in own]
    return own


def _own(condition: BaseCondition) -> Iterator[Way]:
    if isinstance(condition, OnPage) and condition.type:
        kind, least = "page", condition.for_ if condition.counting == "engaged" else 0
        if condition.across == "session":
            # What several types came to together, one of them had its share of.
            kind, least = "pages", least // len(condition.type)
        yield from (frozenset([(kind, page_type, least)]) for page_type in condition.type)
    elif isinstance(condition, Happened) and condition.event != "order_placed":  # which comes from other devices too
        yield frozenset([("event", condition.event, 1 if condition.sum else condition.at_least)])
    elif isinstance(condition, CanEmail):
        yield frozenset([("person", "", 1)])
    else:
        yield frozenset()


def _joined(parts: list[list[Way]]) -> list[Way]:
    telling = [part for part in parts if frozenset() not in part]
    count = 1
    for part in telling:
        count *= len(part)
    if count > _MOST_WAYS:
        return min(telling, key=len)
    return [frozenset().union(*chosen) for chosen in product(*telling)]


def _covers(wide: Way, narrow: Way) -> bool:
    """Whether whoever went the narrow way went the wide one too."""
    return all(
        any(kind == other and of == other_of and least <= more for other, other_of, more in narrow)
        for kind, of, least in wide
    )


class Glimpse(msgspec.Struct):
    """As much of a stored body as the sieve looks at."""

    type: str
    page: _Page | None = None
    engaged_ms: float | None = None
    cart: _Cart | None = None
    order: _Order | None = None
    tab: str | None = None
    data: msgspec.Raw | None = None
    context: msgspec.Raw | None = None


class _Page(msgspec.Struct):
    url: str = ""
    type: str | None = None


class _Cart(msgspec.Struct):
    id: str | int | None = None
    lines: list[msgspec.Raw] = []


class _Order(msgspec.Struct):
    cart_id: str | int | None = None


_decode = msgspec.json.Decoder(Glimpse).decode


@dataclass(slots=True)
class _View:
    type: str
    opened_at: Millis
    stretch_ms: float = 0.0
    """Engaged time on the pages of the same type directly before this one."""
    engaged_ms: float = 0.0


@dataclass(slots=True)
class Seen:
    """What is known of one visitor after a glimpse at all their events; never less than happened."""

    views: dict[str, _View] = field(default_factory=dict)
    page: dict[str, float] = field(default_factory=dict)
    """By page type the longest engaged time on consecutive pages, which is 0 where one was only opened."""
    pages: dict[str, float] = field(default_factory=dict)
    """The same for all pages together."""
    events: dict[str, int] = field(default_factory=dict)
    cart: bool = False
    person: bool = False
    odd: bool = False
    """Whether something was not understood at a glimpse; then anything may have happened."""
    since: Millis | None = None
    """When the first way was gone to its end; before that no rule is met."""

    def has(self, way: Way) -> bool:
        for kind, of, least in way:
            if kind == "page":
                if self.page.get(of, -1) < least:
                    return False
            elif kind == "pages":
                if self.pages.get(of, -1) < least:
                    return False
            elif kind == "event":
                if self.events.get(of, 0) < least:
                    return False
            elif not (self.cart if kind == "cart" else self.person):
                return False
        return True


class Sieve:
    """Takes every event once, in order; then :meth:`wanted` are the visitors that must be played."""

    def __init__(self, rule_sets: Iterable[RuleSet], page_types: PageTypes) -> None:
        found = {way for rules in rule_sets for rule in rules.rules for way in _ways_of(rule.when)}
        self._ways = [
            way for way in sorted(found, key=len) if not any(other != way and _covers(other, way) for other in found)
        ]
        self._everybody = frozenset() in self._ways
        self._through: dict[tuple[str, str], list[Way]] = {}
        for way in self._ways:
            for kind, of, _ in way:
                self._through.setdefault((kind, of), []).append(way)
        self._type_of = page_types.type_of
        self._carts: dict[str, str] = {}
        self._now: Millis = 0
        self.seen: dict[str, Seen] = {}

    def take(self, stored: Iterable[StoredEvent]) -> None:
        for visitor, _, kind, at, received_at, trusted, body in stored:
            if visitor:
                self._now = received_at
                self._take(visitor, kind, at, trusted, body)

    def _news(self, seen: Seen, kind: str, of: str) -> None:
        """Something came nearer: was it the last thing that one of the ways wanted?"""
        if seen.since is None and any(seen.has(way) for way in self._through.get((kind, of), ())):
            seen.since = self._now

    def _take(self, visitor: str, kind: str, at: Millis, trusted: bool, body: str) -> None:
        seen = self.seen.get(visitor)
        if seen is None:
            seen = self.seen[visitor] = Seen(since=self._now if self._everybody else None)
        if ("event", kind) in self._through:
            seen.events[kind] = seen.events.get(kind, 0) + 1
            self._news(seen, "event", kind)
        if kind in IDENTIFYING:
            seen.person = True
            self._news(seen, "person", "")
        try:
            glimpse = _decode(body)
        except msgspec.DecodeError:
            seen.odd = True
            return
        foreign = glimpse.type != kind or glimpse.data is not None or glimpse.context is not None
        if foreign or (trusted and glimpse.page is not None):
            seen.odd = True
        if glimpse.cart is not None and glimpse.cart.lines:
            seen.cart = True
            self._news(seen, "cart", "")
            if glimpse.cart.id is not None:
                self._notice_cart(visitor, str(glimpse.cart.id))
        if glimpse.order is not None and glimpse.order.cart_id is not None:
            self._notice_cart(visitor, str(glimpse.order.cart_id))
        if glimpse.page is not None or glimpse.engaged_ms is not None:
            self._notice_page(seen, kind, at, glimpse)

    def _notice_cart(self, visitor: str, cart: str) -> None:
        """A cart of which two visitors speak makes them touch each other, as two devices of a person do."""
        owner = self._carts.setdefault(cart, visitor)
        if owner != visitor:
            self.seen[owner].person = self.seen[visitor].person = True

    def _notice_page(self, seen: Seen, kind: str, at: Millis, glimpse: Glimpse) -> None:
        tab = glimpse.tab or ""
        view = seen.views.get(tab)
        page = glimpse.page
        if page is not None and (view is None or (kind == "page_viewed" and at >= view.opened_at)):
            page_type = self._type_of(page.url, page.type)
            same = view is not None and view.type == page_type
            view = seen.views[tab] = _View(page_type, at, view.stretch_ms + view.engaged_ms if view and same else 0.0)
            if page_type not in seen.pages:
                seen.page[page_type] = seen.pages[page_type] = 0.0
                self._news_of_page(seen, page_type)
            # Of so many tabs the state forgets some, and what it makes of them then cannot be told from here.
            seen.odd = seen.odd or len(seen.views) > MAX_TABS
        engaged = glimpse.engaged_ms
        if view is not None and engaged is not None and kind != "page_viewed" and engaged > view.engaged_ms:
            seen.pages[view.type] += engaged - view.engaged_ms
            view.engaged_ms = engaged
            seen.page[view.type] = max(seen.page[view.type], view.stretch_ms + engaged)
            self._news_of_page(seen, view.type)

    def _news_of_page(self, seen: Seen, page_type: str) -> None:
        self._news(seen, "page", page_type)
        self._news(seen, "pages", page_type)

    def asked_since(self, visitor: str) -> Millis:
        """When a rule can be met for the first time."""
        seen = self.seen[visitor]
        # Whom no way fits is played for the sake of others, and never asked about.
        return 0 if seen.odd else NEVER if seen.since is None else seen.since

    def wanted(self) -> Iterator[str]:
        """Those whom a rule could touch, or who are a person, whom another device may concern."""
        for visitor, seen in self.seen.items():
            if seen.since is not None or seen.odd or seen.person:
                yield visitor


class Difference:
    """The rules in which two files differ: for whom none of them could be met, both files say the same."""

    def __init__(self, first: RuleSet, second: RuleSet) -> None:
        hashes = [[rule.hash for rule in rules.rules] for rules in (first, second)]
        shared = set(hashes[0]) & set(hashes[1])
        in_order = [[each for each in known if each in shared] for known in hashes]
        self._everything = first.shop != second.shop or in_order[0] != in_order[1]
        differing = [rule for rules in (first, second) for rule in rules.rules if rule.hash not in shared]
        self._ways = {way for rule in differing for way in _ways_of(rule.when)}

    def concerns(self, seen: Seen) -> bool:
        return self._everything or seen.odd or seen.person or any(seen.has(way) for way in self._ways)


def _ways_of(condition: object) -> list[Way]:
    return ways(condition) if isinstance(condition, BaseCondition) else ANYBODY
