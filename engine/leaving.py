"""Why a cart was left: one reason for each, inferred from what happened, the most specific first, with its evidence.

Pure, so that conditions, mails and reports all say the same. Nobody can know why somebody leaves; each reason rests on
something that is known to have happened to this cart and was not overcome afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from engine import money
from engine.clock import Millis
from engine.people import Person
from engine.rules.shop import Shop
from engine.said import Said, say
from engine.visitors import Basket, Bought, Stage, Visitor, is_same

REASONS = (
    "payment_failed", "unexpected_shipping", "other_costs", "coupon_failed", "sold_out", "delivery_too_slow",
    "account_required", "form_trouble", "comparing", "switched_device", "unknown",
)  # fmt: skip
"""In the order in which they are asked."""
SLOW_DAYS = 5
"""A delivery that takes so long is one that people leave for."""
_ACCOUNT_STEPS = frozenset(["account", "login", "log_in", "sign_in", "signin", "register", "registration"])


@dataclass(frozen=True)
class Reason:
    """``kind`` is one of :data:`REASONS`; ``amount`` in minor units of ``currency`` where the reason is a cost."""

    kind: str
    evidence: Said | None = None
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class _Case:
    visitor: Visitor
    person: Person | None
    basket: Basket

    def latest(self, event: str) -> Millis | None:
        """When such an event last happened to this cart."""
        tally = self.visitor.tallies.get(event)
        at = max(tally.times, default=-1) if tally else -1
        return at if at >= self.basket.opened_at else None

    def unanswered(self, event: str, answer: str) -> bool:
        """Whether the event happened to this cart, and the other one did not follow."""
        at, answered_at = self.latest(event), self.latest(answer)
        return at is not None and (answered_at is None or answered_at < at)


def why_left(visitor: Visitor, person: Person | None, shop: Shop, now: Millis) -> Reason:
    """Why this visitor's cart, or the order that is not paid, was left as it is at ``now``.

    Whether it was left is not asked here. ``unknown`` without evidence says that nothing stands out.
    """
    basket = visitor.basket
    if basket is None:
        return _why_unpaid(visitor, now)
    case = _Case(visitor, person, basket)
    for find in _FINDERS:
        reason = find(case)
        if reason is not None:
            return reason
    return Reason("unknown")


def _why_unpaid(visitor: Visitor, now: Millis) -> Reason:
    order: Bought | None = next((each for each in reversed(visitor.bought) if each.unpaid and not each.cancelled), None)
    failed = visitor.tallies.get("payment_failed")
    if order is not None and failed is not None and order.at <= max(failed.times, default=-1) <= now:
        return Reason("payment_failed", say("the payment of the order failed"))
    return Reason("unknown", say("the order is not paid") if order is not None else None)


# --- shipping, also for the condition of that name --------------------------------------------------------------------


def shipping_surprise(basket: Basket) -> int:
    """What shipping cost more than anything before the checkout had said, in minor units; never negative."""
    first = basket.shipping_first or 0
    shown = first if basket.shipping_now is None else min(first, basket.shipping_now)
    return max(0, shown - (basket.shipping_expected or 0))


def stopped_at_shipping(basket: Basket) -> bool:
    """Whether a shipping cost was shown at the checkout and no step forward followed.

    Page and platform tell the same moment by clocks of their own, so the last time it was told is what counts.
    """
    if basket.shipping_at is None or basket.stage is not Stage.SHIPPING:
        return False
    return basket.progressed_at <= max(basket.shipping_at, basket.shipping_told_at)


def other_costs(basket: Basket) -> int:
    """What the same cart came to more at the checkout than before, without what shipping explains; never negative."""
    if basket.total_before is None or basket.stage < Stage.CHECKOUT:
        return 0
    grown = basket.total - basket.total_before
    shipping = basket.shipping_now or 0
    # Some shops count shipping into the total and some do not; the growth itself tells which.
    return max(0, grown - shipping if grown >= shipping else grown)


# --- the reasons ------------------------------------------------------------------------------------------------------


def _payment_failed(case: _Case) -> Reason | None:
    at = case.latest("payment_failed")
    if at is None or at < case.basket.progressed_at:
        return None
    return Reason("payment_failed", say("a payment failed, and nothing followed"))


def _unexpected_shipping(case: _Case) -> Reason | None:
    basket, surprise = case.basket, shipping_surprise(case.basket)
    if not surprise or not stopped_at_shipping(basket):
        return None
    shown = money.describe(basket.shipping_now or basket.shipping_first or 0, basket.currency)
    told = (
        say("nothing")
        if basket.shipping_expected is None
        else money.describe(basket.shipping_expected, basket.currency)
    )
    return Reason(
        "unexpected_shipping",
        say("%(shown)s shipping shown, %(told)s told before", shown=shown, told=told),
        surprise,
        basket.currency,
    )


def _other_costs(case: _Case) -> Reason | None:
    extra = other_costs(case.basket)
    if not extra:
        return None
    more = money.describe(extra, case.basket.currency)
    evidence = say("%(more)s more at the checkout, not for shipping", more=more)
    return Reason("other_costs", evidence, extra, case.basket.currency)


def _coupon_failed(case: _Case) -> Reason | None:
    return (
        Reason("coupon_failed", say("a code was refused"))
        if case.unanswered("coupon_rejected", "coupon_applied")
        else None
    )


def _sold_out(case: _Case) -> Reason | None:
    gone = [
        item for item in case.basket.items for good in case.visitor.goods if good.stock == 0 and is_same(good, item)
    ]
    return Reason("sold_out", say("%(key)s is sold out", key=gone[0].key)) if gone else None


def _delivery_too_slow(case: _Case) -> Reason | None:
    days = case.basket.delivery_days
    if days is None or days < SLOW_DAYS or case.basket.stage is not Stage.SHIPPING:
        return None
    return Reason("delivery_too_slow", say("delivery in %(days)s days", days=days))


def _account_required(case: _Case) -> Reason | None:
    basket, view = case.basket, case.visitor.view
    if case.visitor.logged_in or basket.stage is not Stage.CHECKOUT:
        return None
    at_account = view is not None and view.type == "account" and view.opened_at >= basket.progressed_at
    if basket.step in _ACCOUNT_STEPS or at_account:
        return Reason("account_required", say("stopped where an account is asked for"))
    return None


def _form_trouble(case: _Case) -> Reason | None:
    visitor, basket = case.visitor, case.basket
    if basket.stage < Stage.CHECKOUT:
        return None
    if case.unanswered("form_abandoned", "form_submitted"):
        return Reason("form_trouble", say("a form was left half-way"))
    if visitor.typed_length and (visitor.typed_at or 0) >= basket.opened_at:
        return Reason("form_trouble", say("%(length)s letters typed and not sent", length=visitor.typed_length))
    return None


def _comparing(case: _Case) -> Reason | None:
    basket, session = case.basket, case.visitor.session
    pages = Counter(
        seen.page for seen in case.visitor.trail if seen.at >= basket.opened_at and seen.type in ("product", "cart")
    )
    again = sum(times > 1 for times in pages.values())
    kept = session.number - basket.visit if basket.visit else 0
    if again >= 2 or (kept > 0 and again):
        return Reason(
            "comparing",
            say(
                "product or cart pages opened again: %(again)s, visits in which it was kept: %(kept)s",
                again=again,
                kept=kept,
            ),
        )
    return None


def _switched_device(case: _Case) -> Reason | None:
    here = case.visitor.device
    others = [
        device.kind
        for device in (case.person.devices if case.person else ())
        if device.at > case.basket.progressed_at and here and device.kind and device.kind != here
    ]
    return Reason("switched_device", say("from %(here)s to %(there)s", here=here, there=others[-1])) if others else None


_FINDERS: tuple[Callable[[_Case], Reason | None], ...] = (
    _payment_failed,
    _unexpected_shipping,
    _other_costs,
    _coupon_failed,
    _sold_out,
    _delivery_too_slow,
    _account_required,
    _form_trouble,
    _comparing,
    _switched_device,
)
