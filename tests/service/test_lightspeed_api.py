"""What Lightspeed's webhooks only hint at is asked of its API: what comes of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.store import models
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS, PEOPLE
from tests.builders import Premises
from tests.service.lightspeed_house import (
    CUSTOMER,
    HEAD,
    ORDER,
    PRODUCT,
    QUOTE,
    SUBSCRIPTION,
    VARIANT,
    House,
    open_house,
    recorded,
)
from tests.service.webshopapp import Json, Webshopapp

CART_REFS = (f"lightspeed:cart:{QUOTE}", "lightspeed:cart:0123456789abcdef0123456789")


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return open_house(premises, webshop, tmp_path, monkeypatch)


# --- carts ------------------------------------------------------------------------------------------------------------


def test_a_hint_of_a_cart_becomes_the_cart_and_whose_it_is(house: House) -> None:
    house.leaves_a_cart()
    basket = house.whose_cart().basket
    assert basket is not None
    assert (basket.id, basket.total, basket.shipping_now, basket.free_shipping_from) == (QUOTE, 6000, 695, 7500)
    [item] = basket.items
    assert (item.sku, item.quantity, item.value) == ("KT-01-ZW", 2, 6000)
    [told] = [str(row.body) for row in house.premises.rows(EVENTS, type="cart_updated")]
    assert "Koptelefoon" in told
    assert "https://cdn.webshopapp.example/kt.png" in told
    assert house.webshop.places() == [
        f"GET quotes/{QUOTE}",
        f"GET quotes/{QUOTE}/products",
        f"GET quotes/{QUOTE}/shippingmethods",
        f"GET products/{PRODUCT}",
        f"GET variants/{VARIANT}",
        f"GET customers/{CUSTOMER}",
    ]


def test_what_the_products_are_called_is_asked_once(house: House) -> None:
    house.leaves_a_cart()
    so_far = len(house.webshop.asked)
    house.premises.later(MINUTE)
    house.leaves_a_cart()
    assert len(house.webshop.asked) - so_far == 4


@pytest.mark.parametrize("away", [0, 404, 403])
def test_products_are_called_as_the_shopper_reads_them(house: House, away: int) -> None:
    """A shop in two languages: the cart says in which; what there is not in it is called as usual."""
    german: Json = {"id": 2, "code": "de", "locale": "de_DE", "title": "Deutsch"}
    house.has_a_cart({"language": german})
    house.webshop.in_language["de"] = {f"products/{PRODUCT}": {"product": {"id": int(PRODUCT), "title": "Kopfhörer"}}}
    if away:
        house.webshop.in_language["de"].clear()
        house.webshop.refuses_language["de"] = away
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    [told] = [str(row.body) for row in house.premises.rows(EVENTS, type="cart_updated")]
    assert ("Koptelefoon" in told, "Kopfhörer" in told) == ((True, False) if away else (False, True))
    assert house.whose_cart().language == "de"


@pytest.mark.parametrize(
    ("leave", "ticked", "mails"), [(True, True, ["scheduled"]), (True, False, []), (False, True, [])]
)
def test_what_is_ticked_in_a_cart_is_leave_to_mail_where_the_shop_says_so(
    house: House, leave: bool, ticked: bool, mails: list[str]
) -> None:
    if leave:
        house.live_by(HEAD.replace("    script_key", "    cart_consent: true\n    script_key"))
    house.has_a_cart({"allowNotifications": ticked})
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    house.premises.later(2 * HOUR)
    assert house.mails() == mails


def test_a_cart_left_after_shipping_that_nobody_expected_is_mailed_about(house: House) -> None:
    house.subscribes()
    house.leaves_a_cart()
    house.premises.later(2 * HOUR)
    assert house.mails() == ["scheduled"]


def test_nobody_is_mailed_on_a_webhooks_word_alone(house: House) -> None:
    """Its signature is an MD5: whoever can make one tells of a cart, of a newsletter, of whose number it is."""
    house.delivers("subscriptions/created", recorded("subscriptions_created"))
    house.delivers("customers/created", recorded("customers_created"))
    house.delivers("quotes/updated", recorded("quote_with_its_products"))
    house.delivers("orders/created", recorded("orders_created"))
    house.asks()
    house.premises.later(DAY)
    assert (house.mails(), house.who_waits()) == ([], 0)
    assert {row.type for row in house.premises.rows(EVENTS)} == {"order_placed"}


def test_what_the_api_says_counts_and_not_what_the_webhook_said(house: House) -> None:
    house.has_a_cart()
    house.delivers("quotes/updated", recorded("quote_with_its_products") | {"shipmentPriceIncl": 0})
    house.asks()
    basket = house.whose_cart().basket
    assert basket is not None
    assert basket.shipping_now == 695


def test_a_cart_of_which_everything_is_inside_costs_one_call(house: House) -> None:
    methods: Json = {"resource": {"embedded": [{"id": "x", "freeAbove": "50.0000", "priceIncl": "4.9500"}]}}
    customer: Json = {"resource": {"id": int(CUSTOMER), "embedded": recorded("customers_created")}}
    inside = recorded("quote_with_its_products") | {"shippingmethods": methods, "customer": customer}
    house.has(f"quotes/{QUOTE}", "quote", inside)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    assert house.webshop.places() == [f"GET quotes/{QUOTE}"]
    basket = house.whose_cart().basket
    assert basket is not None
    assert basket.free_shipping_from == 5000


def test_a_cart_that_is_gone_says_nothing(house: House) -> None:
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    assert house.premises.rows(EVENTS) == []
    assert house.premises.rows(ERRANDS, what=f"quote:{QUOTE}:{CUSTOMER}") == []


def test_a_cart_that_is_emptied_is_no_cart(house: House) -> None:
    house.leaves_a_cart()
    house.premises.later(MINUTE)
    house.has_a_cart({"productsCount": 0})
    house.webshop.things[f"quotes/{QUOTE}/products"] = {"quoteProducts": []}
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    with pytest.raises(ValueError, match="not enough"):
        house.whose_cart()


@pytest.mark.parametrize(
    ("changes", "free_from"),
    [
        ({}, 7500),
        ({"shipmentId": "core|10001|20003"}, None),  # the courier never ships for free
        ({"shipmentId": "core|10002|0"}, None),  # picking up costs nothing already
        ({"shipmentIsSet": False}, 7500),
        ({"shipmentId": "core|unknown"}, 7500),
    ],
)
def test_from_which_value_the_cart_ships_for_free_depends_on_the_way_that_was_chosen(
    house: House, changes: Json, free_from: int | None
) -> None:
    house.has_a_cart(changes)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    basket = house.whose_cart().basket
    assert basket is not None
    assert basket.free_shipping_from == free_from


def test_whoever_is_on_the_page_reads_how_much_is_missing(house: House) -> None:
    """The page knows the hash of its cart; the value comes from Lightspeed's own way of shipping."""
    house.premises.post("page_viewed", "v1", page={"url": "https://vloei.example/cart", "type": "cart"})
    house.premises.post("cart_updated", "v1", cart={"currency": "EUR", "lines": [PAGE_LINE]}, refs=[CART_REFS[1]])
    assert house.premises.decided() == []
    house.premises.later(SECOND)
    house.leaves_a_cart()
    answer = house.premises.later(SECOND).post("cart_viewed", "v1", refs=[CART_REFS[1]])
    assert ("v1", "nearly") in house.premises.decided()
    [message] = answer.messages
    assert msgspec.json.decode(message)["text"] == "Nog €\xa015,00, en verzenden is gratis."


