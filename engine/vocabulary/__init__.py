"""Foreign vocabularies: events by the names of Segment, Google Analytics 4 and Shopify's pixel, as they are.

A shop that already reports to one of them sends the same here. :func:`translate` is pure and never raises: what makes
no sense is left out, or passed on for ``parse_event`` to name. The table of names is in ``docs/events.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from engine.vocabulary import shipping
from engine.vocabulary.entries import Entry, Vocabulary
from engine.vocabulary.envelope import SECTIONS, envelope
from engine.vocabulary.ga4 import GA4
from engine.vocabulary.segment import IDENTIFY_CALL, PAGE_CALL, SEGMENT
from engine.vocabulary.shopify import SHOPIFY
from engine.vocabulary.values import JsonObject, dig, fill, first, section

__all__ = ["VOCABULARIES", "translate"]

VOCABULARIES = (SEGMENT, GA4, SHOPIFY)

_Translator = Callable[[JsonObject], JsonObject]
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_TYPE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z")


def translate(raw: JsonObject) -> JsonObject:
    """The event with its canonical type and sections, or ``raw`` itself where its type is ours or unknown.

    ``raw`` is one decoded event; it is never changed. Never raises, whatever JSON it holds.
    """
    kind = raw.get("type")
    if kind is None:
        return _translate_call("event", _BY_NAME, raw)
    translator = _TRANSLATORS.get(kind) if isinstance(kind, str) else None
    return raw if translator is None else translator(raw)


def _translate(vocabulary: Vocabulary, entry: Entry, raw: JsonObject) -> JsonObject:
    event = envelope(raw)
    body = vocabulary.body(raw)
    for part in entry.carries:
        fill(event, vocabulary.parts[part](body))
    fill(event, {"type": entry.type, "step": entry.step})
    estimate = first(event.pop("shipping_estimate", None), body.get("shipping_estimate"), raw.get("shipping_estimate"))
    method = first(event.pop("method", None), body.get("shipping_method"))
    stated = first(body.get("shipping"), raw.get("shipping"))
    price = _number(dig(stated, "price") if isinstance(stated, dict) else stated)
    shipping.settle(event, price, estimate, body.get("currency"), method)
    _name_the_cart(event, raw.get("cart_id"))
    return event


def _name_the_cart(event: JsonObject, name: object) -> None:
    """A ``cart_id`` beside the type: the name that the cart has here, whatever the platform calls it."""
    for part, field in (("cart", "id"), ("order", "cart_id")):
        told = event.get(part)
        if isinstance(name, str) and isinstance(told, dict):
            event[part] = {**told, field: name}


def _number(value: object) -> object:
    """A price, or None for what cannot be one."""
    return value if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool) else None


def _translate_ours(raw: JsonObject) -> JsonObject:
    """Our own body, unless a bare number stands where the shipping section belongs."""
    if "shipping" not in raw and "shipping_estimate" not in raw:
        return raw
    stated, estimate = _number(raw.get("shipping")), raw.get("shipping_estimate")
    if stated is None and estimate is None:
        return raw
    event = {name: value for name, value in raw.items() if name != "shipping_estimate"}
    if stated is not None:
        del event["shipping"]
    shipping.settle(event, stated, estimate, raw.get("currency"), raw.get("shipping_method"))
    return event


def _translate_if_theirs(
    is_theirs: Callable[[JsonObject], bool], theirs: _Translator, ours: _Translator | None, raw: JsonObject
) -> JsonObject:
    """For a name that both have: by the shape of the body."""
    if ("data" in raw or "context" in raw) and is_theirs(raw):
        return theirs(raw)
    return raw if ours is None else ours(raw)


def _translate_call(named_by: str, known: Mapping[str, _Translator], raw: JsonObject) -> JsonObject:
    """An envelope whose ``type`` only says what kind of call it is, if anything; the name stands elsewhere."""
    name = raw.get(named_by)
    if not isinstance(name, str):
        return raw
    translator = known.get(name)
    return _translate_own(name, raw) if translator is None else translator(raw)


def _translate_own(name: str, raw: JsonObject) -> JsonObject:
    """The shop's own event in a foreign envelope: ``Quiz Completed`` and ``quizCompleted`` are ``quiz_completed``."""
    event = envelope(raw)
    for part in ("properties", "customData"):
        body = section(raw.get(part))
        fill(event, {name: body[name] for name in SECTIONS if isinstance(body.get(name), dict)})
    spelt = _WORD_START.sub("_", name[:100]).strip("_").lower()
    return {**event, "type": spelt if _TYPE_NAME.match(spelt) else name}


def _by_name(vocabulary: Vocabulary) -> dict[str, _Translator]:
    return {entry.name: partial(_translate, vocabulary, entry) for entry in vocabulary.entries}


_PIXEL = _by_name(SHOPIFY)
_BY_NAME = {
    **_by_name(SEGMENT),
    **_by_name(GA4),
    **{name: translator for name, translator in _PIXEL.items() if name not in SHOPIFY.signs},
}
"""The names that are foreign and nothing else."""

_OURS: dict[str, _Translator] = dict.fromkeys(shipping.TAKES_A_NUMBER, _translate_ours)
_SHARED: dict[str, _Translator] = {
    name: partial(_translate_if_theirs, is_theirs, _PIXEL[name], _OURS.get(name))
    for name, is_theirs in SHOPIFY.signs.items()
}
_CALLS: dict[str, _Translator] = {
    "track": partial(_translate_call, "event", _BY_NAME),
    "page": partial(_translate, SEGMENT, PAGE_CALL),
    "identify": partial(_translate, SEGMENT, IDENTIFY_CALL),
    "standard": partial(_translate_call, "name", _PIXEL),
    "custom": partial(_translate_call, "name", _PIXEL),
}
_TRANSLATORS: dict[str, _Translator] = {**_BY_NAME, **_OURS, **_SHARED, **_CALLS}
