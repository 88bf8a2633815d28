"""The part of an integration that keeps to the calls a platform takes, over all processes and restarts.

Calls are counted in SQL in the platform's own windows, and corrected by what its answers tell. What somebody waits for
comes first: a question that can wait may use up only a share of each window (:meth:`Metered.share`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from engine.clock import Millis
from engine.http import Answered
from engine.integration.base import Integration
from engine.integration.settings import S

LAST_LOOK = "look"
"""What a :class:`~engine.integration.look.Looker` asks for, as :meth:`Metered.share` hears of it."""


@dataclass(frozen=True)
class Left:
    """What the platform says of one window: how many calls it takes in it, how many are left, and until when."""

    most: int
    left: int
    resets_in_ms: Millis | None = None


@dataclass(frozen=True)
class Allowed:
    """What an answer tells of the allowance; ``rest_ms`` is how long the platform wants no call at all."""

    windows: Mapping[Millis, Left] = field(default_factory=dict)
    rest_ms: Millis = 0


class Metered(Integration[S], ABC):
    """Asks a platform that takes only so many calls. Where there are none left, its ``call`` raises Throttled."""

    allowance: ClassVar[Mapping[Millis, int]]
    """How many calls there are in a window of so many milliseconds. Windows begin at whole multiples of their length,
    until the platform says otherwise."""

    @property
    @abstractmethod
    def account(self) -> str:
        """Whose calls are counted together, at most 80 letters: no secret, and the same in every process."""

    @abstractmethod
    def share(self, what: str) -> float:
        """How much of each window may be used up before this question waits: 1.0 for what cannot."""

    @abstractmethod
    def allowed(self, answered: Answered) -> Allowed:
        """What the answer tells of the allowance; nothing where it tells nothing."""
