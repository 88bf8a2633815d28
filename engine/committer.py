"""Group commit: requests that wait at the same moment share one transaction and one fsync.

The first request that comes while nothing is being committed does the work at once, for itself and for everybody who
came meanwhile; the others wait. There is no thread of its own and no timer, so one lonely request waits for nobody.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

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
PATIENCE_S = 20.0


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Waiting:
    submission: Submission
    asleep: threading.Lock = field(default_factory=_locked)
    """Held until somebody wakes the waiting thread; a bare lock costs a tenth of an Event."""
    leads: bool = False
    answer: Answer | None = None
    error: ShopbellError | None = None

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


class Committer:
    """Commits submissions of many threads together; one for each process."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock
        self._queue: list[_Waiting] = []
        self._lock = threading.Lock()
        self._working = False
        self.turn = threading.Lock()
        """Held by whoever works in Python. SQLite gives the interpreter away at every step, and with many threads that
        want it a commit would wait for all of them again and again; so they wait here, and the commit runs through."""

    def commit(self, submission: Submission) -> Answer:
        """Returns when the submission is on disk. Raises StoreError when it is not; then nothing of it was kept."""
        mine = _Waiting(submission)
        with self._lock:
            self._queue.append(mine)
            mine.leads = not self._working
            self._working = True
        if not mine.leads:
            self._wait(mine)
        if mine.leads and not mine.done:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None
        return mine.answer

    def _wait(self, mine: _Waiting) -> None:
        if mine.asleep.acquire(timeout=PATIENCE_S):
            return
        with self._lock:
            if mine in self._queue and not mine.leads:
                self._queue.remove(mine)
                raise StoreError("the database is too slow to keep it now", away=True)
        # Its group is being committed at this moment; only the database can say how that ends.
        mine.asleep.acquire()

    def _lead(self, mine: _Waiting) -> None:
        """Commit groups until mine is done, then hand the lead to the one who has waited longest."""
        try:
            while not mine.done:
                with self.turn:
                    group = self._take_group()
                self._commit_group(group)
        finally:
            with self._lock:
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].asleep.release()
                else:
                    self._working = False

    def _take_group(self) -> list[_Waiting]:
        with self._lock:
            group: list[_Waiting] = []
            events = 0
            while self._queue and (not group or events + len(self._queue[0].submission.events) <= MAX_EVENTS):
                waiting = self._queue.pop(0)
                events += len(waiting.submission.events)
                group.append(waiting)
            return group

    def _commit_group(self, group: list[_Waiting]) -> None:
        try:
            self._try_group(group)
        except ShopbellError as error:
            self._after_failure(group, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must get an answer and nothing was kept
            log.error("commit failed", kind=type(error).__name__)
            self._after_failure(group, StoreError(f"nothing was kept: {type(error).__name__}"))
        finally:
            for waiting in group:
                # Not done here means that this very thread is being stopped; nobody may wait for it for ever.
                waiting.error = waiting.error or (None if waiting.done else StoreError("interrupted", away=True))
                if waiting.asleep.locked():
                    waiting.asleep.release()

    def _after_failure(self, group: list[_Waiting], error: ShopbellError) -> None:
        away = isinstance(error, StoreError) and error.away
        if away or len(group) == 1:
            for waiting in group:
                waiting.error = error
            return
        # One submission may be what the database refuses; its neighbours must not suffer for it.
        for waiting in group:
            self._commit_group([waiting])

    def _try_group(self, group: list[_Waiting]) -> None:
        submissions = [waiting.submission for waiting in group]
        answers = in_transaction(self._engine, lambda connection: self._process(connection, submissions))
        crash_point("after-commit")
        for waiting, answer in zip(group, answers, strict=True):
            waiting.answer = answer

    def _process(self, connection: Connection, submissions: list[Submission]) -> list[Answer]:
        with self.turn:
            answers = process(connection, submissions, self._clock)
        crash_point("before-commit")
        return answers
