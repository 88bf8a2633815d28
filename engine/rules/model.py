"""A rule set as the engine runs it, after the loader has read and checked the file."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Protocol

from engine.clock import Millis
from engine.ids import share_of
from engine.people import ABOUT_PERSON
from engine.rules.actions import BaseAction, Email, Invite, Late, Message, PageMessage, Wait
from engine.rules.facts import Facts
from engine.rules.index import Index
from engine.rules.needs import Ways
from engine.rules.shop import Limits, Shop
from engine.rules.verdicts import Verdict
from engine.visitors import Watch, Watches

__all__ = ["UNTIL", "Condition", "Email", "Invite", "Late", "Rule", "RuleSet", "Variant", "Wait"]

UNTIL = ("ordered", "paid", "cart_emptied", "unsubscribed", "accepted", "dismissed", "returned")
"""What may end a rule's remaining steps."""


class Condition(Protocol):
    """A test on the facts. ``clause`` is the text as the marketer wrote it, for traces."""

    @property
    def clause(self) -> str: ...

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What it wants remembered of events beyond what a visitor keeps anyway."""
        ...

    @property
    def ways(self) -> Ways:
        """The ways in which it can come to be met, see :mod:`engine.rules.needs`."""
        ...

    @property
    def page_types(self) -> frozenset[Hashable] | None:
        """The page types outside of which it cannot be met; None when it can be met anywhere."""
        ...

    @property
    def needs_cart(self) -> bool:
        """Whether it cannot be met without an open cart."""
        ...

    @property
    def needs_unpaid(self) -> bool:
        """Whether it cannot be met without an order that waits for its payment."""
        ...

    def check(self, facts: Facts) -> Verdict:
        """The whole answer, with every part of it, for traces."""
        ...

    def holds(self, facts: Facts) -> Verdict:
        """The same answer, found with as little work as possible; parts may be missing."""
        ...


Steps = tuple[BaseAction, ...]


@dataclass(frozen=True)
class Variant:
    """One of several ways to carry a rule out; ``share`` of the shoppers get it, for good."""

    name: str
    share: float
    then: Steps


@dataclass(frozen=True)
class Rule:
    """One entry of the file. ``hash`` is of its own content, so that a reload knows what really changed."""

    name: str
    when: Condition
    then: Steps
    """Its steps; empty where it has variants."""
    variants: tuple[Variant, ...] = ()
    about: str = ""
    until: tuple[str, ...] = ()
    """Among :data:`UNTIL`."""
    once_per: str = "session"
    """``session``, ``cart``, ``visitor``, ``page`` or a number of milliseconds as text."""
    holdout: float = 0.0
    priority: int = 0
    limits: Limits = field(default_factory=Limits)
    late: Late | None = None
    active_from: Millis | None = None
    active_until: Millis | None = None
    off: bool = False
    shadow: bool = False
    group: str = ""
    group_rules: frozenset[str] = frozenset()
    """The names of all rules of its group, its own included."""
    hash: str = ""
    line: int = 0

    @property
    def page_types(self) -> frozenset[Hashable] | None:
        """The page types outside of which it cannot be met; None when it can be met anywhere."""
        return self.when.page_types

    @cached_property
    def needs_cart(self) -> bool:
        """Whether it cannot be met without an open cart, so that it is about that cart."""
        return self.when.needs_cart

    @cached_property
    def needs_unpaid(self) -> bool:
        """Whether it cannot be met without an order that waits for its payment, so that it is about that order."""
        return self.when.needs_unpaid

    @cached_property
    def ways(self) -> tuple[Steps, ...]:
        """Its steps, in every variant."""
        return tuple(variant.then for variant in self.variants) or (self.then,)

    @cached_property
    def all_steps(self) -> Steps:
        """Every step it may take, whatever the variant."""
        return tuple(step for way in self.ways for step in way)

    @cached_property
    def speaks_on_page(self) -> bool:
        """Whether its first message is shown on the page, so that a page that is there should ask for it."""
        return any(isinstance(first_message(way), PageMessage) for way in self.ways)

    def variant_of(self, lot: str) -> str:
        """The name of the variant that whoever draws by ``lot`` gets; "" where there are none."""
        if not self.variants:
            return ""
        drawn = share_of("variant", self.name, lot)
        for variant in self.variants:
            drawn -= variant.share
            if drawn < 0:
                return variant.name
        return self.variants[-1].name

    @cached_property
    def openings(self) -> dict[str, BaseAction]:
        """By variant, or "" where there are none, what it begins with: what it is asked about before it fires."""
        variants = {variant.name: variant.then for variant in self.variants} or {"": self.then}
        return {name: _opening(steps) for name, steps in variants.items()}

    def steps(self, variant: str) -> Steps | None:
        """The steps of that variant; None when the rule has no such variant any more."""
        if not self.variants:
            return self.then
        return next((known.then for known in self.variants if known.name == variant), None)


def _opening(steps: Steps) -> BaseAction:
    """The first message, unless something is waited for before that; without a message the first step."""
    if isinstance(steps[0], Wait):
        return steps[0]
    at_once = takewhile(lambda step: not isinstance(step, Wait), steps)
    return next((step for step in at_once if isinstance(step, Message)), steps[0])


def first_message(steps: Steps) -> Message | None:
    return next((step for step in steps if isinstance(step, Message)), None)


@dataclass(frozen=True)
class RuleSet:
    """A whole file at one content hash."""

    shop: Shop
    rules: tuple[Rule, ...]
    hash: str
    source: str = ""
    pages_ask: bool = True
    """Whether pages are there that ask again at a moment they are told; a replay has only what they once said."""

    @cached_property
    def by_name(self) -> dict[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def watches(self) -> Watches:
        """What the rules want remembered, by event type; the same wish twice is one watch."""
        wanted = {watch.key: watch for rule in self.rules for watch in rule.when.watches}
        found: dict[str, list[Watch]] = {}
        for watch in wanted.values():
            found.setdefault(watch.event, []).append(watch)
        return found

    @cached_property
    def index(self) -> Index:
        """By which the rules are found that could have something to say."""
        return Index(rule.when.ways for rule in self.rules)

    @cached_property
    def watched_of_person(self) -> frozenset[str]:
        """The keys of those watches whose events are counted for the person."""
        return frozenset(watch.key for event in ABOUT_PERSON for watch in self.watches.get(event, ()))
