"""A moment before a mail about a cart leaves, Shopify is asked whether it was ordered."""

from __future__ import annotations

import pytest

from engine.errors import CallError, Throttled
from engine.http import Answered
from engine.integration import CartNow, OrderNow
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop

CHECKOUT, CART, NUMBER = "shopify:checkout:c0ffee11", "shopify:cart:hWN3LhJu", "shopify:checkout_name:35481578373269"
REFS = (CART, CHECKOUT, NUMBER)
NO_ORDER = answered({"orders": {"nodes": []}})


def orders(**tokens: str | None) -> Answered:
    none: dict[str, str | None] = {"cartToken": None, "checkoutToken": None}
    return answered({"orders": {"nodes": [none | tokens]}})


def checkouts(*, completed_at: str | None = None, name: str = "#35481578373269", mailed: bool = False) -> Answered:
    node: Json = {"name": name, "completedAt": completed_at}
    return answered({"one": {"nodes": [node]}, "mailed": {"nodes": [node] if mailed else []}})


@pytest.mark.parametrize(
    ("answers", "now"),
    [
        ((orders(checkoutToken="c0ffee11"),), CartNow.ORDERED),
        ((orders(cartToken="hWN3LhJu?key=5"),), CartNow.ORDERED),
        ((NO_ORDER, checkouts(completed_at="2026-11-21T10:20:00Z")), CartNow.ORDERED),
        ((NO_ORDER, checkouts(mailed=True)), CartNow.MAILED),
        ((NO_ORDER, checkouts()), CartNow.OPEN),
        ((NO_ORDER, answered({"one": {"nodes": []}, "mailed": {"nodes": []}})), CartNow.OPEN),
        ((NO_ORDER, refused("ACCESS_DENIED")), CartNow.OPEN),
    ],
)
def test_what_shopify_knows_of_a_cart(answers: tuple[Answered, ...], now: CartNow) -> None:
    assert shop().look(REFS, Shopify2026(*answers)) is now


def test_it_asks_by_every_name_that_it_has() -> None:
    far = Shopify2026(NO_ORDER, checkouts())
    shop().look(REFS, far)
    assert far.asked == [
        {"query": "cart_token:hWN3LhJu OR checkout_token:c0ffee11"},
        {"one": "id:35481578373269", "mailed": "id:35481578373269 AND email_state:sent"},
    ]


def test_a_filter_that_is_not_understood_finds_nobody_elses_order() -> None:
    """Shopify leaves out what it does not understand of a search, and answers with anything."""
    far = Shopify2026(orders(checkoutToken="another", cartToken="another"), checkouts(name="#1", mailed=True))
    assert shop().look(REFS, far) is CartNow.OPEN


@pytest.mark.parametrize(
    "refs",
    [
        (),
        ("shopify:order:820982911946154508",),
        ("shopify:cart:x OR status:any",),
        ('shopify:checkout:a" OR 1',),
        ("shopify:checkout_name:D1 OR 2",),
        ("acme:cart:1",),
    ],
)
def test_about_a_name_that_cannot_be_asked_for_nothing_is_asked(refs: tuple[str, ...]) -> None:
    far = Shopify2026(NO_ORDER)
    assert shop().look(refs, far) is None
    assert far.asked == []


def test_where_only_a_number_is_known_and_may_not_be_asked_about_nothing_is_said() -> None:
    assert shop().look((NUMBER,), Shopify2026(refused("ACCESS_DENIED"))) is None


@pytest.mark.parametrize("settings", [{"client_id": ""}, {"api_version": "2026-04"}])
def test_a_shop_that_cannot_ask_does_not(settings: dict[str, str]) -> None:
    far = Shopify2026(NO_ORDER)
    assert shop(**settings).look(REFS, far) is None
    assert (far.tokens, far.asked) == (0, [])


def test_no_answer_is_no_answer_and_patience_is_given() -> None:
    with pytest.raises(CallError, match="502"):
        shop().look(REFS, Shopify2026(Answered(502, b"")))
    with pytest.raises(Throttled) as throttled:
        shop().look(REFS, Shopify2026(Answered(429, b"", {"retry-after": "2.5"})))
    assert throttled.value.wait_ms == 2_500


def test_without_the_right_to_see_orders_it_is_a_no_that_stays() -> None:
    with pytest.raises(CallError) as error:
        shop().look(REFS, Shopify2026(refused("ACCESS_DENIED")))
    assert error.value.refused


# --- an order that waits for its payment ------------------------------------------------------------------------------

ORDER = ("shopify:order:820982911946154508", CART)


def order(paid: str, sent: str = "UNFULFILLED", cancelled_at: str | None = None) -> Answered:
    told = {"cancelledAt": cancelled_at, "displayFinancialStatus": paid, "displayFulfillmentStatus": sent}
    return answered({"order": told})


@pytest.mark.parametrize(
    ("answer", "now"),
    [
        (order("PENDING"), OrderNow.UNPAID),
        (order("PAID"), OrderNow.PAID),
        (order("AUTHORIZED"), OrderNow.PAID),
        (order("PARTIALLY_PAID"), OrderNow.PAID),
        (order("PENDING", "FULFILLED"), OrderNow.PAID),
        (order("PENDING", cancelled_at="2026-11-21T10:20:00Z"), OrderNow.CANCELLED),
        (order("VOIDED"), OrderNow.CANCELLED),
        (order("EXPIRED"), OrderNow.CANCELLED),
        (order("REFUNDED"), OrderNow.CANCELLED),
        (answered({"order": None}), OrderNow.CANCELLED),
    ],
)
def test_what_shopify_knows_of_an_unpaid_order(answer: Answered, now: OrderNow) -> None:
    far = Shopify2026(answer)
    assert shop().look_at_order(ORDER, far) is now
    assert far.asked == [{"id": "gid://shopify/Order/820982911946154508"}]


@pytest.mark.parametrize("refs", [(), (CART, CHECKOUT), ("shopify:order:7 OR id:8",), ("shopify:order:",)])
def test_an_order_without_a_number_is_not_asked_for(refs: tuple[str, ...]) -> None:
    far = Shopify2026(order("PENDING"))
    assert shop().look_at_order(refs, far) is None
    assert shop(client_id="").look_at_order(ORDER, far) is None
    assert far.asked == []


def test_an_order_of_which_nothing_is_said_is_told() -> None:
    with pytest.raises(CallError, match="ACCESS_DENIED"):
        shop().look_at_order(ORDER, Shopify2026(refused("ACCESS_DENIED")))
