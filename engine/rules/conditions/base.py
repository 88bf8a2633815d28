"""What every condition is, and how it becomes a word of the rule language.

A condition is one frozen dataclass: its name in snake_case is its word, its :func:`~engine.rules.forms.setting` fields
are its settings, its docstring (with an ``Example:``) is its entry in the reference, ``check`` is its meaning. The
loader, the messages, the JSON Schema and the documentation follow from the class.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from engine.clock import Millis
from engine.rules.facts import Facts
from engine.rules.forms import Form, form_of
from engine.rules.needs import CART, PAGE, UNPAID, Fact, Needs, OneOf, Ways
from engine.rules.verdicts import State, Verdict, not_yet
from engine.said import frame
from engine.visitors import Watch


@dataclass(frozen=True, kw_only=True)
class BaseCondition(ABC):
    """Base of all conditions; see :class:`engine.rules.model.Condition`."""

    clause: str = ""

    bare: ClassVar[bool] = False
    """True where the value is the main setting itself and never a group of settings."""
    effort: ClassVar[int] = 1
    """How much work an answer is; where any one "no" decides, the least work is done first."""
    occasion: ClassVar[str] = "session"
    """What a rule with this condition at its top level fires once per, unless it says so itself."""
    peers: ClassVar[dict[str, str]] = {}
    """Which other systems have it, and what it is called or how it works there."""

    @abstractmethod
    def check(self, facts: Facts) -> Verdict: ...

    def holds(self, facts: Facts) -> Verdict:
        return self.check(facts)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        """The moments at which time alone may change the answer, where a window closes or somebody counts as gone."""
        del facts
        return ()

    def met_until(self, facts: Facts) -> Millis | None:
        """When this, which is met now, ends to be so if nothing changes; None when time alone does not end it."""
        return next((then.now for then in self._later(facts) if not self.check(then).met), None)

    def in_time(self, facts: Facts, answer: Callable[[Facts], Verdict]) -> Verdict:
        """What ``answer`` says now; where it is a no that time alone will turn into a yes, a not yet."""
        verdict = answer(facts)
        if verdict.state is not State.NOT_MET:
            return verdict
        at = next((then.now for then in self._later(facts) if answer(then).met), None)
        return verdict if at is None else not_yet(at, verdict.seen, verdict.wanted, verdict.unit)

    def _later(self, facts: Facts) -> Iterator[Facts]:
        """The same facts at each of those moments that is still to come, the soonest first."""
        return (replace(facts, now=at) for at in sorted(set(self.turns(facts))) if at > facts.now)

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What this wants remembered of events beyond what a visitor keeps anyway."""
        return ()

    @property
    def needs(self) -> Needs:
        """What must be so before this can be met at all; see :mod:`engine.rules.needs`."""
        return ()

    @property
    def ways(self) -> Ways:
        """The ways in which this can come to be met, each with all that it needs."""
        return (self.needs,)

    @property
    def page_types(self) -> frozenset[Hashable] | None:
        """The page types outside of which this cannot be met; None when it can be met anywhere."""
        asked = [next((need.values for need in way if need.fact == PAGE), None) for way in map(_words, self.ways)]
        return None if None in asked else frozenset().union(*(types for types in asked if types is not None))

    @property
    def needs_cart(self) -> bool:
        """Whether this cannot be met without an open cart."""
        return self._always_needs(CART)

    @property
    def needs_unpaid(self) -> bool:
        """Whether this cannot be met without an order that waits for its payment."""
        return self._always_needs(UNPAID)

    def _always_needs(self, fact: Fact[Any]) -> bool:
        return all(any(need.fact == fact for need in way) for way in map(_words, self.ways))


def _words(way: Needs) -> list[OneOf]:
    return [need for need in way if isinstance(need, OneOf)]


Kind = TypeVar("Kind", bound=type[BaseCondition])

CONDITIONS: dict[str, type[BaseCondition]] = {}
FORMS: dict[str, Form[BaseCondition]] = {}


def word_of(cls: type[BaseCondition]) -> str:
    """The condition's word in the file."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def condition(cls: Kind) -> Kind:
    """Register a condition under its word."""
    word = word_of(cls)
    CONDITIONS[word] = cls
    FORMS[word] = form_of(cls, frame("'%(word)s'", word=word), bare=cls.bare)
    return cls
