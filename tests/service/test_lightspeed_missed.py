"""What no webhook told is found in Lightspeed's lists, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.clock import HOUR, MINUTE, SECOND, to_iso
from engine.errors import CallError, Unreadable
from engine.integration import News
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS
from tests.builders import Premises
from tests.service.lightspeed_house import (
    House,
    link,
    open_house,
    recorded,
)
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return open_house(premises, webshop, tmp_path, monkeypatch)


def has_orders(house: House, how_many: int) -> list[Json]:
    """The shop's orders, the newest first; a page of them holds those that changed since."""
    orders: list[Json] = []
    for number in range(how_many):
        at = to_iso(house.premises.hands.now - number * 10 * SECOND)
        own = {"id": 7000 - number, "createdAt": at, "updatedAt": at, "quote": False, "email": f"s{number}@example.nl"}
        orders.append(recorded("orders_paid") | own | {"customer": link("customers", str(100 + number))})

    def page(query: dict[str, str]) -> list[Json]:
        since = query.get("updated_at_min", "")
        found = [order for order in orders if str(order["updatedAt"]) >= since]
        size, number = int(query["limit"]), int(query["page"])
        return found[(number - 1) * size : number * size]

    house.webshop.lists["orders"] = page
    house.webshop.lists["quotes"] = house.webshop.lists["subscriptions"] = lambda query: []
    return orders


def orders_told(house: House) -> int:
    return len(house.premises.rows(EVENTS, type="order_placed"))


def test_orders_that_no_webhook_told_are_found_page_by_page(house: House) -> None:
    has_orders(house, 3)
    house.asks(polls=True)
    assert orders_told(house) == 3
    house.premises.later(HOUR)
    has_orders(house, 120)
    house.restart()
    house.asks(polls=True)
    asked = [each.query for each in house.webshop.asked if each.place == "orders"]
    assert [query["page"] for query in asked] == ["1", "1", "2", "3"]
    assert orders_told(house) == 120  # the three of before are told again, and count once


def test_what_changes_while_pages_are_read_is_found_by_the_next_round(house: House) -> None:
    orders = has_orders(house, 1)
    house.asks(polls=True)
    house.premises.later(HOUR)
    has_orders(house, 60)
    page = house.webshop.lists["orders"]

    def changing(query: dict[str, str]) -> list[Json]:
        found = page(query)
        if query["page"] == "1" and not orders[0].get("told"):
            orders[0]["told"] = True
            found[0]["status"], found[0]["updatedAt"] = "cancelled", to_iso(house.premises.hands.now + SECOND)
            return [order | {"status": "processing_awaiting_shipment"} for order in found]
        return found

    house.webshop.lists["orders"] = changing
    house.asks(polls=True)
    assert house.premises.rows(EVENTS, type="order_cancelled") == []
    house.premises.later(10 * MINUTE)
    house.asks(polls=True)
    assert len(house.premises.rows(EVENTS, type="order_cancelled")) == 1


def test_the_next_round_begins_by_the_platforms_own_clock(house: House) -> None:
    has_orders(house, 1)
    house.webshop.told_at = "Sat, 21 Nov 2026 12:00:00 GMT"
    house.asks(polls=True)
    [errand] = house.premises.rows(ERRANDS, what="orders")
    assert errand.cursor == "2026-11-21T11:59:00+00:00|1|"


def test_carts_that_no_webhook_told_are_looked_up_when_they_are_somebodys(house: House) -> None:
    has_orders(house, 0)
    house.has_a_cart()
    of_nobody = recorded("quotes_updated") | {"id": 5, "customer": False}
    house.webshop.lists["quotes"] = lambda query: [recorded("quotes_updated"), of_nobody]
    house.asks(polls=True)
    assert house.whose_cart().basket is not None
    assert "GET quotes/5" not in house.webshop.places()


def test_a_newsletter_that_no_webhook_told_is_found(house: House) -> None:
    has_orders(house, 0)
    asked_for = recorded("subscriptions_created") | {"id": 5, "email": "w@shopper.example", "isConfirmed": False}
    house.webshop.lists["subscriptions"] = lambda query: [recorded("subscriptions_created"), asked_for]
    house.asks(polls=True)
    [told] = house.premises.rows(EVENTS, type="consent_changed")
    assert "sanne.devries@example.nl" in str(told.body)


@pytest.mark.parametrize("what", ["orders", "quotes", "subscriptions"])
def test_what_is_no_list_is_no_answer_and_an_empty_one_is(house: House, what: str) -> None:
    made = house.lightspeed()
    with pytest.raises(CallError, match="no such place"):
        made.ask(what, "", LOOPBACK.ask)
    empty: list[Json] = [{what: []}, {what: False}]
    for nothing in empty:
        house.webshop.things[what] = nothing
        assert made.ask(what, "", LOOPBACK.ask).news == News()
    none: list[Json] = [{}, {what: "?"}, {"error": {"code": 7}}]
    for odd in none:
        house.webshop.things[what] = odd
        with pytest.raises(Unreadable, match="no list in it"):
            made.ask(what, "", LOOPBACK.ask)
