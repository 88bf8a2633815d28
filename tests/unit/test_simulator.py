"""The simulator's pure parts: a day is drawn from its seed, the weather from the day, and the check can fail."""

from __future__ import annotations

import socket
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from simulator.life import COMING, OPENS_AT, Happening, Kind, Life, Shopper, Story, live
from simulator.platform import Delivery, Manners, side, sides
from simulator.ports import KeptPort
from simulator.post import Answer, Letter
from simulator.promises import Mail, Seen, broken, lost
from simulator.weather import Weather, weather_of
from simulator.world import World

SEEDS = st.integers(0, 2**31)
DAYS = st.builds(live, SEEDS, st.integers(1, 60))
NEVER: Millis = 10 * 365 * DAY


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
        erased = shopper.story in (Story.ERASED, Story.ERASED_LATER)
        assert (world.checkout(shopper) is None) == erased
    assert {order.checkout.shopper for order in world.orders()} == {
        each.shopper for each in life.happenings if each.kind is Kind.ORDERED
    }
    assert all(order.checkout.total > order.checkout.subtotal for order in world.orders())


def test_a_few_shoppers_live_every_story() -> None:
    assert {shopper.story for shopper in live(1, len(Story)).shoppers} == set(Story)


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


# --- promises ---------------------------------------------------------------------------------------------------------

LIFE = live(1, len(Story))


def who(story: Story) -> Shopper:
    return next(shopper for shopper in LIFE.shoppers if shopper.story is story)


def of(shopper: Shopper, kind: Kind) -> Happening:
    return next(each for each in LIFE.happenings if each.shopper == shopper and each.kind is kind)


def letter(shopper: Shopper, kind: Kind, about: str, taken_at: Millis | None = None) -> Letter:
    body = shopper.email.encode()
    return Letter(of(shopper, kind), Delivery(kind, f"{about}:{shopper.number}", body), body, taken_at)


def mail(shopper: Shopper, at: Millis, rule: str = "cart-left", subject: str = "Your cart", text: str = "") -> Mail:
    return Mail(shopper.email, subject, text, rule, at)


def seen(*letters: Letter, mails: tuple[Mail, ...] = (), traces: frozenset[int] = frozenset()) -> Seen:
    return Seen(LIFE, letters, mails, {}, traces)


STOPS = [
    (Story.SHOCKED_RETURNS, Kind.ORDERED, "order"),
    (Story.UNPAID, Kind.ORDERED, "order"),
    (Story.EMPTIES, Kind.CART_EMPTIED, "checkout"),
    (Story.WITHDRAWS, Kind.CONSENT_WITHDRAWN, "consent"),
    (Story.ERASED, Kind.ERASURE_ASKED, "erasure"),
]


@pytest.mark.parametrize(("story", "kind", "about"), STOPS)
def test_a_mail_after_what_must_stop_it_breaks_a_promise(story: Story, kind: Kind, about: str) -> None:
    told = letter(who(story), kind, about, taken_at=OPENS_AT + HOUR)
    before, after = mail(who(story), OPENS_AT + HOUR), mail(who(story), OPENS_AT + HOUR + SECOND)
    assert not broken(seen(told, mails=(before,)))
    (problem,) = broken(seen(told, mails=(after,)))
    assert problem.startswith(f"{who(story).email} was mailed after the ")


def test_where_a_webhook_only_hints_there_is_time_to_ask_before_a_mail_is_too_late() -> None:
    told = letter(who(Story.WITHDRAWS), Kind.CONSENT_WITHDRAWN, "consent", taken_at=OPENS_AT)
    soon, next_day = (mail(who(Story.WITHDRAWS), OPENS_AT + hours * HOUR) for hours in (11, 24))
    assert not broken(replace(seen(told, mails=(soon,)), asks_back=True))
    assert broken(replace(seen(told, mails=(next_day,)), asks_back=True))


@pytest.mark.parametrize("story", [Story.NO_CONSENT, Story.NO_ADDRESS])
def test_a_mail_that_nobody_allowed_breaks_a_promise(story: Story) -> None:
    (problem,) = broken(seen(mails=(mail(who(story), NEVER),)))
    assert "without consent" in problem


def test_the_same_mail_twice_breaks_a_promise() -> None:
    twice = (mail(who(Story.LEAVES), NEVER), mail(who(Story.LEAVES), NEVER + DAY))
    (problem,) = broken(seen(mails=twice))
    assert "2 times" in problem
    assert not broken(seen(mails=(twice[0], replace(twice[1], subject="Shipping"))))


