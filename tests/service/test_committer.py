"""Group commit: those who wait share one transaction, and nobody suffers for what another one sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event, text, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from engine import committer as committer_module
from engine.clock import Clock
from engine.committer import Committer
from engine.errors import StoreError
from engine.events import Order
from engine.pipeline import Accepted, Answer, Submission, process
from engine.store.database import in_transaction, open_engine, reading
from engine.store.unit import EVENTS, VISITORS
from tests import parts
from tests.builders import Premises, at_once, wait_until

Groups = list[list[Submission]]


class Gate:
    """Holds the first group inside its transaction until it is opened, and notes which groups there were."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.groups: Groups = []

    def process(self, connection: Connection, submissions: list[Submission], clock: Clock) -> list[Answer]:
        self.groups.append(submissions)
        if len(self.groups) == 1:
            self.reached.set()
            assert self.open.wait(parts.DEADLINE_S)
        return process(connection, submissions, clock)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(committer_module, "process", made.process)
    return made


@contextmanager
def queued_behind(gate: Gate, premises: Premises, *submissions: Submission) -> Iterator[list[Future[Answer]]]:
    """The first is being committed while the others wait, in this order."""
    committer = premises.committer
    with ThreadPoolExecutor(len(submissions) + 1) as threads:
        waiting = [threads.submit(premises.post, "size_guide_opened", "first")]
        try:
            assert gate.reached.wait(parts.DEADLINE_S)
            for number, submission in enumerate(submissions, 1):
                waiting.append(threads.submit(committer.commit, submission))
                wait_until(partial(_queue_has, committer, number))
        finally:
            gate.open.set()
        yield waiting


def _queue_has(committer: Committer, count: int) -> bool:
    return len(committer._queue) >= count


def submission(premises: Premises, *accepted: Accepted) -> Submission:
    return Submission(premises.shop, list(accepted))


def refused_by_the_database(premises: Premises, visitor: str = "bad") -> Accepted:
    """An event with a number that fits into no column."""
    good = premises.accept("order_placed", visitor, order={"id": f"order-of-{visitor}"})
    ordered = msgspec.structs.replace(good.event, order=Order(id=f"order-of-{visitor}", total=2**70))
    return Accepted(ordered, good.body)


def opened(premises: Premises, visitor: str) -> Accepted:
    return premises.accept("size_guide_opened", visitor)


# --- groups -----------------------------------------------------------------------------------------------------------


def test_a_lonely_request_waits_for_nobody(premises: Premises, gate: Gate) -> None:
    gate.open.set()
    assert premises.post("size_guide_opened").accepted == 1
    assert [len(group) for group in gate.groups] == [1]


def test_those_who_wait_are_committed_together_and_each_gets_its_own_answer(premises: Premises, gate: Gate) -> None:
    batches = [submission(premises, *(opened(premises, f"v{n}") for _ in range(n))) for n in range(1, 6)]
    with queued_behind(gate, premises, *batches) as waiting:
        assert [answer.result(parts.DEADLINE_S).accepted for answer in waiting] == [1, 1, 2, 3, 4, 5]
    assert [len(group) for group in gate.groups] == [1, 5]


def test_a_group_has_its_limit_and_the_rest_goes_next(
    premises: Premises, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "MAX_EVENTS", 3)
    batches = [submission(premises, *(opened(premises, f"v{n}") for _ in range(2))) for n in range(3)]
    big = submission(premises, *(opened(premises, "big") for _ in range(7)))
    with queued_behind(gate, premises, *batches, big) as waiting:
        assert [answer.result(parts.DEADLINE_S).accepted for answer in waiting] == [1, 2, 2, 2, 7]
    assert [len(group) for group in gate.groups] == [1, 2, 2]


