"""An order that was not paid: from the shop's webhook to the mail that helps with paying, and what keeps it back."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.deliver import Deliverer, lastword
from engine.http import StandIn
from engine.links import Links
from engine.live import LiveRules
from engine.messages import DeliveryState
from engine.store import models, privacy
from engine.store.database import reading
from engine.store.unit import DELIVERIES, ORDERS
from tests.builders import Hands, Premises, rule_set
from tests.service.faulty_smtp import FaultySmtp
from tests.service.platform import Answer, Api
from tests.service.woocommerce_shop import ADDRESS, SECRET, Body, Shop

PAY_URL = "https://winkel.example/afrekenen/order-pay/727/?pay_for_order=true&key=wc_order_58d2d042d1d"
KEY = "woocommerce:checkout:wc_order_58d2d042d1d"
RULE = "name: unpaid\nwhen: [unpaid_order: 45m, can_email]\nthen: [email: unpaid-order]\nonce_per: cart"
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
  url: https://winkel.example
integrations:
  woocommerce: {site: https://winkel.example, consumer_key: env:WOO_KEY, consumer_secret: env:WOO_SECRET}
  smtp: {url: env:SMTP_URL, from: "Sanne van Vloei <sanne@vloei.example>"}
"""


def says(status: str, **told: object) -> Answer:
    return Answer(json.dumps({"id": 727, "status": status} | told).encode())


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture
def api() -> Iterator[Api]:
    """The shop's own API, of which only this order is asked."""
    with Api(says("pending")) as opened:
        yield opened


