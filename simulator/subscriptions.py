"""What a platform has been asked to send, and where to. One that fails for too long is forgotten or switched off."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Hook:
    """A webhook: everything about ``topic`` goes to ``address``, of its body the ``fields``, where ``only`` lets it.

    ``failures`` counts those in a row. One that is not ``active`` is there and sends nothing.
    """

    number: int
    topic: str
    address: str
    fields: frozenset[str] = frozenset()
    only: str = ""
    active: bool = True
    failures: int = 0


class Hooks:
    """The webhooks of one shop; ``fails`` says what becomes of one that failed once more. For any thread."""

    def __init__(self, fails: Callable[[Hook], Hook | None]) -> None:
        self._fails = fails
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._standing: dict[int, Hook] = {}
        self.given_up = 0
        """How many were forgotten or switched off."""

    def make(self, topic: str, address: str, fields: frozenset[str] = frozenset(), only: str = "") -> Hook:
        """Send this from now on."""
        with self._lock:
            hook = Hook(next(self._numbers), topic, address, fields, only)
            self._standing[hook.number] = hook
            return hook

    def change(self, number: int, become: Callable[[Hook], Hook]) -> Hook | None:
        """Make it something else; None where there is none."""
        with self._lock:
            known = self._standing.get(number)
            if known is not None:
                self._standing[number] = known = become(known)
            return known

    def remove(self, number: int) -> bool:
        """Whether there was one."""
        with self._lock:
            return self._standing.pop(number, None) is not None

    def all(self) -> list[Hook]:
        """The oldest first."""
        with self._lock:
            return list(self._standing.values())

    def about(self, topic: str) -> list[Hook]:
        """Those that send this."""
        return [hook for hook in self.all() if hook.topic == topic and hook.active]

    def sends(self, number: int) -> bool:
        """Whether it is there and active."""
        with self._lock:
            return number in self._standing and self._standing[number].active

    def note(self, number: int, *, taken: bool) -> None:
        """A delivery of this one was taken, or failed."""
        with self._lock:
            known = self._standing.get(number)
            if known is None:
                return
            after = replace(known, failures=0) if taken else self._fails(replace(known, failures=known.failures + 1))
            if known.active and (after is None or not after.active):
                self.given_up += 1
            if after is None:
                del self._standing[number]
            else:
                self._standing[number] = after


def never_gives_up(hook: Hook) -> Hook | None:
    """It is kept and sends on, whatever fails."""
    return hook


def forgets_after(failures: int) -> Callable[[Hook], Hook | None]:
    """It is deleted with so many failures in a row."""
    return lambda hook: None if hook.failures >= failures else hook


def switches_off_after(failures: int) -> Callable[[Hook], Hook | None]:
    """It is switched off with more failures in a row, and stays there; their count stays until one is taken."""
    return lambda hook: replace(hook, active=hook.active and hook.failures <= failures)
