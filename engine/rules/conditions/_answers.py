"""Answers that many conditions give: a number compared, a moment long enough ago, a count that grows with time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from engine.clock import Millis
from engine.rules.conditions.base import BaseCondition
from engine.rules.facts import Facts
from engine.rules.forms import Clash, setting
from engine.rules.numbers import Comparison, Duration
from engine.rules.verdicts import State, Verdict, met, not_met, not_yet
from engine.said import Said, one_of, say


@lru_cache(maxsize=4_096)
def any_word(words: tuple[object, ...]) -> Said:
    """``a, b or c``: what was wanted, where any of the words will do."""
    return one_of(map(str, words))


def compare(wanted: Comparison, seen: int, unit: str = "") -> Verdict:
    """``wanted`` stays as it was written: a sign and an amount are no single raw value."""
    return met(seen, wanted.text, unit) if wanted.holds(seen) else not_met(seen, wanted.text, unit)


def compare_growing(wanted: Comparison, start: Millis, step: Millis, now: Millis) -> Verdict:
    """A number that grows by one every ``step`` since ``start``: it may be met by waiting."""
    seen = max(0, now - start) // step
    coming = wanted.next_after(seen)
    if wanted.holds(seen) or coming is None:
        return compare(wanted, seen)
    return not_yet(start + coming * step, seen, wanted.text)


def first_open(verdicts: Iterable[Verdict], otherwise: Verdict) -> Verdict:
    """Everything that is asked must hold: what stands in the way, else the first answer.

    NotMet goes before Unknown, Unknown before NotYet, and of several NotYet the latest.
    """
    found = list(verdicts)
    for state in (State.NOT_MET, State.UNKNOWN):
        standing = next((verdict for verdict in found if verdict.state is state), None)
        if standing is not None:
            return standing
    waiting = [verdict for verdict in found if verdict.state is State.NOT_YET]
    if waiting:
        return max(waiting, key=lambda verdict: verdict.at or 0)
    return next(iter(found), otherwise)


@dataclass(frozen=True, kw_only=True)
class Moment(BaseCondition):
    """Base of conditions about something that happened at a moment: at least ``ago``, at most ``within``."""

    ago: Millis = setting(Duration(), "It was at least so long ago.", default=0, shown="any time")
    within: Millis | None = setting(Duration(), "It was so lately.", default=None, shown="ever")

    def __post_init__(self) -> None:
        if self.within is not None and self.ago >= self.within:
            raise Clash(say("nothing is both at least 'ago' and 'within'; 'within' must be the longer one"))

    @abstractmethod
    def moments(self, facts: Facts) -> Iterable[Millis]:
        """When it happened, as far as that is kept."""

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else (at + self.within + 1 for at in self.moments(facts))

    def check(self, facts: Facts) -> Verdict:
        """One of the moments must fit; else the soonest that will."""
        now = facts.now
        ages = sorted(now - at for at in self.moments(facts))
        recent = [age for age in ages if self.within is None or age <= self.within]
        if not recent:
            return not_met(ages[0] if ages else say("never"), self._wanted, "ms")
        oldest = recent[-1]
        if oldest >= self.ago:
            return met(oldest, self._wanted, "ms")
        return not_yet(now + self.ago - oldest, oldest, self._wanted, "ms")

    @property
    def _wanted(self) -> Millis | None:
        return self.ago or self.within