@pytest.fixture
def shop(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in {"WOOCOMMERCE_WEBHOOK_SECRET": SECRET, "WOO_KEY": "ck_1", "WOO_SECRET": "cs_2"}.items():
        monkeypatch.setenv(name, value)
    premises.use(rule_set(RULE, head=HEAD))
    consent = {"email": True, "text": "Ja", "source": "checkout"}
    premises.hear("contact_given", email=ADDRESS, consent=consent, name="Zoë", language="nl")
    return Shop(premises)


@pytest.fixture
def worker(shop: Shop, tmp_path: Path, smtp: FaultySmtp, api: Api, monkeypatch: pytest.MonkeyPatch) -> Deliverer:
    hands: Hands = shop.premises.hands
    monkeypatch.setenv("SMTP_URL", smtp.url)
    monkeypatch.setattr(lastword, "stopwatch", lambda: hands() / SECOND)
    file = tmp_path / "rules.yaml"
    file.write_text(shop.premises.shop.rules.source, encoding="utf-8")
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    return Deliverer(
        shop.premises.engine, LiveRules(file, shop.premises.engine), links, smtp.url, platforms=StandIn(api.url)
    )


def unpaid(shop: Shop, **changes: object) -> Body:
    return shop.told("pending", payment_url=PAY_URL, needs_payment=True) | changes


def owed(shop: Shop, **changes: object) -> str:
    """The mail about an order that has waited for 46 minutes."""
    shop.delivers("order.created", unpaid(shop, **changes))
    shop.premises.later(46 * MINUTE)
    assert shop.looks_again() == ["scheduled"]
    [row] = shop.premises.rows(DELIVERIES)
    return str(row.id)


def record(shop: Shop) -> tuple[str, str]:
    [row] = shop.premises.rows(DELIVERIES)
    return str(row.state), str(row.result)


def words(smtp: FaultySmtp) -> tuple[EmailMessage, str]:
    """The latest mail, and its plain text."""
    message = email.message_from_bytes(smtp.mails_to(ADDRESS)[-1].content, policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return message, str(part.get_content()).replace("\xa0", " ")


# --- the mail ---------------------------------------------------------------------------------------------------------


def test_the_mail_says_what_was_ordered_with_its_amounts_and_where_it_can_be_paid(
    shop: Shop, worker: Deliverer, smtp: FaultySmtp, api: Api
) -> None:
    delivery = owed(shop)
    with capture_logs() as logged:
        assert worker.deliver(delivery) is DeliveryState.SENT
    message, text = words(smtp)
    assert message["Subject"] == "Over de betaling van je bestelling bij Vloei"
    for amount in ("2 × Thee – café ☕: € 30,00", "Verzending: € 6,95", "Totaal: € 36,95"):
        assert amount in text
    assert "Korting" not in text
    assert "Belasting" not in text
    assert PAY_URL in text
    assert [path.partition("?")[0] for path in api.asked] == ["/wp-json/wc/v3/orders/727"]
    assert "wc_order_58d2d042d1d" not in str(logged)
    assert "did not say" not in record(shop)[1]


def test_it_is_sent_once(shop: Shop, worker: Deliverer) -> None:
    worker.deliver(owed(shop))
    shop.delivers("order.updated", unpaid(shop, status="failed"))
    shop.premises.later(DAY)
    assert shop.looks_again() == ["sent"]


def test_a_page_that_thanks_and_is_heard_late_takes_no_mail_back(shop: Shop) -> None:
    premises = shop.premises
    owed(shop)
    [row] = premises.rows(ORDERS)
    premises.post("contact_given", "v1", email=ADDRESS)
    premises.post("order_placed", "v1", ago=46 * MINUTE, order={"id": row.id})
    assert premises.person_of("v1").orders == 1
    assert record(shop)[0] == "scheduled"


def test_a_mail_that_is_owed_when_the_orders_browser_is_heard_of_is_still_sent_and_once(
    shop: Shop, worker: Deliverer
) -> None:
    premises = shop.premises
    delivery = owed(shop)
    premises.post("page_viewed", "browser-1", page={"url": "https://winkel.example/"}, refs=[KEY])
    assert record(shop)[0] == "scheduled"
    assert worker.deliver(delivery) is DeliveryState.SENT
    premises.later(3 * DAY)
    assert shop.looks_again() == ["sent"]


def test_an_order_that_no_page_takes_a_payment_for_is_helped_by_a_reply(
    shop: Shop, worker: Deliverer, smtp: FaultySmtp
) -> None:
    worker.deliver(owed(shop, status="on-hold", needs_payment=False))
    _, text = words(smtp)
    assert "order-pay" not in text
    assert "Beantwoord gewoon deze mail, dan helpen we je met betalen" in text


def test_what_the_shop_changed_in_the_order_is_what_is_asked_for(
    shop: Shop, worker: Deliverer, smtp: FaultySmtp
) -> None:
    before = unpaid(shop)
    shop.delivers("order.created", before)
    shop.premises.later(MINUTE)
    shop.delivers("order.updated", unpaid(shop, total="30.00", shipping_total="0.00", shipping_tax="0.00"))
    shop.delivers("order.updated", before | {"customer_note": "an older word that comes late"})
    shop.premises.later(46 * MINUTE)
    shop.looks_again()
    [row] = shop.premises.rows(DELIVERIES)
    worker.deliver(str(row.id))
    _, text = words(smtp)
    assert "Verzending: gratis" in text
    assert "Totaal: € 30,00" in text


def test_only_the_shop_says_where_to_pay(shop: Shop) -> None:
    order: Body = {"id": "727", "total": "36.95", "paid": False, "pay_url": "https://elsewhere.example/pay"}
    shop.premises.post("order_placed", "v1", order=order)
    assert "elsewhere" not in str(shop.premises.rows(ORDERS)[0].body)
    shop.delivers("order.created", unpaid(shop))
    [row] = shop.premises.rows(ORDERS)
    assert PAY_URL in str(row.body)
    assert ADDRESS not in str(row.body)


# --- what keeps it back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["shown_with_tax", "cancelled"])
def test_what_was_paid_or_cancelled_in_time_is_not_asked_for(shop: Shop, case: str) -> None:
    shop.delivers("order.created", unpaid(shop))
    shop.premises.later(44 * MINUTE)
    shop.delivers("order.updated", shop.told(case))
    shop.premises.later(DAY)
    assert shop.looks_again() == []


@pytest.mark.parametrize(("case", "result"), [("shown_with_tax", "paid"), ("cancelled", "order_cancelled")])
def test_what_was_paid_or_cancelled_while_the_mail_waited_is_not_asked_for(
    shop: Shop, worker: Deliverer, api: Api, case: str, result: str
) -> None:
    delivery = owed(shop)
    shop.delivers("order.updated", shop.told(case))
    assert worker.deliver(delivery) is DeliveryState.CANCELLED
    assert record(shop) == ("cancelled", result)
    assert api.asked == []


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says("processing", date_paid_gmt="2026-11-22T12:00:00"), "paid says woocommerce"),
        (says("cancelled"), "order_cancelled says woocommerce"),
        (Answer(b'{"code": "woocommerce_rest_shop_order_invalid_id"}', 404), "order_cancelled says woocommerce"),
    ],
)
def test_what_only_the_shop_knows_of_is_asked_before_the_mail_leaves(
    shop: Shop, worker: Deliverer, api: Api, answer: Answer, result: str
) -> None:
    api.answers = [answer]
    assert worker.deliver(owed(shop)) is DeliveryState.CANCELLED
    assert record(shop) == ("cancelled", result)


