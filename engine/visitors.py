"""What is known about one visitor, and how each event changes it.

:func:`apply` is pure: a visitor and an event in, the same visitor changed, no clock and no I/O. The whole state is one
compact row, so it holds what rules ask about and nothing else; the events themselves are kept beside it.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from engine.clock import DAY, MINUTE, Millis
from engine.events import Cart, Event, Order

SESSION_GAP: Millis = 30 * MINUTE
MAX_TABS = 8
MAX_TIMES = 20
MAX_TALLIES = 60
MAX_CONTACTS = 40
MAX_OCCASIONS = 8
MAX_ORDERS = 8
MAX_ITEMS = 100


OWN_CART = "own-"
"""Begins the id of a cart for which the shop told none."""


class Stage(IntEnum):
    """How far a cart has come; a cart never goes back."""

    BROWSE = 0
    CART = 1
    CHECKOUT = 2
    SHIPPING = 3
    PAYMENT = 4


class _Compact(msgspec.Struct, omit_defaults=True):
    """State that is stored: default values take no room."""


class View(_Compact):
    """What one tab shows. ``engaged_ms`` grows only on evidence from the page."""

    url: str = ""
    type: str = "other"
    opened_at: Millis = 0
    seen_at: Millis = 0
    engaged_ms: Millis = 0
    stretch_ms: Millis = 0
    """Engaged time on the pages of the same type directly before this one."""
    hidden: bool = False


class Session(_Compact):
    number: int = 0
    started_at: Millis = 0
    pages: int = 0
    engaged_ms: dict[str, Millis] = {}
    """Engaged time by page type."""


class Item(_Compact):
    """A cart line as rules see it; the full line with its picture is in the carts table."""

    key: str = ""
    sku: str = ""
    product_id: str = ""
    category: str = ""
    brand: str = ""
    quantity: int = 1
    value: int = 0
    """The whole line's price in minor units."""


class Basket(_Compact):
    """The visitor's open cart. Amounts in minor units of ``currency``."""

    id: str
    opened_at: Millis
    progressed_at: Millis
    currency: str = "EUR"
    total: int = 0
    items: list[Item] = []
    stage: Stage = Stage.CART
    coupon: str = ""
    shipping_expected: int | None = None
    """The highest shipping cost told before the checkout's shipping step; None when nothing was said."""
    shipping_first: int | None = None
    shipping_now: int | None = None
    shipping_at: Millis | None = None
    """When a shipping cost was first shown at the checkout."""


class Closed(_Compact):
    """The cart that was last ordered, to recognise late echoes of it."""

    id: str = ""
    ordered_at: Millis = 0
    contents: str = ""


class Tally(_Compact):
    """How often something happened: the count over all time and the latest moments."""

    count: int = 0
    times: list[Millis] = []


class Contact(_Compact):
    """A message that was decided for this visitor or person; limits count these."""

    at: Millis
    kind: str
    rule: str
    session: int = 0


class Run(_Compact):
    """A rule that fired and is on its way through its steps."""

    decision: str
    occasion: str
    hash: str
    started_at: Millis
    step: int
    wake_at: Millis
    cart: str | None = None
    variant: str = ""


class Offer(_Compact):
    """An on-page message that was decided and not yet reported as shown; ``body`` is the JSON for the page."""

    id: str
    rule: str
    expires_at: Millis
    body: bytes = b"null"


