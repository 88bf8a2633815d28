"""Two visitors turn out to be one: what a shop's platform told of a stand-in belongs to the browser it stood in for."""

from __future__ import annotations

import msgspec

from engine.visitors.carts import (
    closed_as,
    contents_in,
    end_cart_as_known,
    note_progress,
    note_same,
    remember_reminder,
    with_known,
)
from engine.visitors.state import MAX_ORDERS, OWN_CART, Basket, Bought, Closed, Visitor


def hand_over(stand_in: Visitor, visitor: Visitor) -> None:
    """The stand-in's cart and orders are this visitor's from now on; nothing of them stays with the stand-in.

    What both know of the same cart is put together as if one of them had heard all of it, in whatever order.
    """
    ours, theirs = visitor.basket, stand_in.basket
    visitor.basket = _both(ours, theirs) if ours is not None and theirs is not None else ours or theirs
    for name in stand_in.reminded:
        remember_reminder(visitor, name)
    _hand_over_orders(stand_in, visitor)
    visitor.emptied_at = max(visitor.emptied_at or 0, stand_in.emptied_at or 0) or None
    end_cart_as_known(visitor)
    visitor.over = stand_in.over | visitor.over
    for basket in filter(None, (ours, theirs)):
        if visitor.basket is None or visitor.basket.id != basket.id:
            visitor.over.setdefault(basket.id, "merged")
    stand_in.over = {}
    stand_in.basket, stand_in.bought, stand_in.orders, stand_in.order_ids = None, [], 0, []


def _hand_over_orders(stand_in: Visitor, visitor: Visitor) -> None:
    fresh = [order for order in stand_in.order_ids if order not in visitor.order_ids]
    visitor.orders += len(fresh)
    visitor.order_ids = [*visitor.order_ids, *fresh][-MAX_ORDERS:]
    visitor.ordered_at = _ordered_at(visitor, stand_in)
    visitor.closed = _closed(visitor.closed, stand_in.closed)
    visitor.bought = join_orders(visitor.bought, stand_in.bought)


def _ordered_at(one: Visitor, other: Visitor) -> int | None:
    """When the last order was placed; the same one when the first of them heard of it."""
    told = [visitor.ordered_at for visitor in (one, other) if visitor.ordered_at is not None]
    last = {visitor.closed.order for visitor in (one, other) if visitor.closed is not None}
    return (min if len(last) == 1 and "" not in last else max)(told, default=None)


def _closed(one: Closed | None, other: Closed | None) -> Closed | None:
    """The cart that was ordered last, with all the names that it has if both mean the same one."""
    if one is None or other is None:
        return one or other
    latest = max(one, other, key=lambda closed: closed.ordered_at)
    if not one.order or one.order != other.order:
        return latest
    both = msgspec.structs.replace(
        latest, ordered_at=min(one.ordered_at, other.ordered_at), contents=latest.contents or one.contents
    )
    return closed_as(both, [*one.names, *other.names])


def join_orders(one: list[Bought], other: list[Bought]) -> list[Bought]:
    """What two have heard of the same orders, each once."""
    by_id = {bought.id: bought for bought in one}
    for bought in other:
        known = by_id.get(bought.id)
        by_id[bought.id] = bought if known is None else _join_order(known, bought)
    return sorted(by_id.values(), key=lambda bought: bought.at)[-MAX_ORDERS:]


def _join_order(one: Bought, other: Bought) -> Bought:
    latest = max(one, other, key=lambda bought: bought.paid_told_at)
    priced = one if one.total else other
    return msgspec.structs.replace(
        latest,
        at=min(one.at, other.at),
        total=priced.total,
        currency=priced.currency,
        cancelled=one.cancelled or other.cancelled,
        delivered_at=max(one.delivered_at or 0, other.delivered_at or 0) or None,
        returned_at=max(one.returned_at or 0, other.returned_at or 0) or None,
    )


def _both(ours: Basket, theirs: Basket) -> Basket:
    """The same cart as two have heard of it; of two different ones, the one that was told of last."""
    later, earlier = (ours, theirs) if ours.told_at >= theirs.told_at else (theirs, ours)
    if ours.id != theirs.id and not any(basket.id.startswith(OWN_CART) for basket in (ours, theirs)):
        return later
    basket = msgspec.structs.replace(later, items=with_known(later.items, earlier.items))
    basket.id = next((each.id for each in (ours, theirs) if not each.id.startswith(OWN_CART)), ours.id)
    basket.opened_at, basket.visit = min(ours.opened_at, theirs.opened_at), ours.visit
    _join_contents(basket, later, earlier)
    _join_checkout(basket, ours, theirs)
    note_progress(basket)
    return basket


def _join_contents(basket: Basket, later: Basket, earlier: Basket) -> None:
    same = contents_in(later) == contents_in(earlier)
    basket.differed_at = max(later.differed_at, earlier.differed_at if same else earlier.told_at)
    told = [*later.same_at, *(earlier.same_at if same else ())]
    basket.same_at = []
    for at in sorted({each for each in told if each > basket.differed_at} or {later.told_at or later.progressed_at}):
        basket.same_at = basket.same_at or [at]
        note_same(basket, at)


def _join_checkout(basket: Basket, ours: Basket, theirs: Basket) -> None:
    further = max(ours, theirs, key=lambda each: each.stage)
    both_there = ours.stage == theirs.stage
    basket.stage = further.stage
    basket.stage_at = min(ours.stage_at, theirs.stage_at) if both_there else further.stage_at
    basket.moved_at = max(ours.moved_at, theirs.moved_at)
    expected = [each.shipping_expected for each in (ours, theirs) if each.shipping_expected is not None]
    basket.shipping_expected = max(expected, default=None)
    shown = [each for each in (ours, theirs) if each.shipping_at is not None]
    if shown:
        first = min(shown, key=lambda each: each.shipping_at or 0)
        last = max(shown, key=lambda each: each.shipping_told_at)
        basket.shipping_first, basket.shipping_at = first.shipping_first, first.shipping_at
        basket.shipping_now, basket.shipping_told_at = last.shipping_now, last.shipping_told_at
        basket.delivery_days = last.delivery_days if last.delivery_days is not None else first.delivery_days
