"""Both pixels, as they are built, in a sandbox that lends what Shopify's lends; their requests reach a real house."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.browser.house import House
from tests.storefront.conftest import APP, HERE, run
from tests.storefront.theme import Cart, deliver, order_of

Json = dict[str, Any]
ALLOWED = {
    "analyticsProcessingAllowed": True,
    "marketingAllowed": False,
    "preferencesProcessingAllowed": False,
    "saleOfDataAllowed": False,
}
REFUSED = ALLOWED | {"analyticsProcessingAllowed": False}
AWAY = "http://127.0.0.1:9"


def money(amount: float) -> Json:
    return {"amount": amount, "currencyCode": "EUR"}


def variant(price: float) -> Json:
    product = {
        "id": "7001",
        "title": "Mos",
        "vendor": "Vloei",
        "type": "Ink",
        "url": "/products/mos",
        "untranslatedTitle": "M",
    }
    return {
        "id": "41000001",
        "sku": "MOS-30",
        "title": "30 ml",
        "price": money(price),
        "image": {"src": "//x/m.png"},
    } | {"product": product}


def checkout(token: str, **more: object) -> Json:
    whole: Json = {
        "token": token,
        "email": None,
        "phone": "+31612345678",
        "attributes": [],
        "buyerAcceptsEmailMarketing": False,
        "currencyCode": "EUR",
        "subtotalPrice": money(29.00),
        "totalPrice": money(29.00),
        "totalTax": money(5.03),
        "discountsAmount": money(0),
        "discountApplications": [],
        "shippingLine": None,
        "delivery": None,
        "billingAddress": {"address1": "Kade 3", "countryCode": "NL"},
        "shippingAddress": {"address1": "Kade 3", "city": "Zutphen", "countryCode": "NL"},
        "localization": {"country": {"isoCode": "NL"}, "language": {"isoCode": "nl-NL"}, "market": {"id": "1"}},
        "order": None,
        "lineItems": [{"id": "1", "title": "Mos", "quantity": 2, "variant": variant(14.50)}],
        "transactions": [],
    }
    return whole | more


def event(name: str, data: Json) -> Json:
    context = {"document": {"location": {"href": "https://vloei.example/checkouts/cn/SECRET"}, "title": "Checkout"}}
    body = {
        "id": f"sh-{uuid4()}",
        "name": name,
        "type": "standard",
        "clientId": "shopify-y",
        "seq": 1,
        "context": context,
    }
    return {"name": name, "event": body | {"timestamp": "2026-11-21T10:00:00.000Z", "data": data}}


class Sandbox:
    """A page on which a pixel runs; what it stores stays for the next page."""

    def __init__(self, pixels: Path, server: str, *, pasted: bool = False) -> None:
        self.told: Json = {
            "code": str(pixels / ("shopbell-pixel.js" if pasted else "app-pixel.js")),
            "pasted": pasted,
            "settings": {"server": server, "key": "pk_demo"},
            "privacy": ALLOWED,
            "cookies": {},
            "storage": {},
        }
        self.complaints: list[str] = []

    def sees(self, *steps: Json) -> list[Json]:
        """What the pixel asks of the network while these things happen."""
        said = run("node", str(HERE / "sandbox.mjs"), folder=APP, told=self.told | {"steps": steps})
        did: Json = json.loads(said)
        self.told |= {"cookies": did["cookies"], "storage": did["storage"]}
        self.complaints += did["complaints"]
        return list(did["requests"])


@pytest.fixture(params=["app", "pasted"])
def sandbox(request: pytest.FixtureRequest, pixels: Path, house: House) -> Sandbox:
    return Sandbox(pixels, house.address, pasted=request.param == "pasted")


def bodies(requests: list[Json]) -> list[Json]:
    return [json.loads(request["body"]) for request in requests]


def types(requests: list[Json]) -> list[str]:
    return [event["type"] for body in bodies(requests) for event in body["events"]]


# --- what is built ----------------------------------------------------------------------------------------------------


def test_the_committed_pixel_is_what_the_sources_build(pixels: Path) -> None:
    committed = APP / "custom-pixel" / "shopbell-pixel.js"
    assert (pixels / "shopbell-pixel.js").read_text() == committed.read_text(), (
        "run `npm run build` in storefronts/shopify"
    )


def test_the_sources_keep_shopifys_own_types(workshop: Path) -> None:
    run("npx", "--no-install", "tsc", "-p", "jsconfig.json", folder=workshop)


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((APP / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


# --- what it tells ----------------------------------------------------------------------------------------------------


def test_a_whole_checkout_is_understood_by_the_house(sandbox: Sandbox, house: House) -> None:
    token, visitor = uuid4().hex, str(uuid4())
    sandbox.told["cookies"] = {"shopbell_visitor": visitor}
    shipping = {
        "selectedDeliveryOptions": [{"title": "PostNL", "cost": money(6.95), "costAfterDiscounts": money(4.95)}]
    }
    email = f"{uuid4().hex}@shopper.example"
    cart = {"id": f"gid://shopify/Cart/{uuid4().hex}?key=1", "cost": {"totalAmount": money(29)}, "totalQuantity": 2}
    cart["lines"] = [{"quantity": 2, "merchandise": variant(14.50), "cost": {"totalAmount": money(29)}}]
    requests = sandbox.sees(
        event("cart_viewed", {"cart": cart}),
        event("checkout_started", {"checkout": checkout(token)}),
        event(
            "checkout_contact_info_submitted",
            {"checkout": checkout(token, email=email, buyerAcceptsEmailMarketing=True)},
        ),
        event("checkout_address_info_submitted", {"checkout": checkout(token)}),
        event("checkout_shipping_info_submitted", {"checkout": checkout(token, delivery=shipping)}),
        event("payment_info_submitted", {"checkout": checkout(token, delivery=shipping)}),
        event("page_viewed", {}),
        event(
            "checkout_completed",
            {"checkout": checkout(token, delivery=shipping, order={"id": f"gid://shopify/Order/{token[:9]}"})},
        ),
    )
    assert sandbox.complaints == []
    assert [request["status"] for request in requests] == [202] * 7
    assert [request["answer"]["rejected"] for request in requests] == [[]] * 7
    assert [request["answer"]["accepted"] for request in requests] == [1] * 7
    assert {body["visitor"] for body in bodies(requests)} == {visitor}
    kept = house.rows("SELECT type, '' FROM events WHERE visitor = ?", visitor)
    assert sorted(kind for kind, _ in kept) == [
        "cart_viewed",
        "checkout_started",
        "checkout_step_completed",
        "checkout_step_completed",
        "contact_given",
        "order_placed",
        "shipping_shown",
    ]
    assert sandbox.told["storage"] == {}


def test_an_order_without_a_note_finds_the_visitor_by_the_checkouts_token_that_the_pixel_told(
    sandbox: Sandbox, house: House
) -> None:
    token, visitor, number = uuid4().hex, str(uuid4()), uuid4().int % 10**18
    sandbox.told["cookies"] = {"shopbell_visitor": visitor}
    sandbox.sees(event("checkout_started", {"checkout": checkout(token)}))
    order = order_of(Cart(), number) | {"checkout_token": token}
    assert deliver(house, "orders/create", order) == "accepted"
    assert house.rows("SELECT id, '' FROM orders WHERE visitor = ?", visitor) == [(str(number), "")]


def test_what_shipping_costs_beyond_the_cart_is_what_the_rules_see(sandbox: Sandbox, house: House) -> None:
    visitor = str(uuid4())
    sandbox.told["cookies"] = {"shopbell_visitor": visitor}
    told = checkout(uuid4().hex, shippingLine={"price": money(6.95)})
    sandbox.sees(event("checkout_started", {"checkout": checkout(told["token"])}))
    sandbox.sees(event("checkout_shipping_info_submitted", {"checkout": told}))
    clauses = house.why(visitor, "unexpected-shipping")["clauses"]
    assert any("6.95" in clause["seen"] for clause in clauses), clauses


def test_nothing_of_addresses_telephones_or_the_checkouts_own_address_leaves(sandbox: Sandbox) -> None:
    requests = sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32)}))
    [request] = requests
    for secret in ("Kade", "Zutphen", "+316", "SECRET", "shopify-y", "untranslated", "market"):
        assert secret not in request["body"]
    assert '"countryCode":"NL"' in request["body"]


def test_it_asks_for_no_preflight_and_outlives_its_page(sandbox: Sandbox) -> None:
    [request] = sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32)}))
    assert request["keepalive"] is True
    assert (request.get("headers"), request["others"]) == (None, {})
    assert isinstance(request["body"], str)


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_the_carts_own_word_goes_before_the_cookie(sandbox: Sandbox) -> None:
    named, other = str(uuid4()), str(uuid4())
    sandbox.told["cookies"] = {"shopbell_visitor": other}
    attributes = [{"key": "gift", "value": "yes"}, {"key": "_shopbell_visitor", "value": named}]
    requests = sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32, attributes=attributes)}))
    assert bodies(requests)[0]["visitor"] == named
    assert "gift" not in requests[0]["body"]


@pytest.mark.parametrize("value", ["", "hook_1234", "x" * 36, "<script>"])
def test_what_is_no_visitors_name_is_not_taken_for_one(sandbox: Sandbox, value: str) -> None:
    attributes = [{"key": "_shopbell_visitor", "value": value}]
    sandbox.told["cookies"] = {"shopbell_visitor": value}
    requests = sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32, attributes=attributes)}))
    visitor = bodies(requests)[0]["visitor"]
    assert visitor != value
    assert sandbox.told["cookies"] == {"shopbell_visitor": visitor}
    again = sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32)}))
    assert bodies(again)[0]["visitor"] == visitor


# --- consent ----------------------------------------------------------------------------------------------------------


def test_before_a_yes_nothing_leaves_and_nothing_is_kept(sandbox: Sandbox) -> None:
    sandbox.told["privacy"] = REFUSED
    assert sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32)})) == []
    assert (sandbox.told["cookies"], sandbox.told["storage"]) == ({}, {})


def test_a_yes_sends_what_waited_and_a_no_forgets_it(sandbox: Sandbox) -> None:
    sandbox.told["privacy"] = REFUSED
    began = event("checkout_started", {"checkout": checkout("t" * 32)})
    paid = event("payment_info_submitted", {"checkout": checkout("t" * 32)})
    yes = {"name": "visitorConsentCollected", "event": {"customerPrivacy": ALLOWED}}
    no = {"name": "visitorConsentCollected", "event": {"customerPrivacy": REFUSED}}
    assert types(sandbox.sees(began, yes, paid)) == ["checkout_started", "payment_info_submitted"]
    assert types(sandbox.sees(began, no, yes)) == []
    assert types(sandbox.sees(yes, no, paid)) == []


def test_a_no_throws_away_what_was_on_its_way(sandbox: Sandbox) -> None:
    no = {"name": "visitorConsentCollected", "event": {"customerPrivacy": REFUSED}}
    began = event("checkout_started", {"checkout": checkout("t" * 32)})
    sandbox.sees({"status": 503}, began)
    assert "shopbell:pixel" in sandbox.told["storage"]
    sandbox.sees({"status": 503}, no)
    assert sandbox.told["storage"] == {}


# --- a server that is away --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_what_was_not_answered_goes_again_from_the_next_page_and_counts_once(sandbox: Sandbox, status: int) -> None:
    sandbox.told["cookies"] = {"shopbell_visitor": str(uuid4())}
    first = event("checkout_started", {"checkout": checkout("t" * 32)})
    second = event("payment_info_submitted", {"checkout": checkout("t" * 32)})
    assert types(sandbox.sees({"status": status}, first, second)) == [
        "checkout_started",
        *["checkout_started", "payment_info_submitted"],
    ]
    [request] = sandbox.sees({"status": None})
    assert types([request]) == ["checkout_started", "payment_info_submitted"]
    assert request["answer"]["accepted"] == 2
    assert sandbox.told["storage"] == {}


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415, 422])
def test_what_will_never_be_taken_is_not_sent_for_ever(sandbox: Sandbox, status: int) -> None:
    began = event("checkout_started", {"checkout": checkout("t" * 32)})
    assert len(sandbox.sees({"status": status}, began)) == 1
    assert sandbox.sees({"status": None}) == []


def test_events_at_the_same_moment_neither_overtake_nor_lose_each_other(sandbox: Sandbox) -> None:
    names = ["checkout_started", "checkout_address_info_submitted", "payment_info_submitted"]
    steps = [event(name, {"checkout": checkout("t" * 32)}) | {"at_once": True} for name in names]
    assert types(sandbox.sees(*steps)) == names
    assert len({body["visitor"] for body in bodies(sandbox.sees(*steps))}) == 1


def test_a_large_checkout_goes_in_bodies_that_a_browser_carries(sandbox: Sandbox) -> None:
    many = [{"title": "Mos", "quantity": 1, "variant": variant(14.5)} for _ in range(60)]
    steps = [event("checkout_started", {"checkout": checkout("t" * 32, lineItems=many)}) for _ in range(6)]
    sandbox.sees({"status": 503}, *steps)
    requests = sandbox.sees({"status": None})
    assert sum(len(body["events"]) for body in bodies(requests)) == 6
    assert max(len(request["body"]) for request in requests) < 64 * 1024
    assert [request["status"] for request in requests] == [202] * len(requests)


def test_a_storage_in_which_somebody_else_has_written_does_no_harm(sandbox: Sandbox) -> None:
    sandbox.told["storage"] = {"shopbell:pixel": "{not json"}
    assert types(sandbox.sees(event("checkout_started", {"checkout": checkout("t" * 32)}))) == ["checkout_started"]


@pytest.mark.parametrize("data", [{}, {"checkout": {}}, {"checkout": None}, {"cart": None}, {"alert": {"type": "X"}}])
def test_an_event_that_says_nothing_breaks_nothing(sandbox: Sandbox, data: Json) -> None:
    for name in ("cart_viewed", "checkout_started", "alert_displayed"):
        sandbox.sees(event(name, data))
    assert sandbox.complaints == []
