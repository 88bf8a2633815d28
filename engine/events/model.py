"""What an event is: its types, and its parts once they are checked and normalised."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from engine.clock import Millis

PAGE_TYPES = (
    "knowledge_base", "faq", "product", "category", "search", "cart", "checkout", "account", "returns", "blog", "home",
    "other",
)  # fmt: skip

CANONICAL_TYPES = frozenset(
    """page_viewed page_hidden page_shown checked_in product_viewed searched cart_updated cart_viewed checkout_started
    checkout_step_completed contact_given shipping_shown payment_failed coupon_applied coupon_rejected order_placed
    order_cancelled order_shipped order_delivered order_returned identified consent_changed form_abandoned text_typed
    exit_intended scrolled chat_started chat_ended message_shown message_accepted message_dismissed stock_changed
    price_changed agents_changed survey_answered cart_restored
    product_added product_removed checkout_step_viewed order_updated order_refunded order_paid
    logged_out form_submitted email_opened email_clicked reminder_sent""".split()
)

REQUIRED: dict[str, tuple[str, ...]] = {
    "page_viewed": ("page",),
    "product_viewed": ("product",),
    "cart_updated": ("cart",),
    "shipping_shown": ("shipping",),
    "order_placed": ("order",),
    "consent_changed": ("consent",),
    "message_shown": ("message",),
    "message_accepted": ("message",),
    "message_dismissed": ("message",),
    "agents_changed": ("agents",),
}
"""Sections without which an event of that type says nothing."""

Told = str | int | Decimal | bool
"""A single value as it was told; fractions are Decimal."""
Trait = str | int | float | bool
"""A single value as it is remembered of a visitor."""


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    url: str = ""
    title: str = ""
    type: str | None = None
    referrer: str = ""
    language: str | None = None


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the shopper allows; None means: not said."""

    analytics: bool | None = None
    marketing: bool | None = None
    email: bool | None = None
    sms: bool | None = None
    whatsapp: bool | None = None
    text: str = ""
    source: str = ""


class Agents(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many chat agents are there (``online``) and could take a chat now (``free``), and how many shoppers wait
    (``waiting``); None when not known. After ``valid_ms`` none of it is known any more; None: until it is told anew."""

    online: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    free: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    waiting: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    department: Annotated[str, msgspec.Meta(max_length=64)] = ""
    valid_ms: Annotated[int, msgspec.Meta(ge=0, le=86_400_000)] | None = None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a cart or order; ``price`` in minor units for one piece, None when not told."""

    sku: str = ""
    product_id: str = ""
    name: str = ""
    variant: str = ""
    quantity: int = 1
    price: int | None = None
    url: str = ""
    image_url: str = ""
    category: str = ""
    brand: str = ""

    @property
    def key(self) -> str:
        """What makes two lines the same thing."""
        return self.sku or f"{self.product_id}/{self.variant}" if (self.sku or self.product_id) else self.name


class Cart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole cart; amounts in minor units of ``currency``; no lines means emptied."""

    id: str | None = None
    currency: str = "EUR"
    total: int = 0
    discount: int | None = None
    tax: int | None = None
    fees: int | None = None
    shipping_estimate: int | None = None
    free_shipping_from: int | None = None
    """From which value of its goods on this very cart ships for free."""
    coupon: str = ""
    lines: tuple[Line, ...] = ()


class Shipping(msgspec.Struct, frozen=True, omit_defaults=True):
    """A shipping cost as the shopper saw it: gross, in minor units."""

    price: int
    currency: str
    method: str = ""
    estimate: bool = False
    days: int | None = None
    """How long the delivery takes, as the shopper read it."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    cart_id: str | None = None
    currency: str = "EUR"
    total: int = 0
    shipping: int | None = None
    tax: int | None = None
    discount: int | None = None
    coupon: str = ""
    paid: bool | None = None
    """None: not told; orders of which nothing is said count as paid."""
    pay_url: str = ""
    """Where it can be paid. Whoever has the address may see the order: it is never logged."""
    email: str | None = None
    customer_id: str | None = None
    lines: tuple[Line, ...] = ()


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str = ""
    sku: str = ""
    name: str = ""
    variant: str = ""
    category: str = ""
    brand: str = ""
    price: int | None = None
    currency: str = "EUR"
    stock: int | None = None
    url: str = ""
    image_url: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """By what it may be known elsewhere, told apart: two products may share a number of a different kind."""
        told = (("sku", self.sku[:60]), ("id", self.id[:60]))
        return tuple(f"{kind}:{value}" for kind, value in told if value)


class Loyalty(msgspec.Struct, frozen=True, omit_defaults=True):
    """The shop's own programme: None, or "" for the tier, means not told."""

    member: bool | None = None
    tier: str = ""
    points: int | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact. ``at`` is when it happened by the server's clock; ``seq`` orders the events of one tab."""

    id: str
    type: str
    at: Millis
    seq: int = 0
    visitor: str = ""
    session: str = ""
    tab: str = ""
    page: Page | None = None
    engaged_ms: int | None = None
    product: Product | None = None
    cart: Cart | None = None
    shipping: Shipping | None = None
    order: Order | None = None
    consent: Consent | None = None
    agents: Agents | None = None
    email: str | None = None
    customer_id: str | None = None
    name: str | None = None
    language: str | None = None
    country: str | None = None
    step: str | None = None
    message: str | None = None
    action: str | None = None
    """What a message's button opened: ``chat``, ``phone``, ``callback`` or ``link``."""
    coupon: str = ""
    results: int | None = None
    """How many things a search found."""
    query: str = ""
    """What was searched for; told only with consent."""
    depth: int | None = None
    """How far the page was scrolled, in percent."""
    length: int | None = None
    """How many letters were typed; 0 when they are gone again."""
    form: str = ""
    by: str = ""
    """``touch`` or ``mouse``, where it matters."""
    device: str = ""
    """``mobile``, ``tablet`` or ``desktop``."""
    time_zone: str = ""
    logged_in: bool | None = None
    loyalty: Loyalty | None = None
    formerly: str = ""
    """The customer number of another account of the same person, which went up in ``customer_id``."""
    attributes: dict[str, Trait] = {}
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] | None = None
    """All segments the shop's server counts the shopper to; None when it did not say."""
    refs: tuple[str, ...] = ()
    """By what names the shop's platform knows the cart, the checkout or the order: ``shopify:checkout:3d58…``."""
    fields: dict[str, object] = {}
    """The event as it was told, for rules that ask about a field of the shop's own."""
    trusted: bool = False
    """True when the shop's server or platform said it (a secret key, a signed webhook); False from a browser."""

    def told(self, path: str) -> Told | None:
        """The single value at ``path`` (``product.category``) as it was told; None when there is none.

        The vocabularies put a shop's own fields under ``properties``, ``params`` or ``data``; they are looked through.
        """
        parts = path.split(".")
        for inside in ((), ("properties",), ("params",), ("data",)):
            value = _dig(self.fields, (*inside, *parts))
            if isinstance(value, str | int | Decimal | float):
                return Decimal(str(value)) if isinstance(value, float) else value
        return None


def _dig(value: object, path: tuple[str, ...]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_known(event_type: str) -> bool:
    """Whether the type is one of the canonical ones; others are kept and warned about once."""
    return event_type in CANONICAL_TYPES
