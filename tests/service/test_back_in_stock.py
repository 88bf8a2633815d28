"""A product is back: everybody who saw it sold out hears of it, over a real database."""

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
from engine.live import LiveRules
from engine.messages import DeliveryState
from engine.store import privacy, timers
from engine.store.unit import DELIVERIES
from engine.store.waiting import WAITING
from tests.builders import ADDRESS, Premises, rule_set
from tests.service.faulty_smtp import FaultySmtp

TELLS = "name: tells\nwhen: [back_in_stock, can_email]\nthen: [email: back-in-stock]\nonce_per: 1d"
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  url: https://shop.example
integrations:
  smtp: {url: env:SMTP_URL, from: "Sanne van Vloei <sanne@vloei.example>"}
"""
KOBALT = {
    "id": "11",
    "sku": "VL-I-01",
    "name": "Kobalt",
    "variant": "50 ml",
    "price": "14.50",
    "url": "https://shop.example/ink/kobalt",
    "image_url": "https://cdn.example/kobalt.png",
}


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture
def deliverer(premises: Premises, tmp_path: Path, smtp: FaultySmtp, monkeypatch: pytest.MonkeyPatch) -> Deliverer:
    monkeypatch.setenv("SMTP_URL", smtp.url)
    premises.use(rule_set(TELLS, head=HEAD))
    file = tmp_path / "rules.yaml"
    file.write_text(premises.shop.rules.source, encoding="utf-8")
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    return Deliverer(premises.engine, LiveRules(file, premises.engine), links, smtp.url)


def looks_at_it(premises: Premises, visitor: str = "v1", *, stock: int = 0, **told: object) -> None:
    premises.later(MINUTE).post("product_viewed", visitor, product=KOBALT | {"stock": stock} | told)


def comes_in(premises: Premises, stock: int = 12, **names: object) -> None:
    """The shop's server says how many there are, and names no shopper."""
    premises.later(HOUR).hear("stock_changed", product=(names or {"sku": "VL-I-01"}) | {"stock": stock})


def owed(premises: Premises) -> list[tuple[str, str]]:
    return [(visitor, state) for visitor, state, _ in premises.mails()]


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_everybody_who_saw_it_sold_out_hears_of_it(premises: Premises, deliverer: Deliverer) -> None:
    for visitor in ("v1", "v2", "v3"):
        premises.gives_address(visitor, f"{visitor}@shopper.example")
        looks_at_it(premises, visitor, stock=5 if visitor == "v3" else 0)
    comes_in(premises)
    assert owed(premises) == [("v1", "scheduled"), ("v2", "scheduled")]


def test_the_mail_shows_it_as_the_shopper_saw_it_with_what_it_costs_now(
    premises: Premises, deliverer: Deliverer, smtp: FaultySmtp
) -> None:
    premises.gives_address()
    looks_at_it(premises)
    premises.later(HOUR).hear("stock_changed", product={"sku": "VL-I-01", "stock": 12, "price": "13.00"})
    (delivery,) = (row.id for row in premises.rows(DELIVERIES, kind="email"))
    assert deliverer.deliver(str(delivery)) is DeliveryState.SENT
    message = email.message_from_bytes(smtp.wait_for_mail_to(ADDRESS).content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == "Kobalt is weer op voorraad"
    for part in (words(message, "plain"), words(message, "html")):
        assert "Kobalt" in part
        assert "50 ml" in part
        assert "€\xa013,00" in part.replace("&nbsp;", "\xa0")
        assert "https://shop.example/ink/kobalt" in part
        assert "toen het was uitverkocht" in part
        assert "winkelwagen" not in part
        assert "Totaal" not in part
    assert "https://cdn.example/kobalt.png" in words(message, "html")


def test_what_is_sold_out_again_before_the_mail_leaves_is_not_promised(
    premises: Premises, deliverer: Deliverer
) -> None:
    premises.gives_address()
    looks_at_it(premises)
    comes_in(premises)
    comes_in(premises, 0)
    (delivery,) = (row.id for row in premises.rows(DELIVERIES, kind="email"))
    assert deliverer.deliver(str(delivery)) is DeliveryState.CANCELLED
    assert premises.mails() == [("v1", "cancelled", "sold_out")]


def test_it_may_be_known_by_one_of_its_names_only(premises: Premises, deliverer: Deliverer) -> None:
    premises.gives_address()
    looks_at_it(premises)
    comes_in(premises, 3, id="11")
    assert owed(premises) == [("v1", "scheduled")]
    comes_in(premises, 3, sku="11")  # a number of another kind is another product
    assert len(premises.mails()) == 1


def test_only_news_reaches_anybody(premises: Premises, deliverer: Deliverer) -> None:
    looks_at_it(premises)
    comes_in(premises, 12)
    comes_in(premises, 11)
    (good,) = premises.visitor().state.goods
    assert good.stock == 12
    comes_in(premises, 0)
    comes_in(premises, 4)
    (good,) = premises.visitor().state.goods
    assert good.stock == 4


def test_a_product_that_was_there_all_the_time_is_remembered_for_nobody(premises: Premises) -> None:
    looks_at_it(premises, stock=2)
    assert premises.rows(WAITING) == []


def test_a_browser_can_tell_nobody_else_that_something_is_back(premises: Premises, deliverer: Deliverer) -> None:
    premises.gives_address()
    looks_at_it(premises)
    premises.later(HOUR).post("stock_changed", "v2", product={"sku": "VL-I-01", "stock": 12})
    assert premises.mails() == []


def test_whoever_sees_for_themselves_that_it_is_back_is_remembered_so(premises: Premises, deliverer: Deliverer) -> None:
    looks_at_it(premises)
    assert [row.in_stock for row in premises.rows(WAITING)] == [False, False]
    looks_at_it(premises, stock=7)
    assert [row.in_stock for row in premises.rows(WAITING)] == [True, True]


def test_nobody_who_was_erased_or_forgotten_waits_for_anything(premises: Premises) -> None:
    premises.gives_address()
    looks_at_it(premises)
    looks_at_it(premises, "v2")
    person = premises.person_of().id
    assert len(privacy.export(premises.engine, "main", person)["waiting"]) == 2
    privacy.erase(premises.engine, "main", person)
    assert {row.visitor for row in premises.rows(WAITING)} == {"v2"}
    premises.later(40 * DAY)
    timers.forget_visitors(premises.engine, 30 * DAY)
    assert premises.rows(WAITING) == []