class Visitor(_Compact):
    first_seen_at: Millis = 0
    seen_at: Millis = 0
    """The last sign of life from the shopper's own browser."""
    session: Session = msgspec.field(default_factory=Session)
    tabs: dict[str, View] = {}
    language: str = ""
    country: str = ""
    vouched: bool = False
    """Whether the shop's server said whose browser this is; an address typed here proves nothing."""
    analytics: bool | None = None
    marketing: bool | None = None
    basket: Basket | None = None
    closed: Closed | None = None
    ordered_at: Millis | None = None
    orders: int = 0
    order_ids: list[str] = []
    """The latest orders: the shop's page and the shop's server both report the same one."""
    emptied_at: Millis | None = None
    tallies: dict[str, Tally] = {}
    chatting_since: Millis | None = None
    accepted_at: Millis | None = None
    dismissed_at: Millis | None = None
    runs: dict[str, Run] = {}
    done: dict[str, list[str]] = {}
    """Per rule the occasions that are settled (fired, or silent for good)."""
    held: dict[str, str] = {}
    """Per rule the hold that was recorded last, so that the same silence is written down once."""
    contacts: list[Contact] = []
    offers: list[Offer] = []
    time_zone: str = ""
    tags: list[str] = []
    shown: list[str] = []
    """Ids of the messages last reported as shown, so that a second report counts nothing."""

    @property
    def view(self) -> View | None:
        """The tab that gave a sign of life last."""
        return max(self.tabs.values(), key=lambda view: view.seen_at, default=None)


def contents_of(cart: Cart) -> str:
    """What is in the cart, as text: equal carts give equal texts."""
    return "|".join(sorted(f"{line.key}×{line.quantity}" for line in cart.lines[:MAX_ITEMS]))[:500]


def contents_in(basket: Basket) -> str:
    """The same for the cart as rules see it."""
    return "|".join(sorted(f"{item.key}×{item.quantity}" for item in basket.items))[:500]


# --- applying events --------------------------------------------------------------------------------------------------

_FROM_THE_PAGE = frozenset(
    """page_viewed page_hidden page_shown checked_in product_viewed searched cart_updated cart_viewed checkout_started
    checkout_step_completed contact_given shipping_shown coupon_applied coupon_rejected scrolled exit_intended
    text_typed form_abandoned message_shown message_accepted message_dismissed consent_changed""".split()
)


def apply(visitor: Visitor, event: Event, *, page_type: str) -> None:
    """Change ``visitor`` by one event that has not been applied before.

    ``page_type`` is the type of the event's page by the shop's own page rules; the caller looks it up because it is
    the shop's knowledge, not the visitor's.
    """
    if not event.trusted or event.type in _FROM_THE_PAGE:
        _notice_presence(visitor, event)
        _notice_page(visitor, event, page_type)
    _count(visitor, event.type, event.at)
    if event.language or (event.page and event.page.language):
        visitor.language = (event.language or (event.page.language if event.page else None) or "")[:12]
    if event.country:
        visitor.country = event.country[:2].upper()
    if event.cart is not None:
        _take_cart(visitor, event, event.cart)
    handler = _HANDLERS.get(event.type)
    if handler is not None:
        handler(visitor, event)


def _notice_presence(visitor: Visitor, event: Event) -> None:
    if not visitor.first_seen_at:
        visitor.first_seen_at = event.at
    if not visitor.session.number or event.at - visitor.seen_at > SESSION_GAP:
        visitor.session = Session(number=visitor.session.number + 1, started_at=event.at)
        visitor.offers = []
    visitor.seen_at = max(visitor.seen_at, event.at)


def _notice_page(visitor: Visitor, event: Event, page_type: str) -> None:
    view = visitor.tabs.get(event.tab)
    if event.type == "page_viewed" and event.page is not None:
        visitor.session.pages += 1
        # A view that arrives after a later one of the same tab is history, not where the shopper is.
        if view is None or event.at >= view.opened_at:
            visitor.tabs[event.tab] = _open_page(view, event, page_type)
            _forget_oldest_tab(visitor)
        return
    if view is None:
        if event.page is None:
            return
        view = visitor.tabs[event.tab] = _open_page(None, event, page_type)
        _forget_oldest_tab(visitor)
    latest = event.at >= view.seen_at
    view.seen_at = max(view.seen_at, event.at)
    # An event of an earlier page that arrives late says nothing about this one.
    if event.at < view.opened_at or (event.page is not None and event.page.url[:300] != view.url):
        return
    if latest:
        view.hidden = event.type == "page_hidden" or (view.hidden and event.type not in ("page_shown", "checked_in"))
    if event.engaged_ms is not None:
        gained = event.engaged_ms - view.engaged_ms
        if gained > 0:
            view.engaged_ms = event.engaged_ms
            by_type = visitor.session.engaged_ms
            by_type[view.type] = by_type.get(view.type, 0) + gained


