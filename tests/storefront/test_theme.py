"""A shopper on a Shopify storefront with the app embed: one cart with the right money, whose it is, and its order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.house import House
from tests.parts import DEADLINE_MS
from tests.storefront.theme import KOBALT, MOS, Cart, Theme, deliver, order_of

ADD = "([id, quantity]) => ask('add.js', { items: [{ id, quantity }] }).then((answer) => answer.json())"
Json = dict[str, Any]


@dataclass
class Shopper:
    """One browser at the storefront."""

    context: BrowserContext
    page: Page
    theme: Theme
    house: House

    def opens(self, path: str) -> None:
        self.page.goto(self.theme.origin + path)

    def agrees(self) -> None:
        self.page.evaluate("answersBanner(true)")

    def adds(self, variant: int, quantity: int = 1) -> None:
        """As a theme does it: in the page, without another one."""
        self.page.evaluate(ADD, [variant, quantity])

    @property
    def cart(self) -> Cart:
        return self.theme.carts[self._cookie("cart")]

    @property
    def visitor(self) -> str:
        return self._cookie("shopbell_visitor")

    def _cookie(self, name: str) -> str:
        return next((one["value"] for one in self.context.cookies() if one["name"] == name), "")

    def asked(self, page: str = "") -> list[str]:
        """What this browser has asked the storefront for; from this page, if one is named."""
        mine = self._cookie("cart")
        return [one.what for one in list(self.theme.asked) if one.cart == mine and page in ("", one.page)]

    def carts(self) -> list[Json]:
        """This visitor's carts at Shopbell: status, currency, total in cents, quantities."""
        rows = self.house.rows("SELECT status, body FROM carts WHERE visitor = ?", self.visitor)
        return [{"status": status} | json.loads(body) for status, body in rows]

    def is_seen_with(self, **quantities: int) -> None:
        """Shopbell knows one cart of this visitor's, with these quantities."""

        def seen() -> bool:
            carts = self.carts()
            return len(carts) == 1 and {one["name"]: one.get("quantity", 1) for one in carts[0]["lines"]} == quantities

        self.house.wait_until(seen, f"one cart with {quantities}")

    def is_named_in_the_cart(self) -> None:
        attribute = "_shopbell_visitor"
        self.house.wait_until(
            lambda: self.visitor and self.cart.attributes.get(attribute) == self.visitor, "the visitor in the cart"
        )


@pytest.fixture
def shopper(browser: Browser, theme: Theme, house: House) -> Iterator[Shopper]:
    context = browser.new_context(locale="nl-NL")
    context.set_default_timeout(DEADLINE_MS)
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield Shopper(context, context.new_page(), theme, house)
    context.close()
    assert wrong == []


def test_an_add_to_cart_is_one_cart_with_the_right_money_and_the_visitors_name(shopper: Shopper) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS, 2)
    shopper.is_seen_with(Mos=2)
    [cart] = shopper.carts()
    assert (cart["status"], cart["currency"], cart["total"], cart["lines"][0]["price"]) == ("open", "EUR", 2900, 1450)
    assert cart["lines"][0]["url"].endswith(f"/products/mos?variant={MOS}")
    shopper.is_named_in_the_cart()
    shopper.adds(KOBALT)
    shopper.is_seen_with(Mos=2, Kobalt=1)
    assert shopper.carts()[0]["total"] == 4895


def test_its_order_finds_the_visitor_by_the_carts_attributes(shopper: Shopper, house: House) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    shopper.is_named_in_the_cart()
    number = uuid4().int % 10**18
    assert deliver(house, "orders/create", order_of(shopper.cart, number)) == "accepted"
    assert house.rows("SELECT id, cart FROM orders WHERE visitor = ?", shopper.visitor) == [
        (str(number), shopper.cart.token.partition("?")[0])
    ]
    assert [cart["status"] for cart in shopper.carts()] == ["ordered"]


def test_the_order_of_another_cart_finds_its_visitor_by_the_attribute_alone(shopper: Shopper, house: House) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    shopper.is_named_in_the_cart()
    number = uuid4().int % 10**18
    elsewhere = Cart(attributes=dict(shopper.cart.attributes))
    assert deliver(house, "orders/create", order_of(elsewhere, number)) == "accepted"
    assert [order for order, _ in house.rows("SELECT id, '' FROM orders WHERE visitor = ?", shopper.visitor)] == [
        str(number)
    ]


def test_before_a_yes_nothing_is_told_asked_or_written(shopper: Shopper) -> None:
    shopper.opens("/products/mos")
    shopper.adds(MOS)
    shopper.page.wait_for_function("() => window.shopbell && shopbell.live && Shopify.customerPrivacy")
    # What a page reports of its requests comes in order: when this one was seen, the one before was as well.
    shopper.page.evaluate("() => fetch('/cart.js').then((answer) => answer.text())")
    assert shopper.asked() == ["GET /products/mos", "POST /cart/add.js", "GET /cart.js"]
    assert shopper.cart.attributes == {}
    assert shopper.visitor == ""


