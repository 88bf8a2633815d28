"""Stock that a webhook only hints at is asked for: which variant it is, and what all its locations come to."""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import News, Page
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop

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
    assert shop(client_id="").ask_together(("inventory:1",), far) == {"inventory:1": Page(News())}
    assert far.asked == []


# --- many at once -----------------------------------------------------------------------------------------------------


def node(what: str, *variants: Json, after: str | None = None) -> Json:
    kind, number = what.split(":")
    name = {"inventory": "InventoryItem", "product": "Product"}[kind]
    info = {"hasNextPage": after is not None, "endCursor": after}
    return {"id": f"gid://shopify/{name}/{number}", "variants": {"pageInfo": info, "nodes": variants}}


def nodes(*told: Json | None) -> Answered:
    return answered({"found": list(told)})


MANY = tuple(f"inventory:{number}" for number in range(8))


def test_many_that_changed_are_one_question() -> None:
    far = Shopify2026(nodes(node(MANY[1], variant(level(2))), None, node(MANY[0], variant(level(1), level(4)))))
    pages = shop().ask_together(MANY[:3], far)
    assert {what: stocks(page) for what, page in pages.items()} == {MANY[0]: [5], MANY[1]: [2], MANY[2]: []}
    assert {page.again_in_ms for page in pages.values()} == {None}
    assert far.asked == [{"ids": [f"gid://shopify/InventoryItem/{number}" for number in range(3)]}]


def test_many_say_the_same_as_one_alone() -> None:
    alone, _ = asked(found(variant(level(3), level(4))), what=MANY[0])
    assert shop().ask_together(MANY[:1], Shopify2026(nodes(node(MANY[0], variant(level(3), level(4)))))) == {
        MANY[0]: alone
    }


def test_of_many_products_each_goes_on_from_its_own_place() -> None:
    short, long = "product:1", "product:2"
    far = Shopify2026(nodes(node(short, variant(level(1))), node(long, variant(level(2)), after="p1")))
    pages = shop().ask_together((short, long), far)
    assert [(page.cursor, page.again_in_ms) for page in pages.values()] == [("", None), ("p1", 0)]


def test_many_that_cost_too_much_are_asked_for_in_halves() -> None:
    told = [node(what, variant(level(number))) for number, what in enumerate(MANY)]
    far = Shopify2026(refused("MAX_COST_EXCEEDED"), nodes(*told[:4]), nodes(*told[4:]))
    assert [stocks(page) for page in shop().ask_together(MANY, far).values()] == [[n] for n in range(8)]
    assert [len(list(asked["ids"])) for asked in far.asked] == [8, 4, 4]  # type: ignore[call-overload]  # any JSON


def test_the_half_that_nothing_was_left_for_waits_and_the_other_is_not_asked_again() -> None:
    told = [node(what, variant(level(7))) for what in MANY[:4]]
    far = Shopify2026(refused("MAX_COST_EXCEEDED"), nodes(*told), refused("THROTTLED"))
    pages = shop().ask_together(MANY, far)
    assert [page.again_in_ms for page in pages.values()] == [None] * 4 + [2_000] * 4
    assert [stocks(page) for page in pages.values()] == [[7]] * 4 + [[]] * 4


def test_one_that_is_too_dear_by_itself_and_no_points_at_all_are_told() -> None:
    with pytest.raises(CallError, match="more points"):
        shop().ask_together(MANY, Shopify2026(refused("MAX_COST_EXCEEDED")))
    with pytest.raises(Throttled):
        shop().ask_together(MANY, Shopify2026(refused("THROTTLED")))
    with pytest.raises(Unreadable):
        shop().ask_together(MANY, Shopify2026(answered({})))