def _open_page(previous: View | None, event: Event, page_type: str) -> View:
    stretch = 0
    if previous is not None and previous.type == page_type and event.at - previous.seen_at <= SESSION_GAP:
        stretch = previous.stretch_ms + previous.engaged_ms
    url = event.page.url[:300] if event.page else ""
    return View(url=url, type=page_type, opened_at=event.at, seen_at=event.at, stretch_ms=stretch)


def _forget_oldest_tab(visitor: Visitor) -> None:
    while len(visitor.tabs) > MAX_TABS:
        del visitor.tabs[min(visitor.tabs, key=lambda tab: visitor.tabs[tab].seen_at)]


def _count(visitor: Visitor, name: str, at: Millis) -> None:
    tally = visitor.tallies.get(name)
    if tally is None:
        if len(visitor.tallies) >= MAX_TALLIES:
            return
        tally = visitor.tallies[name] = Tally()
    tally.count += 1
    # Batches may arrive out of order; the list stays sorted and keeps the latest.
    tally.times = sorted([*tally.times, at])[-MAX_TIMES:]


def _is_echo(visitor: Visitor, event: Event, cart: Cart) -> bool:
    """Whether this cart is an old story: older than what is known, or the cart that was just ordered."""
    if visitor.basket is not None and event.at < visitor.basket.progressed_at:
        return True
    if visitor.emptied_at is not None and event.at < visitor.emptied_at:
        return True
    closed = visitor.closed
    if closed is None:
        return False
    if event.at <= closed.ordered_at or (cart.id is not None and cart.id == closed.id):
        return True
    return event.at - closed.ordered_at < DAY and bool(cart.lines) and contents_of(cart) == closed.contents


def _take_cart(visitor: Visitor, event: Event, cart: Cart) -> None:
    if event.type == "order_placed" or _is_echo(visitor, event, cart):
        return
    if not cart.lines:
        # Also when no cart is known: what was in it before may still be on its way here.
        visitor.emptied_at = max(visitor.emptied_at or 0, event.at)
        visitor.basket = None
        return
    basket = visitor.basket
    if basket is not None and cart.id is not None and basket.id.startswith(OWN_CART):
        _rename_cart(visitor, basket, cart.id)
    items = [
        Item(
            key=line.key,
            sku=line.sku,
            product_id=line.product_id,
            category=line.category,
            brand=line.brand,
            quantity=line.quantity,
            value=(line.price or 0) * line.quantity,
        )
        for line in cart.lines[:MAX_ITEMS]
    ]
    if basket is None or (cart.id is not None and cart.id != basket.id):
        basket = visitor.basket = Basket(
            id=cart.id or f"{OWN_CART}{event.id}", opened_at=event.at, progressed_at=event.at, currency=cart.currency
        )
    elif items != basket.items:
        basket.progressed_at = max(basket.progressed_at, event.at)
    basket.items = items
    basket.total, basket.currency, basket.coupon = cart.total, cart.currency, cart.coupon[:60]
    if cart.shipping_estimate is not None:
        _expect_shipping(basket, cart.shipping_estimate)


def _rename_cart(visitor: Visitor, basket: Basket, name: str) -> None:
    """The shop tells the id of a cart that went by a name of ours; it is the same cart, and the same occasion."""
    old, basket.id = basket.id, name
    for run in visitor.runs.values():
        if run.cart == old:
            run.cart = name
    for occasions in visitor.done.values():
        occasions[:] = [f"cart:{name}" if occasion == f"cart:{old}" else occasion for occasion in occasions]


def _expect_shipping(basket: Basket, price: int) -> None:
    if basket.shipping_at is None:
        basket.shipping_expected = max(basket.shipping_expected or 0, price)


def _advance(visitor: Visitor, stage: Stage, at: Millis) -> None:
    basket = visitor.basket
    if basket is not None and stage > basket.stage:
        basket.stage = stage
        basket.progressed_at = max(basket.progressed_at, at)


def _on_checkout_started(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.CHECKOUT, event.at)


