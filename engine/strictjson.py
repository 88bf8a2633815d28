"""JSON from strangers, read strictly: what two readers could understand differently is refused.

Refused with one plain sentence: duplicate keys, NaN and Infinity, numbers beyond a float, nesting beyond what
Python's own stack takes (some hundreds), lone surrogates, NUL characters, integers of thousands of digits, bad UTF-8.
"""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal, InvalidOperation

import msgspec

from engine.errors import MalformedJson

JsonObject = dict[str, object]


def _unique(pairs: list[tuple[str, object]]) -> JsonObject:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise MalformedJson("the same key stands twice in one object")
    return mapping


def _refuse_constant(name: str) -> object:
    raise MalformedJson(f"{name} is not JSON")


def _finite(text: str) -> Decimal:
    if len(text) > 400:
        raise MalformedJson("a number of more than 400 characters")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise MalformedJson("a number's exponent is too large") from None
    if abs(number.adjusted()) > 400:
        raise MalformedJson("a number is too large or too small")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)


def _has_odd_text(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return any(_has_odd_text(key) or _has_odd_text(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_odd_text(item) for item in value)


_read = msgspec.json.Decoder(float_hook=_finite).decode
_write = msgspec.json.Encoder(decimal_format="number").encode
_FEW_BRACKETS = 500
"""Whatever is nested so little is far from the end of Python's stack, here and wherever it goes next."""


def loads(body: bytes) -> object:
    """The value in ``body``: objects as dict, fractions as Decimal. Raises MalformedJson with what is wrong."""
    if b"\\u" not in body and body.count(b"{") + body.count(b"[") < _FEW_BRACKETS:
        # Written again it is the same, byte for byte: then there was only one way to read it. So is nearly everything
        # that a browser sends, and this costs a fifth.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, MalformedJson, OverflowError):
            value: object = _read(body)
            if _write(value) == body:
                return value
    return _loads_with_care(body)


def _loads_with_care(body: bytes) -> object:
    try:
        text = body.decode("utf-8")
        value: object = _DECODER.decode(text)
        # \u escapes are the only way a NUL or half a surrogate pair can come in.
        if "\\u" in text and _has_odd_text(value):
            raise MalformedJson("a text holds a NUL character or half a surrogate pair")
    except UnicodeDecodeError:
        raise MalformedJson("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise MalformedJson("a number has too many digits or the nesting is too deep") from None
    return value


def dumps(value: object) -> bytes:
    """Compact UTF-8 JSON; Decimals become strings, as the wire format allows."""
    return msgspec.json.encode(value)
