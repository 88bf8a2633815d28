"""The clock's rounds. APScheduler calls them at intervals; what is due stands in SQL, so any number of clocks may run.

A round that finds the database or Redis away says so and leaves it to the next round.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile
from typing import NamedTuple, Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from redis.exceptions import RedisError
from sqlalchemy import Engine

from engine import hints, recovery
from engine.clock import DAY, MINUTE, SECOND, Millis, machine_time
from engine.committer import Committer
from engine.crashpoints import crash_point
from engine.errands import Errands
from engine.errors import RuleFileError, StoreError
from engine.hints import Ringer
from engine.http import caller
from engine.intake import Intake
from engine.live import open_rules
from engine.settings import Settings
from engine.store import deliveries, quarantine, receipts, retention, timers
from engine.store.database import open_engine

log = structlog.get_logger()
CHUNK = 50
"""Visitors in one hint: one job per event would be sixty Redis commands per event."""
MOST_DUE = 1_000
MOST_OWED = 200
LATE = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
"""A round that is late (the machine slept, the last one took long) is made once, at once, however late it is."""
OVERDUE: Millis = machine_time(recovery.OVERDUE)


class Forget(Protocol):
    """Looks at the next stretch of a table, after the row that is named, and deletes what is older than so long."""

    __name__: str

    def __call__(self, engine: Engine, older_than_ms: Millis, after: timers.Due | None, /) -> timers.Sweep: ...


class Rounds:
    """One clock's work, each round callable by itself."""

    def __init__(
        self,
        engine: Engine,
        ringer: Ringer,
        *,
        forget_after_ms: Millis = 90 * DAY,
        keep_results_ms: Millis = 400 * DAY,
        keep_unread_ms: Millis = 30 * DAY,
    ) -> None:
        self._engine = engine
        self._ringer = ringer
        self._sweeps: list[tuple[Forget, Millis]] = [
            # First the visitors: a person is there as long as one of theirs is, and so is what was decided about them.
            (timers.forget_visitors, forget_after_ms),
            (timers.forget_people, forget_after_ms),
            (timers.forget_orders, forget_after_ms),
            (retention.forget_carts, forget_after_ms),
            (retention.forget_results, keep_results_ms),
            (retention.forget_consents, keep_results_ms),
        ]
        self._forget_after_ms, self._keep_unread_ms = forget_after_ms, keep_unread_ms
        self._swept_to: dict[str, timers.Due | None] = {}

    def recheck_due(self) -> int:
        """Hand visitors whose time has come to the workers; returns how many."""
        if not hints.alive(self._ringer.connection, "recheck"):
            return 0
        due = timers.claim_due_visitors(self._engine, MOST_DUE)
        crash_point("after-visitor-claim")
        by_shop: dict[str, list[str]] = {}
        for shop, visitor in due:
            by_shop.setdefault(shop, []).append(visitor)
        for shop, visitors in by_shop.items():
            for start in range(0, len(visitors), CHUNK):
                self._ringer.ring("recheck", [shop, visitors[start : start + CHUNK]])
        return len(due)

    def remind_of_deliveries(self) -> int:
        """Hint again what is owed and overdue; a bounded number, so that the sweeper starves nobody."""
        owed = deliveries.owed(self._engine, OVERDUE, MOST_OWED)
        # The first that nobody hears is the last that is tried: the next round comes soon.
        return sum(1 for _ in takewhile(lambda delivery: self._ringer.ring("deliver", [delivery]), owed))

    def settle_silence(self) -> int:
        """Deliveries whose worker died around the last byte become ``uncertain``."""
        return deliveries.mark_uncertain(self._engine)

    def tidy(self) -> int:
        """Forget whoever was not seen for long and what is left of them, what nobody came back for, or ever read."""
        idle_ms, forgotten = self._forget_after_ms, 0
        for forget, after_ms in self._sweeps:
            sweep = forget(self._engine, after_ms, self._swept_to.get(forget.__name__))
            self._swept_to[forget.__name__] = sweep.last
            forgotten += sweep.forgotten
        forgotten += timers.forget_house_events(self._engine, idle_ms) + timers.forget_houses(self._engine, idle_ms)
        forgotten += quarantine.forget(self._engine, self._keep_unread_ms)
        return forgotten + timers.expire_offers(self._engine) + receipts.forget(self._engine)

    def forget_workers(self) -> int:
        """Remove the queues of workers that died."""
        return hints.forget_the_dead(self._ringer.connection)


class Turn(NamedTuple):
    """A round by its name, and how often it is made."""

    name: str
    run: Callable[[], int]
    every: Millis


def _carefully(turn: Turn) -> Callable[[], None]:
    def run() -> None:
        try:
            count = turn.run()
        except (StoreError, RedisError) as error:
            log.warning("round skipped", round=turn.name, error=str(error)[:200])
            return
        if count:
            log.debug("round", round=turn.name, count=count)

    return run


def _open_errands(settings: Settings, engine: Engine, ringer: Ringer) -> Errands | None:
    """None without rules: a clock that only keeps the time is better than none."""
    try:
        live = open_rules(settings, engine, remember=False)
    except RuleFileError as error:
        log.warning("platforms are not asked without rules", error=error.message)
        return None
    intake = Intake(engine, Committer(engine))
    return Errands(
        live,
        intake,
        lambda delivery: ringer.ring("deliver", [delivery]),
        caller(settings.stand_in),
        public_url=settings.hooks_url,
    )


def plan_of(rounds: Rounds, platforms: Errands | None) -> list[Turn]:
    """Which rounds are made, and how often."""
    return [
        *([Turn("ask_platforms", platforms.run, recovery.ASK_EVERY)] if platforms is not None else []),
        Turn("recheck_due", rounds.recheck_due, recovery.LOOK_EVERY),
        Turn("remind_of_deliveries", rounds.remind_of_deliveries, recovery.REMIND_EVERY),
        Turn("settle_silence", rounds.settle_silence, recovery.SETTLE_EVERY),
        Turn("tidy", rounds.tidy, MINUTE),
        Turn("forget_workers", rounds.forget_workers, MINUTE),
    ]


def scheduler_of(plan: list[Turn]) -> BackgroundScheduler:
    """A scheduler that makes every round when it is started, and then at its interval."""
    # Interval jobs in memory: a shared job store loses one-shot jobs over a restart, and the truth is in SQL anyway.
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults=LATE)
    for turn in plan:
        trigger = IntervalTrigger(seconds=turn.every / SECOND, timezone=UTC)
        scheduler.add_job(_carefully(turn), trigger, id=turn.name, next_run_time=datetime.now(UTC))
    return scheduler


def run_clock(settings: Settings) -> None:
    """Make the rounds until told to stop."""
    engine = open_engine(settings.database_url, durability=settings.durability)
    ringer = Ringer(hints.connect(settings.redis_url))
    rounds = Rounds(
        engine,
        ringer,
        forget_after_ms=settings.forget_after_ms,
        keep_results_ms=settings.keep_results_ms,
        keep_unread_ms=settings.keep_unread_ms,
    )
    # Blocked in every thread, so that only sigwait below takes them.
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    platforms = _open_errands(settings, engine, ringer)
    scheduler = scheduler_of(plan_of(rounds, platforms))
    # A round that is still busy when its next one is due is no news: it comes a quarter of a second later.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.start()
    signal.sigwait(stop)
    if platforms is not None:
        platforms.stop()
    scheduler.shutdown(wait=True)
