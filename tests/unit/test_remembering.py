"""Rules over time on what is remembered: watches that begin with their rule, replies, orders that are not paid."""

from __future__ import annotations

from engine.clock import DAY, HOUR, MINUTE, SECOND
from tests.builders import LEFT, STUCK, Visit, cart, line, named, rule_set, with_lines

UNPAID = """
name: unpaid
when:
  - cart_abandoned: {after: 2h, at: unpaid_order}
then:
  - email: cart-reminder
"""
VIDEO = """
name: video
when:
  - happened: {event: video_played, where: {plan: pro}, at_least: 2}
then:
  - invite: Can I help?
"""
EVENING = """
name: evening
when:
  - cart: filled
  - local_time: {between: 18:00-21:00, clock: shop}
then:
  - email: cart-reminder
"""
REASON = """
name: reason
when:
  - cart_abandoned: 1h
  - left_because: [coupon_failed]
then:
  - email: cart-reminder
"""


def test_a_rule_on_an_events_fields_counts_from_when_it_goes_live() -> None:
    shopper = Visit(rule_set(STUCK)).opens().does("video_played", plan="pro")
    shopper.rules = rule_set(STUCK, VIDEO)
    shopper.later(SECOND).does("video_played", plan="pro").later(SECOND).does("video_played", plan="free")
    assert shopper.fired == []
    shopper.later(SECOND).does("video_played", plan="pro")
    assert shopper.fired == ["video"]


def test_a_reload_of_the_same_rule_goes_on_counting() -> None:
    shopper = Visit(rule_set(VIDEO)).opens().does("video_played", plan="pro")
    shopper.rules = rule_set(LEFT, named(VIDEO, "another"), with_lines(VIDEO, "priority: 3"))
    shopper.later(SECOND).does("video_played", plan="pro")
    assert shopper.fired == ["video"]
    assert len(shopper.visitor.watched) == 1


def test_an_order_that_stays_unpaid_is_reminded_of_once() -> None:
    shopper = Visit(rule_set(UNPAID)).may_be_mailed().opens().fills_cart()
    shopper.does("order_placed", order={"id": "o1", "cart_id": "c1", "paid": False}).waits(HOUR)
    assert shopper.fired == []
    shopper.waits(DAY)
    assert shopper.fired == ["unpaid"]


def test_an_order_paid_in_time_is_not_reminded_of() -> None:
    shopper = Visit(rule_set(UNPAID)).may_be_mailed().opens().fills_cart()
    shopper.does("order_placed", order={"id": "o1", "cart_id": "c1", "paid": False}).waits(HOUR)
    shopper.does("order_paid", order={"id": "o1"}).waits(DAY)
    assert shopper.fired == []


def test_the_clock_brings_what_waits_for_an_hour_of_the_day() -> None:
    shopper = Visit(rule_set(EVENING, head="shop: {time_zone: Europe/Amsterdam}")).may_be_mailed().opens().fills_cart()
    shopper.waits(5 * HOUR - 1)
    assert shopper.fired == []
    shopper.waits(1)
    assert shopper.fired == ["evening"]


def test_a_cart_is_mailed_about_for_the_reason_it_was_left() -> None:
    shopper = Visit(rule_set(REASON)).may_be_mailed().opens().fills_cart().later(MINUTE).does("coupon_rejected")
    assert shopper.waits(2 * HOUR).fired == ["reason"]
    other = Visit(rule_set(REASON)).may_be_mailed().opens().fills_cart().waits(2 * HOUR)
    assert other.fired == []


def test_what_a_shopper_said_to_an_invitation_is_known_by_its_rule() -> None:
    again = with_lines(named(STUCK, "again").replace("for: 45s}", "for: 1m}\n  - not: {dismissed: stuck}"))
    shopper = Visit(rule_set(STUCK, again)).reads(45 * SECOND)
    (offer,) = shopper.visitor.offers
    shopper.does("message_shown", message=offer.id).does("message_dismissed", message=offer.id)
    assert shopper.later(2 * DAY).reads(2 * MINUTE).fired == ["stuck", "stuck"]


def test_a_line_of_another_cart_changes_nothing_about_a_kept_one() -> None:
    shopper = Visit(rule_set(LEFT)).opens().fills_cart().later(DAY).opens()
    shopper.does("cart_updated", cart=cart(line(), cart_id="c1"))
    assert shopper.visitor.basket is not None
    assert shopper.visitor.basket.visit == 1


PAID = """
name: unpaid
when:
  - cart_abandoned: {after: 2h, at: unpaid_order}
then:
  - email: cart-reminder
  - wait: 1d
  - email: cart-reminder
until: paid
"""


def test_a_reminder_of_an_unpaid_order_ends_when_it_is_paid() -> None:
    shopper = Visit(rule_set(PAID)).may_be_mailed().fills_cart().orders(paid=False).waits(3 * HOUR)
    assert shopper.fired == ["unpaid"]
    shopper.does("order_paid", trusted=True, order={"id": "o1"})
    assert shopper.endings == [("until", "paid")]


def test_somebody_else_s_payment_of_long_ago_ends_nothing() -> None:
    shopper = Visit(rule_set(PAID)).may_be_mailed().opens()
    shopper.does("order_paid", trusted=True, order={"id": "o0"}).later(HOUR)
    shopper.fills_cart().orders(paid=False).waits(3 * HOUR)
    assert (shopper.fired, shopper.endings) == (["unpaid"], [])
