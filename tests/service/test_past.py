"""``shopbell why --at``: of any moment that is over it says what was said then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from engine import explain, identify
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, from_datetime, to_iso
from engine.errors import InvalidMoment
from engine.explain import VisitorView
from engine.past import moment_of, why_then
from engine.pipeline import group
from engine.rules.model import RuleSet
from engine.store import rule_sets, suppress, timers
from engine.store.rule_sets import RULE_CHANGES, RULE_SETS
from engine.store.unit import DELIVERIES, EVENTS, VISITORS
from tests.builders import (
    KB,
    LEFT,
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
)

LATER = """
name: later
when:
  - cart_abandoned: 30m
then:
  - wait: 1h
  - email: cart-reminder
until: [ordered]
"""
MANNED = """
name: manned
when:
  - on_page: {type: knowledge_base, for: 20s}
  - agents: online
then:
  - invite: Hello
"""
TWO = """
name: two
when:
  - cart_abandoned: 2m
then:
  - invite: Two?
once_per: cart
"""
SEARCHED = """
name: searched
when:
  - happened: {event: searched, where: {results: 0}, at_least: 2, within: 1h}
then:
  - invite: Shall I look?
once_per: 2h
"""
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
until: [ordered, unsubscribed]
"""
QUIET = """
name: quiet
when:
  - not: {happened: {event: chat_started, within: 1d}}
  - cart: filled
then:
  - wait: 5m
  - invite: There?
"""
POOL = (
    STUCK,
    with_lines(named(STUCK, "first"), "priority: 9"),
    with_lines(named(STUCK, "often"), "once_per: 10m", "limits: {messages: 2 per 1d}"),
    with_lines(named(STUCK, "silent"), "shadow: true"),
    with_lines(named(STUCK, "half"), "holdout: 50%", "once_per: page"),
    LEFT,
    with_lines(named(LEFT, "off"), "off: true"),
    with_lines(named(LEFT, "prompt"), "late: {at_most: 10m, then: skip}", "once_per: visitor"),
    with_lines(SEQUENCE, "priority: 1"),
    LATER,
    MANNED,
    TWO,
    SEARCHED,
    SURPRISE,
    QUIET,
)
HEADS = (
    "limits: {emails: 2 per 24h, invitations: 1 per session}",
    "shop: {time_zone: Europe/Amsterdam, quiet_hours: 21:00-08:00}\nlimits: {messages: 3 per 7d}",
)
_rules = st.builds(
    lambda texts, head: rule_set(*texts, head=head),
    st.lists(st.sampled_from(POOL), min_size=2, max_size=6, unique=True),
    st.sampled_from(HEADS),
)
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


Act = Callable[[Watched, str], object]


def does(kind: str, **fields: object) -> Act:
    return lambda shop, visitor: shop.premises.post(kind, visitor, ago=0, **fields)


def is_told(kind: str, **fields: object) -> Act:
    """By the shop's server."""
    return lambda shop, visitor: shop.premises.hear(kind, visitor, ago=0, **fields)


def tells_agents(count: int) -> Act:
    """And as many are free, less those for whom an invitation is out."""
    return lambda shop, _: shop.premises.hear("agents_changed", "", agents={"online": count, "free": count})


def follows_a_link(shop: Watched, visitor: str) -> None:
    """Of the mail that was planned last, whoever it was meant for: they read it in this browser."""
    mails = shop.premises.rows(DELIVERIES, kind="email")
    if mails:
        shop.premises.hear("email_clicked", visitor, ago=0, message=str(mails[-1].id))


def answers(kind: str) -> Act:
    """The invitation that the visitor was sent last, if there is one."""

    def answer(shop: Watched, visitor: str) -> None:
        sent = shop.premises.rows(DELIVERIES, visitor=visitor, kind="invite")
        if sent:
            shop.premises.post(kind, visitor, ago=0, message=str(sent[-1].id))

    return answer


REF = "shop:checkout:abcdefgh01234567"
"""By what the shop's platform knows a checkout."""


def a_platform_tells_of_a_cart(shop: Watched, _: str) -> None:
    """Of a checkout that is nobody's until a browser names it."""
    told = shop.premises.accept("cart_updated", "v0", ago=0, trusted=True, cart=cart(line(), cart_id="p1"), refs=[REF])
    shop.premises.submit(replace(told, event=msgspec.structs.replace(told.event, visitor="")))


