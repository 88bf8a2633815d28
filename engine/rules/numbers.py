"""Settings that are numbers: durations, amounts, shares, comparisons. A number without its unit is never guessed."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from engine import clock, money
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.errors import MoneyError
from engine.rules.fields import Fault, Kind, Reading, Schema, either, text_of, unlike
from engine.rules.source import Node, Scalar
from engine.rules.suggestions import shorten
from engine.said import Said, frame, say

_UNITS: dict[str, Millis] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), SECOND),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * DAY),
}
_LONGEST = 730 * DAY
_UNIT_HINT = say("durations need a unit: 45s, 10m, 1h30m, 3d")


@dataclass(frozen=True)
class Duration(Kind[Millis]):
    """A length of time with its unit, in milliseconds."""

    most: Millis = _LONGEST
    what: Said = say("a duration such as 45s, 10m, 1h30m or 3d")

    def read(self, node: Node, reading: Reading) -> Millis:
        text = text_of(node, self.what)
        total = self._total(node, text.casefold())
        if total <= 0:
            raise Fault(node, say("a duration must be longer than nothing"))
        if total > self.most:
            raise Fault(
                node,
                say(
                    "'%(text)s' is too long; at most %(most)s makes sense here",
                    text=shorten(text),
                    most=clock.describe(self.most),
                ),
            )
        return total

    def _total(self, node: Node, text: str) -> Millis:
        if re.fullmatch(r"[\d\s.,:]+", text):
            raise Fault(node, say("'%(text)s' has no unit; %(hint)s", text=shorten(text), hint=_UNIT_HINT))
        if re.search(r"\d[.,]\d", text):
            raise Fault(
                node, say("write whole numbers, such as 1h30m instead of 1.5h, not '%(text)s'", text=shorten(text))
            )
        if not re.fullmatch(r"(\d{1,9}\s*[a-z]+[\s,]*)+", text):
            raise Fault(node, say("'%(text)s' is not a duration; %(hint)s", text=shorten(text), hint=_UNIT_HINT))
        total = 0
        for count, unit in re.findall(r"(\d+)\s*([a-z]+)", text):
            if unit not in _UNITS:
                raise Fault(
                    node, say("'%(unit)s' is not a unit of time; there are s, m, h, d and w", unit=shorten(unit))
                )
            total += int(count) * _UNITS[unit]
        return total

    def schema(self) -> Schema:
        return {"type": "string", "pattern": r"^\s*(\d+\s*[A-Za-z]+[\s,]*)+$"}


def tidy_duration(text: str) -> str:
    """A duration as we write it (``45 seconds`` is ``45s``); any other text stays as it is."""
    if not re.fullmatch(r"\s*(\d{1,9}\s*[A-Za-z]+[\s,]*)+", text):
        return text
    parts = re.findall(r"(\d+)\s*([a-z]+)", text.casefold())
    if any(unit not in _UNITS for _, unit in parts):
        return text
    # In the units that were meant: two weeks stay 2w.
    return "".join(f"{count}{_SHORTEST[_UNITS[unit]]}" for count, unit in parts)


_SHORTEST = {SECOND: "s", MINUTE: "m", HOUR: "h", DAY: "d", 7 * DAY: "w"}


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number."""

    least: int = 0
    most: int = 1_000_000

    @property
    def what(self) -> Said:
        if self.most >= 1_000_000:
            return say("a whole number")
        return self._within

    def read(self, node: Node, reading: Reading) -> int:
        text = text_of(node, self.what)
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise unlike(node, self.what, text)
        if not self.least <= int(text) <= self.most:
            raise Fault(node, say("this must be %(what)s, not %(text)s", what=self._within, text=text))
        return int(text)

    @property
    def _within(self) -> Said:
        return say("a whole number from %(least)s to %(most)s", least=self.least, most=self.most)

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Money(Kind[int]):
    """An amount in the shop's currency; in minor units inside."""

    what: Said = say("an amount such as 3.00, in the shop's currency")

    def read(self, node: Node, reading: Reading) -> int:
        text = text_of(node, self.what)
        amount = text.removesuffix(reading.currency).strip()
        if reading.currency == "EUR":
            amount = amount.removeprefix("€").strip()
        if re.fullmatch(r"[0-9]{1,12},[0-9]{1,2}", amount):
            raise Fault(node, say("write %(amount)s, with a point", amount=amount.replace(",", ".")))
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", amount):
            raise Fault(
                node,
                say(
                    "this must be an amount in %(currency)s such as 3.00, not '%(text)s'",
                    currency=reading.currency,
                    text=shorten(text),
                ),
            )
        decimals = money.exponent(reading.currency)
        if decimals < 3 and re.fullmatch(r"[0-9]{1,3}\.[0-9]{3}", amount):
            raise Fault(
                node,
                say(
                    "'%(text)s' may be read in two ways; write %(thousands)s without a point, or %(few)s",
                    text=shorten(text),
                    thousands=amount.replace(".", ""),
                    few=amount[:-1],
                ),
            )
        if len(amount.partition(".")[2].rstrip("0")) > decimals:
            raise Fault(
                node,
                say(
                    "%(currency)s has %(decimals)s decimals, so '%(text)s' cannot be paid",
                    currency=reading.currency,
                    decimals=decimals,
                    text=shorten(text),
                ),
            )
        try:
            return money.to_minor(Decimal(amount), reading.currency)
        except MoneyError as error:
            raise Fault(node, frame("%(message)s", message=error.message)) from None

    def schema(self) -> Schema:
        text: Schema = {"type": "string", "pattern": r"^\S*\d+(\.\d+)?.*$"}
        return either(number={"type": "number", "minimum": 0}, text=text)


