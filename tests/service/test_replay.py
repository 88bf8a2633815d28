"""Same events, same rules, same clock, same decisions: in the database, in a rehearsal, in a replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import clock, ids
from engine.cli import run
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.live import ready
from engine.rehearsal.books import MemoryBooks
from engine.rehearsal.house import Rehearsal
from engine.replay.report import Report
from engine.replay.run import Window, replay
from engine.rules.model import RuleSet
from engine.store import timers
from engine.store.unit import DECISIONS, VISITORS
from tests.builders import (
    LEFT,
    NOON,
    SEQUENCE,
    STUCK,
    Hands,
    Premises,
    cart,
    keep_time,
    line,
    named,
    rule_set,
    with_lines,
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
BROAD = """
name: broad
when:
  - on_page: {type: [knowledge_base, product], for: 60s, across: session}
then:
  - nudge: Do you find your way?
"""
LIMITS = "limits: {invitations: 1 per session, emails: 2 per 1d}"
RULES = rule_set(
    # The sequence goes before 'left': of mails in the same moment one leaves, and its later steps are worth comparing.
    with_lines(STUCK, "holdout: 30%"),
    named(STUCK, "stuck-too"),
    LEFT,
    with_lines(SEQUENCE, "priority: 1"),
    SURPRISE,
    SEARCHED,
    BROAD,
    head=LIMITS,
)


OTHER_RULES = rule_set(
    STUCK.replace("45s", "90s"),
    LEFT,
    SURPRISE,
    SEARCHED.replace("at_least: 2", "at_least: 3"),
    BROAD.replace("60s", "80s"),
    head=LIMITS,
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
    st.tuples(st.sampled_from([HELP, HELP, SHOP]), st.integers(1, 120)).map(
        lambda seen: ("checked_in", {"page": seen[0], "engaged_ms": seen[1] * SECOND})
    ),
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
        self.rehearsal.take([accepted.event], self.hands.now)
        self._ring()

    def pass_time(self, until: Millis) -> None:
        while (due := self._next_due()) is not None and due <= until:
            self.hands.now = max(due, self.hands.now)
            self._ring()
        self.hands.now = until

    def _next_due(self) -> Millis | None:
        dues = [self.rehearsal.next_due(), *(row.due_at for row in self.premises.rows(VISITORS))]
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


def name_people_by_their_addresses(patch: pytest.MonkeyPatch) -> None:
    """As a rehearsal does, so that both sides know the same holdout."""

    def name(self: object, shop: str, identities: list[tuple[str, str]]) -> str:
        return ids.derived_id("per", shop, *identities[0])

    patch.setattr("engine.store.unit.Unit.new_person_id", name)


@contextmanager
def both_ways(steps: list[Step]) -> Iterator[BothWays]:
    """The steps taken, and three more days."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        name_people_by_their_addresses(patch)
        both = BothWays(Path(folder), RULES)
        keep_time(patch, both.hands)
        for step in steps:
            both.take(step)
        both.pass_time(both.hands.now + 3 * DAY)
        yield both
        both.premises.close()


@settings(max_examples=40, deadline=None)
@given(steps=_visits)
def test_a_rehearsal_decides_what_the_database_does_and_so_does_a_replay(steps: list[Step]) -> None:
    with both_ways(steps) as both:
        stored, made = both.decided()
        assert made == stored
        window = Window(NOON, both.hands.now, NOON)
        fired = sorted(row[:3] for row in stored if row[3] == "fired")
        for sift in (True, False):
            report = replay(both.premises.engine, ready(RULES), ready(RULES), window, sift=sift)
            assert sum(rule.after for rule in report.rules) == len(fired)
            assert [rule.gained + rule.lost for rule in report.rules] == [0] * len(RULES.rules)
            assert report.events == len(steps)


@settings(max_examples=40, deadline=None)
@given(steps=_visits)
def test_whoever_is_left_out_of_a_replay_could_not_have_been_touched(steps: list[Step]) -> None:
    with both_ways(steps) as both:
        window = Window(NOON, both.hands.now, NOON)
        told = [
            msgspec.structs.replace(
                replay(both.premises.engine, ready(RULES), ready(OTHER_RULES), window, sift=sift), seconds=0, played=0
            )
            for sift in (True, False)
        ]
        assert told[0] == told[1]


