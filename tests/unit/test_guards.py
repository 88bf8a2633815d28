"""Reasons to stay silent although a rule is met, each with its name."""

from __future__ import annotations

from datetime import datetime
from textwrap import indent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, from_datetime, to_datetime
from engine.decisions import Guard
from engine.people import Person
from engine.rules.guards import in_holdout, sending_hold
from engine.rules.holds import Hold
from engine.rules.loader import load
from engine.rules.shop import DailyHours, Shop
from tests.builders import KB, LEFT, NOON, STUCK, Visit, line, named, rule_set, with_lines

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def reads(rule: str, *, head: str = "", now: Millis = NOON, name: str = "visitor-1") -> Visit:
    return Visit(rule_set(rule, head=head), now=now, name=name).reads(45 * SECOND)


def leaves(rule: str = LEFT, *, head: str = "", now: Millis = NOON) -> Visit:
    return Visit(rule_set(rule, head=head), now=now).may_be_mailed().fills_cart()


# --- of the rule itself -----------------------------------------------------------------------------------------------


def test_a_rule_in_shadow_is_counted_once_and_brings_nothing() -> None:
    reader = reads(with_lines(STUCK, "shadow: true")).later(MINUTE).has_engaged(90_000)
    assert (reader.silences, reader.invited) == ([("stuck", Guard.SHADOW)], False)


def test_a_rule_that_is_switched_off_brings_nothing() -> None:
    assert reads(with_lines(STUCK, "off: true")).silences == [("stuck", Guard.NOT_ACTIVE)]


@pytest.mark.parametrize(
    ("dates", "fires"),
    [
        ("{from: 2026-11-21}", True),
        ("{from: 2026-11-22}", False),
        ("{until: 2026-11-21}", True),
        ("{until: 2026-11-20}", False),
        ("{from: 2026-11-21 13:01}", False),
        ("{from: 2026-11-21 12:59}", True),
        ("{until: 2026-11-21 13:00}", False),
        ("{from: 2026-11-01, until: 2026-11-30}", True),
    ],
)
def test_a_rule_speaks_only_on_its_own_days_by_the_shop_s_clock(dates: str, fires: bool) -> None:
    reader = reads(with_lines(STUCK, f"active: {dates}"), head="shop: {time_zone: Europe/Amsterdam}")
    assert reader.invited == fires
    assert fires or reader.silences == [("stuck", Guard.NOT_ACTIVE)]


def test_a_holdout_holds_about_its_share_of_visitors_for_good() -> None:
    rule = with_lines(STUCK, "holdout: 30%")
    held = [reads(rule, name=f"visitor-{number}").silences != [] for number in range(400)]
    assert 80 < sum(held) < 160
    assert held == [reads(rule, name=f"visitor-{number}").silences != [] for number in range(400)]


def test_a_holdout_follows_a_person_over_their_devices() -> None:
    rules = rule_set(with_lines(STUCK, "holdout: 50%"))
    for number in range(40):
        devices = [Visit(rules, name=f"{device}-{number}") for device in ("laptop", "phone", "tablet")]
        for device in devices:
            device.person = Person(f"per-{number}")
        assert len({in_holdout(rules.rules[0], device.facts) for device in devices}) == 1


def test_each_rule_draws_its_own_holdout() -> None:
    first, second = rule_set(*(with_lines(named(STUCK, name), "holdout: 50%") for name in ("one", "two"))).rules
    shoppers = [Visit(rule_set(STUCK), name=f"visitor-{number}").facts for number in range(100)]
    assert [in_holdout(first, facts) for facts in shoppers] != [in_holdout(second, facts) for facts in shoppers]


def test_whoever_is_held_out_costs_nobody_else_the_moment() -> None:
    held = with_lines(named(STUCK, "held"), "holdout: 100%", "priority: 5")
    reader = Visit(rule_set(held, STUCK)).reads(45 * SECOND)
    assert (reader.fired, reader.silences) == (["stuck"], [("held", Guard.HOLDOUT)])


