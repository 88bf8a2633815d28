"""A WooCommerce shop's life as its webhooks tell it: who may speak, what is one story, what must not start again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from engine.clock import DAY, HOUR, MINUTE
from engine.errors import SettingsError
from engine.intake import Outcome
from engine.integration import find
from engine.settings import Settings
from engine.store import quarantine
from engine.store.unit import DELIVERIES, EVENTS, ORDERS
from engine.web import create_app
from tests.builders import SURPRISE, Premises, rule_set
from tests.service.doors import INK, Door, environment_for, error_code, rule_file
from tests.service.platform import result_of
from tests.service.story import UNPAID
from tests.service.woocommerce_shop import SECRET, Shop, recorded, signed

REFS = ["woocommerce:checkout:wc_order_58d2d042d1d"]
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
integrations:
  woocommerce: {}
  smtp: {from: "Sanne van Vloei <sanne@vloei.example>"}
"""
_numbers = count(1)


# --- over the wire ----------------------------------------------------------------------------------------------------


class WooCommerceDoor(Door):
    """A running application of which the shop ``ink`` runs WooCommerce."""

    def deliver(self, raw: bytes, topic: str = "order.created", **headers: str) -> TestResponse:
        """Every try has a delivery id of its own, as from WooCommerce."""
        told = {"Topic": topic, "Signature": signed(raw), "Delivery-ID": f"delivery-{next(_numbers)}"} | headers
        return self.post_as_it_is(raw, {f"X-WC-Webhook-{name}": value for name, value in told.items()})

    def post_as_it_is(self, raw: bytes, headers: dict[str, str]) -> TestResponse:
        answer = self.client.post("/hooks/woocommerce/ink", data=raw, headers=headers)
        self.contract.names_no_other_than(answer, "POST", "/hooks/{integration}/{shop}")
        return answer


def settings_in(folder: Path, database_url: str) -> Settings:
    (folder / "rules").mkdir(exist_ok=True)
    stated = "integrations:\n  woocommerce: {}\n"
    (folder / "rules" / "ink.yaml").write_text(rule_file("ink", INK).replace("integrations:\n", stated))
    return Settings.from_env(environment_for(folder, database_url))


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[WooCommerceDoor]:
    monkeypatch.setenv("WOOCOMMERCE_WEBHOOK_SECRET", SECRET)
    opened = WooCommerceDoor(settings_in(tmp_path, sqlite_url))
    yield opened
    opened.close()


def test_the_knock_of_a_saved_webhook_is_answered_200_and_changes_nothing(door: WooCommerceDoor) -> None:
    answer = door.post_as_it_is(b"webhook_id=7", {"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, result_of(answer)) == (200, "answered")
    assert door.kept() == 0


@pytest.mark.parametrize("raw", [b"", b"webhook_id=", b"webhook_id=7&id=1", b"webhook_id=x", b"webhook_id=7\n", b"{}"])
def test_nothing_else_comes_in_unsigned(door: WooCommerceDoor, raw: bytes) -> None:
    assert error_code(door.post_as_it_is(raw, {"X-WC-Webhook-Topic": "order.created"}), 401) == "bad_signature"


def test_bytes_are_checked_as_php_wrote_them(door: WooCommerceDoor) -> None:
    raw = recorded("odd_letters")
    assert b"\\/" in raw
    assert result_of(door.deliver(raw)) == "accepted"
    again = json.dumps(json.loads(raw), indent=2).encode()
    assert error_code(door.deliver(again, Signature=signed(raw)), 401) == "bad_signature"


def test_without_its_secret_nothing_starts(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", " "):
        monkeypatch.setenv("WOOCOMMERCE_WEBHOOK_SECRET", value)
        with pytest.raises(SettingsError, match="names env:WOOCOMMERCE_WEBHOOK_SECRET, which is not set"):
            create_app(settings_in(tmp_path, sqlite_url))


def test_the_same_delivery_counts_once_under_whatever_id_it_comes(door: WooCommerceDoor) -> None:
    raw = recorded("order_created")
    assert [result_of(door.deliver(raw)) for _ in range(3)] == ["accepted", "duplicate", "duplicate"]
    door.deliver(raw, "order.updated")
    assert sorted(row.type for row in door.rows(EVENTS)) == ["order_paid", "order_placed"]


def test_the_same_delivery_id_counts_once(door: WooCommerceDoor) -> None:
    told = {"Delivery-ID": "one-and-the-same"}
    assert result_of(door.deliver(recorded("pending"), **told)) == "accepted"
    assert result_of(door.deliver(recorded("completed"), **told)) == "duplicate"


@pytest.mark.parametrize(
    ("case", "topic", "reason"),
    [
        ("order_as_product", "product.updated", "there is no type, manage_stock, stock_status in it"),
        ("customer_created", "order.created", "there is no order_key, status, currency, line_items in it"),
    ],
)
def test_a_body_of_another_kind_is_set_aside_whole(door: WooCommerceDoor, case: str, topic: str, reason: str) -> None:
    raw = recorded(case)
    assert result_of(door.deliver(raw, topic)) == "quarantined"
    [kept] = quarantine.everything(door.engine, "ink")
    assert (kept.delivery.body, kept.reason) == (raw, reason)


@pytest.mark.parametrize("topic", ["", "coupon.created", "action.woocommerce_add_to_cart", "order.published"])
def test_what_nobody_asked_for_is_acknowledged(door: WooCommerceDoor, topic: str) -> None:
    assert result_of(door.deliver(recorded("order_created"), topic)) == "unknown_topic"
    assert door.kept() == 0


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
_TOPICS = sorted(getattr(find("woocommerce"), "topics", ()))
_BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b"[]", b"null", b'{"id": 1e999}', b'{"id": -1}', b'{"code": [], "message": 1, "data": 2}', b"[" * 3000]
)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(body=_BODIES, topic=_TEXT | st.sampled_from(_TOPICS), signature=_TEXT)
def test_no_bytes_break_the_door(door: WooCommerceDoor, body: bytes, topic: str, signature: str) -> None:
    """`deliver` holds every answer against the published contract, which knows no 500."""
    assert door.deliver(body, topic, Signature=signature.strip()).status_code == 401
    assert result_of(door.deliver(body, topic)) in ("quarantined", "unknown_topic", "accepted", "duplicate")
    assert door.kept() == 0


# --- stories ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("WOOCOMMERCE_WEBHOOK_SECRET", SECRET)
    premises.use(rule_set(SURPRISE, UNPAID, head=HEAD))
    return Shop(premises)


@pytest.mark.parametrize("case", ["pending", "on_hold", "shown_with_tax", "on_delivery"])
def test_an_order_of_the_same_address_ends_the_recovery_whether_paid_or_not(shop: Shop, case: str) -> None:
    shop.fills_cart_on_the_page()
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    shop.delivers("order.created", shop.told(case))
    assert [row.state for row in shop.premises.rows(DELIVERIES)] == ["cancelled"]


def test_the_orders_key_in_the_address_of_its_page_makes_one_story(shop: Shop) -> None:
    shop.premises.post("page_viewed", "v1", refs=REFS, page={"url": "https://ink.example/order-received/727"})
    shop.delivers("order.created", shop.told("erased"))
    assert [row.visitor for row in shop.premises.rows(ORDERS)] == ["v1"]


@pytest.mark.parametrize("case", ["draft", "trashed"])
def test_what_is_no_order_yet_or_any_more_ends_nothing(shop: Shop, case: str) -> None:
    shop.fills_cart_on_the_page()
    shop.delivers("order.created", shop.told(case))
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]


