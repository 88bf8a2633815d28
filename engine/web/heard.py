"""Counts what comes to the doors, and writes it down beside the requests: nobody's answer waits for it.

What was counted in the last second of a process that is killed is not known; nothing but a table for people reads it.
"""

from __future__ import annotations

import threading

from sqlalchemy import Engine

from engine.errors import StoreError
from engine.store import heard
from engine.store.heard import Sound

_PAUSE_S = 1.0


class Heard:
    """What this process has heard and not yet written down."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._noted: dict[Sound, tuple[int, str]] = {}
        self._bell = threading.Event()

    def note(self, sound: Sound, detail: str = "") -> None:
        """One more of these. Its reason is one of few; what a stranger chose stands in ``detail``."""
        self._add(sound, 1, detail)
        self._bell.set()

    def flush(self) -> None:
        """Write down what was noted; what cannot be written now is written with what comes next."""
        with self._lock:
            noted, self._noted = self._noted, {}
        try:
            heard.add(self._engine, [(sound, *what) for sound, what in noted.items()])
        except StoreError as error:
            if error.permanent:
                return
            for sound, (count, detail) in noted.items():
                self._add(sound, count, detail)

    def watch(self) -> None:
        """From here on write down by itself, at most once a second."""
        threading.Thread(target=self._watch, name="heard", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            self.flush()
            threading.Event().wait(_PAUSE_S)

    def _add(self, sound: Sound, count: int, detail: str) -> None:
        with self._lock:
            before, _ = self._noted.get(sound, (0, ""))
            self._noted[sound] = before + count, detail