def test_a_crowd_that_was_just_answered_is_waited_for(
    premises: Premises, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "GATHER_S", parts.DEADLINE_S)
    monkeypatch.setattr(committer_module, "LONGEST_GATHERING_S", parts.DEADLINE_S)
    two = [submission(premises, opened(premises, name)) for name in ("v1", "v2")]
    with queued_behind(gate, premises, *two) as waiting:
        assert [answer.result(parts.DEADLINE_S).accepted for answer in waiting] == [1, 1, 1]
    with ThreadPoolExecutor(2) as threads:
        back = [threads.submit(premises.post, "size_guide_opened", name) for name in ("v1", "v2")]
        assert [answer.result(parts.DEADLINE_S).accepted for answer in back] == [1, 1]
    assert [len(group) for group in gate.groups] == [1, 2, 2]


def test_who_does_not_come_back_keeps_nobody_waiting(premises: Premises, gate: Gate) -> None:
    two = [submission(premises, opened(premises, name)) for name in ("v1", "v2")]
    with queued_behind(gate, premises, *two) as waiting:
        assert [answer.result(parts.DEADLINE_S).accepted for answer in waiting] == [1, 1, 1]
    assert premises.post("size_guide_opened", "v1").accepted == 1
    assert [len(group) for group in gate.groups] == [1, 2, 1]


def test_the_same_event_in_two_requests_of_one_group_counts_once(premises: Premises, gate: Gate) -> None:
    same = opened(premises, "v1")
    with queued_behind(gate, premises, submission(premises, same), submission(premises, same)) as waiting:
        answers = [answer.result(parts.DEADLINE_S) for answer in waiting[1:]]
    assert [(answer.accepted, answer.duplicates) for answer in answers] == [(1, 0), (0, 1)]


def test_what_the_database_refuses_harms_nobody_else(premises: Premises, gate: Gate) -> None:
    batches = [
        submission(premises, opened(premises, "before")),
        submission(premises, opened(premises, "bad"), refused_by_the_database(premises)),
        submission(premises, opened(premises, "after")),
    ]
    with queued_behind(gate, premises, *batches) as waiting:
        first, before, bad, after = waiting
        assert [answer.result(parts.DEADLINE_S).accepted for answer in (first, before, after)] == [1, 1, 1]
        with pytest.raises(StoreError) as refused:
            bad.result(parts.DEADLINE_S)
    assert not refused.value.away
    assert {row.visitor for row in premises.rows(EVENTS)} == {"first", "before", "after"}


def test_of_what_is_refused_nothing_is_kept_and_the_next_request_is_fine(premises: Premises) -> None:
    with pytest.raises(StoreError):
        premises.submit(opened(premises, "v1"), refused_by_the_database(premises, "v1"))
    assert premises.rows(EVENTS) == []
    assert premises.post("size_guide_opened").accepted == 1


def test_a_mistake_in_the_house_is_an_answer_too(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: Connection, submissions: list[Submission], clock: Clock) -> list[Answer]:
        raise ZeroDivisionError("anna@shopper.example")

    monkeypatch.setattr(committer_module, "process", broken)
    with pytest.raises(StoreError, match="ZeroDivisionError") as refused:
        premises.post("size_guide_opened")
    assert "anna" not in str(refused.value)
    monkeypatch.undo()
    assert premises.post("size_guide_opened").accepted == 1


def test_whoever_waits_too_long_is_told_and_nothing_of_theirs_is_kept(
    premises: Premises, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "PATIENCE_S", 0.05)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(premises.post, "size_guide_opened", "first")
        assert gate.reached.wait(parts.DEADLINE_S)
        with pytest.raises(StoreError) as refused:
            premises.post("size_guide_opened", "impatient")
        gate.open.set()
        assert first.result(parts.DEADLINE_S).accepted == 1
    assert refused.value.away
    assert {row.visitor for row in premises.rows(EVENTS)} == {"first"}


