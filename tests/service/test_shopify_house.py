"""What a Shopify shop tells beside its carts: stock of one location, consents of other ways, its clock, our rights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import structlog

from engine.clock import to_iso
from engine.http import Answered
from engine.intake import Outcome
from engine.store.errands import ERRANDS
from engine.store.unit import CONSENTS
from tests.builders import Premises
from tests.service.shopify_shop import Api, Body, Shop, body_of, open_shop

WAITS = "name: tells\nwhen: [back_in_stock]\nthen: [tag: waited]"


@pytest.fixture
def shop(premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(premises, tmp_path, monkeypatch, WAITS, settings="client_id: app-7")


def levels(*available: int, at: str) -> dict[str, Body]:
    """What the API has of one variant at its locations."""
    nodes = [{"updatedAt": at, "quantities": [{"quantity": each}]} for each in available]
    variant = {
        "id": "gid://shopify/ProductVariant/1",
        "title": "Large",
        "sku": "SHIRT-L",
        "price": "19.99",
        "inventoryPolicy": "DENY",
        "inventoryQuantity": sum(available),
        "product": {"id": "gid://shopify/Product/788032119674292900", "title": "Shirt", "variantsCount": {"count": 3}},
        "inventoryItem": {
            "tracked": True,
            "inventoryLevels": {"pageInfo": {"hasNextPage": False}, "nodes": nodes},
        },
    }
    return {"found": {"variants": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [variant]}}}


# --- stock ------------------------------------------------------------------------------------------------------------


def test_one_location_that_has_it_again_reaches_whoever_saw_it_sold_out(shop: Shop) -> None:
    sold_out = {"id": "788032119674292900", "sku": "SHIRT-L", "name": "Shirt", "stock": 0}
    shop.premises.post("product_viewed", "v1", product=sold_out)
    shop.premises.later(1_000)
    at = to_iso(shop.premises.hands.now)
    level: Body = {"inventory_item_id": 271878346596884015, "location_id": 2, "available": 4, "updated_at": at}
    assert shop.delivers("inventory_levels/update", level) is Outcome.ACCEPTED
    api = Api(levels(0, 4, 3, at=at))
    shop.asks(api)
    assert api.asked == [{"id": "gid://shopify/InventoryItem/271878346596884015", "after": None}]
    [good] = shop.premises.visitor("v1").state.goods
    assert (good.stock, good.back_at is not None) == (7, True)


def test_levels_that_overtake_each_other_are_one_question_and_the_truth_of_its_moment(shop: Shop) -> None:
    sold_out = {"id": "788032119674292900", "sku": "SHIRT-L", "name": "Shirt", "stock": 0}
    shop.premises.post("product_viewed", "v1", product=sold_out)
    shop.premises.later(10_000)
    for ago, available in ((1_000, 0), (9_000, 5), (5_000, 2)):
        told_at = to_iso(shop.premises.hands.now - ago)
        level: Body = {"inventory_item_id": 1, "location_id": 2, "available": available, "updated_at": told_at}
        shop.delivers("inventory_levels/update", level)
    assert shop.due() == ["inventory:1"]
    shop.asks(Api(levels(0, 2, at=to_iso(shop.premises.hands.now))))
    assert [good.stock for good in shop.premises.visitor("v1").state.goods] == [2]
    assert "inventory:1" not in {row.what for row in shop.premises.rows(ERRANDS)}


class Stock(Api):
    """Shopify's API, in which one inventory item is what somebody waits for, and the others are gone."""

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, within_s: float = 0
    ) -> Answered:
        names = json.loads(body).get("variables", {}).get("ids", [])
        here = {"id": "gid://shopify/InventoryItem/77"} | levels(7, at="2026-11-21T09:00:00Z")["found"]
        self.data = {"found": [here if name == here["id"] else None for name in names]}
        return super().ask(method, url, headers, body, within_s=within_s)


def test_a_hundred_levels_that_changed_are_two_questions(shop: Shop) -> None:
    sold_out = {"id": "788032119674292900", "sku": "SHIRT-L", "name": "Shirt", "stock": 0}
    shop.premises.post("product_viewed", "v1", product=sold_out)
    shop.premises.later(1_000)
    for number in range(1, 101):
        level: Body = {"inventory_item_id": number, "location_id": 2, "available": 0, "updated_at": shop.at()}
        shop.delivers("inventory_levels/update", level)
    assert len(shop.due()) == 100
    api = Stock(None)
    shop.asks(api)
    assert [len(msgspec.convert(asked["ids"], list[str])) for asked in api.asked] == [50, 50]
    assert shop.due() == []
    assert [good.stock for good in shop.premises.visitor("v1").state.goods] == [7]


# --- consent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "section", "customer", "kind"),
    [
        ("customers_marketing_consent/update", "sms_marketing_consent", "id", "sms"),
        ("customers_whats_app_marketing_consent/update", "whats_app_marketing_consent", "customer_id", "whatsapp"),
    ],
)
def test_consent_to_other_ways_is_proven_and_mails_nobody(
    shop: Shop, topic: str, section: str, customer: str, kind: str
) -> None:
    at = to_iso(shop.premises.hands.now)
    shop.premises.hear("contact_given", "v1", email="sanne@example.nl", customer_id="706405506930370084")
    for state in ("subscribed", "unsubscribed"):
        consent = {"state": state, "updated_at": at, "consent_updated_at": at}
        shop.delivers(topic, {customer: 706405506930370084, section: consent})
    rows = {(row.kind, row.granted, row.source) for row in shop.premises.rows(CONSENTS)}
    assert rows == {(kind, True, "Shopify: subscribed"), (kind, False, "Shopify: unsubscribed")}
    assert shop.premises.person_of("v1").basis is None


# --- the shop and our rights in it ------------------------------------------------------------------------------------


def test_a_clock_or_money_that_is_another_than_in_the_rule_file_is_told(shop: Shop) -> None:
    told = body_of("shop_moved")
    with structlog.testing.capture_logs() as lines:
        shop.delivers("shop/update", told)
        assert lines == []
        shop.delivers("shop/update", told | {"iana_timezone": "Europe/London", "currency": "GBP"})
    [line] = lines
    assert line["event"] == "the platform says otherwise than the rule file"
    assert line["differs"] == "time_zone: Europe/London there, Europe/Amsterdam here, currency: GBP there, EUR here"


def test_other_rights_have_the_webhooks_seen_to_at_once(shop: Shop) -> None:
    assert shop.due() == []
    rights: Body = {"id": 1, "previous": ["read_orders"], "current": ["read_orders", "read_inventory"]}
    shop.delivers("app/scopes_update", rights)
    assert shop.due() == ["webhooks"]
    api = Api({"webhookSubscriptions": {"pageInfo": {"hasNextPage": False}, "nodes": []}, "done": {"userErrors": []}})
    shop.asks(api)
    assert {"topic", "hook"} == set(api.asked[1])
    assert shop.due() == []
