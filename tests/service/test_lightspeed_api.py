"""What Lightspeed's webhooks only hint at is asked of its API: what comes of it, what it costs, and who must wait."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, to_iso
from engine.connect import Became, connect
from engine.errors import CallError, Throttled
from engine.integration import CartNow
from engine.links import RestoreClaim
from engine.store import budgets
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS, PEOPLE
from engine.web.actions import SqlLinkActions
from tests.builders import Premises
from tests.service.lightspeed_house import (
    CUSTOMER,
    HEAD,
    ORDER,
    PRODUCT,
    QUOTE,
    SECRETS,
    SUBSCRIPTION,
    VARIANT,
    House,
    link,
    recorded,
)
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp

CART_REFS = (f"lightspeed:cart:{QUOTE}", "lightspeed:cart:0123456789abcdef0123456789")
FIVE = 5 * MINUTE


@pytest.fixture
def webshop() -> Iterator[Webshopapp]:
    with Webshopapp() as opened:
        yield opened


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:1")
    premises.hands.now -= premises.hands.now % DAY
    return House(premises, webshop, tmp_path, monkeypatch)


def subscribes(house: House) -> None:
    """Somebody reads the newsletter."""
    house.has(f"subscriptions/{SUBSCRIPTION}", "subscription", recorded("subscriptions_created"))
    house.delivers("subscriptions/created", recorded("subscriptions_created"))
    house.asks()


def leaves_a_cart(house: House) -> None:
    house.has_a_cart()
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()


# --- carts ------------------------------------------------------------------------------------------------------------


def test_a_hint_of_a_cart_becomes_the_cart_and_whose_it_is(house: House) -> None:
    leaves_a_cart(house)
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
    leaves_a_cart(house)
    so_far = len(house.webshop.asked)
    house.premises.later(MINUTE)
    leaves_a_cart(house)
    assert len(house.webshop.asked) - so_far == 4


def test_a_cart_left_after_shipping_that_nobody_expected_is_mailed_about(house: House) -> None:
    subscribes(house)
    leaves_a_cart(house)
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
    leaves_a_cart(house)
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
    leaves_a_cart(house)
    answer = house.premises.later(SECOND).post("cart_viewed", "v1", refs=[CART_REFS[1]])
    assert ("v1", "nearly") in house.premises.decided()
    [message] = answer.messages
    assert msgspec.json.decode(message)["text"] == "Nog €\xa015,00, en verzenden is gratis."


PAGE_LINE: Json = {"sku": "KT-01-ZW", "name": "Koptelefoon", "quantity": 2, "price": "30.00"}


# --- orders, newsletters, stock, people -------------------------------------------------------------------------------


def test_an_order_ends_the_recovery_at_once_even_when_the_api_is_away(house: House) -> None:
    subscribes(house)
    leaves_a_cart(house)
    house.premises.later(2 * HOUR)
    assert house.mails() == ["scheduled"]
    house.webshop.refuses[""] = 503
    house.delivers("orders/created", recorded("orders_created"))
    assert house.mails() == ["cancelled"]
    house.asks()
    [errand] = house.premises.rows(ERRANDS, what=f"order:{ORDER}:{CUSTOMER}")
    assert (errand.attempt, errand.problem) == (1, "Lightspeed answered 503")


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
    subscribes(house)
    leaves_a_cart(house)
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
    leaves_a_cart(house)
    assert len(house.premises.rows(PEOPLE)) == 1
    if really:
        del house.webshop.things[f"customers/{CUSTOMER}"]
    house.delivers("customers/deleted", recorded("customers_created"))
    house.asks()
    assert len(house.premises.rows(PEOPLE)) == (0 if really else 1)
    assert (len(house.premises.rows(EVENTS)) == 0) is really


# --- calls ------------------------------------------------------------------------------------------------------------


def test_key_and_secret_travel_in_a_header_and_nowhere_else(house: House) -> None:
    leaves_a_cart(house)
    right = base64.b64encode(f"{SECRETS['KEY']}:{SECRETS['SECRET']}".encode()).decode()
    assert {each.authorization for each in house.webshop.asked} == {f"Basic {right}"}
    assert {(each.host, each.language) for each in house.webshop.asked} == {("api.webshopapp.com", "nl")}
    for secret in SECRETS.values():
        assert not any(secret in each.url for each in house.webshop.asked)


def test_an_installed_app_has_a_password_made_of_its_token_and_its_secret(house: House) -> None:
    made = house.lightspeed(shop_token="a-token", cluster="us1", language="us")
    made.ask("limits", "", LOOPBACK.ask)
    password = hashlib.md5(f"a-token{SECRETS['APP_SECRET']}".encode(), usedforsecurity=False).hexdigest()
    [asked] = house.webshop.asked
    assert base64.b64decode(asked.authorization.removeprefix("Basic ")).decode() == f"{SECRETS['KEY']}:{password}"
    assert (asked.host, asked.language) == ("api.shoplightspeed.com", "us")
    assert made.account != house.lightspeed().account


def test_without_a_key_nothing_is_asked_and_webhooks_are_believed(house: House) -> None:
    house.live_by(HEAD.replace("    api_key: env:LIGHTSPEED_KEY\n", ""))
    house.delivers("quotes/updated", recorded("quote_with_its_products"))
    house.asks(polls=True)
    assert house.webshop.asked == []
    assert house.whose_cart().basket is not None


def test_calls_of_everybody_with_the_key_are_counted_and_what_can_wait_waits(house: House) -> None:
    house.has_a_cart()
    house.webshop.used = 275
    house.asks(polls=True)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks(polls=True)
    assert not any("quotes" in place for place in house.webshop.places())
    house.premises.later(FIVE)
    house.webshop.used = 0
    house.asks()
    assert house.whose_cart().basket is not None


def test_what_somebody_waits_for_goes_before_what_was_missed(house: House) -> None:
    house.webshop.tells_limits = False
    house.has_a_cart()
    account = f"lightspeed:{house.lightspeed().account}"
    for _ in range(200):
        budgets.take(house.premises.engine, account, house.lightspeed().allowance, 1.0)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks(polls=True)
    assert "GET orders" not in house.webshop.places()
    assert house.whose_cart().basket is not None


def test_a_refusal_for_too_many_calls_is_believed_by_every_process(house: House) -> None:
    house.has_a_cart()
    house.webshop.tells_limits = False
    house.webshop.refuses[f"quotes/{QUOTE}"] = 429
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    house.restart()
    house.premises.later(59 * SECOND)
    house.asks()
    assert house.webshop.places() == [f"GET quotes/{QUOTE}"]
    [errand] = house.premises.rows(ERRANDS, what=f"quote:{QUOTE}:{CUSTOMER}")
    assert (errand.attempt, errand.problem) == (0, "")
    house.webshop.refuses.clear()
    house.premises.later(SECOND)
    house.asks()
    assert house.whose_cart().basket is not None


def test_how_many_calls_are_left_is_read_back(house: House) -> None:
    house.webshop.used = 120
    house.webshop.tells_limits = False
    house.asks(polls=True)
    windows = budgets.everything(house.premises.engine, f"lightspeed:{house.lightspeed().account}")
    assert [(each.most, each.used >= 120) for each in windows] == [(300, True), (3_000, True), (12_000, True)]
    assert [each.ends_at - house.premises.hands.now for each in windows] == [FIVE, HOUR, DAY]


@pytest.mark.parametrize(("status", "says"), [(401, "refused the key"), (403, "refused"), (301, "answered 301")])
def test_what_goes_wrong_is_told_without_the_address_or_the_key(house: House, status: int, says: str) -> None:
    house.webshop.refuses[""] = status
    with pytest.raises(CallError, match=says) as failed:
        house.lightspeed().ask("order:60030003", "", LOOPBACK.ask)
    assert not any(secret in failed.value.message for secret in (*SECRETS.values(), "127.0.0.1"))


# --- what a webhook missed --------------------------------------------------------------------------------------------


def has_orders(house: House, how_many: int) -> list[Json]:
    """The shop's orders, the newest first; a page of them holds those that changed since."""
    orders: list[Json] = []
    for number in range(how_many):
        at = to_iso(house.premises.hands.now - number * 10 * SECOND)
        own = {"id": 7000 - number, "createdAt": at, "updatedAt": at, "quote": False, "email": f"s{number}@example.nl"}
        orders.append(recorded("orders_paid") | own | {"customer": link("customers", str(100 + number))})

    def page(query: dict[str, str]) -> list[Json]:
        since = query.get("updated_at_min", "")
        found = [order for order in orders if str(order["updatedAt"]) >= since]
        size, number = int(query["limit"]), int(query["page"])
        return found[(number - 1) * size : number * size]

    house.webshop.lists["orders"] = page
    house.webshop.lists["quotes"] = house.webshop.lists["subscriptions"] = lambda query: []
    return orders


