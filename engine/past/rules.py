"""Which rules were live at which moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from sqlalchemy import Connection

from engine.clock import Millis
from engine.errors import RuleFileError
from engine.live import ready
from engine.pipeline import ShopRules
from engine.rules.loader import load
from engine.said import Said, say
from engine.store import rule_sets
from engine.store.looks import Decided

GONE = rule_sets.GONE[0]


class PastRules:
    """The rules of one shop over time. ``now`` are those of today, which stand in where nothing better is known."""

    def __init__(self, connection: Connection, now: ShopRules, decided: Sequence[Decided]) -> None:
        self._connection = connection
        self._now = now
        self._changes = [change for change in rule_sets.changes(connection, now.id) if change[1] != GONE]
        # A process may have been behind the file for a moment; what it decided says by which rules.
        self._decided_by = {each.at: each.rule_set for each in decided}
        self._loaded: dict[str, ShopRules | None] = {now.rules.hash: now}

    def hash_at(self, at: Millis) -> str:
        """The file that was live at that moment; the first one there was, before that; today's, if none is known."""
        place = max(0, bisect_right([since for since, _ in self._changes], at) - 1)
        return self._changes[place][1] if self._changes else self._now.rules.hash

    def live_at(self, at: Millis) -> ShopRules:
        """The rules of the file that was live at that moment, as far as is known."""
        return self._load(self.hash_at(at)) or self._now

    def asked_at(self, at: Millis) -> ShopRules:
        """The rules that were asked at a moment at which something was committed."""
        return self._load(self._decided_by.get(at, self.hash_at(at))) or self._now

    def missing_at(self, at: Millis) -> Said | None:
        """What keeps the rules of that moment from being asked, as a sentence; None when nothing does."""
        if not self._changes or at < self._changes[0][0]:
            return say("which rules were live then is not stored; those that came next are asked instead")
        if self._load(self.hash_at(at)) is None:
            return say("the rules that were live then cannot be read by this version; those of now are asked instead")
        return None

    def _load(self, content_hash: str) -> ShopRules | None:
        if content_hash not in self._loaded:
            self._loaded[content_hash] = self._read(content_hash)
        return self._loaded[content_hash]

    def _read(self, content_hash: str) -> ShopRules | None:
        source = rule_sets.source_of(self._connection, self._now.id, content_hash)
        try:
            return ready(load(source)) if source else None
        except RuleFileError:
            return None
