"""What holds for every condition, whoever comes by and whatever happened to them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.events import CANONICAL_TYPES
from engine.people import Person
from engine.rules.conditions.base import CONDITIONS, BaseCondition
from engine.rules.facts import Presence
from engine.rules.schema import example
from engine.rules.shop import DailyHours, Shop, WeeklyHours
from engine.rules.verdicts import Asks, State, Verdict
from engine.visitors import Visitor, Watch, Watches
from tests.unit.rules.shoppers import Shopper, clause

EXAMPLES = [line.removeprefix("- ") for cls in CONDITIONS.values() for line in example(cls).splitlines()]
ASKED = {text: clause(text) for text in EXAMPLES}
SHOP = Shop(
    time_zone="Europe/Amsterdam",
    free_shipping_from=5000,
    office_hours=WeeklyHours(((DailyHours(540, 1260),),) * 5 + ((), ())),
)


def _watches() -> Watches:
    found: dict[str, list[Watch]] = {}
    for condition in ASKED.values():
        for watch in condition.watches:
            found.setdefault(watch.event, []).append(watch)
    return found


WATCHES = _watches()
PRODUCT = st.fixed_dictionaries(
    {"sku": st.sampled_from("AB")}, optional={"price": st.integers(0, 90), "stock": st.integers(-1, 9)}
)
LINES = st.lists(
    st.fixed_dictionaries({"sku": st.sampled_from("AB"), "quantity": st.integers(0, 3), "price": st.integers(0, 90)}),
    max_size=2,
)
CART = st.fixed_dictionaries(
    {"lines": LINES},
    optional={
        "id": st.sampled_from(["c1", "c2"]),
        "currency": st.sampled_from(["EUR", "GBP"]),
        "shipping_estimate": st.integers(0, 9),
        "total": st.integers(0, 200),
    },
)
ORDER = st.fixed_dictionaries(
    {"id": st.sampled_from("12")},
    optional={"cart_id": st.just("c1"), "paid": st.booleans(), "total": st.integers(0, 99)},
)
FIELDS = st.fixed_dictionaries(
    {
        "product": PRODUCT,
        "cart": CART,
        "order": ORDER,
        "page": st.fixed_dictionaries(
            {"url": st.sampled_from(["https://s.example/help/a?gclid=1", "/inkt/b", "[", ""])}
        ),
        "shipping": st.fixed_dictionaries({"price": st.integers(0, 20)}, optional={"days": st.integers(0, 9)}),
        "consent": st.just({"email": True}),
        "message": st.sampled_from(["dec_1.0", "dec_2.0"]),
        "agents": st.just({"online": 1}),
    },
    optional={
        "engaged_ms": st.integers(0, 90_000),
        "results": st.integers(0, 2),
        "length": st.integers(0, 30),
        "depth": st.integers(0, 100),
        "step": st.sampled_from(["shipping", "payment", "login"]),
        "country": st.sampled_from(["NL", "US", "??"]),
        "time_zone": st.sampled_from(["Asia/Tokyo", "Nowhere"]),
        "device": st.sampled_from(["mobile", "desktop"]),
        "attributes": st.just({"plan": "pro"}),
        "loyalty": st.just({"points": 3}),
        "query": st.just("inkt"),
    },
)
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(sorted(CANONICAL_TYPES | {"video_played"})),
        st.sampled_from([0, SECOND, MINUTE, 31 * MINUTE, DAY]),
        FIELDS,
        st.booleans(),
        st.sampled_from(["product", "returns", "faq", "cart", "account"]),
    ),
    max_size=25,
)
Story = list[tuple[str, Millis, dict[str, object], bool, str]]


def lives_through(story: Story) -> Shopper:
    shopper = Shopper(shop=SHOP)
    shopper.watches = WATCHES
    for kind, later, fields, trusted, page_type in story:
        shopper.later(later).tells(kind, trusted=trusted, page_type=page_type, **fields)
    return shopper


thorough = settings(max_examples=60, deadline=None)
Someone = st.builds(lives_through, HAPPENINGS)


@thorough
@given(Someone, st.sampled_from([0, 10 * MINUTE, HOUR, 3 * DAY]), st.booleans(), st.booleans())
def test_every_condition_answers_about_anybody(shopper: Shopper, after: Millis, known: bool, house: bool) -> None:
    if known:
        shopper.person = Person("p1", email="sam@shopper.example", country="NL")
    if house:
        shopper.house.agents[""] = Presence(2, None, shopper.at, 1)
    facts = shopper.facts(after=after)
    for condition in ASKED.values():
        full, quick = condition.check(facts), condition.holds(facts)
        assert (full.state, full.at, full.asks) == (quick.state, quick.at, quick.asks)
        assert (full.at is not None) is (full.state is State.NOT_YET) or full.parts
        assert full.at is None or full.at > facts.now
        msgspec.json.encode(full, enc_hook=str)


@thorough
@given(Someone)
def test_time_alone_keeps_the_promise_of_not_yet(shopper: Shopper) -> None:
    """Whatever the clock alone will answer is met at the promised moment, when nothing happens until then."""
    facts = shopper.facts()
    for text, condition in ASKED.items():
        verdict = condition.check(facts)
        if verdict.state is State.NOT_YET and verdict.asks is Asks.CLOCK and verdict.at is not None:
            then = condition.check(shopper.facts(after=verdict.at - facts.now))
            assert then.state in (State.MET, State.NOT_YET), text
            assert then.met or (then.at or 0) > verdict.at, text


@thorough
@given(Someone, st.sampled_from(EXAMPLES), st.sampled_from(EXAMPLES))
def test_together_they_follow_the_laws(shopper: Shopper, one: str, other: str) -> None:
    facts = shopper.facts()
    first, second = ASKED[one].check(facts), ASKED[other].check(facts)
    both, either, opposite = (
        clause(f"all: [{_item(one)}, {_item(other)}]"),
        clause(f"any: [{_item(one)}, {_item(other)}]"),
        clause(f"not: {_item(one)}"),
    )
    assert both.check(facts).met is (first.met and second.met)
    assert either.check(facts).met is (first.met or second.met)
    assert opposite.check(facts).state is _opposite(first)
    for combined in (both, either, opposite):
        assert combined.check(facts).state is combined.holds(facts).state


def _item(text: str) -> str:
    return f"{{{text}}}" if ":" in text else text


def _opposite(verdict: Verdict) -> State:
    return {State.MET: State.NOT_MET, State.UNKNOWN: State.UNKNOWN}.get(verdict.state, State.MET)


@thorough
@given(Someone)
def test_state_survives_its_own_row(shopper: Shopper) -> None:
    encoded = msgspec.msgpack.encode(shopper.visitor)
    assert msgspec.msgpack.decode(encoded, type=Visitor) == shopper.visitor


@pytest.mark.parametrize("condition", ASKED.values(), ids=EXAMPLES)
def test_the_same_words_watch_for_the_same(condition: BaseCondition) -> None:
    again = clause(condition.clause)
    assert [watch.key for watch in condition.watches] == [watch.key for watch in again.watches]


def test_a_row_of_an_older_release_still_reads() -> None:
    old = msgspec.msgpack.encode(
        {
            "seen_at": 5,
            "session": {"number": 2, "started_at": 1, "pages": 3},
            "tabs": {"t1": {"url": "/a", "type": "faq", "opened_at": 1, "seen_at": 5}},
            "basket": {"id": "c1", "opened_at": 1, "progressed_at": 2},
            "contacts": [{"at": 1, "kind": "invite", "rule": "a"}],
        }
    )
    visitor = msgspec.msgpack.decode(old, type=Visitor)
    shopper = Shopper(shop=SHOP)
    shopper.visitor = visitor
    for condition in ASKED.values():
        assert condition.check(shopper.facts()).state in State