def unsubscribes(shop: Watched, visitor: str) -> None:
    """By the link in a mail they were to get."""
    mails = shop.premises.rows(DELIVERIES, visitor=visitor, kind="email")
    seen = shop.premises.visitor(visitor) if mails else None
    if seen is not None and seen.person is not None and mails[-1].person == seen.person:
        hashed = identify.hash_of("main", shop.premises.person_of(visitor).email)
        suppress.suppress(shop.premises.engine, "main", seen.person, hashed, "unsubscribed", str(mails[-1].id))


_EMAILS = ("anna@shopper.example", "bert@shopper.example")
_acts: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from([HELP, SHOP]).map(lambda page: does("page_viewed", page=page)),
    st.integers(1, 120).map(lambda s: does("checked_in", page=HELP, engaged_ms=s * SECOND)),
    st.sampled_from(["page_hidden", "page_shown", "checkout_started", "chat_started", "chat_ended"]).map(does),
    st.integers(0, 1).map(lambda found: does("searched", results=found)),
    st.tuples(st.integers(0, 2), st.sampled_from(["c1", "c2"])).map(
        lambda told: does("cart_updated", cart=cart(*([line(quantity=told[0])] if told[0] else []), cart_id=told[1]))
    ),
    st.sampled_from(["2.00", "6.95"]).map(lambda p: does("shipping_shown", shipping={"price": p, "currency": "EUR"})),
    st.tuples(st.integers(1, 3), st.booleans(), st.sampled_from([None, *_EMAILS])).map(
        lambda told: (is_told if told[1] else does)(
            "order_placed",
            order={"id": f"o{told[0]}", "cart_id": "c1"} | ({"email": told[2]} if told[2] else {}),
        )
    ),
    st.tuples(st.sampled_from(_EMAILS), st.booleans()).map(
        lambda told: (is_told if told[1] else does)(
            "contact_given", email=told[0], consent={"email": True, "text": "Yes"}
        )
    ),
    st.booleans().map(lambda yes: does("consent_changed", consent={"email": yes})),
    st.integers(0, 1).map(tells_agents),
    st.sampled_from(["message_accepted", "message_dismissed"]).map(answers),
    st.sampled_from([unsubscribes, follows_a_link, a_platform_tells_of_a_cart, does("checkout_started", refs=[REF])]),
)
_pauses = st.sampled_from([SECOND, 20 * SECOND, 50 * SECOND, 3 * MINUTE, 40 * MINUTE, 90 * MINUTE, DAY])
_late = st.sampled_from([0, 0, 700, 5 * MINUTE, 2 * HOUR])
_steps = st.tuples(_pauses, _late, st.sampled_from(["v1", "v2", "v3"]), _acts)


@settings(max_examples=40)
@given(rules=_rules, steps=st.lists(_steps, min_size=1, max_size=14))
def test_of_every_past_moment_why_says_what_it_said_then(
    rules: RuleSet, steps: list[tuple[Millis, Millis, str, Act]]
) -> None:
    with watched(rules) as shop:
        for pause, late, visitor, act in steps:
            shop.pass_time(pause, late)
            shop.hands.now += 1  # of two things in one moment only what came of both can be told
            act(shop, visitor)
            shop.ask()
        shop.pass_time(2 * DAY, 0)
        agrees(shop)


def test_that_property_is_about_something() -> None:
    """One of those walks, in which rules are in every state there is."""
    rules = rule_set(STUCK, LEFT, MANNED, TWO, QUIET, with_lines(SEQUENCE, "priority: 1"), head=HEADS[0])
    with watched(rules) as shop:
        walk: list[tuple[Millis, Act]] = [
            (SECOND, does("page_viewed", page=HELP)),
            (50 * SECOND, does("checked_in", page=HELP, engaged_ms=50 * SECOND)),
            (MINUTE, does("contact_given", email=_EMAILS[0], consent={"email": True, "text": "Yes"})),
            (MINUTE, does("cart_updated", cart=cart(line()))),
            (20 * MINUTE, does("page_viewed", page=SHOP)),
            (3 * DAY, does("order_placed", order={"id": "o1", "cart_id": "c1"})),
        ]
        for pause, act in walk:
            shop.pass_time(pause, 300)
            shop.hands.now += 1
            act(shop, "v1")
            shop.ask()
        agrees(shop)
        states = {rule.state for _, _, view in shop.said for rule in view.rules}
        assert states == {"fired", "running", "held", "met", "not_met", "not_yet"}