def _on_step_completed(visitor: Visitor, event: Event) -> None:
    stage = {"shipping": Stage.PAYMENT, "payment": Stage.PAYMENT}.get(event.step or "", Stage.CHECKOUT)
    _advance(visitor, stage, event.at)
    if visitor.basket is not None:
        visitor.basket.progressed_at = max(visitor.basket.progressed_at, event.at)


def _on_shipping_shown(visitor: Visitor, event: Event) -> None:
    basket, shipping = visitor.basket, event.shipping
    # Two currencies cannot be compared, and a rate is not ours to guess.
    if basket is None or shipping is None or shipping.currency != basket.currency:
        return
    if shipping.estimate:
        _expect_shipping(basket, shipping.price)
        return
    if basket.shipping_at is None:
        basket.shipping_first, basket.shipping_at = shipping.price, event.at
    basket.shipping_now = shipping.price
    _advance(visitor, Stage.SHIPPING, event.at)


def _on_payment_failed(visitor: Visitor, event: Event) -> None:
    _advance(visitor, Stage.PAYMENT, event.at)


def _on_order_placed(visitor: Visitor, event: Event) -> None:
    order, basket = event.order, visitor.basket
    if order is None:
        return
    if order.id not in visitor.order_ids:
        visitor.orders += 1
        visitor.order_ids = [*visitor.order_ids, order.id][-MAX_ORDERS:]
    visitor.ordered_at = max(visitor.ordered_at or 0, event.at)
    # An order closes its own cart, and any cart that was not touched since; one opened later is another story.
    if basket is not None and basket.id != order.cart_id and basket.progressed_at > event.at:
        basket = None
    _close(visitor, event.at, order, basket)
    if basket is not None:
        visitor.basket = None


def _close(visitor: Visitor, at: Millis, order: Order, basket: Basket | None) -> None:
    """Remember what was ordered; of two reports about it, the one that knows more stays."""
    known = visitor.closed
    if known is not None and at < known.ordered_at:
        return
    cart_id = order.cart_id or (basket.id if basket else "")
    contents = contents_of(Cart(lines=order.lines)) or (contents_in(basket) if basket else "")
    if known is not None and not basket and (not cart_id or cart_id == known.id):
        cart_id, contents = cart_id or known.id, contents or known.contents
    visitor.closed = Closed(id=cart_id, ordered_at=at, contents=contents)


def _on_consent_changed(visitor: Visitor, event: Event) -> None:
    consent = event.consent
    if consent is None:
        return
    if consent.analytics is not None:
        visitor.analytics = consent.analytics
    if consent.marketing is not None:
        visitor.marketing = consent.marketing


def _on_chat_started(visitor: Visitor, event: Event) -> None:
    visitor.chatting_since = event.at


def _on_chat_ended(visitor: Visitor, event: Event) -> None:
    visitor.chatting_since = None


def _drop_offer(visitor: Visitor, event: Event) -> None:
    visitor.offers = [offer for offer in visitor.offers if offer.id != event.message]
    if event.message:
        visitor.shown = [*(known for known in visitor.shown if known != event.message), event.message][-8:]


def _on_message_accepted(visitor: Visitor, event: Event) -> None:
    _drop_offer(visitor, event)
    visitor.accepted_at = max(visitor.accepted_at or 0, event.at)
    # Whoever followed a link, or calls, is not in a chat.
    if event.action in (None, "chat"):
        visitor.chatting_since = event.at


def _on_message_dismissed(visitor: Visitor, event: Event) -> None:
    _drop_offer(visitor, event)
    visitor.dismissed_at = max(visitor.dismissed_at or 0, event.at)


_HANDLERS = {
    "checkout_started": _on_checkout_started,
    "checkout_step_completed": _on_step_completed,
    "shipping_shown": _on_shipping_shown,
    "payment_failed": _on_payment_failed,
    "order_placed": _on_order_placed,
    "consent_changed": _on_consent_changed,
    "chat_started": _on_chat_started,
    "chat_ended": _on_chat_ended,
    "message_shown": _drop_offer,
    "message_accepted": _on_message_accepted,
    "message_dismissed": _on_message_dismissed,
}
