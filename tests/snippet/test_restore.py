"""A restore link brings the cart to the shop's own code, and leaves no token behind."""

from playwright.sync_api import Page

from tests.snippet.far_side import GRANTED, FarSide
from tests.snippet.far_side import Page as ShopPage

CART = {"cart": {"currency": "EUR", "lines": [{"sku": "INK-1", "quantity": 2}]}, "message": "dec_9"}
MERGE = "shopbell('on', 'restore', (cart) => { (window.merged ||= []).push(cart) });"


def test_the_cart_comes_to_the_shop_and_the_token_goes_from_the_address(page: Page, far: FarSide) -> None:
    far.carts["a.b-c"] = CART
    far.pages["/cart"] = ShopPage(head=MERGE + GRANTED)
    page.goto(far.origin + "/cart?x=1&shopbell_cart=a.b-c#end")
    restored = far.wait_for_event("cart_restored")
    assert page.evaluate("merged") == [CART["cart"]]
    assert page.url == far.origin + "/cart?x=1#end"
    assert (restored["cart"], restored["message"]) == (CART["cart"], "dec_9")
    assert far.events("page_viewed")[0]["page"]["url"] == far.origin + "/cart?x=1"
    assert not any("a.b-c" in str(body) for body in far.bodies)
    assert far.wait_for_event("email_clicked")["message"] == "dec_9"


def test_a_cart_needs_no_consent_and_is_not_tracked_without(page: Page, far: FarSide) -> None:
    far.carts["t"] = CART
    far.pages["/cart"] = ShopPage(head=MERGE)
    page.goto(far.origin + "/cart?shopbell_cart=t")
    page.wait_for_function("() => window.merged")
    assert ("POST", "/v1/events") not in far.methods
    assert page.evaluate("localStorage.length") == 0


def test_a_handler_that_comes_late_gets_the_cart_still(page: Page, far: FarSide) -> None:
    far.carts["t"] = CART
    far.pages["/cart"] = ShopPage(head=GRANTED)
    with page.expect_response("**/v1/carts/t"):
        page.goto(far.origin + "/cart?shopbell_cart=t")
    far.wait_for_event("page_viewed")
    assert far.events("cart_restored") == []
    page.evaluate(MERGE)
    far.wait_for_event("cart_restored")
    assert page.evaluate("merged.length") == 1


def test_a_token_nobody_knows_is_told(page: Page, far: FarSide) -> None:
    far.pages["/cart"] = ShopPage(head=MERGE + "shopbell('on', 'error', (error) => { window.told = error.code });")
    page.goto(far.origin + "/cart?shopbell_cart=../../etc")
    page.wait_for_function("() => window.told == 'restore'")
    assert ("GET", "/v1/carts/..%2F..%2Fetc") in far.methods
    assert page.evaluate("window.merged") is None
