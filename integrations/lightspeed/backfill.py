"""What a webhook missed: orders, quotes and the newsletter by their last change, page by page.

The cursor is ``since|page|began``: what has changed since when is asked for, and which page is next. ``began`` is when
the first page was asked, by the platform's own clock (its ``Date`` header, less a minute; else the latest change on
that page): from there the next round goes on, so that what changes meanwhile is never left out. The very first question
asks for the newest page only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from engine.integration import Call, Json, News, Page, WireEvent
from integrations.lightspeed.api import Api, Listed
from integrations.lightspeed.body import count, linked, text
from integrations.lightspeed.orders import from_reread_order
from integrations.lightspeed.people import from_subscription
from integrations.lightspeed.quotes import from_quote

PAGES = {"orders": 50, "quotes": 100, "subscriptions": 100}
"""What is asked for by the clock, and how many of them at once: an order holds a customer, a quote and its products."""
_SLACK = timedelta(minutes=1)
_MISSED = "missed"
_READ: Mapping[str, tuple[str, Callable[[Json], list[WireEvent]]]] = {
    "orders": ("order", from_reread_order),
    "subscriptions": ("subscription", from_subscription(ended=False)),
}
"""What a list tells whole."""


@dataclass(frozen=True)
class Place:
    """How far it has come."""

    since: str = ""
    page: int = 1
    began: str = ""

    @classmethod
    def of(cls, cursor: str) -> Place:
        since, page, began = [*cursor.split("|"), "", "", ""][:3]
        return cls(since, int(page) if page.isdecimal() else 1, began)

    def __str__(self) -> str:
        return f"{self.since}|{self.page}|{self.began}"

    def past(self, listed: Listed, most: int) -> tuple[Place, bool]:
        """The place after this page, and whether there are more of them."""
        began = self.began or _before(listed.told_at) or max((_changed(item) for item in listed.items), default="")
        if self.since and len(listed.items) >= most:
            return Place(self.since, self.page + 1, began), True
        return Place(began or self.since), False


def ask(api: Api, what: str, cursor: str, call: Call) -> Page:
    """One page of what has changed."""
    place, most = Place.of(cursor), PAGES[what]
    since = {"updated_at_min": place.since} if place.since else {}
    listed = api.listed(call, what, **since, limit=str(most), page=str(place.page))
    further, more = place.past(listed, most)
    return Page(_news(what, listed.items), str(further), 0 if more else None)


def _news(what: str, items: list[Json]) -> News:
    if what in _READ:
        kind, read = _READ[what]
        return News(events=tuple(event for item in items for event in read({kind: item})))
    emptied = (event for item in items if count(item, "productsCount") == 0 for event in from_quote({"quote": item}))
    filled = [item for item in items if count(item, "productsCount") != 0]
    return News(events=tuple(emptied), look_ups=tuple(name for item in filled for name in _look_up(item)))


def _look_up(quote: Json) -> list[str]:
    """A cart of somebody: what is in it, and who it is, is asked for on its own. Of strangers' carts the page tells."""
    name, customer = text(quote, "id"), linked(quote, "customer")
    return [f"{_MISSED}:{name}:{customer}"] if name and customer else []


def _changed(item: Json) -> str:
    return text(item, "updatedAt") or ""


def _before(told_at: str) -> str:
    try:
        return (parsedate_to_datetime(told_at) - _SLACK).isoformat()
    except (ValueError, TypeError):
        return ""
