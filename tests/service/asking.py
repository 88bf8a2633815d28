"""A clock that asks a parrot what it knows, and somebody who is forgotten while the answer is on its way."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errands import Errands
from engine.http import WHOLE_S, Answered, Caller
from engine.intake import Intake
from engine.store.privacy_requests import erase_by_hand
from tests.service.platform import PlatformDoor

LOOPBACK = Caller(permit=lambda address: address.is_loopback, schemes=("http",))


def clock_of(door: PlatformDoor, rung: list[str] | None = None, caller: Caller = LOOPBACK) -> Errands:
    """A clock's errands, as in a process of its own."""
    told: list[str] = [] if rung is None else rung
    return Errands(door.house.live, Intake(door.engine, door.house.committer), told.append, caller)


class ErasesMeanwhile(Caller):
    """Somebody is forgotten while the platform's first answer is on its way."""

    def __init__(self, door: PlatformDoor, person: str) -> None:
        super().__init__(permit=lambda address: address.is_loopback, schemes=("http",))
        self._engine = door.engine
        self._people = [person]

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, within_s: float = WHOLE_S
    ) -> Answered:
        answered = super().ask(method, url, headers, body, within_s=within_s)
        while self._people:
            erase_by_hand(self._engine, "ink", self._people.pop())
        return answered
