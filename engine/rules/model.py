"""A rule set as the engine runs it, after the loader has read and checked the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from engine.clock import DAY, MINUTE, Millis
from engine.rules.facts import Facts
from engine.rules.shop import Limits, Shop
from engine.rules.verdicts import Verdict
from engine.visitors import Watch, Watches

Translations = dict[str, str]
"""Text by language tag."""


TEMPLATES = ("cart-reminder", "shipping-surprise")
"""The mails there are."""
OFFERS = ("free_shipping",)
PROMISES = ("free_returns",)
CALLS = ("chat", "phone")
"""What a mail may offer, promise, and name as a way to a person."""
UNTIL = ("ordered", "cart_emptied", "unsubscribed", "accepted", "dismissed", "returned")
"""What may end a rule's remaining steps."""


class Condition(Protocol):
    """A test on the facts. ``clause`` is the text as the marketer wrote it, for traces."""

    @property
    def clause(self) -> str: ...

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What it wants remembered of events beyond what a visitor keeps anyway."""
        ...

    def check(self, facts: Facts) -> Verdict:
        """The whole answer, with every part of it, for traces."""
        ...

    def holds(self, facts: Facts) -> Verdict:
        """The same answer, found with as little work as possible; parts may be missing."""
        ...


@dataclass(frozen=True)
class Late:
    """What happens to a step that could not run in time: up to ``at_most_ms`` late it still runs; then ``then``."""

    at_most_ms: Millis
    then: str
    """``skip`` or ``send``."""


LATE_INVITE = Late(10 * MINUTE, "skip")
LATE_EMAIL = Late(DAY, "send")


@dataclass(frozen=True)
class Invite:
    """An offer to chat, shown on the page. ``text`` by language; ``expires_ms`` is how long it may wait to be shown."""

    text: Translations
    agent: str = ""
    picture: str = ""
    opens: str = "chat"
    """``chat``, ``phone`` or ``link``."""
    href: str = ""
    label: Translations = field(default_factory=dict)
    expires_ms: Millis = 10 * MINUTE
    kind = "invite"


@dataclass(frozen=True)
class Email:
    """A mail from ``template``; ``offer``, ``promise`` and ``call`` choose what it says."""

    template: str
    offer: str = ""
    promise: str = ""
    call: tuple[str, ...] = ()
    subject: Translations = field(default_factory=dict)
    text: Translations = field(default_factory=dict)
    kind = "email"


@dataclass(frozen=True)
class Wait:
    """A timer between two steps."""

    ms: Millis
    kind = "wait"


Step = Invite | Email | Wait


@dataclass(frozen=True)
class Rule:
    """One entry of the file. ``hash`` is of its own content, so that a reload knows what really changed."""

    name: str
    when: Condition
    then: tuple[Step, ...]
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
    hash: str = ""
    line: int = 0
    page_types: frozenset[str] | None = None
    """Page types outside of which the rule cannot be met, when it says so at its top level; an index, not a test."""
    needs_cart: bool = False
    needs_engaged_ms: Millis | None = None
    """Engaged time on consecutive pages of those types before which it cannot be met; an index, not a test."""

    def could_be_met(self, page_type: str | None, *, has_cart: bool) -> bool:
        """A cheap test that only leaves out what cannot be met; the verdict itself is the judge."""
        if self.page_types is not None and page_type not in self.page_types:
            return False
        return has_cart or not self.needs_cart

    @cached_property
    def speaks_on_page(self) -> bool:
        """Whether its first message is shown on the page, so that a page that is there should ask for it."""
        return isinstance(next((step for step in self.then if not isinstance(step, Wait)), None), Invite)


@dataclass(frozen=True)
class RuleSet:
    """A whole file at one content hash."""

    shop: Shop
    rules: tuple[Rule, ...]
    hash: str
    source: str = ""

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
    def _index(self) -> dict[tuple[str | None, bool], Candidates]:
        return {}

    def candidates(self, page_type: str | None, *, has_cart: bool) -> Candidates:
        """The rules that could be met on such a page with or without a cart.

        Only leaves out what :meth:`Rule.could_be_met` leaves out, which is the test's oracle.
        """
        key = (page_type, has_cart)
        found = self._index.get(key)
        if found is None:
            possible = [
                (place, rule)
                for place, rule in enumerate(self.rules)
                if rule.could_be_met(page_type, has_cart=has_cart)
            ]
            timed = [
                (rule.needs_engaged_ms, place, rule) for place, rule in possible if rule.needs_engaged_ms is not None
            ]
            found = Candidates(
                timed=tuple(sorted(timed, key=lambda entry: entry[:2])),
                others=tuple(entry for entry in possible if entry[1].needs_engaged_ms is None),
            )
            self._index[key] = found
        return found


@dataclass(frozen=True)
class Candidates:
    """Rules with their place in the file: those that wait for engaged time by how much, and all others."""

    timed: tuple[tuple[Millis, int, Rule], ...]
    others: tuple[tuple[int, Rule], ...]