# --- what was otherwise then ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(database_url: str) -> Iterator[Watched]:
    """A shop that invites whoever reads for 45 seconds, and tags them after 20; v1 has been reading for 30."""
    with watched(rule_set(STUCK, MANNED.replace("invite: Hello", "tag: reader")), database_url) as opened:
        opened.premises.post("page_viewed", page=HELP)
        opened.premises.later(30 * SECOND).post("checked_in", page=HELP, engaged_ms=30 * SECOND)
        yield opened


def told(shop: Watched, ago: Millis = 0, visitor: str = "v1") -> VisitorView:
    found = why_then(shop.premises.engine, shop.premises.shop, visitor, shop.hands.now - ago)
    assert found is not None
    return found


def states(view: VisitorView) -> dict[str, str]:
    return {rule.name: rule.state for rule in view.rules}


def test_the_moment_before_a_rule_fired_it_was_not_yet_time(shop: Watched) -> None:
    shop.premises.later(20 * SECOND).post("checked_in", page=HELP, engaged_ms=50 * SECOND)
    assert states(told(shop)) == {"stuck": "fired", "manned": "fired"}
    before = told(shop, ago=SECOND)
    assert (states(before)["stuck"], before.rules[0].clauses[0].seen) == ("not_yet", "30 s")
    assert [row["rule"] for row in before.history] == ["manned"]
    assert before.past


def test_a_decision_tells_what_its_clauses_saw(shop: Watched) -> None:
    (decided,) = told(shop).history
    assert [(clause.verdict, clause.seen) for clause in decided["clauses"]] == [("met", "30 s"), ("met", "1 online")]


def test_a_moment_is_judged_by_the_rules_that_were_live_then(shop: Watched) -> None:
    shop.hands.now += MINUTE
    shop.live_by(rule_set(named(STUCK, "renamed").replace("45s", "2m")))
    shop.hands.now += MINUTE
    assert states(told(shop)) == {"renamed": "not_yet"}
    assert states(told(shop, ago=90 * SECOND)) == {"stuck": "not_yet", "manned": "fired"}


def test_agents_are_there_as_they_were_then(shop: Watched) -> None:
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 0})
    shop.premises.later(MINUTE).post("page_viewed", "v2", page=HELP)
    shop.premises.later(30 * SECOND).post("checked_in", "v2", page=HELP, engaged_ms=30 * SECOND)
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 2})
    seen = [rule.clauses[1].seen for rule in told(shop, visitor="v2").rules if rule.name == "manned"]
    then = [rule.clauses[1].seen for rule in told(shop, MINUTE + SECOND, "v2").rules if rule.name == "manned"]
    assert (seen, then) == (["2 online"], ["0 online"])


def test_nobody_was_there_before_they_came(shop: Watched) -> None:
    assert why_then(shop.premises.engine, shop.premises.shop, "v1", shop.hands.now - HOUR) is None
    assert why_then(shop.premises.engine, shop.premises.shop, "nobody", shop.hands.now) is None


# --- what is not known any more ---------------------------------------------------------------------------------------


def test_of_whoever_was_forgotten_only_decisions_are_left(shop: Watched) -> None:
    shop.hands.now += 100 * DAY
    timers.forget_visitors(shop.premises.engine, 90 * DAY)
    view = told(shop)
    assert (view.rules, [row["rule"] for row in view.history]) == ([], ["manned"])
    assert view.unknown == ["what v1 did up to then is not stored any more, only what was decided"]


def test_a_forgotten_device_of_the_same_person_is_named(shop: Watched) -> None:
    shop.premises.gives_address("v1")
    shop.premises.gives_address("v2")
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.visitor == "v2"))
        connection.execute(delete(VISITORS).where(VISITORS.c.id == "v2"))
    assert told(shop).unknown == ["what this person did as v2 is not stored any more"]


