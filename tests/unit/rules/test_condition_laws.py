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
from engine.rules.verdicts import Asks, State
from engine.visitors import Visitor, Watch, Watches
from tests.unit.rules.shoppers import Shopper, check, clause

EXAMPLES = [line.removeprefix("- ") for cls in CONDITIONS.values() for line in example(cls).splitlines()]
WINDOWS = [
    "happened: {event: product_viewed, within: 1h}",
    "happened: {event: product_viewed, at_least: 2, within: 20m}",
    "happened: {event: video_played, sum: length, at_least: 20, within: 50m}",
    "happened: {event: product_viewed, distinct: product.sku, at_least: 2, within: 2h}",
    "any: [{happened: {event: product_viewed, within: 1h}}, {invited: {within: 1d}}, {office_hours: open}]",
    "all: [{happened: {event: page_viewed, within: 1h}}, {not: {happened: {event: product_viewed, within: 20m}}}]",
    'not: {any: [{on_page: [faq, product]}, {not: {visits: {count: "<= 2", within: 7d}}}]}',
    'visits: {count: "<= 1", within: 1h}',
    'orders: {count: "< 1", since: 1d}',
    'days_since_visit: "2..4"',
    "ordered: {ago: 1h, within: 1d}",
    "local_time: {between: 22:00-06:00, clock: shop}",
]
"""What else time alone changes."""
ASKED = {text: clause(text) for text in [*EXAMPLES, *WINDOWS]}
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
    if first.met:
        assert opposite.check(facts).state in (State.NOT_MET, State.NOT_YET)
    else:
        assert opposite.check(facts).state is {State.UNKNOWN: State.UNKNOWN}.get(first.state, State.MET)
    for combined in (both, either, opposite):
        assert combined.check(facts).state is combined.holds(facts).state


def _item(text: str) -> str:
    return f"{{{text}}}" if ":" in text else text


# --- what time alone changes ------------------------------------------------------------------------------------------

EVERY_MINUTE = [
    *(minute * MINUTE for minute in range(1, 100)),
    *(hour * HOUR for hour in range(2, 49)),
    *(day * DAY for day in range(3, 40)),
]
"""After how long somebody asks who does not trust what was promised."""


@settings(max_examples=300, deadline=None)
@given(Someone, st.sampled_from(sorted(ASKED)))
def test_whoever_asks_every_minute_learns_nothing_sooner(shopper: Shopper, text: str) -> None:
    """Neither of the condition nor of its opposite: where time alone brings the yes, its moment is known before."""
    facts = shopper.facts()
    for asked in (ASKED[text], clause(f"not: {_item(text)}")):
        verdict = asked.check(facts)
        if verdict.met or verdict.asks is not Asks.CLOCK or verdict.state is State.UNKNOWN:
            continue
        met_after = next((ms for ms in EVERY_MINUTE if asked.check(shopper.facts(after=ms)).met), None)
        if met_after is not None:
            assert verdict.at is not None, "nobody would have looked again"
            assert verdict.at <= facts.now + met_after
        if verdict.at is not None and verdict.at - facts.now <= EVERY_MINUTE[-1]:
            then = asked.check(shopper.facts(after=verdict.at - facts.now))
            assert then.met or then.state is State.NOT_YET


def test_not_is_looked_at_again_when_the_window_closes() -> None:
    shopper = Shopper().opens("product").tells("product_viewed", product={"sku": "A"})
    asked = clause("not: {happened: {event: product_viewed, within: 1h}}")
    verdict = asked.check(shopper.facts(after=10 * MINUTE))
    assert (verdict.state, verdict.at, verdict.asks) == (State.NOT_YET, shopper.at + HOUR, Asks.CLOCK)
    assert asked.check(shopper.facts(after=HOUR)).met
    assert not asked.check(shopper.facts(after=HOUR - 1)).met


def test_who_left_for_good_is_met_by_the_days_since_their_visit() -> None:
    shopper = Shopper().opens("product")
    verdict = check('days_since_visit: ">= 30"', shopper)
    assert (verdict.state, verdict.at) == (State.NOT_YET, shopper.at + 30 * DAY)


def test_few_visits_lately_may_be_met_by_waiting() -> None:
    shopper = Shopper().opens("product").later(HOUR).opens("product")
    verdict = check('visits: {count: "<= 1", within: 7d}', shopper)
    assert (verdict.state, verdict.at) == (State.NOT_YET, shopper.at - HOUR + 7 * DAY + 1)


@thorough
@given(Someone)
def test_state_survives_its_own_row(shopper: Shopper) -> None:
    encoded = msgspec.msgpack.encode(shopper.visitor)
    assert msgspec.msgpack.decode(encoded, type=Visitor) == shopper.visitor


@pytest.mark.parametrize("condition", [ASKED[text] for text in EXAMPLES], ids=EXAMPLES)
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
