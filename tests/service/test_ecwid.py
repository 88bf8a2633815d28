"""An Ecwid store's life, through the real door and its real API: a webhook says where to look, the API what is true."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.decisions import Guard
from engine.integration import Json
from engine.messages import DeliveryState
from engine.store import privacy_requests, quarantine
from engine.store.errands import ERRANDS
from engine.store.unit import CARTS, DELIVERIES, EVENTS, ORDERS
from tests.parts import SmtpServer
from tests.service.doors import error_code, order_placed
from tests.service.ecwid_shop import Shop, is_left, open_shop, words_of
from tests.service.ecwid_store import (
    ADDRESS,
    CART,
    date_of,
    its_order,
    left_cart,
    signature_of,
    webhook,
)
from tests.service.story import HELP_TO_PAY

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, database_url: str, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, monkeypatch, smtp.url) as opened:
        yield opened


@pytest.fixture
def unpaid(tmp_path: Path, database_url: str, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An order has waited two hours for its payment, and the mail about it is owed."""
    with open_shop(tmp_path, database_url, monkeypatch, smtp.url, HELP_TO_PAY) as opened:
        opened.store.there["orders/XJ12H"] = its_order(7_200)
        opened.hears("order.created", 103878161, orderId="XJ12H")
        opened.asks()
        assert [row.state for row in opened.rows(DELIVERIES)] == ["scheduled"]
        yield opened


# --- the mail ---------------------------------------------------------------------------------------------------------


def test_a_cart_left_after_unexpected_shipping_becomes_the_mail_with_what_it_cost(shop: Shop, smtp: SmtpServer) -> None:
    is_left(shop)
    assert f"carts/{CART}" in shop.store.asked
    assert shop.rung == [row.id for row in shop.rows(DELIVERIES)]
    assert shop.delivers() == [DeliveryState.SENT]
    [mail] = smtp.wait_for_mails(1)
    assert mail.recipients == (ADDRESS,)
    words = words_of(mail.content)
    assert all(told in words for told in ("6,95", "€ 30,00", "Koptelefoon"))


def test_without_a_single_webhook_the_clock_finds_the_same_cart(shop: Shop) -> None:
    shop.store.there[f"carts/{CART}"] = left_cart()
    shop.asks()
    assert [row.state for row in shop.rows(DELIVERIES)] == ["scheduled"]
    before = len(shop.rows(EVENTS))
    shop.hears("unfinished_order.created", orderId="RA1SD", cartId=CART)
    shop.asks()
    assert f"carts/{CART}" in shop.store.asked
    assert len(shop.rows(EVENTS)) == before, "told once by the list and once by its name, it is one cart"


def test_a_cart_is_not_looked_at_before_it_had_time_to_become_an_order(shop: Shop) -> None:
    shop.store.there[f"carts/{CART}"] = left_cart(60)
    shop.hears("unfinished_order.created", orderId="RA1SD", cartId=CART)
    shop.asks_at_once()
    assert shop.rows(CARTS) == [], "neither by its name nor in the list"
    assert f"carts/{CART}" not in shop.store.asked


@pytest.mark.parametrize("answer", [None, False])
def test_without_consent_nobody_is_mailed(shop: Shop, answer: bool | None) -> None:
    is_left(shop, acceptMarketing=answer)
    assert shop.rows(DELIVERIES) == []
    assert len(shop.rows(CARTS)) == 1


# --- what stops it ----------------------------------------------------------------------------------------------------


def test_an_order_in_time_stops_it_whether_paid_or_not(shop: Shop) -> None:
    is_left(shop)
    shop.store.there["orders/XJ12H"] = its_order()
    assert shop.hears("order.created", 103878161, orderId="XJ12H") == "accepted"
    shop.asks()
    assert [row.state for row in shop.rows(DELIVERIES)] == ["cancelled"]
    assert [row.id for row in shop.rows(ORDERS)] == ["XJ12H"]


