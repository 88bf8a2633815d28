"""A shopper in an Ecwid store: what the script for its pages tells, with an Ecwid that behaves as its documents say."""

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
from tests.storefront.theme import Theme

Json = dict[str, Any]
ECWID = """
window.Ecwid = (() => {
  const event = () => {
    const fns = [];
    return { count: () => fns.length, add: (fn) => fns.push(fn), tell: (...args) => fns.forEach((fn) => fn(...args)) };
  };
  const product = (id) => ({ id, sku: "SKU-" + id, name: "Ink " + id, price: 14.5, url: "https://shop.example/" + id });
  const items = [];
  const copy = () => items.map((one) => ({ ...one }));
  const cart = () => ({ items: copy(), cartId: CART, shippingMethod: Ecwid.method, shippingPerson: Ecwid.to });
  const order = () => ({ total: 35.95, shipping: 6.95, cart: cart() });
  const Ecwid = {
    OnAPILoaded: event(), OnCartChanged: event(), OnPageLoaded: event(), OnConsentChanged: event(),
    OnOrderPlaced: event(),
    Cart: {
      get: (then) => setTimeout(() => then(cart())),
      calculateTotal: (then) => setTimeout(() => then(Ecwid.away ? null : order())),
      addProduct: ({ id, quantity, options = {}, callback }) => {
        const done = (well) => callback && setTimeout(() => callback(well, well ? product(id) : null, cart()));
        if (typeof options.Extras == "string") return done(false); // boxes to be ticked: a list of texts
        const asText = ([name, value]) => [name, [].concat(value).join(", ")];
        const told = Object.fromEntries(Object.entries(options).map(asText));
        const same = (one) => one.product.id == id && JSON.stringify(one.options) == JSON.stringify(told);
        const there = items.find(same);
        there ? (there.quantity += quantity) : items.push({ product: product(id), quantity, options: told });
        Ecwid.OnCartChanged.tell(cart());
        done(true);
      },
      clear: () => { items.length = 0; Ecwid.OnCartChanged.tell(cart()); },
    },
    getTrackingConsent: () => {
      Ecwid.asked = true;
      return { userResponse: SAID, askConsent: true };
    },
    openPage: (page) => { Ecwid.opened = page; },
    refreshConfig: () => { Ecwid.refreshed = JSON.stringify(ec.order.extraFields); },
    shows: (type) => Ecwid.OnPageLoaded.tell({ type }),
    ships: (method, to) => { Ecwid.method = method; Ecwid.to = to; Ecwid.OnCartChanged.tell(cart()); },
    orders: (vendorNumber, paymentStatus) => {
      const order = { vendorNumber, orderNumber: 781, paymentStatus, total: 35.95, shipping: 6.95, items: copy() };
      items.length = 0;
      Ecwid.OnOrderPlaced.tell(order);
      Ecwid.OnCartChanged.tell(cart());
    },
    options: (id) => items.find((one) => one.product.id == id).options,
    quantities: () => Object.fromEntries(items.map((one) => [one.product.id, one.quantity])),
  };
  return Ecwid;
})();
"""
EXTRAS = {"Size": "1 / 2", "Text": "Ann: Bob, too", "Extras": "Gift wrap, Card"}
STUB = "window.shopbell=window.shopbell||function(){(shopbell.q=shopbell.q||[]).push(arguments)}"


@dataclass
class Shopper:
    """One browser in the store."""

    page: Page
    context: BrowserContext
    theme: Theme
    house: House
    cart_id: str

    def opens(self, said: str = "UNDEFINED", query: str = "", later: bool = False) -> None:
        """A page of the store; Ecwid's own script comes before ours, or ``later``."""
        ecwid = ECWID.replace("CART", json.dumps(self.cart_id)).replace("SAID", json.dumps(said))
        first = f"window.begin = () => {{ {ecwid}; window.Ecwid = Ecwid }}" if later else ecwid
        scripts = (
            f'<script async src="{self.house.address}/shopbell.js" data-key="pk_demo"></script>'
            f'<script async src="{self.house.address}/adapters/ecwid.js" data-shopbell-consent="ecwid"></script>'
        )
        path = f"/ecwid/{uuid4().hex}"
        self.theme.pages[path] = f"<!doctype html><title>Ink</title><script>{STUB};{first}</script>{scripts}"
        self.page.goto(f"{self.theme.origin}{path}{query}")

    def both_scripts_have_come(self) -> None:
        self.page.wait_for_function("() => window.shopbell && shopbell.live && Ecwid.asked")

    def answers(self, answer: str) -> None:
        self.both_scripts_have_come()
        self.page.evaluate("(answer) => Ecwid.OnConsentChanged.tell(answer)", answer)

    def adds(self, product: int, quantity: int = 1, options: Json | None = None) -> None:
        self.page.evaluate(
            "(item) => Ecwid.Cart.addProduct(item)", {"id": product, "quantity": quantity, "options": options or {}}
        )

    @property
    def visitor(self) -> str:
        cookies = self.context.cookies()
        return next((one["value"] for one in cookies if one["name"] == "shopbell_visitor"), "")

    def is_seen_with(self, **quantities: int) -> Json:
        """Shopbell knows one open cart of this visitor's, with these quantities."""

        def found() -> list[Json]:
            rows = self.house.rows("SELECT id, body FROM carts WHERE visitor = ?", self.visitor)
            carts = [{"id": name} | json.loads(body) for name, body in rows]
            return [
                one for one in carts if {line["name"]: line.get("quantity", 1) for line in one["lines"]} == quantities
            ]

        self.house.wait_until(found, f"a cart with {quantities}")
        [cart] = found()
        return cart

    def has_seen_the_price_of(self, method: str) -> None:
        def told() -> bool:
            return method in [one["shipping"]["method"] for one in self.told("shipping_shown")]

        self.house.wait_until(told, f"what {method} costs")

    def told(self, kind: str) -> list[Json]:
        rows = self.house.rows(f"SELECT type, body FROM events WHERE type = '{kind}' AND visitor = ?", self.visitor)
        return [json.loads(body) for _, body in rows]


