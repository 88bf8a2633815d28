"""RQ as a bell: "look at this now", nothing more.

A hint is a kind and some ids. It may be lost, doubled or late; what is owed stands in SQL and the clock hints again.
One queue for each worker process, because with two workers on one queue a lost pop reply loses the job. Workers
announce themselves in Redis, so that hints go to those that are alive. What lies in Redis is never trusted: jobs are
JSON, and a job class runs nothing but the two functions named here.
"""

from __future__ import annotations

import queue
import random
import threading
import time
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

log = structlog.get_logger()

ALLOWED: Final = {"recheck": "engine.jobs.recheck", "deliver": "engine.jobs.deliver"}
WORKERS_KEY: Final = "shopbell:workers"
ALIVE_S: Final = 12.0
LONGEST_QUEUE: Final = 200
"""More hints than this wait in SQL: a sweeper that never stops adding starves the worker it wants to help."""


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
    return Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0))


def queue_of(worker: str, connection: Redis) -> Queue:
    return Queue(f"shopbell:{worker}", connection, serializer=JSONSerializer, job_class=HintJob, default_timeout=120)


def announce(connection: Redis, worker: str) -> None:
    """Say that this worker is alive (call it every few seconds)."""
    connection.zadd(WORKERS_KEY, {worker: time.time()})
    connection.zremrangebyscore(WORKERS_KEY, 0, time.time() - 3600)


def withdraw(connection: Redis, worker: str) -> None:
    connection.zrem(WORKERS_KEY, worker)


def alive(connection: Redis, kind: str) -> list[str]:
    """The workers that take hints of this kind and gave a sign of life just now."""
    found = cast("list[bytes]", connection.zrangebyscore(WORKERS_KEY, time.time() - ALIVE_S, "+inf"))
    names = [name.decode() for name in found]
    return [name for name in names if kind in name.split("-")[0].split("+")]


class Ringer:
    """Puts hints on the queue of a live worker. Raises RedisError; the caller decides that it does not matter."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    def ring(self, kind: str, arguments: Sequence[object]) -> bool:
        """True when the hint was put on a queue; False when nobody is there to hear it or the queues are long."""
        workers = alive(self.connection, kind)
        random.shuffle(workers)
        for worker in workers:
            target = queue_of(worker, self.connection)
            if target.count < LONGEST_QUEUE:
                target.enqueue(ALLOWED[kind], *arguments, result_ttl=0, failure_ttl=60, ttl=300, description=kind)
                return True
        return False


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
