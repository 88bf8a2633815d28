"""Same events, same rules, same clock, same decisions: in the database, in a rehearsal, and in a replay of what was stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import clock, ids, pipeline
from engine.cli import run
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.events import Event
from engine.live import ready
from engine.pipeline import Accepted
from engine.rehearsal.books import MemoryBooks
from engine.rehearsal.house import Rehearsal
from engine.replay.report import Report
from engine.replay.run import Window, replay
from engine.rules.model import RuleSet
from engine.store import deliveries, suppress, timers
from engine.store.unit import DECISIONS
from tests.builders import (
    LEFT, NOON, SEQUENCE, STUCK, Hands, Premises, cart, keep_time, line, named, rule_set, with_lines,
)  # fmt: skip

SURPRISE = """
name: surprise
when:
  - cart_abandoned: 1h
  - unexpected_shipping: 3.00
  - can_email
then:
  - email: shipping-surprise
  - wait: 2h
  - email: cart-reminder
until: [ordered, cart_emptied, unsubscribed, returned]
priority: 5
holdout: 30%
"""
SEARCHED = """
name: searched
when:
  - happened: {event: searched, at_least: 2, within: 1h}
  - not: {happened: {event: chat_started, within: 1d}}
  - agents: online
then:
  - invite: Shall I look?
once_per: 2h
"""
LIMITS = "limits: {invitations: 1 per session, emails: 2 per 1d}"
RULES = rule_set(
    with_lines(STUCK, "holdout: 30%"), named(STUCK, "stuck-too"), LEFT, SEQUENCE, SURPRISE, SEARCHED, head=LIMITS
)


# --- what may happen --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """After ``pause_ms`` this visitor does this."""

    pause_ms: Millis
    visitor: str
    kind: str
    body: dict[str, Any]
    trusted: bool = False


HELP, SHOP = {"url": "https://shop.example/help/ink"}, {"url": "https://shop.example/product/1"}
_emails = st.sampled_from(["anna@shopper.example", "bert@shopper.example"])
_bodies: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.sampled_from([HELP, SHOP]).map(lambda page: ("page_viewed", {"page": page})),
    st.integers(1, 120).map(lambda s: ("checked_in", {"page": HELP, "engaged_ms": s * SECOND})),
    st.sampled_from(["page_hidden", "page_shown", "checkout_started", "searched", "chat_started", "chat_ended"]).map(
        lambda kind: (kind, {})
    ),
    st.integers(0, 3).map(lambda many: ("cart_updated", {"cart": cart(*([line(quantity=many)] if many else []))})),
    st.sampled_from(["2.00", "6.95"]).map(lambda p: ("shipping_shown", {"shipping": {"price": p, "currency": "EUR"}})),
    st.integers(1, 3).map(lambda number: ("order_placed", {"order": {"id": f"o{number}", "cart_id": "c1"}})),
    _emails.map(lambda email: ("order_placed", {"order": {"id": "o9", "cart_id": "c1", "email": email}})),
    _emails.map(
        lambda email: ("contact_given", {"email": email, "consent": {"email": True, "text": "Yes", "source": "c"}})
    ),
    st.booleans().map(lambda yes: ("consent_changed", {"consent": {"email": yes}})),
)
_agents = st.integers(0, 1).map(lambda n: Step(SECOND, "", "agents_changed", {"agents": {"online": n}}, trusted=True))
_pauses = st.sampled_from([SECOND, 20 * SECOND, 50 * SECOND, 10 * MINUTE, 40 * MINUTE, 90 * MINUTE, DAY])
_steps = st.one_of(
    _agents,
    st.builds(
        lambda pause, visitor, told, trusted: Step(pause, visitor, told[0], told[1], trusted),
        _pauses, st.sampled_from(["v1", "v2", "v3"]), _bodies, st.booleans(),
    ),
)  # fmt: skip
_visits = st.lists(_steps, min_size=1, max_size=25)


class BothWays:
    """The same steps taken by the pipeline over SQLite and by a rehearsal; their timers ring at the same moments."""

    def __init__(self, folder: Path, rules: RuleSet) -> None:
        self.hands = Hands()
        self.premises = Premises(f"sqlite:///{folder / 'both.db'}", rules, self.hands)
        self.books = MemoryBooks(NOON)
        self.rehearsal = Rehearsal(ready(rules), self.books)

    def take(self, step: Step) -> None:
        self.pass_time(self.hands.now + step.pause_ms)
        accepted = self.premises.accept(step.kind, step.visitor, trusted=step.trusted, **step.body)
        self.premises.submit(accepted)
        self.rehearsal.take([_as_kept(accepted)], self.hands.now)
        self._ring()

    def pass_time(self, until: Millis) -> None:
        while (due := self._next_due()) is not None and due <= until:
            self.hands.now = max(due, self.hands.now)
            self._ring()
        self.hands.now = until

    def _next_due(self) -> Millis | None:
        dues = [self.rehearsal.next_due(), *(row.due_at for row in self.premises.rows(pipeline_visitors()))]
        return min((due for due in dues if due is not None), default=None)

    def _ring(self) -> None:
        """A punctual clock on either side."""
        self.rehearsal.ring(self.hands.now)
        for _ in range(20):
            due = timers.claim_due_visitors(self.premises.engine)
            if not due:
                return
            self.premises.look_at(*(visitor for _, visitor in due))
        raise AssertionError("the rules ask to be looked at again and again")

    def decided(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """(visitor, decision, moment, outcome, guard) by either side."""
        stored = [(row.visitor, row.id, row.at, row.outcome, row.guard) for row in self.premises.rows(DECISIONS)]
        made = [
            (visitor, each.id, each.at, str(each.outcome), each.guard and str(each.guard))
            for visitor, each in self.books.decisions
        ]
        first = {row[1]: row for row in reversed(made)}  # a decision is written down once
        return sorted(stored, key=str), sorted(first.values(), key=str)


def pipeline_visitors() -> Any:  # noqa: ANN401 - a table
    return pipeline_tables()["visitors"]


def pipeline_tables() -> Any:  # noqa: ANN401
    return DECISIONS.metadata.tables


def _as_kept(accepted: Accepted) -> Event:
    return accepted.event


@pytest.fixture
def names_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """People get their names from their addresses, as in a rehearsal, so that both sides know the same holdout."""

    def name(self: object, shop: str, identities: list[tuple[str, str]]) -> str:
        return ids.derived_id("per", shop, *identities[0])

    monkeypatch.setattr("engine.store.unit.Unit.new_person_id", name)


@settings(max_examples=60, deadline=None)
@given(steps=_visits)
def test_a_rehearsal_decides_what_the_database_does(steps: list[Step]) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        names_that_follow.__wrapped__(patch) if False else _name_people(patch)
        both = BothWays(Path(folder), RULES)
        keep_time(patch, both.hands)
        for step in steps:
            both.take(step)
        both.pass_time(both.hands.now + 3 * DAY)
        stored, made = both.decided()
        both.premises.close()
    assert made == stored


def _name_people(patch: pytest.MonkeyPatch) -> None:
    def name(self: object, shop: str, identities: list[tuple[str, str]]) -> str:
        return ids.derived_id("per", shop, *identities[0])

    patch.setattr("engine.store.unit.Unit.new_person_id", name)
