"""A delivery is known by the HMAC of its raw bytes under the app's client secret, and by nothing else: the headers that
name shop, topic and delivery are not signed. So the shop has an address of its own, a body must be of the kind that its
topic promises, and the same content counts once whatever id it comes under. While a secret is replaced, Shopify signs
with the old one for up to an hour: put that one into `previous_secret`. Both styles of headers are understood,
`X-Shopify-…` and the newer `Shopify-…`.

**Setting it up.** Make an app in Shopify's Dev Dashboard, with `read_orders`, `read_fulfillments`, `read_products` and
`read_customers`, and protected customer data for the address. Name the topics above in its `shopify.app.toml`, with
`https://<your Shopbell>/hooks/shopify/<shop.id>` as their address, the three mandatory ones under `compliance_topics`.
Put the client secret into the environment as `SHOPIFY_CLIENT_SECRET`. Deliveries that the admin's Notifications page
sends for a try are signed with another secret and are refused.

**What a webhook missed.** With `client_id` the API is asked every ten minutes for orders and abandoned checkouts that
have changed, at the pace the shop's points allow; the token is asked for with the client credentials and renewed. It
begins with the newest when it is first connected. Abandoned checkouts need the permission `manage_abandoned_checkouts`.
They tell no shipping line: where prices hold their taxes it is what the total has beyond the goods. None of this was
tried on a live shop.

**The last look.** Before a mail about a cart leaves, the API is asked, with `client_id` and version 2026-07 or later,
whether an order came from its checkout or cart, whether the abandoned checkout was completed, and whether Shopify has
sent its own recovery mail about it; then ours does not leave. Without `manage_abandoned_checkouts` only orders are
looked for. That the filters `checkout_token`, `cart_token` and `email_state` do as Shopify's reference says was not
tried on a live shop; what they find is checked against the order and the checkout itself.

**Whose cart it is.** Let the shop's page write the visitor into the cart's attributes once something is in it: POST
`{"attributes": {"_shopbell_visitor": "<visitor>"}}` to `/cart/update.js`. Checkouts and orders bring it back as
`note_attributes`. Without it a checkout is still one story with its order, and one person with whoever has its address.

**Good to know.** A checkout's amounts are read in the shopper's currency, as its bodies suggest; that was not tried on
a shop with two currencies. Cart webhooks come from themes only and name nobody. A product's stock is that of
`products/update`; changes of a single location are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

from engine.errors import BadSignature, Throttled, UnknownTopic
from engine.integration import (
    Asker,
    Call,
    CartNow,
    Delivery,
    FirstParty,
    Looker,
    News,
    Page,
    RawRequest,
    Receiver,
    Settings,
    Storefront,
    Vouched,
    WireEvent,
    is_signed,
    json_object,
    secret,
    setting,
)
from integrations.shopify import checkouts, goods, look, orders, people, proxy
from integrations.shopify.api import Api
from integrations.shopify.backfill import QUERIES, Place, events_in
from integrations.shopify.body import Json, group, require

_EVENTS: Mapping[str, Callable[[Json], list[WireEvent]]] = {
    "carts/create": checkouts.from_cart,
    "carts/update": checkouts.from_cart,
    "checkouts/create": checkouts.from_checkout,
    "checkouts/update": checkouts.from_checkout,
    "checkouts/delete": checkouts.from_deleted_checkout,
    "orders/create": orders.from_order,
    "orders/paid": orders.from_order,
    "orders/updated": orders.from_order,
    "orders/cancelled": orders.from_order,
    "orders/fulfilled": orders.from_order,
    "refunds/create": orders.from_refund,
    "fulfillments/create": orders.from_fulfillment,
    "fulfillments/update": orders.from_fulfillment,
    "fulfillment_events/create": orders.from_shipment,
    "products/update": goods.from_product,
    "customers/create": people.from_customer,
    "customers/update": people.from_customer,
    "customers_email_marketing_consent/update": people.from_email_consent,
    "customers_marketing_consent/update": people.from_sms_consent,
}
_HINTS = frozenset(["api-version", "event-id", "triggered-at"])
_USUAL_NAME = "env:SHOPIFY_CLIENT_SECRET"
_REQUESTS = frozenset(["customers/data_request", "customers/redact", "shop/redact"])


class ShopifySettings(Settings, frozen=True):
    shop: Annotated[
        str, setting("the shop's own domain, such as name.myshopify.com", pattern=r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
    ]
    client_secret: Annotated[str, secret("the app's client secret, which signs every webhook")] = _USUAL_NAME
    client_id: Annotated[str, setting("the app's client id; with it, what a webhook missed is looked up")] = ""
    api_version: Annotated[str, setting("the version of the API that is asked", pattern=r"20\d\d-(01|04|07|10)")] = (
        "2026-07"
    )
    previous_secret: Annotated[str, secret("the client secret that is being replaced")] = ""


class Shopify(
    Receiver[ShopifySettings],
    Asker[ShopifySettings],
    Looker[ShopifySettings],
    Storefront[ShopifySettings],
    FirstParty[ShopifySettings],
):
    """A Shopify shop: its carts, checkouts, orders, deliveries, stock and consents, as they happen."""

    title: ClassVar[str] = "Shopify"
    settings_type = ShopifySettings
    polls: ClassVar[Mapping[str, int]] = {"orders": 600_000, "abandonedCheckouts": 600_000}
    topics: ClassVar[Mapping[str, str]] = {
        "carts/create": "`cart_updated`, of themes; names nobody",
        "carts/update": "`cart_updated`, of themes; names nobody",
        "checkouts/create": "`checkout_started`, `cart_updated`, `shipping_shown`, `contact_given`",
        "checkouts/update": "the same; nothing once it is completed",
        "checkouts/delete": "`checkout_deleted`, which changes nothing",
        "orders/create": "`order_placed`, which ends every recovery; and what the order says has become of it",
        "orders/paid": "the same, with `order_paid`",
        "orders/updated": "the same",
        "orders/cancelled": "the same, with `order_cancelled`",
        "orders/fulfilled": "the same, with `order_shipped`",
        "refunds/create": "`order_refunded`, `order_returned` when goods came back",
        "fulfillments/create": "`order_shipped`",
        "fulfillments/update": "`order_shipped`, `order_delivered`",
        "fulfillment_events/create": "`order_shipped`, `order_delivered`",
        "products/update": "`stock_changed` for each variant with an SKU, or the only one",
        "customers/create": "`consent_changed`, where the API version tells consent",
        "customers/update": "`consent_changed`, where the API version tells consent",
        "customers_email_marketing_consent/update": "`consent_changed`",
        "customers_marketing_consent/update": "`consent_changed`, for text messages",
        "customers/data_request": "an export that waits in `shopbell privacy`",
        "customers/redact": "the person and the named orders are erased",
        "shop/redact": "everything about everybody in the shop is erased",
        "app/uninstalled": "told in the log; nothing more comes",
    }

    on_pages: ClassVar[Mapping[str, str]] = {
        "the cart becomes another, by whatever theme or app": "`cart_updated`, in the shopper's currency",
        "the shopper agrees, and something is in the cart": "the visitor's name, in the cart's attributes",
        "the shopper answers Shopify's consent banner": "the same consent here, where the tag asks for it",
        "a mail's link brings a cart back": "what is missing is added to the cart",
    }

    def __init__(self, settings: ShopifySettings) -> None:
        super().__init__(settings)
        self._api = Api(settings.shop, settings.client_id, settings.client_secret, settings.api_version)

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """One page of orders or abandoned checkouts; nothing where no client id was given."""
        query, place = QUERIES.get(what), Place.of(cursor)
        if query is None or not self.settings.client_id:
            return Page(News(), cursor)
        try:
            data, wait_ms = self._api.query(call, query, place.variables)
        except Throttled as throttled:
            return Page(News(), cursor, throttled.wait_ms)
        page = group(data, what)
        further, more = place.past(page)
        return Page(News(events=events_in(what, page)), str(further), wait_ms if more else None)

    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """Whether Shopify knows an order for it, or has mailed about it; None without a client id."""
        told = self.settings
        return look.look(self._api, refs, call) if told.client_id and told.api_version >= look.SINCE else None

    def admit(self, request: RawRequest) -> Delivery:
        """The delivery of this shop. Raises BadSignature."""
        told = _told(request.headers)
        secrets = (self.settings.client_secret, self.settings.previous_secret)
        if not is_signed(request.body, told.get("hmac-sha256", ""), *secrets):
            raise BadSignature("the body was not signed with this app's secret")
        if told.get("shop-domain", self.settings.shop).casefold() != self.settings.shop.casefold():
            raise BadSignature("it is for another shop")
        topic = told.get("topic", "")
        hints = {name: value for name, value in told.items() if name in _HINTS}
        return Delivery(topic, request.body, told.get("webhook-id", ""), hints, once=topic not in _REQUESTS)

    def vouch(self, request: RawRequest, now: int) -> Vouched:
        """What the app proxy says of who asks. Raises BadSignature."""
        secrets = (self.settings.client_secret, self.settings.previous_secret)
        return proxy.vouch(request.query_string, self.settings.shop, secrets, now)

    def read(self, delivery: Delivery) -> News:
        """Events and requests; see :attr:`topics`."""
        if delivery.topic not in self.topics:
            raise UnknownTopic(delivery.topic)
        body = json_object(delivery.body)
        if delivery.topic in _REQUESTS:
            return people.from_request(delivery.topic, body, self.settings.shop)
        if delivery.topic == "app/uninstalled":
            require(body, "id", "domain")
            return News(disconnected=True)
        return News(events=tuple(_EVENTS[delivery.topic](body)))


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """What Shopify's headers say, by their names without ``x-shopify-`` or ``shopify-``."""
    named = ((name.removeprefix("x-"), value) for name, value in headers.items())
    return {name.removeprefix("shopify-"): value for name, value in named if name.startswith("shopify-")}
