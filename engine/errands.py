"""Asks shops' platforms for what a webhook missed or only hinted at, with a cursor that lasts.

One question at a time goes to a shop's platform, and several platforms are asked at once. Look-ups of a kind that the
integration answers together are asked together; when that fails, one by one.

That a platform still has our webhooks is an errand too: the one called ``webhooks``. So is who is there to chat, which
a chat tool is asked under the name ``presence``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from engine import integration
from engine.clock import HOUR, MINUTE, Clock, Millis, wall_clock
from engine.connect import Became, address_of, connect, refusals
from engine.crashpoints import crash_point
from engine.errors import CallError, ShopbellError, StoreError, Throttled
from engine.holding import held_by_the_living
from engine.http import Caller, InTime
from engine.intake import Intake, Outcome, Platform
from engine.integration import (
    PRESENCE,
    WEBHOOKS,
    Asker,
    Call,
    Integration,
    Metered,
    News,
    Page,
    Presence,
    ShopSaid,
    Subscriber,
    news_of,
)
from engine.lanes import Lanes
from engine.live import LiveRules
from engine.meter import metered
from engine.pipeline import ShopRules
from engine.store import errands
from engine.store.errands import Answer, Errand, Lane

log = structlog.get_logger()
ROLL_CALL_S = 10.0
"""How long a chat tool may take for all its answers together."""
ROLL_CALL_RESTS: Millis = 5 * MINUTE
"""A chat tool that fails is asked again after this at the latest; nobody is invited to chat until it answers."""
Ring = Callable[[str], object]
"""Tells a worker of a delivery that is owed."""


def backoff(attempt: int) -> Millis:
    """How long to wait after so many failures in a row: 1, 2, 4 … minutes, at most an hour."""
    return min(MINUTE << min(attempt, 10), HOUR)


class Errands:
    """One clock's errands. ``ring`` tells a worker of each message that is owed because of what was learnt.

    ``public_url`` is where platforms reach this house (``Settings.hooks_url``); without, none is told to send anything.
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
        self._lanes = Lanes()
        self._last: dict[Lane, str] = {}
        self._stopping = False
        self._made: dict[tuple[str, str], tuple[ShopRules, Integration[Any]]] = {}

    def run(self) -> int:
        """Ask whatever is due, several platforms at once, until nothing is; returns how many questions were asked.

        Raises StoreError.
        """
        before = self._lanes.done
        while not self._stopping and self._plan() and (self._start_next() or self._lanes.wait()):
            pass
        return self._lanes.done - before

    def stop(self) -> None:
        """Ask nothing more, and give what is being asked a moment to be answered."""
        self._stopping = True
        self._lanes.finish()

    def _start_next(self) -> bool:
        """Begin with what has been due for longest, of those who are not asked something already."""
        apart = self._lanes.room()
        errand = errands.claim(self._intake.engine, apart, self._last) if apart is not None else None
        if errand is None:
            return False
        self._last[errand.lane] = errand.kind
        self._lanes.start(errand.lane, lambda: self._run(errand))
        return True

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

    def _run(self, errand: Errand) -> int:
        """Ask it, with what can be asked together with it; returns how many were asked. Raises StoreError."""
        held = [errand]
        try:
            with held_by_the_living(lambda: errands.renew(self._intake.engine, errand), about=errand.integration):
                self._go(held)
        except StoreError:
            raise  # nothing can be written now; the lease runs out and another clock asks
        except Throttled as error:
            errands.rest(self._intake.engine, held, error.wait_ms, self._alike(errand))
        except ShopbellError as error:
            self._put_off(held, error.message)
        except Exception as error:  # noqa: BLE001 - whatever a platform answers, its neighbours are asked too
            self._put_off(held, f"asking broke: {type(error).__name__}")
        return len(held)

    def _go(self, held: list[Errand]) -> None:
        errand = held[0]
        shop = self._live.shop(errand.shop)
        made = self._integration(shop, errand.integration) if shop is not None else None
        if shop is not None and errand.what == WEBHOOKS and isinstance(made, Subscriber):
            self._connect(errand, made)
        elif shop is not None and errand.what == PRESENCE and isinstance(made, Presence):
            self._call_the_roll(errand, shop, made)
        elif shop is not None and isinstance(made, Asker):
            if (most := _most_together(errand, made)) > 1:
                held.extend(errands.claim_more(self._intake.engine, errand, most - 1))
            self._ask(held, shop, made)
        else:
            errands.drop(self._intake.engine, errand)

    def _ask(self, held: list[Errand], shop: ShopRules, asker: Asker[Any]) -> None:
        erasures = self._intake.erasures(shop.id)
        crash_point("before-question")
        pages = _pages(held, asker, self._call(held[0], asker))
        crash_point("after-answer")
        answered = [(errand, pages[errand.what]) for errand in held if errand.what in pages]
        outdated = self._take_in(Platform(shop, held[0].integration, asker), [page for _, page in answered], erasures)
        answers = [
            Answer(errand, errand.cursor, 0) if outdated else Answer(errand, page.cursor, _pause(asker, errand, page))
            for errand, page in answered
        ]
        if answers:
            errands.settle_all(self._intake.engine, answers)
        if left_out := [errand for errand in held if errand.what not in pages]:
            self._take_apart(left_out, "it was left out of an answer about several")

    def _take_in(self, platform: Platform, pages: list[Page], erasures: int) -> bool:
        """Take in what was told; whether somebody was forgotten meanwhile, so that it has to be told again."""
        deliveries = [delivery for page in pages for delivery in page.deliveries]
        taken = [self._intake.take(platform, delivery, erasures=erasures) for delivery in deliveries]
        taken.append(self._intake.take_news(platform, _all_of([page.news for page in pages]), erasures=erasures))
        for each in taken:
            for delivery in each.hints:
                self._ring(delivery)
        return any(each.outcome is Outcome.OUTDATED for each in taken)

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

    def _alike(self, errand: Errand) -> Callable[[str], bool]:
        """What else a platform that takes this question not now does not take either."""
        made = self._made.get(errand.lane)
        if made is not None and isinstance(made[1], Metered):
            share_of = made[1].share
            # Whoever may use up more of the platform's calls than this one could may still have some left.
            return lambda what: share_of(what) <= share_of(errand.what)
        return lambda what: what.partition(":")[0] == errand.kind

    def _put_off(self, held: list[Errand], problem: str) -> None:
        errand = held[0]
        if len(held) > 1:
            self._take_apart(held, problem)
            return
        log.warning("a platform was not asked", **_named(errand), problem=problem)
        pause = min(backoff(errand.attempt), ROLL_CALL_RESTS) if errand.kind == PRESENCE else backoff(errand.attempt)
        errands.put_off(self._intake.engine, errand, problem, pause)

    def _take_apart(self, held: list[Errand], problem: str) -> None:
        log.warning("a platform is asked one by one", **_named(held[0]), count=len(held), problem=problem)
        errands.take_apart(self._intake.engine, held, problem)


