"""A browser is somebody else's now, and whoever sat there before is to be forgotten."""

from __future__ import annotations

from collections.abc import Set

from engine.clock import Millis
from engine.visitors.state import Visitor


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
    closed = visitor.closed
    if closed is not None and not names.isdisjoint((closed.order, *closed.names)):
        visitor.closed = None
    if visitor.basket is not None and visitor.basket.id in names:
        visitor.basket = None
