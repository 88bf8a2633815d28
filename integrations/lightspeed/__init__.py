"""A delivery is known by the MD5 of its raw bytes followed by the app's secret, which is how Lightspeed signs; bytes
that were decoded and encoded again (PHP writes `\\/` and `\\u00e9`) no longer fit. Such a signature has no time and no
id in it, and the same secret signs for every shop that has the app. So a delivery says only what its own body says and
counts once by its content, an address of yours may carry a key that nobody else knows (`address_key`), and a delivery
that names another shop (`X-Shop-Id`) is refused once `shop_id` is given.

**Registering.** A webhook is made for each topic, with the topic in its address because no header that tells it is
documented, and the storefront script is put on the shop's pages (`shop/scripts`) where `script_key` is given. A second
one of its own is removed, one that was switched off is switched on again. Key and secret travel in a header, never in
an address, and stand in no log.

**With an API key webhooks are only hints.** The signature is weak, so what could lead to a message is read again from
the API before it counts: carts, whose they are, who subscribed, what an order still lacks, stock. What only stops
messages counts at once: an order, its payment, its cancellation, a newsletter that ends. A moment before a mail about a
cart leaves, the API is asked whether it was ordered, and before one that asks to pay an order, whether it was paid,
cancelled or deleted. Without a key webhooks are believed as they come, and what they leave out is not known: use that
to try things out.

**The calls.** A key has 300 calls in five minutes, 3,000 in an hour and 12,000 in a day, or as many as its answers say
(`X-RateLimit-*`, and `account/ratelimit` every quarter of an hour). They are counted in SQL over all processes and
restarts. The last look before a mail may use them all; carts of known customers, orders and subscriptions nine tenths;
carts of strangers seven; stock six; what a missed webhook would have told, five. Whatever finds none waits until there
are some, and ten changes of a cart meanwhile are one question. A cart costs a call each for itself, its products, its
ways of shipping and its customer, and for each name of a product that was not seen before. When much of the stock
changes at once, it is read from the list of variants, 250 in a call, for at most a fifth of what asking for each would
cost; what is not on the list is asked for alone.

**Carts.** A quote links to its products, its ways of shipping and its customer; the API is asked for each. From the
ways of shipping comes the value from which the cart ships for free (`freeAbove` of the chosen one, else the lowest of
those that cost something; 1,000,000 means never): `gap_to_free_shipping` and `{gap}` use it before the shop's own
`free_shipping_from`. A page that knows its quote's `recoveryHash` tells it as `refs: ["lightspeed:cart:<hash>"]`: then
the page's cart and the quote's shipping cost are one story. An order names the quote that it came from, and holds it:
that ends the cart although no webhook ever told of the quote. Products are called as the quote's own language has them,
else as `language` does.

**The way back.** A mail's link leads to the shop's `cart_url`. Lightspeed gives every cart a `recoveryHash`; what the
address looks like that opens a cart by it is not documented. Once you have seen yours, say it as `recovery_url`, with
`{hash}` in it: then the link leads there. The address is made when somebody follows the link, and stands nowhere.

**Two ways to leave.** A cart that is left is `cart_abandoned`. An order that waits for its payment
(`processing_awaiting_payment`) ends that, and is an `unpaid_order` until `orders/paid`; one to be paid on delivery or
by an invoice afterwards is not, nor one that is on hold, or waits to be sent or fetched. Where an unpaid order can be
paid no body tells: a mail leads to the shop's own `pay_url`.

**Leave to mail** is a confirmed newsletter, or its box ticked in the checkout (`newsletterSubscribed`). What a quote's
`allowNotifications` stands for is not documented: it is no leave, unless you know your shop's box and say
`cart_consent: true`.

**Whoever is deleted in the shop is deleted here,** as soon as the API confirms that the customer is gone; so is whoever
is known by that customer's address alone, unless another customer has it. Of what bodies hold and nobody asked for
nothing is kept: addresses of machines (`remoteIp`), browsers, postal addresses, telephone numbers. A body that nobody
could read waits whole in `shopbell quarantine`.

**Not asked for.** Invoices, shipments, products, reviews and returns tell nothing that leads to a message here, or in
bodies that are not documented; nor do ways to pay and `checkouts`. That a cart or an order was deleted the last look
finds.

**Not verified on a live shop.** Whether quotes come with their products and what lists of a quote are called (any name
is taken), that a `deleted` delivery holds what was deleted, whether the secret of a key that is no app's signs as well,
that a line's price is for one, that `freeAbove` counts tax, what `updated_at_min` may look like (the API's own form is
sent), in which order lists come (either will do), whether customers can be listed by `email` (whoever is listed is
compared), whether a webhook that is registered in one language tells of orders in another, whether a quote is there
after it was ordered (one that is gone is not mailed about), whether pages can read the cart or its `recoveryHash`, and
how often and for how long Lightspeed tries again: it is answered as soon as what it said is on disk, and the lists tell
what it gave up. No delivery has a documented id: should your shop send one, name its header as `delivery_id_header`.
Amounts are in the shop's currency: no body tells one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import ClassVar

from engine.errors import BadSignature, UnknownTopic
from engine.http import Answered
from engine.integration import (
    Allowed,
    Asker,
    Call,
    CartNow,
    Delivery,
    Json,
    Looker,
    Metered,
    News,
    OrderLooker,
    OrderNow,
    Page,
    RawRequest,
    Receiver,
    Restorer,
    Storefront,
    Subscriber,
    Subscription,
    WireEvent,
    json_object,
)
from integrations.lightspeed import api, backfill, goods, lastlook, lookups, orders, people, quotes, webhooks
from integrations.lightspeed.body import CART, thing
from integrations.lightspeed.settings import LightspeedSettings

_EVENTS: Mapping[str, Callable[[Json], list[WireEvent]]] = {
    "quotes/created": quotes.from_quote,
    "quotes/updated": quotes.from_quote,
    "orders/created": orders.from_order,
    "orders/updated": orders.from_order,
    "orders/paid": orders.from_order,
    "orders/shipped": orders.from_order,
    "customers/created": people.from_customer,
    "customers/updated": people.from_customer,
    "customers/deleted": lambda body: [],
    "subscriptions/created": people.from_subscription(ended=False),
    "subscriptions/updated": people.from_subscription(ended=False),
    "subscriptions/deleted": people.from_subscription(ended=True),
    "variants/created": goods.from_variant,
    "variants/updated": goods.from_variant,
}
_AT_ONCE: Mapping[str, Callable[[Json], list[WireEvent]]] = {
    "order": orders.from_announced_order,
    "subscriptions/deleted": people.from_subscription(ended=True),
}
"""What is believed although it is read again, or gone: it only ever stops a message."""
_LIMITS = "limits"
_MINUTE = 60_000
_HINTS = {"x-shop-id": "shop-id", "x-language": "language"}


class Lightspeed(
    Receiver[LightspeedSettings],
    Asker[LightspeedSettings],
    Metered[LightspeedSettings],
    Looker[LightspeedSettings],
    OrderLooker[LightspeedSettings],
    Subscriber[LightspeedSettings],
    Restorer[LightspeedSettings],
    Storefront[LightspeedSettings],
):
    """A Lightspeed eCom shop (C-Series): its quotes, orders, customers, newsletter and stock, as they change."""

    title: ClassVar[str] = "Lightspeed eCom (C-Series)"
    settings_type = LightspeedSettings
    tells_free_shipping: ClassVar[bool] = True
    allowance: ClassVar[Mapping[int, int]] = api.ALLOWANCE
    polls: ClassVar[Mapping[str, int]] = {
        "orders": 10 * _MINUTE,
        "quotes": 60 * _MINUTE,
        "subscriptions": 60 * _MINUTE,
        _LIMITS: 15 * _MINUTE,
    }
    together: ClassVar[Mapping[str, int]] = lookups.TOGETHER
    on_pages: ClassVar[Mapping[str, str]] = {"a page is opened": "the storefront script is loaded, with the shop's key"}
    renewed_every: ClassVar[int] = 60 * _MINUTE
    topics: ClassVar[Mapping[str, str]] = {
        "quotes/created": "`shipping_shown`, `contact_given` with the customer's number; `cart_updated` when it holds "
        "its products or is empty",
        "quotes/updated": "the same",
        "orders/created": "`order_placed`, paid or not, which ends every recovery; and what has become of the order",
        "orders/updated": "the same, with `order_cancelled`, `order_delivered` when it was picked up",
        "orders/paid": "the same, with `order_paid`",
        "orders/shipped": "the same, with `order_shipped`",
        "customers/created": "`contact_given`: whose number it is; no consent",
        "customers/updated": "the same",
        "customers/deleted": "the person is erased, once the API says that they are gone; nothing without an API key",
        "subscriptions/created": "`consent_changed` once it is confirmed",
        "subscriptions/updated": "the same",
        "subscriptions/deleted": "`consent_changed`: no more mail",
        "variants/created": "`stock_changed`, where its stock is tracked and it has a code",
        "variants/updated": "the same",
    }

    def __init__(self, settings: LightspeedSettings) -> None:
        super().__init__(settings)
        self._api = api.Api(settings)
        self._look_ups = lookups.LookUps(self._api)

    # --- webhooks -----------------------------------------------------------------------------------------------------

    def admit(self, request: RawRequest) -> Delivery:
        """The delivery of this shop. Raises BadSignature."""
        told = self.settings
        if not _is_signed(request, told.app_secret, told.previous_secret):
            raise BadSignature("the body was not signed with this app's secret")
        if told.address_key and not _is_same(request.query.get("key", ""), told.address_key):
            raise BadSignature("its address has not this shop's key")
        if told.shop_id and request.headers.get("x-shop-id", told.shop_id) != told.shop_id:
            raise BadSignature("it is for another shop")
        hints = {ours: request.headers[theirs] for theirs, ours in _HINTS.items() if theirs in request.headers}
        name = request.headers.get(told.delivery_id_header, "") if told.delivery_id_header else ""
        return Delivery(request.query.get("topic", ""), request.body, name, hints)

    def read(self, delivery: Delivery) -> News:
        """Events, see :attr:`topics`; where there is an API to ask, what has to be looked up instead."""
        if delivery.topic not in self.topics:
            raise UnknownTopic(delivery.topic)
        body = json_object(delivery.body)
        kind = delivery.topic.partition("/")[0].removesuffix("s")
        if delivery.topic == "customers/deleted":
            hint = lookups.gone_hint(thing(body, kind, "id"))
            return News(look_ups=(hint,) if self.settings.asks else ())
        told = tuple(_EVENTS[delivery.topic](body))
        if not self.settings.asks:
            return News(events=told)
        # Read whole although little of it is used: what cannot be read is set aside.
        stops = _AT_ONCE.get(delivery.topic) or _AT_ONCE.get(kind)
        is_gone = delivery.topic.endswith("/deleted")
        look_ups = () if is_gone else lookups.hints(kind, thing(body, kind))
        return News(events=tuple(stops(body)) if stops else (), look_ups=look_ups)

    # --- the API ------------------------------------------------------------------------------------------------------

    @property
    def account(self) -> str:
        return self._api.account

    def share(self, what: str) -> float:
        """What somebody waits for goes before what webhooks hint at, and that before last week's orders."""
        return lookups.share_of(what)

    def allowed(self, answered: Answered) -> Allowed:
        """How many calls the key still has."""
        return api.allowed(answered)

    @property
    def lacks(self) -> str:
        return "" if self.settings.asks else "api_key with api_secret or shop_token"

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """A page of what has changed, how many calls are left, or one thing again; nothing without an API key."""
        if not self.settings.asks:
            return Page(News(), cursor)
        if what == _LIMITS:
            self._api.one(call, "account/ratelimit", "accountRatelimit")
            return Page(News())
        if what in backfill.PAGES:
            return backfill.ask(self._api, what, cursor, call)
        return Page(self._look_ups.look_up(what, call))

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """Variants of which much has changed at once."""
        found = self._look_ups.ask_together(whats, call) if self.settings.asks else {}
        return {what: Page(news) for what, news in found.items()}

    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """Whether the cart was ordered; None without an API key, and for carts that Lightspeed does not know."""
        return lastlook.look(self._api, refs, call) if self.settings.asks else None

    def look_at_order(self, refs: tuple[str, ...], call: Call) -> OrderNow | None:
        """Whether the order waits for its payment still; None without an API key."""
        return lastlook.look_at_order(self._api, refs, call) if self.settings.asks else None

    def cart_address(self, refs: tuple[str, ...]) -> str:
        """The shop's own recovery address, where the shop has said what it looks like."""
        names = (ref.removeprefix(CART) for ref in refs if ref.startswith(CART))
        opens = next((name for name in names if name.isalnum() and not name.isdigit()), "")
        return self.settings.recovery_url.replace("{hash}", opens) if opens else ""

    def wanted(self, address: str) -> tuple[Subscription, ...]:
        """Every topic, and the script; nothing without an API key."""
        return webhooks.wanted(list(self.topics), address, self.settings) if self.settings.asks else ()

    def standing(self, call: Call) -> tuple[Subscription, ...]:
        """What is registered with Lightspeed."""
        return webhooks.standing(self._api, call, scripts=bool(self.settings.script_key))

    def make(self, wanted: Subscription, call: Call) -> None:
        webhooks.make(self._api, wanted, call)

    def mend(self, standing: Subscription, wanted: Subscription, call: Call) -> None:
        webhooks.mend(self._api, standing, wanted, call)

    def remove(self, standing: Subscription, call: Call) -> None:
        webhooks.remove(self._api, standing, call)


def _is_signed(request: RawRequest, *secrets: str) -> bool:
    """All secrets are looked at, so that the time taken tells nothing; an empty one never fits."""
    told = request.headers.get("x-signature", "")
    return sum(_is_same(told, _digest(request.body, each)) for each in secrets if each) > 0


def _digest(body: bytes, key: str) -> str:
    # The platform's choice, and no good one: what limits the harm stands at the top of this file.
    return hashlib.md5(body + key.encode(), usedforsecurity=False).hexdigest()


def _is_same(told: str, right: str) -> bool:
    return hmac.compare_digest(told.encode(errors="replace"), right.encode())
