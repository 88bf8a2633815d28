"""A delivery is known by the HMAC of its raw bytes under the webhook's secret, and by nothing else: the headers that
name shop, topic and delivery are not signed. So a body must be of the kind that its topic promises, and the same
content counts once under whatever id it comes; WooCommerce makes a new id for each try. The unsigned `webhook_id=7`
that a shop sends when a webhook is saved is answered with 200, and changes nothing.

**By hand.** Without a key of the REST API webhooks are made by hand: under Advanced, Webhooks, one for each topic
above, active, with the API version WP REST API v3, the same secret in all of them, and the delivery address
`https://<your Shopbell>/hooks/woocommerce/<shop.id>`, saved by a user who may see orders. While the secret is replaced,
webhook by webhook, the old one stands in `previous_secret`. The key goes in the `Authorization` header, never in an
address. A host that drops this header (some with PHP behind CGI do) answers 401; then `key_in: address` has every
address signed instead (OAuth 1.0a), and the key's secret still goes nowhere.

**What a webhook missed.** WooCommerce tries no delivery twice and switches a webhook off after more than five failures
in a row. With a key both are mended: every hour webhooks that are missing or disabled are made or switched on again,
and the log says so; one that somebody paused is left alone. Every ten minutes the orders that have changed are asked
for, from an hour before the latest change that was seen; it begins with the newest when it is first connected. Every
half hour the same is done with products, whose stock may have changed, and with the variations of those that have any.
What cannot be read waits in quarantine like a webhook, and holds up nothing else. The API cannot tell which accounts
have changed; with `consent_meta` all of them are read every six hours, a hundred a minute. All that needs WooCommerce
5.8 or later and pretty permalinks.

**Carts come from the page.** WooCommerce tells nobody of a cart, but every shop answers its own pages: the Store API
has what is in the cart, as the shop shows its prices, and what shipping costs with its tax. So a script on the page is
enough, in classic themes and in blocks, and no plugin is needed. The page that thanks has the order's number and key in
its address (`key=wc_order_…`): the script tells both at once, so that no reminder overtakes the order (webhooks run on
WordPress' own clock, often ten minutes late and sometimes two hours), and by the key the webhook finds the visitor.
Who never comes to that page is known by the address of the order, or by the visitor's name that the shop notes with
the order under `visitor_meta`. The script does not read addresses: a shop that may write to somebody says so with
`shopbell("identify", …)`.

**The last look.** Before a mail about a cart leaves, the shop is asked, with a key, for orders of that address since
the cart was last touched, in whatever status. If there is one, nothing is sent. Before a mail that asks to pay an
order, the shop is asked for that very order: paid, cancelled, refunded or gone, nothing is sent. The mail leads to the
shop's own page for paying it (`payment_url`); an order on hold has none, because WooCommerce takes no payment for it.
Where stock is counted WooCommerce cancels an unpaid order by itself after an hour (Products, Inventory, Hold stock), so
such a mail has to go sooner. Its page may ask a guest for the address of the order before it shows anything.

**What its statuses say.** An order counts from `pending` on and ends the recovery of its cart; in `pending`,
`failed` and `on-hold` it waits for its payment, until WooCommerce notes when it was paid. `checkout-draft`, which
the block checkout makes as soon as it is opened, is no order. WooCommerce has no status for what was sent:
`completed` is taken for it, and a plugin's own are named in `shipped_statuses` and `delivered_statuses`.

**What was deleted.** The body of `order.deleted` and `customer.deleted` is a bare number, and no signature ties it to
its topic. So the shop is asked: an order that is gone or in the bin is cancelled, and whose account is gone is
forgotten here too. Without a key neither happens.

**What it does not do.** WooCommerce sends nothing of what people ask, to see what is known of them or to have it
erased: that is done by hand, with `shopbell erase`. An order that the shop has made anonymous is nobody's from then on;
that alone forgets nobody, because shops do it to old orders of customers they still have.

**Not verified on a live shop.** None of this was tried on one. How a shop shows prices, in which meta key a plugin
notes consent, and that a tick reads `1`, `yes`, `true` or `on`, differ from shop to shop and are said in the
settings. Bodies have no language, and those of products no currency: the shop's own is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import ClassVar

from engine.errors import BadSignature, UnknownTopic, Unreadable
from engine.integration import (
    Asker,
    BuyerLooker,
    Call,
    CartNow,
    Delivery,
    Json,
    News,
    OrderLooker,
    OrderNow,
    Page,
    RawRequest,
    Receiver,
    Storefront,
    Subscriber,
    Subscription,
    WireEvent,
    is_signed,
    json_object,
)
from integrations.woocommerce import goods, look, lookups, orders, people, webhooks
from integrations.woocommerce.api import Api, items
from integrations.woocommerce.backfill import Place, accounts_after
from integrations.woocommerce.body import require
from integrations.woocommerce.told import WooCommerceSettings

_PREFIX = "x-wc-webhook-"
_HINTS = frozenset(["source", "id"])
_PING = re.compile(rb"webhook_id=\d{1,20}")


_MISSED = {"orders": "order.updated", "products": "product.updated"}
"""As what is read that was asked for: the API tells it exactly as this webhook does."""
_WITHOUT_USE = frozenset(["product.deleted"])
_OF_CONSENT = frozenset(["customer.created", "customer.updated"])


class WooCommerce(
    Receiver[WooCommerceSettings],
    Asker[WooCommerceSettings],
    Subscriber[WooCommerceSettings],
    BuyerLooker[WooCommerceSettings],
    OrderLooker[WooCommerceSettings],
    Storefront[WooCommerceSettings],
):
    """A WooCommerce shop: its carts and orders and what becomes of them, its stock, and what its customers allow."""

    title: ClassVar[str] = "WooCommerce"
    settings_type = WooCommerceSettings
    polls: ClassVar[Mapping[str, int]] = {"orders": 600_000, "products": 1_800_000, "customers": 21_600_000}
    on_pages: ClassVar[Mapping[str, str]] = {
        "the cart becomes another, by whatever theme, block or plugin": "`cart_updated`, with what shipping would cost",
        "the checkout is opened": "`checkout_started`",
        "shipping is chosen there": "`shipping_shown`, with its tax",
        "the shop thanks for an order": "`order_placed`, with the key by which its webhook finds the visitor",
        "a mail's link brings a cart back": "what is missing is added to the cart",
    }
    topics: ClassVar[Mapping[str, str]] = {
        "order.created": "`order_placed`, which ends every recovery; and what the order says has become of it",
        "order.updated": "the same, with `order_updated` while it waits for its payment, `order_paid`, "
        "`order_shipped`, `order_delivered`, `order_cancelled`, "
        "`order_refunded`",
        "order.restored": "the same",
        "order.deleted": "`order_cancelled`, once the shop says that it has the order no longer, or in its bin",
        "customer.created": "`consent_changed`, where `consent_meta` is given",
        "customer.updated": "`consent_changed`, where `consent_meta` is given",
        "customer.deleted": "an erasure, once the shop says that it has no such customer",
        "product.created": "`stock_changed`, where stock is counted or sold out",
        "product.updated": "`stock_changed`, also of a variation with an SKU",
        "product.restored": "the same",
        "product.deleted": "nothing: its body is a bare number",
    }

    def __init__(self, settings: WooCommerceSettings) -> None:
        super().__init__(settings)
        key = settings.consumer_key, settings.consumer_secret
        self._api = Api(settings.site, *key, signs_address=settings.key_in == "address")

    def admit(self, request: RawRequest) -> Delivery | None:
        """The delivery; None for the knock of a webhook that was saved. Raises BadSignature."""
        told = _told(request.headers)
        if "signature" not in told and _PING.fullmatch(request.body):
            return None
        if not is_signed(request.body, told.get("signature", ""), *self._secrets()):
            raise BadSignature("the body was not signed with this shop's secret")
        hints = {name: value for name, value in told.items() if name in _HINTS}
        return Delivery(told.get("topic", ""), request.body, told.get("delivery-id", ""), hints)

    def _secrets(self) -> list[str]:
        """WordPress keeps a secret as HTML (``&amp;``) and signs with what it stands for; either may be told here."""
        secrets = (self.settings.webhook_secret, self.settings.previous_secret)
        return [form for secret in secrets for form in (secret, unescape(secret))]

    def read(self, delivery: Delivery) -> News:
        """Events; see :attr:`topics`."""
        if delivery.topic not in self.topics:
            raise UnknownTopic(delivery.topic)
        body = json_object(delivery.body)
        resource, _, event = delivery.topic.partition(".")
        if event == "deleted":
            return News(look_ups=lookups.of_deleted(resource, _number_alone(body)))
        return News(events=tuple(self._events(resource, body)))

    @property
    def lacks(self) -> str:
        return "" if self._api.is_open else "consumer_key"

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """One page of what has changed, of accounts, or of what is looked up; nothing where no key was given."""
        if not self._api.is_open:
            return Page(News(), cursor)
        if what == "customers":
            return accounts_after(self._api, cursor, call) if self.settings.consent_meta else Page(News())
        return self._changed(what, cursor, call) if what in _MISSED else lookups.ask(self._api, what, cursor, call)

    def _changed(self, what: str, cursor: str, call: Call) -> Page:
        place = Place.of(cursor)
        body = self._api.get(call, what, place.query)
        further, more = place.past(body)
        found = items(body)
        hints = lookups.of_products(found) if what == "products" else ()
        told = tuple(Delivery(_MISSED[what], each, once=False) for each in found)
        return Page(News(look_ups=hints), str(further), 0 if more else None, told)

    def look_for(self, email: str, since: int, call: Call) -> CartNow | None:
        """Whether this address has ordered since; None where no key was given."""
        return look.look_for(self._api, email, since, call) if self._api.is_open else None

    def look_at_order(self, refs: tuple[str, ...], call: Call) -> OrderNow | None:
        """Whether the order was paid or cancelled; None where no key was given."""
        return look.look_at_order(self._api, refs, call) if self._api.is_open else None

    def wanted(self, address: str) -> tuple[Subscription, ...]:
        """A webhook for each topic that becomes something here."""
        silent = _WITHOUT_USE if self.settings.consent_meta else _WITHOUT_USE | _OF_CONSENT
        topics = [topic for topic in self.topics if topic not in silent]
        return tuple(Subscription(topic, address) for topic in topics) if self._api.is_open else ()

    def standing(self, call: Call) -> tuple[Subscription, ...]:
        """All webhooks of the shop."""
        return webhooks.standing(self._api, call)

    def make(self, wanted: Subscription, call: Call) -> None:
        """A new webhook, with the secret that the settings name."""
        webhooks.make(self._api, wanted, self.settings.webhook_secret, call)

    def mend(self, standing: Subscription, wanted: Subscription, call: Call) -> None:
        """Make it what it should be, and switch it on."""
        webhooks.mend(self._api, standing, wanted, self.settings.webhook_secret, call)

    def remove(self, standing: Subscription, call: Call) -> None:
        """Delete it."""
        self._api.delete(call, f"webhooks/{standing.id}")

    def _events(self, resource: str, body: Json) -> list[WireEvent]:
        if resource == "order":
            return orders.from_order(body, self.settings)
        return people.from_customer(body, self.settings) if resource == "customer" else goods.from_product(body)


def _number_alone(body: Json) -> Json:
    """The body of something that was deleted. Raises Unreadable for one of something that is there."""
    require(body, "id")
    if len(body) > 1:
        raise Unreadable("it is about something that is there")
    return body


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """What WooCommerce's headers say, by their names without ``x-wc-webhook-``."""
    return {name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)}