PAGE_LINE: Json = {"sku": "KT-01-ZW", "name": "Koptelefoon", "quantity": 2, "price": "30.00"}


# --- orders, newsletters, stock, people -------------------------------------------------------------------------------


def test_an_order_ends_the_recovery_at_once_even_when_the_api_is_away(house: House) -> None:
    house.subscribes()
    house.leaves_a_cart()
    house.premises.later(2 * HOUR)
    assert house.mails() == ["scheduled"]
    house.webshop.refuses[""] = 503
    house.delivers("orders/created", recorded("orders_created"))
    assert house.mails() == ["cancelled"]
    house.asks()
    [errand] = house.premises.rows(ERRANDS, what=f"order:{ORDER}:{CUSTOMER}")
    assert (errand.attempt, errand.problem) == (1, "Lightspeed answered 503")


def test_an_order_ends_the_cart_on_the_page_although_no_webhook_told_of_its_quote(house: House) -> None:
    """The whole quote is in the order, and the page knows it by its hash."""
    line = {"sku": "KT-01-ZW", "name": "Koptelefoon", "quantity": 2, "price": "30.00"}
    house.premises.post("cart_updated", "v1", cart={"currency": "EUR", "lines": [line]}, refs=[CART_REFS[1]])
    house.premises.later(MINUTE)
    house.delivers("orders/created", recorded("orders_created"))
    state = house.premises.visitor("v1").state
    assert (state.basket, state.orders) == (None, 1)


