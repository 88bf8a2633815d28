"""Webhooks and the storefront script, registered with Lightspeed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.connect import Became, connect
from engine.errors import CallError
from tests.builders import Premises
from tests.service.lightspeed_house import (
    House,
    open_house,
)
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return open_house(premises, webshop, tmp_path, monkeypatch)


ADDRESS = "https://bell.example/hooks/lightspeed/vloei"


def connects(house: House) -> set[Became]:
    made = house.lightspeed(script_key="pk_vloei", address_key="a-long-random-text")
    return {step.became for step in connect(made, ADDRESS, LOOPBACK.ask)}


def test_every_topic_and_the_script_are_registered_once(house: House) -> None:
    assert connects(house) == {Became.MADE}
    hooks, [script] = house.webshop.registered["webhooks"], house.webshop.registered["shop/scripts"]
    assert {f"{hook['itemGroup']}/{hook['itemAction']}" for hook in hooks} == set(house.lightspeed().topics)
    [paid] = [hook for hook in hooks if hook["itemAction"] == "paid"]
    assert paid["address"] == f"{ADDRESS}?topic=orders/paid&key=a-long-random-text"
    assert (paid["isActive"], paid["format"], paid["language"]) == (True, "json", "nl")
    assert script["url"] == "https://bell.example/adapters/lightspeed.js?key=pk_vloei"
    assert connects(house) == {Became.STANDS}


def test_what_was_switched_off_or_stands_twice_is_mended_and_what_is_somebody_elses_is_left_alone(house: House) -> None:
    connects(house)
    hooks = house.webshop.registered["webhooks"]
    others: Json = {
        "id": 1,
        "isActive": False,
        "itemGroup": "orders",
        "itemAction": "*",
        "address": "https://x.example/",
    }
    hooks[0]["isActive"] = False
    hooks.extend([others, hooks[1] | {"id": 2}])
    theirs: Json = {"id": 3, "url": "https://x.example/chat.js", "body": None, "location": "body"}
    house.webshop.registered["shop/scripts"].append(theirs)
    assert connects(house) == {Became.MENDED, Became.REMOVED, Became.STANDS}
    assert connects(house) == {Became.STANDS}
    assert others in house.webshop.registered["webhooks"]
    assert theirs in house.webshop.registered["shop/scripts"]


def test_without_a_public_key_no_script_is_asked_for(house: House) -> None:
    connect(house.lightspeed(), ADDRESS, LOOPBACK.ask)
    assert not any("shop/scripts" in place for place in house.webshop.places())


def test_a_right_that_the_key_lacks_is_told_for_what_it_is(house: House) -> None:
    house.webshop.refuses["shop/scripts"] = 403
    with pytest.raises(CallError, match="is it on, with these rights"):
        connects(house)


def test_where_there_is_no_such_place_nothing_counts_as_made(house: House) -> None:
    house.webshop.refuses[""] = 404
    with pytest.raises(CallError, match="no such place"):
        connects(house)
    house.webshop.refuses.clear()
    house.webshop.refuses_to_make = 404
    with pytest.raises(CallError, match="no such place"):
        house.lightspeed().make(house.lightspeed().wanted(ADDRESS)[0], LOOPBACK.ask)
    assert house.webshop.registered["webhooks"] == []
