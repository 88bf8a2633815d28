"""Events: what the shopper or the shop did."""

from __future__ import annotations

from dataclasses import dataclass

from engine.clock import Millis
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import EventName
from engine.rules.forms import Clash, setting
from engine.rules.numbers import Duration, Whole
from engine.rules.verdicts import Verdict, met, not_met
from engine.visitors import MAX_TIMES


@condition
@dataclass(frozen=True, kw_only=True)
class Happened(BaseCondition):
    """An event happened, so often, in such a time.

    Any event counts: Shopbell's own, and whatever the shop sends under a name like `size_guide_opened`.

    Example:
        - happened: coupon_rejected
        - happened: {event: searched, at_least: 3, within: 10m}
    """

    event: str = setting(EventName(), "The event's type.", main=True)
    at_least: int = setting(Whole(1, 1_000_000), "How often it must have happened.", default=1)
    within: Millis | None = setting(Duration(), "Only count what happened so lately.", default=None, shown="ever")

    def __post_init__(self) -> None:
        if self.within is not None and self.at_least > MAX_TIMES:
            raise Clash(
                f"with 'within' an event is counted up to {MAX_TIMES} times; ask for fewer, or leave 'within' out"
            )

    def check(self, facts: Facts) -> Verdict:
        seen = self._count(facts)
        return met(seen, self.at_least) if seen >= self.at_least else not_met(seen, self.at_least)

    def _count(self, facts: Facts) -> int:
        tally = facts.visitor.tallies.get(self.event)
        if tally is None:
            return 0
        if self.within is None:
            return tally.count
        return sum(at > facts.now - self.within for at in tally.times)
