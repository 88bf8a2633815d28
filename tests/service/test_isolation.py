"""What breaks for one visitor, or in one rule, stays there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import update
from structlog.testing import capture_logs

from engine.clock import HOUR, SECOND
from engine.events import Event
from engine.rules.conditions.base import BaseCondition
from engine.rules.facts import Facts
from engine.rules.model import RuleSet
from engine.rules.verdicts import Verdict, met, not_met
from engine.store.unit import EVENTS, VISITORS
from engine.visitors import Watch
from tests.builders import KB, LEFT, STUCK, Premises, cart, line, named, rule_set, with_lines

RULES = rule_set(STUCK, LEFT)


@dataclass(frozen=True, kw_only=True)
class BreakingWatch:
    """Something to remember that cannot bear one language."""

    key = "breaks"
    event = "page_viewed"
    distinct = False

    def match(self, event: Event) -> int | None:
        if event.page is not None and event.page.language == "xx":
            raise KeyError(event.page.language)
        return None


@dataclass(frozen=True, kw_only=True)
class Open(BaseCondition):
    """A page is open."""

    @property
    def watches(self) -> tuple[Watch, ...]:
        return (BreakingWatch(),)

    def check(self, facts: Facts) -> Verdict:
        return met() if facts.visitor.view is not None else not_met()


@dataclass(frozen=True, kw_only=True)
class Breaks(BaseCondition):
    """A condition that nobody can be asked about."""

    def check(self, facts: Facts) -> Verdict:
        raise KeyError(facts.visitor.language)


def rules_on(*conditions: BaseCondition) -> RuleSet:
    """A rule for each of these conditions; the first is the most important."""
    rules = rule_set(*(with_lines(named(STUCK, f"rule-{n}"), f"priority: {9 - n}") for n in range(len(conditions))))
    when = zip(rules.rules, conditions, strict=True)
    return replace(rules, rules=tuple(replace(rule, when=condition) for rule, condition in when))


def broken_rules() -> RuleSet:
    return rules_on(Open(clause="open"))


def test_a_rule_that_cannot_be_asked_keeps_no_other_rule_silent(premises: Premises) -> None:
    """Live Helper Chat tries no rule below one that fails."""
    premises.use(rules_on(Breaks(clause="breaks"), Open(clause="open")))
    with capture_logs() as logs:
        premises.post("page_viewed", page={"url": KB, "language": "nl"})
    assert premises.decided() == [("v1", "rule-1")]
    assert [(entry["event"], entry["rule"], entry["kind"]) for entry in logs] == [
        ("rule isolated", "rule-0", "KeyError")
    ]
    assert premises.visitor().fault is None
    assert premises.visitor().due_at == premises.hands.now + HOUR


def test_a_visitor_whose_evaluation_fails_keeps_its_events_and_harms_nobody(premises: Premises) -> None:
    premises.use(broken_rules())
    premises.submit(
        premises.accept("page_viewed", "good", page={"url": KB}),
        premises.accept("page_viewed", "bad", page={"url": KB, "language": "xx"}),
        premises.accept("page_viewed", "fine", page={"url": KB}),
    )
    assert premises.decided() == [("fine", "rule-0"), ("good", "rule-0")]
    assert len(premises.rows(EVENTS)) == 3
    marked = premises.visitor("bad")
    assert marked.fault is not None
    assert marked.fault.startswith("KeyError")
    assert "xx" not in marked.fault, "what a shopper typed does not belong in a fault"
    assert marked.due_at == premises.hands.now + HOUR


def test_a_visitor_whose_evaluation_failed_is_whole_again_when_the_rules_are(premises: Premises) -> None:
    premises.post("cart_updated", "bad", cart=cart(line()))
    premises.use(broken_rules())
    premises.later(SECOND).post("page_viewed", "bad", page={"url": KB, "language": "xx"})
    assert premises.visitor("bad").state.basket is not None, "the state from before is kept"
    premises.use(RULES)
    premises.later(HOUR).post("page_viewed", "bad", page={"url": KB})
    assert premises.visitor("bad").fault is None


def test_a_stored_state_that_cannot_be_read_is_kept_as_it_is(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    garbage = b"\xc1 from a release to come"
    with premises.engine.begin() as connection:
        connection.execute(update(VISITORS).values(state=garbage, due_at=premises.hands.now))
    answer = premises.submit(premises.accept("size_guide_opened"), premises.accept("size_guide_opened", "v2"))
    assert answer.accepted == 2
    rows = {row.id: row for row in premises.rows(VISITORS)}
    assert (rows["v1"].state, rows["v1"].fault) == (garbage, "its stored state cannot be read")
    assert rows["v2"].fault is None
    assert len(premises.rows(EVENTS, type="size_guide_opened")) == 2


def test_a_state_that_cannot_be_read_is_not_looked_at_again_and_again(premises: Premises) -> None:
    premises.fills_cart()
    with premises.engine.begin() as connection:
        connection.execute(update(VISITORS).values(state=b"\xc1", due_at=premises.hands.now))
    premises.look_at("v1")
    (row,) = premises.rows(VISITORS)
    assert row.due_at == premises.hands.now + HOUR
