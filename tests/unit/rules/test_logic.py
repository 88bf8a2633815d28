from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.conditions.base import BaseCondition
from engine.rules.facts import Facts
from engine.rules.logic import All, Any, Not
from engine.rules.verdicts import Asks, State, Verdict
from tests.unit.rules.shoppers import Shopper, check, clause, one_rule

FACTS = Shopper().facts()


@dataclass(frozen=True, kw_only=True)
class Fixed(BaseCondition):
    """A condition whose answer is known."""

    answer: Verdict
    asked: list[str]

    def check(self, facts: Facts) -> Verdict:
        self.asked.append(self.clause)
        return self.answer


ANSWERS = st.one_of(
    st.just(Verdict(State.MET)),
    st.sampled_from((Asks.CLOCK, Asks.HOUSE)).map(lambda asks: Verdict(State.NOT_MET, asks=asks)),
    st.builds(
        lambda at, asks: Verdict(State.NOT_YET, at=at, asks=asks), st.integers(1, 100), st.sampled_from(list(Asks))
    ),
    st.sampled_from(("agents", "total")).map(lambda what: Verdict(State.UNKNOWN, seen=what)),
)


def _several(cls: Callable[..., BaseCondition]) -> Callable[[list[BaseCondition]], BaseCondition]:
    return lambda parts: cls(of=tuple(parts))


def _grow(inner: st.SearchStrategy[BaseCondition]) -> st.SearchStrategy[BaseCondition]:
    lists = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(lists.map(_several(All)), lists.map(_several(Any)), inner.map(lambda part: Not(of=part)))


TREES: st.SearchStrategy[BaseCondition] = st.recursive(
    ANSWERS.map(lambda answer: Fixed(answer=answer, asked=[])), _grow, max_leaves=12
)


@given(TREES)
def test_the_quick_answer_is_the_full_answer(tree: BaseCondition) -> None:
    quick, full = tree.holds(FACTS), tree.check(FACTS)
    assert (quick.state, quick.asks) == (full.state, full.asks)
    if full.state is not State.NOT_MET or full.asks is Asks.HOUSE:
        # After a final no, nobody asks when the rest would have been met.
        assert quick.at == full.at


def test_the_quick_answer_stops_at_the_first_no() -> None:
    asked: list[str] = []
    parts = [
        Fixed(answer=Verdict(state), asked=asked, clause=name)
        for name, state in (("first", State.MET), ("second", State.NOT_MET), ("third", State.MET))
    ]
    assert All(of=tuple(parts)).holds(FACTS).state is State.NOT_MET
    assert asked == ["first", "second"]


def test_the_full_answer_keeps_every_clause_as_it_was_written() -> None:
    rule = one_rule(
        """\
        when:
          - on_page:
              type: knowledge_base   # where they search
              for: 45s
          - any: [{agents: online}, can_email]
        then:
          - email: cart-reminder"""
    )
    verdict = rule.when.check(FACTS)
    assert [part.clause for part in verdict.parts] == [
        "on_page: {type: knowledge_base, for: 45s}",
        "any: [{agents: online}, can_email]",
    ]
    assert [part.clause for part in verdict.parts[1].verdict.parts] == ["agents: online", "can_email"]


def test_any_needs_one_and_all_needs_each() -> None:
    shopper = Shopper().opens("faq").finds_agents(1)
    assert check("any: [{on_page: returns}, {agents: online}]", shopper).met
    assert not check("all: [{on_page: returns}, {agents: online}]", shopper).met
    assert check("not: {all: [{on_page: returns}, {agents: online}]}", shopper).met


def test_pages_and_carts_outside_of_which_a_clause_cannot_hold_are_known() -> None:
    assert clause("any: [{on_page: faq}, {on_page: [returns, blog]}]").page_types == frozenset(
        {"faq", "returns", "blog"}
    )
    assert clause("any: [{on_page: faq}, {cart: filled}]").page_types is None
    assert clause("all: [{on_page: [faq, blog]}, {on_page: faq}]").page_types == frozenset({"faq"})
    assert clause("not: {on_page: faq}").page_types is None
    assert clause("any: [{cart_abandoned: 1h}, {cart: filled}]").needs_cart
    assert not clause("any: [{cart_abandoned: 1h}, {cart: empty}]").needs_cart
    assert not clause("not: {cart: filled}").needs_cart