def test_agents_that_were_told_of_too_long_ago_are_not_known(shop: Watched) -> None:
    shop.premises.later(MINUTE).hear("agents_changed", agents={"online": 0})
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.visitor == ""))
    assert "how many agents were there was not told by then, or is not stored any more" in told(shop, SECOND).unknown
    assert states(told(shop, SECOND))["manned"] == "unknown"
    assert "how many agents" not in " ".join(told(shop).unknown)


def test_rules_of_before_they_were_noted_are_not_known(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        connection.execute(update(RULE_CHANGES).values(at=shop.hands.now - SECOND))
    assert told(shop).unknown == []
    assert told(shop, 2 * SECOND).unknown == [
        "which rules were live then is not stored; those that came next are asked instead"
    ]


def test_rules_that_cannot_be_read_any_more_are_not_guessed(shop: Watched) -> None:
    shop.hands.now += MINUTE
    now = rule_set(named(STUCK, "renamed"))
    shop.live_by(now)
    with shop.premises.engine.begin() as connection:
        old = RULE_SETS.c.hash != now.hash
        connection.execute(update(RULE_SETS).where(old).values(source="rules: [{name: of-long-ago, when: [gone]}]"))
    view = told(shop, SECOND)
    assert states(view) == {"renamed": "not_yet"}
    assert view.unknown[0].startswith("the rules that were live then cannot be read by this version")


def test_a_past_that_does_not_lead_to_what_was_decided_says_so(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.type == "checked_in"))
    view = told(shop)
    assert [row["rule"] for row in view.history] == ["manned"]
    assert view.unknown == [
        "what is stored leads to other decisions than were taken (1 fewer, 0 more); those told here were taken"
    ]


def test_an_event_that_cannot_be_read_any_more_is_counted(shop: Watched) -> None:
    with shop.premises.engine.begin() as connection:
        broken = '{"type": "page_viewed", "page": {"url": 7}}'
        connection.execute(update(EVENTS).where(EVENTS.c.type == "page_viewed").values(body=broken))
    assert "1 stored event cannot be read by this version and is left out" in told(shop).unknown


def test_what_broke_something_then_changes_nothing_now(shop: Watched) -> None:
    """As it was then: the event was kept, and the visitor stayed as they were."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(group, "apply", _breaks)
        shop.premises.later(20 * SECOND).post("checked_in", page=HELP, engaged_ms=50 * SECOND)
    shop.premises.later(SECOND).post("page_hidden")
    shop.ask()
    agrees(shop)
    assert states(told(shop))["stuck"] != "fired"


def _breaks(*_: object, **__: object) -> None:
    raise ZeroDivisionError


# --- which moment is meant --------------------------------------------------------------------------------------------

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = from_datetime(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-20T14:03", "2026-11-20T13:03:00.000Z"),
        ("2026-11-20 14:03:05", "2026-11-20T13:03:05.000Z"),
        ("2026-11-20T14:03Z", "2026-11-20T14:03:00.000Z"),
        ("2026-11-20T14:03-05:00", "2026-11-20T19:03:00.000Z"),
        ("2026-07-01T14:03", "2026-07-01T12:03:00.000Z"),
        ("2026-11-20", "2026-11-19T23:00:00.000Z"),
        ("5m ago", "2026-11-21T11:55:00.000Z"),
        ("1d", "2026-11-20T12:00:00.000Z"),
    ],
)
def test_a_moment_is_meant_on_the_shop_s_clock(text: str, meant: str) -> None:
    assert to_iso(moment_of(text, AMSTERDAM, NOW)) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "'yesterday' is no moment; write 2026-11-20T14:03, or 5m ago"),
        ("14:03", "'14:03' is no moment; write 2026-11-20T14:03, or 5m ago"),
        ("2026-12-01T09:00", "2026-12-01 09:00:00+01:00 (Europe/Amsterdam) is still to come"),
    ],
)
def test_what_is_no_moment_of_the_past_is_one_plain_sentence(text: str, told: str) -> None:
    with pytest.raises(InvalidMoment) as refused:
        moment_of(text, AMSTERDAM, NOW)
    assert refused.value.message == told
