"""What happens to the cart: what is in it, how far it comes, what shipping it is told, and when it is bought."""

from __future__ import annotations

import msgspec

from engine.clock import DAY, Millis
from engine.events import Cart, Event, Order
from engine.visitors.state import MAX_ITEMS, MAX_ORDERS, OWN_CART, Basket, Closed, Item, Stage, Visitor


def contents_of(cart: Cart) -> str:
    """What is in the cart, as text: equal carts give equal texts."""
    return "|".join(sorted(f"{line.key}×{line.quantity}" for line in cart.lines[:MAX_ITEMS]))[:500]


def contents_in(basket: Basket) -> str:
    """The same for the cart as rules see it."""
    return "|".join(sorted(f"{item.key}×{item.quantity}" for item in basket.items))[:500]


_AT_CHECKOUT = frozenset("checkout_started checkout_step_viewed checkout_step_completed shipping_shown".split())


def _ended_at(visitor: Visitor) -> Millis:
    """When the cart before the present one was ordered or emptied; 0 when there was none."""
    return max(visitor.closed.ordered_at if visitor.closed else 0, visitor.emptied_at or 0)


def _is_over(visitor: Visitor, event: Event, cart: Cart) -> bool:
    """Whether this cart is an old story: one that was emptied since, or the one that was just ordered."""
    if visitor.emptied_at is not None and event.at < visitor.emptied_at:
        return True
    closed = visitor.closed
    if closed is None:
        return False
    if event.at <= closed.ordered_at or cart.id in closed.names:
        return True
    return event.at - closed.ordered_at < DAY and bool(cart.lines) and contents_of(cart) == closed.contents


def take_cart(visitor: Visitor, event: Event, cart: Cart) -> None:
    """The whole cart was told; no lines means emptied. What happened earlier takes nothing back that happened later."""
    if event.type == "order_placed" or _is_over(visitor, event, cart):
        return
    if not cart.lines:
        _empty(visitor, event.at)
        return
    basket = visitor.basket
    if basket is not None and cart.id is not None and basket.id.startswith(OWN_CART):
        _rename_cart(visitor, basket, cart.id)
    if basket is None or (cart.id is not None and cart.id != basket.id):
        if basket is not None and event.at < basket.told_at:
            return  # another cart of theirs, from before
        _open(visitor, event, cart)
    elif event.at >= basket.told_at:
        _take_latest(basket, event, cart)
    else:
        _take_late(basket, event.at, cart)
    if cart.shipping_estimate is not None and visitor.basket is not None:
        _expect_shipping(visitor.basket, cart.shipping_estimate, event.at)


def _items_of(cart: Cart) -> list[Item]:
    return [
        Item(
            key=line.key,
            sku=line.sku,
            product_id=line.product_id,
            category=line.category,
            brand=line.brand,
            quantity=line.quantity,
            value=(line.price or 0) * line.quantity,
        )
        for line in cart.lines[:MAX_ITEMS]
    ]


def _open(visitor: Visitor, event: Event, cart: Cart) -> None:
    name, at = cart.id or f"{OWN_CART}{event.id}", event.at
    basket = visitor.basket = Basket(name, at, at, currency=cart.currency, told_at=at, same_at=[at])
    basket.visit = visitor.session.number
    _tell(basket, cart)


def _tell(basket: Basket, cart: Cart) -> None:
    basket.items = with_known(_items_of(cart), basket.items)
    if cart.free_shipping_from is not None or cart.currency != basket.currency:
        basket.free_shipping_from = cart.free_shipping_from
    basket.total, basket.currency, basket.coupon = cart.total, cart.currency, cart.coupon[:60]


def with_known(items: list[Item], known: list[Item]) -> list[Item]:
    """The items, with what only another source has told of the same goods."""
    by_key = {item.key: item for item in known}
    for item in items:
        other = by_key.get(item.key)
        if other is not None:
            item.category, item.brand = item.category or other.category, item.brand or other.brand
            item.product_id = item.product_id or other.product_id
    return items


def _take_latest(basket: Basket, event: Event, cart: Cart) -> None:
    if contents_of(cart) != contents_in(basket):
        basket.differed_at, basket.same_at, basket.total_before = basket.told_at, [event.at], None
    else:
        note_same(basket, event.at)
        if basket.stage < Stage.CHECKOUT and event.type in _AT_CHECKOUT:
            basket.total_before = basket.total
    basket.told_at = event.at
    _tell(basket, cart)
    note_progress(basket)


def _take_late(basket: Basket, at: Millis, cart: Cart) -> None:
    """An older telling: its contents and prices are no longer so, but since when they are as they are may follow."""
    basket.opened_at = min(basket.opened_at, at)
    with_known(basket.items, _items_of(cart))
    if contents_of(cart) == contents_in(basket):
        note_same(basket, at)
    else:
        note_other(basket, at)
    note_progress(basket)


