"""A cart as all its tellings together show it: contents and prices, how far it came, what shipping it was told."""

from __future__ import annotations

from engine.clock import Millis
from engine.visitors.state import Basket, Stage
from engine.visitors.tellings import Did, Filled, Moved, Shown, Step


def basket_of(name: str, told: list[Filled], steps: list[Step]) -> Basket:
    """The cart of that name, still without its items. Both lists first to last; of the cart something was told."""
    last = told[-1]
    basket = Basket(name, told[0].at, told[0].at, last.currency, last.total, coupon=last.coupon)
    basket.told_at, basket.goods = last.at, last.goods
    comparable = [each for each in told if each.currency == last.currency]
    free = [each.free_from for each in comparable if each.free_from is not None]
    basket.free_shipping_from = free[-1] if free else None
    _go_on(basket, [step for step in steps if isinstance(step, Moved)])
    _see_shipping(basket, [step for step in steps if isinstance(step, Shown)], comparable)
    basket.total_before = _total_before(last, comparable, steps)
    further_at = basket.stage_at if basket.stage > Stage.CART else 0
    basket.progressed_at = max(_changed_at(told), further_at, basket.moved_at)
    return basket


def take_latest(basket: Basket, last: Filled, *, changed: bool) -> None:
    """What one more telling of a cart that is at no checkout makes of it, in the currency it is in."""
    basket.total, basket.coupon, basket.told_at, basket.goods = last.total, last.coupon, last.at, last.goods
    if last.free_from is not None:
        basket.free_shipping_from = last.free_from
    if last.estimate is not None:
        basket.shipping_expected = max(basket.shipping_expected or 0, last.estimate)
    if changed:
        basket.progressed_at = last.at


def _when(telling: Filled | Step) -> tuple[Millis, int]:
    return telling.at, telling.seq


def _changed_at(told: list[Filled]) -> Millis:
    """Since when its contents are as they are."""
    since = told[-1]
    for each in reversed(told):
        if each.contents != since.contents:
            break
        since = each
    return since.at


def _go_on(basket: Basket, moves: list[Moved]) -> None:
    for move in moves:
        _come_to(basket, Stage(move.stage), move.at)
        if move.did is not Did.CAME:
            basket.step = move.step
        if move.did is Did.COMPLETED:
            basket.moved_at = move.at


def _come_to(basket: Basket, stage: Stage, at: Millis) -> None:
    if stage > basket.stage:
        basket.stage, basket.stage_at = stage, at
    elif stage == basket.stage:
        basket.stage_at = min(basket.stage_at, at)


def _see_shipping(basket: Basket, told: list[Shown], filled: list[Filled]) -> None:
    shown = [each for each in told if not each.estimate]
    if shown:
        _come_to(basket, Stage.SHIPPING, shown[0].at)
    for each in shown:
        basket.delivery_days = each.days if each.days is not None else basket.delivery_days
    # Two currencies cannot be compared, and a rate is not ours to guess.
    priced = [each for each in shown if each.currency == basket.currency]
    if priced:
        first, last = priced[0], priced[-1]
        basket.shipping_first, basket.shipping_at = first.price, first.at
        basket.shipping_now, basket.shipping_told_at = last.price, last.at
    estimates = [(_when(each), each.price) for each in told if each.estimate and each.currency == basket.currency]
    estimates += [(_when(each), each.estimate) for each in filled if each.estimate is not None]
    before = [price for when, price in estimates if not priced or when <= _when(priced[0])]
    basket.shipping_expected = max(before, default=None)


def _total_before(last: Filled, comparable: list[Filled], steps: list[Step]) -> int | None:
    """What the same goods came to when they were last told before the checkout began, or else first told there."""
    there = [_when(step) for step in steps if isinstance(step, Moved) or not step.estimate]
    if not there:
        return None
    same = [each for each in comparable if each.contents == last.contents]
    before = [each for each in same if _when(each) < there[0]]
    return before[-1].total if before else same[0].total
