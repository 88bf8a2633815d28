"""Each wait of ``engine.recovery`` is the one that the running code makes, on clocks that stand still."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Coroutine, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from engine import hints, jobs, recovery, supervisor
from engine.clock import DAY, HOUR, SECOND, wall_clock
from engine.deliver import Deliverer, backoff
from engine.errands import Errands
from engine.hints import Ringer
from engine.holding import held_by_the_living
from engine.jobs import ANNOUNCE_S, worker_at
from engine.links import Links
from engine.live import LiveRules
from engine.recovery import (
    ALIVE,
    DELIVERY_LEASE,
    ERRAND_LEASE,
    OVERDUE,
    VISITOR_LEASE,
)
from engine.schedule import Rounds, plan_of, scheduler_of
from engine.store import deliveries, errands
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES
from engine.supervisor import Console, Program, Supervisor, next_delay
from tests.builders import Premises
from tests.parts import DEADLINE_S, free_port
from tests.service.doors import answer_of, cart_updated, happened, open_door
from tests.service.house import rules

FIRST, SECOND_WORKER = "recheck+deliver-test-1", "recheck+deliver-test-2"


@pytest.fixture
def bell(redis_url: str, premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A Redis whose clock stands still with the shop's, and a worker is believed for as long as in a running house."""
    monkeypatch.setattr(hints, "_redis_now", lambda connection: premises.hands.now / SECOND)
    monkeypatch.setattr(hints, "ALIVE_S", ALIVE / SECOND)
    with hints.connect(redis_url) as connection:
        hints.announce(connection, FIRST)
        yield connection


@pytest.fixture
def rounds(bell: Redis, premises: Premises) -> Rounds:
    return Rounds(premises.engine, Ringer(bell))


def gone(*arguments: object, **options: object) -> None:
    """What is said of a Redis that is not there."""
    raise RedisGone


def waiting(bell: Redis, worker: str) -> int:
    return bell.llen(f"rq:queue:shopbell:{worker}")


def owed_mail(premises: Premises) -> str:
    """The id of a mail that is due at this moment."""
    premises.gives_address()
    premises.fills_cart()
    (delivery,) = premises.later(HOUR).look_at("v1").hints
    return delivery


# --- what a worker held -----------------------------------------------------------------------------------------------


def test_a_mail_in_dead_hands_is_hinted_again_a_millisecond_after_its_lease(
    premises: Premises, bell: Redis, rounds: Rounds
) -> None:
    mail = owed_mail(premises)
    assert deliveries.claim(premises.engine, mail) is not None
    premises.later(DELIVERY_LEASE)
    hints.announce(bell, FIRST)
    assert rounds.remind_of_deliveries() == 0
    premises.later(1)
    assert rounds.remind_of_deliveries() == 1
    assert deliveries.claim(premises.engine, mail) is not None


def test_a_mail_at_its_last_byte_is_uncertain_a_millisecond_after_its_lease(premises: Premises, rounds: Rounds) -> None:
    held = deliveries.claim(premises.engine, owed_mail(premises))
    assert held is not None
    assert deliveries.pass_fence(premises.engine, held)
    premises.later(DELIVERY_LEASE)
    assert rounds.settle_silence() == 0
    premises.later(1)
    assert rounds.settle_silence() == 1


def test_a_mail_that_nobody_was_told_of_is_hinted_when_it_is_overdue(
    premises: Premises, bell: Redis, rounds: Rounds
) -> None:
    owed_mail(premises)
    premises.later(OVERDUE - 1)
    hints.announce(bell, FIRST)
    assert rounds.remind_of_deliveries() == 0
    premises.later(1)
    assert rounds.remind_of_deliveries() == 1


def test_a_visitor_hinted_to_a_dead_worker_is_hinted_to_a_living_one_after_alive_and_a_lease(
    premises: Premises, bell: Redis, rounds: Rounds
) -> None:
    """The longest way of all: the worker dies, and in the last moment in which it is believed it is given a hint."""
    premises.fills_cart()
    premises.later(HOUR)
    hints.announce(bell, FIRST)
    premises.later(ALIVE)
    assert (rounds.recheck_due(), waiting(bell, FIRST)) == (1, 1)
    premises.later(1)
    assert hints.alive(bell, "recheck") == []
    premises.later(VISITOR_LEASE - 1)
    hints.announce(bell, SECOND_WORKER)
    assert rounds.recheck_due() == 0
    premises.later(1)
    assert (rounds.recheck_due(), waiting(bell, FIRST), waiting(bell, SECOND_WORKER)) == (1, 1, 1)


