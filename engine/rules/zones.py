"""Whose clock: the shopper's own, as their browser told it or their country has it, else the shop's."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

from engine.clock import Millis, to_datetime
from engine.rules.facts import Facts


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name that is a folder, or none at all
        return None


def clocks_of(facts: Facts) -> tuple[ZoneInfo, ...]:
    """Every clock the shopper may live by: one where it is known, none where nothing is."""
    told = _zone(facts.visitor.time_zone) if facts.visitor.time_zone else None
    if told is not None:
        return (told,)
    country = facts.visitor.country or (facts.person.country if facts.person else "")
    zones = [zone for name in get_global("territory_zones").get(country, ()) if (zone := _zone(name)) is not None]
    moment = to_datetime(facts.now)
    return tuple({moment.astimezone(zone).utcoffset(): zone for zone in reversed(zones)}.values())


def own_zone(facts: Facts) -> ZoneInfo | None:
    """The visitor's own time zone: as their browser told it, or that of a country that has only one clock."""
    clocks = clocks_of(facts)
    return clocks[0] if len(clocks) == 1 else None


def zone_of(facts: Facts) -> ZoneInfo:
    """The one clock to go by: the shopper's own, or the shop's where that is not known."""
    return own_zone(facts) or facts.shop.zone


def quiet_until(facts: Facts) -> Millis | None:
    """When the quiet hours that hold for the shopper end, or None when they do not hold.

    Where a country has several clocks, it is quiet as long as it is on any of them: better late than in the night.
    """
    if facts.shop.quiet_hours is None:
        return None
    zones, until = clocks_of(facts) or (facts.shop.zone,), None
    for _ in range(len(zones) + 1):
        ends = [end for zone in zones if (end := facts.shop.quiet_until(until or facts.now, zone)) is not None]
        if not ends:
            break
        until = max(ends)
    return until
