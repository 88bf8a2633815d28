"""The script for a WooCommerce shop's pages, in a browser, against a Store API that answers as WooCommerce does."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.snippet.far_side import GRANTED, Answer, FarSide
from tests.snippet.far_side import Page as ShopPage

Json = dict[str, Any]
TAGS = (
    '<script async src="/shopbell.js" data-key="pk_test"></script>'
    '<script async src="/adapters/woocommerce.js"></script>'
)
STORE = "/wp-json/wc/store/v1/cart"


def item(number: int = 93, quantity: int = 2, price: str = "1500", unit: int = 2, **fields: object) -> Json:
    """A line as the Store API has it; of its many fields those that are read."""
    said = {"id": number, "type": "simple", "quantity": quantity, "name": "Thee &#8211; groen", "sku": "THEE-1"}
    rest = {"permalink": "https://winkel.example/thee", "variation": [], "images": [{"src": "https://i.example/1.jpg"}]}
    return said | rest | {"prices": {"price": price, "currency_code": "EUR", "currency_minor_unit": unit}} | fields


class Shop:
    """A shop's cart, and what was asked of its Store API."""

    def __init__(self, page: Page, far: FarSide) -> None:
        self.page, self.far = page, far
        self.items: list[Json] = []
        self.coupons: list[Json] = []
        self.totals: Json = {}
        self.rates: list[Json] = []
        self.currency, self.unit, self.net = "EUR", 2, False
        self.added: list[Json] = []
        far.platform = self._answer

    def opens(self, path: str = "/", kind: str = "", *, head: str = GRANTED) -> None:
        """A page of the shop; ``kind`` is how WooCommerce marks it."""
        mark = f"<script>document.body.className = '{kind}'</script>"
        self.far.pages[path.partition("?")[0]] = ShopPage(head=head, tag=TAGS, body=f"{mark}<h1>Thee</h1>")
        self.page.goto(self.far.origin + path)

    def changes(self) -> None:
        """As a theme does it: it asks, and the cart is another."""
        self.page.evaluate("fetch('/?wc-ajax=add_to_cart', {method: 'POST'})")

    def _answer(self, method: str, path: str, body: Json) -> Answer | None:
        if method == "POST" and path == f"{STORE}/add-item":
            self.added.append(body)
            return Answer(201, self.cart(), {"Nonce": "n0nce"})
        if path == STORE:
            return Answer(200, self.cart(), {"Nonce": "n0nce"})
        return Answer(200, {}) if "wc-ajax" in path else None

    def cart(self) -> Json:
        shown = sum(int(each["prices"]["price"]) * each["quantity"] for each in self.items)
        net = shown if self.net else round(shown / 1.21)
        totals = {
            "total_items": str(net),
            "total_items_tax": str(round(shown * 0.21) if self.net else shown - net),
            "total_discount": "0",
            "total_discount_tax": "0",
            "total_shipping": None,
            "total_shipping_tax": None,
            "currency_code": self.currency,
            "currency_minor_unit": self.unit,
        }
        return {
            "items": self.items,
            "coupons": self.coupons,
            "totals": totals | self.totals,
            "needs_shipping": True,
            "shipping_rates": [{"package_id": 0, "shipping_rates": self.rates}],
        }


@pytest.fixture
def shop(page: Page, far: FarSide) -> Shop:
    return Shop(page, far)


def test_what_is_in_the_cart_is_told_as_the_shop_shows_it(shop: Shop, far: FarSide) -> None:
    shop.items = [item(), item(105, 1, "950", sku="", name="Kop", variation=[{"attribute": "Kleur", "value": "Zwart"}])]
    shop.opens()
    cart = far.wait_for_event("cart_updated")["cart"]
    assert (cart["currency"], cart["total"]) == ("EUR", "39.50")
    first, second = cart["lines"]
    assert (first["product_id"], first["sku"], first["name"]) == ("93", "THEE-1", "Thee – groen")
    assert (first["quantity"], first["price"], first["image_url"]) == (2, "15.00", "https://i.example/1.jpg")
    assert (second["product_id"], second["variant"], "sku" in second) == ("105", "Zwart", False)


@pytest.mark.parametrize(
    ("currency", "unit", "price", "shown", "total"),
    [("JPY", 0, "1500", "1500", "3000"), ("KWD", 3, "1500", "1.500", "3.000"), ("EUR", 2, "5", "0.05", "0.10")],
)
def test_amounts_have_the_decimals_that_the_shop_says(
    shop: Shop, far: FarSide, currency: str, unit: int, price: str, shown: str, total: str
) -> None:
    shop.currency, shop.unit, shop.items = currency, unit, [item(price=price, unit=unit)]
    shop.opens()
    cart = far.wait_for_event("cart_updated")["cart"]
    assert (cart["currency"], cart["lines"][0]["price"], cart["total"]) == (currency, shown, total)


