"""What happens at its moment, and who is told of it: the browser's page, the platform's webhooks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from simulator import browser
from simulator.diary import Diary
from simulator.house import House
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Platform
from simulator.post import Letter, PostOffice
from simulator.weather import Weather
from simulator.world import World


class Day:
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
            for letter in self._letters(happening, delivery):
                self._post.keep(letter)
                self._plan(letter)

    def _letters(self, happening: Happening, delivery: Delivery) -> list[Letter]:
        """One for each webhook that was registered for it; where there is none, one that is never sent."""
        if delivery.topic not in self._platform.registered:
            return [Letter(happening, delivery, delivery.body)]
        hooks = self._platform.hooks.about(delivery.topic)
        if not hooks:
            return [Letter(happening, delivery, delivery.body, unasked=True)]
        asked = [sent for hook in hooks if (sent := self._platform.sent_by(hook, delivery)) is not None]
        return [Letter(happening, sent, sent.body) for sent in asked]

    def _plan(self, letter: Letter) -> None:
        if letter.delivery is None or letter.unasked:
            return
        for at in self._weather.sendings(letter.delivery, letter.happening.at, self._platform.manners):
            self._diary.at(at, lambda: self._post.send(letter))

    def plan_outage(self) -> None:
        """Shopbell goes down and comes up again, while the diary goes on."""
        away = self._weather.house_away
        self._diary.at(away.begins_at, lambda: self._beside(self._house.stop))
        self._diary.at(away.ends_at, lambda: self._beside(self._house.start))

    def _beside(self, act: Callable[[], None]) -> None:
        self._kept.append(self._keeper.submit(act))
