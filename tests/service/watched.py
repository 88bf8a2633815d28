"""A shop over a real database in which somebody asks why all the time, and writes the answers down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engine import explain
from engine.clock import Millis
from engine.explain import VisitorView
from engine.past import why_then
from engine.rules.model import RuleSet
from engine.store import rule_sets, timers
from engine.store.unit import VISITORS
from tests.builders import (
    KB,
    Hands,
    Premises,
    keep_time,
)

MANNED = """
name: manned
when:
  - on_page: {type: knowledge_base, for: 20s}
  - agents: online
then:
  - invite: Hello
"""
HELP, SHOP = {"url": KB}, {"url": "https://shop.example/product/1"}


@dataclass
class Watched:
    """A shop over a real database in which somebody asks why all the time, and writes the answers down."""

    premises: Premises
    hands: Hands
    said: list[tuple[Millis, str, VisitorView]] = field(default_factory=list)

    def ask(self) -> None:
        for row in self.premises.rows(VISITORS):
            view = explain.why(self.premises.engine, self.premises.shop, str(row.id))
            assert view is not None
            self.said.append((self.hands.now, str(row.id), view))

    def pass_time(self, ms: Millis, late: Millis) -> None:
        """Timers ring, each so late; whoever asks in between hears what is said then."""
        until = self.hands.now + ms
        while (due := self._next_due()) is not None and due + late <= until:
            self.hands.now = max(due, self.hands.now)
            self.ask()
            self.hands.now += late + 1
            self.premises.look_at(*(visitor for _, visitor in timers.claim_due_visitors(self.premises.engine)))
            self.ask()
        self.hands.now = max(until, self.hands.now)
        self.ask()

    def _next_due(self) -> Millis | None:
        return min((row.due_at for row in self.premises.rows(VISITORS) if row.due_at is not None), default=None)

    def live_by(self, rules: RuleSet) -> None:
        """The rule file changes, in every process at once."""
        self.premises.use(rules)
        rule_sets.remember_all(self.premises.engine, {"main": (rules.hash, rules.source)})


@contextmanager
def watched(rules: RuleSet, url: str | None = None) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        hands = Hands()
        keep_time(patch, hands)
        patch.setattr(explain, "database_now", lambda connection: hands())
        shop = Watched(Premises(url or f"sqlite:///{Path(folder) / 'past.db'}", rules, hands), hands)
        shop.live_by(rules)
        shop.premises.hear("agents_changed", agents={"online": 1})
        hands.now += 1
        yield shop
        shop.premises.close()


def agrees(shop: Watched) -> None:
    """What is said now of every moment is what was said then."""
    for at, visitor, then in shop.said[:: 1 + len(shop.said) // 24]:
        now = why_then(shop.premises.engine, shop.premises.shop, visitor, at)
        assert now is not None
        assert now.unknown == []
        assert (now.rules, now.history, now.notes) == (then.rules, then.history, then.notes), (at, visitor)
        assert (now.person, now.next_look_at) == (then.person, then.next_look_at), (at, visitor)
