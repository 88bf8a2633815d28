"""Getting stuck: searching in vain, half-typed words, forms left half-way, going back and forth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from engine.clock import Millis
from engine.rules.conditions._answers import any_word
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.conditions.events import Occurrence
from engine.rules.facts import Facts
from engine.rules.fields import OneOrMore, PageType, Text
from engine.rules.forms import Clash, setting
from engine.rules.needs import AtLeast, Fact, Needs, happened
from engine.rules.numbers import Duration, Whole
from engine.rules.texts import ValueTest
from engine.rules.verdicts import Verdict, met, not_met, not_yet
from engine.said import say
from engine.visitors import FAILED_SEARCH, MAX_TIMES, MAX_TRAIL, Watch

_TYPED = Fact("how many letters are typed and not sent", lambda facts: facts.visitor.typed_length)


@condition
@dataclass(frozen=True, kw_only=True)
class TypedUnsent(BaseCondition):
    """The shopper typed so many letters, and did not send them.

    How much was typed is known, never what (`text_typed`). A form sent, a search, a chat or a step of the checkout
    counts as sending.

    Example:
        - typed_unsent
        - typed_unsent: {length: 20, for: 30s}
    """

    length: int = setting(Whole(1, 10_000), "At least so many letters.", default=1, main=True)
    for_: Millis = setting(Duration(), "So long nothing was added to them.", default=0, shown="at once")

    @property
    def needs(self) -> Needs:
        return (AtLeast(_TYPED, self.length),)

    def check(self, facts: Facts) -> Verdict:
        visitor = facts.visitor
        if visitor.typed_at is None or visitor.typed_length < self.length:
            return not_met(visitor.typed_length, self.length)
        waited = facts.now - visitor.typed_at
        if waited >= self.for_:
            return met(visitor.typed_length, self.length)
        return not_yet(visitor.typed_at + self.for_, waited, self.for_, "ms")


@condition
@dataclass(frozen=True, kw_only=True)
class FormAbandoned(BaseCondition):
    """The shopper began a form and left it, and sent none since.

    A form is told by name (`form`) only from the moment the rule goes live.

    Example:
        - form_abandoned
        - form_abandoned: {form: [contact, returns], within: 1d}
    """

    form: tuple[str, ...] = setting(OneOrMore(Text(60)), "The form's name.", default=(), main=True, shown="any form")
    within: Millis | None = setting(Duration(), "How lately.", default=None, shown="this visit")

    peers: ClassVar[dict[str, str]] = {"Tidio": "form abandoned"}

    @cached_property
    def _left(self) -> Occurrence:
        tests = tuple(ValueTest(name) for name in self.form)
        return Occurrence(event="form_abandoned", where=(("form", tests),) if tests else ())

    @property
    def watches(self) -> tuple[Watch, ...]:
        return self._left.watches

    @property
    def needs(self) -> Needs:
        return (AtLeast(self._left.seen, 1),)

    def check(self, facts: Facts) -> Verdict:
        wanted = any_word(self.form) if self.form else say("a form")
        since = facts.visitor.session.started_at if self.within is None else facts.now - self.within
        left_at = max(self._left.times(facts), default=-1)
        if left_at < since:
            return not_met(say("no form was left"), wanted)
        sent = facts.visitor.tallies.get("form_submitted")
        if sent is not None and max(sent.times, default=0) > left_at:
            return not_met(say("sent after all"), wanted)
        return met(facts.now - left_at, None, "ms")

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [at + self.within + 1 for at in self._left.times(facts)]


@condition
@dataclass(frozen=True, kw_only=True)
class SearchFailed(BaseCondition):
    """A search in the shop found nothing, so often.

    Example:
        - search_failed
        - search_failed: {times: 2, within: 10m}
    """

    times: int = setting(Whole(1, MAX_TIMES), "How many searches found nothing.", default=1, main=True)
    within: Millis | None = setting(Duration(), "How lately.", default=None, shown="this visit")

    @property
    def needs(self) -> Needs:
        return (AtLeast(happened(FAILED_SEARCH), self.times),)

    def check(self, facts: Facts) -> Verdict:
        tally = facts.visitor.tallies.get(FAILED_SEARCH)
        since = facts.visitor.session.started_at if self.within is None else facts.now - self.within
        count = sum(at >= since for at in tally.times) if tally else 0
        return (met if count >= self.times else not_met)(count, self.times)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        tally = facts.visitor.tallies.get(FAILED_SEARCH)
        return () if self.within is None or tally is None else [at + self.within + 1 for at in tally.times]


@condition
@dataclass(frozen=True, kw_only=True)
class BackAndForth(BaseCondition):
    """The shopper goes to and fro between two kinds of page: product and returns, product and shipping.

    One time is from the one to the other. Pages of other types in between do not matter; the latest 20 are known.

    Example:
        - back_and_forth: [product, returns]
        - back_and_forth: {between: [product, faq], times: 4, within: 10m}
    """

    between: tuple[str, ...] = setting(OneOrMore(PageType()), "The two page types.", main=True)
    times: int = setting(Whole(1, MAX_TRAIL - 1), "How often from the one to the other.", default=3)
    within: Millis | None = setting(Duration(), "How lately.", default=None, shown="this visit")

    def __post_init__(self) -> None:
        if len(set(self.between)) != 2 or len(self.between) != 2:
            raise Clash(say("'back_and_forth' is between two page types: between: [product, returns]"))

    def check(self, facts: Facts) -> Verdict:
        since = facts.visitor.session.started_at if self.within is None else facts.now - self.within
        seen = [page.type for page in facts.visitor.trail if page.at >= since and page.type in self.between]
        turns = sum(one != other for one, other in pairwise(seen))
        return (met if turns >= self.times else not_met)(turns, self.times)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [page.at + self.within + 1 for page in facts.visitor.trail]
