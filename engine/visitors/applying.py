"""How each event changes what is known of a visitor.

:func:`apply` is pure: a visitor and an event in, the same visitor changed, no clock and no I/O.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.clock import Millis
from engine.events import Event
from engine.visitors import carts
from engine.visitors.goods import learn_product
from engine.visitors.orders import ABOUT_ORDERS, count_order, remember_order
from engine.visitors.pages import SENDS, forget_typing, notice_page, notice_presence, remember_typing
from engine.visitors.state import (
    MAX_REPLIES,
    MAX_TALLIES,
    MAX_TIMES,
    MAX_TRAITS,
    Reply,
    Tally,
    Visitor,
)
from engine.visitors.watches import Watches, keep_watch

NOTHING_WATCHED: Watches = {}
FAILED_SEARCH = "searched:0"
"""The tally of searches that found nothing; no event can have that name."""
SIGNALS = frozenset("checked_in page_hidden page_shown scrolled".split())
"""So frequent, and so seldom asked about, that nothing is kept of them unless a rule asks: then it watches them."""

_ELSEWHERE = frozenset(["page_viewed"])
"""Of these only the count is kept here: when pages were opened stands in the trail."""

_FROM_THE_PAGE = frozenset(
    """page_viewed page_hidden page_shown checked_in product_viewed searched cart_updated cart_viewed checkout_started
    checkout_step_completed contact_given shipping_shown coupon_applied coupon_rejected scrolled exit_intended
    text_typed form_abandoned form_submitted message_shown message_accepted message_dismissed consent_changed""".split()
)


def apply(visitor: Visitor, event: Event, *, page_type: str, watches: Watches = NOTHING_WATCHED) -> None:
    """Change ``visitor`` by one event that has not been applied before.

    ``page_type`` is the type of the event's page by the shop's own page rules; the caller looks it up because it is
    the shop's knowledge, not the visitor's. ``watches`` is what the shop's rules want remembered beyond the state.
    """
    if not event.trusted or event.type in _FROM_THE_PAGE:
        notice_presence(visitor, event)
        notice_page(visitor, event, page_type)
    if event.type not in SIGNALS:
        _count(visitor, event.type, event.at)
    learn(visitor, event)
    if event.type in ABOUT_ORDERS:
        visitor.bought = remember_order(visitor.bought, event)
        if event.type == "order_placed" and event.order is not None:
            count_order(visitor, event.order.id)
    if event.cart is not None or event.type in carts.ABOUT_CARTS:
        carts.take_cart(visitor, event)
    learn_product(visitor, event)
    if event.type in SENDS:
        forget_typing(visitor, event.at)
    keep_watch(visitor, event, watches)
    handler = _HANDLERS.get(event.type)
    if handler is not None:
        handler(visitor, event)


def _count(visitor: Visitor, name: str, at: Millis) -> None:
    tally = visitor.tallies.get(name)
    if tally is None:
        if len(visitor.tallies) >= MAX_TALLIES:
            return
        tally = visitor.tallies[name] = Tally()
    tally.count += 1
    if name not in _ELSEWHERE:
        # Batches may arrive out of order; the list stays sorted and keeps the latest.
        tally.times = sorted([*tally.times, at])[-MAX_TIMES:]


def learn(visitor: Visitor, event: Event) -> None:
    """What an event of any type may say about the shopper."""
    if event.language or (event.page and event.page.language):
        visitor.language = (event.language or (event.page.language if event.page else None) or "")[:12]
    if event.country:
        visitor.country = event.country[:2].upper()
    visitor.device = event.device or visitor.device
    visitor.time_zone = event.time_zone or visitor.time_zone
    if event.logged_in is not None:
        visitor.logged_in = event.logged_in
    visitor.loyalty = event.loyalty or visitor.loyalty
    if event.attributes:
        merged = visitor.attributes | event.attributes
        visitor.attributes = dict(list(merged.items())[-MAX_TRAITS:])
    if event.tags:
        visitor.tags = list(dict.fromkeys([*visitor.tags, *event.tags]))[-MAX_TRAITS:]
    # To which segments somebody belongs is the shop's to say, and not for a browser.
    if event.segments is not None and event.trusted:
        visitor.segments = list(event.segments)


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


def _on_searched(visitor: Visitor, event: Event) -> None:
    visitor.search = event.query or visitor.search
    if event.results == 0:
        _count(visitor, FAILED_SEARCH, event.at)


def _on_identified(visitor: Visitor, event: Event) -> None:
    visitor.logged_in = True if event.logged_in is None else event.logged_in


def _on_logged_out(visitor: Visitor, event: Event) -> None:
    visitor.logged_in = False


_REPLIES = {
    "message_shown": "shown", "message_accepted": "accepted", "message_dismissed": "dismissed",
    "email_opened": "opened", "email_clicked": "clicked", "cart_restored": "clicked",
}  # fmt: skip


def _note_reply(visitor: Visitor, event: Event) -> None:
    reply = Reply((event.message or "")[:64], _REPLIES[event.type], event.at)
    told = {(known.message, known.what) for known in visitor.replies}
    if reply.message and (reply.message, reply.what) not in told:
        visitor.replies = [*visitor.replies, reply][-MAX_REPLIES:]


def _drop_offer(visitor: Visitor, event: Event) -> None:
    _note_reply(visitor, event)
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


_HANDLERS: dict[str, Callable[[Visitor, Event], None]] = {
    "reminder_sent": carts.on_reminder_sent,
    "consent_changed": _on_consent_changed,
    "chat_started": _on_chat_started,
    "chat_ended": _on_chat_ended,
    "message_shown": _drop_offer,
    "message_accepted": _on_message_accepted,
    "message_dismissed": _on_message_dismissed,
    "email_opened": _note_reply,
    "email_clicked": _note_reply,
    "cart_restored": _note_reply,
    "text_typed": remember_typing,
    "searched": _on_searched,
    "identified": _on_identified,
    "logged_out": _on_logged_out,
}
