"""RQ as a bell: "look at this now", nothing more.

A hint is a kind and some ids. It may be lost, doubled or late; what is owed stands in SQL and the clock hints again.
One queue for each worker process, because with two workers on one queue a lost pop reply loses the job. Workers
announce themselves in Redis while they have time, so that hints go to those that will hear them; the moments are those
of Redis' clock, because two hosts' clocks are never the same. What lies in Redis is never trusted: jobs are JSON, and
a job class runs nothing but the two functions named here.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from engine import recovery
from engine.clock import SECOND

log = structlog.get_logger()

ALLOWED: Final = {"recheck": "engine.jobs.recheck", "deliver": "engine.jobs.deliver"}
WORKERS_KEY: Final = "shopbell:workers"
ALIVE_S = recovery.ALIVE / SECOND
"""Shorter than any lease: whoever died no longer gets the hints that are given again."""
PATIENCE_S: Final = recovery.REDIS_ANSWERS / SECOND
GONE_S: Final = 300.0
LONGEST_QUEUE: Final = {"deliver": 200, "recheck": 400}
"""More hints than this wait in SQL: a sweeper that never stops adding starves the worker it wants to help.

A look at a visitor takes milliseconds, a mail as long as its relay likes; so looks go first and find room.
"""


class HintJob(Job):
    """A job that can only be one of ours: function name, call-backs and webhooks are free text in Redis."""

    @property
    def func(self) -> Callable[..., Any]:
        if self.func_name not in ALLOWED.values():
            raise PermissionError("a job in Redis names a function that is no hint")
        function: Callable[..., Any] = super().func
        return function

    @property
    def instance(self) -> None:
        return None

    @instance.setter
    def instance(self, value: object) -> None:
        del value

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, status: object, *, exc_string: str | None = None) -> None:
        del status, exc_string


def connect(url: str) -> Redis:
    """A connection for producers: answers within a second or gives up; a retried enqueue would ring twice."""
    patience = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    return Redis.from_url(url, **patience, retry=Retry(NoBackoff(), 0))


def queue_of(worker: str, connection: Redis) -> Queue:
    return Queue(f"shopbell:{worker}", connection, serializer=JSONSerializer, job_class=HintJob, default_timeout=300)


def announce(connection: Redis, worker: str) -> None:
    """Say that this worker is alive and has time (call it every second)."""
    connection.zadd(WORKERS_KEY, {worker: _redis_now(connection)})


def forget_the_dead(connection: Redis) -> int:
    """Remove what workers left that have been silent for minutes: their hints were given to others long ago."""
    long_ago = _redis_now(connection) - GONE_S
    gone = _names(connection.zrangebyscore(WORKERS_KEY, "-inf", long_ago))
    for worker in gone:
        queue_of(worker, connection).delete(delete_jobs=True)
        withdraw(connection, worker)
    return len(gone)


def withdraw(connection: Redis, worker: str) -> None:
    connection.zrem(WORKERS_KEY, worker)


def alive(connection: Redis, kind: str) -> list[str]:
    """The workers that take hints of this kind and gave a sign of life just now."""
    names = _names(connection.zrangebyscore(WORKERS_KEY, _redis_now(connection) - ALIVE_S, "+inf"))
    return [name for name in names if kind in name.split("-")[0].split("+")]


def _names(found: object) -> list[str]:
    return [name.decode(errors="replace") for name in cast("list[bytes]", found)]


def _redis_now(connection: Redis) -> float:
    seconds, micros = connection.time()
    return seconds + micros / 1_000_000


class Ringer:
    """Puts hints on the queue of a live worker. Raises RedisError; the caller decides that it does not matter."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    def ring(self, kind: str, arguments: Sequence[object]) -> bool:
        """True when the hint was put on a queue; False when nobody is there to hear it or the queues are long."""
        workers = alive(self.connection, kind)
        random.shuffle(workers)
        queues = [queue_of(worker, self.connection) for worker in workers]
        length, target = min(((waiting.count, waiting) for waiting in queues), key=_length, default=(0, None))
        if target is None or length >= LONGEST_QUEUE[kind]:
            return False
        # ``args`` is the explicit way: RQ takes any of its own options out of plain keyword arguments.
        target.enqueue_call(
            ALLOWED[kind],
            args=tuple(arguments),
            result_ttl=0,
            failure_ttl=60,
            ttl=300,
            description=kind,
            at_front=kind == "recheck",
        )
        return True


def _length(waiting: tuple[int, Queue]) -> int:
    return waiting[0]


class Bell:
    """Rings from a thread of its own, so that no answer waits for Redis. What does not fit is dropped."""

    def __init__(self, url: str) -> None:
        self._ringer = Ringer(connect(url))
        self._waiting: queue.Queue[tuple[str, list[object]]] = queue.Queue(maxsize=1_000)
        threading.Thread(target=self._run, name="bell", daemon=True).start()

    def ring(self, kind: str, *arguments: object) -> None:
        try:
            self._waiting.put_nowait((kind, list(arguments)))
        except queue.Full:
            log.warning("hint dropped, the clock will hint again", kind=kind)

    def _run(self) -> None:
        while True:
            kind, arguments = self._waiting.get()
            try:
                self._ringer.ring(kind, arguments)
            except RedisError as error:
                log.warning("no bell, the clock will hint again", kind=kind, error=type(error).__name__)
