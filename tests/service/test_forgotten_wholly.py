"""Where something of somebody who was forgotten could stay behind: shared browsers, names that nobody knew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from engine import deliver
from engine.cli import run
from engine.clock import HOUR
from engine.deliver import Deliverer
from engine.identify import hash_of
from engine.ids import stand_in_of
from engine.people import Person
from engine.store import errands, models, privacy_requests, quarantine
from engine.store.database import reading
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, EVENTS, IDENTITIES, ORDERS, PEOPLE, SUPPRESSIONS, VISITORS
from tests.parts import ReceivedMail, SmtpServer
from tests.service.doors import cart_updated, environment_for, happened, order_placed, page_viewed
from tests.service.platform import PlatformDoor, open_platform_door, result_of

ANNA, BOB = "anna.canary@shopper.example", "bob@neighbour.example"
CONSENT = {"email": True, "source": "checkout"}
CART, ORDER = "parrot:cart:canarycartcanary", "parrot:order:880088"


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    for name, value in environment_for(tmp_path, database_url).items():
        monkeypatch.setenv(name, value)
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


def kept(door: PlatformDoor, *traces: str) -> list[str]:
    """The rows in which one of the traces stands."""
    with reading(door.engine) as connection:
        tables = models.Base.metadata.tables.values()
        rows = [(table.name, str(tuple(row))) for table in tables for row in connection.execute(select(table))]
    return [f"{name}: {row}" for name, row in rows if any(trace in row.casefold() for trace in traces)]


def ask(door: PlatformDoor, **request: object) -> None:
    assert result_of(door.deliver(msgspec.json.encode({"kind": "erase"} | request), "asked")) == "accepted"


def is_known(door: PlatformDoor, visitor: str, email: str, **more: str) -> None:
    """The shop's server says who sits there."""
    told = happened("contact_given", visitor=visitor, email=email, consent=CONSENT) | more
    assert door.report(told).status_code == 202


# --- a browser that several people use --------------------------------------------------------------------------------


def test_of_a_shared_browser_only_what_she_did_there_goes(door: PlatformDoor) -> None:
    door.send(page_viewed("/canary-page"), cart_updated(cart_id="canary-cart"), visitor="family")
    is_known(door, "family", ANNA, name="Anna Canary")
    door.report(order_placed("canary-order", cart_id="canary-cart") | {"visitor": "family"})
    is_known(door, "family", BOB)
    door.send(page_viewed("/bobs-page"), cart_updated(cart_id="bobs-cart"), visitor="family")
    ask(door, email=ANNA)
    assert kept(door, "canary") == []
    assert kept(door, "bobs-page")
    assert kept(door, "bobs-cart")
    assert [row.person for row in door.rows(VISITORS, id="family")] == [row.id for row in door.rows(PEOPLE)]


def test_a_browser_that_she_came_back_to_and_left_again_says_nothing_of_her(door: PlatformDoor) -> None:
    for email in (ANNA, BOB, ANNA, BOB):
        is_known(door, "family", email)
    ask(door, email=ANNA)
    assert kept(door, "canary") == []
    assert kept(door, BOB)


def test_her_order_from_somebody_elses_browser_goes_and_he_stays(door: PlatformDoor) -> None:
    is_known(door, "bobs-browser", BOB)
    door.send(page_viewed("/bobs-page"), visitor="bobs-browser")
    door.say(
        order_placed("880088") | {"refs": [ORDER], "visitor": "bobs-browser"},
        happened("order_shipped", refs=[ORDER], order={"id": "880088"}),
    )
    ask(door, refs=[ORDER])
    assert kept(door, "880088") == []
    assert kept(door, "bobs-page")


# --- what nobody knew to be hers --------------------------------------------------------------------------------------


def test_what_a_stand_in_heard_before_her_browser_was_known_goes(door: PlatformDoor) -> None:
    door.say(happened("checkout_noted", refs=[CART], note="canary note"))
    stand_in = stand_in_of("ink", CART)
    assert door.rows(EVENTS, visitor=stand_in)
    door.send(cart_updated(cart_id="canary-cart") | {"refs": [CART]}, visitor="annas-phone")
    is_known(door, "annas-phone", ANNA)
    ask(door, email=ANNA)
    assert kept(door, "canary", stand_in) == []


