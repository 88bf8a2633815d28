"""Carts: what Ecwid keeps of whoever left an address and did not order.

A cart that became an order, or that the shop has hidden, is open no longer: it is told as emptied, so that no mail
about it leaves, whatever else is known of it. Ecwid mails about carts by itself: where it has, nobody else does.
"""

from __future__ import annotations

from engine.integration import Json, News, WireEvent, amount, fact, group, require, text, without_nothing
from integrations.ecwid.body import (
    NOTHING,
    consent_in,
    country_of,
    coupon,
    date,
    days,
    discount,
    fee,
    lines,
    moment,
    person_in,
    shipping,
    visitor,
)


def from_cart(body: Json) -> News:
    """Everything that one cart says. Raises Unreadable."""
    require(body, "cartId", "items")
    name, at = text(body, "cartId"), moment(body, "update")
    whose: Json = {"visitor": visitor(body), "refs": [f"ecwid:cart:{name}"], "language": text(body, "lang")}
    order = text(body, "recoveredPublicUid") or text(body, "recoveredOrderId")
    if order or body.get("hidden") is True:
        gone = fact("cart_updated", "ecwid", name, "gone", at, at=at, cart={"id": name, "lines": []}, **whose)
        return News(events=(gone,), look_ups=(f"order:{order}:{name}",) if order else ())
    cart = _cart(body, name)
    return News(
        events=(
            *_began(body, name, cart, whose),
            fact("cart_updated", "ecwid", name, at, cart, at=at, cart=cart, **whose),
            *_shipping(body, name, whose),
            *_contact(body, name, whose),
            *_reminder(body, name, cart, whose),
        )
    )


def _cart(body: Json, name: str | None) -> Json:
    subtotal = amount(body, "subtotal")
    said: Json = {
        "id": name,
        "total": None if subtotal is None else max(NOTHING, subtotal - discount(body)),
        "discount": discount(body),
        "tax": amount(body, "tax"),
        "fees": fee(body) or None,
        "coupon": coupon(body),
        "lines": lines(body),
    }
    return without_nothing(said)


def _began(body: Json, name: str | None, cart: Json, whose: Json) -> list[WireEvent]:
    """The checkout's first step asks for the address, so whoever has left one has begun."""
    if text(body, "email") is None:
        return []
    return [fact("checkout_started", "ecwid", name, at=moment(body, "create"), cart=cart, **whose)]


def _shipping(body: Json, name: str | None, whose: Json) -> list[WireEvent]:
    price, at = shipping(body), moment(body, "update")
    if price is None:
        return []
    method = text(group(body, "shippingOption"), "shippingMethodName")
    said = without_nothing({"price": price, "method": method, "days": days(body)})
    return [fact("shipping_shown", "ecwid", name, price, at, at=at, shipping=said, **whose)]


def _contact(body: Json, name: str | None, whose: Json) -> list[WireEvent]:
    email, consent = text(body, "email"), consent_in(body)
    if email is None:
        return []
    said = fact(
        "contact_given",
        "ecwid",
        name,
        email,
        bool(consent),
        at=moment(body, "update"),
        email=email,
        customer_id=text(body, "customerId"),
        name=person_in(body),
        country=country_of(body),
        consent=consent,
        **whose,
    )
    return [said]


def _reminder(body: Json, name: str | None, cart: Json, whose: Json) -> list[WireEvent]:
    sent = date(body, "recoveryEmailSentTimestamp")
    return [fact("reminder_sent", "ecwid", name, sent, at=sent, cart=cart, **whose)] if sent else []
