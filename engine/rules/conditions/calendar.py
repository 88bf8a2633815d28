"""The clock and the calendar: opening hours, the time of day, weekdays, dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import ClassVar

from engine.clock import Millis, from_datetime, to_datetime
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice
from engine.rules.forms import Clash, setting
from engine.rules.shop import DailyHours
from engine.rules.shop_fields import Moment, QuietHours, Weekdays
from engine.rules.verdicts import Verdict, met, not_met, not_yet, unknown
from engine.rules.zones import own_zone
from engine.said import say

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD_DAYS = 8


def _when(local: datetime, day: int, minute: int) -> Millis:
    """The moment at which the local clock shows ``minute`` of the day, ``day`` days on."""
    midnight = datetime.combine(local.date(), time(), tzinfo=local.tzinfo) + timedelta(days=day)
    return from_datetime(midnight + timedelta(minutes=minute))


def next_moment(
    local: datetime, minutes: set[int], holds: Callable[[datetime], bool], days: int = _LOOK_AHEAD_DAYS
) -> Millis | None:
    """The first of these minutes of the coming days at which it holds; only at them can it begin to."""
    now = from_datetime(local)
    for day in range(days):
        for minute in sorted(minutes):
            at = _when(local, day, minute)
            if at > now and holds(to_datetime(at).astimezone(local.tzinfo)):
                return at
    return None


@dataclass(frozen=True, kw_only=True)
class _ByTheClock(BaseCondition):
    """What the time of day and weekdays have in common: whose clock."""

    clock: str = setting(
        Choice(("visitor", "shop")),
        "The visitor's own clock (from `time_zone`, or a country that has one zone), or the shop's.",
        default="visitor",
    )

    def local(self, facts: Facts) -> datetime | None:
        if self.clock == "shop":
            return facts.shop.local(facts.now)
        zone = own_zone(facts)
        return None if zone is None else to_datetime(facts.now).astimezone(zone)


@condition
@dataclass(frozen=True, kw_only=True)
class OfficeHours(BaseCondition):
    """The shop's office is open now, or closed. Needs `office_hours` in the shop's section.

    Example:
        - office_hours: open
        - office_hours: closed
    """

    is_: str = setting(Choice(("open", "closed")), "What it is.", default="open", main=True)

    peers: ClassVar[dict[str, str]] = {
        "Chatwoot": "business hours",
        "Libredesk": "business hours",
        "Tiledesk": "office hours",
        "Chaskiq": "office hours",
    }

    def check(self, facts: Facts) -> Verdict:
        hours = facts.shop.office_hours
        if hours is None:
            return unknown(say("the office hours"))
        local = facts.shop.local(facts.now)
        seen = "open" if hours.open_at(local) else "closed"
        if seen == self.is_:
            return met(seen, self.is_)
        at = self._turn(facts, to=self.is_)
        return not_met(seen, self.is_) if at is None else not_yet(at, seen, self.is_)

    def met_until(self, facts: Facts) -> Millis | None:
        return self._turn(facts, to="closed" if self.is_ == "open" else "open")

    def _turn(self, facts: Facts, to: str) -> Millis | None:
        """When the shop is next open, or closed."""
        hours = facts.shop.office_hours
        if hours is None:
            return None
        minutes = {minute for day in hours.days for span in day for minute in (span.start, span.end % 1440)} | {0}
        local = facts.shop.local(facts.now)
        return next_moment(local, minutes, lambda moment: hours.open_at(moment) == (to == "open"))


@condition
@dataclass(frozen=True, kw_only=True)
class LocalTime(_ByTheClock):
    """It is such a time of day for the shopper; a stretch may run over midnight.

    Example:
        - local_time: 18:00-23:00
        - local_time: {between: 09:00-17:00, clock: shop}
    """

    between: DailyHours = setting(QuietHours(), "The stretch of the day.", main=True)

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "the server's time zone",
        "Zendesk": "whole hours, UTC",
        "Tidio": "clock",
    }

    def check(self, facts: Facts) -> Verdict:
        local = self.local(facts)
        wanted = str(self.between)
        if local is None:
            return unknown(say("what time it is where the shopper is"))
        seen = f"{local:%H:%M}"
        if self._holds(local):
            return met(seen, wanted)
        at = next_moment(local, {self.between.start}, self._holds)
        return not_met(seen, wanted) if at is None else not_yet(at, seen, wanted)

    def met_until(self, facts: Facts) -> Millis | None:
        local = self.local(facts)
        minutes = {self.between.start, self.between.end % 1440}
        return None if local is None else next_moment(local, minutes, lambda moment: not self._holds(moment))

    def _holds(self, local: datetime) -> bool:
        return self.between.holds_at(local.hour * 60 + local.minute)


@condition
@dataclass(frozen=True, kw_only=True)
class Weekday(_ByTheClock):
    """It is such a day of the week for the shopper.

    Example:
        - weekday: mon-fri
        - weekday: {days: [sat, sun], clock: shop}
    """

    days: tuple[int, ...] = setting(Weekdays(), "The days.", main=True)

    def check(self, facts: Facts) -> Verdict:
        local = self.local(facts)
        if local is None:
            return unknown(say("what day it is where the shopper is"))
        seen, wanted = _DAYS[local.weekday()], ", ".join(_DAYS[day] for day in self.days)
        if local.weekday() in self.days:
            return met(seen, wanted)
        at = next_moment(local, {0}, lambda moment: moment.weekday() in self.days)
        return not_met(seen, wanted) if at is None else not_yet(at, seen, wanted)

    def met_until(self, facts: Facts) -> Millis | None:
        local = self.local(facts)
        return None if local is None else next_moment(local, {0}, lambda moment: moment.weekday() not in self.days)


@condition
@dataclass(frozen=True, kw_only=True)
class Dates(BaseCondition):
    """Today is within these dates, by the shop's clock; the last day counts in full.

    Example:
        - dates: {from: 2026-11-23, until: 2026-12-24}
        - dates: {until: 2026-12-31 17:00}
    """

    from_: Millis | None = setting(Moment(), "The first day or moment.", default=None)
    until: Millis | None = setting(Moment(end=True), "The last day, or the moment it ends.", default=None)

    peers: ClassVar[dict[str, str]] = {"LiveChat": "start and end date", "Dynamics 365 Commerce": "dates"}

    def __post_init__(self) -> None:
        if self.from_ is None and self.until is None:
            raise Clash(say("'dates' needs from, until or both"))
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise Clash(say("'dates' ends before it begins"))

    def check(self, facts: Facts) -> Verdict:
        seen = f"{facts.shop.local(facts.now):%Y-%m-%d %H:%M}"
        if self.until is not None and facts.now >= self.until:
            return not_met(seen, say("over"))
        if self.from_ is not None and facts.now < self.from_:
            return not_yet(
                self.from_, seen, say("from %(local)s", local=f"{facts.shop.local(self.from_):%Y-%m-%d %H:%M}")
            )
        return met(seen)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        del facts
        return () if self.until is None else (self.until,)
