"""Whose are the events that a platform tells? Found by the names it has for carts, checkouts and orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import HOUR, MINUTE, Millis
from engine.events import parse_event
from engine.people import Person
from engine.store.unit import ALIASES, CARTS, EVENTS, ORDERS, PEOPLE, VISITORS
from engine.visitors import Visitor
from engine.vocabulary import translate
from tests.service.doors import Json, answer_of, cart_updated, happened, page_viewed
from tests.service.platform import PlatformDoor, open_platform_door

CHECKOUT = "parrot:checkout:3d58ad45d661cd34d882fda5c68a36b8"
CART = "parrot:cart:hWN1exampleCartToken"
NUMBER = "parrot:checkout_name:35481578000032"
ORDER = "parrot:order:1001"
ANNA = "0b9f6a1e-1f2b-4c3d-8e5f-123456789abc"


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


def checkout(*refs: str, ago: Millis = 0, quantity: int = 2, cart_id: str = "c1", **fields: object) -> Json:
    lines = [{"sku": "INK-1", "name": "Ink", "quantity": quantity, "price": "24.95"}]
    cart = {"id": cart_id, "currency": "EUR", "lines": lines}
    return happened("checkout_started", ago=ago, refs=list(refs), cart=cart) | fields


def order(*refs: str, ago: Millis = 0, order_id: str = "1001", **fields: object) -> Json:
    body = {"id": order_id, "total": "49.90", "currency": "EUR", "email": "anna@shopper.example"}
    return happened("order_placed", ago=ago, refs=list(refs), order=body | fields)


def state(door: PlatformDoor, visitor: str) -> Visitor:
    [row] = door.rows(VISITORS, shop="ink", id=visitor)
    return msgspec.msgpack.decode(row.state, type=Visitor)


def visitors(door: PlatformDoor) -> list[str]:
    return [row.id for row in door.rows(VISITORS, shop="ink")]


def open_carts(door: PlatformDoor) -> list[str]:
    return [name for name in visitors(door) if state(door, name).basket is not None]


def test_a_checkout_that_names_its_visitor_is_that_visitors(door: PlatformDoor) -> None:
    door.send(page_viewed(), visitor=ANNA)
    assert door.say(checkout(CHECKOUT, CART, visitor=ANNA)) == "accepted"
    assert visitors(door) == [ANNA]
    basket = state(door, ANNA).basket
    assert basket is not None
    assert (basket.id, basket.total) == ("c1", 4990)


def test_what_comes_after_is_found_by_any_of_its_names(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, CART, visitor=ANNA))
    door.say(order(CART, ORDER))
    door.say(happened("order_delivered", refs=[ORDER], order={"id": "1001"}))
    assert visitors(door) == [ANNA]
    assert [(row.visitor, row.cart) for row in door.rows(ORDERS)] == [(ANNA, "c1")]
    [bought] = state(door, ANNA).bought
    assert bought.delivered_at is not None


def test_a_checkout_of_nobody_known_has_a_stand_in_and_its_order_finds_it(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, CART))
    [stand_in] = visitors(door)
    assert stand_in.startswith("hook_")
    door.say(order(CHECKOUT, ORDER))
    assert visitors(door) == [stand_in]
    assert open_carts(door) == []


def test_in_one_delivery_each_event_finds_what_the_one_before_it_told(door: PlatformDoor) -> None:
    door.say(
        checkout(CHECKOUT, visitor=ANNA),
        order(CHECKOUT, ORDER),
        happened("order_paid", refs=[ORDER], order={"id": "1001"}),
    )
    assert visitors(door) == [ANNA]


def test_once_the_browser_is_known_the_stand_ins_cart_is_its(door: PlatformDoor) -> None:
    door.say(checkout(CART, ago=HOUR, cart_id="c1"))
    [stand_in] = visitors(door)
    door.say(checkout(CART, CHECKOUT, ago=MINUTE, visitor=ANNA, cart_id="c1"))
    assert open_carts(door) == [ANNA]
    assert [row.visitor for row in door.rows(CARTS)] == [ANNA]
    assert {row.visitor for row in door.rows(ALIASES)} == {ANNA}
    door.say(order(CART, ORDER))
    assert open_carts(door) == []
    assert [row.visitor for row in door.rows(ORDERS)] == [ANNA]
    assert state(door, stand_in).orders == 0


def test_two_stand_ins_are_one_once_the_platform_names_both_in_one_breath(door: PlatformDoor) -> None:
    """A poll tells a checkout by its number, a late webhook by its cart; only then something tells both."""
    door.say(checkout(NUMBER, ago=HOUR, cart_id="by-number"))
    door.say(checkout(CART, ago=2 * HOUR, cart_id="by-token"))
    assert len(open_carts(door)) == 2
    door.say(checkout(CHECKOUT, CART, NUMBER, ago=MINUTE, cart_id="by-token"))
    [stand_in] = open_carts(door)
    assert {(row.visitor, row.cart) for row in door.rows(ALIASES)} == {(stand_in, "by-token")}
    door.say(order(NUMBER, ORDER))
    assert open_carts(door) == []


def test_a_browser_goes_before_a_stand_in_whichever_is_named_first(door: PlatformDoor) -> None:
    door.say(checkout(NUMBER, ago=HOUR, cart_id="by-number"))
    door.say(checkout(CART, ago=HOUR, visitor=ANNA, cart_id="c1"))
    door.say(checkout(NUMBER, CART, ago=MINUTE, cart_id="c1"))
    assert open_carts(door) == [ANNA]
    assert {row.visitor for row in door.rows(ALIASES)} == {ANNA}


def test_the_same_checkout_told_by_the_page_and_by_the_platform_is_one(door: PlatformDoor) -> None:
    on_page = cart_updated(cart_id="from-the-page", ago=MINUTE) | {"refs": [CHECKOUT]}
    door.send(on_page, visitor=ANNA)
    door.say(checkout(CHECKOUT, CART, cart_id="from-the-platform"))
    assert visitors(door) == [ANNA]
    basket = state(door, ANNA).basket
    assert basket is not None
    assert basket.id == "from-the-page"
    assert [row.id for row in door.rows(CARTS)] == ["from-the-page"]
    [told] = door.rows(EVENTS, type="checkout_started")
    assert '"from-the-page"' in told.body
    assert "from-the-platform" not in told.body


def test_a_page_that_names_a_stand_ins_checkout_is_its_browser(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, ago=MINUTE))
    door.send(happened("checkout_started", refs=[CHECKOUT]), visitor=ANNA)
    assert open_carts(door) == [ANNA]


@pytest.mark.parametrize("ref", [ORDER, "parrot:checkout:7", "parrot:customer:0123456789abcdef"])
def test_a_name_that_can_be_guessed_proves_nothing_when_a_page_says_it(door: PlatformDoor, ref: str) -> None:
    door.send(page_viewed() | {"refs": [ref]}, visitor="somebody-else")
    door.say(order(ref))
    assert [row.visitor for row in door.rows(ORDERS)] != ["somebody-else"]


def test_a_page_takes_no_checkout_from_another_browser(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, visitor=ANNA))
    door.send(page_viewed() | {"refs": [CHECKOUT]}, visitor="somebody-else")
    door.say(order(CHECKOUT))
    assert [row.visitor for row in door.rows(ORDERS)] == [ANNA]


@pytest.mark.parametrize(
    "named", ["hook_0123456789", "srv_0123456789", "x", "", "a b c d e f", "-" * 20, 7, None, "é" * 10]
)
def test_a_visitor_that_no_browser_can_be_called_is_not_believed(door: PlatformDoor, named: object) -> None:
    assert door.say(checkout(CHECKOUT, visitor=named)) == "accepted"
    [found] = visitors(door)
    assert found.startswith("hook_")
    assert found != named


def test_an_order_wins_over_its_checkout_however_late_that_comes(door: PlatformDoor) -> None:
    """A platform repeats for four hours, with what was true four hours ago."""
    door.say(order(CHECKOUT, CART, ORDER, ago=4 * HOUR))
    door.say(checkout(CHECKOUT, CART, ago=4 * HOUR + MINUTE))
    door.say(checkout(CART, ago=3 * HOUR))
    assert open_carts(door) == []
    assert [row.status for row in door.rows(CARTS)] == []


def test_what_happened_earlier_does_not_undo_what_happened_later(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, ago=MINUTE, quantity=3))
    door.say(checkout(CHECKOUT, ago=HOUR, quantity=1))
    [only] = visitors(door)
    basket = state(door, only).basket
    assert basket is not None
    assert basket.items[0].quantity == 3


def test_somebody_known_by_address_is_one_person_on_every_browser(door: PlatformDoor) -> None:
    consent = {"email": True, "text": "ja", "source": "checkout"}
    given = happened("contact_given", email="anna@shopper.example", consent=consent)
    door.send(given, cart_updated(cart_id="c9"), visitor=ANNA)
    door.say(checkout(CHECKOUT, ago=MINUTE) | {"type": "contact_given", "email": "Anna@Shopper.example "})
    assert len({row.person for row in door.rows(VISITORS)}) == 1
    [row] = door.rows(PEOPLE)
    assert msgspec.msgpack.decode(row.state, type=Person).email == "anna@shopper.example"


def test_whoever_turns_out_to_have_the_cart_is_the_person_whose_it_was_said_to_be(door: PlatformDoor) -> None:
    """The platform was first, and told the address; the page tells the cart's name last, and nothing more comes."""
    consent = {"email": True, "text": "ja", "source": "checkout"}
    given = happened("contact_given", email="anna@shopper.example", consent=consent)
    door.say(checkout(CHECKOUT), given | {"refs": [CHECKOUT]})
    door.send(cart_updated(cart_id="c2") | {"refs": [CHECKOUT]}, visitor=ANNA)
    [person] = door.rows(PEOPLE)
    assert {row.id: row.person for row in door.rows(VISITORS)}[ANNA] == person.id
    assert open_carts(door) == [ANNA]


