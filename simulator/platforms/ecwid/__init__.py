"""Ecwid's side: webhooks that say where something has changed and sign no more than a moment and an id, and its REST
API.

Shapes are those of matthiasbruns/ecwid-go (MIT). The shop has switched Ecwid's own mails about carts off, so that
whoever leaves a cart hears of it from Shopbell.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

import msgspec
from flask import Flask

from engine.clock import HOUR, MINUTE
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Manners, Platform
from simulator.platforms.ecwid import bodies
from simulator.platforms.ecwid.api import create_api
from simulator.platforms.ecwid.bodies import SECRET, STORE_ID, TOKEN, Json
from simulator.world import FIRST_ORDER, Checkout, World

_TRIES = (15 * MINUTE,) * 4 + (HOUR,) * 23
"""Twenty-seven in a day: every quarter of an hour, then every hour."""


class Ecwid(Platform):
    """A Lightspeed shop of the E-Series."""

    name: ClassVar[str] = "ecwid"
    manners: ClassVar[Manners] = Manners(again_after=_TRIES, taken=frozenset([200, 201, 202, 204, 209]))
    asks_back: ClassVar[bool] = True
    shown_tells_consent: ClassVar[bool] = True
    tells_once: ClassVar[frozenset[str]] = frozenset(["stock"])
    mails_itself: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, str]:
        return {"store_id": str(STORE_ID), "client_secret": "env:ECWID_CLIENT_SECRET", "token": "env:ECWID_TOKEN"}

    @property
    def environment(self) -> Mapping[str, str]:
        return {"ECWID_CLIENT_SECRET": SECRET, "ECWID_TOKEN": TOKEN}

    def cart_in_browser(self, checkout: Checkout) -> Mapping[str, object]:
        name = bodies.cart_id(checkout)
        return {"id": name, "refs": [f"ecwid:cart:{name}"]}

    def deliveries(self, happening: Happening, world: World) -> list[Delivery]:
        told = _TOLD[happening.kind](happening, world) if happening.kind in _TOLD else []
        return [_signed(happening, *each) for each in told]

    def api(self, world: World) -> Flask:
        return create_api(world, self.clock)


_Told = list[tuple[str, str, int, Json]]
"""The event, what it is about, ``entityId``, and ``data``."""


def _unfinished(event: str) -> Callable[[Happening, World], _Told]:
    """Of a cart Ecwid tells from the last step on only, where it has become an order that is not finished."""

    def told(happening: Happening, world: World) -> _Told:
        checkout = world.checkout(happening.shopper)
        assert checkout is not None
        number = FIRST_ORDER + happening.shopper.number
        data: Json = {"orderId": bodies.order_id(number), "cartId": bodies.cart_id(checkout)}
        return [(f"unfinished_order.{event}", "checkout", bodies.internal_id(number), data)]

    return told


def _order(event: str) -> Callable[[Happening, World], _Told]:
    def told(happening: Happening, world: World) -> _Told:
        order = world.order(happening.shopper)
        assert order is not None
        status = "PAID" if order.paid_at else "AWAITING_PAYMENT"
        data: Json = {"orderId": bodies.order_id(order.number), "newPaymentStatus": status}
        return [(f"order.{event}", "order", bodies.internal_id(order.number), data)]

    return told


def _ordered(happening: Happening, world: World) -> _Told:
    # Unordered, as Ecwid says itself: either may arrive first.
    return [*_unfinished("deleted")(happening, world), *_order("created")(happening, world)]


def _stocked(happening: Happening, world: World) -> _Told:
    (line,) = happening.lines
    return [("product.updated", "stock", bodies.product_id(line.product), {})]


def _withdrawn(happening: Happening, world: World) -> _Told:
    data: Json = {"customerEmail": happening.shopper.email}
    return [("customer.updated", "consent", bodies.customer_id(happening.shopper), data)]


def _erasure(happening: Happening, world: World) -> _Told:
    # The spelling of Ecwid's own Java client.
    event = "customer.personal_data_removal_request"
    return [(event, "erasure", bodies.customer_id(happening.shopper), {})]


_TOLD: Mapping[Kind, Callable[[Happening, World], _Told]] = {
    Kind.SHIPPING_CHOSEN: _unfinished("created"),
    Kind.CART_EMPTIED: _unfinished("updated"),
    Kind.ORDERED: _ordered,
    Kind.PAID: _order("updated"),
    Kind.SHIPPED: _order("updated"),
    Kind.DELIVERED: _order("updated"),
    Kind.STOCKED: _stocked,
    Kind.CONSENT_WITHDRAWN: _withdrawn,
    Kind.ERASURE_ASKED: _erasure,
}


def _signed(happening: Happening, event: str, about: str, entity: int, data: Json) -> Delivery:
    name = str(uuid5(NAMESPACE_URL, f"ecwid {event} {happening.number} {happening.at}"))
    made = bodies.seconds(happening.at)
    told: Json = {
        "eventId": name,
        "eventCreated": made,
        "storeId": STORE_ID,
        "entityId": entity,
        "eventType": event,
    }
    signature = hmac.new(SECRET.encode(), f"{made}.{name}".encode(), hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "X-Ecwid-Webhook-Signature": base64.b64encode(signature).decode(),
    }
    body = msgspec.json.encode(told | ({"data": data} if data else {}))
    return Delivery(event, f"{about}:{happening.number}", body, headers, f"eventtype={event}")
