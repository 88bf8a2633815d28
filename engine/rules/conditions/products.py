"""Products: stock and prices of what the shopper looked at or has in the cart, as the shop tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import DAY, Millis
from engine.rules.conditions._answers import compare
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice
from engine.rules.forms import Clash, setting
from engine.rules.numbers import Compared, Comparison, Duration, Money, Share, Whole
from engine.rules.verdicts import Verdict, met, not_met, unknown
from engine.said import say
from engine.visitors import Good, is_same


@dataclass(frozen=True, kw_only=True)
class _OfProducts(BaseCondition):
    """What conditions on products have in common: which products."""

    of: str = setting(
        Choice(("any", "viewed", "cart", "page")),
        "Products looked at, products in the cart, or both; `page` is the one whose page the shopper is on.",
        default="any",
    )

    def goods(self, facts: Facts) -> list[Good]:
        if self.of == "page":
            return _on_the_page(facts)
        basket = facts.visitor.basket
        items = basket.items if basket else []
        return [good for good in facts.visitor.goods if self._counts(good, any(is_same(good, item) for item in items))]

    def _counts(self, good: Good, in_cart: bool) -> bool:
        return in_cart if self.of == "cart" else in_cart or good.seen_at > 0


def _on_the_page(facts: Facts) -> list[Good]:
    """The product that was told since the page was opened; a later page without one has none."""
    view, latest = facts.view, facts.good_seen_last
    return [latest] if view is not None and latest is not None and latest.seen_at >= view.opened_at else []


def _name(good: Good) -> str:
    return good.sku or good.product_id


@condition
@dataclass(frozen=True, kw_only=True)
class Stock(_OfProducts):
    """So many are left of a product that the shopper looked at or has in the cart.

    Known is what `product_viewed` and `stock_changed` tell about the shopper's latest ten products.

    Example:
        - stock: "1..3"
        - stock: {left: "1..3", of: page}
        - stock: {left: 0, of: cart}
    """

    left: Comparison = setting(Compared(Whole()), "How many are left.", main=True)

    def check(self, facts: Facts) -> Verdict:
        goods = self.goods(facts)
        known = [good.stock for good in goods if good.stock is not None]
        if not goods:
            return not_met(say("no product"), self.left.text)
        if not known:
            return unknown(say("how many are in stock"))
        fitting = next((stock for stock in known if self.left.holds(stock)), known[0])
        return compare(self.left, fitting)


@condition
@dataclass(frozen=True, kw_only=True)
class BackInStock(_OfProducts):
    """A product that the shopper looked at or has in the cart was sold out, and is there again.

    Example:
        - back_in_stock
        - back_in_stock: {of: cart, within: 2d}
    """

    within: Millis = setting(Duration(), "How lately it came back.", default=7 * DAY, shown="7d")

    peers: ClassVar[dict[str, str]] = {"Klaviyo": "back in stock"}

    def check(self, facts: Facts) -> Verdict:
        back = [good for good in self.goods(facts) if good.back_at is not None and good.stock != 0]
        lately = next((good for good in back if facts.now - (good.back_at or 0) <= self.within), None)
        return (
            met(_name(lately), say("back in stock"))
            if lately
            else not_met(say("nothing came back"), say("back in stock"))
        )

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return [good.back_at + self.within + 1 for good in self.goods(facts) if good.back_at is not None]


@condition
@dataclass(frozen=True, kw_only=True)
class PriceDropped(_OfProducts):
    """A product that the shopper looked at or has in the cart costs less than when they looked.

    Example:
        - price_dropped
        - price_dropped: {share: 10%, within: 2d}
    """

    at_least: int | None = setting(Money(), "By at least so much.", default=None)
    share: float | None = setting(Share(), "By at least this share.", default=None)
    within: Millis = setting(Duration(), "How lately it dropped.", default=7 * DAY, shown="7d")

    peers: ClassVar[dict[str, str]] = {"Klaviyo": "price drop, viewed or in checkout"}

    def __post_init__(self) -> None:
        if self.at_least is not None and self.share is not None:
            raise Clash(say("'price_dropped' is by an amount or by a share; use at_least or share"))

    def check(self, facts: Facts) -> Verdict:
        wanted = self._wanted
        unit = "%" if self.share is not None else facts.shop.currency
        foreign = False
        for good, was, price in self._dropped(facts):
            if self.at_least is not None and good.currency != facts.shop.currency:
                foreign = True
                continue
            drop = (was - price) / was if self.share is not None else was - price
            if wanted is None or drop >= wanted:
                return met(drop, wanted, unit if self.share is not None else good.currency)
        if foreign:
            return unknown(say("the price in %(currency)s", currency=facts.shop.currency))
        return not_met(say("no price dropped so far"), wanted, unit)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return [good.dropped_at + self.within + 1 for good in self.goods(facts) if good.dropped_at is not None]

    @property
    def _wanted(self) -> int | float | None:
        return self.at_least if self.share is None else self.share

    def _dropped(self, facts: Facts) -> Iterable[tuple[Good, int, int]]:
        for good in self.goods(facts):
            lately = good.dropped_at is not None and facts.now - good.dropped_at <= self.within
            if lately and good.was and good.price is not None:
                yield good, good.was, good.price
