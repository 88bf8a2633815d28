"""Settings that are held against what was told: a word, a pattern with ``*``, a regular expression, or a number.

A marketer's regular expression runs in RE2, which takes linear time whatever is written and whatever it meets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Protocol

import re2

from engine.events import Told
from engine.rules.fields import Fault, Kind, OneOrMore, Reading, Schema, must_be, text_of, too_long, unlike
from engine.rules.fields import Told as AlreadyTold
from engine.rules.source import Mapping, Node, Scalar
from engine.rules.suggestions import shorten
from engine.said import Said, say

_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,4}", re.ASCII)
_MOST_STARS = 8
_LONGEST_PATTERN = 200
_PATTERN_MEMORY = 1 << 20


class _Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> _Pattern:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = _PATTERN_MEMORY
    compiled: _Pattern = re2.compile(pattern, options=options)
    return compiled


@dataclass(frozen=True)
class ValueTest:
    """A test on one value; ``text`` is as it was written. ``low`` and ``high`` are set for comparisons."""

    text: str
    sign: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    def fits(self, value: Told | float | None) -> bool:
        if value is None:
            return False
        if self.sign == "~":
            return _compiled(self.text[1:].strip()).search(_as_text(value)) is not None
        if self.sign:
            return self._compares(_as_number(value))
        if "*" in self.text:
            return _fits_stars(self.text.casefold(), _as_text(value).casefold())
        return _is_same(self.text, value)

    def _compares(self, number: Decimal | None) -> bool:
        if number is None:
            return False
        if self.sign == "..":
            return self.low <= number <= self.high
        return {
            ">=": number >= self.low,
            ">": number > self.low,
            "<=": number <= self.low,
            "<": number < self.low,
        }[self.sign]

    def __str__(self) -> str:
        return self.text


def fits_any(tests: tuple[ValueTest, ...], value: Told | float | None) -> bool:
    """Whether one of the tests fits; no tests ask nothing."""
    return not tests or any(test.fits(value) for test in tests)


def _as_text(value: Told | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:2_000]


def _as_number(value: Told | float) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_same(wanted: str, value: Told | float) -> bool:
    text = _as_text(value).strip()
    if wanted.casefold() == text.casefold():
        return True
    # 5 and 5.00 are one number; a text that merely looks like one is told apart by its letters.
    return bool(_NUMBER.fullmatch(wanted)) and not isinstance(value, str) and Decimal(wanted) == _as_number(value)


def _fits_stars(pattern: str, text: str) -> bool:
    first, *middle, last = pattern.split("*")
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    start, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


@dataclass(frozen=True)
class Value(Kind[ValueTest]):
    """A word, a pattern, ``~`` and a regular expression, or a comparison."""

    what: Said = say('a value, a pattern with *, a comparison such as ">= 50", or "~ " and a regular expression')

    def read(self, node: Node, reading: Reading) -> ValueTest:
        text = text_of(node, self.what)
        if len(text) > _LONGEST_PATTERN:
            raise too_long(node, text, _LONGEST_PATTERN)
        if text.startswith("~"):
            return self._pattern(node, text)
        low, dots, high = text.partition("..")
        if dots and _NUMBER.fullmatch(low.strip()) and _NUMBER.fullmatch(high.strip()):
            return self._between(node, text, Decimal(low.strip()), Decimal(high.strip()))
        sign = re.match(r">=|<=|=>|=<|<|>", text)
        if sign:
            return self._compared(node, text, sign[0])
        if text.count("*") > _MOST_STARS:
            raise Fault(node, say("a pattern has at most %(most)s *", most=_MOST_STARS))
        return ValueTest(text)

    def _pattern(self, node: Node, text: str) -> ValueTest:
        pattern = text[1:].strip()
        if not pattern:
            raise Fault(node, say('after ~ comes a regular expression, such as "~ ^ink-[0-9]+$"'))
        try:
            _compiled(pattern)
        except re2.error as error:
            said = error.args[0] if error.args else ""
            reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
            raise Fault(
                node, say("this regular expression cannot be used: %(reason)s", reason=shorten(reason))
            ) from None
        return ValueTest(text, "~")

    def _between(self, node: Node, text: str, low: Decimal, high: Decimal) -> ValueTest:
        if low > high:
            raise Fault(
                node,
                say("'%(text)s' runs backwards; write %(better)s", text=shorten(text), better=f"{high}..{low}"),
            )
        return ValueTest(text, "..", low, high)

    def _compared(self, node: Node, text: str, sign: str) -> ValueTest:
        if sign in ("=>", "=<"):
            raise Fault(node, say("write %(better)s instead of %(sign)s", better=sign[::-1], sign=sign))
        number = text.removeprefix(sign).strip()
        if not _NUMBER.fullmatch(number):
            raise Fault(
                node,
                say(
                    "after %(sign)s comes a number such as 50 or 12.50, not '%(number)s'",
                    sign=sign,
                    number=shorten(number),
                ),
            )
        return ValueTest(text, sign, Decimal(number))


@dataclass(frozen=True)
class FieldName(Kind[str]):
    """The path of a field in an event."""

    what: Said = say("a field of the event such as results or product.category")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not _FIELD.fullmatch(text) or len(text) > 80:
            raise unlike(node, self.what, text)
        return text


Conditions = tuple[tuple[str, tuple[ValueTest, ...]], ...]
"""Fields with what each must be."""
_MOST_FIELDS = 10


@dataclass(frozen=True)
class Where(Kind[Conditions]):
    """What an event's own fields must be; all of them must fit."""

    what: Said = say("fields with what they must be, such as {results: 0, product.category: [ink, toner]}")

    def read(self, node: Node, reading: Reading) -> Conditions:
        if isinstance(node, Scalar) and node.empty:
            raise Fault(node, say("this is empty; it must be %(what)s", what=self.what))
        if not isinstance(node, Mapping):
            raise must_be(node, self.what)
        if len(node.pairs) > _MOST_FIELDS:
            raise Fault(
                node.pairs[_MOST_FIELDS][0],
                say("at most %(most)s fields can be asked about", most=_MOST_FIELDS),
            )
        pairs = [reading.attempt(self._pair, key, value, reading) for key, value in node.pairs]
        found = tuple(pair for pair in pairs if pair is not None)
        if len(found) < len(pairs):
            raise AlreadyTold
        return tuple(sorted(found, key=lambda pair: pair[0]))

    def _pair(self, key: Scalar, value: Node, reading: Reading) -> tuple[str, tuple[ValueTest, ...]]:
        return FieldName().read(key, reading), OneOrMore(Value()).read(value, reading)

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": OneOrMore(Value()).schema(), "minProperties": 1}
