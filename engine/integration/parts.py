"""The parts an integration may play, with what a reader should know of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.integration.base import MailSender
from engine.integration.found import AnyIntegration


@dataclass(frozen=True)
class Part:
    """One thing that an integration can do. ``more`` is what its page tells beyond one sentence, if anything."""

    word: str
    kind: type[AnyIntegration]
    says: str
    more: Callable[[type[AnyIntegration]], str] = lambda _: ""


PARTS = (Part("send", MailSender, "carries mail"),)


def parts_of(kind: type[AnyIntegration]) -> tuple[Part, ...]:
    """What this integration does."""
    return tuple(part for part in PARTS if issubclass(kind, part.kind))
