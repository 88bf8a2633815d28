"""Cart and checkout: what is in the cart, how far it came, and what stopped it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import MINUTE, Millis
from engine.leaving import shipping_surprise, stopped_at_shipping
from engine.rules.conditions._answers import any_word, compare, first_open
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore, Text
from engine.rules.forms import Clash, form_of, setting
from engine.rules.needs import CART, STAGE, UNPAID, Fact, Needs, compared, one_of, so
from engine.rules.numbers import Compared, Comparison, Duration, Money, Share, Whole
from engine.rules.verdicts import Verdict, met, not_met, not_yet, unknown
from engine.said import Said, frame, joined, say, say_count
from engine.visitors import Basket, Item, Stage

AWAY_AT_MOST: Millis = 10 * MINUTE
"""Somebody seen more recently than this has not left yet, however long the cart has stood still."""


def _total(facts: Facts) -> int:
    """What the cart comes to; nothing where it is in a currency in which no rule of this shop counts."""
    basket = facts.visitor.basket
    return basket.total if basket is not None and basket.currency == facts.shop.currency else 0


def _pieces(facts: Facts) -> int:
    basket = facts.visitor.basket
    return sum(item.quantity for item in basket.items) if basket is not None else 0


_TOTAL = Fact("what the cart comes to", _total)
_PIECES = Fact("how many pieces are in the cart", _pieces)


def _words(name: str, word: Callable[[Item], str]) -> Fact[Collection[Hashable]]:
    """All words of one kind in the cart, without capitals."""

    def read(facts: Facts) -> Collection[Hashable]:
        basket = facts.visitor.basket
        return {word(item).casefold() for item in basket.items} if basket is not None else ()

    return Fact(f"every {name} in the cart", read, several=True)


_SKU = _words("SKU", lambda item: item.sku)
_PRODUCT = _words("product", lambda item: item.product_id)
_CATEGORY = _words("category", lambda item: item.category)
_BRAND = _words("brand", lambda item: item.brand)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a cart must hold: one line that fits everything that is asked."""

    sku: tuple[str, ...] = setting(OneOrMore(Text()), "The line's SKU.", default=())
    product: tuple[str, ...] = setting(OneOrMore(Text()), "The product's id in the shop.", default=())
    category: tuple[str, ...] = setting(OneOrMore(Text()), "The product's category.", default=())
    brand: tuple[str, ...] = setting(OneOrMore(Text()), "The product's brand.", default=())
    value: Comparison | None = setting(
        Compared(Money()), "What the line comes to, all its pieces together.", default=None
    )

    def __post_init__(self) -> None:
        if not (self.sku or self.product or self.category or self.brand or self.value):
            raise Clash(say("'contains' needs a sku, product, category, brand or value"))

    @property
    def needs(self) -> Needs:
        asked = ((_SKU, self.sku), (_PRODUCT, self.product), (_CATEGORY, self.category), (_BRAND, self.brand))
        return tuple(need for fact, words in asked for need in one_of(fact, map(str.casefold, words)))

    def fits(self, item: Item) -> bool:
        return self.names(item) and (self.value is None or self.value.holds(item.value))

    def names(self, item: Item) -> bool:
        asked = (
            (self.sku, item.sku),
            (self.product, item.product_id),
            (self.category, item.category),
            (self.brand, item.brand),
        )
        return all(not words or value.casefold() in {word.casefold() for word in words} for words, value in asked)

    def in_words(self) -> Said:
        asked = [any_word(words) for words in (self.sku, self.product, self.category, self.brand) if words]
        value = [say("value %(value)s", value=self.value.text)] if self.value else []
        return joined(", ", [*asked, *value])


