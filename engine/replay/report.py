"""What came of a replay, for the table and for programs."""

from __future__ import annotations

import msgspec

from engine.clock import Millis


class Message(msgspec.Struct, frozen=True):
    """A rule that fired for a visitor, who got a message by it."""

    at: Millis
    visitor: str
    rule: str


class RuleCount(msgspec.Struct):
    """One rule before and after. ``held`` counts by guard how often it was met and kept silent."""

    rule: str
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    held_before: dict[str, int] = {}
    held_after: dict[str, int] = {}


class Cost(msgspec.Struct):
    """Messages that leave, by their step's word, and how many that is for one visitor."""

    messages: dict[str, int] = {}
    per_visitor: float = 0.0


class Report(msgspec.Struct):
    """``since`` to ``until`` is what was counted; ``gained`` and ``lost`` are examples, the first ones."""

    shop: str
    since: Millis
    until: Millis
    events: int = 0
    visitors: int = 0
    played: int = 0
    """Visitors whose events were played; no rule could touch the others."""
    unreadable: int = 0
    """Events that this release cannot read any more; they are left out."""
    faults: int = 0
    """Visitors whose events broke something; they are left out from there on."""
    seconds: float = 0.0
    rules: list[RuleCount] = []
    gained: list[Message] = []
    lost: list[Message] = []
    before: Cost = msgspec.field(default_factory=Cost)
    after: Cost = msgspec.field(default_factory=Cost)