MOST_TELLINGS = 6


def note_same(basket: Basket, at: Millis) -> None:
    """Its contents were as they are now at this moment too."""
    if at > basket.differed_at:
        told = sorted({*(basket.same_at or [basket.progressed_at]), at})
        basket.same_at = [*told[:1], *told[1:][1 - MOST_TELLINGS :]]


def note_other(basket: Basket, at: Millis) -> None:
    """Its contents were others at this moment."""
    if at > basket.differed_at:
        basket.differed_at = at
        # A row of an older release does not say when it was told.
        basket.same_at = [each for each in basket.same_at if each > at] or [basket.told_at or basket.progressed_at]


def note_progress(basket: Basket) -> None:
    """When its shopper last went on with it: with its contents, or on the way to paying."""
    changed_at = basket.same_at[0] if basket.same_at else basket.progressed_at
    further_at = basket.stage_at if basket.stage > Stage.CART else 0
    basket.progressed_at = max(changed_at, further_at, basket.moved_at)


def _empty(visitor: Visitor, at: Millis) -> None:
    # Also when no cart is known: what was in it before may still be on its way here.
    visitor.emptied_at = max(visitor.emptied_at or 0, at)
    if visitor.basket is not None and at >= visitor.basket.told_at:
        drop_cart(visitor, "emptied")
    elif visitor.basket is not None:
        _begin_after(visitor.basket, at)


def drop_cart(visitor: Visitor, became: str) -> None:
    """The cart is open no more."""
    if visitor.basket is not None:
        visitor.over[visitor.basket.id] = became
        visitor.basket = None


def _begin_after(basket: Basket, at: Millis) -> None:
    """An older cart ended at this moment, as is heard only now: nothing that happened before belongs to this one."""
    note_other(basket, at)
    if basket.opened_at <= at:
        basket.opened_at = basket.same_at[0]
    if basket.shipping_at is not None and basket.shipping_at <= at:
        still = basket.shipping_told_at > at
        basket.shipping_first = basket.shipping_now = basket.shipping_now if still else None
        basket.shipping_at, basket.shipping_told_at = (basket.shipping_told_at,) * 2 if still else (None, 0)
    if basket.stage_at <= at:
        basket.stage, basket.stage_at = Stage.CART, 0
    basket.moved_at = basket.moved_at if basket.moved_at > at else 0
    note_progress(basket)


def _rename_cart(visitor: Visitor, basket: Basket, name: str) -> None:
    """The shop tells the id of a cart that went by a name of ours; it is the same cart, and the same occasion."""
    old, basket.id = basket.id, name
    visitor.over[old] = "merged"
    for run in visitor.runs.values():
        if run.cart == old:
            run.cart = name
    for occasions in visitor.done.values():
        occasions[:] = [f"cart:{name}" if occasion == f"cart:{old}" else occasion for occasion in occasions]


def _expect_shipping(basket: Basket, price: int, at: Millis) -> None:
    if basket.shipping_at is None or at < basket.shipping_at:
        basket.shipping_expected = max(basket.shipping_expected or 0, price)


def _present(visitor: Visitor, event: Event) -> Basket | None:
    """The cart that the event can be about: what happened before the last one ended belongs to that."""
    return visitor.basket if event.at > _ended_at(visitor) else None


def _advance(visitor: Visitor, stage: Stage, event: Event) -> None:
    basket = _present(visitor, event)
    if basket is None or stage < basket.stage:
        return
    if stage == basket.stage:
        basket.stage_at = min(basket.stage_at or event.at, event.at)
    else:
        if basket.stage < Stage.CHECKOUT <= stage and basket.total_before is None:
            basket.total_before = basket.total
        basket.stage, basket.stage_at = stage, event.at
    note_progress(basket)


def on_checkout_started(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.CHECKOUT, event)


def on_step_completed(visitor: Visitor, event: Event) -> None:
    stage = {"shipping": Stage.PAYMENT, "payment": Stage.PAYMENT}.get(event.step or "", Stage.CHECKOUT)
    _advance(visitor, stage, event)
    basket = _present(visitor, event)
    if basket is not None:
        basket.step = ""
        basket.moved_at = max(basket.moved_at, event.at)
        note_progress(basket)


def on_step_viewed(visitor: Visitor, event: Event) -> None:
    basket = _present(visitor, event)
    if basket is not None:
        basket.step = (event.step or "")[:20].casefold()
        _advance(visitor, Stage.CHECKOUT, event)


