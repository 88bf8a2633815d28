"""What a worker does with a hint, and the worker itself.

A job gets ids and nothing else; what is to be done stands in SQL, so a hint that comes twice or late does no harm.
"""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import Engine

from engine import hints
from engine.committer import Committer
from engine.deliver import Deliverer
from engine.hints import HintJob, Ringer
from engine.links import Links
from engine.live import LiveRules, open_rules
from engine.pipeline import Submission
from engine.settings import Settings
from engine.store.database import open_engine

log = structlog.get_logger()
ANNOUNCE_S = 3.0


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
    return Workshop(live, Committer(engine), Deliverer(engine, live, links, settings.smtp_url), ringer)


def recheck(shop_id: str, visitors: list[str]) -> int:
    """Look at these visitors again; returns how many deliveries are owed because of it."""
    return look_again(_workshop[0], shop_id, visitors)


def deliver(*delivery_ids: str) -> int:
    """Try each of these deliveries once; returns how many left the house."""
    return sum(_workshop[0].deliverer.deliver(delivery) == "sent" for delivery in delivery_ids)


def look_again(workshop: Workshop, shop_id: str, visitors: list[str]) -> int:
    """The same pipeline as for events, with nothing new but the time."""
    shop = workshop.live.shop(shop_id)
    if shop is None:
        log.warning("a visitor of an unknown shop is due", shop=shop_id)
        return 0
    answer = workshop.committer.commit(Submission(shop, rechecks=list(visitors)))
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
    name = f"{kinds}-{socket.gethostname()}-{os.getpid()}"
    connection = Redis.from_url(settings.redis_url, socket_connect_timeout=2.0)
    queue = hints.queue_of(name, connection)
    _keep_announcing(settings.redis_url, name)
    worker = SimpleWorker(
        [queue],
        name=name,
        connection=connection,
        serializer=JSONSerializer,
        job_class=HintJob,
        log_job_description=False,
        default_worker_ttl=30,
    )
    try:
        worker.work(logging_level="WARNING")
    finally:
        _withdraw(settings.redis_url, name)


def _keep_announcing(url: str, name: str) -> None:
    connection = hints.connect(url)

    def run() -> None:
        pause = threading.Event()
        while True:
            try:
                hints.announce(connection, name)
            except RedisError as error:
                log.warning("the worker cannot announce itself", error=type(error).__name__)
            pause.wait(ANNOUNCE_S)

    threading.Thread(target=run, name="announce", daemon=True).start()


def _withdraw(url: str, name: str) -> None:
    try:
        hints.withdraw(hints.connect(url), name)
    except RedisError:
        log.info("the worker's name in Redis will run out by itself")
