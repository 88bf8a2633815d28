"""Time as the house counts it: whole milliseconds since the epoch, UTC.

The core never asks for the time; it is told. Only the doors and the flow hold a :data:`Clock`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Millis = int
Clock = Callable[[], Millis]

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR


def wall_clock() -> Millis:
    """The machine's time now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def from_datetime(moment: datetime) -> Millis:
    """A point in time as milliseconds; a time without a zone is taken as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def to_datetime(at: Millis) -> datetime:
    """Milliseconds as an aware UTC datetime."""
    return datetime.fromtimestamp(at / 1000, tz=UTC)


def to_iso(at: Millis) -> str:
    """Milliseconds as ISO 8601 in UTC with milliseconds, such as ``2026-11-21T10:00:02.120Z``."""
    return to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe(duration_ms: Millis) -> str:
    """A duration in the unit a person would use: ``45 s``, ``10 min``, ``1 h 30 min``, ``3 d``."""
    seconds = max(0, round(duration_ms / SECOND))
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
