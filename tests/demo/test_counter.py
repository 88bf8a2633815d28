"""The switch behind the counter: the shop says who is there, in Shopbell's words."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from demo.counter import Counter, ShopbellServer
from tests.demo.conftest import SECRET, Shopbell


@pytest.mark.parametrize(("press", "number", "says"), [("yes", 1, "Sanne is er"), ("no", 0, "Er is nu niemand")])
def test_the_switch_tells_shopbell_and_shows_what_it_told(
    shopper: FlaskClient, shopbell: Shopbell, press: str, number: int, says: str
) -> None:
    assert "Nog niet doorgegeven" in shopper.get("/demo/nl/").text
    answer = shopper.post("/demo/counter", data={"open": press, "next": "/demo/nl/help/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/demo/nl/help/")
    [request] = shopbell.heard
    assert (request.path, request.authorization) == ("/v1/events", f"Bearer {SECRET}")
    [event] = request.body["events"]
    assert set(event) == {"id", "type", "at", "agents"}  # about nobody, so no visitor
    assert event["type"] == "agents_changed"
    assert event["agents"] == {"online": number}
    assert uuid.UUID(str(event["id"])).version == 4
    assert datetime.fromisoformat(str(event["at"])).utcoffset() == timedelta(0)
    assert says in shopper.get("/demo/nl/").text


def test_a_script_gets_the_new_state_as_data(shopper: FlaskClient) -> None:
    answer = shopper.post("/demo/counter", data={"open": "yes"}, headers={"Accept": "application/json"})
    assert answer.get_json() == {"open": True}


@pytest.mark.parametrize("status", [401, 429, 503])
def test_what_shopbell_did_not_take_is_not_shown_as_told(shopper: FlaskClient, shopbell: Shopbell, status: int) -> None:
    shopbell.status = status
    shopper.post("/demo/counter", data={"open": "yes"})
    assert "Nog niet doorgegeven" in shopper.get("/demo/nl/").text


@pytest.mark.parametrize(
    "wish",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/demo/nl/\\..", "/console/", "/demo/nl/\r\nX: y"],
)
def test_the_switch_leads_back_into_this_shop_only(shopper: FlaskClient, wish: str) -> None:
    answer = shopper.post("/demo/counter", data={"open": "yes", "next": wish})
    assert answer.headers["Location"] == "/demo/"


def test_another_site_cannot_press_the_switch(shopper: FlaskClient, shopbell: Shopbell) -> None:
    for origin in ("https://evil.example", "null"):
        assert shopper.post("/demo/counter", data={"open": "no"}, headers={"Origin": origin}).status_code == 403
    assert shopbell.heard == []


def test_several_processes_show_the_same_state(shopbell: Shopbell, tmp_path: Path) -> None:
    server = ShopbellServer(shopbell.address, SECRET)
    one, other = (Counter(server, tmp_path / "counter") for _ in range(2))
    said = [other.open, one.switch(True), other.open, one.switch(False), other.open]
    assert said == [None, True, True, True, False]
