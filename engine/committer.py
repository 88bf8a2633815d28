"""Group commit: submissions that wait at the same moment share one transaction and one fsync.

One thread commits: whatever waits when it has time is its next group. A lonely submission waits for nobody, a crowd
shares one trip to the disk. Who submits may wait (:meth:`Committer.commit`) or be told (:meth:`Committer.submit`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy import Connection, Engine

from engine.clock import Clock, wall_clock
from engine.crashpoints import crash_point
from engine.errors import ShopbellError, StoreError
from engine.pipeline import Answer, Submission, process
from engine.store.database import in_transaction

log = structlog.get_logger()
MAX_EVENTS = 2_000
"""Events in one transaction; more wait for the next."""
GATHER_S = 0.000_2
"""After a group of several, how long the next one is waited for, for each who is to come back; and at most …"""
LONGEST_GATHERING_S = 0.005
PATIENCE_S = 20.0
"""Nobody should have to wait longer for a commit to begin."""


@dataclass(eq=False, slots=True)
class Pending:
    """A submission on its way to the disk. ``settled`` is called once, from any thread, when there is a result."""

    submission: Submission
    settled: Callable[[], object]
    answer: Answer | None = None
    error: ShopbellError | None = None

    def result(self) -> Answer:
        """What became of it, once it is settled. Raises StoreError when nothing of it was kept."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer


class Committer:
    """Commits what many threads, or one that never waits, hand in; one for each process."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock
        self._queue: deque[Pending] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._crowd = 1
        """So many must wait before the bell is rung."""
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def commit(self, submission: Submission) -> Answer:
        """Returns when the submission is on disk. Raises StoreError when it is not; then nothing of it was kept."""
        asleep = threading.Lock()
        asleep.acquire()
        pending = Pending(submission, asleep.release)
        self.submit(pending)
        if not asleep.acquire(timeout=PATIENCE_S):
            self.give_up(pending)
            asleep.acquire()
        return pending.result()

    def submit(self, pending: Pending) -> None:
        """Hand it in and go on; it may be settled before this returns."""
        self._queue.append(pending)
        if len(self._queue) >= self._crowd:
            self._bell.put(None)
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def give_up(self, pending: Pending) -> None:
        """Take it back, unless its group is being committed: then only the database can say how that ends."""
        try:
            self._queue.remove(pending)
        except ValueError:
            return
        pending.error = StoreError("the database is too slow to keep it now", away=True)
        pending.settled()

    def _start(self) -> None:
        """Also after a fork, which takes no threads along, and should the thread ever have died."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            self._bell.get()
            while group := self._take_group():
                self._commit_group(group)
                if len(group) > 1:
                    self._gather(len(group))

    def _gather(self, answered: int) -> None:
        """Wait a moment for those who were just answered: where there is a crowd they are soon back.

        Whoever waits is served sooner this way: a group of thirty costs little more than one of fifteen.
        """
        crowd = self._crowd = len(self._queue) + answered
        with suppress(Empty):
            while True:  # rings of long ago
                self._bell.get_nowait()
        with suppress(Empty):
            if len(self._queue) < crowd:
                self._bell.get(timeout=min(answered * GATHER_S, LONGEST_GATHERING_S))
        self._crowd = 1

    def _take_group(self) -> list[Pending]:
        group: list[Pending] = []
        events = 0
        while self._queue and events < MAX_EVENTS:
            try:
                pending = self._queue.popleft()
            except IndexError:  # the last one was taken back in this moment
                break
            group.append(pending)
            events += len(pending.submission.events)
        return group

    def _commit_group(self, group: list[Pending]) -> None:
        try:
            self._try_group(group)
        except ShopbellError as error:
            self._after_failure(group, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must get an answer and nothing was kept
            log.error("commit failed", kind=type(error).__name__)
            # A value that nothing can be made of stays so, however often it is sent.
            lasting = isinstance(error, (ValueError, ArithmeticError))
            self._after_failure(group, StoreError(f"nothing was kept: {type(error).__name__}", permanent=lasting))

    def _try_group(self, group: list[Pending]) -> None:
        submissions = [pending.submission for pending in group]
        answers = in_transaction(self._engine, lambda connection: self._process(connection, submissions))
        crash_point("after-commit")
        for pending, answer in zip(group, answers, strict=True):
            pending.answer = answer
        for pending in group:
            pending.settled()

    def _process(self, connection: Connection, submissions: list[Submission]) -> list[Answer]:
        answers = process(connection, submissions, self._clock)
        crash_point("before-commit")
        return answers

    def _after_failure(self, group: list[Pending], error: ShopbellError) -> None:
        away = isinstance(error, StoreError) and error.away
        if away or len(group) == 1:
            for pending in group:
                pending.error = error
                pending.settled()
            return
        # One submission may be what the database refuses; its neighbours must not suffer for it.
        for pending in group:
            self._commit_group([pending])
