"""The kinds of setting that describe a shop and its calendar: hours, days, limits, addresses, languages, secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale

from engine.clock import MINUTE, Millis, from_datetime
from engine.rules.fields import Fault, Kind, OneOrMore, Reading, Schema, either, must_be, text_of, unlike
from engine.rules.numbers import Duration
from engine.rules.shop import DailyHours, Limit, WeeklyHours
from engine.rules.source import Mapping, Node, Scalar, Sequence
from engine.rules.suggestions import did_you_mean, meant, nearest, shorten
from engine.said import Said, frame, say, unmarked

# --- the calendar -----------------------------------------------------------------------------------------------------

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STRETCH = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", re.ASCII)


def _stretch(node: Node, text: str, example: str) -> DailyHours:
    match = _STRETCH.fullmatch(text)
    if match is None:
        raise Fault(
            node,
            say(
                "'%(text)s' is not a stretch of the day; write it like %(example)s", text=shorten(text), example=example
            ),
        )
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59 or start >= 1440 or end > 1440:
        raise Fault(node, say("'%(text)s' is not on the clock; a day runs from 00:00 to 24:00", text=shorten(text)))
    if start == end:
        raise Fault(node, say("'%(text)s' begins and ends at the same moment", text=shorten(text)))
    return DailyHours(start, end)


@dataclass(frozen=True)
class QuietHours(Kind[DailyHours]):
    """A stretch of every day; it may run over midnight."""

    what: Said = say("a stretch of the day such as 21:00-08:00")

    def read(self, node: Node, reading: Reading) -> DailyHours:
        return _stretch(node, text_of(node, self.what), "21:00-08:00")


@dataclass(frozen=True)
class OfficeHours(Kind[WeeklyHours]):
    """Opening hours by weekday."""

    what: Said = say("opening hours such as mon-fri 09:00-21:00, sat 10:00-17:00")

    def read(self, node: Node, reading: Reading) -> WeeklyHours:
        week: list[list[DailyHours]] = [[] for _ in _DAYS]
        for part in text_of(node, self.what).split(","):
            days, _, hours = part.strip().partition(" ")
            stretch = _stretch(node, hours.strip(), "mon-fri 09:00-21:00")
            if stretch.start > stretch.end:
                raise Fault(
                    node, say("opening hours end at midnight; write a night in two: fri 18:00-24:00, sat 00:00-02:00")
                )
            for day in _days_in(node, days.casefold()):
                week[day].append(stretch)
        return WeeklyHours(tuple(tuple(day) for day in week))


def _days_in(node: Node, text: str) -> list[int]:
    if text in ("daily", "mon-sun"):
        return list(range(7))
    first, dash, last = text.partition("-")
    ends = [_day(node, first), _day(node, last if dash else first)]
    span = (ends[1] - ends[0]) % 7
    return [(ends[0] + step) % 7 for step in range(span + 1)]


def _day(node: Node, text: str) -> int:
    if text[:3] not in _DAYS:
        raise Fault(
            node,
            say("'%(text)s' is not a day; there are %(days)s and daily", text=shorten(text), days=", ".join(_DAYS)),
        )
    return _DAYS.index(text[:3])


@dataclass(frozen=True)
class Weekdays(Kind[tuple[int, ...]]):
    """Days of the week, as numbers from Monday, which is 0."""

    what: Said = say("days such as mon-fri, or [sat, sun]")

    def read(self, node: Node, reading: Reading) -> tuple[int, ...]:
        parts = node.items if isinstance(node, Sequence) else (node,)
        if not parts:
            raise Fault(node, say("this list is empty; it must be %(what)s", what=unmarked(self.what)))
        days = {
            day
            for part in parts
            for words in text_of(part, self.what).split(",")
            for day in _days_in(part, words.strip().casefold())
        }
        if len(days) == 7:
            raise Fault(node, say("that is every day; leave the condition out"))
        return tuple(sorted(days))

    def schema(self) -> Schema:
        return either(one={"type": "string"}, a_list={"type": "array", "items": {"type": "string"}, "minItems": 1})


@dataclass(frozen=True)
class Moment(Kind[Millis]):
    """A day, or a day and a time, on the shop's own clock. With ``end`` a day counts to its last moment."""

    end: bool = False
    what: Said = say("a day such as 2026-12-01, or 2026-12-01 09:00")

    def read(self, node: Node, reading: Reading) -> Millis:
        text = text_of(node, self.what)
        if not re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d)?", text, re.ASCII):
            raise unlike(node, self.what, text)
        try:
            moment = datetime.fromisoformat(text) + timedelta(days=int(self.end and len(text) == 10))
        except (ValueError, OverflowError):
            raise Fault(node, say("'%(text)s' is not a day of the calendar", text=shorten(text))) from None
        if not date(2000, 1, 1) <= moment.date() <= date(2100, 1, 1):
            raise Fault(node, say("%(year)s is not a year in which a rule runs", year=moment.year))
        return from_datetime(moment.replace(tzinfo=ZoneInfo(reading.time_zone)))


