"""What happens to carts: each event is a telling, and how things stand follows from all tellings together."""

from __future__ import annotations

from typing import NamedTuple

from engine.clock import Millis
from engine.events import Cart, Event, Order
from engine.visitors.checkout import basket_of, take_latest
from engine.visitors.contents import (
    Shelves,
    contents_in,
    contents_of,
    items_of,
    priced,
    put_on_shelves,
    shelves_of,
    with_traits_of,
)
from engine.visitors.older import retell
from engine.visitors.orders import ABOUT_ORDERS
from engine.visitors.pages import visit_of
from engine.visitors.state import MAX_ORDERS, MAX_STORY, Basket, Closed, Stage, Visitor
from engine.visitors.story import Walk, number_of, read
from engine.visitors.tellings import OWN_CART, Did, Emptied, Filled, Moved, Ordered, Shown, Telling, with_telling

_MOVES = {
    "checkout_started": Did.CAME,
    "checkout_step_viewed": Did.OPENED,
    "checkout_step_completed": Did.COMPLETED,
    "payment_failed": Did.CAME,
}
ABOUT_CARTS = frozenset([*_MOVES, "shipping_shown"]) | ABOUT_ORDERS
"""Events that say something of a cart although they may come without one."""


# --- tellings ---------------------------------------------------------------------------------------------------------


def take_cart(visitor: Visitor, event: Event) -> None:
    """What the event tells of a cart, of its checkout or of its order."""
    retell(visitor)
    shelves = shelves_of(visitor)
    items = items_of(event.cart) if event.cart is not None and event.type != "order_placed" else []
    goods = number_of(priced(items))
    if items:
        visitor.lore = with_traits_of([items], visitor.lore)
        shelves.setdefault(goods, items)
    tellings = _tellings(event, goods)
    if _goes_on(visitor, tellings):
        put_on_shelves(visitor, shelves)
        return
    for telling in tellings:
        visitor.story = with_telling(visitor.story, telling)
    settle(visitor, shelves)


def _goes_on(visitor: Visitor, tellings: list[Telling]) -> bool:
    """Whether it is what most tellings are, and done with: the latest of a cart that is at no checkout yet.

    Nothing else than :func:`settle` would make of it; only sooner.
    """
    basket, telling = visitor.basket, tellings[0] if len(tellings) == 1 else None
    last = visitor.story[-1] if visitor.story else None
    if basket is None or visitor.closed is not None or basket.stage is not Stage.CART:
        return False
    if not isinstance(telling, Filled) or not isinstance(last, Filled) or telling.at <= last.at:
        return False
    same = telling.currency == basket.currency and (telling.cart == basket.id or telling.cart.startswith(OWN_CART))
    if not same or len(visitor.story) == MAX_STORY:
        return False
    visitor.story = [*visitor.story, telling]
    take_latest(basket, telling, changed=telling.contents != last.contents)
    return True


def _tellings(event: Event, goods: int) -> list[Telling]:
    if event.type == "order_placed":
        return [_ordered(event, event.order)] if event.order is not None else []
    told: list[Telling] = []
    name, contents = "", 0
    if event.cart is not None:
        name, contents = event.cart.id or "", number_of(contents_of(event.cart))
        told.append(_filled(event, event.cart, contents, goods) if goods else Emptied(event.at, event.seq, name))
    did = _MOVES.get(event.type)
    if did is not None:
        step = (event.step or "")[:20].casefold() if did is Did.OPENED else ""
        told.append(Moved(event.at, event.seq, _stage_of(event), did, step, name, contents))
    elif event.type == "shipping_shown" and event.shipping is not None:
        shown = event.shipping
        told.append(Shown(event.at, event.seq, shown.price, shown.currency, shown.estimate, shown.days, name, contents))
    return told


def _filled(event: Event, cart: Cart, contents: int, goods: int) -> Filled:
    return Filled(
        event.at,
        event.seq,
        cart.id or f"{OWN_CART}{event.id}",
        contents,
        goods,
        cart.total,
        cart.currency,
        cart.coupon[:60],
        cart.free_shipping_from,
        cart.shipping_estimate,
    )


def _stage_of(event: Event) -> Stage:
    if event.type == "payment_failed":
        return Stage.PAYMENT
    done = event.step if event.type == "checkout_step_completed" else None
    return Stage.PAYMENT if done in ("shipping", "payment") else Stage.CHECKOUT


def _ordered(event: Event, order: Order) -> Ordered:
    contents = number_of(contents_of(Cart(lines=order.lines)))
    return Ordered(event.at, event.seq, order.id, order.cart_id or "", contents)


