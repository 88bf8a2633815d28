"""What an event may say beside its sections, read with an open mind.

A shop's own events use the same words for other things (``length: "3:20"``), so a value of another kind is left out
here instead of being refused; it is kept with the event all the same.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypedDict

from engine.events.model import Loyalty, Trait

DEVICES = ("mobile", "tablet", "desktop")
MOST_ATTRIBUTES = 20
MOST_WORDS = 20
LONGEST_NAME = 40
LONGEST_VALUE = 80
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}\Z")
_LARGEST = 10**15


class Extras(TypedDict):
    """The same names as in :class:`~engine.events.model.Event`."""

    coupon: str
    query: str
    form: str
    results: int | None
    depth: int | None
    length: int | None
    by: str
    device: str
    time_zone: str
    logged_in: bool | None
    loyalty: Loyalty | None
    attributes: dict[str, Trait]
    tags: tuple[str, ...]
    segments: tuple[str, ...] | None


def extras_in(raw: dict[str, object]) -> Extras:
    """What of it is there and makes sense."""
    if raw.keys().isdisjoint(Extras.__annotations__):
        return NOTHING
    depth, zone = _whole(raw.get("depth")), _words(raw.get("time_zone"), LONGEST_NAME)
    logged_in = raw.get("logged_in")
    return Extras(
        coupon=_words(raw.get("coupon")),
        query=_words(raw.get("query")),
        form=_words(raw.get("form")),
        results=_whole(raw.get("results")),
        depth=None if depth is None else min(depth, 100),
        length=_whole(raw.get("length")),
        by=_one_of(raw.get("by"), ("mouse", "touch")),
        device=_one_of(raw.get("device"), DEVICES),
        time_zone=zone if _ZONE.match(zone) else "",
        logged_in=logged_in if isinstance(logged_in, bool) else None,
        loyalty=_loyalty(raw.get("loyalty")),
        attributes=_attributes(raw.get("attributes")),
        tags=_list(raw.get("tags")) or (),
        segments=_list(raw.get("segments")),
    )


def _words(value: object, most: int = 60) -> str:
    return value.strip()[:most] if isinstance(value, str) else ""


def _one_of(value: object, known: tuple[str, ...]) -> str:
    return value if isinstance(value, str) and value in known else ""


def _whole(value: object) -> int | None:
    """A number that is not negative, without its fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if 0 <= value < _LARGEST else None


def _list(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(filter(None, (_words(word, LONGEST_NAME) for word in value))))[:MOST_WORDS]


def _loyalty(value: object) -> Loyalty | None:
    if not isinstance(value, dict):
        return None
    member = value.get("member")
    return Loyalty(
        member=member if isinstance(member, bool) else None,
        tier=_words(value.get("tier"), LONGEST_NAME),
        points=_whole(value.get("points")),
    )


def _attributes(value: object) -> dict[str, Trait]:
    if not isinstance(value, dict):
        return {}
    traits = ((name, _trait(told)) for name, told in value.items())
    known = [(name[:LONGEST_NAME], trait) for name, trait in traits if trait is not None]
    return dict(known[:MOST_ATTRIBUTES])


def _trait(value: object) -> Trait | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip()[:LONGEST_VALUE]
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else None
    number = float(value) if isinstance(value, float | Decimal) else None
    return number if number is not None and abs(number) < _LARGEST else None


NOTHING = Extras(
    coupon="",
    query="",
    form="",
    results=None,
    depth=None,
    length=None,
    by="",
    device="",
    time_zone="",
    logged_in=None,
    loyalty=None,
    attributes={},
    tags=(),
    segments=None,
)
"""What most events say of it."""
