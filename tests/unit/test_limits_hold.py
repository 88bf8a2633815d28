"""Properties of the guards: whatever happens, limits hold, draws are fair and stick, and one voice speaks at a time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.decisions import Outcome
from engine.messages import BY_MAIL, ON_PAGE
from engine.rules.guards import in_holdout
from engine.rules.shop import Limit
from tests.builders import KB, LEFT, STUCK, Visit, line, named, rule_set, with_lines

LIMITS = st.builds(Limit, st.integers(1, 4), st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY]))
MOMENTS = st.lists(
    st.tuples(st.sampled_from(["read", "fill", "empty", "order", "dismiss", "show", "wait"]), st.integers(1, 600)),
    max_size=25,
)
NUDGE = "name: nudge\nwhen: [cart: filled]\nthen: [nudge: 'Nearly there']\nonce_per: 5m"


def live(visit: Visit, moments: list[tuple[str, int]]) -> list[tuple[Millis, str]]:
    """(when, kind) of every message that was decided."""
    sent: list[tuple[Millis, str]] = []
    seen: set[str] = set()

    def note() -> None:
        fresh = [planned for planned in visit.last.planned if planned.id not in seen]
        seen.update(planned.id for planned in fresh)
        sent.extend((visit.now, planned.kind) for planned in fresh)
        kinds = [planned.kind for planned in fresh]
        assert sum(kind in ON_PAGE for kind in kinds) <= 1, "one voice at a time on the page"
        assert sum(kind in BY_MAIL for kind in kinds) <= 1, "one mail at a time"
        assert len(visit.visitor.offers) <= 1, "a page is never handed two"

    for number, (what, minutes) in enumerate(moments):
        visit.later(minutes * MINUTE)
        if visit.due_at is not None and visit.due_at <= visit.now:
            visit.is_looked_at()
            note()
        if what == "read":
            visit.reads(45 * SECOND, f"{KB}/{number}")
        elif what == "fill":
            visit.fills_cart(line(quantity=number + 1), cart_id=f"c{number}")
        elif what == "empty":
            visit.empties_cart()
        elif what == "order":
            visit.orders(f"o{number}")
        elif visit.visitor.offers and what in ("show", "dismiss"):
            kind = "message_shown" if what == "show" else "message_dismissed"
            visit.does(kind, message=visit.visitor.offers[0].id)
        else:
            visit.is_looked_at()
        note()
    return sent


def most_within(times: list[Millis], window: Millis) -> int:
    """How many at most lie within any stretch of that length."""
    return max((sum(start <= at < start + window for at in times) for start in times), default=0)


@settings(max_examples=150, deadline=None)
@given(invitations=LIMITS, emails=LIMITS, everything=LIMITS, moments=MOMENTS)
def test_no_window_ever_holds_more_than_its_limit(
    invitations: Limit, emails: Limit, everything: Limit, moments: list[tuple[str, int]]
) -> None:
    def said(limit: Limit) -> str:
        return f"{limit.count} per {(limit.window_ms or 0) // HOUR}h"

    head = (
        f"limits: {{invitations: {said(invitations)}, emails: {said(emails)}, messages: {said(everything)}, "
        "nudges: 1000 per 1d}"
    )
    rules = rule_set(
        with_lines(STUCK, "once_per: page"), with_lines(named(STUCK, "two"), "once_per: page"), LEFT, NUDGE, head=head
    )
    sent = live(Visit(rules).may_be_mailed(), moments)
    for kinds, limit in (
        ({"invite"}, invitations),
        (BY_MAIL, emails),
        ({"invite", "nudge", "email"}, everything),
    ):
        assert limit.window_ms is not None
        assert most_within([at for at, kind in sent if kind in kinds], limit.window_ms) <= limit.count


@settings(max_examples=150, deadline=None)
@given(moments=MOMENTS, priorities=st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_never_two_voices_at_the_same_instant(moments: list[tuple[str, int]], priorities: list[int]) -> None:
    rules = [with_lines(named(STUCK, f"r{n}"), "once_per: page", f"priority: {p}") for n, p in enumerate(priorities)]
    mails = [named(LEFT, "left-one"), named(LEFT, "left-two")]
    sent = live(Visit(rule_set(*rules, *mails, NUDGE)).may_be_mailed(), moments)
    by_mail = Counter(at for at, kind in sent if kind in BY_MAIL)
    assert max(by_mail.values(), default=0) <= 1


@settings(max_examples=20, deadline=None)
@given(percent=st.integers(5, 95), salt=st.text("abcdef", min_size=1, max_size=6))
def test_draws_come_to_their_share_and_never_change(percent: int, salt: str) -> None:
    rule = f"""
name: drawn-{salt}
when: [on_page: faq]
holdout: {percent}%
variants:
  a: {{share: {percent}%, then: [stop]}}
  b: {{share: {100 - percent}%, then: [stop]}}
"""
    rules = rule_set(rule)
    visits = [Visit(rules, name=f"{salt}-{number}") for number in range(800)]
    held = [in_holdout(rules.rules[0], visit.facts) for visit in visits]
    drawn = [rules.rules[0].variant_of(visit.name) for visit in visits]
    assert abs(sum(held) / len(held) - percent / 100) < 0.08
    assert abs(drawn.count("a") / len(drawn) - percent / 100) < 0.08
    # Whoever is held out is no kind of variant: the two are drawn apart.
    both = sum(h and d == "a" for h, d in zip(held, drawn, strict=True)) / len(drawn)
    assert abs(both - (percent / 100) ** 2) < 0.08
    assert drawn == [rules.rules[0].variant_of(visit.name) for visit in visits]


def test_more_than_anybody_can_remember_is_not_sent_either() -> None:
    rules = rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 1000 per 7d}")
    reader = Visit(rules)
    for number in range(60):
        reader.later(15 * MINUTE).reads(45 * SECOND, f"{KB}/{number}")
    fired = [decision for decision in reader.decisions if decision.outcome is Outcome.FIRED]
    assert len(fired) == 40
