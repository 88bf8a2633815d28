"""The shop as its rule file describes it: names, money, hours, pages, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from babel.dates import get_day_names

from engine.clock import DAY, Millis, describe, from_datetime, to_datetime
from engine.rules.parcels import Delivery


@dataclass(frozen=True)
class DailyHours:
    """A stretch of the day, in minutes since midnight; it may run over midnight (21:00-08:00 is 1260, 480)."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"

    def holds_at(self, minute: int) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True)
class WeeklyHours:
    """Opening hours: per weekday (0 is Monday) the stretches of that day."""

    days: tuple[tuple[DailyHours, ...], ...]

    def open_at(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return any(hours.holds_at(minute) for hours in self.days[local.weekday()])

    def opens_at(self, at: Millis, zone: ZoneInfo) -> Millis:
        """The next moment at which it is open on that clock; ``at`` itself while it is, or when it never opens."""
        local = to_datetime(at).astimezone(zone)
        if self.open_at(local):
            return at
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        days = (midnight + timedelta(days=day) for day in range(8))
        starts = (from_datetime(day + timedelta(minutes=h.start)) for day in days for h in self.days[day.weekday()])
        return min((start for start in starts if start > at), default=at)

    def describe(self, language: str) -> str:
        """The hours as a person reads them: ``ma-vr 09:00-21:00, za 10:00-17:00``."""
        names = get_day_names("abbreviated", locale=language)
        stretches: list[tuple[int, int, tuple[DailyHours, ...]]] = []
        for day, hours in enumerate(self.days):
            if stretches and stretches[-1][2] == hours and stretches[-1][1] == day - 1:
                stretches[-1] = (stretches[-1][0], day, hours)
            else:
                stretches.append((day, day, hours))
        return ", ".join(
            f"{names[first]}{'' if first == last else '-' + names[last]} {' + '.join(map(str, hours))}"
            for first, last, hours in stretches
            if hours
        )


@dataclass(frozen=True)
class Limit:
    """At most ``count`` messages per session (``window_ms`` None) or within any stretch of ``window_ms``."""

    count: int
    window_ms: Millis | None

    def __str__(self) -> str:
        return f"{self.count} per {'session' if self.window_ms is None else describe(self.window_ms)}"


@dataclass(frozen=True)
class Limits:
    """Over all rules, per person, whatever device. ``messages`` counts every kind."""

    invitations: tuple[Limit, ...] = ()
    emails: tuple[Limit, ...] = ()
    messages: tuple[Limit, ...] = ()
    nudges: tuple[Limit, ...] = ()

    def of(self, family: str) -> tuple[Limit, ...]:
        """The limits for one family of messages: ``invitations``, ``nudges`` or ``emails``."""
        return {"invitations": self.invitations, "nudges": self.nudges, "emails": self.emails}[family]


USUAL_LIMITS = Limits(
    invitations=(Limit(1, None), Limit(3, 7 * DAY)),
    emails=(Limit(1, DAY), Limit(3, 7 * DAY)),
    nudges=(Limit(2, None), Limit(6, 7 * DAY)),
)
"""What holds for a file that names no limits: nobody is nagged because somebody forgot a section."""


@dataclass(frozen=True)
class Integration:
    """One entry under ``integrations``: its name and its settings; secrets stand as ``env:NAME`` until used."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    tells_free_shipping: bool = False


@dataclass(frozen=True)
class Option:
    """One setting that a service takes; ``fits`` says whether a value can be used, ``default`` is as in the file."""

    name: str
    help: str
    secret: bool
    required: bool
    default: str
    fits: Callable[[str], bool]


@dataclass(frozen=True)
class Known:
    """What a rule file must know of a service: its settings, whether it can carry mail, and whether it tells of a cart
    from which value on that ships for free."""

    options: tuple[Option, ...] = ()
    carries_mail: bool = False
    tells_free_shipping: bool = False


KnownIntegrations = Mapping[str, Known]


@dataclass(frozen=True)
class Shop:
    """One storefront. Money in minor units of ``currency``."""

    id: str = "main"
    name: str = "Shop"
    languages: tuple[str, ...] = ("en",)
    time_zone: str = "UTC"
    currency: str = "EUR"
    url: str = ""
    cart_url: str = ""
    """The storefront's cart page, where a restore link leads."""
    pay_url: str = ""
    """Where an order can be paid whose platform tells no page of its own for it."""
    origins: tuple[str, ...] = ()
    """Origins (scheme://host[:port]) whose pages may use the public key."""
    phone: str = ""
    chat_url: str = ""
    address: str = ""
    """Postal address for the mail's footer."""
    free_shipping_from: int | None = None
    delivery: Delivery | None = None
    office_hours: WeeklyHours | None = None
    quiet_hours: DailyHours | None = None
    addresses_from_browser: str = "with_consent"
    pages: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Page type, then its URL patterns (``*`` stands for anything), in the file's order."""
    limits: Limits = field(default_factory=Limits)
    groups: tuple[tuple[str, Limits], ...] = ()
    """Groups of rules with the limits of each."""
    holdout: float = 0.0
    """The share of shoppers who never get anything, to measure what everything together is worth."""
    integrations: tuple[Integration, ...] = ()

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local(self, at: Millis) -> datetime:
        """The moment on the shop's own clock."""
        return to_datetime(at).astimezone(self.zone)

    def quiet_until(self, at: Millis, zone: ZoneInfo | None = None) -> Millis | None:
        """When the quiet hours that hold at ``at`` in that zone (or the shop's) end, or None when they do not hold."""
        local = to_datetime(at).astimezone(zone or self.zone)
        if self.quiet_hours is None or not self.quiet_hours.holds_at(local.hour * 60 + local.minute):
            return None
        end = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=self.quiet_hours.end)
        # Wall-clock arithmetic in the zone, so that a night with daylight saving still ends at the hour that was said;
        # in the hour that comes twice, the second one is meant when the first has passed.
        end = end if end > local else end + timedelta(days=1)
        until = from_datetime(end)
        return until if until > at else from_datetime(end.replace(fold=1))

    def speaks(self, language: str) -> str:
        """The shop's language that fits a shopper's tag (``nl-BE`` is ``nl``), else the default."""
        short = language.replace("_", "-").split("-")[0].casefold()
        return next((known for known in self.languages if known.split("-")[0] == short), self.languages[0])