@condition
@dataclass(frozen=True, kw_only=True)
class Cart(BaseCondition):
    """The cart is as described; everything that is asked must hold.

    `contains` looks for one line that fits all it asks: `{category: ink, brand: [Epson, HP]}` is ink of either brand.

    Example:
        - cart: filled
        - cart: {total: ">= 50", items: "2..5"}
        - cart: {contains: {category: printers}}
        - cart: {contains: {category: printers, value: ">= 200"}}
    """

    effort: ClassVar[int] = 2
    peers: ClassVar[dict[str, str]] = {
        "Tidio": "cart value and content, Shopify only",
        "Dynamics 365 Commerce": "item count, cart total, specific product",
        "DashedCMS": "basket filled and some time on site",
        "Live Helper Chat": "only if the site passes a variable",
        "Libredesk": "custom attribute",
    }

    is_: str = setting(Choice(("filled", "empty")), "Whether anything is in it.", default="filled", main=True)
    total: Comparison | None = setting(Compared(Money()), "The value of what is in it, without shipping.", default=None)
    items: Comparison | None = setting(Compared(Whole()), "How many pieces are in it.", default=None)
    contains: Contents | None = setting(form_of(Contents, frame("'contains'")), "What must be in it.", default=None)

    def __post_init__(self) -> None:
        if self.is_ == "empty" and (self.total or self.items or self.contains):
            raise Clash(say("an empty cart has no total, items or contents; leave out 'is: empty' or the rest"))

    @property
    def needs(self) -> Needs:
        if self.is_ == "empty":
            return ()
        contents = self.contains.needs if self.contains else ()
        return (*so(CART), *compared(_TOTAL, self.total), *compared(_PIECES, self.items), *contents)

    def check(self, facts: Facts) -> Verdict:
        basket = facts.visitor.basket
        pieces = sum(item.quantity for item in basket.items) if basket else 0
        if self.is_ == "empty":
            return not_met(pieces, say("empty")) if pieces else met(say("empty"), say("empty"))
        if basket is None or not pieces:
            return not_met(say("empty"), say("filled"))
        return first_open(self._answers(facts, basket, pieces), met(pieces, say("filled")))

    def _answers(self, facts: Facts, basket: Basket, pieces: int) -> Iterator[Verdict]:
        if self.items:
            yield compare(self.items, pieces)
        if self.contains:
            fitting = next((item for item in basket.items if self.contains.fits(item)), None)
            wanted = self.contains.in_words()
            foreign = self.contains.value is not None and basket.currency != facts.shop.currency
            if foreign and any(map(self.contains.names, basket.items)):
                yield unknown(say("what a line comes to in %(currency)s", currency=facts.shop.currency))
            else:
                yield (
                    met(fitting.key, wanted)
                    if fitting
                    else not_met(say_count("1 other item", "%(count)s other items", count=pieces), wanted)
                )
        if self.total and basket.currency != facts.shop.currency:
            yield unknown(say("the cart's total in %(currency)s", currency=facts.shop.currency))
        elif self.total:
            yield compare(self.total, basket.total, basket.currency)


_STAGES = {
    "browse": (Stage.BROWSE, Stage.CART),
    "cart": (Stage.CART,),
    "checkout": (Stage.CHECKOUT, Stage.SHIPPING, Stage.PAYMENT),
    "shipping": (Stage.SHIPPING,),
    "payment": (Stage.PAYMENT,),
    "unpaid_order": (),
}


@condition
@dataclass(frozen=True, kw_only=True)
class CartAbandoned(BaseCondition):
    """The cart stood still for `after`: no order and no step forward, and the shopper has left.

    Left means not seen for `after`, or for ten minutes where `after` is longer. `at` says how far the cart came: `cart`
    never reached the checkout, `checkout` did (or got further), `shipping` stopped at the shipping cost, `payment`
    stopped at paying; `browse` is a cart whose own page was never opened; `unpaid_order` is one that was ordered and
    never paid. Without `at` it may have stopped anywhere before the order.

    Example:
        - cart_abandoned: 1h
        - cart_abandoned: {after: 1h, at: checkout}
    """

    after: Millis = setting(Duration(), "How long nothing has happened to the cart.", main=True)
    at: str = setting(Choice(tuple(_STAGES)), "Where the cart stopped.", default="", shown="anywhere")

    occasion: ClassVar[str] = "cart"
    peers: ClassVar[dict[str, str]] = {
        "CartFlows": "address typed at the checkout, and 15 min",
        "Shopify": "Abandonment of browse, cart or checkout",
        "Klaviyo": "Started Checkout or Added to Cart, no Placed Order since",
        "Omnisend": "browse, product, cart or checkout left",
        "Braze": "cart_updated, checkout_started",
        "Tyche": "cut-off time, 10 min",
        "Dodo Payments": "checkout_incomplete",
    }

    @property
    def needs(self) -> Needs:
        return so(UNPAID) if self.at == "unpaid_order" else (*so(CART), *one_of(STAGE, _STAGES.get(self.at, ())))

    def check(self, facts: Facts) -> Verdict:
        if self.at == "unpaid_order":
            return self._unpaid(facts)
        visitor, basket = facts.visitor, facts.visitor.basket
        if basket is None or not basket.items:
            return not_met(say("no cart"), say("a cart"))
        if facts.person is not None and basket.id in facts.person.ordered_carts:
            return not_met(say("ordered"), say("not ordered"))
        if not self._stopped_there(facts, basket):
            return not_met(basket.stage.name.lower(), self.at)
        away = min(self.after, AWAY_AT_MOST)
        still_until, near_until = basket.progressed_at + self.after, visitor.seen_at + away
        if facts.now >= max(still_until, near_until):
            return met(facts.now - basket.progressed_at, self.after, "ms")
        if still_until >= near_until:
            return not_yet(still_until, facts.now - basket.progressed_at, self.after, "ms")
        return not_yet(near_until, facts.now - visitor.seen_at, away, "ms")

    def _unpaid(self, facts: Facts) -> Verdict:
        order, now = facts.unpaid_order, facts.now
        if order is None:
            return not_met(say("no unpaid order"), say("an unpaid order"))
        if now - order.at >= self.after:
            return met(now - order.at, self.after, "ms")
        return not_yet(order.at + self.after, now - order.at, self.after, "ms")

    def _stopped_there(self, facts: Facts, basket: Basket) -> bool:
        if self.at and basket.stage not in _STAGES[self.at]:
            return False
        return self.at != "browse" or not _saw_cart_page(facts, basket)


