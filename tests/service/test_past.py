"""``shopbell why --at``: of any moment that is over it says what was said then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import identify
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.rules.model import RuleSet
from engine.store import suppress
from engine.store.unit import DELIVERIES
from tests.builders import (
    LEFT,
    SEQUENCE,
    STUCK,
    cart,
    line,
    named,
    rule_set,
    with_lines,
)
from tests.service.watched import HELP, MANNED, SHOP, Watched, agrees, watched

LATER = """
name: later
when:
  - cart_abandoned: 30m
then:
  - wait: 1h
  - email: cart-reminder
until: [ordered]
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