def test_a_browser_of_somebody_else_stays_theirs_whatever_cart_it_names(door: PlatformDoor) -> None:
    door.send(happened("contact_given", email="bea@shopper.example"), visitor=ANNA)
    before = {row.id: row.person for row in door.rows(VISITORS)}[ANNA]
    door.say(checkout(CHECKOUT), happened("contact_given", email="anna@shopper.example", refs=[CHECKOUT]))
    door.send(cart_updated(cart_id="c2") | {"refs": [CHECKOUT]}, visitor=ANNA)
    assert {row.id: row.person for row in door.rows(VISITORS)}[ANNA] == before


def test_a_cart_about_which_the_platform_has_mailed_stays_so_when_its_browser_is_known(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT), happened("reminder_sent", refs=[CHECKOUT]))
    door.send(cart_updated(cart_id="c2") | {"refs": [CHECKOUT]}, visitor=ANNA)
    assert state(door, ANNA).reminded == ["c1"]


def test_a_cart_in_another_vocabulary_keeps_its_body_and_gets_its_name_beside_it(door: PlatformDoor) -> None:
    door.say(checkout(CHECKOUT, CART, visitor=ANNA))
    line = {"title": "Ink", "quantity": 3, "variant": {"id": "1", "price": {"amount": "24.95", "currencyCode": "EUR"}}}
    body = {"checkout": {"token": "t", "currencyCode": "EUR", "lineItems": [line]}}
    theirs = happened("checkout_started", refs=[CHECKOUT], data=body)
    assert answer_of(door.send(theirs, visitor=ANNA))["accepted"] == 1
    basket = state(door, ANNA).basket
    assert basket is not None
    assert (basket.id, basket.total) == ("c1", 7485)
    [kept] = [row for row in door.rows(EVENTS, shop="ink") if row.id == theirs["id"]]
    told = msgspec.json.decode(kept.body)
    assert (told["cart_id"], told["data"]) == ("c1", body)
    again = parse_event(translate(told | {"visitor": ANNA}), received_at=0, skew_ms=0, currency="EUR", trusted=False)
    assert again.cart is not None
    assert (again.cart.id, again.cart.total) == ("c1", 7485)
