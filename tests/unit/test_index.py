"""The index against its oracle: asking the rules it finds decides exactly what asking every rule decides."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.rules import every_rule_of
from engine.clock import DAY, MINUTE, SECOND, Millis
from engine.decisions import Ask, Result
from engine.rules.conditions.base import CONDITIONS
from engine.rules.evaluate import evaluate
from engine.rules.index import MOST_COPIES, Found
from engine.rules.model import RuleSet
from engine.rules.needs import MOST_WAYS
from engine.rules.schema import example
from engine.rules.verdicts import Asks, State, Verdict
from tests.builders import Visit, cart, line, rule_set

HEAD = """
shop:
  languages: [nl, en]
  time_zone: Europe/Amsterdam
  free_shipping_from: 75.00
  office_hours: mon-fri 09:00-21:00
"""


# --- rules ------------------------------------------------------------------------------------------------------------

Clause = object
TYPES = st.sampled_from(["faq", "faq", "faq", "knowledge_base", "product", "returns", "cart"])
HAPPENINGS = st.sampled_from(
    ["product_viewed", "coupon_rejected", "searched", "page_viewed", "checked_in", "size_guide_opened"]
)
EXAMPLES: list[Clause] = [
    clause
    for cls in CONDITIONS.values()
    for clause in yaml.load(example(cls), Loader=yaml.BaseLoader)  # noqa: S506 - which makes nothing but text
]
"""Every condition as its documentation shows it, so that a new one is tested here from the day it is written."""


def one(word: str, **given: st.SearchStrategy[object]) -> st.SearchStrategy[Clause]:
    """``{word: {setting: value, …}}``"""
    return st.fixed_dictionaries({word: st.fixed_dictionaries(given)})


def main(word: str, value: st.SearchStrategy[object]) -> st.SearchStrategy[Clause]:
    return st.fixed_dictionaries({word: value})


def seconds(least: int, most: int) -> st.SearchStrategy[str]:
    return st.builds("{}s".format, st.integers(least, most))


def compared(least: int, most: int) -> st.SearchStrategy[str]:
    signs = st.sampled_from([">=", ">", "<", "<="])
    ends = st.tuples(st.integers(least, most), st.integers(least, most)).map(sorted)
    return st.builds("{} {}".format, signs, st.integers(least, most)) | ends.map(lambda pair: f"{pair[0]}..{pair[1]}")


ON_PAGE = st.one_of(
    one(
        "on_page",
        type=TYPES,
        for_=seconds(1, 40),
        counting=st.sampled_from(["engaged", "engaged", "visible", "elapsed"]),
    ),
    one(
        "on_page",
        type=st.lists(TYPES, min_size=1, max_size=2),
        for_=seconds(1, 40),
        across=st.sampled_from(["page", "stretch", "session"]),
    ),
    main("on_page", TYPES),
)
COUNTED = st.one_of(
    one("cart", total=compared(0, 80)),
    one("cart", items=compared(0, 4)),
    one("cart", total=compared(0, 80), contains=st.just({"category": ["INK", "paper"]})),
    one("happened", event=HAPPENINGS, at_least=st.integers(1, 4)),
    one("happened", event=HAPPENINGS, at_least=st.integers(1, 3), within=seconds(1, 900)),
    one("happened", event=HAPPENINGS, distinct=st.just("product.sku"), at_least=st.integers(1, 3)),
    main("visits", compared(0, 3)),
    main("pages_viewed", compared(0, 4)),
    main("search_failed", st.integers(1, 3)),
    main("typed_unsent", st.integers(1, 30)),
)
STATES: list[Clause] = [
    *({"agents": how} for how in ("online", "offline", "free")),
    *({"cart": how} for how in ("filled", "empty")),
    *(
        {"cart_abandoned": {"after": "2m", "at": at}}
        for at in ("browse", "cart", "checkout", "shipping", "payment", "unpaid_order")
    ),
    *({"returning": how} for how in (True, False)),
    *({"landing_page": how} for how in (["faq", "returns"], "product")),
    {"all": [{"cart": {"contains": {"sku": "ink-1"}}}, {"cart": {"contains": {"sku": ["INK-2", "x"]}}}]},
    {"cart_abandoned": "2m"},
    {"logged_in": True},
    {"tag": ["B2B", "staff"]},
    {"form_abandoned": ["contact", "returns"]},
    {"sequence": ["product_viewed", "cart_updated"]},
    "can_email",
]
PLAIN = st.one_of(ON_PAGE, COUNTED, st.sampled_from(STATES), st.sampled_from(EXAMPLES))
CLAUSES = st.recursive(
    PLAIN,
    lambda parts: st.one_of(
        main("any", st.lists(parts, min_size=1, max_size=3)),
        main("all", st.lists(parts, min_size=1, max_size=3)),
        main("not", parts),
    ),
    max_leaves=4,
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    rules = []
    for number in range(draw(st.integers(2, 8))):
        rule = {
            "name": f"rule-{number}",
            "when": draw(st.lists(CLAUSES, min_size=1, max_size=3)),
            "then": [draw(st.sampled_from([{"email": "cart-reminder"}, {"invite": "Can I help?"}]))],
            "priority": draw(st.integers(-2, 2)),
            "once_per": draw(st.sampled_from(["session", "session", "cart", "page", "visitor", "5m"])),
        }
        rules.append(json.dumps(rule).replace('"for_":', '"for":'))
    return rule_set(*rules, head=HEAD)


# --- visitors ---------------------------------------------------------------------------------------------------------


def product(sku: str, **more: object) -> dict[str, object]:
    return {"product": {"id": sku, "sku": sku, "category": "ink", "price": "20.00", "currency": "EUR"} | more}


ORDER = {"id": "o1", "cart_id": "c1", "total": "49.90", "currency": "EUR"}
FILLED = [line(quantity=1) | {"category": "ink"}, line("INK-2", 2, "9.95") | {"category": "Paper", "brand": "HP"}]
EVENTS: list[tuple[str, dict[str, object]]] = [
    ("page_hidden", {}),
    ("page_shown", {}),
    ("size_guide_opened", product("SKU-1")),
    ("product_viewed", product("SKU-1", stock=2)),
    ("product_viewed", product("SKU-2", stock=0)),
    ("stock_changed", product("SKU-2", stock=5)),
    ("price_changed", product("SKU-1", price="10.00")),
    ("searched", {"query": "retour ink", "results": 0}),
    ("searched", {"query": "ink", "results": 12}),
    ("cart_updated", {"cart": cart(line(quantity=1) | {"category": "ink"})}),
    ("cart_updated", {"cart": cart(*FILLED, shipping_estimate="0.00")}),
    ("cart_updated", {"cart": cart(line()) | {"currency": "USD"}}),
    ("cart_updated", {"cart": cart()}),
    ("cart_viewed", {}),
    ("checkout_started", {}),
    ("checkout_step_viewed", {"step": "shipping"}),
    ("checkout_step_completed", {"step": "shipping"}),
    ("shipping_shown", {"shipping": {"price": "6.95", "currency": "EUR"}}),
    ("payment_failed", {}),
    ("coupon_rejected", {"coupon": "NO"}),
    ("coupon_applied", {"coupon": "YES"}),
    ("order_placed", {"order": ORDER | {"paid": False}}),
    ("order_placed", {"order": ORDER}),
    ("order_paid", {"order": ORDER}),
    ("order_delivered", {"order": ORDER}),
    ("order_returned", {"order": ORDER}),
    ("text_typed", {"length": 25}),
    ("text_typed", {"length": 0}),
    ("form_abandoned", {"form": "contact"}),
    ("form_submitted", {"form": "contact"}),
    ("exit_intended", {"by": "mouse"}),
    ("scrolled", {"depth": 75}),
    ("identified", {"customer_id": "k1"}),
    ("logged_out", {}),
    ("chat_started", {}),
    ("chat_ended", {}),
    ("message_accepted", {"message": "m1"}),
    ("message_dismissed", {"message": "m1"}),
    ("loyalty_changed", {"loyalty": {"member": True, "tier": "Gold", "points": 600}}),
    ("shopper_told", {"country": "NL", "device": "mobile", "time_zone": "Europe/Amsterdam", "language": "nl-BE"}),
    ("shopper_told", {"tags": ["b2b"], "attributes": {"plan": "pro", "open_tickets": 2}}),
    ("shopper_told", {"country": "NO", "device": "desktop", "language": "en"}),
]
CHECKOUT: list[tuple[str, dict[str, object]]] = [
    ("cart_updated", {"cart": cart(*FILLED)}),
    ("coupon_rejected", {"coupon": "NO"}),
    ("checkout_started", {}),
    ("shipping_shown", {"shipping": {"price": "6.95", "currency": "EUR"}}),
    ("checkout_step_completed", {"step": "shipping"}),
    ("payment_failed", {}),
    ("payment_failed", {}),
]
"""What somebody does who wants to buy, and may stop anywhere."""
Step = tuple[str, object]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("open"), TYPES),
    st.tuples(st.just("engage"), st.integers(0, 100)),
    st.tuples(st.just("wait"), st.integers(0, 200) | st.sampled_from([1_800, 3_600, 86_400, 8 * 86_400])),
    st.tuples(st.just("agents"), st.integers(0, 1)),
    st.tuples(st.just("event"), st.integers(0, len(EVENTS) - 1)),
    st.tuples(st.just("event"), st.integers(0, len(EVENTS) - 1)),
    st.tuples(st.just("buy"), st.integers(1, len(CHECKOUT))),
    st.tuples(st.just("segments"), st.sampled_from(["big-spenders", "none"])),
    st.tuples(st.just("address"), st.none()),
)


def take(visit: Visit, step: Step) -> None:
    what, value = step
    if what == "open":
        url = f"https://shop.example/{value}?utm_source=newsletter&utm_campaign=winter-1&gclid=1"
        visit.opens(url, page={"url": url, "type": value, "referrer": "https://www.google.com/"})
    elif what == "event" and isinstance(value, int):
        visit.takes(visit.now_happens(*EVENTS[value])).is_looked_at()
    elif what == "buy" and isinstance(value, int):
        for kind, fields in CHECKOUT[:value]:
            visit.takes(visit.now_happens(kind, fields)).is_looked_at()
    elif what == "segments":
        visit.does("shopper_told", trusted=True, segments=[value])
    elif what == "address":
        visit.may_be_mailed()
    elif what == "agents" and isinstance(value, int):
        visit.finds_agents(value)
    elif isinstance(value, int):
        visit.later(value * SECOND)
        if what == "engage":
            visit.has_engaged(value * SECOND)


# --- the properties ---------------------------------------------------------------------------------------------------


def ask(rules: RuleSet, visit: Visit, due_at: Millis | None) -> tuple[Result, bytes]:
    """What comes out, and what is remembered of it."""
    visitor, person = copy.deepcopy(visit.visitor), copy.deepcopy(visit.person)
    result = evaluate(rules, replace(visit.facts, visitor=visitor, person=person), due_at=due_at)
    return result, msgspec.msgpack.encode([visitor, person])


@settings(max_examples=300, deadline=None)
@given(rules=rule_sets(), steps=st.lists(STEPS, min_size=4, max_size=14))
def test_asking_the_rules_it_finds_decides_what_asking_every_rule_decides(rules: RuleSet, steps: list[Step]) -> None:
    linear = every_rule_of(rules)
    visit = Visit(rules)
    for step in steps:
        take(visit, step)
        due_at = visit.due_at if step[0] == "wait" else None
        assert ask(rules, visit, due_at) == ask(linear, visit, due_at)


def has_nothing_to_say(verdict: Verdict) -> bool:
    """Neither met, nor met soon, nor a matter of the house, which may change any moment."""
    return verdict.state in (State.NOT_MET, State.UNKNOWN) and verdict.asks is not Asks.HOUSE


COUNTS: list[Clause] = [
    *({"cart": {"total": f">= {amount}"}} for amount in (20, 24, 25, 30, 45)),
    *({"cart": {"items": items}} for items in ("1", "2..3", "> 2")),
    *({"happened": {"event": event, "at_least": n}} for event in ("product_viewed", "page_viewed") for n in (1, 2, 5)),
    *({"happened": {"event": event, "within": "3m"}} for event in ("page_viewed", "searched", "checked_in")),
    *({word: n} for word in ("search_failed", "typed_unsent", "coupon_failed", "payment_failed") for n in (1, 2)),
    *({word: f">= {n}"} for word in ("visits", "pages_viewed") for n in (1, 2, 3)),
]
ALONE = rule_set(
    *(
        json.dumps({"name": f"rule-{number}", "when": [clause], "then": [{"invite": "Can I help?"}]})
        for number, clause in enumerate([*EXAMPLES, *STATES, *COUNTS])
    ),
    head=HEAD,
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, min_size=30, max_size=60))
def test_whatever_it_does_not_find_would_say_no(steps: list[Step]) -> None:
    visit = Visit(ALONE)
    for step in steps:
        take(visit, step)
        asked = found(ALONE, visit)
        silent = [rule for rule in ALONE.rules if rule.name not in asked]
        assert [
            rule.when.check(visit.facts) for rule in silent if not has_nothing_to_say(rule.when.check(visit.facts))
        ] == []


# --- what it finds ----------------------------------------------------------------------------------------------------


def found(rules: RuleSet, visit: Visit) -> set[str]:
    """The names of the rules that would be asked."""
    places = rules.index.find(visit.facts)
    waiting = [place for stack in places.patient for _, place in stack]
    return {rules.rules[place].name for place in (*places.at_once, *waiting)}


def when(name: str, clause: str) -> str:
    return f"name: {name}\nwhen:\n  - {clause}\nthen:\n  - invite: Can I help?"


def test_of_a_hundred_rules_on_one_page_only_the_soonest_is_asked() -> None:
    rules = rule_set(*(when(f"r{n}", f"on_page: {{type: faq, for: {n + 1}m}}") for n in range(100)))
    reader = Visit(rules).opens("https://shop.example/faq")
    assert rules.index.find(reader.facts) == Found([], [[((n + 1) * MINUTE, n) for n in range(100)]])
    assert reader.last.ask is not None
    assert reader.last.ask.at == reader.now + MINUTE
    assert found(rules, Visit(rules).opens("https://shop.example/")) == set()


def test_a_page_that_asks_by_visible_time_is_not_put_off_by_a_reader_who_counts_too() -> None:
    rules = rule_set(
        *(when(how, f"on_page: {{type: faq, for: 1s, counting: {how}}}") for how in ("engaged", "visible"))
    )
    reader = Visit(rules).opens("https://shop.example/faq")
    assert reader.last.ask == Ask(reader.now + SECOND, engaged=False)


def test_carts_are_found_by_what_they_come_to() -> None:
    rules = rule_set(*(when(f"from-{n}", f"cart: {{total: '>= {n}'}}") for n in (10, 20, 30, 40)))
    shopper = Visit(rules)
    assert found(rules, shopper) == set()
    assert found(rules, shopper.fills_cart(line(price="30.00"))) == {"from-10", "from-20", "from-30"}


def test_a_rule_with_two_ways_is_found_by_either() -> None:
    rules = rule_set(when("either", "any: [{on_page: faq}, {happened: {event: product_viewed, at_least: 2}}]"))
    shopper = Visit(rules).opens("https://shop.example/help").does("product_viewed", product={"sku": "SKU-1"})
    assert found(rules, shopper) == set()
    assert found(rules, shopper.does("product_viewed", product={"sku": "SKU-2"})) == {"either"}
    assert found(rules, Visit(rules).opens("https://shop.example/faq")) == {"either"}


def test_what_somebody_waits_for_by_the_clock_is_always_asked() -> None:
    rules = rule_set(when("left", "cart_abandoned: 1h"))
    assert found(rules, Visit(rules).fills_cart()) == {"left"}


def test_more_ways_and_more_copies_than_are_kept_only_make_a_rule_be_asked_more_often() -> None:
    many = ", ".join(f"{{happened: event_{n}}}" for n in range(MOST_WAYS + 1))
    tags = ", ".join(f"tag-{n}" for n in range(MOST_COPIES + 1))
    rules = rule_set(when("many", f"any: [{many}]"), when("tagged", f"tag: [{tags}]"))
    shopper = Visit(rules)
    assert found(rules, shopper) == {"many", "tagged"}
    assert found(rules, shopper.does("event_7")) == {"many", "tagged"}
    assert shopper.fired == ["many"]


def test_nobody_is_on_two_pages_at_once() -> None:
    rules = rule_set("name: never\nwhen:\n  - on_page: faq\n  - on_page: returns\nthen:\n  - invite: Can I help?")
    assert found(rules, Visit(rules).opens("https://shop.example/faq")) == set()
    assert rules.rules[0].page_types == frozenset()


def test_a_page_in_a_hidden_tab_and_one_left_long_ago_find_nobody() -> None:
    rules = rule_set(when("faq", "on_page: faq"))
    reader = Visit(rules).opens("https://shop.example/faq")
    assert found(rules, reader) == {"faq"}
    assert found(rules, reader.later(DAY)) == set()
    assert found(rules, Visit(rules).opens("https://shop.example/faq").does("page_hidden")) == set()