def on_shipping_shown(visitor: Visitor, event: Event) -> None:
    basket, shipping = _present(visitor, event), event.shipping
    # Two currencies cannot be compared, and a rate is not ours to guess.
    if basket is None or shipping is None or shipping.currency != basket.currency:
        return
    if shipping.estimate:
        _expect_shipping(basket, shipping.price, event.at)
        return
    if basket.shipping_at is None or event.at < basket.shipping_at:
        basket.shipping_first, basket.shipping_at = shipping.price, event.at
    # The page, the platform's webhook and a later look may tell the same checkout, in any order.
    if event.at >= basket.shipping_told_at:
        basket.shipping_now, basket.shipping_told_at = shipping.price, event.at
        basket.delivery_days = shipping.days if shipping.days is not None else basket.delivery_days
    _advance(visitor, Stage.SHIPPING, event)


def on_payment_failed(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.PAYMENT, event)


def on_reminder_sent(visitor: Visitor, event: Event) -> None:
    """Somebody else has mailed about a cart, or about the one that is open. No browser may say so for the shop."""
    cart = event.cart.id if event.cart is not None else visitor.basket.id if visitor.basket is not None else None
    if event.trusted and cart:
        remember_reminder(visitor, cart)


def remember_reminder(visitor: Visitor, cart: str) -> None:
    visitor.reminded = [*(known for known in visitor.reminded if known != cart), cart][-MAX_ORDERS:]


def on_order_placed(visitor: Visitor, event: Event) -> None:
    order = event.order
    if order is None:
        return
    at = _placed_at(visitor, order.id, event.at)
    _count_order(visitor, order.id, at)
    end_cart(visitor, at, order)


def _placed_at(visitor: Visitor, order: str, at: Millis) -> Millis:
    """When it was placed: the earliest that anybody says. The page that thanks may be opened again next week."""
    return min([at, *(bought.at for bought in visitor.bought if bought.id == order)])


def _count_order(visitor: Visitor, order: str, at: Millis) -> None:
    closed, ordered_at = visitor.closed, visitor.ordered_at or 0
    if order not in visitor.order_ids:
        visitor.orders += 1
        visitor.order_ids = [*visitor.order_ids, order][-MAX_ORDERS:]
        visitor.ordered_at = max(ordered_at, at)
    elif closed is not None and closed.order == order and ordered_at == closed.ordered_at:
        visitor.ordered_at = min(ordered_at, at)


def end_cart(visitor: Visitor, at: Millis, order: Order) -> None:
    """An order ends its own cart, any that was not touched since, and one that only repeats what was ordered."""
    basket = visitor.basket
    if basket is not None and not _is_ended_by(basket, at, order):
        _begin_after(basket, at)
        basket = None
    _close(visitor, at, order, basket)
    if basket is not None:
        drop_cart(visitor, "ordered")


def end_cart_as_known(visitor: Visitor) -> None:
    """The cart that has just come here may be one of which it is known here that it was ordered or emptied."""
    basket, closed = visitor.basket, visitor.closed
    if basket is not None and visitor.emptied_at is not None and basket.told_at <= visitor.emptied_at:
        drop_cart(visitor, "emptied")
    elif basket is not None and closed is not None:
        ordered = basket.id in closed.names or basket.progressed_at <= closed.ordered_at
        near = basket.progressed_at - closed.ordered_at < DAY
        if ordered or (near and contents_in(basket) == closed.contents):
            visitor.closed = closed_as(closed, [basket.id])
            drop_cart(visitor, "ordered")


def _is_ended_by(basket: Basket, at: Millis, order: Order) -> bool:
    if basket.id == order.cart_id or basket.progressed_at <= at:
        return True
    return basket.progressed_at - at < DAY and contents_of(Cart(lines=order.lines)) == contents_in(basket)


def _close(visitor: Visitor, at: Millis, order: Order, basket: Basket | None) -> None:
    """Remember what was ordered; of two reports about it, each tells what the other does not."""
    known = visitor.closed
    if known is not None and known.order != order.id and at < known.ordered_at:
        return
    same = known if known is not None and known.order == order.id else Closed(ordered_at=at)
    names = [order.cart_id or "", *same.names, basket.id if basket else ""]
    ordered = contents_of(Cart(lines=order.lines)) or same.contents or (contents_in(basket) if basket else "")
    visitor.closed = closed_as(Closed("", min(at, same.ordered_at), ordered, order=order.id), names)


MOST_NAMES = 4


def closed_as(closed: Closed, names: list[str]) -> Closed:
    """The same cart, which has these names too."""
    first, *others = [*dict.fromkeys(name for name in [*closed.names, *names] if name), ""][:MOST_NAMES]
    return msgspec.structs.replace(closed, id=first, also=[name for name in others if name])
