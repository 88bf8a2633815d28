"""A delivery is known by the HMAC of its raw bytes under the app's client secret, and by nothing else: the headers that
name shop, topic and delivery are not signed. So the shop has an address of its own, a body must be of the kind that its
topic promises, and the same content counts once whatever id it comes under. While a secret is replaced, Shopify signs
with the old one for up to an hour: put that one into `previous_secret`. Both styles of headers are understood,
`X-Shopify-…` and the newer `Shopify-…`.

**Its topics.** The three mandatory ones (`customers/data_request`, `customers/redact`, `shop/redact`) stand in the
app's `shopify.app.toml`; `shopbell connect shopify` registers all others, each with the fields that are read of it.
Without `client_id` name those in `shopify.app.toml` too; in both places does no harm. Deliveries that the admin's
Notifications page sends for a try are signed with another secret and are refused.

**Webhooks that Shopify drops.** After eight failures in a row it deletes one that was made through its API, and tells
the app's owner by mail only. The clock asks every hour which are there and makes the missing ones anew. A topic that
the app has no right to, or that its API version does not know, is refused by name in the log and keeps no other away.
The inputs `uri`, `includeFields` and `filter` are those of 2026-07; none of it was tried on a live shop. The settings
of the app's web pixel are seen to in the same way, with `pixel_key`: what Shopify answers where there are none yet is
known from others' code.

**An older app.** With an `admin_token`, of an app that was made in the shop's admin before 2026, the API is asked all
that it is with a `client_id`.

**What a webhook missed.** With `client_id` the API is asked every ten minutes for orders, abandoned checkouts,
customers and products that have changed, at the pace the shop's points allow, and for fewer at once where a page costs
too much; the token is asked for with the client credentials and renewed. It begins with the newest when it is first
connected.
Abandoned checkouts need the permission `manage_abandoned_checkouts`. They tell no shipping line: where prices hold
their taxes it is what the total has beyond the goods. Of customers only a consent that was given or withdrawn since the
last question is read (WhatsApp's is not told there), of products their stock. None of this was tried on a live shop.

**The last look.** Before a mail about a cart leaves, the API is asked, with `client_id` and version 2026-07 or later,
whether an order came from its checkout or cart, whether the abandoned checkout was completed, and whether Shopify has
sent its own recovery mail about it; then ours does not leave. Without `manage_abandoned_checkouts` only orders are
looked for. That the filters `checkout_token`, `cart_token` and `email_state` do as Shopify's reference says was not
tried on a live shop; what they find is checked against the order and the checkout itself. An order that waits for its
payment is asked for too, before somebody is reminded of it; it can be paid at its status page, as far as Shopify takes
payments there.

**Whose cart it is.** The script for the shop's pages writes the visitor into the cart's attributes, once something is
in it: POST `{"attributes": {"_shopbell_visitor": "<visitor>"}}` to `/cart/update.js`. Checkouts and orders bring it
back as `note_attributes`. Without it a checkout is still one story with its order, and one person with whoever has its
address.

**Stock.** `products/update` tells each variant's stock over all locations. `inventory_levels/update` tells one location
of an inventory item that it does not explain, so the API is asked which variant that is and what its locations come to
(where there are many, Shopify's own sum), as it asks for the variants beyond the first hundred; many that changed are
asked for at once. What is answered is true at that moment, in whatever order the webhooks came. A variant that goes on
selling without stock, or is not tracked, tells nothing.

**Who is deleted in the shop** is forgotten here too: after five minutes Shopify is asked whether there really is no
such customer any more. Without anything to ask with, its signed word counts. Of two accounts that the shop merges one
is deleted; whoever it was becomes one person here with whoever had the other (scope `read_customer_merge`), and is not
erased. That `customers/delete` comes with a merge as well, and which of the two comes first, is written nowhere.

**Through the shop's own address.** The app proxy passes on what pages send to `/apps/shopbell` and signs the address it
passes it to: no key, no origin, no third party; who is logged in comes signed as well.

**Versions.** Bodies of every API version from 2023-07 to 2026-07 are read: a test takes the examples and thousands of
bodies that the collected schemas allow, and none may be anything but read or refused by name. `customers/create` and
`customers/update` say nothing of consent in newer versions, so they are not registered; older subscriptions of them are
still read.

**Good to know.** A checkout's amounts are read in the shopper's currency, as its bodies suggest; that was not tried on
a shop with two currencies. Cart webhooks come from themes only and name nobody. Consent to text messages and WhatsApp
is kept as a proof; nothing is sent that way. Bodies of the new "Events" (topics such as `Product` with an action, in
preview) are acknowledged and counted as unknown: what they will say was not found. A body about one customer erases no
shop, whatever topic stands over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from engine.errors import BadSignature, UnknownTopic
from engine.integration import (
    Asker,
    Call,
    CartNow,
    Delivery,
    FirstParty,
    Looker,
    News,
    OrderLooker,
    OrderNow,
    Page,
    RawRequest,
    Receiver,
    Settings,
    Storefront,
    Subscriber,
    Subscription,
    Vouched,
    is_signed,
    json_object,
    secret,
    setting,
)
from integrations.shopify import backfill, goods, hooks, look, people, pixel, proxy
from integrations.shopify.api import Api
from integrations.shopify.topics import REQUESTS, TOPICS

_HINTS = frozenset(["api-version", "event-id", "triggered-at"])
_USUAL_NAME = "env:SHOPIFY_CLIENT_SECRET"


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
    pixel_key: Annotated[
        str, setting("the shop's public key; with it, the app's web pixel is given its settings", pattern=r"pk_[\w-]+")
    ] = ""
    admin_token: Annotated[
        str, secret("the lasting token of an app made in the shop's admin before 2026, instead of a client id")
    ] = ""

    @property
    def may_ask(self) -> bool:
        """Whether there is anything to ask Shopify's API with."""
        return bool(self.client_id or self.admin_token)