@pytest.mark.parametrize(("net", "total"), [(False, "26.37"), (True, "27.00")])
def test_a_coupon_counts_as_prices_are_shown(shop: Shop, far: FarSide, net: bool, total: str) -> None:
    shop.net, shop.items, shop.coupons = net, [item()], [{"code": "herfst"}]
    shop.totals = {"total_discount": "300", "total_discount_tax": "63"}
    shop.opens()
    cart = far.wait_for_event("cart_updated")["cart"]
    assert (cart["coupon"], cart["total"]) == ("herfst", total)


def test_nothing_is_asked_or_told_without_consent(shop: Shop, far: FarSide, page: Page) -> None:
    shop.items = [item()]
    shop.opens(head="")
    page.wait_for_function("() => performance.getEntriesByName(location.origin + '/adapters/woocommerce.js').length")
    page.evaluate("fetch('/asked-after-everything-else')")
    far.wait_for(lambda arrived: ("GET", "/asked-after-everything-else") in arrived.methods)
    assert ("GET", STORE) not in far.methods
    page.evaluate(GRANTED)
    far.wait_for_event("cart_updated")


def test_what_changes_is_told_once_and_an_emptied_cart_too(shop: Shop, far: FarSide) -> None:
    shop.items = [item()]
    shop.opens()
    far.wait_for_event("cart_updated")
    shop.items = [item(quantity=3)]
    shop.changes()
    assert far.wait_for_event("cart_updated", 2)["cart"]["total"] == "45.00"
    shop.items = []
    shop.changes()
    assert far.wait_for_event("cart_updated", 3)["cart"]["lines"] == []
    shop.opens("/other")
    far.wait_for(lambda arrived: len(arrived.events("page_viewed")) == 2)
    assert len(far.events("cart_updated")) == 3


def test_before_the_checkout_shipping_is_an_estimate_and_there_it_is_what_it_costs(shop: Shop, far: FarSide) -> None:
    shop.items, shop.totals = [item()], {"total_shipping": "574", "total_shipping_tax": "121"}
    shop.opens("/winkelwagen", "woocommerce-cart")
    assert far.wait_for_event("cart_updated")["cart"]["shipping_estimate"] == "6.95"
    shop.rates = [{"name": "Afhalen", "selected": False}, {"name": "PostNL &amp; co", "selected": True}]
    shop.opens("/afrekenen", "woocommerce-checkout")
    assert far.wait_for_event("shipping_shown")["shipping"] == {
        "price": "6.95",
        "currency": "EUR",
        "method": "PostNL & co",
    }
    assert far.events("checkout_started")[0]["cart"]["lines"][0]["sku"] == "THEE-1"
    shop.totals = {"total_shipping": "0", "total_shipping_tax": "0"}
    shop.changes()
    assert far.wait_for_event("shipping_shown", 2)["shipping"]["price"] == "0.00"
    assert len(far.events("checkout_started")) == 1


def test_the_page_that_thanks_tells_the_order_and_the_key_of_its_webhook(shop: Shop, far: FarSide) -> None:
    shop.opens(
        "/afrekenen/order-received/727/?key=wc_order_58d2d042d1d", "woocommerce-checkout woocommerce-order-received"
    )
    placed = far.wait_for_event("order_placed")
    assert placed["order"] == {"id": "727"}
    assert placed["refs"] == ["woocommerce:checkout:wc_order_58d2d042d1d"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/x/order-received/727/?key=1", "woocommerce-order-received"), ("/x/727/?key=wc_order_58d2d042d1d", "page")],
)
def test_no_other_page_tells_an_order(shop: Shop, far: FarSide, path: str, kind: str) -> None:
    shop.items = [item()]
    shop.opens(path, kind)
    far.wait_for_event("cart_updated")
    assert far.events("order_placed") == []


def test_a_mails_link_adds_what_is_missing_and_shows_it(shop: Shop, far: FarSide, page: Page) -> None:
    lines = [
        {"product_id": "93", "quantity": 3},
        {"product_id": "105", "quantity": 1},
        {"product_id": "7", "quantity": 1},
    ]
    far.carts["t"] = {"cart": {"currency": "EUR", "lines": lines}, "message": "dec_9"}
    shop.items = [item(quantity=1), item(7, 1)]
    shop.opens("/winkelwagen?shopbell_cart=t", "woocommerce-cart")
    far.wait_for(lambda arrived: arrived.methods.count(("GET", "/winkelwagen")) == 2)
    assert shop.added == [{"id": 93, "quantity": 2}, {"id": 105, "quantity": 1}]
