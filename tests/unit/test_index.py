"""The index against its oracle: asking the candidates only decides exactly what asking every rule decides."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import MINUTE, SECOND
from engine.decisions import Ask, Result
from engine.rules.evaluate import evaluate
from engine.rules.model import Candidates, RuleSet
from tests.builders import Visit, line, rule_set

TYPES = ("knowledge_base", "faq", "product", "returns")

CLAUSES = st.one_of(
    st.builds(
        "on_page: {{type: {}, for: {}s, counting: {}}}".format,
        st.sampled_from(TYPES),
        st.integers(1, 90),
        st.sampled_from(["engaged", "engaged", "engaged", "visible", "elapsed"]),
    ),
    st.builds(
        "on_page: {{type: [{}, {}], for: {}s, across: {}}}".format,
        st.sampled_from(TYPES),
        st.sampled_from(TYPES),
        st.integers(1, 90),
        st.sampled_from(["page", "stretch", "session"]),
    ),
    st.sampled_from([f"on_page: {page_type}" for page_type in TYPES]),
    st.sampled_from(["agents: online", "agents: offline", "not: {agents: online}"]),
    st.sampled_from(["cart: {total: '>= 20'}", "cart: filled", "cart: empty", "cart_abandoned: 2m"]),
    st.builds(
        "any: [{{on_page: {{type: faq, for: {}s}}}}, {{cart: filled}}]".format,
        st.integers(1, 90),
    ),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    rules = []
    for number in range(draw(st.integers(1, 8))):
        clauses = draw(st.lists(CLAUSES, min_size=1, max_size=3))
        when = "\n".join(f"  - {clause}" for clause in clauses)
        priority = draw(st.integers(-2, 2))
        mails = draw(st.booleans())
        then = "email: cart-reminder" if mails else "invite: Can I help?"
        rules.append(f"name: rule-{number}\nwhen:\n{when}\nthen:\n  - {then}\npriority: {priority}")
    return rule_set(*rules)


@dataclass(frozen=True)
class EveryRule(RuleSet):
    """The linear evaluator: every rule is a candidate, everywhere."""

    def candidates(self, page_type: str | None, *, has_cart: bool) -> Candidates:
        return Candidates(timed=(), others=tuple(enumerate(self.rules)))


STEPS = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(TYPES)),
    st.tuples(st.just("engage"), st.integers(0, 100)),
    st.tuples(st.just("wait"), st.integers(0, 200)),
    st.tuples(st.just("hide"), st.just(0)),
    st.tuples(st.just("cart"), st.integers(0, 2)),
    st.tuples(st.just("agents"), st.integers(0, 1)),
)


def take(visit: Visit, step: tuple[str, object]) -> None:
    what, value = step
    if what == "open":
        visit.opens(f"https://shop.example/{value}", page={"url": f"https://shop.example/{value}", "type": value})
    elif what == "engage":
        assert isinstance(value, int)
        visit.later(value * SECOND).has_engaged(value * SECOND)
    elif what == "wait":
        assert isinstance(value, int)
        visit.later(value * SECOND)
    elif what == "hide":
        visit.does("page_hidden")
    elif what == "cart":
        assert isinstance(value, int)
        if value:
            visit.fills_cart(line(quantity=value))
        else:
            visit.empties_cart()
    else:
        assert isinstance(value, int)
        visit.finds_agents(value)


@settings(max_examples=300, deadline=None)
@given(rules=rule_sets(), steps=st.lists(STEPS, max_size=8))
def test_asking_the_candidates_decides_what_asking_every_rule_decides(
    rules: RuleSet, steps: list[tuple[str, object]]
) -> None:
    visit = Visit(rules).may_be_mailed()
    for step in steps:
        take(visit, step)
    linear = EveryRule(rules.shop, rules.rules, rules.hash)
    assert ask(rules, visit) == ask(linear, visit)


def ask(rules: RuleSet, visit: Visit) -> tuple[Result, bytes]:
    """What comes out, and what the visitor remembers of it."""
    apart = copy.deepcopy(visit)
    result = evaluate(rules, apart.facts)
    return result, msgspec.msgpack.encode(apart.visitor)


def test_with_a_hundred_rules_on_one_page_only_the_soonest_is_asked() -> None:
    rules = rule_set(
        *(
            f"name: r{n}\nwhen:\n  - on_page: {{type: faq, for: {n + 1}m}}\nthen:\n  - invite: Can I help?"
            for n in range(100)
        )
    )
    found = rules.candidates("faq", has_cart=False)
    assert [needed for needed, _, _ in found.timed] == [(n + 1) * MINUTE for n in range(100)]
    assert rules.candidates("home", has_cart=False) == Candidates(timed=(), others=())
    reader = Visit(rules).opens("https://shop.example/faq")
    assert reader.last.ask is not None
    assert reader.last.ask.at == reader.now + MINUTE


def test_a_page_that_asks_by_visible_time_is_not_put_off_by_a_reader_who_counts_too() -> None:
    rules = rule_set(
        *(
            f"name: {how}\nwhen:\n  - on_page: {{type: faq, for: 1s, counting: {how}}}\nthen:\n  - invite: Can I help?"
            for how in ("engaged", "visible")
        )
    )
    reader = Visit(rules).opens("https://shop.example/faq")
    assert reader.last.ask == Ask(reader.now + SECOND, engaged=False)
