"""The part of an integration that knows who is there to chat.

A chat tool is asked by the clock, for all its departments at once. What it says is told to the rules as
`agents_changed` and holds for a while only (:attr:`Presence.good_for`): a tool that has fallen silent leaves nobody
online for ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import MINUTE, Millis
from engine.integration.ask import Call
from engine.integration.base import Integration
from engine.integration.receive import News, fact
from engine.integration.settings import S

PRESENCE = "presence"
"""What the clock calls this errand."""


@dataclass(frozen=True)
class Desk:
    """Who is there for a department of the rules, "" for the shop as a whole: how many are ``online``, how many of them
    are ``free`` to take one more chat, and how many shoppers are ``waiting``; None for what the tool does not tell."""

    online: int
    free: int | None = None
    waiting: int | None = None
    department: str = ""


class Presence(Integration[S], ABC):
    """Tells who is there to chat."""

    asked_every: ClassVar[Millis] = MINUTE
    good_for: ClassVar[Millis] = 3 * MINUTE
    """How long an answer holds when no other follows: longer than a pause, so that one lost answer changes nothing."""

    @abstractmethod
    def who_is_there(self, now: Millis, call: Call) -> tuple[Desk, ...]:
        """One desk for each department. ``call`` has a few seconds for all its answers together.

        Raises CallError when there is no answer, Throttled when the tool wants to be left alone for a while, and
        Unreadable when the answer does not say it; then nothing is told, and what was told before runs out.
        """


def news_of(name: str, desks: tuple[Desk, ...], now: Millis, good_for: Millis) -> News:
    """What the desks say, as events; ``name`` is the integration's."""
    return News(tuple(_agents_changed(name, desk, now, good_for) for desk in desks))


def _agents_changed(name: str, desk: Desk, now: Millis, good_for: Millis) -> dict[str, object]:
    agents = {"online": desk.online, "free": desk.free, "waiting": desk.waiting, "department": desk.department}
    return fact("agents_changed", name, desk.department, now, agents=agents | {"valid_ms": good_for})
