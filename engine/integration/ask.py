"""The part of an integration that asks a shop's platform: for what a webhook missed, or only hinted at.

Every question is an errand that stands in SQL, with a cursor that outlives any process. A question that was cut short
is asked again from the same place; every fact has one id (see ``fact``), so what is told twice counts once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from engine.clock import Millis
from engine.http import Answered
from engine.integration.base import Integration
from engine.integration.receive import Delivery, News
from engine.integration.settings import S


class Call(Protocol):
    """Calls a public https address; raises CallError where no answer comes. Redirects are answers, not followed."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered: ...


@dataclass(frozen=True)
class Page:
    """What one question brought, and from where to go on next time.

    ``deliveries`` are things that read as if a webhook had brought them. Each is taken in by itself, so that one that
    nobody can read goes into quarantine and holds up none of the others.
    ``again_in_ms`` is 0 when there is more at once, or how long the platform wants to be left alone; None when this was
    all: a poll comes again at its own pace, and what had to be looked up is.
    """

    news: News
    cursor: str = ""
    again_in_ms: Millis | None = None
    deliveries: tuple[Delivery, ...] = ()


class Asker(Integration[S], ABC):
    """Asks a platform, by the clock or because a webhook said to look (:attr:`News.look_ups`)."""

    polls: ClassVar[Mapping[str, Millis]] = {}
    """What is asked for by the clock, and how often."""
    together: ClassVar[Mapping[str, int]] = {}
    """Which kinds of look-ups (what stands before the first colon) :meth:`ask_together` answers, and how many of one
    kind at most in one call."""

    @property
    def lacks(self) -> str:
        """What the shop has to give before anything can be asked, as its rule file names it; "" for nothing."""
        return ""

    @abstractmethod
    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """Ask for one page: ``what`` is one of :attr:`polls` or of the look-ups; ``cursor`` is "" the first time.

        Raises CallError when the platform does not answer, and Unreadable when it does not answer that.
        """

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """Ask for the first page of each of ``whats``: look-ups of one kind of :attr:`together`, none of them twice.

        Returns the page of each by its name, as :meth:`ask` would with the cursor ""; of something that is not there
        any more, a page without news. Whatever is left out of the answer is asked for by itself, and so is everything
        when this raises: one bad name must neither lose nor hold up the others. Raises as :meth:`ask` does.
        """
        return {what: self.ask(what, "", call) for what in whats}