def test_who_orders_anew_is_not_asked_to_pay_the_old_order(shop: Shop, worker: Deliverer) -> None:
    delivery = owed(shop)
    shop.delivers("order.created", unpaid(shop, id=728, order_key="wc_order_another"))
    assert worker.deliver(delivery) is None
    assert record(shop)[0] == "cancelled"


def test_a_shop_that_does_not_answer_is_waited_for_and_then_the_record_says_so(
    shop: Shop, worker: Deliverer, api: Api
) -> None:
    delivery = owed(shop)
    api.answers = [Answer(b"oops", 500)]
    began = shop.premises.hands.now
    while worker.deliver(delivery) is DeliveryState.SCHEDULED:
        [row] = shop.premises.rows(DELIVERIES)
        shop.premises.hands.now = row.due_at
    assert shop.premises.hands.now - began == HOUR
    state, result = record(shop)
    assert (state, "; woocommerce did not say whether it was paid: " in result) == ("sent", True)


def test_a_key_that_may_not_look_is_noted_and_not_waited_for(shop: Shop, worker: Deliverer, api: Api) -> None:
    delivery = owed(shop)
    api.answers = [Answer(b"{}", 401)]
    assert worker.deliver(delivery) is DeliveryState.SENT
    assert "woocommerce did not say whether it was paid: WooCommerce answered 401 to orders/727" in record(shop)[1]


def test_an_order_of_which_nobody_knows_what_was_in_it_is_not_asked_for(shop: Shop, worker: Deliverer) -> None:
    delivery = owed(shop, total="0.00", line_items=[])
    assert worker.deliver(delivery) is DeliveryState.CANCELLED
    assert record(shop) == ("cancelled", "not_told what was ordered")


def test_of_whoever_was_erased_nothing_is_left_and_nothing_leaves(
    shop: Shop, worker: Deliverer, smtp: FaultySmtp
) -> None:
    delivery = owed(shop)
    mails = len(smtp.mails_to(ADDRESS))
    [row] = shop.premises.rows(DELIVERIES)
    privacy.erase(shop.premises.engine, shop.premises.shop.id, str(row.person))
    assert worker.deliver(delivery) is None
    assert len(smtp.mails_to(ADDRESS)) == mails
    with reading(shop.premises.engine) as connection:
        left = [connection.execute(select(table)).all() for table in models.Base.metadata.sorted_tables]
    assert "wc_order_58d2d042d1d" not in str(left)
