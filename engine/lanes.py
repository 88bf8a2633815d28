"""Several things done at once, each in a thread of its own, so that whoever is slow keeps nobody else waiting.

What is done belongs to a lane (a shop and one of its integrations). One thing at a time is done in a lane, in a few
lanes at once, and only in some of them for the same integration: a platform that is away is away for every shop.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from engine.clock import SECOND
from engine.errors import StoreError
from engine.recovery import ASK_EVERY, ASKING_FINISHES
from engine.store.errands import Apart, Lane

MOST: Final = 8
MOST_OF_ONE: Final = 4
"""Lanes of one integration at once; the others stay free for whoever is well."""


class Lanes:
    """The lanes of one process. Its threads end with the process, whatever they do: what they hold runs out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: set[Lane] = set()
        self._ended = 0
        self._seen = 0
        self._failure: StoreError | None = None
        self.done = 0
        """How many things were done so far."""

    def room(self) -> Apart | None:
        """Where nothing may be started now; None when nothing may be started anywhere."""
        with self._changed:
            self._seen = self._ended
            if len(self._busy) >= MOST:
                return None
            crowd = Counter(integration for _, integration in self._busy)
            return Apart(tuple(self._busy), tuple(name for name, lanes in crowd.items() if lanes >= MOST_OF_ONE))

    def start(self, lane: Lane, work: Callable[[], int]) -> None:
        """Do it in this lane; ``work`` returns how many things it did."""
        with self._changed:
            self._busy.add(lane)
        threading.Thread(target=self._do, args=(lane, work), name=":".join(lane), daemon=True).start()

    def _do(self, lane: Lane, work: Callable[[], int]) -> None:
        done = 0
        try:
            done = work()
        except StoreError as error:
            self._failure = error
        finally:
            with self._changed:
                self._busy.discard(lane)
                self._ended += 1
                self.done += done
                self._changed.notify_all()

    def wait(self) -> bool:
        """Until a lane has become free since there was last :meth:`room`, or it is time to look for something new.

        False when nothing is being done, and nothing was. Raises StoreError when the database kept something from
        being done.
        """
        with self._changed:
            if not self._busy and self._ended == self._seen:
                return False
            self._changed.wait_for(lambda: self._ended != self._seen, ASK_EVERY / SECOND)
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return True

    def finish(self) -> None:
        """Give what is being done a moment to end."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, ASKING_FINISHES / SECOND)
