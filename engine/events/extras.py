"""What an event may say beside its sections, read with an open mind.

A shop's own events use the same words for other things (``length: "3:20"``), so a value of another kind is left out
here instead of being refused; it is kept with the event all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial

from engine.events.model import Loyalty, Trait

DEVICES = ("mobile", "tablet", "desktop")
MOST_ATTRIBUTES = 20
MOST_WORDS = 20
LONGEST_NAME = 40
LONGEST_VALUE = 80
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}\Z")
_LARGEST = 10**15


def extras_in(raw: dict[str, object]) -> dict[str, object]:
    """What of it is there, by its name in :class:`~engine.events.model.Event`; nonsense becomes the default."""
    return {name: _READERS[name](raw[name]) for name in raw.keys() & _READERS.keys()}


def _words(value: object, most: int = 60) -> str:
    return value.strip()[:most] if isinstance(value, str) else ""


def _one_of(value: object, known: tuple[str, ...]) -> str:
    return value if isinstance(value, str) and value in known else ""


def _whole(value: object) -> int | None:
    """A number that is not negative, without its fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if 0 <= value < _LARGEST else None


def _percent(value: object) -> int | None:
    number = _whole(value)
    return None if number is None else min(number, 100)


def _yes_or_no(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _zone(value: object) -> str:
    zone = _words(value, LONGEST_NAME)
    return zone if _ZONE.match(zone) else ""


def _list(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(filter(None, (_words(word, LONGEST_NAME) for word in value))))[:MOST_WORDS]


def _loyalty(value: object) -> Loyalty | None:
    if not isinstance(value, dict):
        return None
    return Loyalty(
        member=_yes_or_no(value.get("member")),
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


_READERS: dict[str, Callable[[object], object]] = {
    "coupon": _words,
    "query": _words,
    "form": _words,
    "results": _whole,
    "depth": _percent,
    "length": _whole,
    "by": partial(_one_of, known=("mouse", "touch")),
    "device": partial(_one_of, known=DEVICES),
    "time_zone": _zone,
    "logged_in": _yes_or_no,
    "loyalty": _loyalty,
    "formerly": _words,
    "attributes": _attributes,
    "tags": lambda value: _list(value) or (),
    "segments": _list,
}
