"""Lightspeed eCom's side (C-Series): webhooks signed with an MD5, and the REST API with its three limits.

How often and how long Lightspeed tries again is not documented; this side does what most platforms do. Somebody who is
erased is a customer who was deleted in the back office.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import ClassVar

from flask import Flask

from simulator.browser import DEMO_KEY
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Platform
from simulator.platforms.lightspeed import bodies
from simulator.platforms.lightspeed.api import API_KEY, API_SECRET, create_api
from simulator.platforms.lightspeed.bodies import Json
from simulator.telling import Teller, Told, of_order, of_stock, together
from simulator.world import Checkout, World

APP_SECRET = "an-app-secret-of-nobodys-shop"  # noqa: S105 - of a shop that is not there
ADDRESS_KEY = "an-address-that-nobody-guesses"
SHOP_ID = "210042"
_NAMES = {"app_secret": APP_SECRET, "address_key": ADDRESS_KEY, "api_key": API_KEY, "api_secret": API_SECRET}


class Lightspeed(Platform):
    """A shop at Lightspeed with an API key of its own."""

    name: ClassVar[str] = "lightspeed"
    asks_back: ClassVar[bool] = True
    registered: ClassVar[frozenset[str]] = frozenset(
        """quotes/created quotes/updated orders/created orders/updated orders/paid orders/shipped customers/created
        customers/deleted subscriptions/created subscriptions/deleted variants/updated""".split()
    )
    tells_once: ClassVar[frozenset[str]] = frozenset(["stock", "stranger"])
    """Of strangers' carts the page tells."""

    @property
    def settings(self) -> Mapping[str, str]:
        return {name: f"env:{_variable(name)}" for name in _NAMES} | {"shop_id": SHOP_ID, "script_key": DEMO_KEY}

    @property
    def environment(self) -> Mapping[str, str]:
        return {_variable(name): value for name, value in _NAMES.items()}

    def cart_in_browser(self, checkout: Checkout) -> Mapping[str, object]:
        name = bodies.recovery_hash(checkout)
        return {"id": name, "refs": [f"lightspeed:cart:{name}"]}

    def deliveries(self, happening: Happening, world: World) -> list[Delivery]:
        told = _TOLD[happening.kind](happening, world) if happening.kind in _TOLD else []
        return [_signed(topic, f"{about}:{happening.number}", body) for topic, about, body in told]

    def api(self, world: World) -> Flask:
        return create_api(world, self.hooks, self.clock)


def _variable(name: str) -> str:
    return f"LIGHTSPEED_{name.upper()}"


def _cart(happening: Happening, world: World) -> Told:
    checkout = world.checkout(happening.shopper)
    assert checkout is not None
    topic = "quotes/created" if world.is_new(happening) else "quotes/updated"
    return [(topic, "checkout" if checkout.contact_left else "stranger", bodies.quote(checkout))]


def _contact(happening: Happening, world: World) -> Told:
    shopper, at = happening.shopper, happening.at
    who: Told = [("customers/created", "checkout", bodies.customer(shopper, at)), *_cart(happening, world)]
    newsletter: Told = [("subscriptions/created", "consent", bodies.subscription(shopper, at))]
    return who + (newsletter if shopper.consents else [])


def _withdrawn(happening: Happening, world: World) -> Told:
    return [("subscriptions/deleted", "consent", bodies.subscription(happening.shopper, happening.at))]


def _erasure(happening: Happening, world: World) -> Told:
    return [("customers/deleted", "erasure", bodies.customer(happening.shopper, happening.at))]


_TOLD: Mapping[Kind, Teller] = {
    Kind.CART_CHANGED: _cart,
    Kind.CHECKOUT_BEGAN: _cart,
    Kind.CONTACT_LEFT: _contact,
    Kind.SHIPPING_CHOSEN: _cart,
    Kind.CART_EMPTIED: _cart,
    # The cart is told once more.
    Kind.ORDERED: together(of_order(bodies.order, "orders/created"), _cart),
    Kind.PAID: of_order(bodies.order, "orders/paid", "orders/updated"),
    Kind.SHIPPED: of_order(bodies.order, "orders/shipped", "orders/updated"),
    Kind.DELIVERED: of_order(bodies.order, "orders/updated"),
    Kind.STOCKED: of_stock("variants/updated", bodies.variant),
    Kind.CONSENT_WITHDRAWN: _withdrawn,
    Kind.ERASURE_ASKED: _erasure,
}


def _signed(topic: str, about: str, thing: Json) -> Delivery:
    kind = topic.partition("/")[0].removesuffix("s")
    # As PHP writes it: slashes and all letters beyond ASCII are escaped.
    body = json.dumps({kind: thing}, separators=(",", ":")).replace("/", "\\/").encode()
    signature = hashlib.md5(body + APP_SECRET.encode(), usedforsecurity=False).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature, "X-Shop-Id": SHOP_ID}
    return Delivery(topic, about, body, headers)
