"""A Shopify shop's life as its webhooks tell it: what is mailed, what stops it, and what must not start again."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY, HOUR, MINUTE
from engine.intake import Outcome
from engine.messages import DeliveryState
from engine.store import privacy, privacy_requests
from engine.store.unit import CARTS, DELIVERIES, EVENTS, ORDERS, VISITORS
from tests.builders import SURPRISE, Premises, rule_set
from tests.parts import SmtpServer
from tests.service.shopify_shop import ADDRESS, HEAD, VISITOR, Body, Shop, body_of, open_shop


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def shop(premises: Premises, tmp_path: Path, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(premises, tmp_path, monkeypatch, SURPRISE, smtp_url=smtp.url)


def words_of(mail: bytes) -> str:
    message = email.message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\xa0", " ")


# --- the mail ---------------------------------------------------------------------------------------------------------


def test_a_cart_left_after_unexpected_shipping_becomes_the_mail_with_what_it_cost(shop: Shop, smtp: SmtpServer) -> None:
    assert shop.delivers("checkouts/create", shop.checkout(shipping_lines=[], email=None)) is Outcome.ACCEPTED
    shop.premises.later(MINUTE)
    assert shop.delivers("checkouts/update", shop.checkout()) is Outcome.ACCEPTED
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    [delivery] = shop.premises.rows(DELIVERIES)
    assert delivery.visitor == VISITOR
    assert shop.deliverer.deliver(str(delivery.id)) is DeliveryState.SENT
    [mail] = smtp.wait_for_mails(1)
    assert mail.recipients == (ADDRESS,)
    words = words_of(mail.content)
    assert "6,95" in words
    assert "Koptelefoon" in words
    assert "€ 30,00" in words


@pytest.mark.parametrize(
    ("case", "currency", "total", "shipping"),
    [("no_decimals", "JPY", 4980, 1130), ("three_decimals", "KWD", 9950, 2305)],
)
def test_money_has_the_decimals_of_its_currency(
    shop: Shop, case: str, currency: str, total: int, shipping: int
) -> None:
    shop.delivers("checkouts/update", body_of(case) | {"created_at": shop.at(MINUTE), "updated_at": shop.at()})
    basket = shop.premises.visitor(VISITOR).state.basket
    assert basket is not None
    assert (basket.currency, basket.total, basket.shipping_now) == (currency, total, shipping)


def test_without_consent_or_address_nobody_is_mailed(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout(buyer_accepts_marketing=False))
    shop.delivers("checkouts/update", shop.checkout(email=None, token="t2", cart_token="c2", note_attributes=[]))
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []


def test_a_shock_without_an_address_is_answered_by_chat_and_by_no_mail(shop: Shop) -> None:
    """Shipping can be told before anybody has said who they are; theme carts never say."""
    chat = "name: chat\nwhen: [unexpected_shipping: {at_least: 3.00}]\nthen: [invite: Can I help?]"
    shop.premises.use(rule_set(SURPRISE, chat, head=HEAD % ""))
    shop.premises.post("page_viewed", VISITOR, page={"url": "https://voorbeeld.example/cart", "type": "cart"})
    shop.delivers("checkouts/create", shop.checkout(email=None, customer=None, shipping_lines=[], ago=MINUTE))
    shop.delivers("checkouts/update", shop.checkout(email=None, customer=None))
    shop.premises.later(1_000)
    [message] = shop.premises.post("checked_in", VISITOR, engaged_ms=1_000).messages
    assert msgspec.json.decode(message)["kind"] == "invite"
    shop.premises.later(2 * HOUR)
    shop.looks_again()
    assert {row.kind for row in shop.premises.rows(DELIVERIES)} == {"invite"}


def test_consent_that_is_taken_back_in_the_admin_stops_the_mail(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    consent = {"state": "unsubscribed", "opt_in_level": None, "consent_updated_at": shop.at()}
    body: Body = {"customer_id": 603851970716743400, "email_address": ADDRESS, "email_marketing_consent": consent}
    assert shop.delivers("customers_email_marketing_consent/update", body) is Outcome.ACCEPTED
    [delivery] = shop.premises.rows(DELIVERIES)
    assert shop.deliverer.deliver(str(delivery.id)) is DeliveryState.CANCELLED


# --- what stops it ----------------------------------------------------------------------------------------------------


def test_an_order_in_time_stops_it_whether_paid_or_not(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    shop.premises.later(30 * MINUTE)
    assert shop.delivers("orders/create", shop.order()) is Outcome.ACCEPTED
    shop.premises.later(DAY)
    assert shop.looks_again() == []
    assert [(row.visitor, row.cart) for row in shop.premises.rows(ORDERS)] == [(VISITOR, "hWN1exampleCartToken")]


def test_an_order_at_the_last_moment_cancels_the_mail_that_is_owed(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    shop.delivers("orders/create", shop.order())
    assert [row.state for row in shop.premises.rows(DELIVERIES)] == ["cancelled"]


def test_a_retry_four_hours_old_after_the_order_starts_nothing(shop: Shop) -> None:
    """Shopify repeats for four hours, with the body as it was."""
    before = shop.checkout()
    shop.premises.later(5 * MINUTE)
    shop.delivers("orders/create", shop.order())
    shop.premises.later(4 * HOUR)
    assert shop.delivers("checkouts/update", before) is Outcome.ACCEPTED
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []
    assert [row.status for row in shop.premises.rows(CARTS)] == []


def test_a_storm_in_any_order_is_one_story(shop: Shop) -> None:
    first, second = shop.checkout(ago=2 * MINUTE, shipping_lines=[]), shop.checkout(ago=MINUTE)
    order = shop.order()
    storm = [
        ("orders/paid", order),
        ("checkouts/update", second),
        ("orders/create", order),
        ("checkouts/create", first),
    ]
    outcomes = [shop.delivers(topic, body) for topic, body in [*storm, *storm, *storm[::-1]]]
    assert outcomes[:4] == [Outcome.ACCEPTED] * 4
    assert set(outcomes[4:]) == {Outcome.DUPLICATE}
    placed = shop.premises.rows(EVENTS, type="order_placed")
    assert [row.visitor for row in placed] == [VISITOR]
    assert shop.premises.visitor(VISITOR).state.orders == 1
    shop.premises.later(DAY)
    assert shop.looks_again() == []


def test_the_same_webhook_id_is_heard_once(shop: Shop) -> None:
    outcomes = [shop.delivers("orders/create", shop.order(ago=ago), name="one") for ago in (0, MINUTE)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.DUPLICATE]


# --- what people ask --------------------------------------------------------------------------------------------------


def the_customer() -> Body:
    return {"id": 603851970716743400, "email": ADDRESS, "phone": None}


def test_redaction_removes_every_trace(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    shop.delivers("checkouts/update", shop.checkout(line_items="what nobody can read"))
    shop.premises.later(2 * HOUR)
    shop.looks_again()
    shop.delivers("orders/create", shop.order())
    asked: Body = {"shop_id": 1, "shop_domain": "voorbeeld.myshopify.com", "customer": the_customer()}
    asked["orders_to_redact"] = [820982911946154508]
    assert shop.delivers("customers/redact", asked) is Outcome.ACCEPTED
    left = shop.everything()
    traces = (
        "sanne.devries",
        "Sanne",
        VISITOR,
        "820982911946154508",
        "603851970716743400",
        "hWN1example",
        "Koptelefoon",
    )
    assert [trace for trace in traces if trace in left] == []


def test_a_request_about_another_shop_or_of_a_try_does_nothing(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    for domain in ("{shop}.myshopify.com", "anders.myshopify.com"):
        for topic in ("shop/redact", "customers/redact", "customers/data_request"):
            asked: Body = {"shop_id": 1, "shop_domain": domain, "customer": the_customer(), "orders_to_redact": []}
            assert shop.delivers(topic, asked) is Outcome.ACCEPTED
    assert privacy_requests.everything(shop.premises.engine) == []
    assert len(shop.premises.rows(VISITORS)) == 1


def test_what_is_asked_for_can_be_given_out(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    asked: Body = {"shop_id": 1, "shop_domain": "voorbeeld.myshopify.com", "customer": the_customer()}
    shop.delivers("customers/data_request", asked | {"data_request": {"id": 9999}})
    [request] = privacy_requests.everything(shop.premises.engine)
    assert (request.reference, request.done_at) == ("9999", None)
    assert ADDRESS in str(privacy.export(shop.premises.engine, request.shop, str(request.person)))


def test_when_the_shop_leaves_nothing_stays(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    shop.delivers("orders/create", shop.order())
    shop.delivers("shop/redact", {"shop_id": 1, "shop_domain": "voorbeeld.myshopify.com"})
    for table in (EVENTS, VISITORS, CARTS, ORDERS, DELIVERIES):
        assert shop.premises.rows(table) == []


# --- stock ------------------------------------------------------------------------------------------------------------


def test_a_product_that_is_back_reaches_whoever_saw_it_sold_out(shop: Shop) -> None:
    shop.premises.use(rule_set("name: tells\nwhen: [back_in_stock]\nthen: [tag: waited]", head=HEAD % ""))
    sold_out: Body = {"id": "788032119674292900", "sku": "SHIRT-L", "name": "Shirt", "stock": 0}
    shop.premises.post("product_viewed", "v1", product=sold_out)
    shop.premises.later(HOUR)
    shop.delivers("products/update", body_of("variants") | {"updated_at": shop.at()})
    [good] = shop.premises.visitor("v1").state.goods
    assert (good.stock, good.back_at is not None) == (7, True)
