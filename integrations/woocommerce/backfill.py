"""What a webhook missed: orders by their last change, oldest first, read as if a webhook had told them.

The cursor is ``since|page``. Each full page moves ``since`` on to its own end instead of asking for the next one: an
order that changes meanwhile moves to the end of the list, and whoever counts pages misses the one that takes its place.
Only where more orders than fit on a page changed in the same second are pages counted.

A round begins an hour before the last change that was seen. What changed in that hour is told again, and counts once.
WordPress reads the moment by the shop's own clock even where it stands for UTC, and in one night of spring an hour of
that clock does not exist; and an order may be written a little later than the moment that it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from engine.errors import Unreadable
from engine.integration import Call, Delivery, News, Page
from integrations.woocommerce.api import Api, items

SIZE = 25
ACCOUNTS = 100
BETWEEN_MS = 60_000
"""All accounts are read: nobody waits for them, and the shop has others to serve."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z")
_OVERLAP = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


class _Changed(msgspec.Struct):
    date_modified_gmt: object = None


@dataclass(frozen=True)
class Place:
    """How far it has come: ``since``, in UTC and without a zone as WooCommerce has it, and the page after it."""

    since: str = ""
    page: int = 1

    @classmethod
    def of(cls, cursor: str) -> Place:
        since, _, page = cursor.partition("|")
        return cls(since, int(page)) if _TIME.match(since) and page.isdecimal() else cls()

    def __str__(self) -> str:
        return f"{self.since}|{self.page}"

    @property
    def query(self) -> Mapping[str, str]:
        """What is asked; the very first question only finds out where the shop is now."""
        sorted_ = {"orderby": "modified", "status": "any"}
        if not self.since:
            return sorted_ | {"order": "desc", "per_page": "1"}
        # Without a zone: one that is said would be turned into the shop's own time, and compared with UTC.
        after = {"modified_after": self.since, "dates_are_gmt": "true"}
        return sorted_ | {"order": "asc", "per_page": str(SIZE), "page": str(self.page)} | after

    def past(self, body: bytes) -> tuple[Place, bool]:
        """The place after this answer, and whether there is more at once. Raises Unreadable."""
        times, count = _times(body)
        latest = max(times, default=None)
        if not self.since or count < SIZE:
            return Place(_text(latest - _OVERLAP) if latest else self.since), False
        # ``modified_after`` leaves that very second out, in which others may have changed.
        reached = _text(latest - _SECOND) if latest else self.since
        return (Place(reached), True) if reached > self.since else (Place(self.since, self.page + 1), True)


def accounts_after(api: Api, cursor: str, call: Call) -> Page:
    """One page of all accounts; the cursor is the next page's number."""
    page = int(cursor) if cursor.isdecimal() else 1
    query = {"role": "all", "orderby": "id", "order": "asc", "per_page": str(ACCOUNTS), "page": str(page)}
    told = tuple(Delivery("customer.updated", each, once=False) for each in items(api.get(call, "customers", query)))
    more = len(told) == ACCOUNTS
    return Page(News(), str(page + 1) if more else "", BETWEEN_MS if more else None, told)


def _times(body: bytes) -> tuple[list[datetime], int]:
    try:
        changed = msgspec.json.decode(body, type=list[_Changed])
    except msgspec.DecodeError:
        raise Unreadable("the answer is no list of orders") from None
    told = [each.date_modified_gmt for each in changed]
    return [moment for text in told if (moment := _moment(text)) is not None], len(changed)


def _moment(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{told}+00:00") if isinstance(told, str) and _TIME.match(told) else None
    except ValueError:
        return None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