def test_an_order_on_the_shops_page_stops_it_while_the_api_is_away(shop: Shop) -> None:
    is_left(shop)
    assert [row.state for row in shop.rows(DELIVERIES)] == ["scheduled"]
    shop.store.refuse_with = 503, {}
    shop.send(order_placed("XJ12H", cart_id=CART) | {"refs": [f"ecwid:cart:{CART}"]}, visitor="visitor-of-the-page")
    assert [row.state for row in shop.rows(DELIVERIES)] == ["cancelled"]
    shop.store.refuse_with = None
    shop.store.there["orders/XJ12H"] = its_order()
    shop.hears("order.created", 103878161, orderId="XJ12H")
    shop.asks()
    [order] = shop.rows(ORDERS)
    assert (order.id, order.visitor, order.total) == ("XJ12H", "visitor-of-the-page", 3695)


def test_a_webhook_of_the_cart_that_comes_after_its_order_starts_nothing_again(shop: Shop) -> None:
    is_left(shop)
    shop.store.there["orders/XJ12H"] = its_order()
    shop.store.there[f"carts/{CART}"] |= {"recoveredOrderId": 103878161}
    shop.store.there["orders/103878161"] = shop.store.there["orders/XJ12H"]
    shop.hears("order.created", 103878161, orderId="XJ12H")
    shop.asks()
    for event in ("unfinished_order.updated", "unfinished_order.created", "unfinished_order.deleted"):
        shop.hears(event, orderId="RA1SD", cartId=CART)
        shop.asks()
    assert {row.state for row in shop.rows(DELIVERIES)} == {"cancelled"}
    assert "open" not in {row.status for row in shop.rows(CARTS)}


def test_a_cart_without_an_address_is_nobodys_to_mail_and_open_all_the_same(shop: Shop) -> None:
    is_left(shop, email=None, customerId=None)
    assert shop.rows(DELIVERIES) == []
    assert [row.status for row in shop.rows(CARTS)] == ["open"]


def test_a_cart_that_became_an_order_of_another_address_is_closed_by_its_name(shop: Shop) -> None:
    is_left(shop)
    shop.store.there[f"carts/{CART}"] = left_cart(400, recoveredOrderId=103878161)
    shop.store.there["orders/103878161"] = its_order(email="an.other@example.nl", customerId=None, updateTimestamp=1)
    shop.hears("unfinished_order.updated", orderId="RA1SD", cartId=CART)
    shop.asks()
    assert set(shop.delivers()) <= {DeliveryState.CANCELLED, None}
    assert [(row.id, row.cart) for row in shop.rows(ORDERS)] == [("XJ12H", CART)]


def test_ecwids_own_mail_stops_ours(shop: Shop) -> None:
    is_left(shop)
    shop.store.there[f"carts/{CART}"] |= {"recoveryEmailSentTimestamp": date_of(60)}
    shop.asks()
    assert shop.delivers() == [DeliveryState.CANCELLED]
    assert [row.result for row in shop.rows(DELIVERIES)] == [Guard.REMINDED.value]


def test_about_a_cart_for_which_ecwid_has_mailed_before_nothing_is_planned(shop: Shop) -> None:
    is_left(shop, recoveryEmailSentTimestamp=date_of(86_400))
    assert shop.rows(DELIVERIES) == []


