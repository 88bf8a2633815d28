"""What is known of a visitor: pages and attention, the cart and how far it came, orders and their echoes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.events import Event
from engine.visitors import MAX_TABS, MAX_TIMES, Basket, Stage, View, Visitor, apply
from tests.builders import KB, NOON, Visit, cart, event, line, raw_event, read_event, rule_set

FAQ = "https://shop.example/faq/"
NOBODY = rule_set()


def visit() -> Visit:
    return Visit(NOBODY)


def view_of(shopper: Visit) -> View:
    view = shopper.visitor.view
    assert view is not None
    return view


def basket_of(shopper: Visit) -> Basket:
    assert shopper.visitor.basket is not None
    return shopper.visitor.basket


# --- pages and attention ----------------------------------------------------------------------------------------------


def test_time_on_pages_of_one_type_adds_up() -> None:
    shopper = visit().reads(20 * SECOND, KB).reads(15 * SECOND, KB + "/2")
    assert (view_of(shopper).stretch_ms, view_of(shopper).engaged_ms) == (20 * SECOND, 15 * SECOND)


def test_a_page_of_another_type_begins_a_new_stretch() -> None:
    shopper = visit().reads(20 * SECOND, KB).opens(FAQ).opens(KB)
    assert view_of(shopper).stretch_ms == 0


def test_a_long_pause_begins_a_new_stretch_and_a_new_session() -> None:
    shopper = visit().reads(20 * SECOND).later(31 * MINUTE).opens(KB + "/2")
    assert view_of(shopper).stretch_ms == 0
    assert shopper.visitor.session.number == 2


def test_engaged_time_never_goes_back() -> None:
    shopper = visit().reads(20 * SECOND).has_engaged(5 * SECOND)
    assert view_of(shopper).engaged_ms == 20 * SECOND
    assert shopper.visitor.session.engaged_ms == {"knowledge_base": 20 * SECOND}


def test_a_late_report_of_an_earlier_page_says_nothing_about_this_one() -> None:
    shopper = visit().reads(20 * SECOND, KB).later(SECOND).opens(FAQ).later(SECOND)
    shopper.does("page_hidden", ago=3 * SECOND, page={"url": KB}, engaged_ms=40_000)
    assert not view_of(shopper).hidden
    assert view_of(shopper).engaged_ms == 0


def test_a_report_of_another_address_does_not_count_for_this_page() -> None:
    shopper = visit().opens(KB).later(30 * SECOND).has_engaged(30 * SECOND, FAQ)
    assert view_of(shopper).engaged_ms == 0


def test_a_page_view_that_arrives_late_does_not_bring_the_shopper_back() -> None:
    shopper = visit().later(10 * SECOND).opens(FAQ).later(SECOND)
    shopper.does("page_viewed", ago=6 * SECOND, page={"url": KB})
    assert view_of(shopper).url == FAQ
    assert shopper.visitor.session.pages == 2


def test_a_late_glance_away_does_not_hide_the_page_again() -> None:
    shopper = visit().opens(KB).later(10 * SECOND).does("page_shown")
    shopper.does("page_hidden", ago=5 * SECOND)
    assert not view_of(shopper).hidden


def test_the_tab_that_lived_last_is_the_one_looked_at() -> None:
    shopper = visit().opens(KB, tab="t1").later(SECOND).opens(FAQ, tab="t2")
    assert view_of(shopper).url == FAQ
    shopper.later(SECOND).does("page_shown", tab="t1")
    assert view_of(shopper).url == KB


def test_only_so_many_tabs_are_remembered() -> None:
    shopper = visit()
    for number in range(MAX_TABS + 5):
        shopper.later(SECOND).opens(KB, tab=f"t{number}")
    assert len(shopper.visitor.tabs) == MAX_TABS
    assert "t0" not in shopper.visitor.tabs


def test_what_the_server_says_is_no_sign_of_life() -> None:
    shopper = visit().opens().later(2 * HOUR).does("order_shipped", trusted=True)
    assert shopper.visitor.seen_at == NOON
    assert shopper.visitor.session.number == 1


def test_only_the_latest_moments_are_kept_and_all_are_counted() -> None:
    shopper = visit()
    for _ in range(MAX_TIMES + 5):
        shopper.later(SECOND).does("searched")
    shopper.does("searched", ago=HOUR)
    tally = shopper.visitor.tallies["searched"]
    assert tally.count == MAX_TIMES + 6
    assert len(tally.times) == MAX_TIMES
    assert tally.times == sorted(tally.times)
    assert min(tally.times) > NOON


# --- the cart ---------------------------------------------------------------------------------------------------------


def test_an_older_cart_that_arrives_late_changes_nothing() -> None:
    shopper = visit().later(HOUR).fills_cart(line(quantity=3))
    shopper.does("cart_updated", ago=MINUTE, cart=cart(line(quantity=1)))
    assert basket_of(shopper).items[0].quantity == 3


def test_an_emptied_cart_is_gone() -> None:
    shopper = visit().fills_cart().later(MINUTE).empties_cart()
    assert shopper.visitor.basket is None


def test_a_cart_from_before_it_was_emptied_does_not_come_back() -> None:
    shopper = visit().fills_cart().later(HOUR).empties_cart()
    shopper.does("cart_updated", ago=MINUTE, cart=cart(line(quantity=2)))
    assert shopper.visitor.basket is None


def test_a_cart_that_arrives_after_the_news_that_it_was_emptied_stays_empty() -> None:
    shopper = visit().later(HOUR).empties_cart()
    shopper.does("cart_updated", ago=MINUTE, cart=cart(line()))
    assert shopper.visitor.basket is None


def test_after_emptying_a_cart_can_be_filled_again() -> None:
    shopper = visit().fills_cart().later(MINUTE).empties_cart().later(MINUTE).fills_cart(line("PEN"))
    assert basket_of(shopper).items[0].sku == "PEN"


def test_seeing_the_same_cart_again_is_no_step_forward() -> None:
    shopper = visit().fills_cart().later(HOUR).fills_cart()
    assert basket_of(shopper).progressed_at == NOON


def test_a_cart_keeps_its_story_when_the_shop_tells_its_id_only_later() -> None:
    shopper = visit().fills_cart(cart_id=None).later(MINUTE).does("checkout_started").later(MINUTE).fills_cart()
    assert basket_of(shopper).id == "c1"
    assert basket_of(shopper).stage is Stage.CHECKOUT
    assert basket_of(shopper).opened_at == NOON


def test_a_cart_with_another_id_is_another_cart() -> None:
    shopper = visit().fills_cart().does("checkout_started").later(MINUTE).fills_cart(cart_id="c2")
    assert basket_of(shopper).id == "c2"
    assert basket_of(shopper).stage is Stage.CART


@pytest.mark.parametrize(
    ("steps", "stage"),
    [
        (["checkout_started"], Stage.CHECKOUT),
        (["checkout_started", "payment_failed"], Stage.PAYMENT),
        (["payment_failed", "checkout_started"], Stage.PAYMENT),
    ],
)
def test_a_cart_never_goes_back(steps: list[str], stage: Stage) -> None:
    shopper = visit().fills_cart()
    for step in steps:
        shopper.later(SECOND).does(step)
    assert basket_of(shopper).stage is stage


def test_a_shipping_cost_in_another_currency_is_not_compared() -> None:
    shopper = visit().fills_cart().sees_shipping("9.00", currency="USD")
    assert basket_of(shopper).shipping_at is None


# --- orders and their echoes ------------------------------------------------------------------------------------------


def test_an_order_closes_its_cart() -> None:
    assert visit().fills_cart().later(MINUTE).orders().visitor.basket is None


def test_an_order_without_a_cart_id_closes_the_cart_that_is_there() -> None:
    shopper = visit().fills_cart().later(MINUTE).orders(cart_id=None)
    assert shopper.visitor.basket is None
    assert shopper.visitor.closed is not None
    assert shopper.visitor.closed.id == "c1"


@pytest.mark.parametrize("wait", [0, SECOND, 5 * HOUR, 40 * DAY])
def test_the_ordered_cart_never_comes_back(wait: Millis) -> None:
    shopper = visit().fills_cart().later(MINUTE).orders().later(wait).fills_cart()
    assert shopper.visitor.basket is None


def test_a_retry_from_before_the_order_does_not_bring_the_cart_back() -> None:
    shopper = visit().fills_cart(cart_id=None).later(HOUR).orders(cart_id=None).later(4 * HOUR)
    shopper.does("cart_updated", ago=4 * HOUR + MINUTE, cart=cart(line("PEN"), cart_id=None))
    assert shopper.visitor.basket is None


def test_the_same_things_right_after_the_order_are_an_echo_of_it() -> None:
    shopper = visit().fills_cart(cart_id=None).later(HOUR).orders(cart_id=None).later(MINUTE).fills_cart(cart_id=None)
    assert shopper.visitor.basket is None


def test_the_same_things_two_days_later_are_a_new_cart() -> None:
    shopper = visit().fills_cart(cart_id=None).later(HOUR).orders(cart_id=None).later(2 * DAY).fills_cart(cart_id=None)
    assert basket_of(shopper).opened_at == shopper.now


def test_other_things_after_the_order_are_a_new_cart() -> None:
    shopper = visit().fills_cart().later(HOUR).orders().later(MINUTE).fills_cart(line("PEN"), cart_id="c2")
    assert basket_of(shopper).id == "c2"


def test_the_news_of_an_order_leaves_a_cart_that_was_begun_after_it() -> None:
    shopper = visit().later(HOUR).fills_cart(line("PEN"), cart_id="c2").later(MINUTE)
    shopper.does("order_placed", ago=HOUR, trusted=True, order={"id": "o1"})
    assert basket_of(shopper).id == "c2"
    shopper.later(MINUTE).fills_cart(line("PEN", quantity=2), cart_id="c2")
    assert basket_of(shopper).items[0].quantity == 2


def test_an_order_that_page_and_server_both_report_counts_once() -> None:
    shopper = visit().fills_cart().later(MINUTE).orders("o1").later(SECOND)
    shopper.does("order_placed", trusted=True, order={"id": "o1", "cart_id": "c1"})
    assert shopper.visitor.orders == 1


def test_a_second_report_that_knows_less_forgets_nothing() -> None:
    shopper = visit().fills_cart().later(MINUTE).orders("o1").later(SECOND).orders("o1", cart_id=None)
    shopper.later(SECOND).fills_cart()
    assert shopper.visitor.basket is None


def test_a_second_report_that_knows_the_cart_closes_it_too() -> None:
    shopper = visit().orders("o1", cart_id=None).later(SECOND).fills_cart(line("PEN")).later(SECOND)
    shopper.does("order_placed", trusted=True, order={"id": "o1", "cart_id": "c1"})
    assert shopper.visitor.basket is None


# --- whatever happens -------------------------------------------------------------------------------------------------

KINDS = st.sampled_from(
    [
        "page_viewed", "page_hidden", "page_shown", "checked_in", "cart_updated", "checkout_started", "shipping_shown",
        "checkout_step_completed", "payment_failed", "order_placed", "searched", "message_shown", "message_dismissed",
        "message_accepted", "consent_changed", "chat_started", "chat_ended", "contact_given",
    ]
)  # fmt: skip
SECTIONS: dict[str, st.SearchStrategy[object]] = {
    "page": st.fixed_dictionaries({"url": st.sampled_from([KB, KB + "/2", FAQ])}),
    "engaged_ms": st.integers(0, 200_000),
    "cart": st.builds(
        lambda lines, name: cart(*lines, cart_id=name),
        st.lists(st.builds(line, st.sampled_from(["INK-1", "PEN"]), st.integers(0, 3)), max_size=2),
        st.sampled_from(["c1", "c2", None]),
    ),
    "step": st.sampled_from(["shipping", "payment", "contact"]),
    "tab": st.sampled_from(["t1", "t2"]),
}
NEEDED: dict[str, dict[str, object]] = {
    "page_viewed": {"page": {"url": KB}},
    "cart_updated": {"cart": cart(line())},
    "shipping_shown": {"shipping": {"price": "6.95"}},
    "order_placed": {"order": {"id": "o1"}},
    "message_shown": {"message": "dec_1.0"},
    "message_accepted": {"message": "dec_1.0"},
    "message_dismissed": {"message": "dec_1.0"},
    "consent_changed": {"consent": {"analytics": True}},
}


@st.composite
def happenings(draw: st.DrawFn) -> list[Event]:
    """A story of up to fifteen events, not all in the order in which they happened."""
    story = []
    for _ in range(draw(st.integers(1, 15))):
        kind = draw(KINDS)
        told: dict[str, object] = draw(st.fixed_dictionaries({}, optional=SECTIONS))
        at = NOON + draw(st.integers(0, 3 * HOUR))
        raw = raw_event(kind, at) | NEEDED.get(kind, {}) | told
        story.append(read_event(raw, trusted=draw(st.booleans())))
    return story


def _type_of(happened: Event) -> str:
    return "faq" if happened.page is not None and happened.page.url == FAQ else "knowledge_base"


def _apply(visitor: Visitor, story: Sequence[Event]) -> None:
    for happened in story:
        apply(visitor, happened, page_type=_type_of(happened))


@given(happenings())
def test_within_a_page_time_only_grows_and_within_a_cart_the_stage_does(story: list[Event]) -> None:
    visitor = Visitor()
    for happened in story:
        views = {(tab, view.opened_at): view.engaged_ms for tab, view in visitor.tabs.items()}
        before = visitor.basket
        known = (before.id, before.opened_at, before.stage) if before is not None else None
        apply(visitor, happened, page_type=_type_of(happened))
        for tab, view in visitor.tabs.items():
            if happened.type != "page_viewed":
                assert view.engaged_ms >= views.get((tab, view.opened_at), 0)
        after = visitor.basket
        if known is not None and after is not None and known[:2] == (after.id, after.opened_at):
            assert after.stage >= known[2]


@given(happenings())
def test_a_visitor_can_be_kept_and_read_again_after_any_story(story: list[Event]) -> None:
    visitor = Visitor()
    _apply(visitor, story)
    kept = msgspec.msgpack.encode(visitor)
    assert msgspec.msgpack.decode(kept, type=Visitor) == visitor


@given(happenings(), st.integers(0, 14))
def test_a_visitor_kept_in_between_goes_on_as_if_never_kept(story: list[Event], cut: int) -> None:
    whole, halves = Visitor(), Visitor()
    _apply(whole, story)
    _apply(halves, story[:cut])
    resumed = msgspec.msgpack.decode(msgspec.msgpack.encode(halves), type=Visitor)
    _apply(resumed, story[cut:])
    assert resumed == whole


@given(happenings())
def test_what_was_ordered_or_emptied_last_leaves_no_cart(story: list[Event]) -> None:
    end = NOON + 4 * HOUR
    for last in (
        event("order_placed", end, order={"id": "o9"}),
        event("cart_updated", end, cart=cart(cart_id=None)),
    ):
        visitor = Visitor()
        _apply(visitor, [*story, last])
        assert visitor.basket is None
