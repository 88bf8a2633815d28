"""When a parcel would arrive: the shop's own promise as a calendar, so that a hint can name a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_LOOK_AHEAD_DAYS = 60
EVERY_DAY = tuple(range(7))
WORKING_DAYS = tuple(range(5))


@dataclass(frozen=True)
class Delivery:
    """What is ordered before ``order_before`` (minutes since midnight) leaves the same day, and arrives ``takes``
    delivery days later. Weekdays are numbers from Monday, which is 0."""

    order_before: int
    takes: int = 1
    leaves: tuple[int, ...] = WORKING_DAYS
    arrives: tuple[int, ...] = EVERY_DAY
    closed: tuple[date, ...] = ()
    """Days on which nothing leaves and nothing arrives."""
    to: tuple[str, ...] = ()
    """The countries for which it holds; empty for all."""

    def order_by(self, local: datetime) -> datetime | None:
        """Until when an order goes out with the next parcels; None for a shop that is closed for very long."""
        for day in self._days(local.date(), self.leaves):
            moment = datetime.combine(day, time(), tzinfo=local.tzinfo) + timedelta(minutes=self.order_before)
            if moment > local:
                return moment
        return None

    def arrives_on(self, leaves: date) -> date | None:
        """The day on which a parcel arrives that leaves on that one."""
        if not self.takes:
            return leaves
        coming = self._days(leaves + timedelta(days=1), self.arrives)
        return coming[self.takes - 1] if len(coming) >= self.takes else None

    def _days(self, first: date, weekdays: tuple[int, ...]) -> list[date]:
        days = (first + timedelta(days=day) for day in range(_LOOK_AHEAD_DAYS))
        return [day for day in days if day.weekday() in weekdays and day not in self.closed]
