"""A moment before a mail about a Lightspeed cart leaves, and where its link leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.clock import HOUR, to_iso
from engine.errors import Throttled
from engine.integration import CartNow, OrderNow
from engine.links import RestoreClaim
from engine.web.actions import SqlLinkActions
from tests.builders import Premises
from tests.service.lightspeed_house import (
    CUSTOMER,
    HEAD,
    ORDER,
    QUOTE,
    House,
    link,
    open_house,
    recorded,
)
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp

CART_REFS = (f"lightspeed:cart:{QUOTE}", "lightspeed:cart:0123456789abcdef0123456789")


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return open_house(premises, webshop, tmp_path, monkeypatch)


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


@pytest.mark.parametrize(
    ("case", "changes", "now"),
    [
        ("orders_created", {}, OrderNow.UNPAID),
        ("orders_created", {"status": "on_hold"}, OrderNow.PAID),
        ("orders_created", {"paymentIsPost": True}, OrderNow.PAID),
        ("orders_paid", {}, OrderNow.PAID),
        ("orders_created", {"status": "cancelled"}, OrderNow.CANCELLED),
    ],
)
def test_a_moment_before_a_mail_asks_to_pay_the_order_is_asked_for(
    house: House, case: str, changes: Json, now: OrderNow
) -> None:
    house.has(f"orders/{ORDER}", "order", recorded(case), changes)
    assert house.lightspeed().look_at_order((*CART_REFS, f"lightspeed:order:{ORDER}"), LOOPBACK.ask) is now
    assert house.webshop.places() == [f"GET orders/{ORDER}"]


def test_an_order_that_was_deleted_is_nobodys_to_pay(house: House) -> None:
    assert house.lightspeed().look_at_order((f"lightspeed:order:{ORDER}",), LOOPBACK.ask) is OrderNow.CANCELLED


def test_an_order_without_a_number_is_not_asked_for(house: House) -> None:
    refs = (*CART_REFS, "lightspeed:order:../x", "shopify:order:1")
    assert house.lightspeed().look_at_order(refs, LOOPBACK.ask) is None
    assert house.webshop.asked == []


# --- the way back -----------------------------------------------------------------------------------------------------


def follows(house: House) -> str:
    """Where the link of a mail about the cart leads to."""
    actions = SqlLinkActions(house.premises.engine, house.live, house.premises.committer)
    return actions.shop_of(RestoreClaim(house.premises.shop.id, QUOTE, "dec_1")).cart_url


def test_a_mails_link_leads_to_the_shops_own_recovery_once_it_is_known_what_that_looks_like(house: House) -> None:
    house.leaves_a_cart()
    assert follows(house) == "https://vloei.example/cart"
    own = '    recovery_url: "https://vloei.example/checkout/recover/{hash}/"\n'
    house.live_by(HEAD.replace("    script_key", f"{own}    script_key"))
    assert follows(house) == "https://vloei.example/checkout/recover/0123456789abcdef0123456789/"
    house.delivers("orders/created", recorded("orders_created"))
    assert follows(house) == "https://vloei.example/cart"
