"""The simulator's pure parts: a day is drawn from its seed, the weather from the day, and every story can be lived."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from simulator.life import COMING, OPENS_AT, STORIES, Kind, Life, Story, live
from simulator.platform import Delivery, Manners, side, sides
from simulator.weather import Weather, weather_of
from simulator.world import World

SEEDS = st.integers(0, 2**31)
DAYS = st.builds(live, SEEDS, st.integers(1, 60))


# --- life and world ---------------------------------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 60))
def test_the_same_seed_is_the_same_day(seed: int, count: int) -> None:
    assert live(seed, count) == live(seed, count)


@given(DAYS)
def test_everything_happens_in_order_between_opening_and_the_end(life: Life) -> None:
    moments = [happening.at for happening in life.happenings]
    assert moments == sorted(moments)
    assert life.begins_at <= moments[0]
    assert moments[-1] < life.ends_at - 4 * HOUR
    assert all(each.at <= OPENS_AT + COMING for each in life.happenings if each.kind is Kind.LOOKED)


@given(DAYS)
def test_everybody_is_somebody_else(life: Life) -> None:
    assert len({shopper.email for shopper in life.shoppers}) == len(life.shoppers)
    browsers = [shopper.visitor for shopper in life.shoppers if shopper.visitor]
    assert len(set(browsers)) == len(browsers)


@given(DAYS)
def test_every_story_can_be_lived(life: Life) -> None:
    world = World()
    for happening in life.happenings:
        world.take(happening)
    for shopper in life.shoppers:
        without = shopper.story in (Story.ERASED, Story.ERASED_LATER, Story.WAITS)
        assert (world.checkout(shopper) is None) == without
    assert {order.checkout.shopper for order in world.orders()} == {
        each.shopper for each in life.happenings if each.kind is Kind.ORDERED
    }
    assert all(order.checkout.total > order.checkout.subtotal for order in world.orders())


def test_a_few_shoppers_live_every_story() -> None:
    assert {shopper.story for shopper in live(1, len(STORIES)).shoppers} == set(STORIES)


# --- the sides --------------------------------------------------------------------------------------------------------


def test_who_nobody_has_written_is_not_there() -> None:
    assert "shopify" in sides()
    with pytest.raises(KeyError):
        side("etsy")


@pytest.mark.parametrize("name", sides())
def test_a_side_tells_the_same_twice(name: str) -> None:
    """What is sent follows from the day, so that a repeat is one."""
    days = []
    for _ in range(2):
        world, told = World(), []
        platform = side(name)(lambda: OPENS_AT)
        for happening in live(7, 20).happenings:
            world.take(happening)
            told.append(platform.deliveries(happening, world))
        days.append(told)
    assert days[0] == days[1]
    assert any(days[0])


# --- weather ----------------------------------------------------------------------------------------------------------

WEATHERS = st.builds(weather_of, SEEDS, st.just(OPENS_AT))
DELIVERIES = st.builds(
    Delivery,
    topic=st.sampled_from(["checkouts/update", "orders/create"]),
    about=st.sampled_from(["checkout:1", "order:2", "erasure:3", "consent:4"]),
    body=st.just(b"{}"),
)
MOMENTS = st.integers(OPENS_AT, OPENS_AT + DAY)


@given(WEATHERS, DELIVERIES, MOMENTS)
def test_nothing_is_sent_before_it_happened_nor_long_after(weather: Weather, delivery: Delivery, at: Millis) -> None:
    sent = weather.sendings(delivery, at, Manners())
    assert sent == sorted(sent)
    assert all(at < moment <= at + 5 * HOUR for moment in sent)


@given(WEATHERS, DELIVERIES, MOMENTS)
def test_only_a_platform_that_is_away_sends_nothing_and_never_forgets_rights(
    weather: Weather, delivery: Delivery, at: Millis
) -> None:
    assert bool(weather.sendings(delivery, at, Manners())) or (
        weather.platform_away.covers(at) and delivery.about.startswith(("checkout", "order"))
    )


def test_a_day_has_everything_that_weather_can_do() -> None:
    sky, manners = weather_of(1, OPENS_AT), Manners(soon=(SECOND, 2 * SECOND))
    sent = [
        (at, sky.sendings(Delivery("t", f"checkout:{number}", b""), at, manners))
        for number, at in enumerate(range(OPENS_AT, OPENS_AT + 6 * HOUR, MINUTE))
    ]
    delays = [moments[0] - at for at, moments in sent if moments]
    assert any(not moments for _, moments in sent)
    assert max(delays) > 2 * MINUTE
    assert any(len(moments) > 1 and moments[1] - moments[0] < MINUTE for _, moments in sent)
    assert any(moments and moments[-1] - moments[0] == 4 * HOUR for _, moments in sent)
    assert sum(sky.storms_at in moments for _, moments in sent) > 30