# --- on the page ------------------------------------------------------------------------------------------------------


def test_whoever_said_no_is_left_alone_for_a_day() -> None:
    reader = Visit(rule_set(STUCK)).opens().does("message_dismissed", message="dec_9.0").reads(45 * SECOND)
    assert reader.silences == [("stuck", Guard.DISMISSED)]
    reader.later(DAY).reads(45 * SECOND)
    assert reader.fired == ["stuck"]


@pytest.mark.parametrize("known", [False, True])
def test_an_ok_under_a_hint_is_no_refusal(known: bool) -> None:
    hint = "name: hint\nwhen: [on_page: product]\nthen: [nudge: Nearly there]"
    asks = with_lines(STUCK, "  - wait: 1d", "  - email: cart-reminder", "until: [dismissed]")
    reader = Visit(rule_set(hint, asks))
    reader = reader.may_be_mailed() if known else reader
    reader.opens("https://shop.example/products/ink").does("message_dismissed", message=reader.visitor.offers[0].id)
    assert reader.reads(45 * SECOND).fired == ["hint", "stuck"]
    reader.does("message_dismissed", message=reader.visitor.offers[0].id)
    assert reader.endings == [("until", "dismissed")]


def test_whoever_is_in_a_chat_gets_no_invitation() -> None:
    reader = Visit(rule_set(STUCK)).opens().does("chat_started").reads(45 * SECOND)
    assert reader.silences == [("stuck", Guard.CHATTING)]
    assert reader.does("chat_ended").fired == ["stuck"]


def test_a_chat_that_nobody_ended_is_over_after_an_hour() -> None:
    reader = Visit(rule_set(STUCK)).opens().does("message_accepted", message="dec_9.0")
    assert reader.later(HOUR).reads(45 * SECOND).fired == ["stuck"]


def test_an_invitation_that_waits_to_be_shown_is_not_overtaken() -> None:
    reader = Visit(rule_set(STUCK, named(STUCK, "other"))).reads(45 * SECOND)
    (offer,) = reader.visitor.offers
    reader.later(SECOND).does("message_shown", message=offer.id)
    assert reader.fired == ["stuck", "other"]


def test_an_invitation_that_nobody_came_back_for_makes_room() -> None:
    reader = Visit(rule_set(STUCK, named(STUCK, "other"))).reads(45 * SECOND).later(11 * MINUTE).has_engaged(46_000)
    assert reader.fired == ["stuck", "other"]


# --- mail -------------------------------------------------------------------------------------------------------------


def test_without_an_address_there_is_no_mail() -> None:
    shopper = Visit(rule_set(LEFT)).fills_cart().waits(2 * HOUR)
    assert shopper.silences == [("left", Guard.NO_BASIS)]


def test_an_address_alone_is_no_permission() -> None:
    shopper = Visit(rule_set(LEFT)).fills_cart()
    shopper.person = Person("per-1", email="anna@shopper.example")
    assert shopper.waits(2 * HOUR).silences == [("left", Guard.NO_BASIS)]


@pytest.mark.parametrize("field", ["unsubscribed_at", "bounced_at"])
def test_a_suppressed_address_is_never_mailed(field: str) -> None:
    shopper = leaves()
    setattr(shopper.person, field, shopper.now)
    assert shopper.waits(2 * HOUR).silences == [("left", Guard.SUPPRESSED)]


def test_a_shop_may_refuse_addresses_that_only_a_browser_told() -> None:
    head = "shop: {addresses_from_browser: never}"
    typed = Visit(rule_set(LEFT, head=head)).may_be_mailed(trusted=False).fills_cart().waits(2 * HOUR)
    assert typed.silences == [("left", Guard.NO_BASIS)]
    assert leaves(head=head).waits(2 * HOUR).fired == ["left"]


TWICE = [LEFT, named(LEFT, "again").replace("1h", "5h")]