def test_times_are_those_of_utc_wherever_the_shops_clock_is(shop: Shop) -> None:
    placed_at = shop.premises.hands.now - HOUR
    shop.delivers("order.created", shop.told("shown_with_tax", ago=HOUR))
    [row] = shop.premises.rows(EVENTS, type="order_placed")
    assert 0 <= placed_at - row.at < 1_000


@pytest.mark.parametrize(
    ("case", "total"), [("shown_with_tax", 3695), ("no_decimals", 3695), ("three_decimals", 36955)]
)
def test_money_has_the_decimals_of_its_currency(shop: Shop, case: str, total: int) -> None:
    shop.delivers("order.created", shop.told(case))
    assert [row.total for row in shop.premises.rows(ORDERS)] == [total]


def test_an_unpaid_order_is_the_other_way_to_leave(shop: Shop) -> None:
    shop.delivers("order.created", shop.told("pending"))
    shop.premises.later(3 * HOUR)
    assert len(shop.who_waits()) == 1


@pytest.mark.parametrize("case", ["shown_with_tax", "cancelled"])
def test_a_late_word_of_the_unpaid_order_takes_nothing_back(shop: Shop, case: str) -> None:
    before = shop.told("pending")
    shop.premises.later(HOUR)
    shop.delivers("order.updated", shop.told(case))
    shop.premises.later(HOUR)
    shop.delivers("order.created", before)
    shop.premises.later(3 * HOUR)
    assert shop.who_waits() == []


def test_a_storm_in_any_order_is_one_story(shop: Shop) -> None:
    shop.fills_cart_on_the_page()
    unpaid, paid = shop.told("pending", ago=MINUTE), shop.told("shown_with_tax")
    storm = [("order.updated", paid), ("order.created", unpaid)]
    outcomes = [shop.delivers(topic, body) for topic, body in [*storm, *storm, *storm[::-1]]]
    assert set(outcomes[2:]) == {Outcome.DUPLICATE}
    assert len(shop.premises.rows(EVENTS, type="order_placed")) == 1
    shop.premises.later(DAY)
    assert (shop.looks_again(), shop.who_waits()) == ([], [])


def test_a_product_that_is_back_reaches_whoever_saw_it_sold_out(shop: Shop) -> None:
    shop.premises.post("product_viewed", "v1", product={"sku": "THEE-1", "name": "Thee", "stock": 0})
    shop.premises.later(HOUR)
    shop.delivers("product.updated", shop.told("counted"))
    [good] = shop.premises.visitor("v1").state.goods
    assert (good.stock, good.back_at is not None) == (7, True)
