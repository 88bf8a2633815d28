"""One shopper's story, told by page, webhooks and a poll: in whatever order, what is known in the end is the same.

Also when a part of it was told of a stand-in, before it was known whose cart that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, to_iso
from engine.events import Event
from engine.leaving import Reason, other_costs, shipping_surprise, stopped_at_shipping, why_left
from engine.rules.shop import Shop
from engine.visitors import Basket, Closed, Visitor, apply, contents, hand_over
from engine.visitors import carts as carts_of_visitors
from engine.visitors.state import MAX_STORY
from engine.visitors.tellings import OWN_CART
from tests.builders import NOON, cart, line, read_event

Json = dict[str, object]
GOODS: list[Json] = [
    line("INK-1"),
    line("INK-1", 2),
    line("INK-1", price="19.95") | {"category": "Ink"},
    line("PEN", price="2.00") | {"brand": "Noor"},
    line("LAMP", price="49.00") | {"category": "Lamps", "product_id": "12"},
]
MOMENTS = st.one_of(
    st.integers(0, 12).map(lambda minute: minute * MINUTE),
    st.integers(0, 90).map(lambda second: second * SECOND),
    st.integers(0, 40).map(lambda hour: hour * HOUR),
)
NAMES = st.sampled_from([None, None, "c1", "c1", "c2"])
CURRENCIES = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
PRICES = st.sampled_from(["0.00", "3.95", "5.95", "6.95"])


def carts(smallest: int = 1) -> st.SearchStrategy[Json]:
    lines = st.lists(st.sampled_from(GOODS), min_size=smallest, max_size=2, unique_by=str)
    costs = st.fixed_dictionaries(
        {}, optional={"fees": PRICES, "shipping_estimate": PRICES, "free_shipping_from": st.sampled_from(["50", "75"])}
    )
    return st.builds(
        lambda lines, name, currency, more: cart(*lines, cart_id=name) | {"currency": currency} | more,
        lines,
        NAMES,
        CURRENCIES,
        costs,
    )


def shippings() -> st.SearchStrategy[Json]:
    told = {"price": PRICES, "currency": CURRENCIES, "estimate": st.booleans()}
    return st.fixed_dictionaries(told, optional={"days": st.integers(1, 8)})


def orders() -> st.SearchStrategy[Json]:
    more = {
        "cart_id": st.sampled_from(["c1", "c2"]),
        "lines": st.lists(st.sampled_from(GOODS), min_size=1, max_size=2, unique_by=str),
        "total": st.sampled_from(["24.95", "31.90"]),
        "paid": st.booleans(),
    }
    return st.fixed_dictionaries({"id": st.sampled_from(["o1", "o1", "o2"])}, optional=more)


Sections = dict[str, st.SearchStrategy[object]]
HAPPENINGS: dict[str, tuple[Sections, Sections]] = {
    "cart_updated": ({"cart": carts()}, {}),
    "checkout_started": ({}, {"cart": carts()}),
    "checkout_step_viewed": ({"step": st.sampled_from(["contact", "shipping", "account"])}, {"cart": carts()}),
    "checkout_step_completed": ({"step": st.sampled_from(["contact", "shipping", "payment"])}, {"cart": carts()}),
    "shipping_shown": ({"shipping": shippings()}, {"cart": carts()}),
    "payment_failed": ({}, {}),
    "coupon_rejected": ({}, {}),
    "order_placed": ({"order": orders()}, {}),
    "order_paid": ({"order": orders()}, {}),
    "emptied": ({"cart": st.builds(lambda name: cart(cart_id=name), NAMES)}, {}),
}
OFTEN = ["cart_updated"] * 5 + ["shipping_shown"] * 2


@st.composite
def told_stories(draw: st.DrawFn) -> list[Event]:
    """Up to twelve tellings; a browser's events of one moment have an order of their own."""
    story = []
    for number in range(draw(st.integers(2, 12))):
        kind = draw(st.sampled_from([*OFTEN, *HAPPENINGS]))
        needed, optional = HAPPENINGS[kind]
        said: Json = draw(st.fixed_dictionaries(needed, optional=optional))
        trusted = draw(st.booleans())
        raw = {"id": f"event-{number:08}", "type": "cart_updated" if kind == "emptied" else kind} | said
        at = NOON + draw(MOMENTS)
        whole = msgspec.structs.replace(read_event(_dated(raw, at), trusted=trusted), seq=0 if trusted else number)
        story.append(whole)
    return story


