"""What page views and signs of attention change: visits, tabs, where somebody came from, what they did on a page."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

from engine.clock import Millis
from engine.events import Event, Page
from engine.visitors.state import (
    MAX_TABS,
    MAX_TRAIL,
    MAX_VISITS,
    SESSION_GAP,
    Basket,
    Glimpse,
    Landing,
    Session,
    View,
    Visitor,
)

CLICK_IDS = {
    "gclid": "google", "gbraid": "google", "wbraid": "google", "dclid": "google", "msclkid": "microsoft",
    "fbclid": "meta", "ttclid": "tiktok", "li_fat_id": "linkedin", "epik": "pinterest", "twclid": "x",
}  # fmt: skip
"""The parameter that each advertising network adds to an address, and the network."""
UTM = ("source", "medium", "campaign", "content", "term")


def notice_presence(visitor: Visitor, event: Event) -> None:
    """A sign of life from the shopper's own browser; after a long pause it begins a new visit."""
    if not visitor.first_seen_at:
        visitor.first_seen_at = event.at
    if not visitor.session.number or event.at - visitor.seen_at > SESSION_GAP:
        before_at = visitor.seen_at or None
        if visitor.session.number:
            visitor.visits = [*visitor.visits, visitor.session.started_at][-MAX_VISITS:]
        visitor.session = Session(number=visitor.session.number + 1, started_at=event.at, before_at=before_at)
        visitor.offers = []
        if visitor.basket is not None:
            visitor.basket.visit = visit_of(visitor, visitor.basket, visitor.basket)
    visitor.seen_at = max(visitor.seen_at, event.at)


def visit_of(visitor: Visitor, basket: Basket, before: Basket | None) -> int:
    """The number of the visit in which the cart was filled; 0 when none is known.

    Of long ago it is not known when visits began; then it is what it was thought to be ``before``.
    """
    number = visitor.session.number
    begun = [*visitor.visits, visitor.session.started_at] if number else []
    since = sum(at > basket.opened_at for at in begun)
    if before is not None and before.visit and since == len(begun) < number:
        return before.visit
    return max(number - since, 1) if number else 0


def notice_page(visitor: Visitor, event: Event, page_type: str) -> None:
    """What the event says about the page it happened on."""
    view = visitor.tabs.get(event.tab)
    if event.type == "page_viewed" and event.page is not None:
        _remember_page(visitor, event, event.page, page_type)
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
    _notice_activity(view, event)
    if event.engaged_ms is not None:
        gained = event.engaged_ms - view.engaged_ms
        if gained > 0:
            view.engaged_ms = event.engaged_ms
            view.active_at = max(view.active_at, event.at)
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


_PASSIVE = frozenset("page_hidden checked_in message_shown shipping_shown exit_intended consent_changed".split())


def _notice_activity(view: View, event: Event) -> None:
    """Most events are something the shopper did; these are not, or happen to them."""
    if event.type not in _PASSIVE:
        view.active_at = max(view.active_at, event.at)
    if event.type == "scrolled" and event.depth is not None:
        view.depth = max(view.depth, event.depth)
    if event.type == "exit_intended":
        view.exit_at, view.exit_by = event.at, event.by


def _remember_page(visitor: Visitor, event: Event, page: Page, page_type: str) -> None:
    session = visitor.session
    session.pages += 1
    glimpse = Glimpse(event.at, page_type, crc32(page.url.partition("?")[0].encode()))
    visitor.trail.append(glimpse)
    if len(visitor.trail) > 1 and visitor.trail[-2].at > event.at:
        visitor.trail.sort(key=lambda seen: seen.at)  # a late one
    del visitor.trail[:-MAX_TRAIL]
    if session.landing is None:
        session.landing = landing_of(page, page_type)


def landing_of(page: Page, page_type: str) -> Landing:
    """Where a visit came from, as its first page tells it."""
    try:
        here, there = urlsplit(page.url[:2_000]), urlsplit(page.referrer[:2_000])
        asked = dict(parse_qsl(here.query, max_num_fields=100))
    except ValueError:  # an address that is none, or a query of thousands of fields
        return Landing(url=page.url.partition("?")[0][:200], type=page_type)
    own = there.netloc.casefold() == here.netloc.casefold()
    return Landing(
        url=f"{here.scheme}://{here.netloc}{here.path}"[:200] if here.netloc else here.path[:200],
        type=page_type,
        referrer="" if own else f"{there.netloc.removeprefix('www.')}{there.path.rstrip('/')}"[:100],
        utm={name: asked[f"utm_{name}"][:60] for name in UTM if asked.get(f"utm_{name}")},
        ad=next((network for name, network in CLICK_IDS.items() if asked.get(name)), ""),
    )


def remember_typing(visitor: Visitor, event: Event) -> None:
    """Letters that wait to be sent; none means that they are gone again."""
    if visitor.typed_at is None or event.at >= visitor.typed_at:
        visitor.typed_at, visitor.typed_length = event.at, min(event.length or 0, 100_000)


SENDS = frozenset(
    "form_submitted searched contact_given checkout_step_completed order_placed chat_started message_accepted".split()
)
"""Events by which what was typed was sent after all."""


def forget_typing(visitor: Visitor, at: Millis) -> None:
    if visitor.typed_at is not None and at >= visitor.typed_at:
        visitor.typed_length = 0