@dataclass(frozen=True)
class Limited(Kind[tuple[Limit, ...]]):
    """How many messages in how long."""

    what: Said = say("limits such as 1 per session, 3 per 7d")

    def read(self, node: Node, reading: Reading) -> tuple[Limit, ...]:
        if isinstance(node, Sequence):
            return tuple(limit for item in node.items for limit in self.read(item, reading))
        return tuple(self._one(node, part.strip(), reading) for part in text_of(node, self.what).split(","))

    def _one(self, node: Node, text: str, reading: Reading) -> Limit:
        match = re.fullmatch(r"([0-9]{1,6})\s+(?:per|in|a)\s+(.+)", text)
        if match is None:
            raise Fault(node, say("'%(text)s' is not a limit; write 1 per session, 3 per 7d", text=shorten(text)))
        if match[2] == "session":
            return Limit(int(match[1]), None)
        span = match[2] if re.match(r"\d", match[2]) else f"1 {match[2]}"
        return Limit(int(match[1]), Duration().read(Scalar(span, True, node.line, node.column), reading))

    def schema(self) -> Schema:
        return {"type": ["string", "array"]}


_OCCASIONS = ("session", "cart", "visitor", "page")


@dataclass(frozen=True)
class OncePer(Kind[str]):
    """An occasion, or a duration (as its milliseconds in text)."""

    what: Said = say("`session`, `cart`, `visitor`, `page` or a duration such as 7d")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if text in _OCCASIONS:
            return text
        if not re.match(r"\d", text):
            raise Fault(
                node,
                say(
                    "'%(text)s' does not fit here%(hint)s, or write a duration such as 7d",
                    text=shorten(text),
                    hint=did_you_mean(text, _OCCASIONS),
                ),
            )
        span = Duration().read(node, reading)
        if span < MINUTE:
            raise Fault(node, say("once per minute is the most often there is"))
        return str(span)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@dataclass(frozen=True)
class TimeZone(Kind[str]):
    what: Said = say("a time zone such as Europe/Amsterdam")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if text not in _zones():
            raise Fault(
                node,
                say(
                    "unknown time zone '%(text)s'%(hint)s; write it like Europe/Amsterdam",
                    text=shorten(text),
                    hint=_nearest_zone(text),
                ),
            )
        return text


def _nearest_zone(text: str) -> Said:
    city = text.rpartition("/")[2].casefold().replace(" ", "_")
    found = sorted(zone for zone in _zones() if zone.rpartition("/")[2].casefold() == city)
    return meant(found[0]) if found else frame("")


# --- money and languages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Currency(Kind[str]):
    what: Said = say("a currency code such as EUR")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not re.fullmatch(r"[A-Z]{3}", text):
            known = {"euro": "EUR", "€": "EUR", "dollar": "USD", "$": "USD", "pound": "GBP", "£": "GBP"}
            better = text.upper() if re.fullmatch(r"[A-Za-z]{3}", text) else known.get(text.casefold().rstrip("s"))
            hint = say("; write %(better)s", better=better) if better else say(", such as EUR")
            raise Fault(
                node, say("'%(text)s' is not a currency code of three capitals%(hint)s", text=shorten(text), hint=hint)
            )
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[A-Z]{3}$"}


