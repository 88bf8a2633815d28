"""RQ as a bell: what lies in Redis is ids, executes nothing else, is bounded, and may vanish."""

from __future__ import annotations

import json
import os
import pickle
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, insert, select

from engine import hints
from engine.errors import SettingsError
from engine.hints import HintJob, Ringer
from engine.jobs import look_again, open_workshop
from engine.schedule import MOST_OWED, Rounds
from engine.settings import Settings
from engine.store.database import database_now, in_transaction, open_engine, reading
from engine.store.migrate import upgrade
from engine.store.unit import DELIVERIES, VISITORS
from tests.service.faulty_smtp import FaultySmtp
from tests.service.house import House, Shopper, open_house, rules, wait_until

WORKER = "recheck+deliver-test-1"
LEAVES_A_MARK = "import pathlib, os\ndef leave(*_): pathlib.Path(os.environ['MARK']).touch()\n"


class Touch:
    """A pickle that runs a command when it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._path}",)


@pytest.fixture
def calls() -> Iterator[tuple[str, list[str]]]:
    """An address, and who came to it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


def put_job(connection: Redis, queue: str, data: bytes, **fields: str | bytes) -> None:
    """Write a job into Redis as somebody would who can write there."""
    name = str(uuid4())
    known = {"created_at": "2026-11-21T10:00:00.000000Z", "status": "queued", "timeout": "30", "origin": queue}
    for field, value in (known | fields | {"data": data}).items():
        connection.hset(f"rq:job:{name}", field, value)
    connection.rpush(f"rq:queue:{queue}", name)


def call_of(function: str, *arguments: object) -> bytes:
    return json.dumps([function, None, arguments, {}]).encode()


