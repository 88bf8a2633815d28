"""A cart left after unexpected shipping at Lightspeed, until the mail has left or the order has stopped it."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from engine.clock import DAY, HOUR, MINUTE
from engine.deliver import Deliverer
from engine.links import Links
from engine.messages import DeliveryState
from engine.store import budgets
from engine.store.unit import DELIVERIES, EVENTS, PEOPLE
from tests.builders import Premises
from tests.service.faulty_smtp import FaultySmtp
from tests.service.lightspeed_house import CUSTOMER, HEAD, ORDER, SUBSCRIPTION, House, recorded
from tests.service.story import HELP_TO_PAY
from tests.service.webshopapp import LOOPBACK, Webshopapp

SANNE = "sanne.devries@example.nl"


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture
def house(
    premises: Premises, webshop: Webshopapp, tmp_path: Path, smtp: FaultySmtp, monkeypatch: pytest.MonkeyPatch
) -> House:
    """Somebody who reads the newsletter has left a cart two hours ago; the mail about it is due."""
    monkeypatch.setenv("SMTP_URL", smtp.url)
    premises.hands.now -= premises.hands.now % DAY
    made = House(premises, webshop, tmp_path, monkeypatch)
    made.has(f"subscriptions/{SUBSCRIPTION}", "subscription", recorded("subscriptions_created"))
    made.delivers("subscriptions/created", recorded("subscriptions_created"))
    premises.later(MINUTE)
    made.has_a_cart()
    made.delivers("quotes/updated", recorded("quotes_updated"))
    made.asks()
    webshop.lists["orders"] = lambda query: []
    premises.later(2 * HOUR)
    assert made.mails() == ["scheduled"]
    return made


def deliverer(house: House, smtp: FaultySmtp) -> Deliverer:
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    return Deliverer(house.premises.engine, house.live, links, smtp.url, platforms=LOOPBACK)


def delivered(house: House, smtp: FaultySmtp) -> DeliveryState | None:
    [delivery] = house.premises.rows(DELIVERIES, kind="email")
    return deliverer(house, smtp).deliver(str(delivery.id))


def text_of(content: bytes) -> str:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_the_mail_names_the_cart_and_what_its_shipping_costs(house: House, smtp: FaultySmtp) -> None:
    assert delivered(house, smtp) is DeliveryState.SENT
    text = text_of(smtp.wait_for_mail_to(SANNE).content)
    assert "Koptelefoon" in text
    assert "€\xa06,95" in text
    assert "€\xa060,00" in text


def test_an_order_that_no_webhook_told_stops_it_at_the_last_moment(house: House, smtp: FaultySmtp) -> None:
    house.webshop.lists["orders"] = lambda query: [recorded("orders_created")] if query["customer"] == CUSTOMER else []
    assert delivered(house, smtp) is DeliveryState.CANCELLED
    assert house.premises.mails()[0][1:] == ("cancelled", "bought says lightspeed")


def test_the_last_moment_has_calls_when_everything_else_waits(house: House, smtp: FaultySmtp) -> None:
    house.webshop.tells_limits = False
    made = house.lightspeed()
    while not budgets.take(house.premises.engine, f"lightspeed:{made.account}", made.allowance, made.share("order:1")):
        pass
    house.delivers("orders/created", recorded("orders_created") | {"id": 9, "quote": False, "customer": False})
    so_far = len(house.webshop.asked)
    house.asks()
    assert len(house.webshop.asked) == so_far
    assert delivered(house, smtp) is DeliveryState.SENT
    assert [each.place for each in house.webshop.asked[so_far:]] == ["quotes/50020002", "orders"]


PAY = """
name: pay
when:
  - cart_abandoned: {after: 2h, at: unpaid_order}
  - can_email
then:
  - email: cart-reminder
until: [paid]
"""


@pytest.mark.parametrize("paid", [False, True])
def test_an_order_that_waits_for_its_payment_is_the_second_way_to_leave(
    house: House, smtp: FaultySmtp, paid: bool
) -> None:
    house.live_by(HEAD, PAY)
    house.has_an_order()
    house.delivers("orders/created", recorded("orders_created"))
    house.asks()
    assert house.mails() == ["cancelled"]  # the one about the cart
    house.premises.later(3 * HOUR)
    assert house.mails() == ["cancelled", "scheduled"]
    [owed] = house.premises.rows(DELIVERIES, kind="email", rule="pay")
    if paid:
        house.delivers("orders/paid", recorded("orders_paid"))
    outcome = deliverer(house, smtp).deliver(str(owed.id))
    assert outcome is (None if paid else DeliveryState.SENT)
    assert house.mails() == ["cancelled", "cancelled" if paid else "sent"]


@pytest.mark.parametrize(
    ("there", "result"),
    [
        ("orders_created", ""),
        ("orders_paid", "paid says lightspeed"),
        ("orders_updated", "order_cancelled says lightspeed"),
        ("", "order_cancelled says lightspeed"),
    ],
)
def test_a_mail_that_asks_to_pay_leaves_only_while_the_order_waits_whatever_webhooks_told(
    house: House, smtp: FaultySmtp, there: str, result: str
) -> None:
    house.live_by(HEAD, HELP_TO_PAY)
    house.has_an_order()
    house.delivers("orders/created", recorded("orders_created"))
    house.asks()
    house.premises.later(HOUR)
    house.mails()
    [owed] = house.premises.rows(DELIVERIES, kind="email", rule="unpaid")
    if there:
        house.has_an_order(there)
    else:
        house.webshop.things.clear()
    outcome = deliverer(house, smtp).deliver(str(owed.id))
    [told] = house.premises.rows(DELIVERIES, rule="unpaid")
    if result:
        assert (outcome, told.result) == (DeliveryState.CANCELLED, result)
        return
    assert outcome is DeliveryState.SENT
    words = text_of(smtp.mails_to(SANNE)[-1].content)
    assert [each for each in ("Koptelefoon", "€\xa06,95", "€\xa036,95") if each not in words] == []


def test_whoever_is_deleted_in_the_shop_leaves_no_trace(house: House, smtp: FaultySmtp) -> None:
    house.has_an_order()
    house.delivers("orders/created", recorded("orders_created"))
    house.asks()
    house.webshop.things.clear()
    house.delivers("customers/deleted", recorded("customers_created"))
    house.delivers("customers/updated", recorded("customers_created") | {"memo": "late"})
    house.asks()
    for table in (PEOPLE, DELIVERIES):
        assert house.premises.rows(table) == []
    assert not any(word in str(row.body) for row in house.premises.rows(EVENTS) for word in (SANNE, CUSTOMER, ORDER))
