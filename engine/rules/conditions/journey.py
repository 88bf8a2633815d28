"""The journey: how far a shopper is, from looking around to sending something back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import DAY, Millis
from engine.rules.conditions._answers import any_word
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore
from engine.rules.forms import setting
from engine.rules.verdicts import Verdict, met, not_met, unknown
from engine.said import say
from engine.visitors import Stage as CartStage

ON_ITS_WAY: Millis = 14 * DAY
"""An order that nobody reported as delivered has arrived by then."""
CAN_GO_BACK: Millis = 60 * DAY
"""Whoever reads about returns so long after an order may mean that order."""
IS_GOING_BACK: Millis = 14 * DAY
"""For so long a parcel that was sent back is on somebody's mind."""


def _is_ordering(facts: Facts) -> bool:
    basket = facts.visitor.basket
    begun = basket is not None and bool(basket.items) and basket.stage >= CartStage.CHECKOUT
    return begun and basket is not None and basket.progressed_at >= facts.visitor.session.started_at


def _is_returning(facts: Facts) -> bool:
    now = facts.now
    if any(each.returned_at is not None and now - each.returned_at <= IS_GOING_BACK for each in facts.bought):
        return True
    return _opened(facts, "returns") and any(now - each.at <= CAN_GO_BACK for each in facts.bought)


def _is_waiting(facts: Facts) -> bool:
    latest = next(reversed(facts.bought), None)
    if latest is None or _has_cart(facts) or facts.now - latest.at > ON_ITS_WAY:
        return False
    return latest.delivered_at is None and latest.returned_at is None


def _is_choosing(facts: Facts) -> bool:
    began = facts.visitor.session.started_at
    looked = any(good.seen_at >= began for good in facts.visitor.goods) or _opened(facts, "product")
    return _is_here(facts) and (looked or _has_cart(facts))


def _is_here(facts: Facts) -> bool:
    return facts.visitor.session.number > 0


def _has_cart(facts: Facts) -> bool:
    return facts.visitor.basket is not None and bool(facts.visitor.basket.items)


def _opened(facts: Facts, page_type: str) -> bool:
    """Whether such a page was opened on this visit."""
    began = facts.visitor.session.started_at
    return any(seen.type == page_type and seen.at >= began for seen in facts.visitor.trail)


STAGES: dict[str, Callable[[Facts], bool]] = {
    "ordering": _is_ordering,
    "returns": _is_returning,
    "delivery": _is_waiting,
    "discovery": _is_choosing,
    "research": _is_here,
}
"""In the order in which they are asked."""


def stage_of(facts: Facts) -> str | None:
    """The one stage the shopper is in; None for somebody of whom no visit and no order is known."""
    return next((stage for stage, holds in STAGES.items() if holds(facts)), None)


@condition
@dataclass(frozen=True, kw_only=True)
class Stage(BaseCondition):
    """The shopper is at this stage of their journey: looking around, choosing, ordering, waiting, or sending back.

    Everybody is in one stage at a time, the first that fits:

    - `ordering`: there is something in the cart, and its checkout was begun or went on during this visit.
    - `returns`: an order was sent back in the last 14 days; or a returns page was opened on this visit, after an order
      of the last 60 days.
    - `delivery`: the latest order is at most 14 days old and has not been delivered (`order_delivered`), and nothing
      new is in the cart.
    - `discovery`: something is in the cart, or a product was looked at on this visit.
    - `research`: none of these yet: they look around, read, search.

    "This visit" is the latest one when the shopper has left. An order counts whatever device it came from, unless it
    was cancelled.

    Example:
        - stage: delivery
        - stage: [research, discovery]
        - not: {stage: ordering}
    """

    stage: tuple[str, ...] = setting(
        OneOrMore(Choice(("research", "discovery", "ordering", "delivery", "returns"))),
        "The stage; with a list any of them.",
        main=True,
    )

    effort: ClassVar[int] = 2

    def check(self, facts: Facts) -> Verdict:
        return self.in_time(facts, self._at)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        """When an order is no longer on its way or on somebody's mind."""
        for order in facts.bought:
            yield from (order.at + ON_ITS_WAY + 1, order.at + CAN_GO_BACK + 1)
            if order.returned_at is not None:
                yield order.returned_at + IS_GOING_BACK + 1

    def _at(self, facts: Facts) -> Verdict:
        wanted, seen = any_word(self.stage), stage_of(facts)
        if seen is None:
            return unknown(say("what the shopper is here for"))
        return met(seen, wanted) if seen in self.stage else not_met(seen, wanted)
