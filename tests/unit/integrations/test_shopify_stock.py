"""Stock that a webhook only hints at is asked for: which variant it is, and what all its locations come to."""

from __future__ import annotations

import msgspec
import pytest

from engine.http import Answered
from engine.integration import Page
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, shop

TEN, NINE = "2026-11-21T10:00:00Z", "2026-11-21T09:00:00Z"


def level(available: int | None, at: str = NINE) -> Json:
    return {"updatedAt": at, "quantities": [] if available is None else [{"quantity": available}]}


def variant(*levels: Json, more: bool = False, tracked: bool = True, **changes: object) -> Json:
    own: Json = {
        "id": "gid://shopify/ProductVariant/642667041472713922",
        "title": "Small",
        "sku": "SHIRT-S",
        "price": "19.99",
        "inventoryPolicy": "DENY",
        "inventoryQuantity": 99,
        "product": {
            "id": "gid://shopify/Product/788032119674292922",
            "title": "T-shirt",
            "vendor": "Acme",
            "productType": "Shirts",
            "variantsCount": {"count": 3},
        },
        "inventoryItem": {
            "tracked": tracked,
            "inventoryLevels": {"pageInfo": {"hasNextPage": more}, "nodes": levels},
        },
    }
    return own | changes


def found(*variants: Json, after: str | None = None) -> Answered:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return answered({"found": {"variants": {"pageInfo": info, "nodes": variants}}})


def asked(*answers: Answered, what: str = "inventory:271878346596884015", cursor: str = "") -> tuple[Page, Shopify2026]:
    far = Shopify2026(*answers)
    return shop().ask(what, cursor, far), far


def stocks(page: Page) -> list[object]:
    told = [msgspec.to_builtins(event["product"]) for event in page.news.events]
    return [product["stock"] for product in told if isinstance(product, dict)]


def test_a_level_that_changed_becomes_what_all_locations_have_of_its_variant() -> None:
    page, far = asked(found(variant(level(3), level(0, TEN), level(4))))
    assert far.asked == [{"id": "gid://shopify/InventoryItem/271878346596884015", "after": None}]
    [event] = page.news.events
    assert (event["type"], event["at"]) == ("stock_changed", TEN)
    assert msgspec.to_builtins(event["product"], builtin_types=()) == {
        "id": "788032119674292922",
        "sku": "SHIRT-S",
        "name": "T-shirt",
        "variant": "Small",
        "brand": "Acme",
        "category": "Shirts",
        "price": "19.99",
        "stock": 7,
    }
    assert (page.cursor, page.again_in_ms) == ("", None)


@pytest.mark.parametrize(
    ("told", "stock"),
    [
        (variant(level(3), level(None)), [99]),
        (variant(level(3), more=True), [99]),
        (variant(), [99]),
        (variant(level(-2), level(1)), [0]),
        (variant(level(3), tracked=False), []),
        (variant(level(3), inventoryPolicy="CONTINUE"), []),
        (variant(level(3), sku=None), []),
        (variant(inventoryQuantity=None), []),
    ],
)
def test_a_sum_is_whole_or_shopifys_own_and_what_is_not_counted_is_not_told(told: Json, stock: list[int]) -> None:
    assert stocks(asked(found(told))[0]) == stock


def test_the_only_variant_needs_no_sku() -> None:
    only = variant(level(3), sku=None)
    product = only["product"]
    assert isinstance(product, dict)
    product["variantsCount"] = {"count": 1}
    assert stocks(asked(found(only))[0]) == [3]


def test_what_is_asked_again_is_the_same_fact_until_it_changes() -> None:
    first, again, later = (
        asked(found(told))[0] for told in (variant(level(3)), variant(level(3)), variant(level(3, TEN)))
    )
    assert first.news == again.news
    assert first.news.events[0]["id"] != later.news.events[0]["id"]


def test_a_product_with_many_variants_is_gone_through_page_by_page() -> None:
    page, far = asked(found(variant(level(1)), after="p1"), what="product:788032119674292922")
    assert (page.cursor, page.again_in_ms) == ("p1", 0)
    page, far = asked(found(variant(level(2))), what="product:788032119674292922", cursor="p1")
    assert far.asked == [{"id": "gid://shopify/Product/788032119674292922", "after": "p1"}]
    assert (page.cursor, page.again_in_ms) == ("", None)


def test_what_is_gone_meanwhile_says_nothing() -> None:
    page, _ = asked(answered({"found": None}))
    assert (page.news.events, page.again_in_ms) == ((), None)


def test_without_a_client_id_nobody_is_asked() -> None:
    far = Shopify2026(found(variant(level(3))))
    assert shop(client_id="").ask("inventory:1", "", far).news.events == ()
    assert far.asked == []
