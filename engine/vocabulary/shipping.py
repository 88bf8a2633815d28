"""A bare ``shipping`` or ``shipping_estimate`` number on a cart or checkout event.

Few vocabularies tell the price of shipping where the shopper sees it (Segment has it at the start of the checkout and
on orders, GA4 on purchases, Shopify alone at the step itself), so a shop may add the number to any of these events.
"""

from __future__ import annotations

from engine.vocabulary.values import JsonObject, amount, is_said, said, section, text

_BEFORE = frozenset(["cart_updated", "cart_viewed", "product_added", "product_removed", "checkout_started"])
_AT_THE_STEP = frozenset(["checkout_step_completed", "checkout_step_viewed"])
TAKES_A_NUMBER = _BEFORE | frozenset(["checkout_step_completed"])


def settle(event: JsonObject, stated: object, estimate: object, currency: object, method: object) -> None:
    """Put the numbers where they belong.

    Before the shipping step a price is what the shopper may expect: ``cart.shipping_estimate``. At a step it is what
    they were shown, and the event becomes ``shipping_shown``; at the payment step the event keeps its type.
    """
    kind = event.get("type")
    if kind in _BEFORE:
        estimate = estimate if is_said(estimate) else stated
    elif kind in _AT_THE_STEP and is_said(stated):
        event.setdefault("shipping", _section(event, stated, currency, method))
        if event.get("step") != "payment":
            event["type"] = "shipping_shown"
    if is_said(estimate):
        _expect(event, estimate, currency, method)


def _section(event: JsonObject, price: object, currency: object, method: object) -> JsonObject:
    known = currency if is_said(currency) else section(event.get("cart")).get("currency")
    return said({"price": amount(price), "currency": text(known), "method": text(method)})


def _expect(event: JsonObject, estimate: object, currency: object, method: object) -> None:
    cart = event.get("cart")
    if isinstance(cart, dict):
        # A new object: the cart may be the caller's own.
        event["cart"] = {"shipping_estimate": amount(estimate), **said(cart)}
    elif "shipping" not in event:
        # A cart made up around the number would have no lines, which means: emptied.
        event["shipping"] = {**_section(event, estimate, currency, method), "estimate": True}
