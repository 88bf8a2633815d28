"""What a worker does with a hint, and the worker itself.

A job gets ids and nothing else; what is to be done stands in SQL, so a hint that comes twice or late does no harm.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import Engine

from engine import hints, recovery
from engine.clock import SECOND
from engine.committer import Committer
from engine.deliver import Deliverer
from engine.errors import StoreError
from engine.hints import HintJob, Ringer
from engine.http import caller
from engine.links import Links
from engine.live import LiveRules, open_rules
from engine.pipeline import Submission
from engine.settings import Settings
from engine.store.database import open_engine

log = structlog.get_logger()
ANNOUNCE_S = recovery.ANNOUNCE_EVERY / SECOND
RQ_RESERVE_S = 15
"""RQ waits so much shorter for an empty queue than a worker may be silent."""
BUSY_S = 3.0
"""A worker that has been at one job for so long asks for no hints: others may have time."""


@dataclass(frozen=True)
class Workshop:
    """What the jobs of this process work with."""

    live: LiveRules
    committer: Committer
    deliverer: Deliverer
    ringer: Ringer


_workshop: list[Workshop] = []


def open_workshop(settings: Settings, engine: Engine, ringer: Ringer) -> Workshop:
    live = open_rules(settings, engine)
    links = Links(settings.secret_key, settings.public_url)
    deliverer = Deliverer(engine, live, links, settings.smtp_url, platforms=caller(settings.stand_in))
    return Workshop(live, Committer(engine), deliverer, ringer)


def recheck(shop_id: str, visitors: list[str]) -> int:
    """Look at these visitors again; returns how many deliveries are owed because of it."""
    return look_again(_workshop[0], shop_id, visitors)


def deliver(*delivery_ids: str) -> int:
    """Try each of these deliveries once; returns how many left the house."""
    return sum(_bring(delivery) for delivery in delivery_ids)


def _bring(delivery: str) -> bool:
    try:
        return _workshop[0].deliverer.deliver(delivery) == "sent"
    except StoreError as error:
        log.warning("a delivery waits for the database", error=error.message)
        return False


def look_again(workshop: Workshop, shop_id: str, visitors: list[str]) -> int:
    """The same pipeline as for events, with nothing new but the time."""
    shop = workshop.live.shop(shop_id)
    if shop is None:
        log.warning("a visitor of an unknown shop is due", shop=shop_id)
        return 0
    try:
        answer = workshop.committer.commit(Submission(shop, rechecks=list(visitors)))
    except StoreError as error:
        log.warning("visitors wait for the database", error=error.message)
        return 0
    for delivery in answer.hints:
        try:
            workshop.ringer.ring("deliver", [delivery])
        except RedisError as error:
            log.warning("no bell, the clock will hint again", error=type(error).__name__)
    return len(answer.hints)


def run_worker(settings: Settings, kinds: str = "recheck+deliver") -> None:
    """Work until told to stop. ``kinds`` is what this worker takes: ``recheck``, ``deliver`` or both with a ``+``."""
    engine = open_engine(settings.database_url, durability=settings.durability)
    _workshop.append(open_workshop(settings, engine, Ringer(hints.connect(settings.redis_url))))
    # In a container every life has the same process id, and RQ takes no name twice within a minute.
    name = f"{kinds}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    _wait_for_redis(settings.redis_url)
    worker = worker_at(settings.redis_url, name)
    _keep_announcing(settings.redis_url, worker)
    try:
        worker.work(logging_level="WARNING")
    finally:
        _withdraw(settings.redis_url, name)


def worker_at(redis_url: str, name: str) -> BellWorker:
    """A worker for the queue of its own name; Redis must be there."""
    patience_s = recovery.WORKER_CONNECTS / SECOND
    connection = Redis.from_url(redis_url, socket_connect_timeout=patience_s, retry=Retry(NoBackoff(), 0))
    return BellWorker(
        [hints.queue_of(name, connection)],
        name=name,
        connection=connection,
        serializer=JSONSerializer,
        job_class=HintJob,
        log_job_description=False,
        worker_ttl=recovery.POP_WAITS // SECOND + RQ_RESERVE_S,
    )


class BellWorker(SimpleWorker):
    """RQ's worker that is back soon when Redis is, and knows how long it has been at its job."""

    max_connection_wait_time = recovery.RECONNECT_EVERY / SECOND
    _busy_since: float | None = None

    @property
    def has_time(self) -> bool:
        since = self._busy_since
        return since is None or time.monotonic() - since < BUSY_S

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._busy_since = time.monotonic()
        try:
            super().execute_job(job, queue)
        finally:
            self._busy_since = None


def _wait_for_redis(url: str) -> None:
    """A worker has nothing to do without Redis; to end and be started again all the time would only cost."""
    connection, told = hints.connect(url), False
    while True:
        try:
            connection.ping()
        except RedisError as error:
            if not told:
                log.warning("the worker waits for Redis", error=type(error).__name__)
            told = True
            threading.Event().wait(recovery.REDIS_LOOK_EVERY / SECOND)
        else:
            return


def _keep_announcing(url: str, worker: BellWorker) -> None:
    connection = hints.connect(url)

    def run() -> None:
        pause = threading.Event()
        while True:
            try:
                if worker.has_time:
                    hints.announce(connection, worker.name)
                else:
                    hints.withdraw(connection, worker.name)
            except RedisError as error:
                log.warning("the worker cannot announce itself", error=type(error).__name__)
            pause.wait(ANNOUNCE_S)

    threading.Thread(target=run, name="announce", daemon=True).start()


def _withdraw(url: str, name: str) -> None:
    try:
        hints.withdraw(hints.connect(url), name)
    except RedisError:
        log.info("the worker's name in Redis will run out by itself")