def orders_told(house: House) -> int:
    return len(house.premises.rows(EVENTS, type="order_placed"))


def test_orders_that_no_webhook_told_are_found_page_by_page(house: House) -> None:
    has_orders(house, 3)
    house.asks(polls=True)
    assert orders_told(house) == 3
    house.premises.later(HOUR)
    has_orders(house, 120)
    house.restart()
    house.asks(polls=True)
    asked = [each.query for each in house.webshop.asked if each.place == "orders"]
    assert [query["page"] for query in asked] == ["1", "1", "2", "3"]
    assert orders_told(house) == 120  # the three of before are told again, and count once


def test_what_changes_while_pages_are_read_is_found_by_the_next_round(house: House) -> None:
    orders = has_orders(house, 1)
    house.asks(polls=True)
    house.premises.later(HOUR)
    has_orders(house, 60)
    page = house.webshop.lists["orders"]

    def changing(query: dict[str, str]) -> list[Json]:
        found = page(query)
        if query["page"] == "1" and not orders[0].get("told"):
            orders[0]["told"] = True
            found[0]["status"], found[0]["updatedAt"] = "cancelled", to_iso(house.premises.hands.now + SECOND)
            return [order | {"status": "processing_awaiting_shipment"} for order in found]
        return found

    house.webshop.lists["orders"] = changing
    house.asks(polls=True)
    assert house.premises.rows(EVENTS, type="order_cancelled") == []
    house.premises.later(10 * MINUTE)
    house.asks(polls=True)
    assert len(house.premises.rows(EVENTS, type="order_cancelled")) == 1