@dataclass(frozen=True)
class Language(Kind[str]):
    what: Said = say("a language code such as nl, en or pt-BR")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", text):
            raise Fault(
                node, say("'%(text)s' is not a language code; write it like nl, en or pt-BR", text=shorten(text))
            )
        return text


@cache
def _countries() -> dict[str, str]:
    """Country codes by their English names, in small letters."""
    return {name.casefold(): code for code, name in Locale("en").territories.items() if len(code) == 2}


_NOT_ISO = {"UK": "GB", "EL": "GR", "EN": "GB"}


@dataclass(frozen=True)
class Country(Kind[str]):
    """A country's code, whatever else it looks like: ``NO`` is Norway."""

    what: Said = say("a country code such as NL")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        known = _countries()
        if text.upper() not in known.values() or text.upper() in _NOT_ISO:
            better = _NOT_ISO.get(text.upper()) or known.get(text.casefold())
            hint = say("; write %(better)s", better=better) if better else say("; write it like NL")
            raise Fault(node, say("'%(text)s' is not a country code%(hint)s", text=shorten(text), hint=hint))
        return text.upper()

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[A-Za-z]{2}$"}


# --- addresses --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Url(Kind[str]):
    """A web address; with ``path`` also one within the shop, such as ``/contact``."""

    path: bool = False

    @property
    def what(self) -> Said:
        if self.path:
            return say("a web address such as https://shop.example/cart, or a path such as /contact")
        return say("a web address such as https://shop.example/cart")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if self.path and re.match(r"/(?![/\\])", text) and not re.search(r"[\s\\]", text):
            return text
        if not _is_web_address(text):
            raise unlike(node, self.what, text)
        return text

    def schema(self) -> Schema:
        return {"type": "string"}


def _is_web_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        _ = url.port  # urllib looks at the port only when asked
    except ValueError:
        return False
    plain = not re.search(r"[\s\\<>\"']", text) and len(text) <= 2000
    return plain and url.scheme in ("http", "https") and bool(url.hostname) and url.username is None


SANDBOXED = "sandboxed"
"""How a rule file calls frames that have no address of their own; browsers call their origin ``null``, as YAML does
nothing at all."""


@dataclass(frozen=True)
class Origin(Kind[str]):
    what: Said = say("an origin such as https://shop.example, without a path")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what).rstrip("/").casefold()
        if text == SANDBOXED:
            return "null"
        if not _is_web_address(text) or urlsplit(text)[2:] != ("", "", ""):
            raise unlike(node, self.what, text)
        return text


@dataclass(frozen=True)
class UrlPattern(Kind[str]):
    """Addresses by pattern: ``*`` stands for anything. See :mod:`engine.rules.pages`."""

    what: Said = say("a path such as /help/*, where * stands for anything")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not re.match(r"/|\*|https?://", text) or re.search(r"\s", text) or len(text) > 300:
            raise unlike(node, self.what, text)
        if text.count("*") > 8:
            raise Fault(node, say("a pattern has at most eight *"))
        return text


@dataclass(frozen=True)
class Pages(Kind[tuple[tuple[str, tuple[str, ...]], ...]]):
    """Page types and their addresses, in the file's order. A type that is not known becomes the shop's own."""

    what: Said = say("page types with their addresses, such as faq: [/faq/*]")

    def read(self, node: Node, reading: Reading) -> tuple[tuple[str, tuple[str, ...]], ...]:
        if not isinstance(node, Mapping):
            raise must_be(node, self.what)
        entries = [reading.attempt(self._entry, key, value, reading) for key, value in node.pairs]
        found = tuple(entry for entry in entries if entry is not None)
        reading.page_types = (*reading.page_types, *(name for name, _ in found if name not in reading.page_types))
        return found

    def _entry(self, key: Scalar, value: Node, reading: Reading) -> tuple[str, tuple[str, ...]]:
        near = nearest(key.text, reading.page_types)
        if near is not None and near != key.text:
            raise Fault(key, say("unknown page type '%(text)s'%(hint)s", text=shorten(key.text), hint=meant(near)))
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", key.text):
            raise Fault(
                key, say("a page type has small letters, digits and _ only, not '%(text)s'", text=shorten(key.text))
            )
        return key.text, OneOrMore(UrlPattern()).read(value, reading)

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": OneOrMore(UrlPattern()).schema()}
