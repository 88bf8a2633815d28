"""Rows of older releases: they say how things stood with a cart, and not what was told of it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.visitors.contents import contents_in, priced
from engine.visitors.state import Basket, Stage, Visitor
from engine.visitors.story import number_of
from engine.visitors.tellings import Did, Emptied, Filled, Moved, Ordered, Shown, Telling, both_told

_UNKNOWN = -1
"""Contents of which nothing is known but that they were others."""


def retell(visitor: Visitor) -> None:
    """Give a row without a story one that says of its carts what the row says."""
    closed, basket = visitor.closed, visitor.basket
    if visitor.story or (basket is None and closed is None and visitor.emptied_at is None):
        return
    told: list[Telling] = []
    if visitor.emptied_at is not None:
        told.append(Emptied(visitor.emptied_at, 0))
    if closed is not None:
        contents = number_of(closed.contents)
        told += [Ordered(closed.ordered_at, 0, closed.order, name, contents) for name in closed.names or [""]]
    if basket is not None:
        basket.goods = number_of(priced(basket.items))
        told += [*_cart(basket), *_checkout(basket)]
    visitor.story = both_told(told, [])


def _cart(basket: Basket) -> list[Telling]:
    """When it was opened, last changed and last told; what was in it before it changed nobody knows any more."""
    contents, changed_at = number_of(contents_in(basket)), basket.progressed_at
    last = Filled(
        max(basket.told_at, changed_at),
        0,
        basket.id,
        contents,
        basket.goods,
        basket.total,
        basket.currency,
        basket.coupon,
        basket.free_shipping_from,
    )
    if basket.total_before is not None:
        return [replace(last, at=basket.opened_at, total=basket.total_before), last]
    opened = replace(last, at=basket.opened_at, contents=_UNKNOWN, goods=_UNKNOWN)
    return [*([opened] if basket.opened_at < changed_at else ()), replace(last, at=changed_at), last]


def _checkout(basket: Basket) -> list[Telling]:
    told: list[Telling] = []
    further_at = basket.stage_at or basket.progressed_at
    if basket.stage > Stage.CART:
        told.append(Moved(further_at, 0, basket.stage, Did.CAME))
    if basket.moved_at:
        told.append(Moved(basket.moved_at, 0, Stage.CHECKOUT, Did.COMPLETED))
    if basket.step:
        told.append(Moved(max(further_at, basket.moved_at + 1), 0, Stage.CHECKOUT, Did.OPENED, basket.step))
    if basket.shipping_expected is not None:
        told.append(Shown(basket.opened_at, 0, basket.shipping_expected, basket.currency, estimate=True))
    if basket.shipping_at is not None:
        first, now = basket.shipping_first or 0, basket.shipping_now
        told.append(Shown(basket.shipping_at, 0, first, basket.currency))
        last_at = max(basket.shipping_told_at, basket.shipping_at + 1)
        told.append(Shown(last_at, 0, first if now is None else now, basket.currency, days=basket.delivery_days))
    return told
