"""Reading what strangers wrote: a value of the wrong kind is left out, or passed on for ``parse_event`` to name."""

from __future__ import annotations

import re
from decimal import Decimal

JsonObject = dict[str, object]

_WHOLE = re.compile(r"[0-9]{1,9}\Z")


def is_said(value: object) -> bool:
    """Tag managers write an empty text where they know nothing; nought and false are something."""
    return value is not None and value != "" and value != {}


def first(*values: object) -> object:
    """The first value that was said."""
    return next(filter(is_said, values), None)


def said(fields: JsonObject) -> JsonObject:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if is_said(value)}


def fill(target: JsonObject, fields: JsonObject) -> None:
    """Add what is missing; what stands there wins."""
    for name, value in fields.items():
        if is_said(value) and target.get(name) is None:
            target[name] = value


def section(value: object) -> JsonObject:
    """The object itself, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def dig(value: object, *path: str) -> object:
    """What stands at the path of names; None where any part of it is something else."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text(value: object) -> str | None:
    """Words; a number becomes its digits, anything else is left out."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return str(value) if isinstance(value, float | Decimal) or value.bit_length() < 256 else None


def amount(value: object) -> object:
    """Money, bare or as ``{amount, currencyCode}``; whether it is a number is for ``parse_event`` to say."""
    if isinstance(value, dict) and "amount" in value:
        value = value["amount"]
    return value if is_said(value) else None


def whole(value: object) -> object:
    """A count: ``"2"`` and ``2.0`` are 2, as tag managers write them; anything else is passed on."""
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    small = isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 9
    if isinstance(value, Decimal) and small and value == int(value):
        return int(value)
    return value if is_said(value) else None


def each(values: object) -> list[object] | None:
    """A list, or None."""
    return values if isinstance(values, list) else None
