"""A whole day: the shop lives, the weather does what it does, Shopbell hears of it, and in the end we look."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import requests

from engine.clock import DAY, HOUR, SECOND, VARIABLE, Millis, Pace, machine_clock
from engine.errors import SettingsError, ShopbellError
from engine.said import Said, say
from simulator.day import Day
from simulator.diary import Diary
from simulator.house import STAND_IN, House, OthersHouse, OwnHouse
from simulator.life import OPENS_AT, Kind, Life, Shopper, live
from simulator.mailbox import brought_back, mails_of
from simulator.platform import Platform, side
from simulator.post import Letter, PostOffice
from simulator.promises import Mail, Seen, missing
from simulator.stand_in import serving
from simulator.weather import Weather, weather_of
from simulator.world import World

STARTS_S = 8
"""How long before the shop opens its Shopbell is started, on the machine's clock."""
PATIENCE_S = 60.0
"""How long the last mails are waited for, on the machine's clock; only a broken promise ever takes so long."""


@dataclass(frozen=True)
class Plan:
    """What is to be simulated. ``folder`` is for the Shopbell that is started; where ``at`` names one, none is."""

    platform: str
    shoppers: int
    speed: int
    seed: int
    rules: Path
    folder: Path
    at: str = ""
    days: int = 1


