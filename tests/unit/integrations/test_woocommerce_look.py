"""A moment before a mail leaves WooCommerce is asked: has this person ordered since, was this order paid?"""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import CallError
from engine.http import Answered
from engine.integration import CartNow, OrderNow
from tests.unit.integrations.woocommerce_far import Far, Json, shop, without

NOON_MS = 1_795_348_800_123


def ordered(
    email: object = "Zoe.deVries@example.nl", at: object = "2026-11-22T12:00:00", status: str = "pending"
) -> Json:
    return {"id": 7, "status": status, "billing": {"email": email}, "date_created_gmt": at}


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (ordered(), CartNow.ORDERED),
        (ordered(at="2026-11-22T12:00:05Z", status="completed"), CartNow.ORDERED),
        (ordered(at="no time at all"), CartNow.ORDERED),
        (ordered(at="2026-11-22T11:59:59"), CartNow.OPEN),
        (ordered(email="somebody.else@example.nl"), CartNow.OPEN),
        (ordered(email=""), CartNow.OPEN),
        (ordered(at=None), CartNow.OPEN),
        (ordered(status="checkout-draft"), CartNow.OPEN),
    ],
)
def test_whoever_has_ordered_since_is_not_mailed(order: Json, said: CartNow) -> None:
    far = Far()
    far.answers = [Answered(200, msgspec.json.encode([ordered(email="x@example.nl"), order]))]
    assert shop().look_for("zoe.devries@example.nl", NOON_MS, far) is said
    [(method, path, query)] = far.asked
    assert (method, path, query["search"]) == ("GET", "orders", "zoe.devries@example.nl")


def test_without_a_key_nobody_is_looked_for() -> None:
    far = Far()
    assert without("consumer_key").look_for("zoe.devries@example.nl", NOON_MS, far) is None
    assert far.asked == []


ORDER = ("woocommerce:checkout:wc_order_x", "woocommerce:order:727")
PAID_AT = {"date_paid_gmt": "2026-11-22T12:00:00"}


@pytest.mark.parametrize(
    ("status", "told", "said"),
    [
        ("pending", {}, OrderNow.UNPAID),
        ("failed", {}, OrderNow.UNPAID),
        ("on-hold", {}, OrderNow.UNPAID),
        ("on-hold", PAID_AT, OrderNow.PAID),
        ("processing", PAID_AT, OrderNow.PAID),
        ("processing", {}, OrderNow.PAID),
        ("completed", {}, OrderNow.PAID),
        ("a-plugins-own", {}, OrderNow.PAID),
        ("cancelled", {}, OrderNow.CANCELLED),
        ("refunded", PAID_AT, OrderNow.CANCELLED),
        ("trash", {}, OrderNow.CANCELLED),
    ],
)
def test_the_shop_says_what_has_become_of_an_unpaid_order(status: str, told: Json, said: OrderNow) -> None:
    far = Far()
    far.answers = [Answered(200, msgspec.json.encode({"id": 727, "status": status} | told))]
    assert shop().look_at_order(ORDER, far) is said
    assert [(method, path) for method, path, _ in far.asked] == [("GET", "orders/727")]


def test_an_order_that_the_shop_has_no_longer_is_nobodys_to_pay() -> None:
    far = Far()
    far.answers = [Answered(404, b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Ongeldige ID."}')]
    assert shop().look_at_order(ORDER, far) is OrderNow.CANCELLED


@pytest.mark.parametrize("body", [b"<html>", b'{"code":"rest_no_route"}', b"[]", b""])
def test_another_404_says_nothing_of_the_order(body: bytes) -> None:
    far = Far()
    far.answers = [Answered(404, body)]
    with pytest.raises(CallError, match="answered 404 to orders/727") as caught:
        shop().look_at_order(ORDER, far)
    assert caught.value.refused


@pytest.mark.parametrize("refs", [(), ("woocommerce:order:",), ("woocommerce:order:7/../8",), ("shopify:order:7",)])
def test_an_order_without_a_number_is_not_asked_for(refs: tuple[str, ...]) -> None:
    far = Far()
    assert shop().look_at_order(refs, far) is None
    assert without("consumer_key").look_at_order(ORDER, far) is None
    assert far.asked == []


@pytest.mark.parametrize(
    ("email", "searched"),
    [("zoe+thee@example.nl", "thee@example.nl"), ("100%zoe@example.nl", "zoe@example.nl"), ("z@example.nl",) * 2],
)
def test_an_address_is_searched_for_by_what_every_shop_finds(email: str, searched: str) -> None:
    """Newer shops decode the words once more: there a plus would be a space, and nobody found."""
    far = Far()
    far.answers = [Answered(200, msgspec.json.encode([ordered(email="another" + email), ordered(email=email)]))]
    assert shop().look_for(email, NOON_MS, far) is CartNow.ORDERED
    assert far.asked[0][2]["search"] == searched