def _dated(raw: Json, at: Millis) -> Json:
    return raw | {"at": to_iso(at)}


class Known(NamedTuple):
    """All that a rule, a mail or a report can see of it."""

    basket: object
    closed: object
    emptied_at: Millis | None
    orders: object
    left_because: Reason
    surprise: int
    stopped: bool
    other_costs: int


def known_of(visitor: Visitor) -> Known:
    basket = visitor.basket
    return Known(
        basket=basket and _without_own_name(basket),
        closed=visitor.closed and _without_own_name(visitor.closed),
        emptied_at=visitor.emptied_at,
        orders=[visitor.orders, visitor.ordered_at, sorted(visitor.order_ids), visitor.bought],
        left_because=why_left(visitor, None, Shop(), NOON + 3 * DAY),
        surprise=shipping_surprise(basket) if basket else 0,
        stopped=basket is not None and stopped_at_shipping(basket),
        other_costs=other_costs(basket) if basket else 0,
    )


def _without_own_name(told: Basket | Closed) -> Basket | Closed:
    """What we call a cart that the shop never named is nothing that anybody was told.

    And visits are counted as signs of life come in: what depends on them is no matter of the cart.
    """
    if isinstance(told, Closed):
        names = sorted(name for name in told.names if not name.startswith(OWN_CART))
        return msgspec.structs.replace(told, id="", also=names)
    return msgspec.structs.replace(told, id="" if told.id.startswith(OWN_CART) else told.id, visit=0)


def hear(visitor: Visitor, story: Sequence[Event]) -> Visitor:
    for event in story:
        apply(visitor, event, page_type="other")
        visitor = msgspec.msgpack.decode(msgspec.msgpack.encode(visitor), type=Visitor)
    return visitor


def in_the_order_of_time(story: list[Event]) -> list[Event]:
    return sorted(story, key=lambda event: (event.at, event.seq))


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Event], list[Event], set[int], int]:
    """A story, the way it arrives (some of it twice), which arrivals are a stand-in's, and when that is handed over."""
    story = draw(told_stories())
    again = draw(st.lists(st.sampled_from(story), max_size=3))
    arriving = draw(st.permutations([*story, *again]))
    strangers = draw(st.sets(st.integers(0, len(arriving) - 1)))
    return story, arriving, strangers, draw(st.integers(0, len(arriving)))


@settings(deadline=None, max_examples=200, derandomize=True)
@given(arrivals())
def test_what_is_known_in_the_end_does_not_depend_on_how_it_came(
    arrived: tuple[list[Event], list[Event], set[int], int],
) -> None:
    """Within its bounds: here the items of every cart are kept, and the stories are short."""
    story, arriving, strangers, handed_over_after = arrived
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents, "MAX_SHELVES", len(story))
        visitor = heard_by_two(arriving, strangers, handed_over_after)
    assert known_of(visitor) == known_of(hear(Visitor(), in_the_order_of_time(story)))


def heard_by_two(arriving: list[Event], strangers: set[int], handed_over_after: int) -> Visitor:
    """The visitor who hears the rest, and what the stand-in heard when that is handed over."""
    visitor, stand_in = Visitor(), Visitor()
    heard: set[tuple[bool, str]] = set()
    for number, event in enumerate(arriving):
        if number == handed_over_after:
            hand_over(stand_in, visitor)
        stranger = number in strangers and number < handed_over_after
        if (stranger, event.id) not in heard:  # of one visitor an event is heard once
            heard.add((stranger, event.id))
            if stranger:
                stand_in = hear(stand_in, [event])
            else:
                visitor = hear(visitor, [event])
    hand_over(stand_in, visitor)
    return visitor


@settings(deadline=None, max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.data_too_large])
@given(st.lists(told_stories(), min_size=5, max_size=6))
def test_what_a_long_story_forgets_first_makes_no_difference(parts: list[list[Event]]) -> None:
    story = in_the_order_of_time([event for part in parts for event in part])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carts_of_visitors, "MAX_STORY", 1_000)
        whole, heard = Visitor(), 0
        while heard < len(story) and len(whole.story) <= MAX_STORY:
            whole, heard = hear(whole, story[heard : heard + 1]), heard + 1
    visitor = hear(Visitor(), story[:heard])
    assert known_of(visitor) == known_of(whole)
    assert len(visitor.story) <= MAX_STORY