@dataclass(frozen=True)
class Share(Kind[float]):
    """A part of the whole, written in percent; 0 to 1 inside."""

    what: Said = say("a share such as 8%%")

    def read(self, node: Node, reading: Reading) -> float:
        text = text_of(node, self.what)
        number = text.removesuffix("%").strip()
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", number):
            raise unlike(node, self.what, text)
        if not text.endswith("%"):
            meant = Decimal(number) * 100 if Decimal(number) < 1 else Decimal(number)
            raise Fault(node, say("a share needs its percent sign: %(share)s%%", share=f"{meant.normalize():f}"))
        if Decimal(number) > 100:
            raise Fault(node, say("a share is at most 100%%"))
        return float(Decimal(number) / 100)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": r"^\d{1,3}(\.\d+)?\s*%$"}


_TESTS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
}


@dataclass(frozen=True)
class Comparison:
    """A test on a number: ``>= 50``, ``2..5`` (both ends count) or just ``3``. ``text`` is as it was written."""

    sign: str
    low: int
    high: int
    text: str

    @property
    def least(self) -> int | None:
        """The smallest number for which it can hold; None when there is none."""
        if self.sign in ("<", "<="):
            return None
        return self.low + 1 if self.sign == ">" else self.low

    def holds(self, number: int) -> bool:
        return self.low <= number <= self.high if self.sign == ".." else _TESTS[self.sign](number, self.low)

    def next_after(self, number: int) -> int | None:
        """The smallest number above ``number`` for which it holds; None when there is none."""
        if self.sign in ("<", "<="):
            return number + 1 if self.holds(number + 1) else None
        first = self.low + 1 if self.sign == ">" else self.low
        return max(first, number + 1) if self.holds(max(first, number + 1)) else None


@dataclass(frozen=True)
class Compared(Kind[Comparison]):
    """A comparison over ``kind`` (money or whole numbers)."""

    kind: Kind[int]

    @property
    def what(self) -> Said:
        return say('a comparison such as `">= 50"` or `"2..5"` with %(what)s', what=self.kind.what)

    def read(self, node: Node, reading: Reading) -> Comparison:
        text = text_of(node, say('a comparison such as ">= 50" or "2..5"'))
        low, dots, high = text.partition("..")
        if dots:
            bounds = self._number(node, low, reading), self._number(node, high, reading)
            if bounds[0] > bounds[1]:
                raise Fault(
                    node,
                    say(
                        "'%(text)s' runs backwards; write %(better)s",
                        text=shorten(text),
                        better=f"{high.strip()}..{low.strip()}",
                    ),
                )
            return Comparison("..", *bounds, text)
        match = re.match(r"(>=|<=|=>|=<|==?|<|>)?", text)
        sign = match[0] if match else ""
        if sign in ("=>", "=<"):
            raise Fault(node, say("write %(better)s instead of %(sign)s", better=sign[::-1], sign=sign))
        number = self._number(node, text.removeprefix(sign), reading)
        return Comparison("=" if sign in ("", "==") else sign, number, number, text)

    def _number(self, node: Node, text: str, reading: Reading) -> int:
        if not text.strip():
            raise Fault(node, say('a number is missing; write ">= 50", "< 50", "2..5" or just 3'))
        return self.kind.read(Scalar(text, True, node.line, node.column), reading)