def test_a_cart_that_the_shop_has_hidden_is_let_go(shop: Shop) -> None:
    is_left(shop)
    shop.store.there[f"carts/{CART}"] = left_cart(400, hidden=True)
    shop.hears("unfinished_order.deleted", orderId="RA1SD", cartId=CART)
    shop.asks()
    assert set(shop.delivers()) <= {DeliveryState.CANCELLED, None}


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, ""),
        ({"paymentStatus": "PAID"}, "paid says ecwid"),
        ({"paymentStatus": "CANCELLED"}, "order_cancelled says ecwid"),
        (None, "order_cancelled says ecwid"),
    ],
)
def test_a_mail_that_asks_to_pay_leaves_only_while_the_order_waits(
    unpaid: Shop, smtp: SmtpServer, changes: Json | None, result: str
) -> None:
    if changes is None:
        del unpaid.store.there["orders/XJ12H"]
    else:
        unpaid.store.there["orders/XJ12H"] |= changes
    outcome = unpaid.delivers()
    if result:
        assert (outcome, [row.result for row in unpaid.rows(DELIVERIES)]) == ([DeliveryState.CANCELLED], [result])
        return
    assert outcome == [DeliveryState.SENT]
    [mail] = smtp.wait_for_mails(1)
    words = words_of(mail.content)
    assert [each for each in ("Koptelefoon", "€ 6,95", "€ 36,95") if each not in words] == []


# --- who may speak ----------------------------------------------------------------------------------------------------


def test_a_forged_body_changes_nothing(shop: Shop) -> None:
    """Its signature covers neither the event, nor the thing, nor anything about it."""
    shop.store.there[f"carts/{CART}"] = left_cart()
    real = webhook("unfinished_order.updated", -1)
    lies: Json = {"items": [], "email": "mallory@example.com", "cartId": CART, "hints": {"asked": "carts"}}
    claims = ("api.carts", "order.created", "product.updated", "customer.updated", "application.uninstalled")
    for event in (*claims, "profile.personalDataRemovalRequest"):
        forged = real | lies | {"eventType": event, "entityId": 4711, "eventId": webhook("x")["eventId"]}
        assert shop.hook(forged | {"data": {"orderId": "LIES", **lies}}).status_code == 200
    shop.asks()
    assert "mallory" not in shop.everything()
    assert {row.type for row in shop.rows(EVENTS)} == {
        "cart_updated",
        "checkout_started",
        "shipping_shown",
        "contact_given",
    }, "what the list of carts says, and nothing else"
    assert privacy_requests.everything(shop.engine) == []


def test_the_same_id_counts_once_whatever_stands_around_it(shop: Shop) -> None:
    told = webhook("customer.updated", 5001)
    assert shop.hook(told).get_json() == {"result": "accepted"}
    for entity in (5001, 6006):
        assert shop.hook(told | {"entityId": entity}).get_json() == {"result": "duplicate"}
    assert "customer:6006" not in [row.what for row in shop.rows(ERRANDS)]


def test_around_one_signature_only_one_body_is_set_aside(shop: Shop) -> None:
    """Whoever got hold of a delivery could fill the quarantine otherwise."""
    told = webhook("customer.updated", "nobody")
    for number in range(5):
        for event in ("customer.updated", "product.created"):
            odd = told | {"eventType": event, "data": {"filler": "x" * number}}
            assert shop.hook(odd).get_json() == {"result": "quarantined"}
    assert len(quarantine.everything(shop.engine)) == 1
    shop.hook(webhook("customer.updated", "nobody"))
    assert len(quarantine.everything(shop.engine)) == 2


def test_after_two_days_a_signature_is_worth_nothing(shop: Shop) -> None:
    day = 24 * 60 * 60
    results = [shop.hook(webhook("customer.updated", n, ago_s=n * day)).get_json()["result"] for n in (1, 3)]
    assert results == ["accepted", "stale"]
    assert [row.what for row in shop.rows(ERRANDS)] == ["customer:1"]


@pytest.mark.parametrize("headers", [{}, {"X-Ecwid-Webhook-Signature": ""}, {"X-Ecwid-Webhook-Signature": "x"}])
def test_without_a_good_signature_nothing_is_looked_at(shop: Shop, headers: dict[str, str]) -> None:
    assert error_code(shop.hook(webhook("customer.updated"), headers=headers), 401) == "bad_signature"
    assert shop.rows(ERRANDS) == []


