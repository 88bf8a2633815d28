"""What a simulated day is held to: each promise can be broken, and is told of in a sentence when it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.clock import DAY, HOUR, SECOND, Millis
from simulator.life import CAME, OPENS_AT, STORIES, Happening, Kind, Shopper, Story, live
from simulator.platform import Delivery
from simulator.post import Answer, Letter
from simulator.promises import Mail, Seen, broken, forgotten, lost, stopped, surprised

NEVER: Millis = 10 * 365 * DAY
LIFE = live(1, len(STORIES), days=2)


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
    right = mail(shopper, NEVER, "unexpected-shipping", text="€ 7,95")
    assert not broken(seen(mails=(right, replace(right, subject="In English", text="€7.95"))))
    (problem,) = broken(seen(mails=(replace(right, text="€ 6,57"),)))
    assert "does not name the shipping costs of 7.95" in problem


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


def test_a_mail_beside_the_platforms_own_breaks_a_promise() -> None:
    shopper = who(Story.REMINDED)
    mailed = mail(shopper, of(shopper, Kind.MAILED).at + SECOND)
    assert not broken(seen(mails=(mailed,)))
    (problem,) = broken(replace(seen(mails=(mailed,)), mails_itself=True))
    assert "after the platform had mailed" in problem


def test_where_the_platform_does_not_mail_a_cart_is_left_like_any_other() -> None:
    shopper = who(Story.REMINDED)
    told = seen(letter(shopper, Kind.CONTACT_LEFT, "checkout", taken_at=OPENS_AT))
    assert not broken(replace(told, mails_itself=True))
    (problem,) = broken(told)
    assert problem == f"{shopper.email} left a cart, may be mailed, and was not"


def came_back(*, known: bool = True) -> tuple[Letter, ...]:
    """Everything that is told of somebody who waits for something sold out, and that it is there again."""
    shopper = who(Story.WAITS)
    back = next(each for each in LIFE.happenings if each.kind is Kind.STOCKED and each.lines[0] == CAME)
    stock = Letter(back, Delivery("stock", f"stock:{back.number}", b"{}"), b"{}", back.at if known else None)
    page = [Letter(of(shopper, kind), None, b"{}", of(shopper, kind).at) for kind in (Kind.LOOKED, Kind.SIGNED_UP)]
    return (*page, stock)


def test_whoever_waits_for_something_that_is_back_must_hear_of_it() -> None:
    shopper, told = who(Story.WAITS), came_back()
    news = mail(shopper, OPENS_AT + DAY, "back-in-stock")
    (problem,) = broken(seen(*told))
    assert problem == f"{shopper.email} waited for something that is back, and was not told"
    assert not broken(seen(*told, mails=(news,)))
    assert not broken(replace(seen(*came_back(known=False)), tells_once=frozenset(["stock"])))


def test_news_of_what_is_not_back_or_was_not_missed_breaks_a_promise() -> None:
    early = mail(who(Story.WAITS), OPENS_AT, "back-in-stock")
    stranger = mail(who(Story.NO_ADDRESS), OPENS_AT + DAY, "back-in-stock")
    assert any("which was not missed" in problem for problem in broken(seen(mails=(early,))))
    assert any("which was not missed" in problem for problem in broken(seen(mails=(stranger,))))


def test_whoever_has_it_for_two_days_must_be_asked_and_nobody_sooner() -> None:
    shopper = who(Story.BUYS)
    brought_at = of(shopper, Kind.DELIVERED).at
    told = (
        letter(shopper, Kind.CONTACT_LEFT, "checkout", taken_at=OPENS_AT),
        letter(shopper, Kind.DELIVERED, "order", taken_at=brought_at),
    )
    asked = mail(shopper, brought_at + 2 * DAY, "effort-survey")
    (problem,) = broken(seen(*told))
    assert problem == f"{shopper.email} has it for two days, and was not asked how it went"
    assert not broken(seen(*told, mails=(asked,)))
    (problem,) = broken(seen(*told, mails=(replace(asked, at=asked.at - HOUR),)))
    assert "before it could be said" in problem
    assert not broken(replace(seen(*told), life=live(1, len(STORIES))))  # that day is over before two days are


def test_whoever_has_not_paid_must_be_helped_and_nobody_who_has() -> None:
    shopper, pays = who(Story.UNPAID), who(Story.PAYS_LATER)
    told = (
        letter(shopper, Kind.CONTACT_LEFT, "checkout", taken_at=OPENS_AT),
        letter(shopper, Kind.ORDERED, "order", taken_at=OPENS_AT + HOUR),
    )
    (problem,) = broken(seen(*told))
    assert problem == f"{shopper.email} has not paid yet, and was not helped"
    assert not broken(seen(*told, mails=(mail(shopper, OPENS_AT + 2 * HOUR, "unpaid-order"),)))
    paid = letter(pays, Kind.PAID, "order", taken_at=OPENS_AT + HOUR)
    before, after = (mail(pays, OPENS_AT + hours * HOUR, "unpaid-order") for hours in (1, 2))
    assert not broken(seen(paid, mails=(before,)))
    (problem,) = broken(seen(paid, mails=(after,)))
    assert problem == f"{pays.email} was asked to pay what was paid"


def test_a_webhook_that_is_missing_in_the_end_breaks_a_promise() -> None:
    (problem,) = broken(replace(seen(), silent=frozenset(["orders/create"])))
    assert problem == "the platform sends nothing about orders/create any more"


def test_what_nobody_asks_for_is_lost_with_its_webhook_and_no_broken_promise() -> None:
    never = Letter(LIFE.happenings[0], Delivery("variants/updated", "stock:101", b"{}"), b"{}")
    assert lost(seen(never)) == {"stock:101"}
    assert not lost(replace(seen(never), tells_once=frozenset(["stock"])))


def test_the_table_counts_only_what_was_right() -> None:
    shocked, returns, erased = who(Story.SHOCKED), who(Story.SHOCKED_RETURNS), who(Story.ERASED)
    right = mail(shocked, NEVER, "unexpected-shipping", text="7,95")
    assert surprised(seen(mails=(right,))) == [right]
    assert surprised(seen(mails=(replace(right, text="6,57"),))) == []
    assert returns in stopped(seen())
    assert returns not in stopped(seen(mails=(mail(returns, NEVER),)))
    assert erased in forgotten(seen())
    assert erased not in forgotten(seen(traces=frozenset([erased.number])))