@pytest.mark.parametrize(("trusted", "fired"), [(True, ["left", "again"]), (False, ["left"])])
def test_an_address_that_a_browser_told_is_mailed_once_a_day_whatever_the_rules_say(
    trusted: bool, fired: list[str]
) -> None:
    shopper = Visit(rule_set(*TWICE)).may_be_mailed(trusted=trusted).fills_cart().waits(6 * HOUR)
    assert shopper.fired == fired


def test_a_customer_s_address_typed_by_somebody_else_is_mailed_once_a_day_too() -> None:
    shopper = Visit(rule_set(*TWICE)).may_be_mailed().fills_cart()
    shopper.visitor.vouched = False
    assert shopper.waits(6 * HOUR).fired == ["left"]


def test_after_a_day_an_address_that_a_browser_told_may_be_mailed_again() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed(trusted=False).fills_cart().waits(HOUR)
    shopper.waits(DAY - HOUR).fills_cart(line("PEN"), cart_id="c2").waits(2 * HOUR)
    assert shopper.fired == ["left", "left"]


def test_a_mail_waits_while_the_shopper_is_in_a_chat() -> None:
    shopper = leaves().later(50 * MINUTE).does("chat_started", trusted=True).waits(10 * MINUTE)
    assert shopper.silences == [("left", Guard.CHATTING)]
    assert shopper.waits(50 * MINUTE).fired == []
    assert shopper.waits(30 * MINUTE).fired == ["left"]


# --- the last look ----------------------------------------------------------------------------------------------------


def test_the_last_look_sees_what_happened_since() -> None:
    bought = leaves().later(MINUTE).orders()
    emptied = leaves().later(MINUTE).empties_cart()
    left = leaves()
    left_for_good = leaves()
    assert left_for_good.person is not None
    left_for_good.person.unsubscribed_at = NOON
    guards = [sending_hold(shopper.facts, "c1") for shopper in (bought, emptied, left, left_for_good)]
    named_guards = [hold.guard if hold else None for hold in guards]
    assert named_guards == [Guard.BOUGHT, Guard.CART_EMPTIED, None, Guard.SUPPRESSED]


def test_the_last_look_sees_an_order_from_another_device() -> None:
    shopper = leaves()
    assert shopper.person is not None
    shopper.person.ordered_carts = ["c1"]
    hold = sending_hold(shopper.facts, "c1")
    assert hold is not None
    assert hold.guard is Guard.BOUGHT


# --- limits -----------------------------------------------------------------------------------------------------------


def test_one_invitation_per_session_is_one_for_all_rules_together() -> None:
    rules = rule_set(STUCK, named(STUCK, "other"), head="limits: {invitations: 1 per session}")
    reader = Visit(rules).reads(45 * SECOND)
    reader.later(SECOND).does("message_shown", message=reader.visitor.offers[0].id)
    assert reader.silences == [("other", Guard.LIMIT)]
    assert reader.later(HOUR).reads(45 * SECOND).fired == ["stuck", "stuck"]


def test_a_sliding_day_is_not_fooled_by_midnight() -> None:
    evening = from_datetime(datetime(2026, 11, 21, 23, 0, tzinfo=AMSTERDAM))
    rules = rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 1 per 1d}")
    reader = Visit(rules, now=evening).reads(45 * SECOND)
    reader.later(2 * HOUR).reads(45 * SECOND, KB + "/2")
    assert reader.fired == ["stuck"]
    assert reader.silences == [("stuck", Guard.LIMIT)]


def test_a_sliding_window_opens_exactly_when_the_oldest_message_leaves_it() -> None:
    rules = rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 2 per 1d}")
    reader = Visit(rules).reads(45 * SECOND)
    first_at = reader.now
    reader.later(HOUR).reads(45 * SECOND, KB + "/2")
    reader.now = first_at + DAY - 46 * SECOND
    reader.reads(45 * SECOND, KB + "/3")
    assert len(reader.fired) == 2
    reader.later(SECOND).has_engaged(46_000)
    assert len(reader.fired) == 3