def _saw_cart_page(facts: Facts, basket: Basket) -> bool:
    viewed = facts.visitor.tallies.get("cart_viewed")
    return (viewed is not None and max(viewed.times, default=0) >= basket.opened_at) or any(
        view.type == "cart" and view.opened_at >= basket.opened_at for view in facts.visitor.tabs.values()
    )


def _shipping_shown(facts: Facts) -> tuple[bool]:
    basket = facts.visitor.basket
    return (basket is not None and basket.shipping_at is not None,)


_SHIPPING_SHOWN = Fact("whether the checkout showed what shipping costs", _shipping_shown)


@condition
@dataclass(frozen=True, kw_only=True)
class UnexpectedShipping(BaseCondition):
    """The checkout showed more shipping cost than anything before it had said, and no step forward followed.

    The surprise is the lowest cost shown at the checkout, less the highest that was told before it (nothing told
    counts as nothing expected). It must reach `at_least`, or `or_share` of the cart's value; with both, either will
    do. A lower price or a free-shipping code shown later takes the surprise away.

    Example:
        - unexpected_shipping: 3.00
        - unexpected_shipping: {at_least: 3.00, or_share: 8%}
    """

    at_least: int | None = setting(Money(), "How large the surprise must be.", default=None, main=True)
    or_share: float | None = setting(Share(), "How large it must be as a share of the cart's value.", default=None)

    def __post_init__(self) -> None:
        if self.at_least is None and self.or_share is None:
            raise Clash(say("'unexpected_shipping' needs to know how much: at_least: 3.00, or_share: 8%%, or both"))

    @property
    def needs(self) -> Needs:
        return (*so(CART), *so(_SHIPPING_SHOWN))

    def check(self, facts: Facts) -> Verdict:
        basket = facts.visitor.basket
        if basket is None:
            return not_met(say("no cart"), say("a shipping cost"))
        if basket.shipping_at is None or basket.shipping_first is None:
            return not_met(say("no shipping cost shown"), say("a shipping cost"))
        if not stopped_at_shipping(basket):
            return not_met(say("a step forward"), say("none after the shipping cost"))
        if self.at_least is not None and basket.currency != facts.shop.currency:
            return unknown(say("the shipping cost in %(currency)s", currency=facts.shop.currency))
        return self._compare(basket, shipping_surprise(basket))

    def _compare(self, basket: Basket, surprise: int) -> Verdict:
        share = surprise / basket.total if basket.total > 0 else 0.0
        large = self.at_least is not None and surprise > 0 and surprise >= self.at_least
        large_share = self.or_share is not None and surprise > 0 and share >= self.or_share
        if self.at_least is not None and (large or not large_share):
            return (met if large else not_met)(surprise, self.at_least, basket.currency)
        return (met if large_share else not_met)(share, self.or_share, "%")