def test_from_where_and_with_what_somebody_shops_is_written_nowhere(house: House) -> None:
    house.subscribes()
    house.leaves_a_cart()
    house.has_an_order()
    house.delivers("orders/created", recorded("orders_created"))
    house.asks()
    tables = models.Base.metadata.tables.values()
    written = "".join(str(row) for table in tables for row in house.premises.rows(table))
    assert "sanne.devries@example.nl" in written
    assert [word for word in ("192.0.2.", "Mozilla", "Voorbeeldstraat") if word in written] == []


def test_an_unpaid_order_waits_once_the_api_says_so(house: House) -> None:
    house.delivers("orders/created", recorded("orders_created"))
    house.premises.later(3 * HOUR)
    assert house.who_waits() == 0
    house.has_an_order(ago=3 * HOUR)
    house.asks()
    assert house.who_waits() == 1
    [order] = house.premises.rows(EVENTS, type="order_placed")
    assert '"email"' not in str(order.body)


def test_an_order_that_was_paid_before_anybody_looked_waits_for_nothing(house: House) -> None:
    house.delivers("orders/created", recorded("orders_created"))
    house.has_an_order("orders_paid")
    house.asks()
    house.premises.later(3 * HOUR)
    assert house.who_waits() == 0


def test_an_order_counts_once_however_often_it_is_told_and_read(house: House) -> None:
    house.has_an_order()
    for topic in ("orders/created", "orders/updated", "orders/paid"):
        house.delivers(topic, recorded("orders_created") | {"colli": topic})
        house.asks()
    assert len(house.premises.rows(EVENTS, type="order_placed")) == 1


def test_a_newsletter_that_ends_stops_at_once_and_one_that_begins_is_read_again(house: House) -> None:
    house.subscribes()
    house.leaves_a_cart()
    house.delivers("subscriptions/deleted", recorded("subscriptions_created"))
    house.premises.later(2 * HOUR)
    assert house.mails() == []
    asked = house.webshop.places()
    assert asked.count(f"GET subscriptions/{SUBSCRIPTION}") == 1


def test_stock_is_what_the_api_says(house: House) -> None:
    sold_out = {"sku": "KT-01-ZW", "name": "Koptelefoon", "stock": 0}
    house.premises.post("product_viewed", "v1", product=sold_out)
    house.premises.later(HOUR)
    house.has(f"variants/{VARIANT}", "variant", recorded("variants_updated"), {"stockLevel": "2.0000"})
    house.delivers("variants/updated", recorded("variants_updated") | {"stockLevel": 900})
    house.asks()
    [good] = house.premises.visitor("v1").state.goods
    assert good.stock == 2


@pytest.mark.parametrize("really", [True, False])
def test_whoever_is_deleted_in_the_shop_is_deleted_here_when_they_really_are(house: House, really: bool) -> None:
    house.leaves_a_cart()
    assert len(house.premises.rows(PEOPLE)) == 1
    if really:
        del house.webshop.things[f"customers/{CUSTOMER}"]
    house.delivers("customers/deleted", recorded("customers_created"))
    house.asks()
    assert len(house.premises.rows(PEOPLE)) == (0 if really else 1)
    assert (len(house.premises.rows(EVENTS)) == 0) is really


@pytest.mark.parametrize("has_another", [False, True])
def test_whoever_was_known_by_the_address_alone_goes_too_unless_another_customer_has_it(
    house: House, has_another: bool
) -> None:
    """The newsletter told of an address, a cart of a number: that they are one nobody has told before they are gone."""
    house.subscribes()
    house.has_a_cart()
    house.webshop.things.pop(f"customers/{CUSTOMER}")
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.premises.hear("contact_given", "v1", customer_id=CUSTOMER)
    house.asks()
    assert len(house.premises.rows(PEOPLE)) == 2
    another = recorded("customers_created") | {"id": 5, "email": "Sanne.deVries@example.nl"}
    house.webshop.lists["customers"] = lambda query: [another] if has_another and "email" in query else []
    house.delivers("customers/deleted", recorded("customers_created"))
    house.asks()
    assert len(house.premises.rows(PEOPLE)) == (1 if has_another else 0)
    assert house.premises.rows(ERRANDS, what=f"gone:{CUSTOMER}:sanne.devries@example.nl") == []
