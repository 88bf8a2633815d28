"""What happens to the cart: what is in it, how far it comes, what shipping it is told, and when it is bought."""

from __future__ import annotations

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


def _is_echo(visitor: Visitor, event: Event, cart: Cart) -> bool:
    """Whether this cart is an old story: older than what is known, or the cart that was just ordered."""
    if visitor.basket is not None and event.at < visitor.basket.progressed_at:
        return True
    if visitor.emptied_at is not None and event.at < visitor.emptied_at:
        return True
    closed = visitor.closed
    if closed is None:
        return False
    if event.at <= closed.ordered_at or (cart.id is not None and cart.id == closed.id):
        return True
    return event.at - closed.ordered_at < DAY and bool(cart.lines) and contents_of(cart) == closed.contents


def take_cart(visitor: Visitor, event: Event, cart: Cart) -> None:
    """The whole cart was told; no lines means emptied."""
    if event.type == "order_placed" or _is_echo(visitor, event, cart):
        return
    if not cart.lines:
        # Also when no cart is known: what was in it before may still be on its way here.
        visitor.emptied_at = max(visitor.emptied_at or 0, event.at)
        visitor.basket = None
        return
    basket = visitor.basket
    if basket is not None and cart.id is not None and basket.id.startswith(OWN_CART):
        _rename_cart(visitor, basket, cart.id)
    items = [
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
    if basket is None or (cart.id is not None and cart.id != basket.id):
        basket = visitor.basket = Basket(
            id=cart.id or f"{OWN_CART}{event.id}", opened_at=event.at, progressed_at=event.at, currency=cart.currency
        )
        basket.visit = visitor.session.number
    elif items != basket.items:
        basket.progressed_at = max(basket.progressed_at, event.at)
        basket.total_before = None
    elif basket.stage < Stage.CHECKOUT and event.type in _AT_CHECKOUT:
        basket.total_before = basket.total
    if cart.free_shipping_from is not None or cart.currency != basket.currency:
        basket.free_shipping_from = cart.free_shipping_from
    basket.items = items
    basket.total, basket.currency, basket.coupon = cart.total, cart.currency, cart.coupon[:60]
    if cart.shipping_estimate is not None:
        _expect_shipping(basket, cart.shipping_estimate)


def hand_over_cart(stand_in: Visitor, visitor: Visitor) -> None:
    """The cart that a stand-in held is this visitor's, with all that the shop's platform told about it.

    A visitor who has the same cart already keeps what their own browser told of it.
    """
    basket, own = stand_in.basket, visitor.basket
    stand_in.basket = None
    if basket is not None and own is None:
        visitor.basket = basket
    for name in stand_in.reminded:
        _remember_reminder(visitor, name)
    visitor.closed = visitor.closed or stand_in.closed
    visitor.ordered_at = max(visitor.ordered_at or 0, stand_in.ordered_at or 0) or None


def _rename_cart(visitor: Visitor, basket: Basket, name: str) -> None:
    """The shop tells the id of a cart that went by a name of ours; it is the same cart, and the same occasion."""
    old, basket.id = basket.id, name
    for run in visitor.runs.values():
        if run.cart == old:
            run.cart = name
    for occasions in visitor.done.values():
        occasions[:] = [f"cart:{name}" if occasion == f"cart:{old}" else occasion for occasion in occasions]


def _expect_shipping(basket: Basket, price: int) -> None:
    if basket.shipping_at is None:
        basket.shipping_expected = max(basket.shipping_expected or 0, price)


def _advance(visitor: Visitor, stage: Stage, at: Millis) -> None:
    basket = visitor.basket
    if basket is not None and stage > basket.stage:
        if basket.stage < Stage.CHECKOUT <= stage and basket.total_before is None:
            basket.total_before = basket.total
        basket.stage = stage
        basket.progressed_at = max(basket.progressed_at, at)


def on_checkout_started(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.CHECKOUT, event.at)


def on_step_completed(visitor: Visitor, event: Event) -> None:
    stage = {"shipping": Stage.PAYMENT, "payment": Stage.PAYMENT}.get(event.step or "", Stage.CHECKOUT)
    _advance(visitor, stage, event.at)
    if visitor.basket is not None:
        visitor.basket.step = ""
        visitor.basket.progressed_at = max(visitor.basket.progressed_at, event.at)


def on_step_viewed(visitor: Visitor, event: Event) -> None:
    if visitor.basket is not None:
        visitor.basket.step = (event.step or "")[:20].casefold()
        _advance(visitor, Stage.CHECKOUT, event.at)


def on_shipping_shown(visitor: Visitor, event: Event) -> None:
    basket, shipping = visitor.basket, event.shipping
    # Two currencies cannot be compared, and a rate is not ours to guess.
    if basket is None or shipping is None or shipping.currency != basket.currency:
        return
    if shipping.estimate:
        _expect_shipping(basket, shipping.price)
        return
    if basket.shipping_at is None or event.at < basket.shipping_at:
        basket.shipping_first, basket.shipping_at = shipping.price, event.at
    # The page, the platform's webhook and a later look may tell the same checkout, in any order.
    if event.at >= basket.shipping_told_at:
        basket.shipping_now, basket.shipping_told_at = shipping.price, event.at
        basket.delivery_days = shipping.days if shipping.days is not None else basket.delivery_days
    _advance(visitor, Stage.SHIPPING, event.at)


def on_payment_failed(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.PAYMENT, event.at)


def on_reminder_sent(visitor: Visitor, event: Event) -> None:
    """Somebody else has mailed about a cart, or about the one that is open. No browser may say so for the shop."""
    cart = event.cart.id if event.cart is not None else visitor.basket.id if visitor.basket is not None else None
    if event.trusted and cart:
        _remember_reminder(visitor, cart)


def _remember_reminder(visitor: Visitor, cart: str) -> None:
    visitor.reminded = [*(known for known in visitor.reminded if known != cart), cart][-MAX_ORDERS:]


def on_order_placed(visitor: Visitor, event: Event) -> None:
    order, basket = event.order, visitor.basket
    if order is None:
        return
    if order.id not in visitor.order_ids:
        visitor.orders += 1
        visitor.order_ids = [*visitor.order_ids, order.id][-MAX_ORDERS:]
    visitor.ordered_at = max(visitor.ordered_at or 0, event.at)
    # An order closes its own cart, and any cart that was not touched since; one opened later is another story.
    if basket is not None and basket.id != order.cart_id and basket.progressed_at > event.at:
        basket = None
    _close(visitor, event.at, order, basket)
    if basket is not None:
        visitor.basket = None


def _close(visitor: Visitor, at: Millis, order: Order, basket: Basket | None) -> None:
    """Remember what was ordered; of two reports about it, the one that knows more stays."""
    known = visitor.closed
    if known is not None and at < known.ordered_at:
        return
    cart_id = order.cart_id or (basket.id if basket else "")
    contents = contents_of(Cart(lines=order.lines)) or (contents_in(basket) if basket else "")
    if known is not None and not basket and (not cart_id or cart_id == known.id):
        cart_id, contents = cart_id or known.id, contents or known.contents
    visitor.closed = Closed(id=cart_id, ordered_at=at, contents=contents)