def test_ecwid_follows_no_redirect_so_there_is_none(shop: Shop) -> None:
    for path in ("ecwid/ink/", "ecwid//ink", "Ecwid/ink", "ecwid/none"):
        answer = shop.client.post(f"/hooks/{path}", data=b"{}")
        assert 400 <= answer.status_code < 500, path


_NAMES = st.sampled_from(["X-Ecwid-Webhook-Signature", "Content-Type", "Content-Encoding", "X-Other"])
_TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)
_FIELDS = st.sampled_from(["eventId", "eventCreated", "storeId", "entityId", "eventType", "data"])
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([-1, "order.created"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["orderId", "cartId", "x"]), inner),
    max_leaves=6,
)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_comes_to_the_door_is_never_an_error_of_ours(shop: Shop, data: st.DataObject) -> None:
    told = webhook("order.created", 7, data={"orderId": "XJ12H"}) | data.draw(
        st.dictionaries(_FIELDS, _VALUES, max_size=3)
    )
    whole = json.dumps(told).encode()
    body = data.draw(st.just(whole) | st.binary(max_size=60) | st.binary(max_size=9).map(lambda bytes_: whole + bytes_))
    right = {"X-Ecwid-Webhook-Signature": signature_of(told)}
    headers = data.draw(st.just(right) | st.dictionaries(_NAMES, _TEXT, max_size=3))
    query = data.draw(
        st.dictionaries(st.sampled_from(["eventtype", "eventType", "x"]), st.text(max_size=20), max_size=2)
    )
    answer = shop.client.post("/hooks/ecwid/ink", data=body, headers=headers, query_string=query)
    assert answer.status_code in (200, 401, 413, 415), answer.get_data(as_text=True)
    assert shop.rows(EVENTS) == []


# --- how it is asked --------------------------------------------------------------------------------------------------


def test_whoever_asked_too_much_is_left_alone_by_every_question(shop: Shop) -> None:
    shop.store.refuse_with = 429, {"Retry-After": "30"}
    shop.hears("customer.updated", 5001)
    shop._errands.run()
    assert len(shop.store.asked) == 1, "the first answer was for all of them"
    assert {row.due_at for row in shop.rows(ERRANDS)} == {shop.hands.now + 30_000}
    assert {row.attempt for row in shop.rows(ERRANDS)} == {0}


def test_a_shop_that_counts_its_stock_anew_costs_one_question(shop: Shop) -> None:
    for number in range(1, 31):
        about: Json = {"id": number, "sku": f"INK-{number}", "name": "Ink", "enabled": True, "quantity": number}
        shop.store.there[f"products/{number}"] = about | {"updateTimestamp": int(time.time())}
        shop.hears("product.updated", number)
    shop.store.there["products/7"] |= {"price": "veel"}
    del shop.store.there["products/8"]
    shop.asks_at_once()
    assert sorted(place for place in shop.store.asked if place.startswith("products")) == [
        "products",
        "products/7",
        "products/8",
    ]
    told = shop.rows(EVENTS, type="stock_changed")
    assert len(told) == 28
    assert 'shopbell_quarantined{integration="ecwid",shop="ink"} 1.0' in shop.client.get("/metrics").text


def test_an_answer_that_leads_elsewhere_is_not_followed(shop: Shop) -> None:
    shop.store.refuse_with = 302, {"Location": f"{shop.store.url}/1003/orders"}
    shop._errands.run()
    assert {row.problem for row in shop.rows(ERRANDS)} == {"Ecwid answered 302"}
    assert len(shop.store.asked) == 3


def test_one_cart_that_nobody_can_read_holds_up_none_of_the_others(shop: Shop) -> None:
    shop.store.there["carts/odd"] = left_cart(cartId="odd", subtotal="veel")
    shop.store.there[f"carts/{CART}"] = left_cart()
    shop.asks()
    assert [row.id for row in shop.rows(CARTS)] == [CART]
    assert 'shopbell_quarantined{integration="ecwid",shop="ink"} 1.0' in shop.client.get("/metrics").text
