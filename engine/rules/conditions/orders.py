"""Orders: what was bought, and what became of it, on whatever device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import Millis
from engine.rules.conditions._answers import Moment, compare, first_open
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.forms import Clash, setting
from engine.rules.needs import UNPAID, Needs, so
from engine.rules.numbers import Compared, Comparison, Duration, Money, Whole
from engine.rules.verdicts import Verdict, met, not_met, not_yet, unknown
from engine.said import say


def _latest(facts: Facts) -> Millis | None:
    person_at = facts.person.ordered_at if facts.person else None
    return max((at for at in (facts.visitor.ordered_at, person_at) if at is not None), default=None)


@condition
@dataclass(frozen=True, kw_only=True)
class Ordered(Moment):
    """The shopper ordered something, on this device or another.

    Example:
        - ordered
        - ordered: {ago: 30d}
        - ordered: {within: 14d}
    """

    peers: ClassVar[dict[str, str]] = {
        "Klaviyo": "Placed Order",
        "Shopify": "customerHasNoOrderSinceAbandonment",
    }

    def moments(self, facts: Facts) -> Iterable[Millis]:
        latest = _latest(facts)
        return {bought.at for bought in facts.bought} | ({latest} if latest is not None else set())


@condition
@dataclass(frozen=True, kw_only=True)
class Orders(BaseCondition):
    """The shopper placed so many orders, or ordered for so much.

    Over all time the number of orders is known exactly. Their value, and the orders of some time, are known of the
    latest eight.

    Example:
        - orders: ">= 2"
        - orders: {value: ">= 500", since: 365d}
    """

    count: Comparison | None = setting(Compared(Whole()), "How many orders.", default=None, main=True)
    value: Comparison | None = setting(Compared(Money()), "What they come to together.", default=None)
    since: Millis | None = setting(Duration(), "Only orders of so lately.", default=None, shown="ever")

    def __post_init__(self) -> None:
        if self.count is None and self.value is None:
            raise Clash(say("'orders' needs a count or a value: orders: \">= 2\""))

    def check(self, facts: Facts) -> Verdict:
        return self.in_time(facts, lambda then: first_open(self._answers(then), met()))

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.since is None else (each.at + self.since + 1 for each in facts.bought)

    def _answers(self, facts: Facts) -> Iterator[Verdict]:
        known = [each for each in facts.bought if self.since is None or facts.now - each.at <= self.since]
        if self.count is not None:
            ever = max(facts.visitor.orders, facts.person.orders if facts.person else 0, len(known))
            yield compare(self.count, ever if self.since is None else len(known))
        if self.value is not None:
            own = facts.shop.currency
            total = sum(each.total for each in known)
            foreign = any(each.currency != own for each in known)
            yield (
                unknown(say("what the orders come to in %(own)s", own=own))
                if foreign
                else compare(self.value, total, own)
            )


@condition
@dataclass(frozen=True, kw_only=True)
class Delivered(Moment):
    """An order was delivered, at least so long ago (`order_delivered`).

    Example:
        - delivered: 3d
        - delivered: {ago: 3d, within: 14d}
    """

    ago: Millis = setting(Duration(), "It was at least so long ago.", default=0, main=True, shown="any time")

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return (each.delivered_at for each in facts.bought if each.delivered_at)


@condition
@dataclass(frozen=True, kw_only=True)
class Returned(Moment):
    """An order was sent back (`order_returned`).

    Example:
        - returned
        - returned: {within: 60d}
    """

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return (each.returned_at for each in facts.bought if each.returned_at)


@condition
@dataclass(frozen=True, kw_only=True)
class UnpaidOrder(BaseCondition):
    """The latest order still waits for its payment: it was placed with `paid: false`, and no `order_paid` followed.

    A rule with it speaks once for an order, where `once_per` says nothing else.

    Example:
        - unpaid_order
        - unpaid_order: 2h
    """

    occasion: ClassVar[str] = "cart"

    for_: Millis = setting(Duration(), "For at least so long.", default=0, main=True, shown="any time")

    @property
    def needs(self) -> Needs:
        return so(UNPAID)

    def check(self, facts: Facts) -> Verdict:
        order = facts.unpaid_order
        if order is None:
            return not_met(say("no unpaid order"), say("an unpaid order"))
        waited = facts.now - order.at
        if waited >= self.for_:
            return met(waited, self.for_, "ms")
        return not_yet(order.at + self.for_, waited, self.for_, "ms")