def test_what_redis_forgot_is_hinted_again_after_the_same_leases(
    premises: Premises, bell: Redis, rounds: Rounds
) -> None:
    premises.fills_cart()
    premises.later(HOUR)
    hints.announce(bell, FIRST)
    assert rounds.recheck_due() == 1
    bell.flushall()
    assert hints.alive(bell, "recheck") == []
    premises.later(VISITOR_LEASE + 1)
    hints.announce(bell, FIRST)
    assert (rounds.recheck_due(), waiting(bell, FIRST)) == (1, 1)


def test_the_living_renew_a_lease_at_the_stated_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    paces: list[float] = []

    class Pace(threading.Event):
        """Every wait for a while is over at once: three times in vain."""

        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait()
            paces.append(timeout)
            return len(paces) > 3

    monkeypatch.setattr("engine.holding.threading.Event", Pace)
    renewed: list[bool] = []

    def renew() -> bool:
        renewed.append(True)
        return True

    with held_by_the_living(renew, about="a test"):
        pass
    assert paces == [recovery.RENEW_EVERY / SECOND] * 4
    assert len(renewed) == 3


def test_a_renewed_question_to_a_platform_is_kept_and_a_silent_one_lost(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "database_now", lambda connection: premises.hands())
    errands.plan(premises.engine, "main", "parrot", ["orders"], again=False)
    held = errands.claim(premises.engine)
    assert held is not None
    premises.later(ERRAND_LEASE)
    assert errands.renew(premises.engine, held)
    premises.later(ERRAND_LEASE)
    assert errands.claim(premises.engine) is None
    premises.later(1)
    found = errands.claim(premises.engine)
    assert found is not None
    assert (found.what, errands.renew(premises.engine, held)) == ("orders", False)


def test_a_question_that_is_answered_meanwhile_is_not_renewed(premises: Premises) -> None:
    errands.plan(premises.engine, "main", "parrot", ["order:1"], again=False)
    held = errands.claim(premises.engine)
    assert held is not None
    errands.drop(premises.engine, held)
    assert not errands.renew(premises.engine, held)
    assert premises.rows(ERRANDS) == []


def test_a_mail_that_no_relay_took_is_tried_again_after_the_first_retry(premises: Premises, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rules(smtp=f"smtp://127.0.0.1:{free_port()}").replace("cart-left", "left"))
    links = Links("a-key-that-only-the-tests-know-of", "http://bell.example")
    deliverer = Deliverer(premises.engine, LiveRules(tmp_path / "rules.yaml", premises.engine), links, None)
    mail = owed_mail(premises)
    assert deliverer.deliver(mail) == "scheduled"
    (row,) = premises.rows(DELIVERIES, id=mail)
    assert row.due_at == premises.hands.now + recovery.FIRST_RETRY
    assert [backoff(attempt) for attempt in (1, 2, 3)] == [recovery.FIRST_RETRY * times for times in (1, 2, 4)]


# --- the clock's rounds -----------------------------------------------------------------------------------------------


def test_the_rounds_are_made_at_once_and_then_at_the_stated_pace(premises: Premises, bell: Redis) -> None:
    class NoPlatforms(Errands):
        def __init__(self) -> None:
            """It asks nobody."""

    scheduler = scheduler_of(plan_of(Rounds(premises.engine, Ringer(bell)), NoPlatforms()))
    scheduler.start(paused=True)
    try:
        paces = {job.id: job.trigger.interval for job in scheduler.get_jobs()}
        first = [job.next_run_time.timestamp() for job in scheduler.get_jobs()]
    finally:
        scheduler.shutdown()
    assert {name: round(pace / timedelta(milliseconds=1)) for name, pace in paces.items()} == {
        "recheck_due": recovery.LOOK_EVERY,
        "remind_of_deliveries": recovery.REMIND_EVERY,
        "settle_silence": recovery.SETTLE_EVERY,
        "ask_platforms": recovery.ASK_EVERY,
        "tidy": 60 * SECOND,
        "forget_workers": 60 * SECOND,
    }
    assert max(first) * SECOND <= wall_clock() + 1


# --- Redis ------------------------------------------------------------------------------------------------------------


def test_whoever_rings_waits_as_long_as_is_stated_and_never_twice(redis_url: str) -> None:
    options = hints.connect(redis_url).connection_pool.connection_kwargs
    assert options["socket_timeout"] * SECOND == recovery.REDIS_ANSWERS
    assert options["socket_connect_timeout"] * SECOND == recovery.REDIS_ANSWERS
    assert options["retry"].get_retries() == 0


