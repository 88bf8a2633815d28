"""Shopify's side: webhooks of the 2026-07 API, and the GraphQL API with its points and its tokens.

Bodies have the fields and the quirks of recorded ones (tests/fixtures/integrations/shopify): an address that is not
there yet is a list, money is text, offsets differ within one body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

import msgspec
from flask import Flask

from engine.clock import to_iso
from simulator.browser import DEMO_KEY
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Manners, Platform
from simulator.platforms.shopify import bodies
from simulator.platforms.shopify.api import create_api
from simulator.platforms.shopify.bodies import CLIENT_ID, SECRET, SHOP, Json
from simulator.subscriptions import Hook, forgets_after
from simulator.telling import Teller, Told, of_checkout, of_order, of_stock, together
from simulator.world import Checkout, World

_PIXEL = frozenset([Kind.LOOKED, Kind.CART_CHANGED, Kind.CHECKOUT_BEGAN, Kind.SHIPPING_CHOSEN])
"""A pixel sees the checkout, and no address in it without scopes of its own."""


class Shopify(Platform):
    """A shop on Shopify, with an app from the Dev Dashboard."""

    name: ClassVar[str] = "shopify"
    manners: ClassVar[Manners] = Manners(fails=forgets_after(8))
    browser_tells: ClassVar[frozenset[Kind]] = _PIXEL
    registered: ClassVar[frozenset[str]] = frozenset(
        """carts/create carts/update checkouts/create checkouts/update orders/create orders/paid orders/updated
        orders/fulfilled fulfillments/create fulfillment_events/create inventory_levels/update
        customers_email_marketing_consent/update""".split()
    )
    mails_itself: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "shop": SHOP,
            "client_id": CLIENT_ID,
            "client_secret": "env:SHOPIFY_CLIENT_SECRET",
            "pixel_key": DEMO_KEY,
        }

    @property
    def environment(self) -> Mapping[str, str]:
        return {"SHOPIFY_CLIENT_SECRET": SECRET}

    def cart_in_browser(self, checkout: Checkout) -> Mapping[str, object]:
        token = bodies.cart_token(checkout)
        # The storefront says `token?key=…`; the snippet tells the token alone.
        return {"id": token, "refs": [f"shopify:cart:{token}"]}

    def deliveries(self, happening: Happening, world: World) -> list[Delivery]:
        told = _TOLD[happening.kind](happening, world) if happening.kind in _TOLD else []
        return [_signed(happening, topic, f"{about}:{happening.number}", body) for topic, about, body in told]

    def sent_by(self, hook: Hook, delivery: Delivery) -> Delivery | None:
        """Only the fields that were asked for, and only where the filter finds what it looks for."""
        body: Json = msgspec.json.decode(delivery.body)
        wanted = [term.split(":", 1) for term in hook.only.split(" OR ") if term]
        if wanted and not any(str(body.get(name)) == value for name, value in wanted):
            return None
        some = msgspec.json.encode({name: value for name, value in body.items() if name in hook.fields})
        headers = {**delivery.headers, "X-Shopify-Hmac-Sha256": _signature(some)}
        return replace(delivery, body=some, headers=headers, hook=hook)

    def api(self, world: World) -> Flask:
        return create_api(world, self.hooks, self.clock)


def _cart(happening: Happening, world: World) -> Told:
    topic = "carts/create" if world.is_new(happening) else "carts/update"
    return of_checkout(bodies.cart, topic)(happening, world)


_changed = of_checkout(bodies.checkout, "checkouts/update")


def _withdrawn(happening: Happening, world: World) -> Told:
    topic = "customers_email_marketing_consent/update"
    return [(topic, "consent", bodies.consent(happening.shopper, happening.at))]


def _erasure(happening: Happening, world: World) -> Told:
    return [("customers/redact", "erasure", bodies.redact(happening.shopper))]


_TOLD: Mapping[Kind, Teller] = {
    Kind.CART_CHANGED: _cart,
    Kind.CHECKOUT_BEGAN: of_checkout(bodies.checkout, "checkouts/create"),
    Kind.CONTACT_LEFT: _changed,
    Kind.SHIPPING_CHOSEN: _changed,
    Kind.CART_EMPTIED: together(_cart, _changed),
    # The checkout is told once more, as completed.
    Kind.ORDERED: together(of_order(bodies.order, "orders/create"), _changed),
    Kind.PAID: of_order(bodies.order, "orders/paid", "orders/updated"),
    Kind.SHIPPED: together(
        of_order(bodies.fulfillment, "fulfillments/create"), of_order(bodies.order, "orders/fulfilled")
    ),
    Kind.DELIVERED: of_order(bodies.shipment, "fulfillment_events/create"),
    Kind.STOCKED: of_stock("inventory_levels/update", bodies.level),
    Kind.CONSENT_WITHDRAWN: _withdrawn,
    Kind.ERASURE_ASKED: _erasure,
}


def _signed(happening: Happening, topic: str, about: str, told: Json) -> Delivery:
    body = msgspec.json.encode(told)
    action = f"{about}/{happening.at}"
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": _signature(body),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-API-Version": "2026-07",
        "X-Shopify-Webhook-Id": str(uuid5(NAMESPACE_URL, f"{topic}/{action}")),
        "X-Shopify-Event-Id": str(uuid5(NAMESPACE_URL, action)),
        "X-Shopify-Triggered-At": to_iso(happening.at),
    }
    return Delivery(topic, about, body, headers)


def _signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