def test_what_the_shops_server_told_of_her_without_saying_who_she_is_goes(door: PlatformDoor) -> None:
    assert door.report(happened("wish_list_shared", email=ANNA.upper(), note="canary")).status_code == 202
    assert door.report(happened("points_earned", customer_id="770077")).status_code == 202
    assert door.rows(PEOPLE) == []
    ask(door, email=ANNA, customer_id="770077")
    assert kept(door, "canary", "770077", "srv_") == []


def test_somebody_known_once_by_an_address_and_once_by_a_number_is_forgotten_as_both(door: PlatformDoor) -> None:
    is_known(door, "annas-phone", ANNA)
    door.report(happened("identified", visitor="annas-laptop", customer_id="770077", name="Canary"))
    assert len(door.rows(PEOPLE)) == 2
    ask(door, kind="export", email=ANNA, customer_id="770077", reference="7")
    waiting = [row for row in privacy_requests.everything(door.engine) if row.done_at is None]
    assert len({row.person for row in waiting}) == 2
    ask(door, email=ANNA, customer_id="770077")
    assert door.rows(PEOPLE) == []
    assert door.rows(IDENTITIES) == []
    assert kept(door, "canary", "770077") == []


def test_an_order_whose_number_a_strangers_browser_told_first_is_hers_and_goes_with_her(door: PlatformDoor) -> None:
    is_known(door, "mallorys-browser", "mallory@shopper.example")
    door.send(order_placed("880088", lines=[{"name": "Canary"}]), visitor="mallorys-browser")
    door.say(order_placed("880088", email=ANNA) | {"refs": [ORDER]})
    [order] = door.rows(ORDERS)
    [identity] = door.rows(IDENTITIES, value=hash_of("ink", ANNA))
    assert order.person == identity.person
    ask(door, email=ANNA)
    assert door.rows(ORDERS) == []


def test_by_hand_goes_as_much_as_by_the_platform(door: PlatformDoor) -> None:
    is_known(door, "annas-phone", ANNA, customer_id="770077")
    door.say(order_placed("880088", email=ANNA) | {"refs": [ORDER]})
    errands.plan(
        door.engine, "ink", "parrot", ["customer:770077", "order:880088:770077", "customer:7700770"], again=False
    )
    for body in (b'{"unreadable": "770077"}', b'{"order_id": 880088, "street": "Canary Lane"}'):
        assert result_of(door.deliver(body)) == "quarantined"
    assert run(["erase", ANNA, "--shop", "ink", "--yes"]) == 0
    assert [row.what for row in door.rows(ERRANDS)] == ["customer:7700770"]
    assert quarantine.everything(door.engine) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "Anna.Canary\\u0040shopper.example"}',
        b'{"a": "ANNA.CANARY@SHOPPER.EXAMPLE"}',
        b"email=anna.canary%40shopper.example&x=1",
        b'{"url": "https:\\/\\/x.example\\/?mail=anna.canary%40shopper.example"}',
        "<email>anna.canary@shopper.example</email>".encode("utf-8-sig"),
    ],
)
def test_whatever_could_not_be_read_is_searched_for_her_however_it_is_written(door: PlatformDoor, body: bytes) -> None:
    assert result_of(door.deliver(body)) == "quarantined"
    ask(door, email=ANNA)
    assert quarantine.everything(door.engine) == []


@pytest.mark.parametrize(
    "body", [b'{"to": "Older.Address\\u0040shopper.example"}', b"mail=older.address%40shopper.example"]
)
def test_an_address_that_she_had_before_is_known_by_its_hash(door: PlatformDoor, body: bytes) -> None:
    for browser, email in (("annas-phone", "older.address@shopper.example"), ("annas-laptop", ANNA)):
        is_known(door, browser, email, customer_id="770077")
    assert len(door.rows(PEOPLE)) == 1
    for told in (body, body.replace(b"lder", b"ldest")):
        assert result_of(door.deliver(told)) == "quarantined"
    ask(door, email=ANNA)
    assert [b"ldest" in left.delivery.body for left in quarantine.everything(door.engine)] == [True]


def test_a_reference_that_names_her_is_not_written_down(door: PlatformDoor) -> None:
    ask(door, customer_id="770077", reference="customer 770077 was deleted")
    ask(door, customer_id="770077", reference="request 12")
    assert [row.reference for row in privacy_requests.everything(door.engine)] == ["", "request 12"]


