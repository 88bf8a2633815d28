"""Messages: what is brought to a shopper, and what became of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from engine.clock import Millis
from engine.events import Line


class DeliveryState(StrEnum):
    """How far a delivery is.

    ``scheduled`` → ``claimed`` (a worker has it) → ``dot`` (the last byte may have left) → ``sent``, or ``failed``,
    ``cancelled`` (a last look said no), ``uncertain`` (nobody can know; never repeated silently).
    On-page messages: ``offered`` → ``shown`` → ``accepted`` / ``dismissed``, or ``expired``. Notes are ``noted``.
    """

    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    DOT = "dot"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    OFFERED = "offered"
    SHOWN = "shown"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    NOTED = "noted"


ON_PAGE = frozenset({"invite", "nudge"})
"""Kinds that a page asks for."""
BY_MAIL = frozenset({"email", "survey"})
NOTES = frozenset({"tell_agent"})
"""Kinds that are written down for whoever asks, and never brought."""


SURVEY_ANSWERS = (1, 2, 3, 4, 5)
"""From hard to easy."""


def first_state(kind: str) -> DeliveryState:
    if kind in ON_PAGE:
        return DeliveryState.OFFERED
    return DeliveryState.NOTED if kind in NOTES else DeliveryState.SCHEDULED


class WebhookOrder(msgspec.Struct, frozen=True):
    """A message for another system; ``secret`` is the name of the variable that holds it."""

    url: str
    secret: str
    message: msgspec.Raw


BACK_IN_STOCK = "back-in-stock"
"""The mail about products, not about a cart."""


UNPAID_ORDER = "unpaid-order"
"""The mail about an order that waits for its payment."""


class MailOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule asked for when it decided on a mail; stored with the delivery, without any address."""

    template: str
    offer: str = ""
    promise: str = ""
    call: tuple[str, ...] = ()
    subject: dict[str, str] = {}
    text: dict[str, str] = {}
    cart: str | None = None
    question: dict[str, str] = {}
    unpaid: str | None = None
    """The order that the mail asks to pay."""


class Bought(msgspec.Struct, frozen=True):
    """An order, as a mail tells of it; ``shipping`` gross, None where it was not told."""

    discount: int | None = None
    shipping: int | None = None
    pay_url: str = ""
    """Where it can be paid. Whoever has the address may see the order: it is never logged."""


class MailContext(msgspec.Struct, frozen=True):
    """All that a mail's template may say. Money in minor units of ``currency``; links are absolute and signed."""

    language: str
    shop_name: str
    sender_name: str
    order: MailOrder
    currency: str
    lines: tuple[Line, ...] = ()
    total: int = 0
    shipping_shown: int | None = None
    """The shipping cost that surprised the shopper, gross."""
    bought: Bought | None = None
    """What an order comes to besides its lines; None in a mail about something else."""
    free_shipping_from: int | None = None
    recipient_name: str = ""
    restore_url: str = ""
    unsubscribe_url: str = ""
    chat_url: str = ""
    phone: str = ""
    office_hours: str = ""
    shop_address: str = ""
    shop_url: str = ""
    points: int | None = None
    """What the shopper has in the shop's loyalty programme, where it was told."""
    answer_urls: tuple[str, ...] = ()
    """Of a survey: where each answer leads, from 1 up."""


class RenderedMail(msgspec.Struct, frozen=True):
    subject: str
    html: str
    text: str


class OutgoingMail(msgspec.Struct, frozen=True):
    """One mail, ready for a relay. ``message_id`` is fixed by the delivery, so that a repeat can be recognised."""

    message_id: str
    sender: str
    """``Name <address>``"""
    recipient: str
    recipient_name: str
    reply_to: str
    subject: str
    html: str
    text: str
    language: str
    unsubscribe_url: str
    date: Millis