def end_elsewhere(visitor: Visitor, at: Millis, order: str) -> None:
    """The open cart was ordered at another device: by this order, "" where it is not known by which."""
    retell(visitor)
    basket = visitor.basket
    if basket is not None:
        told = Ordered(at, 0, order, basket.id, number_of(contents_in(basket)))
        visitor.story = with_telling(visitor.story, told)
        settle(visitor, shelves_of(visitor))


# --- how things stand -------------------------------------------------------------------------------------------------


class _Standing(NamedTuple):
    basket: Basket | None
    closed: Closed | None
    emptied_at: Millis | None


def _walk(visitor: Visitor, story: list[Telling]) -> Walk:
    placed_at = {bought.id: bought.at for bought in visitor.bought}
    names = [visitor.basket.id if visitor.basket else "", *(visitor.closed.names if visitor.closed else ())]
    return read(story, placed_at, names)


def _standing(walk: Walk) -> _Standing:
    basket = basket_of(walk.name, walk.told, walk.steps) if walk.told else None
    return _Standing(basket, walk.closed, walk.emptied_at)


def settle(visitor: Visitor, shelves: Shelves, theirs: Basket | None = None) -> None:
    """Draw from the story how things stand now.

    ``shelves`` hold the items of its carts; ``theirs`` is the open cart of another visitor who turned out to be this.
    """
    if len(visitor.story) > MAX_STORY:
        visitor.story = _thinned(visitor)
    before, walk = visitor.basket, _walk(visitor, visitor.story)
    standing = _standing(walk)
    visitor.closed, visitor.emptied_at = standing.closed, standing.emptied_at
    visitor.ordered_at = standing.closed.ordered_at if standing.closed is not None else visitor.ordered_at
    # Of a cart that was long thought to be over its items may be forgotten; then there is nothing to bring back.
    known = standing.basket is not None and standing.basket.goods in shelves
    visitor.basket = standing.basket if known else None
    if visitor.basket is not None:
        visitor.basket.visit = visit_of(visitor, visitor.basket, before)
    put_on_shelves(visitor, shelves)
    for basket in (before, theirs):
        if basket is not None:
            _note_change(visitor, basket, walk)


def _note_change(visitor: Visitor, before: Basket, walk: Walk) -> None:
    """Note what became of the cart that was open before, if another is now, or none."""
    now, closed = visitor.basket, visitor.closed
    if now is not None and now.id == before.id:
        return
    if now is not None and any(each.cart == before.id for each in walk.told):
        _rename_cart(visitor, before.id, now.id)
    elif closed is not None and (before.id in closed.names or before.told_at <= closed.ordered_at):
        visitor.over[before.id] = "ordered"
    elif before.told_at <= (visitor.emptied_at or 0):
        visitor.over[before.id] = "emptied"
    else:
        visitor.over[before.id] = "replaced" if now is not None else "ordered"


def _rename_cart(visitor: Visitor, old: str, name: str) -> None:
    """The shop tells the id of a cart that went by a name of ours; it is the same cart, and the same occasion."""
    visitor.over[old] = "merged"
    for run in visitor.runs.values():
        if run.cart == old:
            run.cart = name
    for occasions in visitor.done.values():
        occasions[:] = [f"cart:{name}" if occasion == f"cart:{old}" else occasion for occasion in occasions]


_KEPT = MAX_STORY // 2


def _thinned(visitor: Visitor) -> list[Telling]:
    """The story without what no longer makes a difference to how things stand, the oldest first."""
    story = visitor.story
    standing = _standing(_walk(visitor, story))
    # A long story is mostly one cart that is filled further and further: then half of it goes in one step.
    began_and_lately = [story[0], *story[1 - _KEPT :]]
    if _standing(_walk(visitor, began_and_lately)) == standing:
        return began_and_lately
    for telling in story:
        rest = [each for each in story if each is not telling]
        if len(story) > _KEPT and _standing(_walk(visitor, rest)) == standing:
            story = rest
    return story[-MAX_STORY:]


# --- what others have mailed ------------------------------------------------------------------------------------------


def on_reminder_sent(visitor: Visitor, event: Event) -> None:
    """Somebody else has mailed about a cart, or about the one that is open. No browser may say so for the shop."""
    cart = event.cart.id if event.cart is not None else visitor.basket.id if visitor.basket is not None else None
    if event.trusted and cart:
        remember_reminder(visitor, cart)


def remember_reminder(visitor: Visitor, cart: str) -> None:
    visitor.reminded = [*(known for known in visitor.reminded if known != cart), cart][-MAX_ORDERS:]