def test_a_rule_may_have_a_limit_of_its_own() -> None:
    own = with_lines(STUCK, "once_per: page", "limits: {invitations: 1 per 7d}")
    reader = Visit(rule_set(own, named(with_lines(STUCK, "once_per: page"), "other"))).reads(45 * SECOND)
    reader.later(20 * MINUTE).reads(45 * SECOND, KB + "/2")
    assert reader.fired == ["stuck", "other"]


def test_one_limit_may_count_every_kind_of_message() -> None:
    rules = rule_set(STUCK, LEFT, head="limits: 1 per 1d")
    shopper = Visit(rules).may_be_mailed().reads(45 * SECOND).fills_cart().waits(2 * HOUR)
    assert shopper.fired == ["stuck"]
    assert shopper.silences == [("left", Guard.LIMIT)]


def test_what_a_person_had_on_one_device_counts_on_the_other() -> None:
    rules = rule_set(STUCK, head="limits: {invitations: 1 per 1d}")
    laptop = Visit(rules, name="laptop").may_be_mailed().reads(45 * SECOND)
    phone = Visit(rules, name="phone", now=laptop.now)
    phone.person = laptop.person
    assert phone.reads(45 * SECOND).silences == [("stuck", Guard.LIMIT)]


def test_a_file_that_names_no_limits_still_nags_nobody() -> None:
    rules = load(f"rules:\n  - {indent(STUCK.strip() + chr(10) + 'once_per: page', '    ').lstrip()}\n")
    reader = Visit(rules).reads(45 * SECOND).later(15 * MINUTE).reads(45 * SECOND, KB + "/2")
    assert reader.fired == ["stuck"]
    for number in range(3, 8):
        reader.later(HOUR).reads(45 * SECOND, f"{KB}/{number}")
    assert len(reader.fired) == 3


# --- quiet hours ------------------------------------------------------------------------------------------------------

QUIET = "shop: {time_zone: Europe/Amsterdam, quiet_hours: 21:00-08:00}"


def amsterdam(month: int, day: int, hour: int, minute: int = 0, *, fold: int = 0) -> Millis:
    return from_datetime(datetime(2026, month, day, hour, minute, fold=fold, tzinfo=AMSTERDAM))


@pytest.mark.parametrize(
    ("left_at", "leaves_at"),
    [
        (amsterdam(11, 21, 12), amsterdam(11, 21, 13)),
        (amsterdam(11, 21, 19, 59), amsterdam(11, 21, 20, 59)),
        (amsterdam(11, 21, 20), amsterdam(11, 22, 8)),
        (amsterdam(11, 22, 6, 59), amsterdam(11, 22, 8)),
        (amsterdam(11, 22, 7), amsterdam(11, 22, 8)),
        (amsterdam(3, 28, 22), amsterdam(3, 29, 8)),  # the night in which 02:00 becomes 03:00
        (amsterdam(3, 29, 1, 30), amsterdam(3, 29, 8)),
        (amsterdam(10, 24, 22), amsterdam(10, 25, 8)),  # the night in which 03:00 becomes 02:00
        (amsterdam(10, 25, 2, 30, fold=1), amsterdam(10, 25, 8)),
    ],
)
def test_a_mail_decided_in_quiet_hours_waits_for_the_morning(left_at: Millis, leaves_at: Millis) -> None:
    shopper = leaves(head=QUIET, now=left_at).waits(HOUR)
    (planned,) = shopper.last.planned
    assert shopper.fired == ["left"]
    assert planned.due_at == leaves_at


