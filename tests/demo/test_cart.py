"""The cart is counted on the server; whatever a browser claims about it is a wish."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from demo import visit as visits
from demo.catalogue import PRODUCTS
from demo.visit import COOKIE, Visit
from tests.demo.walk import facts_of, put_in_cart, text_of


def test_two_bottles_and_a_lamp_cost_what_they_cost(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt", 2)
    put_in_cart(shopper, "lamp-veer")
    text = text_of(shopper, "/demo/nl/cart")
    assert "€ 29,00" in text
    assert "Artikelen € 158,00" in text
    assert "6,95" not in text  # delivery is not mentioned before its step


def test_the_same_product_twice_is_one_line(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    put_in_cart(shopper, "kobalt", 2)
    assert "3 in je winkelmand" in shopper.get("/demo/nl/").text


@pytest.mark.parametrize("wish", ["-3", "0", "1e3", "٣", "", "99999", "1; drop"])
def test_an_odd_quantity_puts_nothing_into_the_cart(shopper: FlaskClient, wish: str) -> None:
    shopper.post("/demo/nl/cart/add", data={"product": "kobalt", "quantity": wish})
    assert "nog leeg" in text_of(shopper, "/demo/nl/cart")


def test_nobody_gets_more_than_there_is(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "lamp-veer", 500)
    assert "9 in je winkelmand" in shopper.get("/demo/nl/").text


def test_a_price_sent_along_changes_nothing(shopper: FlaskClient) -> None:
    shopper.post("/demo/nl/cart/add", data={"product": "kobalt", "quantity": "1", "price": "0.01"})
    assert "Artikelen € 14,50" in text_of(shopper, "/demo/nl/cart")


def test_an_unknown_product_cannot_be_added_or_changed(shopper: FlaskClient) -> None:
    for act in ("add", "change"):
        assert shopper.post(f"/demo/nl/cart/{act}", data={"product": "<b>", "quantity": "1"}).status_code == 404


def test_lines_change_and_the_cart_empties(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt", 2)
    shopper.post("/demo/nl/cart/change", data={"product": "kobalt", "quantity": "4"})
    assert "Artikelen € 58,00" in text_of(shopper, "/demo/nl/cart")
    shopper.post("/demo/nl/cart/clear")
    cart = facts_of(shopper, "/demo/nl/cart")["cart"]
    assert isinstance(cart, dict)
    assert (cart["lines"], cart["total"], cart["currency"]) == ([], "0.00", "EUR")


def test_shopbell_is_told_the_whole_cart_with_absolute_addresses(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "schrift-a5", 3)
    cart = facts_of(shopper, "/demo/en/")["cart"]
    assert isinstance(cart, dict)
    assert (cart["total"], cart["currency"]) == ("56.85", "EUR")
    assert cart["lines"] == [
        {
            "id": "schrift-a5",
            "product_id": "schrift-a5",
            "sku": "VL-S-05",
            "name": "Notebook A5",
            "variant": "Sewn, 120 pages",
            "quantity": 3,
            "price": "18.95",
            "url": "http://localhost/demo/en/product/schrift-a5",
            "image_url": "http://localhost/demo/static/img/schrift-a5.png",
            "category": "Paper",
            "brand": "Vloei",
        }
    ]


def test_a_forged_cookie_is_an_empty_cart(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    cookie = shopper.get_cookie(COOKIE, path="/demo")
    assert cookie is not None
    assert cookie.http_only
    for forged in (cookie.value[:-2] + "xx", "e30.x.y", "", "\x00"):
        shopper.set_cookie(COOKIE, forged, path="/demo")
        assert "nog leeg" in text_of(shopper, "/demo/nl/cart")


def test_a_form_from_another_site_is_refused(shopper: FlaskClient) -> None:
    data = {"product": "kobalt", "quantity": "1"}
    away = shopper.post("/demo/nl/cart/add", data=data, headers={"Origin": "https://evil.example"})
    here = shopper.post("/demo/nl/cart/add", data=data, headers={"Origin": "http://localhost"})
    assert (away.status_code, here.status_code) == (403, 303)


# --- a saved cart comes back ------------------------------------------------------------------------------------------


def merge(shopper: FlaskClient, lines: list[dict[str, object]]) -> int:
    return shopper.post("/demo/nl/cart/merge", data=json.dumps({"lines": lines})).status_code


def test_a_saved_cart_joins_the_present_one_with_the_higher_quantity(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt", 3)
    put_in_cart(shopper, "mos", 1)
    saved: list[dict[str, object]] = [{"product_id": "kobalt", "quantity": 2}, {"product_id": "mos", "quantity": 4}]
    assert merge(shopper, [*saved, {"id": "roest", "quantity": 1}]) == 303
    text = text_of(shopper, "/demo/nl/cart")
    assert "Je bewaarde winkelmand staat weer klaar." in text
    assert "8 in je winkelmand" in shopper.get("/demo/nl/").text
    assert "staat weer klaar" not in text_of(shopper, "/demo/nl/cart")  # said once


def test_what_cannot_come_back_is_named_and_hostile_names_are_not_repeated(shopper: FlaskClient) -> None:
    merge(shopper, [{"product_id": "nacht", "quantity": 1}, {"product_id": "<img src=x>", "quantity": 1}])
    page = shopper.get("/demo/nl/cart").text
    assert "niet terugzetten: Nacht, iets dat we niet meer verkopen." in page
    assert "<img src=x>" not in page


@pytest.mark.parametrize("body", [b"", b"[]", b'{"lines": 1}', b'{"lines": [{"quantity": "1"}]}', b"{" * 70_000])
def test_a_torn_saved_cart_is_refused(shopper: FlaskClient, body: bytes) -> None:
    assert shopper.post("/demo/nl/cart/merge", data=body).status_code == 400


def test_merging_never_takes_away() -> None:
    visit = Visit(cart_id="c", cart={"kobalt": 5})
    assert visits.merge(visit, {"kobalt": -1, "lamp-veer": 10**9}) == []
    assert visit.cart == {"kobalt": 5, "lamp-veer": PRODUCTS["lamp-veer"].stock}