@pytest.mark.parametrize("story", [Story.LEAVES, Story.SHOCKED])
def test_a_left_cart_without_a_mail_breaks_a_promise_once_it_was_told(story: Story) -> None:
    told = letter(who(story), Kind.CONTACT_LEFT, "checkout", taken_at=OPENS_AT + HOUR)
    (problem,) = broken(seen(told))
    assert problem == f"{who(story).email} left a cart, may be mailed, and was not"
    assert not broken(seen(told, mails=(mail(who(story), NEVER),)))
    assert not broken(seen(replace(told, body=b"no address"), letter(who(story), Kind.CONTACT_LEFT, "checkout", 1)))[1:]


def test_other_shipping_costs_than_the_shopper_saw_break_a_promise() -> None:
    shopper = who(Story.SHOCKED)
    price = "7,95" if shopper.language == "nl" else "7.95"
    right = mail(shopper, NEVER, "unexpected-shipping", text=f"€ {price}")
    assert not broken(seen(mails=(right,)))
    (problem,) = broken(seen(mails=(replace(right, text="€ 6,57"),)))
    assert price in problem


def test_a_first_mail_about_something_else_than_the_shipping_costs_breaks_a_promise() -> None:
    shopper = who(Story.SHOCKED)
    filled_at, reminder = of(shopper, Kind.CART_CHANGED).at, mail(shopper, NEVER)
    late = letter(shopper, Kind.SHIPPING_CHOSEN, "checkout", taken_at=filled_at + 4 * HOUR)
    assert not broken(seen(late, mails=(reminder,)))
    (problem,) = broken(seen(replace(late, taken_at=filled_at + 3 * HOUR), mails=(reminder,)))
    assert "is not about the shipping costs" in problem


def test_a_mail_after_unsubscribing_breaks_a_promise() -> None:
    shopper = who(Story.UNSUBSCRIBES)
    after = replace(seen(mails=(mail(shopper, OPENS_AT + HOUR),)), unsubscribed={shopper.number: OPENS_AT})
    (problem,) = broken(after)
    assert "after unsubscribing" in problem
    assert not broken(replace(after, unsubscribed={shopper.number: OPENS_AT + 2 * HOUR}))


def test_a_link_to_another_cart_breaks_a_promise() -> None:
    shopper = who(Story.LEAVES)
    goods = frozenset((line.product.sku, line.quantity) for line in of(shopper, Kind.CART_CHANGED).lines)
    mailed = seen(mails=(replace(mail(shopper, NEVER), restore_url="https://bell.example/c/x"),))
    assert not broken(replace(mailed, restored={"https://bell.example/c/x": goods}))
    (problem,) = broken(replace(mailed, restored={"https://bell.example/c/x": frozenset([("INK", 9)])}))
    assert "another cart" in problem


def test_a_cart_that_was_shown_with_its_consent_is_promised_a_mail_too() -> None:
    shopper = who(Story.LEAVES)
    shown = {f"checkout:{shopper.number}": of(shopper, Kind.CONTACT_LEFT).at}
    assert not broken(replace(seen(), shown=shown))
    (problem,) = broken(replace(seen(), shown=shown, shown_tells_consent=True))
    assert problem.endswith("left a cart, may be mailed, and was not")


def test_a_trace_after_an_erasure_breaks_a_promise() -> None:
    shopper = who(Story.ERASED)
    (problem,) = broken(seen(traces=frozenset([shopper.number])))
    assert shopper.email in problem


def test_what_was_never_told_is_lost_until_something_later_tells_it() -> None:
    shopper = who(Story.BUYS)
    never = letter(shopper, Kind.ORDERED, "order")
    about = f"order:{shopper.number}"
    assert lost(seen(never)) == {about}
    assert broken(seen(never)) == [f"nothing tells Shopbell of {about}"]
    assert not lost(seen(never, letter(shopper, Kind.PAID, "order", taken_at=NEVER)))
    assert not lost(replace(seen(never), shown={about: never.happening.at}))
    assert not lost(seen(replace(never, withdrawn=True)))


@pytest.mark.parametrize("answer", [Answer(1, 401), Answer(1, 200, "quarantined")])
def test_a_delivery_that_is_not_understood_breaks_a_promise(answer: Answer) -> None:
    told = letter(who(Story.BUYS), Kind.ORDERED, "order", taken_at=NEVER)
    (problem,) = broken(seen(replace(told, answers=[answer])))
    assert "was refused" in problem


# --- ports ------------------------------------------------------------------------------------------------------------


def test_a_kept_port_is_the_servers_alone() -> None:
    kept = KeptPort()
    only_on_linux = pytest.raises(OSError, match="in use") if sys.platform == "linux" else nullcontext()
    with socket.socket() as stranger, only_on_linux:
        stranger.bind(("127.0.0.1", kept.number))
    for _ in range(2):  # it goes down, and comes up again
        with socket.create_server(("127.0.0.1", kept.number)), socket.create_connection(("127.0.0.1", kept.number)):
            pass
    kept.give_up()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", kept.number))
