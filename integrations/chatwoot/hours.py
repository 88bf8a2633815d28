"""The working hours of an inbox, as Chatwoot itself goes by them: within one day, on the inbox's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.errors import Unreadable
from engine.integration import Json, groups, text, whole


def is_open(inbox: Json, now: int) -> bool:
    """Whether the inbox is staffed at ``now`` (milliseconds since the epoch). Raises Unreadable."""
    if inbox.get("working_hours_enabled") is not True:
        return True
    local = datetime.fromtimestamp(now / 1_000, UTC).astimezone(_zone(text(inbox, "timezone") or "UTC"))
    # Chatwoot counts the days from Sunday.
    sunday_first = local.isoweekday() % 7
    today = next((day for day in groups(inbox, "working_hours") if whole(day, "day_of_week") == sunday_first), None)
    if today is None:
        raise Unreadable("the inbox does not say when it is open today")
    if today.get("closed_all_day") is True or today.get("open_all_day") is True:
        return today.get("open_all_day") is True
    return _moment(today, "open") <= local.time() <= _moment(today, "close")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unreadable("the inbox's time zone is none that is known") from None


def _moment(day: Json, edge: str) -> time:
    try:
        return time(whole(day, f"{edge}_hour") or 0, whole(day, f"{edge}_minutes") or 0)
    except ValueError:
        raise Unreadable(f"{edge}_hour is no hour") from None
