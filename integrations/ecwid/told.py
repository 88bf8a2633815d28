"""What the API told, as deliveries of our own: each thing is read by itself, so that one that nobody can read is set
aside and holds up none of the others.

They are known by a hint that only :func:`told` gives: no webhook has one, whatever it calls itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import msgspec

from engine.errors import UnknownTopic
from engine.integration import Delivery, Json, News, WireEvent, json_object
from integrations.ecwid.carts import from_cart
from integrations.ecwid.goods import from_product
from integrations.ecwid.orders import from_order
from integrations.ecwid.people import from_customer

_encode = msgspec.json.Encoder(decimal_format="number").encode
_EVENTS: Mapping[str, Callable[[Json], list[WireEvent]]] = {"products": from_product, "customers": from_customer}


def told(kind: str, thing: Json, cart: str = "") -> Delivery:
    """One of ``carts``, ``orders``, ``products`` and ``customers``; ``cart`` is the cart that an order is known to
    have been."""
    hints = {"asked": kind} | ({"cart": cart} if cart else {})
    return Delivery(f"api.{kind}", _encode(thing), hints=hints)


def is_told(delivery: Delivery) -> bool:
    return "asked" in delivery.hints


def read(delivery: Delivery, later: Collection[str] = ()) -> News:
    """What it says; ``later`` are ways to pay, see :func:`from_order`. Raises Unreadable."""
    kind, thing = delivery.hints["asked"], json_object(delivery.body)
    if kind == "carts":
        return from_cart(thing)
    if kind == "orders":
        return News(events=tuple(from_order(thing, delivery.hints.get("cart"), later)))
    if kind not in _EVENTS:
        raise UnknownTopic(delivery.topic)
    return News(events=tuple(_EVENTS[kind](thing)))
