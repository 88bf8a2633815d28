"""A delivery is known by the MD5 of its raw bytes followed by the app's secret, which is how Lightspeed signs; bytes
that were decoded and encoded again (PHP writes `\\/` and `\\u00e9`) no longer fit. Such a signature has no time and no
id in it, and the same secret signs for every shop that has the app. So a delivery says only what its own body says and
counts once by its content, an address of yours may carry a key that nobody else knows (`address_key`), and a delivery
that names another shop (`X-Shop-Id`) is refused once `shop_id` is given.

**Setting it up.** Register a webhook for each topic above, once: Lightspeed takes a second one beside the first. The
topic stands in the address, because no header that tells it is documented. In a shop that is hosted in the United
States the API is at `api.shoplightspeed.com`.

```sh
curl -u "$LIGHTSPEED_KEY:$LIGHTSPEED_SECRET" https://api.webshopapp.com/nl/webhooks.json \\
  -d 'webhook[isActive]=true' -d 'webhook[format]=json' -d 'webhook[language]=nl' \\
  -d 'webhook[itemGroup]=orders' -d 'webhook[itemAction]=created' \\
  --data-urlencode "webhook[address]=https://$SHOPBELL/hooks/lightspeed/$SHOP?topic=orders/created&key=$ADDRESS_KEY"
```

Put the app's secret into the environment as `LIGHTSPEED_APP_SECRET`.

**What a delivery leaves out.** A quote links to its products and to its customer. Its products are read where the
delivery holds them; otherwise the cart's lines come from the page (`cart_updated`, see the events). A quote gives the
customer's number, and `customers/*` the address that belongs to it; should the quote come first, and the address be
known already from the newsletter, then number and address stay two people, and nobody is mailed. A page that knows its
quote's `recoveryHash` tells it as `refs: ["lightspeed:cart:<hash>"]`: then the page's cart and the quote's shipping
cost are one story. An order names the quote that it came from.

**Two ways to leave.** A cart that is left is `cart_abandoned`. An order that waits for its payment
(`processing_awaiting_payment`) ends that, and is an `unpaid_order` until `orders/paid`; one to be paid on delivery or
by an invoice afterwards is not.

**Not verified on a live shop.** Whether quotes come with their products, that a `deleted` delivery holds what was
deleted, whether the secret of a key that is no app's signs as well, that a line's price is for one, whether pages can
read the `recoveryHash`, and how often and for how long Lightspeed tries again. Amounts are in the shop's currency: no
body tells one. `allowNotifications` is not taken for consent. Lightspeed's own recovery link is not used, because what
it looks like is not documented.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

from engine.errors import BadSignature, UnknownTopic
from engine.integration import Delivery, News, RawRequest, Receiver, Settings, WireEvent, json_object, secret, setting
from integrations.lightspeed import goods, orders, people, quotes
from integrations.lightspeed.body import Json

_EVENTS: Mapping[str, Callable[[Json], list[WireEvent]]] = {
    "quotes/created": quotes.from_quote,
    "quotes/updated": quotes.from_quote,
    "orders/created": orders.from_order,
    "orders/updated": orders.from_order,
    "orders/paid": orders.from_order,
    "orders/shipped": orders.from_order,
    "customers/created": people.from_customer,
    "customers/updated": people.from_customer,
    "subscriptions/created": people.from_subscription(ended=False),
    "subscriptions/updated": people.from_subscription(ended=False),
    "subscriptions/deleted": people.from_subscription(ended=True),
    "variants/created": goods.from_variant,
    "variants/updated": goods.from_variant,
}
_HINTS = {"x-shop-id": "shop-id", "x-language": "language"}
_USUAL_NAME = "env:LIGHTSPEED_APP_SECRET"


class LightspeedSettings(Settings, frozen=True):
    app_secret: Annotated[str, secret("the app's secret, which signs every webhook")] = _USUAL_NAME
    previous_secret: Annotated[str, secret("the app's secret that is being replaced")] = ""
    address_key: Annotated[str, secret("what the webhooks' address must carry as key=…, so that nobody guesses it")] = (
        ""
    )
    shop_id: Annotated[
        str, setting("the shop's number at Lightspeed; deliveries of others are refused", pattern=r"\d+")
    ] = ""


class Lightspeed(Receiver[LightspeedSettings]):
    """A Lightspeed eCom shop (C-Series): its quotes, orders, customers, newsletter and stock, as they change."""

    title: ClassVar[str] = "Lightspeed eCom (C-Series)"
    settings_type = LightspeedSettings
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
        "subscriptions/created": "`consent_changed` once it is confirmed",
        "subscriptions/updated": "the same",
        "subscriptions/deleted": "`consent_changed`: no more mail",
        "variants/created": "`stock_changed`, where its stock is tracked and it has a code",
        "variants/updated": "the same",
    }

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
        return Delivery(request.query.get("topic", ""), request.body, hints=hints)

    def read(self, delivery: Delivery) -> News:
        """Events; see :attr:`topics`."""
        if delivery.topic not in self.topics:
            raise UnknownTopic(delivery.topic)
        return News(events=tuple(_EVENTS[delivery.topic](json_object(delivery.body))))


def _is_signed(request: RawRequest, *secrets: str) -> bool:
    """All secrets are looked at, so that the time taken tells nothing; an empty one never fits."""
    told = request.headers.get("x-signature", "")
    return sum(_is_same(told, _digest(request.body, each)) for each in secrets if each) > 0


def _digest(body: bytes, key: str) -> str:
    # The platform's choice, and no good one: what limits the harm stands at the top of this file.
    return hashlib.md5(body + key.encode(), usedforsecurity=False).hexdigest()


def _is_same(told: str, right: str) -> bool:
    return hmac.compare_digest(told.encode(errors="replace"), right.encode())
