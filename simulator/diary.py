"""What is to be done at which moment of the shop's time, by whoever follows it."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from engine.clock import SECOND, Millis


class Diary:
    """What is to be done at which moment of the shop's time."""

    def __init__(self, clock: Callable[[], Millis], speed: int) -> None:
        self._clock, self._speed = clock, speed
        self._entries: list[tuple[Millis, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def at(self, moment: Millis, act: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._entries, (moment, next(self._numbers), act))
            self._changed.notify()

    def after(self, pause: Millis, act: Callable[[], None]) -> None:
        self.at(self._clock() + pause, act)

    def follow(self, until: Callable[[], bool]) -> None:
        """Do everything at its moment, until nothing is left and ``until`` says that nothing will come.

        Raises whatever ``until`` does, which is asked whenever there is time.
        """
        while True:
            act = self._next()
            if act is not None:
                act()
            elif until() and not self._entries:
                return

    def _next(self) -> Callable[[], None] | None:
        """What is due now; None after a moment in which nothing was."""
        with self._changed:
            wait_ms = self._entries[0][0] - self._clock() if self._entries else SECOND * self._speed
            if wait_ms <= 0:
                return heapq.heappop(self._entries)[2]
            self._changed.wait(min(wait_ms / self._speed, 200) / SECOND)
            return None