def test_the_next_round_begins_by_the_platforms_own_clock(house: House) -> None:
    has_orders(house, 1)
    house.webshop.told_at = "Sat, 21 Nov 2026 12:00:00 GMT"
    house.asks(polls=True)
    [errand] = house.premises.rows(ERRANDS, what="orders")
    assert errand.cursor == "2026-11-21T11:59:00+00:00|1|"


def test_carts_that_no_webhook_told_are_looked_up_when_they_are_somebodys(house: House) -> None:
    has_orders(house, 0)
    house.has_a_cart()
    of_nobody = recorded("quotes_updated") | {"id": 5, "customer": False}
    house.webshop.lists["quotes"] = lambda query: [recorded("quotes_updated"), of_nobody]
    house.asks(polls=True)
    assert house.whose_cart().basket is not None
    assert "GET quotes/5" not in house.webshop.places()


def test_a_newsletter_that_no_webhook_told_is_found(house: House) -> None:
    has_orders(house, 0)
    asked_for = recorded("subscriptions_created") | {"id": 5, "email": "w@shopper.example", "isConfirmed": False}
    house.webshop.lists["subscriptions"] = lambda query: [recorded("subscriptions_created"), asked_for]
    house.asks(polls=True)
    [told] = house.premises.rows(EVENTS, type="consent_changed")
    assert "sanne.devries@example.nl" in str(told.body)


# --- a moment before a mail leaves ------------------------------------------------------------------------------------


def looked(house: House, *refs: str) -> CartNow | None:
    return house.lightspeed().look(refs or CART_REFS, LOOPBACK.ask)


def orders_are(house: House, *orders: Json) -> None:
    house.webshop.lists["orders"] = lambda query: list(orders) if query.get("customer") == CUSTOMER else []


def test_a_cart_without_an_order_is_open(house: House) -> None:
    house.has_a_cart()
    before = recorded("orders_created") | {"quote": link("quotes", "1"), "createdAt": to_iso(1)}
    orders_are(house, before)
    assert looked(house) is CartNow.OPEN


def test_a_cart_that_an_order_names_was_ordered(house: House) -> None:
    house.has_a_cart()
    orders_are(house, recorded("orders_created") | {"createdAt": to_iso(1)})
    assert looked(house) is CartNow.ORDERED


@pytest.mark.parametrize(("status", "now"), [("on_hold", CartNow.ORDERED), ("cancelled", CartNow.OPEN)])
def test_whoever_ordered_since_needs_no_reminder_of_an_older_cart(house: House, status: str, now: CartNow) -> None:
    house.has_a_cart(ago=HOUR)
    later = {"quote": False, "createdAt": to_iso(house.premises.hands.now), "status": status}
    orders_are(house, recorded("orders_created") | later)
    assert looked(house) is now


