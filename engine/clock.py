"""Time as the house counts it: whole milliseconds since the epoch, UTC.

The core never asks for the time; it is told. Only the doors and the flow hold a :data:`Clock`.

In a simulated shop time runs faster than on the machine (:class:`Pace`), in every process alike. What the shop lives by
is told in its time: events, rules, mails, questions to platforms. What must outlast real work (a lease, a look at a
file) is the machine's: see :func:`machine_time` and :func:`machine_clock`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

Millis = int
Clock = Callable[[], Millis]

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR


VARIABLE: Final = "SHOPBELL_CLOCK"
FASTEST: Final = 100_000


@dataclass(frozen=True)
class Pace:
    """Time in a simulated shop: ``speed`` times as fast as the machine's, from ``shop_at`` at ``machine_at``.

    As text: the three with commas between. Production refuses it (see engine.settings).
    """

    speed: int
    shop_at: Millis
    machine_at: Millis

    @classmethod
    def read(cls, text: str) -> Pace:
        """Raises ValueError for what is no pace."""
        speed, shop_at, machine_at = map(int, text.split(","))
        if not 1 <= speed <= FASTEST:
            raise ValueError("no such speed")
        return cls(speed, shop_at, machine_at)

    def __str__(self) -> str:
        return f"{self.speed},{self.shop_at},{self.machine_at}"

    def shop_time(self, at: Millis) -> Millis:
        """What the shop's clock shows when the machine's shows ``at``."""
        return self.shop_at + (at - self.machine_at) * self.speed


def _pace_of(environ: Mapping[str, str]) -> Pace | None:
    """None as well for what cannot be read: no process starts with that, see engine.settings."""
    text = environ.get(VARIABLE, "").strip()
    if not text or environ.get("SHOPBELL_ENV", "").strip() == "production":
        return None
    try:
        return Pace.read(text)
    except ValueError:
        return None


_pace = _pace_of(os.environ)


def machine_clock() -> Millis:
    """The machine's time now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def wall_clock() -> Millis:
    """The shop's time now, in milliseconds since the epoch: the machine's, unless the shop is a simulated one."""
    now = time.time_ns() // 1_000_000
    return now if _pace is None else _pace.shop_time(now)


def stopwatch() -> float:
    """Seconds of the shop's time since some moment, never going back: for tokens that run out, and for patience."""
    return time.monotonic() if _pace is None else time.monotonic() * _pace.speed


def shop_time(at: Millis) -> Millis:
    """The shop's time when the machine's clock, or a database's, shows ``at``."""
    return at if _pace is None else _pace.shop_time(at)


def machine_time(duration_ms: Millis) -> Millis:
    """How much of the shop's time passes while so much of the machine's does: for what must outlast real work."""
    return duration_ms if _pace is None else duration_ms * _pace.speed


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
