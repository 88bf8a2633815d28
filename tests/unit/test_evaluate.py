"""Rules asked at a moment: when they fire, once per what, step by step, and when they want to be asked again."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.decisions import Ask, Guard, Outcome
from engine.people import Basis, Person
from engine.rules.model import Rule
from engine.rules.verdicts import Verdict
from tests.builders import KB, LEFT, NOON, SEQUENCE, STUCK, SURPRISE, Visit, cart, line, named, rule_set, with_lines

FAQ = "https://shop.example/faq/"
NEEDS_AGENTS = """
name: stuck
when:
  - on_page: {type: knowledge_base, for: 45s}
  - agents: online
then:
  - invite: Can I help?
"""


# --- forty-five seconds on the knowledge base -------------------------------------------------------------------------


def test_forty_five_engaged_seconds_bring_an_invitation_and_not_one_less() -> None:
    reader = Visit(rule_set(STUCK)).reads(44_999)
    assert not reader.invited
    reader.later(1).has_engaged(45_000)
    assert reader.fired == ["stuck"]
    assert reader.invited


def test_the_seconds_add_up_over_pages_of_the_knowledge_base() -> None:
    reader = Visit(rule_set(STUCK)).reads(30 * SECOND, KB).reads(14 * SECOND, KB + "/2")
    assert not reader.invited
    reader.later(SECOND).has_engaged(15 * SECOND)
    assert reader.invited


def test_a_page_of_another_kind_in_between_begins_the_count_again() -> None:
    reader = Visit(rule_set(STUCK)).reads(40 * SECOND).opens(FAQ).reads(40 * SECOND)
    assert not reader.invited


def test_time_that_passes_without_a_report_does_not_count() -> None:
    reader = Visit(rule_set(STUCK)).opens().later(10 * MINUTE).is_looked_at()
    assert reader.fired == []


def test_a_reader_who_looks_away_does_not_count() -> None:
    reader = Visit(rule_set(STUCK)).reads(30 * SECOND).does("page_hidden", engaged_ms=30_000).later(2 * MINUTE)
    reader.does("page_shown").later(10 * SECOND).has_engaged(40_000)
    assert not reader.invited
    reader.later(5 * SECOND).has_engaged(45_000)
    assert reader.invited


def test_nobody_is_invited_on_a_page_that_is_hidden() -> None:
    reader = Visit(rule_set(STUCK)).opens().later(50 * SECOND).does("page_hidden", engaged_ms=50_000)
    assert not reader.invited


def test_a_late_report_of_the_page_before_does_not_count_for_this_one() -> None:
    reader = Visit(rule_set(STUCK)).opens(FAQ).later(MINUTE).opens(KB).later(SECOND)
    reader.does("checked_in", ago=2 * SECOND, page={"url": FAQ}, engaged_ms=60_000)
    assert not reader.invited


def test_the_page_is_told_when_to_ask_again_in_engaged_time() -> None:
    reader = Visit(rule_set(STUCK)).reads(20 * SECOND)
    assert reader.last.ask == Ask(reader.now + 25 * SECOND, engaged=True)
    assert reader.due_at is None, "only the page can say that somebody is still looking"


def test_a_rule_that_mails_asks_the_page_too_when_only_the_page_can_tell() -> None:
    mails = STUCK.replace("invite: Can I help?", "email: cart-reminder")
    assert Visit(rule_set(mails)).opens().last.ask == Ask(NOON + 45 * SECOND, engaged=True)


def test_a_page_that_no_rule_is_about_is_left_in_peace() -> None:
    assert Visit(rule_set(STUCK)).opens(FAQ).last.ask is None


# --- agents -----------------------------------------------------------------------------------------------------------


def test_with_nobody_at_the_desk_the_page_asks_again_until_somebody_is() -> None:
    reader = Visit(rule_set(NEEDS_AGENTS)).finds_agents(0).opens()
    assert reader.last.ask is not None, "somebody may come to the desk while the shopper reads"
    reader.later(45 * SECOND).has_engaged(45_000)
    assert not reader.invited
    assert reader.last.ask == Ask(reader.now + 15 * SECOND, engaged=True), "somebody who looks away needs no agent"
    reader.finds_agents(1).later(15 * SECOND).has_engaged(50_000)
    assert reader.invited


def test_a_rule_that_does_not_ask_for_agents_invites_nobody_to_an_empty_desk_either() -> None:
    reader = Visit(rule_set(STUCK)).finds_agents(0).reads(45 * SECOND)
    assert reader.silences == [("stuck", Guard.AGENTS)]
    assert reader.last.ask == Ask(reader.now + 15 * SECOND, engaged=True)
    assert reader.finds_agents(2).later(15 * SECOND).has_engaged(60_000).invited


def test_an_invitation_that_opens_no_chat_needs_no_agent() -> None:
    link = STUCK.replace("invite: Can I help?", "invite: {text: {en: Read this}, opens: link, href: /guide}")
    assert Visit(rule_set(link)).finds_agents(0).reads(45 * SECOND).invited


def test_all_busy_is_as_good_as_nobody_there() -> None:
    assert Visit(rule_set(STUCK)).finds_agents(3, free=0).reads(45 * SECOND).silences == [("stuck", Guard.AGENTS)]


@pytest.mark.parametrize("online", [0, 2])
def test_a_chat_tool_that_fell_silent_leaves_nobody_online_for_ever(online: int) -> None:
    reader = Visit(rule_set(STUCK)).finds_agents(online, until=NOON + 45 * SECOND).reads(45 * SECOND)
    assert reader.silences == [("stuck", Guard.AGENTS)]
    assert reader.finds_agents(2).later(15 * SECOND).has_engaged(60_000).invited


@pytest.mark.parametrize("clause", ["agents: online", "agents: offline", "not: {agents: online}"])
def test_as_long_as_nobody_told_about_agents_a_rule_that_asks_stays_silent(clause: str) -> None:
    rule = STUCK.replace("then:", f"  - {clause}\nthen:")
    assert Visit(rule_set(rule)).reads(45 * SECOND).fired == []


# --- several rules ----------------------------------------------------------------------------------------------------


def test_of_several_rules_met_at_once_the_most_important_speaks_and_the_others_say_why_not() -> None:
    rules = rule_set(
        named(STUCK, "first"),
        with_lines(named(STUCK, "most"), "priority: 5"),
        with_lines(named(STUCK, "last"), "priority: -5"),
    )
    reader = Visit(rules).reads(45 * SECOND)
    assert reader.fired == ["most"]
    assert reader.silences == [("first", Guard.PRIORITY), ("last", Guard.PRIORITY)]
    assert len(reader.visitor.offers) == 1


def test_of_equals_the_one_that_stands_first_speaks() -> None:
    rules = rule_set(named(STUCK, "first"), named(STUCK, "second"))
    assert Visit(rules).reads(45 * SECOND).fired == ["first"]


def test_what_was_held_back_is_written_down_once_and_not_at_every_event() -> None:
    reader = Visit(rule_set(named(STUCK, "first"), named(STUCK, "second"))).reads(45 * SECOND)
    reader.later(SECOND).has_engaged(46_000).later(SECOND).has_engaged(47_000)
    assert reader.silences == [("second", Guard.PRIORITY)]


# --- once per what ----------------------------------------------------------------------------------------------------


def test_once_per_session_is_once_whatever_page_comes_next() -> None:
    reader = Visit(rule_set(STUCK)).reads(45 * SECOND).does("message_shown", message="dec_1.0")
    reader.reads(45 * SECOND, KB + "/2").opens(FAQ).reads(50 * SECOND, KB + "?utm=mail")
    assert reader.fired == ["stuck"]


def test_a_new_session_is_a_new_occasion() -> None:
    reader = Visit(rule_set(STUCK)).reads(45 * SECOND).later(HOUR).reads(45 * SECOND)
    assert reader.fired == ["stuck", "stuck"]


def test_once_per_visitor_is_once_for_good() -> None:
    reader = Visit(rule_set(with_lines(STUCK, "once_per: visitor"))).reads(45 * SECOND)
    reader.later(30 * DAY).reads(45 * SECOND)
    assert reader.fired == ["stuck"]


def test_once_per_page_speaks_on_the_next_page_again() -> None:
    reader = Visit(rule_set(with_lines(STUCK, "once_per: page"))).reads(45 * SECOND).later(15 * MINUTE)
    reader.reads(45 * SECOND).later(15 * MINUTE)
    assert reader.fired == ["stuck"]
    assert reader.reads(45 * SECOND, KB + "/2").fired == ["stuck", "stuck"]


@pytest.mark.parametrize("known", [False, True])
def test_once_per_week_waits_a_week_and_then_speaks_again(known: bool) -> None:
    reader = Visit(rule_set(with_lines(STUCK, "once_per: 7d")))
    if known:
        reader.may_be_mailed()
    reader.reads(45 * SECOND)
    reader.later(6 * DAY).reads(45 * SECOND)
    assert reader.fired == ["stuck"]
    reader.later(DAY).reads(45 * SECOND)
    assert reader.fired == ["stuck", "stuck"]


def test_once_per_week_goes_on_after_a_week_in_which_a_limit_was_used_up() -> None:
    mails = with_lines(LEFT, "once_per: 7d", "limits: {emails: 1 per 24h}")
    shopper = Visit(rule_set(mails)).may_be_mailed()
    assert shopper.person is not None
    shopper.fills_cart().waits(2 * HOUR)
    assert shopper.fired == ["left"]
    blocked = Visit(rule_set(with_lines(LEFT, "once_per: 7d"), head="limits: {emails: 0 per 24h}")).may_be_mailed()
    blocked.fills_cart().waits(2 * HOUR)
    assert blocked.silences == [("left", Guard.LIMIT)]
    blocked.rules = rule_set(with_lines(LEFT, "once_per: 7d"))
    blocked.later(8 * DAY).fills_cart(line("PEN"), cart_id="c2").waits(2 * HOUR)
    assert blocked.fired == ["left"]


def test_once_per_week_holds_over_the_devices_of_a_person() -> None:
    rules = rule_set(with_lines(STUCK, "once_per: 7d"))
    laptop = Visit(rules, name="laptop").may_be_mailed().reads(45 * SECOND)
    phone = Visit(rules, name="phone", now=laptop.now + HOUR)
    phone.person = laptop.person
    phone.reads(45 * SECOND)
    assert (laptop.fired, phone.fired) == (["stuck"], [])


def test_once_per_visitor_is_once_over_all_devices_of_a_person() -> None:
    rules = rule_set(with_lines(STUCK, "once_per: visitor"))
    laptop = Visit(rules, name="laptop").may_be_mailed().reads(45 * SECOND)
    phone = Visit(rules, name="phone", now=laptop.now + DAY)
    phone.person = laptop.person
    assert phone.reads(45 * SECOND).fired == []


def test_once_per_cart_is_once_for_this_cart_and_anew_for_the_next() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().waits(2 * HOUR)
    shopper.opens(KB).fills_cart(line(quantity=2)).waits(2 * HOUR)
    assert shopper.fired == ["left"]
    shopper.fills_cart(line("PEN"), cart_id="c2").waits(2 * HOUR)
    assert shopper.fired == ["left", "left"]


def test_a_cart_that_gets_its_id_from_the_shop_later_is_the_same_occasion() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart(cart_id=None).waits(2 * HOUR)
    shopper.fills_cart(line(quantity=2), cart_id="c1").waits(3 * HOUR)
    assert shopper.fired == ["left"]


# --- not, and what nobody knows ---------------------------------------------------------------------------------------


def test_a_not_holds_back_what_it_names() -> None:
    rule = STUCK.replace("then:", "  - not: {happened: checkout_started}\nthen:")
    assert Visit(rule_set(rule)).reads(45 * SECOND).fired == ["stuck"]
    assert Visit(rule_set(rule)).fills_cart().does("checkout_started").reads(45 * SECOND).fired == []


# --- the same again ---------------------------------------------------------------------------------------------------

ALL_RULES = rule_set(STUCK, LEFT, SEQUENCE, SURPRISE, named(STUCK, "second"))


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[Millis, str, dict[str, object]]]:
    kinds: dict[str, list[dict[str, object]]] = {
        "page_viewed": [{"page": {"url": KB}}, {"page": {"url": FAQ}}],
        "checked_in": [{"engaged_ms": 45_000}, {"engaged_ms": 10_000}],
        "cart_updated": [{"cart": cart(line())}, {"cart": cart(line("PEN"), cart_id="c2")}, {"cart": cart()}],
        "checkout_started": [{}],
        "shipping_shown": [{"shipping": {"price": "6.95"}}],
        "order_placed": [{"order": {"id": "o1", "cart_id": "c1"}}],
        "message_dismissed": [{"message": "dec_1.0"}],
        "chat_started": [{}],
    }
    story = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(sorted(kinds)))
        pause = draw(st.sampled_from([0, SECOND, 20 * MINUTE, HOUR, DAY]))
        story.append((pause, kind, draw(st.sampled_from(kinds[kind]))))
    return story


def _told(story: list[tuple[Millis, str, dict[str, object]]]) -> Visit:
    shopper = Visit(ALL_RULES)
    shopper.person = Person("per-1", email="anna@shopper.example", basis=Basis("consent", NOON, trusted=True))
    for pause, kind, fields in story:
        shopper.waits(pause).takes(shopper.now_happens(kind, fields)).is_looked_at()
    return shopper.waits(2 * DAY)


@given(stories())
def test_the_same_events_the_same_rules_the_same_clock_make_the_same_decisions(
    story: list[tuple[Millis, str, dict[str, object]]],
) -> None:
    once, again = _told(story), _told(story)
    assert once.decisions == again.decisions
    assert once.visitor == again.visitor


@given(stories())
def test_no_decision_is_made_twice_and_no_look_is_planned_in_the_past(
    story: list[tuple[Millis, str, dict[str, object]]],
) -> None:
    shopper = _told(story)
    settled = [decision.id for decision in shopper.decisions if decision.outcome is not Outcome.HELD]
    assert len(settled) == len(set(settled))
    assert shopper.due_at is None or shopper.due_at > shopper.now


@given(stories())
def test_looking_again_at_once_decides_nothing_more(story: list[tuple[Millis, str, dict[str, object]]]) -> None:
    shopper = _told(story).is_looked_at()
    before = copy.deepcopy(shopper.visitor)
    shopper.is_looked_at()
    assert (shopper.last.decisions, shopper.last.planned) == ([], [])
    assert shopper.visitor == before


@given(stories())
def test_the_quick_answer_is_the_whole_answer(story: list[tuple[Millis, str, dict[str, object]]]) -> None:
    shopper = Visit(ALL_RULES)
    for pause, kind, fields in story:
        shopper.waits(pause).takes(shopper.now_happens(kind, fields)).is_looked_at()
        for rule in ALL_RULES.rules:
            quick, whole = _both(rule, shopper)
            assert (quick.state, quick.at if quick.state.value == "not_yet" else None) == (
                whole.state,
                whole.at if whole.state.value == "not_yet" else None,
            )


def _both(rule: Rule, shopper: Visit) -> tuple[Verdict, Verdict]:
    return rule.when.holds(shopper.facts), rule.when.check(shopper.facts)


def test_a_rule_that_waits_for_a_window_to_close_fires_when_it_has_closed() -> None:
    rule = """
    name: quiet-again
    when:
      - cart: filled
      - not: {happened: {event: coupon_rejected, within: 1h}}
    then:
      - tag: quiet
    """
    shopper = Visit(rule_set(rule)).does("coupon_rejected").later(MINUTE).fills_cart()
    assert (shopper.fired, shopper.due_at) == ([], NOON + HOUR)
    assert shopper.waits(HOUR).fired == ["quiet-again"]
    assert shopper.visitor.tags == ["quiet"]