def test_a_privacy_signal_goes_before_a_yes_of_another_day_and_a_new_yes_before_the_signal(
    shopper: Shopper, theme: Theme
) -> None:
    theme.said = "yes"
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    shopper.opens("/products/mos")
    shopper.adds(MOS)
    shopper.page.wait_for_function("() => window.shopbell && shopbell.live && Shopify.customerPrivacy")
    assert (shopper.visitor, shopper.cart.attributes) == ("", {})
    shopper.agrees()
    shopper.is_seen_with(Mos=1)


def test_a_yes_that_was_given_before_holds_and_the_page_tells_its_cart(shopper: Shopper, theme: Theme) -> None:
    theme.said = "yes"
    shopper.opens("/products/mos")
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    shopper.is_named_in_the_cart()
    shopper.opens("/cart")
    shopper.house.wait_until(lambda: shopper.asked(page="/cart"), "the view of the cart's page")
    shopper.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes(':o|'))")
    assert set(shopper.asked(page="/cart")) == {"POST /apps/shopbell/v1/events"}, "the page itself has the cart"
    told = shopper.house.rows(
        "SELECT type, '' FROM events WHERE visitor = ? AND type = 'cart_updated'", shopper.visitor
    )
    assert len(told) == 1


def test_a_withdrawal_takes_the_name_out_of_the_cart(shopper: Shopper) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_named_in_the_cart()
    shopper.page.evaluate("answersBanner(false)")
    shopper.house.wait_until(lambda: shopper.cart.attributes == {}, "the cart without a name")
    assert shopper.visitor == ""


def test_a_cart_that_is_emptied_is_told_as_empty(shopper: Shopper) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    shopper.page.evaluate("() => ask('clear.js', {})")
    shopper.house.wait_until(lambda: [cart["status"] for cart in shopper.carts()] != ["open"], "an emptied cart")


def test_a_cart_that_drops_its_attributes_is_not_asked_again_and_again(shopper: Shopper, theme: Theme) -> None:
    theme.keeps_attributes = False
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    for quantity in (2, 3, 4):
        shopper.adds(MOS)
        shopper.is_seen_with(Mos=quantity)
    assert shopper.cart.attributes == {}
    assert shopper.asked().count("POST /cart/update.js") == 1


def test_yen_in_hundredths_are_yen(shopper: Shopper, theme: Theme) -> None:
    theme.currency = "JPY"
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(KOBALT, 2)
    shopper.is_seen_with(Kobalt=2)
    [cart] = shopper.carts()
    assert (cart["currency"], cart["total"]) == ("JPY", 40), "19.95 yen are 20, twice"


def test_who_is_logged_in_is_known_by_the_shops_own_address(shopper: Shopper, theme: Theme, house: House) -> None:
    theme.customer = str(uuid4().int % 10**12)
    shopper.opens("/")
    shopper.agrees()
    told = "SELECT type, '' FROM events WHERE visitor = ? AND type = 'identified'"
    house.wait_until(lambda: shopper.visitor and house.rows(told, shopper.visitor), "who is logged in")


def test_a_shop_may_send_to_shopbell_itself(shopper: Shopper, theme: Theme) -> None:
    theme.settings = {"path": ""}
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS)
    shopper.is_seen_with(Mos=1)
    assert not any("/apps/shopbell" in one for one in shopper.asked())


def test_a_mails_link_puts_what_is_missing_into_the_cart_of_another_device(
    shopper: Shopper, browser: Browser, theme: Theme, house: House
) -> None:
    shopper.opens("/products/mos")
    shopper.agrees()
    shopper.adds(MOS, 2)
    shopper.adds(KOBALT)
    shopper.is_seen_with(Mos=2, Kobalt=1)
    email = f"{uuid4().hex}@shopper.example"
    person = {"email": email, "consent": {"email": True, "text": "Mail me", "source": "checkout"}}
    shopper.page.evaluate("(person) => shopbell('identify', person)", person)
    mail = house.wait_for_mail(email)
    token = next(word for word in mail["text"].split() if "/c/" in word).rpartition("/")[2]
    with browser.new_context(locale="nl-NL") as context:
        context.set_default_timeout(DEADLINE_MS)
        elsewhere = Shopper(context, context.new_page(), theme, house)
        elsewhere.opens("/")
        elsewhere.adds(MOS, 1)
        elsewhere.opens(f"/?shopbell_cart={token}")
        elsewhere.page.wait_for_url("**/cart")
        assert elsewhere.cart.lines == {MOS: 2, KOBALT: 1}
