"""What WooCommerce's webhooks tell late, only hint at, or never tell; the shop's API answers on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.clock import HOUR, MINUTE, Millis, to_iso
from engine.errands import Errands
from engine.http import StandIn
from engine.intake import Intake
from engine.live import LiveRules
from engine.store import budgets, errands, models
from engine.store.database import reading
from engine.store.unit import DELIVERIES, EVENTS, PEOPLE
from tests.builders import SURPRISE, Premises, rule_set
from tests.service.platform import Answer, Api
from tests.service.story import UNPAID
from tests.service.woocommerce_shop import ADDRESS, SECRET, Body, Shop, recorded

HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
integrations:
  woocommerce: {site: https://winkel.example, consumer_key: env:WOO_KEY, consumer_secret: env:WOO_SECRET}
  smtp: {from: "Sanne van Vloei <sanne@vloei.example>"}
"""
EMPTY = Answer(b"[]")
DELAYS = [10 * MINUTE, 2 * HOUR]
"""WordPress' own clock is often ten minutes late, and sometimes two hours."""


class Clock:
    """The house's clock beside the shop, and the shop's API that it asks."""

    def __init__(self, shop: Shop, file: Path, api: Api) -> None:
        engine, hands = shop.premises.engine, shop.premises.hands
        file.write_text(shop.premises.shop.rules.source, encoding="utf-8")
        intake = Intake(engine, shop.premises.committer, hands)
        self.api = api
        self._errands = Errands(LiveRules(file, engine), intake, lambda delivery: None, StandIn(api.url))

    def asks(self, *told: object) -> list[str]:
        """Everything that is due; the first answers are ``told``, and after them there is nothing. What was asked."""
        bodies = (each if isinstance(each, Answer) else Answer(json.dumps(each).encode()) for each in told)
        self.api.answers = [*bodies, EMPTY]
        self.api.asked.clear()
        self._errands.run()
        return [path.removeprefix("/wp-json/wc/v3/").partition("?")[0] for path in self.api.asked]


