"""The checkout: what it costs, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import Millis
from engine.leaving import REASONS, why_left
from engine.rules.conditions._answers import any_word, compare, first_open
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore
from engine.rules.forms import Clash, setting
from engine.rules.needs import CART, AtLeast, Needs, happened, so
from engine.rules.numbers import Compared, Comparison, Duration, Money, Share, Whole
from engine.rules.verdicts import Verdict, met, not_met, not_yet, unknown
from engine.said import frame, say
from engine.visitors import MAX_TIMES


@condition
@dataclass(frozen=True, kw_only=True)
class Shipping(BaseCondition):
    """What shipping costs for this cart: as the checkout showed it, else as it was told before.

    Example:
        - shipping: ">= 6.95"
        - shipping: {share: 10%}
    """

    cost: Comparison | None = setting(Compared(Money()), "What it costs.", default=None, main=True)
    share: float | None = setting(Share(), "At least this share of the cart's value.", default=None)

    def __post_init__(self) -> None:
        if self.cost is None and self.share is None:
            raise Clash(say("'shipping' needs a cost or a share: shipping: \">= 6.95\""))

    @property
    def needs(self) -> Needs:
        return so(CART)

    def check(self, facts: Facts) -> Verdict:
        basket = facts.visitor.basket
        if basket is None:
            return not_met(say("no cart"), say("a cart"))
        seen = basket.shipping_expected if basket.shipping_now is None else basket.shipping_now
        if seen is None:
            return unknown(say("what shipping costs"))
        answers = []
        if self.cost is not None:
            foreign = basket.currency != facts.shop.currency
            known = compare(self.cost, seen, basket.currency)
            answers.append(
                unknown(say("what shipping costs in %(currency)s", currency=facts.shop.currency)) if foreign else known
            )
        if self.share is not None:
            share = seen / basket.total if basket.total > 0 else 0.0
            answers.append((met if share >= self.share else not_met)(share, self.share, "%"))
        return first_open(answers, met(seen))


@condition
@dataclass(frozen=True, kw_only=True)
class GapToFreeShipping(BaseCondition):
    """So much more in the cart, and shipping is free. Once it is free, this is not met.

    Needs `free_shipping_from` in the shop's section, or a platform that tells it of the cart itself (Lightspeed
    eCom does, for the way of shipping that was chosen): that goes first.

    Example:
        - gap_to_free_shipping: "<= 15"
    """

    gap: Comparison = setting(Compared(Money()), "How much is missing.", main=True)

    @property
    def needs(self) -> Needs:
        return so(CART)

    def check(self, facts: Facts) -> Verdict:
        basket, known = facts.visitor.basket, facts.free_shipping_from
        if basket is None or not basket.items:
            return not_met(say("no cart"), say("a cart"))
        if known is None:
            return unknown(say("from what value shipping is free"))
        if basket.currency != facts.shop.currency:
            return unknown(say("the cart's total in %(currency)s", currency=facts.shop.currency))
        free_from, _ = known
        if basket.total >= free_from:
            return not_met(say("free already"), self.gap.text)
        return compare(self.gap, free_from - basket.total, basket.currency)


@dataclass(frozen=True, kw_only=True)
class _Failed(BaseCondition):
    """What the two failures have in common: an event that counts since this cart was opened."""

    times: int = setting(Whole(1, MAX_TIMES), "How often.", default=1, main=True)
    within: Millis | None = setting(Duration(), "How lately.", default=None, shown="since this cart was opened")

    failure: ClassVar[str]
    cure: ClassVar[str]

    @property
    def needs(self) -> Needs:
        return (AtLeast(happened(self.failure), self.times),)

    def check(self, facts: Facts) -> Verdict:
        since = self._since(facts)
        if since is None:
            return not_met(say("no cart"), say("a cart"))
        tallies = facts.visitor.tallies
        failed = [at for at in self._failures(facts) if at >= since]
        cured_at = max(tallies[self.cure].times, default=-1) if self.cure in tallies else -1
        if failed and cured_at > failed[-1]:
            return not_met(say("it worked afterwards"), self.times)
        if self.within is not None:
            failed = [at for at in failed if at >= facts.now - self.within]
        return (met if len(failed) >= self.times else not_met)(len(failed), self.times)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [at + self.within + 1 for at in self._failures(facts)]

    def _failures(self, facts: Facts) -> list[Millis]:
        tally = facts.visitor.tallies.get(self.failure)
        return tally.times if tally else []

    def _since(self, facts: Facts) -> Millis | None:
        basket, unpaid = facts.visitor.basket, facts.unpaid_order
        if basket is not None:
            return basket.opened_at
        return unpaid.at if unpaid is not None else None


@condition
@dataclass(frozen=True, kw_only=True)
class CouponFailed(_Failed):
    """A discount code was refused, and no other one was taken since.

    Example:
        - coupon_failed
        - coupon_failed: {times: 2, within: 10m}
    """

    failure: ClassVar[str] = "coupon_rejected"
    cure: ClassVar[str] = "coupon_applied"


@condition
@dataclass(frozen=True, kw_only=True)
class PaymentFailed(_Failed):
    """A payment for this cart, or for an order that is still unpaid, failed.

    Example:
        - payment_failed
        - payment_failed: {times: 2, within: 30m}
    """

    failure: ClassVar[str] = "payment_failed"
    cure: ClassVar[str] = "order_paid"
    peers: ClassVar[dict[str, str]] = {"Dodo Payments": "payment_failed"}


@condition
@dataclass(frozen=True, kw_only=True)
class LeftBecause(BaseCondition):
    """The reason why the cart was left, as far as it shows; put it beside `cart_abandoned`.

    Each cart has one reason, the first that fits: `payment_failed`, `unexpected_shipping`, `other_costs` (the same cart
    came to more at the checkout, and not for shipping), `coupon_failed`, `sold_out`, `delivery_too_slow` (five days or
    more), `account_required`, `form_trouble`, `comparing` (product pages opened again, cart kept over visits),
    `switched_device`, else `unknown`.

    Example:
        - left_because: payment_failed
        - left_because: [other_costs, coupon_failed]
    """

    reason: tuple[str, ...] = setting(OneOrMore(Choice(REASONS)), "The reason; with a list any of them.", main=True)

    occasion: ClassVar[str] = "cart"
    peers: ClassVar[dict[str, str]] = {"Dodo Payments": "payment_failed or checkout_incomplete"}

    def check(self, facts: Facts) -> Verdict:
        wanted = any_word(self.reason)
        if facts.visitor.basket is None and facts.unpaid_order is None:
            return not_met(say("no cart"), wanted)
        reason = why_left(facts.visitor, facts.person, facts.shop, facts.now)
        seen = (
            frame("%(kind)s: %(evidence)s", kind=reason.kind, evidence=reason.evidence)
            if reason.evidence
            else reason.kind
        )
        return met(seen, wanted) if reason.kind in self.reason else not_met(seen, wanted)


@condition
@dataclass(frozen=True, kw_only=True)
class WishListed(BaseCondition):
    """The cart serves as a wish list: it was kept over visits, and the shopper came back to it.

    Example:
        - wish_listed
        - wish_listed: {visits: 3, for: 7d}
    """

    visits: int = setting(Whole(1, 1_000), "How many visits later it is still there.", default=1, main=True)
    for_: Millis = setting(Duration(), "How old it is at least.", default=0, shown="any age")

    @property
    def needs(self) -> Needs:
        return so(CART)

    def check(self, facts: Facts) -> Verdict:
        basket, now = facts.visitor.basket, facts.now
        if basket is None or not basket.items:
            return not_met(say("no cart"), say("a cart"))
        if not basket.visit:
            return unknown(say("on which visit the cart was filled"))
        kept = facts.visitor.session.number - basket.visit
        if kept < self.visits:
            return not_met(kept, self.visits)
        if now - basket.opened_at < self.for_:
            return not_yet(basket.opened_at + self.for_, now - basket.opened_at, self.for_, "ms")
        return met(kept, self.visits)