def test_those_properties_are_about_something() -> None:
    steps = [
        Step(SECOND, "", "agents_changed", {"agents": {"online": 1}}, trusted=True),
        Step(SECOND, "v1", "page_viewed", {"page": HELP}),
        Step(50 * SECOND, "v1", "checked_in", {"page": HELP, "engaged_ms": 50 * SECOND}),
        Step(SECOND, "v2", "contact_given", {"email": "b@shopper.example", "consent": {"email": True}}, trusted=True),
        Step(SECOND, "v2", "cart_updated", {"cart": cart(line())}),
        Step(SECOND, "v2", "shipping_shown", {"shipping": {"price": "6.95", "currency": "EUR"}}),
        Step(SECOND, "v3", "contact_given", {"email": "c@shopper.example", "consent": {"email": True}}, trusted=True),
        Step(SECOND, "v3", "cart_updated", {"cart": cart(line(), cart_id="c3")}),
    ]
    with both_ways(steps) as both:
        outcomes = {(row.rule, row.outcome) for row in both.premises.rows(DECISIONS)}
    assert {("surprise", "fired"), ("left", "held"), ("sequence", "fired")} <= outcomes
    assert any(rule.startswith("stuck") for rule, _ in outcomes)


# --- the report -------------------------------------------------------------------------------------------------------


@pytest.fixture
def week(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Premises]:
    """A few visits, an hour ago, with a rule that invites after 45 seconds."""
    hands = Hands()
    keep_time(monkeypatch, hands)
    premises = Premises(database_url, rule_set(STUCK), hands)
    for number in range(4):
        visitor = f"reader-{number}"
        premises.later(MINUTE).post("page_viewed", visitor, page=HELP)
        premises.later((20 + 20 * number) * SECOND)
        premises.post("checked_in", visitor, page=HELP, engaged_ms=(20 + 20 * number) * SECOND)
    premises.post("page_viewed", "passer-by", page=SHOP)
    premises.later(HOUR)
    yield premises
    premises.close()


def played(week: Premises, before: RuleSet, after: RuleSet, since: Millis = DAY) -> Report:
    now = week.hands.now
    return replay(week.engine, ready(before), ready(after), Window(now - since, now, now - 2 * since))


SOONER = STUCK.replace("45s", "25s")
LATER = STUCK.replace("45s", "70s")


def test_it_tells_who_gains_a_message(week: Premises) -> None:
    report = played(week, rule_set(STUCK), rule_set(SOONER))
    (rule,) = report.rules
    assert (rule.before, rule.after, rule.gained, rule.lost) == (2, 3, 1, 0)
    assert [message.visitor for message in report.gained] == ["reader-1"]
    assert (report.before.messages, report.after.messages) == ({"invite": 2}, {"invite": 3})
    assert report.after.per_visitor == 3 / 5


def test_it_tells_who_loses_one(week: Premises) -> None:
    report = played(week, rule_set(STUCK), rule_set(LATER))
    assert [message.visitor for message in report.lost] == ["reader-2"]


def test_it_tells_what_the_guards_held_back_by_name(week: Premises) -> None:
    silent = with_lines(STUCK, "shadow: true")
    (rule,) = played(week, rule_set(STUCK), rule_set(silent)).rules
    assert (rule.lost, rule.held_before, rule.held_after) == (2, {}, {"shadow": 2})


def test_a_rule_that_only_one_file_has_is_counted_too(week: Premises) -> None:
    report = played(week, rule_set(STUCK), rule_set(named(STUCK, "stuck-anew")))
    assert [(rule.rule, rule.before, rule.after) for rule in report.rules] == [("stuck-anew", 0, 2), ("stuck", 2, 0)]


def test_nobody_is_played_whom_no_rule_could_touch(week: Premises) -> None:
    report = played(week, rule_set(STUCK), rule_set(STUCK))
    assert (report.visitors, report.played) == (5, 2)


