"""The way to the till: one step after the other, delivery priced at its own step, an order both sides hear of."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from demo import DemoSettings
from tests.demo.conftest import SECRET, Shopbell, make_app
from tests.demo.walk import ADDRESS, CONTACT, facts_of, put_in_cart, text_of, walk_to_payment

VISITOR = "0b9f4a1c-0000-4000-8000-000000000001"
PAY = {"payment": "ideal", "visitor": VISITOR}


@pytest.mark.parametrize(("step", "first"), [("contact", "/cart"), ("payment", "/cart"), ("thanks", "/cart")])
def test_an_empty_cart_cannot_be_paid_for(shopper: FlaskClient, step: str, first: str) -> None:
    assert shopper.get(f"/demo/nl/checkout/{step}").headers["Location"] == f"/demo/nl{first}"
    assert shopper.post("/demo/nl/checkout/payment", data=PAY).headers["Location"] == "/demo/nl/cart"


def test_steps_cannot_be_skipped(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    answer = shopper.post("/demo/nl/checkout/payment", data=PAY)
    assert answer.headers["Location"] == "/demo/nl/checkout/contact"


def test_the_price_of_delivery_appears_at_its_step_and_not_before(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    for step, form in (("contact", CONTACT), ("address", ADDRESS)):
        assert "6,95" not in text_of(shopper, f"/demo/nl/checkout/{step}")
        shopper.post(f"/demo/nl/checkout/{step}", data=form)
    text = text_of(shopper, "/demo/nl/checkout/shipping")
    assert "Totaal € 21,45" in text
    assert "€ 9,95" in text
    shown = facts_of(shopper, "/demo/nl/checkout/shipping")["shipping"]
    assert isinstance(shown, dict)
    assert shown["standard"] == {
        "price": "6.95",
        "currency": "EUR",
        "method": "Gewone bezorging",
        "tax_included": True,
        "estimate": False,
    }
    assert shown["evening"]["price"] == "9.95"


def test_evening_delivery_is_part_of_the_total(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    walk_to_payment(shopper, "evening")
    assert "Bestellen en € 24,45 betalen" in text_of(shopper, "/demo/nl/checkout/payment")


def test_an_address_is_told_only_with_the_shoppers_own_tick(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    assert "checked" not in shopper.get("/demo/nl/checkout/contact").text
    shopper.post("/demo/nl/checkout/contact", data={**CONTACT, "may_mail": ""})
    assert "contact" not in facts_of(shopper, "/demo/nl/checkout/address")
    shopper.post("/demo/nl/checkout/contact", data=CONTACT)
    contact = facts_of(shopper, "/demo/nl/checkout/address")["contact"]
    assert contact == {
        "email": "noor@example.com",
        "name": "Noor de Wit",
        "language": "nl",
        "consent": {
            "email": True,
            "text": "Vloei mag mij mailen als ik mijn bestelling niet afmaak. Ik kan me met één klik afmelden.",
            "source": "checkout",
        },
    }


@pytest.mark.parametrize(
    "email", ["", "noor", "noor@", "a@b", "a@b.nl\r\nBcc: x@y.nl", "<a@b.nl>", "a" * 300 + "@b.nl"]
)
def test_a_wrong_address_is_explained_and_what_was_typed_stays(shopper: FlaskClient, email: str) -> None:
    put_in_cart(shopper, "kobalt")
    answer = shopper.post("/demo/nl/checkout/contact", data={"name": "Noor", "email": email})
    assert answer.status_code == 422
    assert "Vul een e-mailadres in" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="Noor"' in answer.text


@pytest.mark.parametrize(("field", "value"), [("street", "Kade"), ("postcode", "0123 AB"), ("city", " ")])
def test_a_wrong_delivery_address_is_explained(shopper: FlaskClient, field: str, value: str) -> None:
    put_in_cart(shopper, "kobalt")
    shopper.post("/demo/nl/checkout/contact", data=CONTACT)
    answer = shopper.post("/demo/nl/checkout/address", data={**ADDRESS, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_what_shoppers_type_is_text_and_never_markup(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    hostile = "</script><script>alert(1)</script>{{7*7}}"
    walk_to_payment(shopper, contact={**CONTACT, "name": hostile})
    pages = [shopper.get(f"/demo/nl/checkout/{step}").text for step in ("contact", "address")]
    shopper.post("/demo/nl/checkout/payment", data=PAY)
    pages.append(shopper.get("/demo/nl/checkout/thanks").text)
    for page in pages:
        assert "<script>alert" not in page
        assert "alert(1)" in page
    assert "{{7*7}}" in pages[-1]


def test_a_declined_card_keeps_the_cart_and_is_told(shopper: FlaskClient, shopbell: Shopbell) -> None:
    put_in_cart(shopper, "kobalt")
    walk_to_payment(shopper)
    answer = shopper.post("/demo/nl/checkout/payment", data={"payment": "card"})
    assert answer.status_code == 422
    assert "Er is niets afgeschreven" in answer.text
    assert '"failed": {"attempt": "' in answer.text
    assert shopbell.events == []
    assert "Artikelen € 14,50" in text_of(shopper, "/demo/nl/cart")


@pytest.mark.parametrize(("step", "form"), [("shipping", {"method": "drone"}), ("payment", {"payment": "gold"})])
def test_a_choice_that_was_not_offered_is_refused(shopper: FlaskClient, step: str, form: dict[str, str]) -> None:
    put_in_cart(shopper, "kobalt")
    walk_to_payment(shopper)
    assert shopper.post(f"/demo/nl/checkout/{step}", data=form).status_code == 422


def test_an_order_is_confirmed_from_the_server_with_the_secret_key(shopper: FlaskClient, shopbell: Shopbell) -> None:
    put_in_cart(shopper, "kobalt", 2)
    cart = facts_of(shopper, "/demo/nl/cart")["cart"]
    assert isinstance(cart, dict)
    walk_to_payment(shopper)
    assert shopper.post("/demo/nl/checkout/payment", data=PAY).headers["Location"] == "/demo/nl/checkout/thanks"
    [request] = shopbell.heard
    assert (request.path, request.authorization) == ("/v1/events", f"Bearer {SECRET}")
    [event] = request.body["events"]
    assert (event["type"], event["visitor"], event["email"]) == ("order_placed", VISITOR, "noor@example.com")
    order = event["order"]
    assert isinstance(order, dict)
    assert (order["total"], order["shipping"], order["cart_id"]) == ("35.95", "6.95", cart["id"])
    told = facts_of(shopper, "/demo/nl/checkout/thanks")["order"]
    assert told == {"id": event["id"], "order": order}  # the browser says the same about the same order
    assert "Totaal € 35,95" in text_of(shopper, "/demo/nl/checkout/thanks")


def test_after_the_order_a_new_cart_begins(shopper: FlaskClient) -> None:
    put_in_cart(shopper, "kobalt")
    before = facts_of(shopper, "/demo/nl/cart")["cart"]
    walk_to_payment(shopper)
    shopper.post("/demo/nl/checkout/payment", data=PAY)
    after = facts_of(shopper, "/demo/nl/cart")["cart"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["lines"] == []
    assert after["id"] != before["id"]


@pytest.mark.parametrize("visitor", ["", "x", "../../etc", "a" * 65, '"><b>'])
def test_a_visitor_number_that_is_none_is_left_out(shopper: FlaskClient, shopbell: Shopbell, visitor: str) -> None:
    put_in_cart(shopper, "kobalt")
    walk_to_payment(shopper)
    shopper.post("/demo/nl/checkout/payment", data={**PAY, "visitor": visitor})
    [event] = shopbell.events
    assert "visitor" not in event


def test_a_shopper_does_not_notice_that_shopbell_is_away(caplog: pytest.LogCaptureFixture) -> None:
    shopper = make_app(DemoSettings(secret_key=SECRET, server_endpoint="http://127.0.0.1:9")).test_client()
    put_in_cart(shopper, "kobalt")
    walk_to_payment(shopper)
    shopper.post("/demo/nl/checkout/payment", data=PAY)
    assert "is binnen" in text_of(shopper, "/demo/nl/checkout/thanks")
    assert "did not hear about order_placed" in caplog.text
    assert SECRET not in caplog.text
    assert "noor@example.com" not in caplog.text


def test_the_secret_key_never_follows_the_host_header(shopbell: Shopbell) -> None:
    shopper = make_app(DemoSettings(secret_key=SECRET)).test_client()
    host = shopbell.address.removeprefix("http://")
    shopper.post("/demo/counter", data={"open": "yes"}, headers={"Host": host})
    assert shopbell.heard == []
