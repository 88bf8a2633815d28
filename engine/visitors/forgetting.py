"""A browser is somebody else's now, and whoever sat there before is to be forgotten."""

from __future__ import annotations

from collections.abc import Set

from engine.clock import Millis
from engine.visitors.carts import settle
from engine.visitors.contents import shelves_of
from engine.visitors.older import retell
from engine.visitors.state import Visitor
from engine.visitors.tellings import names_in


def forget_before(visitor: Visitor, moment: Millis) -> None:
    """What was looked at before that moment. What keeps rules from speaking twice stays: it names nobody."""
    if visitor.session.started_at < moment:
        visitor.session.landing = None
    visitor.tabs = {tab: view for tab, view in visitor.tabs.items() if view.opened_at >= moment}
    visitor.trail = [glimpse for glimpse in visitor.trail if glimpse.at >= moment]
    visitor.goods = [good for good in visitor.goods if good.seen_at >= moment]
    visitor.search = ""


def forget_orders(visitor: Visitor, names: Set[str]) -> None:
    """The orders and carts of these names."""
    visitor.order_ids = [order for order in visitor.order_ids if order not in names]
    visitor.bought = [bought for bought in visitor.bought if bought.id not in names]
    visitor.reminded = [cart for cart in visitor.reminded if cart not in names]
    visitor.over = {cart: became for cart, became in visitor.over.items() if cart not in names}
    _forget_carts(visitor, names)


def _forget_carts(visitor: Visitor, names: Set[str]) -> None:
    """With a cart goes all that was told until it was last told of, in whatever words."""
    retell(visitor)
    basket, closed, until = visitor.basket, visitor.closed, 0
    if closed is not None and not names.isdisjoint((closed.order, *closed.names)):
        until, visitor.closed, visitor.ordered_at = closed.ordered_at, None, None
    if basket is not None and basket.id in names:
        until = max(until, basket.told_at)
    kept = [telling for telling in visitor.story if telling.at > until and names.isdisjoint(names_in(telling))]
    if len(kept) < len(visitor.story):
        shelves = shelves_of(visitor)
        visitor.story, visitor.basket, visitor.lore = kept, None, {}
        settle(visitor, shelves)