def test_whoever_reads_in_pieces_is_played_only_for_rules_that_count_the_whole_visit(week: Premises) -> None:
    for page in (HELP, SHOP, HELP):
        week.later(SECOND).post("page_viewed", "wanderer", page=page)
        week.later(30 * SECOND).post("checked_in", "wanderer", page=page, engaged_ms=30 * SECOND)
    week.later(HOUR)
    report = played(week, rule_set(STUCK, BROAD), rule_set(STUCK, BROAD))
    assert (report.played, [(rule.rule, rule.after) for rule in report.rules]) == (4, [("stuck", 2), ("broad", 1)])
    assert played(week, rule_set(STUCK), rule_set(STUCK)).played == 2


def test_visitors_of_whom_both_files_say_the_same_count_for_both(week: Premises) -> None:
    other = STUCK.replace("knowledge_base", "returns").replace("name: stuck", "name: elsewhere")
    report = played(week, rule_set(STUCK), rule_set(STUCK, other))
    assert [(rule.rule, rule.before, rule.after) for rule in report.rules] == [("stuck", 2, 2), ("elsewhere", 0, 0)]


def test_the_order_of_the_rules_is_a_difference_too(week: Premises) -> None:
    twin = named(STUCK, "twin")
    report = played(week, rule_set(STUCK, twin), rule_set(twin, STUCK))
    assert {rule.rule: (rule.before, rule.after) for rule in report.rules} == {"stuck": (2, 0), "twin": (0, 2)}


def test_what_does_not_fit_into_memory_is_read_again(week: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = played(week, rule_set(STUCK), rule_set(SOONER))
    monkeypatch.setattr("engine.replay.run.MOST_AT_HAND", 3)
    again = played(week, rule_set(STUCK), rule_set(SOONER))
    assert msgspec.structs.replace(again, seconds=0) == msgspec.structs.replace(at_hand, seconds=0)


def test_what_happened_before_only_sets_the_scene(week: Premises) -> None:
    report = played(week, rule_set(STUCK), rule_set(STUCK), since=HOUR + 100 * SECOND)
    assert report.events < 9
    assert sum(rule.after for rule in report.rules) < 2


def test_an_answer_to_a_message_that_only_the_other_rules_send_is_not_heard(week: Premises) -> None:
    """Else a dismissal of the old invitation would hold back the new rules' own."""
    message = f"{week.rows(DECISIONS, visitor='reader-2')[0].id}.0"
    week.post("message_shown", "reader-2", message=message)
    week.post("message_dismissed", "reader-2", message=message)
    week.later(SECOND).post("page_viewed", "reader-2", page=HELP)
    week.later(80 * SECOND).post("checked_in", "reader-2", page=HELP, engaged_ms=80 * SECOND)
    week.later(SECOND)
    report = played(week, rule_set(STUCK), rule_set(named(LATER, "patient")))
    patient = next(rule for rule in report.rules if rule.rule == "patient")
    assert (patient.after, patient.held_after) == (2, {})


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """A command sends its log lines to the stderr it has, which is gone after the test."""
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_as_it_was")
def test_the_command_tells_a_table_or_json(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hands = Hands(clock.wall_clock() - HOUR)
    with monkeypatch.context() as patch:
        keep_time(patch, hands)
        premises = Premises(sqlite_url, rule_set(STUCK), hands)
        premises.post("page_viewed", page=HELP)
        premises.later(30 * SECOND).post("checked_in", page=HELP, engaged_ms=30 * SECOND)
        premises.close()
    for name, rule in (("old.yaml", STUCK), ("new.yaml", SOONER)):
        (tmp_path / name).write_text(rule_set(rule).source)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("RULES", str(tmp_path / "old.yaml"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert run(["replay", "--since", "1d", str(tmp_path / "new.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["events"], told["rules"][0]["gained"]) == (2, 1)
    assert run(["replay", str(tmp_path / "new.yaml"), "--against", str(tmp_path / "new.yaml")]) == 0
    assert "2 events of 1 visitors" in capsys.readouterr().out
    long = "somebody-who-searches-our-knowledge-base-for-half-a-minute"
    (tmp_path / "long.yaml").write_text(rule_set(named(SOONER, long)).source)
    assert run(["replay", str(tmp_path / "long.yaml")]) == 0
    assert f"{long}  " in capsys.readouterr().out  # a name that is cut cannot be looked up
    assert run(["replay", "--since", "1s", str(tmp_path / "new.yaml")]) == 1
    assert run(["replay", "--since", "soon", str(tmp_path / "new.yaml")]) == 2
