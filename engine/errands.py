"""Asks shops' platforms for what a webhook missed or only hinted at: one errand at a time, with a cursor that lasts.

That a platform still has our webhooks is an errand too: the one called ``webhooks``. So is who is there to chat, which
a chat tool is asked under the name ``presence``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import structlog

from engine import integration
from engine.clock import HOUR, MINUTE, Clock, Millis, wall_clock
from engine.connect import Became, address_of, connect, refusals
from engine.errors import CallError, ShopbellError, StoreError, Throttled
from engine.holding import held_by_the_living
from engine.http import Caller, InTime
from engine.intake import Intake, Outcome, Platform
from engine.integration import PRESENCE, WEBHOOKS, Asker, Call, Integration, Presence, Subscriber, news_of
from engine.live import LiveRules
from engine.meter import metered
from engine.pipeline import ShopRules
from engine.store import errands
from engine.store.errands import Errand

log = structlog.get_logger()
MOST_IN_ONE_ROUND = 20
ROLL_CALL_S = 10.0
"""How long a chat tool may take for all its answers together: others wait meanwhile."""
ROLL_CALL_RESTS: Millis = 5 * MINUTE
"""A chat tool that fails is asked again after this at the latest; nobody is invited to chat until it answers."""
Ring = Callable[[str], object]
"""Tells a worker of a delivery that is owed."""


def backoff(attempt: int) -> Millis:
    """How long to wait after so many failures in a row: 1, 2, 4 … minutes, at most an hour."""
    return min(MINUTE << min(attempt, 10), HOUR)


class Errands:
    """One clock's errands. ``ring`` tells a worker of each message that is owed because of what was learnt.

    ``public_url`` is where platforms reach this house; where that is no https address, none is told to send anything.
    """

    def __init__(
        self,
        live: LiveRules,
        intake: Intake,
        ring: Ring,
        caller: Caller | None = None,
        *,
        public_url: str = "",
        clock: Clock = wall_clock,
    ) -> None:
        self._live = live
        self._intake = intake
        self._ring = ring
        self._caller = caller or Caller()
        self._public_url = public_url
        self._clock = clock
        self._planned: dict[str, ShopRules] = {}
        self._made: dict[tuple[str, str], tuple[ShopRules, Integration[Any]]] = {}

    def run(self) -> int:
        """Ask what is due; returns how many questions were asked. Raises StoreError."""
        if not self._plan():
            return 0
        for asked in range(MOST_IN_ONE_ROUND):
            errand = errands.claim(self._intake.engine)
            if errand is None:
                return asked
            self._run(errand)
        return MOST_IN_ONE_ROUND

    def _plan(self) -> bool:
        """Have every poll of every shop stand in the database; whether there is anything to ask at all."""
        asking = False
        for shop in self._live.shops().values():
            for entry in shop.rules.shop.integrations:
                whats = self._whats_of(integration.find(entry.name))
                if whats is None:
                    continue
                asking = True
                if self._planned.get(shop.id) is not shop:
                    errands.plan(self._intake.engine, shop.id, entry.name, whats, again=False)
            self._planned[shop.id] = shop
        return asking

    def _whats_of(self, kind: type[Integration[Any]]) -> list[str] | None:
        """What such a platform is asked by the clock; None where it is never asked anything."""
        whats = list(kind.polls) if issubclass(kind, Asker) else []
        if issubclass(kind, Presence):
            whats.append(PRESENCE)
        if issubclass(kind, Subscriber) and address_of(self._public_url, "", ""):
            whats.append(WEBHOOKS)
        return whats if whats or issubclass(kind, Asker) else None

    def _run(self, errand: Errand) -> None:
        try:
            with held_by_the_living(lambda: errands.renew(self._intake.engine, errand), about=errand.integration):
                self._go(errand)
        except StoreError:
            raise  # nothing can be written now; the lease runs out and another clock asks
        except Throttled as error:
            errands.settle(self._intake.engine, errand, errand.cursor, error.wait_ms, answered=False)
        except ShopbellError as error:
            self._put_off(errand, error.message)
        except Exception as error:  # noqa: BLE001 - whatever a platform answers, its neighbours are asked too
            self._put_off(errand, f"asking broke: {type(error).__name__}")

    def _go(self, errand: Errand) -> None:
        shop = self._live.shop(errand.shop)
        made = self._integration(shop, errand.integration) if shop is not None else None
        if shop is not None and errand.what == WEBHOOKS and isinstance(made, Subscriber):
            self._connect(errand, made)
        elif shop is not None and errand.what == PRESENCE and isinstance(made, Presence):
            self._call_the_roll(errand, shop, made)
        elif shop is not None and isinstance(made, Asker):
            self._ask(errand, shop, made)
        else:
            errands.drop(self._intake.engine, errand)

    def _ask(self, errand: Errand, shop: ShopRules, asker: Asker[Any]) -> None:
        erasures = self._intake.erasures(shop.id)
        page = asker.ask(errand.what, errand.cursor, self._call(errand, asker))
        platform = Platform(shop, errand.integration, asker)
        taken = [self._intake.take(platform, delivery, erasures=erasures) for delivery in page.deliveries]
        taken.append(self._intake.take_news(platform, page.news, erasures=erasures))
        for each in taken:
            for delivery in each.hints:
                self._ring(delivery)
        if any(each.outcome is Outcome.OUTDATED for each in taken):
            errands.settle(self._intake.engine, errand, errand.cursor, 0)
            return
        pause = asker.polls.get(errand.what) if page.again_in_ms is None else page.again_in_ms
        errands.settle(self._intake.engine, errand, page.cursor, pause)

    def _call_the_roll(self, errand: Errand, shop: ShopRules, chat: Presence[Any]) -> None:
        now, ask = self._clock(), InTime(self._caller, ROLL_CALL_S)
        desks = chat.who_is_there(now, metered(self._intake.engine, chat, errand.integration, errand.what, ask))
        news = news_of(errand.integration, desks, now, chat.good_for)
        self._intake.take_news(Platform(shop, errand.integration, chat), news)
        errands.settle(self._intake.engine, errand, "", chat.asked_every)

    def _connect(self, errand: Errand, subscriber: Subscriber[Any]) -> None:
        address = address_of(self._public_url, errand.integration, errand.shop)
        if not address:
            errands.drop(self._intake.engine, errand)
            return
        steps = connect(subscriber, address, self._call(errand, subscriber))
        changed = [step.topic for step in steps if step.became not in (Became.STANDS, Became.REFUSED)]
        if changed:
            log.warning(
                "webhooks were registered", shop=errand.shop, integration=errand.integration, topics=", ".join(changed)
            )
        if refused := refusals(steps):
            raise CallError(f"webhooks were refused: {refused}")
        errands.settle(self._intake.engine, errand, "", subscriber.renewed_every)

    def _call(self, errand: Errand, made: Integration[Any]) -> Call:
        return metered(self._intake.engine, made, errand.integration, errand.what, self._caller.ask)

    def _integration(self, shop: ShopRules, name: str) -> Integration[Any] | None:
        stated = next((entry for entry in shop.rules.shop.integrations if entry.name == name), None)
        if stated is None:
            return None
        known = self._made.get((shop.id, name))
        if known is None or known[0] is not shop:
            known = self._made[shop.id, name] = shop, integration.create(name, stated.settings, os.environ)
        return known[1]

    def _put_off(self, errand: Errand, problem: str) -> None:
        # Only ids of an integration's own choosing may stand in ``what``; its kind is enough to find it.
        what = errand.what.partition(":")[0]
        log.warning(
            "a platform was not asked", shop=errand.shop, integration=errand.integration, what=what, problem=problem
        )
        rest = min(backoff(errand.attempt), ROLL_CALL_RESTS) if what == PRESENCE else backoff(errand.attempt)
        errands.put_off(self._intake.engine, errand, problem, rest)