def test_a_worker_announces_itself_at_the_stated_pace() -> None:
    assert ANNOUNCE_S * SECOND == recovery.ANNOUNCE_EVERY


def test_a_worker_that_starts_without_redis_looks_for_it_at_the_stated_pace(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    class Nap(threading.Event):
        """Over at once; Redis is there after three of them."""

        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait()
            pauses.append(timeout)
            return False

    nowhere = hints.connect("redis://127.0.0.1:1/0")
    there = hints.connect(redis_url)
    monkeypatch.setattr("engine.jobs.threading.Event", Nap)
    monkeypatch.setattr(nowhere, "ping", lambda: there.ping() if len(pauses) == 3 else gone())
    monkeypatch.setattr(hints, "connect", lambda url: nowhere)
    jobs._wait_for_redis(redis_url)
    assert pauses == [recovery.REDIS_LOOK_EVERY / SECOND] * 3


def test_a_worker_gives_up_a_silent_redis_as_is_stated(redis_url: str) -> None:
    worker = worker_at(redis_url, FIRST)
    options = worker.connection.connection_pool.connection_kwargs
    assert worker.dequeue_timeout * SECOND == recovery.POP_WAITS
    assert options["socket_timeout"] * SECOND == recovery.POP_SILENCE
    assert options["socket_connect_timeout"] * SECOND == recovery.WORKER_CONNECTS
    assert options["retry"].get_retries() == 0


def test_a_worker_without_redis_tries_again_at_the_stated_pace_however_long_it_takes(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    worker = worker_at(redis_url, FIRST)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(worker, "heartbeat", gone)
    monkeypatch.setattr("rq.worker.base.time.sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        worker.dequeue_job_and_maintain_ttl(1)
    assert pauses == [recovery.RECONNECT_EVERY / SECOND] * 20


def test_no_answer_waits_for_redis_however_long_the_bell_hangs(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell begins to ring and never ends: what comes meanwhile is answered 202, and kept."""
    rings, ends = threading.Event(), threading.Event()

    def hang(ringer: Ringer, kind: str, arguments: Sequence[object]) -> bool:
        rings.set()
        return ends.wait()

    monkeypatch.setattr(Ringer, "ring", hang)
    with open_door(tmp_path, database_url) as door:
        for number in range(3):
            consent = {"email": True, "text": "ja", "source": "checkout"}
            told = {"visitor": f"v{number}", "email": f"shopper-{number}@mail.example", "consent": consent}
            left = cart_updated(ago=2 * HOUR, cart_id=f"c{number}") | {"visitor": f"v{number}"}
            answer_of(door.report(happened("contact_given", ago=2 * HOUR, **told), left), 202)
            assert rings.wait(DEADLINE_S)
        assert [row.state for row in door.rows(DELIVERIES)] == ["scheduled"] * 3
        assert not ends.is_set()
        ends.set()


def test_what_a_hanging_bell_cannot_take_is_dropped_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()
    monkeypatch.setattr(Ringer, "ring", lambda *_: ends.wait())
    bell = hints.Bell("redis://127.0.0.1:1/0")
    for number in range(3_000):
        bell.ring("deliver", f"dec_{number}")
    assert not ends.is_set()
    ends.set()


# --- processes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lived_s", [0.0, 1.0, supervisor.STEADY_AFTER_S, DAY / SECOND])
def test_after_a_first_death_a_program_is_started_again_as_is_stated(lived_s: float) -> None:
    assert next_delay(0.0, lived_s) * SECOND <= recovery.RESTART_AFTER


def test_the_supervisor_pauses_for_the_stated_restart_and_doubles_it_only_for_who_dies_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The death itself is told to it by the kernel, and waits for nothing."""
    pauses: list[float] = []

    async def scenario() -> None:
        enough, house = asyncio.Event(), Supervisor(Console(io.StringIO()), dict(os.environ))

        async def passes(stopping: Coroutine[object, object, bool], seconds: float) -> bool:
            stopping.close()
            pauses.append(seconds)
            if len(pauses) == 4:
                enough.set()
                house.kill()
            raise TimeoutError

        monkeypatch.setattr("engine.supervisor.asyncio.wait_for", passes)
        house.start(Program("brief", ("/bin/sh", "-c", "exit 1")))
        await enough.wait()
        await house.stop()

    asyncio.run(scenario())
    assert [pause * SECOND for pause in pauses] == [recovery.RESTART_AFTER * times for times in (1, 2, 4, 8)]