@pytest.fixture
def shopper(browser: Browser, theme: Theme, house: House) -> Iterator[Shopper]:
    context = browser.new_context(locale="nl-NL")
    context.set_default_timeout(DEADLINE_MS)
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield Shopper(context.new_page(), context, theme, house, str(uuid4()).upper())
    context.close()
    assert wrong == []


def test_the_cart_is_told_under_the_apis_name_and_the_order_carries_the_visitor(shopper: Shopper) -> None:
    shopper.opens()
    shopper.answers("ACCEPTED")
    shopper.adds(7, 2)
    cart = shopper.is_seen_with(**{"Ink 7": 2})
    assert (cart["id"], cart["total"], cart["lines"][0]["sku"]) == (shopper.cart_id, 2900, "SKU-7")
    aliases = shopper.house.rows("SELECT name, cart FROM aliases WHERE visitor = ?", shopper.visitor)
    assert (f"ecwid:cart:{shopper.cart_id}", shopper.cart_id) in aliases
    shopper.page.wait_for_function("(visitor) => (Ecwid.refreshed || '').includes(visitor)", arg=shopper.visitor)
    assert shopper.page.evaluate("ec.order.extraFields.shopbell_visitor.value") == shopper.visitor


def test_what_shipping_costs_is_told_once_for_each_way(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})
    shopper.page.evaluate("() => Ecwid.shows('CHECKOUT_SHIPPING_ADDRESS')")
    shopper.house.wait_until(lambda: shopper.told("checkout_started"), "the checkout")
    for method in ("PostNL", "PostNL", "DHL"):
        shopper.page.evaluate("(method) => Ecwid.ships(method)", method)
        shopper.has_seen_the_price_of(method)
    told = shopper.told("shipping_shown")
    assert sorted((one["shipping"]["method"], one["shipping"]["price"]) for one in told) == [
        ("DHL", "6.95"),
        ("PostNL", "6.95"),
    ]
    assert len(shopper.told("checkout_started")) == 1


def test_an_ecwid_that_cannot_be_reached_is_asked_again(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})
    shopper.page.evaluate("() => { Ecwid.away = true; Ecwid.shows('CHECKOUT_DELIVERY'); Ecwid.ships('PostNL'); }")
    shopper.house.wait_until(lambda: shopper.told("checkout_started"), "the checkout")
    shopper.page.evaluate("() => { Ecwid.away = false; Ecwid.ships('PostNL'); }")
    shopper.house.wait_until(lambda: shopper.told("shipping_shown"), "what PostNL costs")


def test_another_place_is_another_price(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})
    shopper.page.evaluate("() => Ecwid.shows('CHECKOUT_DELIVERY')")
    for place in ("1000 AA", "1000 AA", "9999 ZZ"):
        shopper.page.evaluate("(to) => Ecwid.ships('PostNL', to)", {"countryCode": "NL", "postalCode": place})
        shopper.has_seen_the_price_of("PostNL")
    shopper.house.wait_until(lambda: len(shopper.told("shipping_shown")) == 2, "what it costs to be sent further")


@pytest.mark.parametrize(("status", "paid"), [("PAID", True), ("AWAITING_PAYMENT", None)])
def test_an_order_ends_the_story_at_once(shopper: Shopper, status: str, paid: bool | None) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7, 2, {"Colour": "Blue"})
    cart = shopper.is_seen_with(**{"Ink 7": 2})
    number = f"XJ{uuid4().hex}"
    shopper.page.evaluate("([number, status]) => Ecwid.orders(number, status)", [number, status])
    shopper.house.wait_until(lambda: shopper.told("order_placed"), "the order")
    [placed] = shopper.told("order_placed")
    told = placed["order"]
    assert (told["id"], told["cart_id"], told.get("paid")) == (number, shopper.cart_id, paid)
    assert [(line["product_id"], line["variant"], line["quantity"]) for line in told["lines"]] == [
        ("7", "Colour: Blue", 2)
    ]
    assert "customer" not in json.dumps(placed)
    [(visitor, name)] = shopper.house.rows("SELECT visitor, cart FROM orders WHERE id = ?", number)
    assert (visitor, name) == (shopper.visitor, cart["id"])
    [(status, _)] = shopper.house.rows("SELECT status, id FROM carts WHERE id = ?", cart["id"])
    assert status == "ordered"