def test_many_threads_get_all_their_answers(premises: Premises, other: Premises) -> None:
    def work(house: Premises, number: int) -> int:
        return sum(house.post("size_guide_opened", f"v{number % 3}").accepted for _ in range(12))

    works: list[Callable[[], int]] = [
        partial(work, house, number) for number in range(4) for house in (premises, other)
    ]
    assert at_once(*works) == [12] * 8
    counted = [premises.visitor(f"v{number}").state.tallies["size_guide_opened"].count for number in range(3)]
    assert sum(counted) == len(premises.rows(EVENTS)) == 96


# --- the database is away ---------------------------------------------------------------------------------------------


def test_a_database_that_is_gone_is_away(premises: Premises, database_url: str, tmp_path: Path) -> None:
    premises.post("size_guide_opened")
    _take_away(premises, database_url, tmp_path)
    with pytest.raises(StoreError) as refused:
        premises.post("size_guide_opened")
    assert refused.value.away
    with pytest.raises(StoreError), reading(premises.engine) as connection:
        connection.execute(text("SELECT 1"))


def _take_away(premises: Premises, url: str, tmp_path: Path) -> None:
    premises.engine.dispose()
    if url.startswith("sqlite"):
        tmp_path.rename(tmp_path.with_name("gone"))
        return
    database = urlsplit(url).path.lstrip("/")
    server = url.replace("postgresql+psycopg", "postgresql").replace(f"/{database}", "/postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(database)))


def test_a_database_that_was_never_there_is_away() -> None:
    for url in ("sqlite:////nowhere/at/all.db", f"postgresql://127.0.0.1:{parts.free_port()}/none"):
        engine = open_engine(url)
        with pytest.raises(StoreError) as refused, reading(engine) as connection:
            connection.execute(text("SELECT 1"))
        assert refused.value.away
        engine.dispose()


def test_a_server_that_cut_every_connection_is_there_again(premises: Premises, database_url: str) -> None:
    premises.post("size_guide_opened")
    if database_url.startswith("postgresql"):
        with reading(premises.engine) as connection:
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(database_url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as link:
            link.execute("SELECT pg_terminate_backend(%s)", [own])
    else:
        premises.engine.dispose()
    assert premises.post("size_guide_opened").accepted == 1


def test_a_database_that_somebody_else_keeps_locked_is_away_and_then_there_again(
    premises: Premises, other: Premises
) -> None:
    premises.post("size_guide_opened")
    _lose_patience_soon(premises.engine)
    with other.engine.begin() as connection:
        connection.execute(update(VISITORS).values(seen_at=0))
        with pytest.raises(StoreError) as refused:
            premises.post("size_guide_opened")
    assert refused.value.away
    assert premises.post("size_guide_opened").accepted == 1


def _lose_patience_soon(engine: Engine) -> None:
    """Wait for a lock for a twentieth of a second only."""
    soon = "PRAGMA busy_timeout = 50" if engine.dialect.name == "sqlite" else "SET lock_timeout = '50ms'"

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(soon)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", prepare)
    engine.dispose()


@pytest.mark.parametrize(("breaks", "lasting"), [(OverflowError, True), (ValueError, True), (RuntimeError, False)])
def test_what_no_database_would_ever_keep_is_told_from_what_may_go_well_later(
    premises: Premises, monkeypatch: pytest.MonkeyPatch, breaks: type[Exception], lasting: bool
) -> None:
    def process(*told: object) -> list[Answer]:
        raise breaks

    monkeypatch.setattr(committer_module, "process", process)
    with pytest.raises(StoreError) as refusal:
        premises.post("size_guide_opened")
    assert (refusal.value.permanent, refusal.value.away) == (lasting, False)


def test_what_the_database_says_is_no_value_is_refused_for_good(premises: Premises) -> None:
    nonsense = {"postgresql": "SELECT 1 / 0", "sqlite": "SELECT zeroblob(3000000000)"}
    with pytest.raises(StoreError) as refusal:
        in_transaction(premises.engine, lambda connection: connection.execute(text(nonsense[premises.engine.name])))
    assert (refusal.value.permanent, refusal.value.away) == (True, False)
