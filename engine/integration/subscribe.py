"""The part of an integration that has a platform send its webhooks, and sees to it that they stay.

Platforms forget: they delete or disable a webhook whose deliveries failed for a while. So what should be there is said
once (:meth:`Subscriber.wanted`), the platform is asked what is there, and the engine makes the difference good, on
``shopbell connect`` and by the clock. Each method asks the platform one thing, and may be asked again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import HOUR, Millis
from engine.integration.ask import Call
from engine.integration.base import Integration
from engine.integration.settings import S

WEBHOOKS = "webhooks"
"""What the clock calls this errand; as a look-up of a webhook it means: see to them now."""


@dataclass(frozen=True)
class Subscription:
    """A webhook, as it should be or as the platform has it.

    ``fields`` and ``filter`` are what the platform is told to send of a body, and when; empty where it cannot be told.
    ``id`` is the platform's own, "" for one that is wanted. One that is not ``active`` stands there and sends nothing.
    """

    topic: str
    address: str
    fields: frozenset[str] = frozenset()
    filter: str = ""
    id: str = ""
    active: bool = True


class Subscriber(Integration[S], ABC):
    """Registers its webhooks with the platform by itself.

    Every method that asks raises CallError when there is no answer, CallError with ``refused`` when the platform says
    no to this one (a right that it was not given), and Throttled when it wants to be left alone for a while.
    """

    renewed_every: ClassVar[Millis] = HOUR
    """How often it is seen to; sooner than a platform takes to forget a webhook and be missed."""

    @abstractmethod
    def wanted(self, address: str) -> tuple[Subscription, ...]:
        """What should be there, for deliveries to ``address``; an address may get a query of its own.

        Empty where the shop's settings do not let it ask for anything.
        """

    @abstractmethod
    def standing(self, call: Call) -> tuple[Subscription, ...]:
        """Everything that is there, whoever made it."""

    @abstractmethod
    def make(self, wanted: Subscription, call: Call) -> None:
        """Have the platform send this."""

    @abstractmethod
    def mend(self, standing: Subscription, wanted: Subscription, call: Call) -> None:
        """Make of what is there what should be there, and have it send again."""

    @abstractmethod
    def remove(self, standing: Subscription, call: Call) -> None:
        """Have the platform send this no more."""