def work_off(connection: Redis, queue: str, job_class: type[Job]) -> None:
    """One worker like ours (or, as a control, like RQ's own) until the queue is empty."""
    waiting = Queue(queue, connection, serializer=JSONSerializer, job_class=job_class)
    worker = SimpleWorker([waiting], connection=connection, serializer=JSONSerializer, job_class=job_class)
    worker.work(burst=True, logging_level="CRITICAL")


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that exists when something was executed; ``marker.leave`` makes it."""
    (tmp_path / "marker.py").write_text(LEAVES_A_MARK)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    return tmp_path / "mark"


def hostile_jobs(connection: Redis, queue: str, url: str) -> None:
    """A function that is no hint, and a hint that brings call-backs and webhooks along."""
    put_job(connection, queue, call_of("marker.leave"))
    hooks = json.dumps([{"url": f"{url}/{status}", "job_status": status} for status in ("finished", "failed")])
    names = dict.fromkeys(("success_callback_name", "failure_callback_name"), "marker.leave")
    for function in ("builtins.len", "builtins.abs"):  # one that succeeds, one that fails
        put_job(connection, queue, call_of(function, "x"), webhooks=hooks, **names)


def test_without_our_job_class_such_jobs_do_execute(redis_url: str, mark: Path, calls: tuple[str, list[str]]) -> None:
    with hints.connect(redis_url) as connection:
        hostile_jobs(connection, "control", calls[0])
        work_off(connection, "control", Job)
    assert mark.exists()
    assert sorted(calls[1]) == ["/failed", "/finished"]


def test_a_function_that_is_no_hint_its_callbacks_and_its_webhooks_do_nothing(
    redis_url: str, mark: Path, calls: tuple[str, list[str]]
) -> None:
    with hints.connect(redis_url) as connection:
        hostile_jobs(connection, "ours", calls[0])
        put_job(connection, "ours", call_of("os.system", f"touch {mark}"))
        work_off(connection, "ours", HintJob)
        assert connection.llen("rq:queue:ours") == 0
    assert not mark.exists()
    assert calls[1] == []


def test_a_hint_that_brings_callbacks_and_webhooks_along_calls_nobody(
    redis_url: str, mark: Path, calls: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(hints.ALLOWED, "test", "builtins.len")
    with hints.connect(redis_url) as connection:
        hostile_jobs(connection, "ours", calls[0])
        work_off(connection, "ours", HintJob)
    assert not mark.exists()
    assert calls[1] == []


def test_a_pickle_is_never_opened(redis_url: str, mark: Path) -> None:
    evil = pickle.dumps(Touch(mark))
    with hints.connect(redis_url) as connection:
        put_job(connection, "ours", evil, meta=evil, result=evil)
        work_off(connection, "ours", HintJob)
        assert connection.llen("rq:queue:ours") == 0
    assert not mark.exists()
    pickle.loads(evil)  # noqa: S301 - to show that it would have
    assert mark.exists()


def test_a_running_worker_goes_on_after_hostile_jobs(tmp_path: Path, calls: tuple[str, list[str]]) -> None:
    url = f"sqlite:///{tmp_path / 'shopbell.db'}"
    with FaultySmtp() as smtp, open_house(tmp_path / "house", url, smtp.url, workers=1) as house:
        connection, name = house.redis, wait_until(lambda: house.announced_name("worker"), "its name")
        mark = tmp_path / "mark"
        for data in (pickle.dumps(Touch(mark)), call_of("os.system", f"touch {mark}"), b"\xff\x00", b"[]", b"{}"):
            put_job(connection, f"shopbell:{name}", data)
        put_job(connection, f"shopbell:{name}", call_of(hints.ALLOWED["recheck"], "no-shop", ["x"]))
        put_job(connection, f"shopbell:{name}", call_of(hints.ALLOWED["recheck"], "main", [{"a": 1}, None]))
        put_job(connection, f"shopbell:{name}", call_of(hints.ALLOWED["deliver"], None, 7, "dec_x"))
        shopper = Shopper("anna@mail.example")
        house.leaves_cart(shopper)
        house.wait_for_state(shopper, "sent")
        assert house.lives("worker")
        assert not mark.exists()


def test_redis_holds_ids_and_nothing_about_a_person(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shopbell.db'}"
    house = House(tmp_path / "house", url, "smtp://127.0.0.1:9")
    try:
        house.start("valkey", "web", "clock")
        shopper = Shopper("canary-4711@mail.example", cart="canary-cart-4711")
        hints.announce(house.redis, WORKER)  # a worker that never takes what it is given
        house.leaves_cart(shopper)
        wait_until(lambda: _still_announced(house) and house.redis.llen(f"rq:queue:shopbell:{WORKER}"), "a hint")
        found = b" ".join(_everything_in(house.redis))
        assert shopper.visitor.encode() in found
        assert b"canary" not in found
    finally:
        house.close()


def _still_announced(house: House) -> bool:
    hints.announce(house.redis, WORKER)
    return True


def _everything_in(connection: Redis) -> Iterator[bytes]:
    for key in connection.scan_iter():
        kind = connection.type(key)
        yield key
        if kind == b"hash":
            for value in cast("list[bytes]", connection.hvals(key)):
                yield value
                with suppress(zlib.error):
                    yield zlib.decompress(value)  # as RQ packs a call
        elif kind == b"list":
            yield from cast("list[bytes]", connection.lrange(key, 0, -1))


# --- the bell in one process ------------------------------------------------------------------------------------------


def test_each_worker_has_a_queue_of_its_own_and_the_shorter_one_is_rung(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        for name in (WORKER, "recheck+deliver-test-2"):
            hints.announce(connection, name)
        ringer = Ringer(connection)
        assert all(ringer.ring("deliver", [f"dec_{number}"]) for number in range(10))
        lengths = [connection.llen(f"rq:queue:shopbell:{name}") for name in (WORKER, "recheck+deliver-test-2")]
        assert lengths == [5, 5]


def test_hints_go_to_workers_of_their_kind_only(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        hints.announce(connection, "recheck-test-1")
        assert Ringer(connection).ring("deliver", ["dec_1"]) is False
        assert Ringer(connection).ring("recheck", ["main", ["v1"]]) is True


def test_a_look_at_a_visitor_goes_before_mails_and_finds_room_where_mails_find_none(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        hints.announce(connection, WORKER)
        ringer = Ringer(connection)
        rung = [ringer.ring("deliver", [f"dec_{number}"]) for number in range(hints.LONGEST_QUEUE["deliver"] + 1)]
        assert rung.count(True) == hints.LONGEST_QUEUE["deliver"]
        assert rung[-1] is False
        assert ringer.ring("recheck", ["main", ["v1"]]) is True
        (first,) = hints.queue_of(WORKER, connection).get_jobs(0, 1)
        assert (first.func_name, first.args) == (hints.ALLOWED["recheck"], ["main", ["v1"]])


def test_nobody_hears_a_bell_for_a_worker_that_fell_silent(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        hints.announce(connection, WORKER)
        seconds, _ = connection.time()
        connection.zadd(hints.WORKERS_KEY, {WORKER: seconds - hints.ALIVE_S - 1})
        assert hints.alive(connection, "deliver") == []
        assert Ringer(connection).ring("deliver", ["dec_1"]) is False


def test_what_a_dead_worker_left_in_redis_is_removed(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        hints.announce(connection, WORKER)
        Ringer(connection).ring("deliver", ["dec_1"])
        seconds, _ = connection.time()
        connection.zadd(hints.WORKERS_KEY, {WORKER: seconds - hints.GONE_S - 1})
        assert hints.forget_the_dead(connection) == 1
        left = [key for key in connection.scan_iter() if b"shopbell" in key or key.startswith(b"rq:job")]
        assert left == []


def test_names_in_redis_that_are_no_text_disturb_nobody(redis_url: str) -> None:
    with hints.connect(redis_url) as connection:
        hints.announce(connection, WORKER)
        seconds, _ = connection.time()
        connection.zadd(hints.WORKERS_KEY, {b"\xff\xfe": seconds, b"": seconds})
        assert hints.alive(connection, "deliver") == [WORKER]


def test_the_clock_gives_a_bounded_number_of_hints_again(redis_url: str, database_url: str) -> None:
    upgrade(database_url)
    engine = open_engine(database_url)
    in_transaction(engine, lambda connection: _owe(connection, 1_000))
    with hints.connect(redis_url) as connection:
        hints.announce(connection, WORKER)
        rounds = Rounds(engine, Ringer(connection))
        assert rounds.remind_of_deliveries() == MOST_OWED
        assert rounds.remind_of_deliveries() == 0
        assert connection.llen(f"rq:queue:shopbell:{WORKER}") == hints.LONGEST_QUEUE["deliver"]
    engine.dispose()


def _owe(connection: Connection, count: int) -> None:
    now = database_now(connection)
    row = {"shop": "main", "decision": "dec", "visitor": "v", "rule": "r", "step": 0, "kind": "email", "body": "{}"}
    row |= {"state": "scheduled", "due_at": now - 60_000, "expires_at": 0, "attempt": 0, "result": ""}
    row |= {"created_at": now, "updated_at": now}
    connection.execute(insert(DELIVERIES), [row | {"id": f"dec_{n}.0", "once": f"once-{n}"} for n in range(count)])


def test_the_clock_claims_nobody_while_no_worker_could_be_told(redis_url: str, database_url: str) -> None:
    upgrade(database_url)
    engine = open_engine(database_url)
    with hints.connect(redis_url) as connection:
        rounds = Rounds(engine, Ringer(connection))
        assert (rounds.recheck_due(), rounds.remind_of_deliveries()) == (0, 0)
    engine.dispose()


def test_a_hint_about_somebody_who_was_erased_leaves_no_row(
    redis_url: str, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    upgrade(database_url)
    (tmp_path / "rules.yaml").write_text(rules())
    engine = open_engine(database_url)
    with hints.connect(redis_url) as connection:
        workshop = open_workshop(replace(settings, rules=tmp_path / "rules.yaml"), engine, Ringer(connection))
        assert look_again(workshop, "main", ["somebody-erased"]) == 0
    with reading(engine) as looking:
        assert looking.execute(select(VISITORS)).all() == []
    engine.dispose()


@pytest.mark.parametrize("url", ["redis://queue.example:6379/0", "redis://user@10.0.0.7", "rediss://[2001:db8::1]"])
def test_a_redis_elsewhere_without_a_password_is_refused_at_the_start(environment: dict[str, str], url: str) -> None:
    with pytest.raises(SettingsError, match="without a password"):
        Settings.from_env(environment | {"REDIS_URL": url})
