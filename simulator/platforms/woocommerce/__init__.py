"""WooCommerce's side: signed webhooks about orders and accounts, and the REST API. Of carts it tells nobody.

The shop's pages do, by the script that Shopbell brings: what is in the cart, the checkout, what shipping costs, and on
the page that thanks the order with its key. No delivery is tried a second time; what was missed is only in the API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from flask import Flask

from engine.clock import MINUTE, SECOND
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Manners, Platform
from simulator.platforms.woocommerce import bodies
from simulator.platforms.woocommerce.api import HOST, KEY, SECRET, create_api
from simulator.platforms.woocommerce.bodies import CONSENT, Json
from simulator.subscriptions import Hook, switches_off_after
from simulator.telling import Teller, Told, of_order, of_stock
from simulator.world import Checkout, Order, World

WEBHOOK_SECRET = "a-webhook-secret-of-nobodys-shop"  # noqa: S105 - of a shop that is not there
_NAMES = {"consumer_key": KEY, "consumer_secret": SECRET, "webhook_secret": WEBHOOK_SECRET}


class WooCommerce(Platform):
    """A WooCommerce shop with a plugin for its newsletter."""

    name: ClassVar[str] = "woocommerce"
    manners: ClassVar[Manners] = Manners(soon=(10 * SECOND, 20 * MINUTE), again_after=(), fails=switches_off_after(5))
    registered: ClassVar[frozenset[str]] = frozenset(
        ["order.created", "order.updated", "customer.updated", "product.updated"]
    )
    browser_tells: ClassVar[frozenset[Kind]] = frozenset(
        [
            Kind.LOOKED,
            Kind.CART_CHANGED,
            Kind.CHECKOUT_BEGAN,
            Kind.CONTACT_LEFT,
            Kind.SHIPPING_CHOSEN,
            Kind.CART_EMPTIED,
            Kind.ORDERED,
        ]
    )
    hears_carts: ClassVar[bool] = False

    @property
    def settings(self) -> Mapping[str, str]:
        secrets = {name: f"env:{_variable(name)}" for name in _NAMES}
        return secrets | {"site": f"https://{HOST}", "consent_meta": CONSENT, "delivered_statuses": bodies.DELIVERED}

    @property
    def environment(self) -> Mapping[str, str]:
        return {_variable(name): value for name, value in _NAMES.items()}

    def cart_in_browser(self, checkout: Checkout) -> Mapping[str, object]:
        """A cart has no name there."""
        return {"id": None}

    def thanks_in_browser(self, order: Order) -> Mapping[str, object]:
        """The number and the key stand in the address of the page."""
        refs = [f"woocommerce:checkout:{bodies.order_key(order.checkout)}"]
        return {**super().thanks_in_browser(order), "refs": refs}

    def deliveries(self, happening: Happening, world: World) -> list[Delivery]:
        told = _TOLD[happening.kind](happening, world) if happening.kind in _TOLD else []
        return [_signed(happening, *each) for each in told]

    def repeated(self, delivery: Delivery) -> Delivery:
        """Each try has an id of its own."""
        name = uuid5(NAMESPACE_URL, delivery.headers["X-WC-Webhook-Delivery-ID"]).hex
        return replace(delivery, headers={**delivery.headers, "X-WC-Webhook-Delivery-ID": name})

    def sent_by(self, hook: Hook, delivery: Delivery) -> Delivery | None:
        """It says which webhook it is."""
        return replace(delivery, headers={**delivery.headers, "X-WC-Webhook-ID": str(hook.number)}, hook=hook)

    def api(self, world: World) -> Flask:
        return create_api(world, self.hooks)


def _variable(name: str) -> str:
    return f"WOOCOMMERCE_{name.upper()}"


def _order(topic: str) -> Teller:
    """With what its shopper allows now."""
    return lambda happening, world: of_order(lambda order: bodies.order(order, world), topic)(happening, world)


def _account(happening: Happening, world: World) -> Told:
    return [("customer.updated", "consent", bodies.customer(happening.shopper, world, happening.at))]


_TOLD: Mapping[Kind, Teller] = {
    Kind.ORDERED: _order("order.created"),
    Kind.PAID: _order("order.updated"),
    Kind.SHIPPED: _order("order.updated"),
    Kind.DELIVERED: _order("order.updated"),
    Kind.STOCKED: of_stock("product.updated", bodies.product),
    Kind.CONSENT_WITHDRAWN: _account,
}


def _signed(happening: Happening, topic: str, about: str, thing: Json) -> Delivery:
    # As PHP writes it: slashes and all letters beyond ASCII are escaped.
    body = json.dumps(thing, separators=(",", ":")).replace("/", "\\/").encode()
    signature = base64.b64encode(hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"https://{HOST}/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-Delivery-ID": uuid5(NAMESPACE_URL, f"woocommerce {topic} {happening.number} {happening.at}").hex,
    }
    return Delivery(topic, f"{about}:{happening.number}", body, headers)