class Simulation:
    """One day of one shop. ``tell`` hears how far it is."""

    def __init__(self, plan: Plan, tell: Callable[[Said], None] = lambda how_far: None) -> None:
        self._plan, self._tell = plan, tell
        self._pace = _pace_of(os.environ) if plan.at else pace_from_now(plan.speed, STARTS_S)
        self._platform: Platform = side(plan.platform)(self.now)
        self._world = World()
        self._weather: Weather | None = None
        self._day: Day | None = None
        self._unsubscribed: dict[int, Millis] = {}

    def now(self) -> Millis:
        """The shop's time."""
        return self._pace.shop_time(machine_clock())

    @contextmanager
    def running(self) -> Iterator[House]:
        """A Shopbell that is connected to the simulated platform, until the end of the context."""
        plan = self._plan
        port = urlsplit(os.environ.get(STAND_IN, "")).port or 0 if plan.at else 0
        with serving(self._platform.api(self._world), port, self._is_away) as stand_in:
            own = OwnHouse(plan.folder, plan.rules, self._platform, self._pace, stand_in) if not plan.at else None
            house = own or OthersHouse(plan.at)
            try:
                house.start()
                self._await_webhooks()
                yield house
            finally:
                house.leave()

    def _await_webhooks(self) -> None:
        """Until everything is registered of which the platform tells nothing else. Raises ShopbellError."""
        give_up_at = time.monotonic() + PATIENCE_S
        while self._silent():
            if time.monotonic() > give_up_at:
                raise ShopbellError(f"Shopbell has registered nothing for {', '.join(sorted(self._silent()))}.")
            threading.Event().wait(0.05)

    def _silent(self) -> frozenset[str]:
        """The topics that have to be registered, and are not."""
        hooks = self._platform.hooks
        return frozenset(topic for topic in self._platform.registered if not hooks.about(topic))

    def play(self, house: House) -> Seen:
        """Live the day through, and look."""
        life = live(self._plan.seed, self._plan.shoppers, _opening(self.now()), self._plan.days)
        weather = self._weather = weather_of(self._plan.seed, life.begins_at)
        diary = Diary(self.now, self._pace.speed)
        post = PostOffice(house.url, self._platform, diary.after, self._may_erase)
        # Kept with the simulation: the kernel ends a Shopbell with the thread that started it, and after the outage
        # that is a thread of the day's own. Who stays to look at the mails would find nobody at home.
        day = self._day = Day(self._platform, self._world, weather, diary, post, house)
        for happening in life.happenings:
            diary.at(happening.at, lambda happening=happening: day.let(happening))  # type: ignore[misc]
            if happening.kind is Kind.UNSUBSCRIBED:
                diary.at(happening.at, lambda shopper=happening.shopper: self._unsubscribe(shopper, house))  # type: ignore[misc]
        if not self._plan.at:
            day.plan_outage()
        diary.at(life.ends_at, lambda: None)
        for quarter in range(life.begins_at, life.ends_at, HOUR // 4):
            diary.at(quarter, lambda: self._tell(self._how_far(life, post)))
        diary.follow(lambda: day.is_quiet)
        post.close()
        return self._look(life, post, house)

    def _may_erase(self, letter: Letter) -> bool:
        return self._world.is_out_of_sight(letter.happening.shopper)

    def _unsubscribe(self, shopper: Shopper, house: House) -> None:
        """Use the one click of the first mail, as mail programs do (RFC 8058); nothing where there is none yet."""
        try:
            mine = [mail for mail in mails_of(house.url) if mail.to == shopper.email and mail.unsubscribe_url]
            for mail in mine[-1:]:
                click = {"List-Unsubscribe": "One-Click"}
                if requests.post(mail.unsubscribe_url, data=click, timeout=60).ok:
                    self._unsubscribed[shopper.number] = self.now()
        except requests.RequestException:
            return  # whoever finds nobody at home tries another day, which is not this one

    def _how_far(self, life: Life, post: PostOffice) -> Said:
        hours = (self.now() - life.begins_at) // HOUR
        return say("%(hours)s hours after opening; %(letters)s letters", hours=hours, letters=len(post.letters))

    def _is_away(self) -> bool:
        """Asked before each question that the API gets."""
        self._world.note_question()
        return self._weather is not None and self._weather.platform_away.covers(self.now())

    def _look(self, life: Life, post: PostOffice, house: House) -> Seen:
        """What is there in the end; mails that are still owed are waited for."""
        give_up_at = time.monotonic() + PATIENCE_S
        letters = tuple(post.letters)
        while True:
            mails = tuple(mail for mail in mails_of(house.url) if mail.at >= life.begins_at)
            seen = self._seen(life, letters, mails)
            if not missing(seen) or time.monotonic() > give_up_at:
                break
            threading.Event().wait(0.5)
        erased = {each.shopper for each in life.happenings if each.kind is Kind.ERASURE_ASKED}
        traces = frozenset(shopper.number for shopper in erased if house.knows(shopper.email))
        restored = {
            mail.restore_url: goods for mail in seen.mails if (goods := brought_back(house.url, mail)) is not None
        }
        return replace(seen, traces=traces, restored=restored)

    def _seen(self, life: Life, letters: tuple[Letter, ...], mails: tuple[Mail, ...]) -> Seen:
        shown = self._world.shown()
        return Seen(
            life,
            letters,
            mails,
            shown,
            unsubscribed=dict(self._unsubscribed),
            silent=self._silent(),
            given_up=self._platform.hooks.given_up,
            shown_tells_consent=self._platform.shown_tells_consent,
            asks_back=self._platform.asks_back,
            mails_itself=self._platform.mails_itself,
            tells_once=self._platform.tells_once,
        )


def pace_from_now(speed: int, seconds: int) -> Pace:
    """A clock on which the shop opens in so many of the machine's seconds."""
    return Pace(speed, OPENS_AT - seconds * SECOND * speed, machine_clock())


def _pace_of(environ: Mapping[str, str]) -> Pace:
    """The clock of a Shopbell that is already there. Raises SettingsError where none was told."""
    try:
        return Pace.read(environ.get(VARIABLE, ""))
    except ValueError:
        raise SettingsError(f"{VARIABLE} must be set as for that Shopbell; `--settings` tells it.") from None


def _opening(now: Millis) -> Millis:
    """When the shop opens: at nine, a little later where starting took long, or the next morning."""
    late = max(0, now - OPENS_AT)
    days, rest = divmod(late, DAY)
    return OPENS_AT + days * DAY + (rest if rest <= 2 * HOUR else DAY)