class Shopify(
    Receiver[ShopifySettings],
    Asker[ShopifySettings],
    Looker[ShopifySettings],
    OrderLooker[ShopifySettings],
    Subscriber[ShopifySettings],
    Storefront[ShopifySettings],
    FirstParty[ShopifySettings],
):
    """A Shopify shop: its carts, checkouts, orders, deliveries, stock and consents, as they happen."""

    title: ClassVar[str] = "Shopify"
    settings_type = ShopifySettings
    polls: ClassVar[Mapping[str, int]] = dict.fromkeys(backfill.QUERIES, 600_000)
    together: ClassVar[Mapping[str, int]] = goods.TOGETHER
    topics: ClassVar[Mapping[str, str]] = {name: topic.becomes for name, topic in TOPICS.items()}
    on_pages: ClassVar[Mapping[str, str]] = {
        "the cart becomes another, by whatever theme or app": "`cart_updated`, in the shopper's currency",
        "the shopper agrees, and something is in the cart": "the visitor's name, in the cart's attributes",
        "the shopper answers Shopify's consent banner": "the same consent here, where the tag asks for it",
        "a mail's link brings a cart back": "what is missing is added to the cart",
    }

    def __init__(self, settings: ShopifySettings) -> None:
        super().__init__(settings)
        told = settings
        self._api = Api(told.shop, told.client_id, told.client_secret, told.api_version, told.admin_token)

    @property
    def lacks(self) -> str:
        return "" if self.settings.may_ask else "client_id"

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """A page of orders, abandoned checkouts or variants; nothing where there is nothing to ask with."""
        kind, _, number = what.partition(":")
        if kind == people.GONE:
            return people.ask_whether_gone(self._api if self.settings.may_ask else None, number, cursor, call)
        if not self.settings.may_ask:
            return Page(News(), cursor)
        if kind in goods.LOOK_UPS:
            return goods.ask(self._api, what, cursor, call)
        return backfill.ask(self._api, what, cursor, call) if what in backfill.QUERIES else Page(News(), cursor)

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """The first page of the variants of each; nothing where there is nothing to ask with."""
        if not self.settings.may_ask:
            return dict.fromkeys(whats, Page(News()))
        return goods.ask_together(self._api, whats, call)

    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """Whether Shopify knows an order for it, or has mailed about it; None without anything to ask with."""
        told = self.settings
        return look.look(self._api, refs, call) if told.may_ask and told.api_version >= look.SINCE else None

    def look_at_order(self, refs: tuple[str, ...], call: Call) -> OrderNow | None:
        """Whether Shopify waits for its payment; None without anything to ask with."""
        return look.look_at_order(self._api, refs, call) if self.settings.may_ask else None

    def wanted(self, address: str) -> tuple[Subscription, ...]:
        """Every topic, with the fields that are read of it, and the pixel; nothing without anything to ask with."""
        told = self.settings
        own = (pixel.wanted(address, told.pixel_key),) if told.pixel_key else ()
        return (*hooks.wanted(address), *own) if told.may_ask else ()

    def standing(self, call: Call) -> tuple[Subscription, ...]:
        """What the app has registered in this shop."""
        return hooks.standing(self._api, call) + (pixel.standing(self._api, call) if self.settings.pixel_key else ())

    def make(self, wanted: Subscription, call: Call) -> None:
        """Register it."""
        (pixel if wanted.topic == pixel.TOPIC else hooks).make(self._api, wanted, call)

    def mend(self, standing: Subscription, wanted: Subscription, call: Call) -> None:
        """Have it sent as it should be."""
        (pixel if wanted.topic == pixel.TOPIC else hooks).mend(self._api, standing.id, wanted, call)

    def remove(self, standing: Subscription, call: Call) -> None:
        """Have it sent no more."""
        hooks.remove(self._api, standing.id, call)

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
        return Delivery(topic, request.body, told.get("webhook-id", ""), hints, once=topic not in REQUESTS)

    def vouch(self, request: RawRequest, now: int) -> Vouched:
        """What the app proxy says of who asks. Raises BadSignature."""
        secrets = (self.settings.client_secret, self.settings.previous_secret)
        return proxy.vouch(request.query_string, self.settings.shop, secrets, now)

    def read(self, delivery: Delivery) -> News:
        """What it says; see :attr:`topics`."""
        topic = TOPICS.get(delivery.topic)
        if topic is None:
            raise UnknownTopic(delivery.topic)
        body = json_object(delivery.body)
        if delivery.topic in REQUESTS and people.is_elsewhere(body, self.settings.shop):
            return News()
        return topic.read(body)


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """What Shopify's headers say, by their names without ``x-shopify-`` or ``shopify-``."""
    named = ((name.removeprefix("x-"), value) for name, value in headers.items())
    return {name.removeprefix("shopify-"): value for name, value in named if name.startswith("shopify-")}
