"""Bodies that a JSON Schema allows: the usual one, the barest one, and odd ones. The same seed gives the same bodies.

It knows the part of JSON Schema that the package uses: ``type`` (one or several), ``anyOf``, ``properties``,
``required``, ``items`` and ``format``. Anything else fails, so that a schema that says more is not silently taken for
one that says less. A schema without a type allows everything; null is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random

Schema = Mapping[str, object]
KNOWN = frozenset(["$schema", "type", "anyOf", "properties", "required", "items", "format", "description", "title"])
ODD_TEXTS = ("", " ", "x", "1e999", "-0.00", "NaN", "2026-02-30T25:61:00Z", "\u2028", "é" * 300, "0" * 30, "true", "{}")
ODD_NUMBERS = (0, -1, 10**18, 2**63, -(2**63), 1)
ODD_FLOATS = (0.0, -1.5, 1e300, 0.1)
_AMOUNT = re.compile(r"price|amount|total|subtotal|tax|rate|balance|discount|weight|grams")
_FORMATS = {
    "date-time": "2026-11-21T10:15:42+01:00",
    "email": "sanne.devries@example.nl",
    "uri": "https://voorbeeld.example/a",
    "hostname": "voorbeeld.myshopify.com",
    "ipv4": "192.0.2.7",
}
_USUAL = {
    "currency": "EUR",
    "currency_code": "EUR",
    "presentment_currency": "EUR",
    "state": "subscribed",
    "status": "delivered",
    "shipment_status": "delivered",
}
_NOT_YET = frozenset(["completed_at", "cancelled_at", "closed_at"])
"""What usually has not happened when a webhook tells of something."""


def usual(schema: Schema) -> object:
    """Everything that may be there, with believable values."""
    return _Sampler(lambda choices: choices[0], keeps_all=True, fills=True, odd=None).of(schema, "")


def barest(schema: Schema) -> object:
    """Only what must be there, and null wherever that is allowed."""
    return _Sampler(lambda choices: choices[-1], keeps_all=False, fills=False, odd=None).of(schema, "")


def odd(schema: Schema, seed: int) -> object:
    """Anything that is allowed, as likely strange as not."""
    dice = Random(seed)  # noqa: S311 - the same every time, which is the point
    return _Sampler(dice.choice, keeps_all=False, fills=True, odd=dice).of(schema, "")


class _Sampler:
    def __init__(self, choose: Callable[[list[str]], str], *, keeps_all: bool, fills: bool, odd: Random | None) -> None:
        self._choose, self._keeps_all, self._fills, self._odd = choose, keeps_all, fills, odd

    def of(self, schema: Schema, name: str) -> object:
        alternatives, stated = schema.get("anyOf"), schema.get("type")
        if isinstance(alternatives, list):
            return self.of(alternatives[self._which(len(alternatives))], name)
        if stated is None or (self._keeps_all and name in _NOT_YET):
            return None
        assert schema.keys() <= KNOWN, f"{name}: a schema says {sorted(schema.keys() - KNOWN)}, which nobody here knows"
        types = sorted(stated, key=lambda each: each == "null") if isinstance(stated, list) else [str(stated)]
        return self._value(self._choose(types), schema, name)

    def _which(self, count: int) -> int:
        return int(self._choose([str(number) for number in range(count)]))

    def _value(self, kind: str, schema: Schema, name: str) -> object:
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema, name)
        if kind == "null":
            return None
        if kind == "boolean":
            return self._odd is None or self._odd.random() < 0.5
        if kind == "string":
            return self._text(schema, name)
        return self._number(kind)

    def _object(self, schema: Schema) -> dict[str, object]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        assert isinstance(properties, dict)
        assert isinstance(required, list)
        kept = [each for each in properties if each in required or self._keeps_all or self._keeps_one()]
        return {each: self.of(properties[each], each) for each in kept}

    def _keeps_one(self) -> bool:
        return self._odd is not None and self._odd.random() < 0.7

    def _array(self, schema: Schema, name: str) -> list[object]:
        items = schema.get("items")
        if not isinstance(items, dict) or not self._fills:
            return []
        count = 1 if self._odd is None else self._odd.randrange(3)
        return [self.of(items, name) for _ in range(count)]

    def _text(self, schema: Schema, name: str) -> str:
        if self._odd is not None and self._odd.random() < 0.3:
            return self._odd.choice(ODD_TEXTS)
        stated = schema.get("format", "date-time" if name.endswith("_at") else None)
        if isinstance(stated, str):
            return _FORMATS[stated]
        return _USUAL.get(name, "19.99" if _AMOUNT.search(name) else "a word")

    def _number(self, kind: str) -> object:
        if self._odd is None:
            return 3
        return self._odd.choice(ODD_NUMBERS if kind == "integer" else (*ODD_NUMBERS, *ODD_FLOATS))