def test_a_cart_that_is_gone_or_empty_is_not_mailed_about(house: House) -> None:
    assert looked(house) is CartNow.GONE
    house.has_a_cart({"productsCount": 0})
    assert looked(house) is CartNow.GONE


def test_a_cart_that_goes_by_an_orders_name_needs_no_question(house: House) -> None:
    assert looked(house, *CART_REFS, f"lightspeed:order:{ORDER}") is CartNow.ORDERED
    assert house.webshop.asked == []


def test_nobody_is_asked_about_carts_that_lightspeed_does_not_know(house: House) -> None:
    assert looked(house, "lightspeed:cart:0123456789abcdef0123456789", "own:1") is None
    assert house.webshop.asked == []


def test_a_last_look_that_is_refused_says_nothing(house: House) -> None:
    house.webshop.refuses[""] = 429
    with pytest.raises(Throttled):
        looked(house)


# --- the way back -----------------------------------------------------------------------------------------------------


def follows(house: House) -> str:
    """Where the link of a mail about the cart leads to."""
    actions = SqlLinkActions(house.premises.engine, house.live, house.premises.committer)
    return actions.shop_of(RestoreClaim(house.premises.shop.id, QUOTE, "dec_1")).cart_url


def test_a_mails_link_leads_to_the_shops_own_recovery_once_it_is_known_what_that_looks_like(house: House) -> None:
    leaves_a_cart(house)
    assert follows(house) == "https://vloei.example/cart"
    own = '    recovery_url: "https://vloei.example/checkout/recover/{hash}/"\n'
    house.live_by(HEAD.replace("    script_key", f"{own}    script_key"))
    assert follows(house) == "https://vloei.example/checkout/recover/0123456789abcdef0123456789/"
    house.delivers("orders/created", recorded("orders_created"))
    assert follows(house) == "https://vloei.example/cart"


# --- registering ------------------------------------------------------------------------------------------------------

ADDRESS = "https://bell.example/hooks/lightspeed/vloei"


def connects(house: House) -> set[Became]:
    made = house.lightspeed(script_key="pk_vloei", address_key="a-long-random-text")
    return {step.became for step in connect(made, ADDRESS, LOOPBACK.ask)}


def test_every_topic_and_the_script_are_registered_once(house: House) -> None:
    assert connects(house) == {Became.MADE}
    hooks, [script] = house.webshop.registered["webhooks"], house.webshop.registered["shop/scripts"]
    assert {f"{hook['itemGroup']}/{hook['itemAction']}" for hook in hooks} == set(house.lightspeed().topics)
    [paid] = [hook for hook in hooks if hook["itemAction"] == "paid"]
    assert paid["address"] == f"{ADDRESS}?topic=orders/paid&key=a-long-random-text"
    assert (paid["isActive"], paid["format"], paid["language"]) == (True, "json", "nl")
    assert script["url"] == "https://bell.example/adapters/lightspeed.js?key=pk_vloei"
    assert connects(house) == {Became.STANDS}


def test_what_was_switched_off_or_stands_twice_is_mended_and_what_is_somebody_elses_is_left_alone(house: House) -> None:
    connects(house)
    hooks = house.webshop.registered["webhooks"]
    others: Json = {
        "id": 1,
        "isActive": False,
        "itemGroup": "orders",
        "itemAction": "*",
        "address": "https://x.example/",
    }
    hooks[0]["isActive"] = False
    hooks.extend([others, hooks[1] | {"id": 2}])
    theirs: Json = {"id": 3, "url": "https://x.example/chat.js", "body": None, "location": "body"}
    house.webshop.registered["shop/scripts"].append(theirs)
    assert connects(house) == {Became.MENDED, Became.REMOVED, Became.STANDS}
    assert connects(house) == {Became.STANDS}
    assert others in house.webshop.registered["webhooks"]
    assert theirs in house.webshop.registered["shop/scripts"]


def test_without_a_public_key_no_script_is_asked_for(house: House) -> None:
    connect(house.lightspeed(), ADDRESS, LOOPBACK.ask)
    assert not any("shop/scripts" in place for place in house.webshop.places())


def test_a_right_that_the_key_lacks_is_told_for_what_it_is(house: House) -> None:
    house.webshop.refuses["shop/scripts"] = 403
    with pytest.raises(CallError, match="is it on, with these rights"):
        connects(house)