def test_a_quiet_night_is_an_hour_shorter_in_march_and_longer_in_october() -> None:
    shop = rule_set(head=QUIET).shop
    lengths = []
    for month, day in ((3, 28), (10, 24), (11, 21)):
        begins = amsterdam(month, day, 21)
        ends = shop.quiet_until(begins)
        assert ends is not None
        lengths.append((ends - begins) // HOUR)
    assert lengths == [10, 12, 11]


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end() -> None:
    shop = rule_set(head="shop: {time_zone: Europe/Amsterdam, quiet_hours: 21:00-02:30}").shop
    second = amsterdam(10, 25, 2, 10, fold=1)
    assert shop.quiet_until(second) == amsterdam(10, 25, 2, 30, fold=1)


def test_an_invitation_does_not_care_for_quiet_hours() -> None:
    assert reads(STUCK, head=QUIET, now=amsterdam(11, 21, 23)).invited


ZONES = st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
NIGHTS = st.sampled_from([amsterdam(3, 28, 18), amsterdam(10, 24, 18), amsterdam(11, 1, 0), amsterdam(4, 4, 12)])


@given(ZONES, st.integers(0, 1439), st.integers(0, 1439), NIGHTS, st.integers(0, 36 * 60))
def test_quiet_hours_end_later_than_now_and_within_a_day(
    zone: str, start: int, end: int, night: Millis, minutes: int
) -> None:
    if start == end:
        end = (end + 60) % 1440
    shop = Shop(time_zone=zone, quiet_hours=DailyHours(start, end))
    at = night + minutes * MINUTE
    until = shop.quiet_until(at)
    local = to_datetime(at).astimezone(ZoneInfo(zone))
    assert (until is not None) == DailyHours(start, end).holds_at(local.hour * 60 + local.minute)
    if until is not None:
        assert at < until <= at + 26 * HOUR


@pytest.mark.parametrize(("gone", "held"), [((), False), (("INK-1",), False), (("INK-1", "PEN"), True)])
def test_nobody_is_called_back_to_a_cart_of_which_everything_is_sold_out(gone: tuple[str, ...], held: bool) -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart(line("INK-1"), line("PEN")).waits(2 * HOUR)
    for sku in gone:
        shopper.does("stock_changed", trusted=True, product={"sku": sku, "stock": 0})
    hold = sending_hold(shopper.facts, "c1")
    assert (hold.guard if hold else None) == (Guard.SOLD_OUT if held else None)


# --- mailed by somebody else ------------------------------------------------------------------------------------------


def abandoned() -> Visit:
    return Visit(rule_set(LEFT)).may_be_mailed().fills_cart()


def test_nobody_is_mailed_about_a_cart_about_which_the_platform_has_mailed() -> None:
    reminded = abandoned().does("reminder_sent", trusted=True, cart={"id": "c1", "lines": [line()]}).waits(2 * HOUR)
    assert (reminded.fired, reminded.silences) == ([], [("left", Guard.REMINDED)])


def test_a_mail_that_is_owed_already_stays_here_once_the_platform_has_mailed() -> None:
    shopper = abandoned().waits(2 * HOUR)
    assert (shopper.fired, sending_hold(shopper.facts, "c1")) == (["left"], None)
    hold = sending_hold(shopper.does("reminder_sent", trusted=True).facts, "c1")
    assert hold == Hold(Guard.REMINDED, settled=True)


def test_a_mail_of_others_about_an_earlier_cart_is_no_reason_to_be_silent_about_this_one() -> None:
    shopper = abandoned().does("reminder_sent", trusted=True).fills_cart(cart_id="c2").waits(2 * HOUR)
    assert shopper.fired == ["left"]


def test_a_browser_cannot_say_that_somebody_else_has_mailed() -> None:
    assert abandoned().does("reminder_sent").waits(2 * HOUR).fired == ["left"]


def test_a_mail_of_others_does_not_silence_the_page() -> None:
    chats = "name: helps\nwhen: [on_page: faq, cart: filled]\nthen: [invite: Can I help?]"
    shopper = Visit(rule_set(chats)).fills_cart().does("reminder_sent", trusted=True)
    assert shopper.opens("https://shop.example/faq").fired == ["helps"]