@pytest.fixture
def shop(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for module in (errands, budgets):
        monkeypatch.setattr(module, "database_now", lambda connection: premises.hands())
    for name, value in {"WOOCOMMERCE_WEBHOOK_SECRET": SECRET, "WOO_KEY": "ck_1", "WOO_SECRET": "cs_2"}.items():
        monkeypatch.setenv(name, value)
    premises.use(rule_set(SURPRISE, UNPAID, head=HEAD))
    return Shop(premises)


@pytest.fixture
def clock(shop: Shop, tmp_path: Path) -> Iterator[Clock]:
    with Api(EMPTY) as api:
        made = Clock(shop, tmp_path / "rules.yaml", api)
        assert sorted(made.asks()) == ["orders", "products"]
        yield made


def in_half_an_hour(shop: Shop) -> None:
    shop.premises.later(30 * MINUTE)


# --- late -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", DELAYS)
def test_a_late_webhook_finds_that_the_page_has_told_the_order_already(shop: Shop, delay: Millis) -> None:
    shop.fills_cart_on_the_page()
    told = shop.told("shown_with_tax")
    refs = [f"woocommerce:checkout:{told['order_key']}"]
    shop.premises.later(MINUTE).post("order_placed", "v1", order={"id": str(told["id"])}, refs=refs)
    shop.premises.later(delay)
    assert shop.looks_again() == []
    shop.delivers("order.created", told)
    shop.premises.later(3 * HOUR)
    assert shop.looks_again() == []


@pytest.mark.parametrize("delay", DELAYS)
def test_a_late_webhook_of_a_guest_ends_the_recovery_when_it_comes(shop: Shop, delay: Millis) -> None:
    shop.fills_cart_on_the_page()
    told = shop.told("shown_with_tax")
    assert told["customer_id"] == 0
    shop.premises.later(delay)
    before = shop.looks_again()
    shop.delivers("order.created", told)
    shop.premises.later(3 * HOUR)
    assert shop.looks_again() == ["cancelled" for _ in before]


# --- missed -----------------------------------------------------------------------------------------------------------


def test_an_order_of_which_no_webhook_came_is_learnt_by_asking(shop: Shop, clock: Clock) -> None:
    """A webhook now and then is never sent: https://github.com/woocommerce/woocommerce/issues/59381"""
    shop.fills_cart_on_the_page()
    shop.premises.later(10 * MINUTE)
    assert clock.asks([shop.told("shown_with_tax")]) == ["orders"]
    shop.premises.later(3 * HOUR)
    assert shop.looks_again() == []


def test_stock_of_which_no_webhook_came_is_learnt_by_asking(shop: Shop, clock: Clock) -> None:
    shop.premises.post("product_viewed", "v1", product={"sku": "THEE-1", "name": "Thee", "stock": 0})
    in_half_an_hour(shop)
    asked = clock.asks([], [shop.told("counted")])
    assert asked == ["orders", "products"]
    [good] = shop.premises.visitor("v1").state.goods
    assert (good.stock, good.back_at is not None) == (7, True)


def test_the_stock_of_variations_is_asked_for_when_their_product_has_changed(shop: Shop, clock: Clock) -> None:
    shop.premises.post("product_viewed", "v1", product={"sku": "THEE-1-S", "name": "Thee", "stock": 0})
    in_half_an_hour(shop)
    several = shop.told("counted", manage_stock=False, variations=[311], sku="")
    asked = clock.asks([], [several], [shop.told("counted", id=311, sku="THEE-1-S")])
    assert asked == ["orders", "products", f"products/{several['id']}/variations"]
    [good] = shop.premises.visitor("v1").state.goods
    assert good.stock == 7


# --- deleted ----------------------------------------------------------------------------------------------------------


def test_an_order_that_was_deleted_waits_for_no_payment(shop: Shop, clock: Clock) -> None:
    shop.delivers("order.created", shop.told("pending"))
    shop.delivers("order.deleted", {"id": 727})
    gone = Answer(b'{"code": "woocommerce_rest_shop_order_invalid_id"}', 404)
    assert clock.asks(gone) == ["orders/727"]
    shop.premises.later(3 * HOUR)
    assert shop.who_waits() == []
    assert len(shop.premises.rows(EVENTS, type="order_cancelled")) == 1


def test_an_order_that_is_there_waits_whatever_was_said(shop: Shop, clock: Clock) -> None:
    shop.delivers("order.created", shop.told("pending"))
    shop.delivers("order.deleted", {"id": 727})
    assert clock.asks(shop.told("pending")) == ["orders/727"]
    shop.premises.later(3 * HOUR)
    assert len(shop.who_waits()) == 1


def customer(shop: Shop) -> Body:
    """Somebody with an account fills a cart and orders."""
    shop.fills_cart_on_the_page()
    order = shop.told("with_account")
    shop.delivers("order.created", order)
    assert shop.premises.rows(PEOPLE)
    return {"id": order["customer_id"]}


def test_whose_account_was_deleted_leaves_no_trace(shop: Shop, clock: Clock) -> None:
    deleted = customer(shop)
    shop.delivers("customer.deleted", deleted)
    assert clock.asks(Answer(b'{"code": "wc_user_invalid_id"}', 404)) == [f"customers/{deleted['id']}"]
    assert shop.premises.rows(PEOPLE) == []
    with reading(shop.premises.engine) as connection:
        left = str([connection.execute(select(table)).all() for table in models.Base.metadata.sorted_tables])
    assert ADDRESS not in left
    assert str(json.loads(recorded("with_account"))["order_key"]) not in left
    shop.premises.later(3 * HOUR)
    assert [row.state for row in shop.premises.rows(DELIVERIES)] == []


def test_a_customer_who_is_there_is_not_forgotten_whatever_was_said(shop: Shop, clock: Clock) -> None:
    deleted = customer(shop)
    shop.delivers("customer.deleted", deleted)
    clock.asks({"id": deleted["id"], "date": to_iso(shop.premises.hands.now)})
    assert shop.premises.rows(PEOPLE)
