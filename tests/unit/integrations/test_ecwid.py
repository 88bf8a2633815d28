"""What Ecwid's API says of carts, orders, products and people becomes events, and nothing is guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import Unreadable
from engine.events import parse_event
from engine.integration import Json
from integrations.ecwid.body import days, shipping
from integrations.ecwid.carts import from_cart
from integrations.ecwid.goods import from_product
from integrations.ecwid.orders import from_order
from integrations.ecwid.people import from_customer
from tests.unit.integrations.ecwid_there import (
    CART,
    NOW,
    cart,
    kinds,
    only,
    order,
    store_of,
)

# --- a cart -----------------------------------------------------------------------------------------------------------


def test_a_cart_says_everything_that_a_mail_needs() -> None:
    news = from_cart(cart())
    assert kinds(news) == ["checkout_started", "cart_updated", "shipping_shown", "contact_given"]
    for wire in news.events:
        event = parse_event(wire, received_at=NOW * 1_000, skew_ms=0, currency="EUR", trusted=True)
        assert event.refs == (f"ecwid:cart:{CART}",)
        assert event.visitor == "0b9f6a1e-1f2b-4c3d-8e5f-123456789abc"
        assert event.language == "nl"
    told = parse_event(only(news, "cart_updated"), received_at=NOW * 1_000, skew_ms=0, currency="EUR", trusted=True)
    assert told.cart is not None
    assert (told.at, told.cart.total, told.cart.discount, told.cart.coupon) == (
        (NOW - 600) * 1_000,
        2791,
        199,
        "HERFST",
    )
    [line] = told.cart.lines
    assert (line.sku, line.product_id, line.variant, line.quantity, line.price) == (
        "INKT-1",
        "37208342",
        "Kleur: Blauw",
        2,
        1495,
    )
    assert only(news, "shipping_shown")["shipping"] == {"price": Decimal("6.95"), "method": "PostNL", "days": 4}
    contact = only(news, "contact_given")
    assert (contact["email"], contact["customer_id"], contact["name"], contact["country"]) == (
        "sanne@example.nl",
        "5001",
        "Sanne de Vries",
        "NL",
    )
    assert contact["consent"] == {"email": True, "source": "Ecwid checkout"}


@pytest.mark.parametrize("answer", [None, False, "true", 1])
def test_a_box_that_was_not_ticked_or_never_shown_is_no_consent(answer: object) -> None:
    assert "consent" not in only(from_cart(cart(acceptMarketing=answer)), "contact_given")


def test_without_an_address_there_is_a_cart_and_nobody() -> None:
    assert kinds(from_cart(cart(email=""))) == ["cart_updated", "shipping_shown"]


@pytest.mark.parametrize(
    ("changes", "look_ups"),
    [
        ({"recoveredOrderId": 223}, (f"order:223:{CART}",)),
        ({"recoveredOrderId": 223, "recoveredPublicUid": "XJ12H"}, (f"order:XJ12H:{CART}",)),
        ({"hidden": True}, ()),
    ],
)
def test_a_cart_that_became_an_order_or_was_hidden_is_open_no_longer(changes: Json, look_ups: tuple[str, ...]) -> None:
    news = from_cart(cart(**changes))
    assert kinds(news) == ["cart_updated"]
    assert only(news, "cart_updated")["cart"] == {"id": CART, "lines": []}
    assert news.look_ups == look_ups


def test_ecwids_own_mail_is_told_with_its_cart() -> None:
    reminder = only(from_cart(cart(recoveryEmailSentTimestamp="2026-11-21 13:33:15 +0100")), "reminder_sent")
    assert reminder["at"] == "2026-11-21T12:33:15+00:00"
    assert reminder["cart"] == only(from_cart(cart()), "cart_updated")["cart"]


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"pricesIncludeTax": True, "taxesOnShipping": [{"value": 21, "total": 1.21}]}, "6.95"),
        ({"pricesIncludeTax": False, "taxesOnShipping": [{"value": 21, "total": 1.46}]}, "8.41"),
        ({"pricesIncludeTax": False, "taxesOnShipping": [{"total": 1.0}, {"total": 0.46}]}, "8.41"),
        ({"pricesIncludeTax": None, "taxesOnShipping": None}, "6.95"),
        ({"pricesIncludeTax": False, "taxesOnShipping": []}, "6.95"),
    ],
)
def test_shipping_is_what_the_shopper_pays_for_it(changes: Json, price: str) -> None:
    assert shipping(cart(**changes)) == Decimal(price)


def test_the_taxes_on_handling_are_not_shippings() -> None:
    """``(shippingRate + handlingFee) * taxValue``: 21 % of 8 + 2."""
    told = cart(
        pricesIncludeTax=False,
        shippingOption={"shippingRate": 8},
        handlingFee={"value": 2},
        taxesOnShipping=[{"value": 21, "total": 2.1}],
    )
    assert shipping(told) == Decimal("9.68")


def test_a_rate_above_its_net_holds_its_taxes_already() -> None:
    option: Json = {"shippingRate": 6.95, "shippingRateWithoutTax": 5.74}
    told = cart(pricesIncludeTax=False, shippingOption=option, taxesOnShipping=[{"total": 1.21}])
    assert shipping(told) == Decimal("6.95")


def test_free_shipping_after_a_discount_is_free() -> None:
    assert shipping(cart(shippingOption={"shippingRate": 6.95, "discountedShippingRate": 0})) == 0


def test_without_a_way_of_shipping_nothing_is_said_about_it() -> None:
    assert shipping(cart(shippingOption={})) is None
    assert "shipping_shown" not in kinds(from_cart(cart(shippingOption=None)))


@pytest.mark.parametrize(
    ("told", "most"), [("5", 5), (5, 5), ("4-9 days", 9), ("morgen", None), ("", None), (None, None)]
)
def test_how_long_a_delivery_takes_is_the_longest_that_is_told(told: object, most: int | None) -> None:
    assert days(cart(shippingOption={"estimatedTransitTime": told})) == most


@pytest.mark.parametrize(("currency", "total"), [("EUR", 2791), ("JPY", 28), ("KWD", 27910)])
def test_amounts_have_the_decimals_of_the_shops_currency(currency: str, total: int) -> None:
    wire = only(from_cart(cart()), "cart_updated")
    event = parse_event(wire, received_at=NOW * 1_000, skew_ms=0, currency=currency, trusted=True)
    assert event.cart is not None
    assert (event.cart.total, event.cart.currency) == (total, currency)


@pytest.mark.parametrize(
    "changes",
    [
        {"updateTimestamp": None, "updateDate": "gisteren"},
        {"updateTimestamp": 10**18},
        {"subtotal": "veel"},
        {"recoveryEmailSentTimestamp": "2017-02-31 00:00:00 +0000"},
    ],
)
def test_what_makes_no_sense_is_not_guessed(changes: Json) -> None:
    with pytest.raises(Unreadable):
        from_cart(cart(**changes))


def test_a_date_will_do_where_there_is_no_timestamp() -> None:
    told = only(from_cart(cart(updateTimestamp=None, updateDate="2014-09-21 00:00:12 +0200")), "cart_updated")
    assert told["at"] == "2014-09-20T22:00:12+00:00"


# --- an order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payment", "fulfilment", "became", "paid"),
    [
        ("AWAITING_PAYMENT", "AWAITING_PROCESSING", [], False),
        ("PAID", "PROCESSING", ["order_paid"], True),
        ("PAID", "SHIPPED", ["order_paid", "order_shipped"], True),
        ("PAID", "OUT_FOR_DELIVERY", ["order_paid", "order_shipped"], True),
        ("PAID", "DELIVERED", ["order_paid", "order_shipped", "order_delivered"], True),
        ("REFUNDED", "RETURNED", ["order_refunded", "order_returned"], True),
        ("PARTIALLY_REFUNDED", "DELIVERED", ["order_refunded", "order_shipped", "order_delivered"], True),
        ("CANCELLED", "WILL_NOT_DELIVER", ["order_cancelled"], None),
        ("CUSTOM_PAYMENT_STATUS_1", "CUSTOM_FULFILLMENT_STATUS_3", [], None),
    ],
)
def test_an_order_tells_what_became_of_it(payment: str, fulfilment: str, became: list[str], paid: bool | None) -> None:
    events = from_order(order(paymentStatus=payment, fulfillmentStatus=fulfilment))
    assert [event["type"] for event in events] == ["order_placed", *became]
    told = events[0]["order"]
    assert isinstance(told, dict)
    assert told.get("paid") is paid
    assert (told["id"], told["total"], told["shipping"]) == ("XJ12H", Decimal("34.86"), Decimal("6.95"))
    assert events[0]["refs"] == ["ecwid:order:XJ12H", "ecwid:order_number:492512057"]


@pytest.mark.parametrize(
    ("changes", "paid"),
    [
        ({}, False),
        ({"fulfillmentStatus": "PROCESSING", "paymentMethod": "Overboeking"}, False),
        ({"paymentMethod": " Onder Rembours "}, None),
        ({"fulfillmentStatus": "READY_FOR_PICKUP"}, None),
        ({"fulfillmentStatus": "SHIPPED"}, None),
    ],
)
def test_who_pays_at_the_door_or_by_an_invoice_owes_nothing_yet(changes: Json, paid: bool | None) -> None:
    waiting: Json = {"paymentStatus": "AWAITING_PAYMENT", "fulfillmentStatus": "AWAITING_PROCESSING"}
    later = store_of(paid_later="Onder rembours, , PIN bij afhalen").settings.later
    told = from_order(order(**(waiting | changes)), later=later)[0]["order"]
    assert isinstance(told, dict)
    assert told.get("paid") is paid


def test_an_unfinished_order_is_no_order() -> None:
    assert from_order(order(paymentStatus="INCOMPLETE")) == []


def test_an_order_of_which_the_cart_is_known_closes_that_cart() -> None:
    [placed, *_] = from_order(order(), CART)
    told = placed["order"]
    assert isinstance(told, dict)
    assert told["cart_id"] == CART
    assert placed["refs"] == [f"ecwid:cart:{CART}", "ecwid:order:XJ12H", "ecwid:order_number:492512057"]
    assert from_order(order(cartId=CART)) == [placed, *_]


# --- products and people ----------------------------------------------------------------------------------------------

PRODUCT: Json = {
    "id": 7,
    "sku": "INKT",
    "name": "Inkt",
    "enabled": True,
    "quantity": 3,
    "updateTimestamp": NOW,
    "price": 5,
}


@pytest.mark.parametrize(
    ("changes", "stock"),
    [
        ({}, {"INKT": 3}),
        ({"quantity": -2}, {"INKT": 0}),
        ({"unlimited": True}, {}),
        ({"quantity": None}, {}),
        ({"inStock": False}, {"INKT": 0}),
        ({"enabled": False}, {"INKT": 0}),
        (
            {
                "combinations": [
                    {"sku": "INKT-B", "quantity": 0, "options": [{"name": "Kleur", "value": "Blauw"}]},
                    {"sku": "INKT-R", "unlimited": True},
                    {"sku": "", "quantity": 9},
                ]
            },
            {"INKT-B": 0},
        ),
    ],
)
def test_stock_is_told_by_variation_where_there_are_some(changes: Json, stock: dict[str, int]) -> None:
    told = [event["product"] for event in from_product(PRODUCT | changes)]
    assert {product["sku"]: product["stock"] for product in told if isinstance(product, dict)} == stock


@pytest.mark.parametrize(("allows", "told"), [(True, [True]), (False, [False]), (None, [])])
def test_a_customer_allows_forbids_or_was_never_asked(allows: bool | None, told: list[bool]) -> None:
    customer: Json = {"id": 5001, "email": "sanne@example.nl", "acceptMarketing": allows, "updated": None}
    consents = [event["consent"] for event in from_customer(customer) if event["type"] == "consent_changed"]
    assert [consent["email"] for consent in consents if isinstance(consent, dict)] == told
