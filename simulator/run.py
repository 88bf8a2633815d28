"""A whole day: the shop lives, the weather does what it does, Shopbell hears of it, and in the end we look."""

from __future__ import annotations

import heapq
import itertools
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from engine.clock import DAY, HOUR, SECOND, VARIABLE, Millis, Pace, from_datetime, machine_clock
from engine.errors import SettingsError
from engine.said import Said, say
from simulator import browser
from simulator.house import STAND_IN, House, OthersHouse, OwnHouse
from simulator.life import OPENS_AT, Happening, Kind, Life, Shopper, live
from simulator.platform import Platform, side
from simulator.post import Letter, PostOffice
from simulator.promises import Goods, Mail, Seen, missing
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


class Diary:
    """What is to be done at which moment of the shop's time."""

    def __init__(self, clock: Callable[[], Millis], speed: int) -> None:
        self._clock, self._speed = clock, speed
        self._entries: list[tuple[Millis, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def at(self, moment: Millis, act: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._entries, (moment, next(self._numbers), act))
            self._changed.notify()

    def after(self, pause: Millis, act: Callable[[], None]) -> None:
        self.at(self._clock() + pause, act)

    def follow(self, until: Callable[[], bool]) -> None:
        """Do everything at its moment, until nothing is left and ``until`` says that nothing will come.

        Raises whatever ``until`` does, which is asked whenever there is time.
        """
        while True:
            act = self._next()
            if act is not None:
                act()
            elif until() and not self._entries:
                return

    def _next(self) -> Callable[[], None] | None:
        """What is due now; None after a moment in which nothing was."""
        with self._changed:
            wait_ms = self._entries[0][0] - self._clock() if self._entries else SECOND * self._speed
            if wait_ms <= 0:
                return heapq.heappop(self._entries)[2]
            self._changed.wait(min(wait_ms / self._speed, 200) / SECOND)
            return None


class Simulation:
    """One day of one shop. ``tell`` hears how far it is."""

    def __init__(self, plan: Plan, tell: Callable[[Said], None] = lambda how_far: None) -> None:
        self._plan, self._tell = plan, tell
        self._pace = _pace_of(os.environ) if plan.at else pace_from_now(plan.speed, STARTS_S)
        self._platform: Platform = side(plan.platform)(self.now)
        self._world = World()
        self._weather: Weather | None = None
        self._unsubscribed: dict[int, Millis] = {}

    def now(self) -> Millis:
        """The shop's time."""
        return self._pace.shop_time(machine_clock())

    @contextmanager
    def running(self) -> Iterator[House]:
        """A Shopbell that is connected to the simulated platform, until the end of the context."""
        plan = self._plan
        port = urlsplit(os.environ.get(STAND_IN, "")).port or 0 if plan.at else 0
        with _serving(self._platform.api(self._world), port, self._is_away) as stand_in:
            own = OwnHouse(plan.folder, plan.rules, self._platform, self._pace, stand_in) if not plan.at else None
            house = own or OthersHouse(plan.at)
            try:
                house.start()
                yield house
            finally:
                house.stop()

    def play(self, house: House) -> Seen:
        """Live the day through, and look."""
        life = live(self._plan.seed, self._plan.shoppers, _opening(self.now()))
        weather = self._weather = weather_of(self._plan.seed, life.begins_at)
        diary = Diary(self.now, self._pace.speed)
        post = PostOffice(house.url, self._platform, diary.after, self._may_erase)
        day = _Day(self._platform, self._world, weather, diary, post, house)
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
        restored = {mail.restore_url: goods for mail in seen.mails if (goods := _restored(house.url, mail)) is not None}
        return replace(seen, traces=traces, restored=restored)

    def _seen(self, life: Life, letters: tuple[Letter, ...], mails: tuple[Mail, ...]) -> Seen:
        shown = self._world.shown()
        return Seen(
            life,
            letters,
            mails,
            shown,
            unsubscribed=dict(self._unsubscribed),
            shown_tells_consent=self._platform.shown_tells_consent,
            asks_back=self._platform.asks_back,
        )


class _Day:
    """What happens, and who is told."""

    def __init__(
        self, platform: Platform, world: World, weather: Weather, diary: Diary, post: PostOffice, house: House
    ) -> None:
        self._platform, self._world, self._weather = platform, world, weather
        self._diary, self._post, self._house = diary, post, house
        # One thread that lives as long as this process: Linux ends a tied child with the thread that started it.
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._kept: list[Future[None]] = []

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way. Raises ShopbellError when Shopbell did not come up again."""
        done = [kept.result() for kept in self._kept if kept.done()]
        return not self._post.busy and len(done) == len(self._kept)

    def let(self, happening: Happening) -> None:
        """Let it happen: the world changes, the browser and the platform tell of it."""
        self._world.take(happening)
        if happening.kind is Kind.ERASURE_ASKED:
            self._post.withdraw(happening.shopper.number)
        body = browser.batch(happening, self._platform, self._world)
        if body is not None:
            letter = Letter(happening, None, body)
            self._post.keep(letter)
            self._post.send(letter)
        deliveries = self._platform.deliveries(happening, self._world)
        if happening.kind is Kind.ERASURE_ASKED and not deliveries:
            self._beside(lambda: self._house.erase(happening.shopper.email))
        for delivery in deliveries:
            letter = Letter(happening, delivery, delivery.body)
            self._post.keep(letter)
            for at in self._weather.sendings(delivery, happening.at, self._platform.manners):
                self._diary.at(at, lambda letter=letter: self._post.send(letter))  # type: ignore[misc]

    def plan_outage(self) -> None:
        """Shopbell goes down and comes up again, while the diary goes on."""
        away = self._weather.house_away
        self._diary.at(away.begins_at, lambda: self._beside(self._house.stop))
        self._diary.at(away.ends_at, lambda: self._beside(self._house.start))

    def _beside(self, act: Callable[[], None]) -> None:
        self._kept.append(self._keeper.submit(act))


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


def mails_of(url: str) -> tuple[Mail, ...]:
    """Every mail in the development mailbox, newest first."""
    return tuple(_mail(told) for told in requests.get(f"{url}/dev/mailbox.json", timeout=60).json())


def _mail(told: dict[str, Any]) -> Mail:
    headers = dict(told["headers"])
    restores = re.search(r"https?://\S+/c/\S+", told["text"])
    return Mail(
        to=told["to"].rpartition("<")[2].rstrip(">"),
        subject=told["subject"],
        text=told["text"],
        rule=told["rule"],
        at=from_datetime(parsedate_to_datetime(told["date"])),
        restore_url=restores[0] if restores else "",
        unsubscribe_url=headers.get("List-Unsubscribe", "").strip("<>"),
    )


def _restored(url: str, mail: Mail) -> Goods | None:
    """What the mail's link brings back, as the shop's page asks for it; None where it leads to no cart any more."""
    token = mail.restore_url.rpartition("/")[2]
    answered = requests.get(f"{url}/v1/carts/{token}", headers={"Origin": url}, timeout=60) if token else None
    if answered is None or not answered.ok:
        return None
    return frozenset((line["sku"], line["quantity"]) for line in answered.json()["cart"]["lines"])


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's own name for it
        """Nobody reads a line for each question."""


@contextmanager
def _serving(api: Flask, port: int, is_away: Callable[[], bool]) -> Iterator[str]:
    """The platform's API on this machine; while the platform is away it answers 503."""

    def away() -> Response | None:
        return Response(status=503) if is_away() else None

    api.before_request_funcs.setdefault(None, []).insert(0, away)
    server = make_server("127.0.0.1", port, api, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="platform", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