def test_an_export_that_nobody_gave_out_in_time_waits_no_longer(door: PlatformDoor) -> None:
    is_known(door, "annas-phone", ANNA)
    ask(door, kind="export", email=ANNA)
    ask(door, email=ANNA)
    assert [row.done_at is None for row in privacy_requests.everything(door.engine)] == [False, False]


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_a_delivery_that_comes_again_hours_later_brings_nobody_back(door: PlatformDoor) -> None:
    told = msgspec.json.encode({"events": [order_placed("880088", email=ANNA) | {"refs": [ORDER]}]})
    assert result_of(door.deliver(told, name="delivery-canary")) == "accepted"
    ask(door, email=ANNA)
    assert [result_of(door.deliver(told, name=name)) for name in ("delivery-canary", "another")] == ["duplicate"] * 2
    assert kept(door, "canary", "880088") == []
    assert door.rows(ORDERS) == []


def test_whoever_leaves_the_list_by_a_mail_from_before_is_not_mailed_when_they_come_back(door: PlatformDoor) -> None:
    is_known(door, "annas-phone", ANNA)
    [person] = door.rows(PEOPLE)
    address = hash_of("ink", ANNA)
    link = door.house.links.unsubscribe("ink", str(person.id), "dec_1", address).removeprefix(door.settings.public_url)
    ask(door, email=ANNA)
    assert door.client.post(link).status_code == 200
    is_known(door, "annas-phone-again", ANNA)
    assert [row.address for row in door.rows(SUPPRESSIONS)] == [address]
    [again] = door.rows(PEOPLE)
    assert msgspec.msgpack.decode(again.state, type=Person).unsubscribed_at is not None
    assert kept(door, "dec_1") == []


def test_whoever_came_back_first_can_leave_by_a_mail_from_before(door: PlatformDoor) -> None:
    is_known(door, "annas-phone", ANNA)
    [person] = door.rows(PEOPLE)
    link = door.house.links.unsubscribe("ink", str(person.id), "dec_1", hash_of("ink", ANNA))
    ask(door, email=ANNA)
    is_known(door, "annas-phone-again", ANNA)
    assert door.client.post(link.removeprefix(door.settings.public_url)).status_code == 200
    [again] = door.rows(PEOPLE)
    assert msgspec.msgpack.decode(again.state, type=Person).unsubscribed_at is not None


# --- a mail that is on its way ----------------------------------------------------------------------------------------


def owes_a_mail(door: PlatformDoor) -> str:
    """Anna's cart was left two hours ago; returns the mail's name."""
    cart = cart_updated(ago=2 * HOUR, cart_id="canary-cart") | {"visitor": "annas-phone"}
    given = happened("contact_given", ago=2 * HOUR, email=ANNA, consent=CONSENT) | {"visitor": "annas-phone"}
    door.say(cart, given)
    [mail] = door.rows(DELIVERIES)
    return str(mail.id)


def test_a_mail_that_a_worker_holds_does_not_leave_any_more(
    door: PlatformDoor, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = owes_a_mail(door)
    deliverer = Deliverer(door.engine, door.house.live, door.house.links, smtp_server.url)
    steps: list[str] = []

    def forgotten_in_between(step: str) -> None:
        steps.append(step)
        if step == "after-last-look":
            ask(door, email=ANNA)

    monkeypatch.setattr(deliver, "crash_point", forgotten_in_between)
    deliverer.deliver(mail)
    assert "after-last-look" in steps
    assert smtp_server.mails == []
    assert kept(door, "canary", mail) == []


def test_a_mail_that_has_left_in_that_moment_leaves_nothing_behind_here(
    door: PlatformDoor,
) -> None:
    def forgotten_when_it_arrives(_: ReceivedMail) -> str:
        ask(door, email=ANNA)
        return "250 OK"

    with SmtpServer(forgotten_when_it_arrives) as server:
        mail = owes_a_mail(door)
        Deliverer(door.engine, door.house.live, door.house.links, server.url).deliver(mail)
        assert [each.recipients for each in server.mails] == [(ANNA,)]
    assert kept(door, "canary", mail) == []
    assert Deliverer(door.engine, door.house.live, door.house.links, "smtp://127.0.0.1:9").deliver(mail) is None