def test_an_order_without_the_apis_number_is_left_to_the_api(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})
    shopper.page.evaluate("() => Ecwid.orders(undefined, 'PAID')")
    shopper.house.wait_until(
        lambda: any(not one["cart"]["lines"] for one in shopper.told("cart_updated")), "an empty cart"
    )
    assert shopper.told("order_placed") == []


@pytest.mark.parametrize("answer", ["UNDEFINED", "DECLINED", "PERSONALIZATION_ONLY"])
def test_without_a_yes_nothing_is_told_or_written(shopper: Shopper, answer: str) -> None:
    sent: list[str] = []
    shopper.context.on("request", lambda request: sent.extend([request.url] if request.method == "POST" else []))
    shopper.opens(answer)
    shopper.both_scripts_have_come()
    shopper.adds(7)
    shopper.page.evaluate("() => new Promise((resolve) => Ecwid.Cart.get(resolve))")
    assert sent == []
    assert shopper.page.evaluate("() => window.ec") is None


def test_a_privacy_signal_goes_before_a_yes_of_another_day(shopper: Shopper) -> None:
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    shopper.opens("ACCEPTED")
    shopper.both_scripts_have_come()
    shopper.adds(7)
    shopper.page.evaluate("() => new Promise((resolve) => Ecwid.Cart.get(resolve))")
    assert (shopper.visitor, shopper.page.evaluate("() => window.ec")) == ("", None)
    shopper.answers("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 2})


def test_a_no_after_a_yes_takes_the_name_out_again(shopper: Shopper) -> None:
    shopper.opens("ANALYTICS_ONLY")
    shopper.adds(7)
    shopper.page.wait_for_function("() => window.ec && ec.order.extraFields.shopbell_visitor")
    shopper.answers("DECLINED")
    shopper.page.wait_for_function("() => !ec.order.extraFields.shopbell_visitor")
    assert shopper.visitor == ""


def test_an_ecwid_that_comes_later_is_waited_for(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED", later=True)
    shopper.page.wait_for_function("() => window.shopbell && shopbell.live")
    shopper.page.evaluate("() => begin()")
    shopper.page.wait_for_function("() => document.cookie.includes('shopbell_visitor')")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})


def test_a_cart_that_is_emptied_is_told_as_empty(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7)
    shopper.is_seen_with(**{"Ink 7": 1})
    shopper.page.evaluate("() => Ecwid.Cart.clear()")
    shopper.house.wait_until(
        lambda: any(not one["cart"]["lines"] for one in shopper.told("cart_updated")), "an empty cart"
    )


def test_a_mails_link_adds_what_is_missing_with_its_options(
    shopper: Shopper, browser: Browser, theme: Theme, house: House
) -> None:
    shopper.opens("ACCEPTED")
    shopper.adds(7, 2)
    shopper.adds(9, 1, {"Colour": "Blue"})
    shopper.adds(11, 1, EXTRAS | {"Extras": ["Gift wrap", "Card"]})
    shopper.is_seen_with(**{"Ink 7": 2, "Ink 9": 1, "Ink 11": 1})
    email = f"{uuid4().hex}@shopper.example"
    person = {"email": email, "consent": {"email": True, "text": "Mail me", "source": "checkout"}}
    shopper.page.evaluate("(person) => shopbell('identify', person)", person)
    mail = house.wait_for_mail(email)
    token = next(word for word in mail["text"].split() if "/c/" in word).rpartition("/")[2]
    with browser.new_context(locale="nl-NL") as context:
        context.set_default_timeout(DEADLINE_MS)
        elsewhere = Shopper(context.new_page(), context, theme, house, str(uuid4()).upper())
        elsewhere.opens(query=f"?shopbell_cart={token}")
        elsewhere.page.wait_for_function("() => Ecwid.opened == 'cart'")
        assert elsewhere.page.evaluate("Ecwid.quantities()") == {"7": 2, "9": 1, "11": 1}
        assert elsewhere.page.evaluate("Ecwid.options(9)") == {"Colour": "Blue"}
        assert elsewhere.page.evaluate("Ecwid.options(11)") == EXTRAS


def test_a_checkout_is_not_drawn_anew_for_the_visitors_name(shopper: Shopper) -> None:
    shopper.opens("ACCEPTED")
    shopper.page.wait_for_function("() => Ecwid.OnPageLoaded.count()")
    shopper.page.evaluate("() => Ecwid.shows('CHECKOUT_SHIPPING_ADDRESS')")
    shopper.adds(7)
    shopper.page.wait_for_function("() => window.ec && ec.order.extraFields.shopbell_visitor")
    assert shopper.page.evaluate("Ecwid.refreshed") is None
