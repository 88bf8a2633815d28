"""A moment as a person writes it, and as the shop's clock shows it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.clock import Millis, from_datetime, to_datetime
from engine.errors import InvalidMoment
from engine.rules.fields import Fault, Reading
from engine.rules.numbers import Duration
from engine.rules.source import Scalar, Source
from engine.rules.suggestions import shorten
from engine.said import say


def moment_of(text: str, zone: ZoneInfo, now: Millis) -> Millis:
    """``2026-11-20T14:03`` on the shop's clock (or with a zone of its own), or so long ago, such as ``5m ago``.

    Raises InvalidMoment for what is none, and for one that is still to come.
    """
    ago = _ago(text.strip())
    moment = _written(text.strip(), zone) if ago is None else now - ago
    if moment > now:
        raise InvalidMoment(say("%(moment)s is still to come", moment=on_the_clock(moment, zone)))
    return moment


def _ago(text: str) -> Millis | None:
    try:
        return Duration().read(Scalar(text.removesuffix(" ago"), True, 1, 1), Reading(Source("")))
    except Fault:
        return None


def _written(text: str, zone: ZoneInfo) -> Millis:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        wanted = say("'%(text)s' is no moment; write 2026-11-20T14:03, or 5m ago", text=shorten(text))
        raise InvalidMoment(wanted) from None
    return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def on_the_clock(at: Millis, zone: ZoneInfo) -> str:
    """The moment as the shop's clock shows it, such as ``2026-11-20 14:03:00+01:00 (Europe/Amsterdam)``."""
    local = to_datetime(at).astimezone(zone)
    return f"{local.isoformat(sep=' ', timespec='seconds')} ({zone.key})"
