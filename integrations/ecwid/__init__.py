"""Ecwid signs a moment and an id, and not the body around them. So nothing in a body is believed: each delivery says
only where to look, and what is true is asked of the API with the store's own token. A delivery without a good
signature is refused, whatever its body; each id counts once, for thirty days; one that is older than two days is
acknowledged and counted as `stale`, because Ecwid itself would not send it any more. The name of the event stands in
the address, too; where the two differ the delivery is refused. Both spellings of names are known, such as
`personalDataRemovalRequest` and `personal_data_removal_request`.

**What people ask.** Whom the shop deletes is forgotten here once the API has them no longer. A request to remove a
customer's data is carried out for the number that it names, and for the address that the API has for it; where Ecwid
has removed them already, for whom that number belongs to here. A request to export it waits in `shopbell privacy`. That
a request itself is real cannot be looked up: whoever got hold of a delivery before it reached Shopbell could have a
customer forgotten here, but never read about or mailed. A request to remove the whole store is carried out when
Shopbell's access has been gone for a day.

**The last look.** Before a mail about a cart leaves, the API is asked for the cart: ordered, hidden, gone, or mailed
about by Ecwid itself, nothing is sent. Before a mail that asks to pay an order, the order is asked for: unless it still
is `AWAITING_PAYMENT`, nothing is sent. An order that is paid at the door or by an invoice is called so, too: one that
lies ready or is on its way is not taken for unpaid, and for the others name those ways to pay under `paid_later`. Where
an unpaid order can be paid no API tells: the mail leads to the shop's own `pay_url`.

**On the page** an order ends its story at once, under the number by which the API knows it (`vendorNumber`), however
slow the API is. A mail's link puts into the cart what is missing, with its options. A file that was uploaded, a price
that the shopper chose and how often a subscription comes are not in a cart as it is told: such things come back
without, or not at all where the product asks for them.

**Many changes at once.** Webhooks that come in numbers, as when a shop counts its stock anew, become one question for a
hundred products. What is asked keeps to 600 calls in a minute over all processes: a mail's last look may use them all,
what a webhook named nine tenths, the lists six. Orders and people are asked for one by one.

**Not verified.** None of this was tried on a live store. Not documented, or not found, are: whether Ecwid's own mail
moves a cart's `updateTimestamp` (so carts of the last three days are looked at again), whether an order tells its
`cartId` (it is read where it is there; else a cart finds its order by `recoveredOrderId`), whether an extra field set
after the page has loaded reaches the order, whether the page's `shipping` holds its taxes, whether rates hold their
taxes (they do where `pricesIncludeTax` says so, or where the rate is higher than `shippingRateWithoutTax`; else
`taxesOnShipping` are added), whether several ticked boxes come back from their one text (they are tried as it, then as
a list), and what address opens a cart again: our own link in the mail leads to the shop's `cart_url`, where the script
for its pages fills the cart. Amounts have no currency in Ecwid's API: they are read in the shop's own. Of what its API
knows and nobody asked for nothing is kept: addresses of machines, postal addresses, telephone numbers, what a visit
came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from engine.http import Answered
from engine.integration import (
    LAST_LOOK,
    Allowed,
    Asker,
    Call,
    CartNow,
    Delivery,
    Looker,
    Metered,
    News,
    OrderLooker,
    OrderNow,
    Page,
    RawRequest,
    Receiver,
    Settings,
    Storefront,
    secret,
    setting,
    wall_clock,
)
from integrations.ecwid import hook, told
from integrations.ecwid.api import Api, wait_ms
from integrations.ecwid.asking import POLLS, TOGETHER, Questions

_MINUTE_MS = 60_000
_USUAL_SECRET, _USUAL_TOKEN = "env:ECWID_CLIENT_SECRET", "env:ECWID_TOKEN"


class EcwidSettings(Settings, frozen=True):
    store_id: Annotated[
        str, setting("the store's number, which Ecwid's admin shows at its bottom", pattern=r"[1-9]\d*")
    ]
    client_secret: Annotated[str, secret("the app's client secret, which signs every webhook")] = _USUAL_SECRET
    token: Annotated[str, secret("the app's secret token, with which the API is asked")] = _USUAL_TOKEN
    previous_secret: Annotated[str, secret("the client secret that is being replaced")] = ""
    wait_minutes: Annotated[
        int, setting("for how many minutes a cart is given time to become an order; Ecwid advises 5 to 10", ge=0, le=60)
    ] = 5
    paid_later: Annotated[
        str,
        setting(
            "the ways to pay, as shoppers read them and with commas between, that are paid on delivery or afterwards: "
            "who has chosen one is not reminded to pay"
        ),
    ] = ""

    @property
    def later(self) -> frozenset[str]:
        """The same in small letters."""
        return frozenset(way.strip().casefold() for way in self.paid_later.split(",") if way.strip())


class Ecwid(
    Receiver[EcwidSettings],
    Asker[EcwidSettings],
    Looker[EcwidSettings],
    OrderLooker[EcwidSettings],
    Storefront[EcwidSettings],
    Metered[EcwidSettings],
):
    """A Lightspeed eCom shop of the E-Series, or any other Ecwid store: its carts, orders, customers and stock."""

    title: ClassVar[str] = "Lightspeed eCom (E-Series), Ecwid"
    settings_type = EcwidSettings
    on_pages: ClassVar[Mapping[str, str]] = {
        "the cart becomes another": "`cart_updated`, under the name that the API has for it",
        "a page of the checkout is shown": "`checkout_started`",
        "a way of shipping is chosen": "`shipping_shown`, with what Ecwid calculates",
        "an order is placed": "`order_placed`, with the name of its cart",
        "the shopper agrees, and something is in the cart": "the visitor's name, in an extra field of the order",
        "the shopper answers Ecwid's cookie banner": "the same consent here, where the tag asks for it",
        "a mail's link brings a cart back": "what is missing is added, with its options",
    }
    signs_body: ClassVar[bool] = False
    tries_for: ClassVar[int] = hook.TRIES_FOR_MS
    largest_body: ClassVar[int] = 64 * 1024
    polls: ClassVar[Mapping[str, int]] = POLLS
    together: ClassVar[Mapping[str, int]] = TOGETHER
    allowance: ClassVar[Mapping[int, int]] = {_MINUTE_MS: 600}
    topics: ClassVar[Mapping[str, str]] = {
        "order.created": "a look at the order: `order_placed`, which ends every recovery, and what became of it",
        "order.updated": "the same, with `order_paid`, `order_shipped`, `order_delivered`, `order_cancelled`, "
        "`order_refunded`, `order_returned`",
        "unfinished_order.created": "after some minutes a look at the cart: `checkout_started`, `cart_updated`, "
        "`shipping_shown`, `contact_given`, `reminder_sent`; emptied once it is an order",
        "unfinished_order.updated": "the same",
        "unfinished_order.deleted": "the same",
        "product.created": "a look at the product: `stock_changed` for each variation with an SKU, or for it all",
        "product.updated": "the same",
        "customer.created": "a look at the customer: `contact_given`, `consent_changed`",
        "customer.updated": "the same",
        "customer.deleted": "the customer is erased, once the API says that they are gone",
        "customer.personalDataRemovalRequest": "the customer is erased",
        "customer.personalDataExportRequest": "an export that waits in `shopbell privacy`",
        "profile.personalDataRemovalRequest": "everything about everybody in the shop is erased once access is gone",
        "application.uninstalled": "a look at whether access is gone, which is told in the log",
        "application.subscriptionStatusChanged": "the same",
        "profile.subscriptionStatusChanged": "the same",
    }

    def __init__(self, settings: EcwidSettings) -> None:
        super().__init__(settings)
        api = Api(settings.store_id, settings.token)
        self._questions = Questions(api, settings.wait_minutes * _MINUTE_MS, lambda: wall_clock() // 1_000)

    def admit(self, request: RawRequest) -> Delivery:
        """The delivery of this store. Raises BadSignature."""
        return hook.admit(request, self.settings.store_id, self.settings.client_secret, self.settings.previous_secret)

    def read(self, delivery: Delivery) -> News:
        """Of a webhook where to look, for nobody has signed what it says; of what the API told all of it."""
        if told.is_told(delivery):
            return told.read(delivery, self.settings.later)
        return News(look_ups=(hook.look_up(delivery),))

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """One page of carts or orders, or the one thing that a webhook named."""
        return self._questions.ask(what, cursor, call)

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """Products, many at once."""
        return self._questions.ask_together(whats, call)

    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """Whether it was ordered, and whether Ecwid has mailed about it."""
        return self._questions.look(refs, call)

    def look_at_order(self, refs: tuple[str, ...], call: Call) -> OrderNow | None:
        """Whether an order waits for its payment still."""
        return self._questions.look_at_order(refs, self.settings.later, call)

    # --- at its pace --------------------------------------------------------------------------------------------------

    @property
    def account(self) -> str:
        return self.settings.store_id

    def share(self, what: str) -> float:
        """A mail that is about to leave goes first, then what a webhook named, then the lists."""
        return 1.0 if what == LAST_LOOK else 0.6 if what in POLLS else 0.9

    def allowed(self, answered: Answered) -> Allowed:
        return Allowed(rest_ms=wait_ms(answered)) if answered.status == 429 else Allowed()