def _named(errand: Errand) -> dict[str, str]:
    # Only ids of an integration's own choosing may stand in ``what``; its kind is enough to find it.
    return {"shop": errand.shop, "integration": errand.integration, "what": errand.kind}


def _most_together(errand: Errand, asker: Asker[Any]) -> int:
    """How many like this one may be asked in one call; what has failed is asked by itself, and so is what goes on."""
    fresh = not errand.cursor and not errand.attempt and errand.what not in asker.polls
    return asker.together.get(errand.kind, 1) if fresh else 1


def _pages(held: list[Errand], asker: Asker[Any], call: Call) -> Mapping[str, Page]:
    first = held[0]
    if len(held) == 1:
        return {first.what: asker.ask(first.what, first.cursor, call)}
    return asker.ask_together(tuple(errand.what for errand in held), call)


def _pause(asker: Asker[Any], errand: Errand, page: Page) -> Millis | None:
    return asker.polls.get(errand.what) if page.again_in_ms is None else page.again_in_ms


def _all_of(told: list[News]) -> News:
    """What several answers say, as one: kept in one commit."""
    return (
        told[0]
        if len(told) == 1
        else News(
            events=tuple(event for news in told for event in news.events),
            requests=tuple(request for news in told for request in news.requests),
            look_ups=tuple(look_up for news in told for look_up in news.look_ups),
            disconnected=any(news.disconnected for news in told),
            shop=next((news.shop for news in told if news.shop != ShopSaid()), ShopSaid()),
        )
    )
