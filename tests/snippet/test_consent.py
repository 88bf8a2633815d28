"""Nothing leaves and nothing stays before the shopper has agreed, and nothing stays after they changed their mind."""

from playwright.sync_api import BrowserContext, Page

from tests.snippet.far_side import GRANTED, FarSide
from tests.snippet.far_side import Page as ShopPage

KEPT = "() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie].join('')"
READY = "shopbell('on', 'ready', () => { window.ready = true });"
EVENTS = ("POST", "/v1/events")


def open_shop(page: Page, far: FarSide, head: str, path: str = "/") -> None:
    """A page whose script has taken over."""
    far.pages[path] = ShopPage(head=READY + head)
    page.goto(far.origin + path)
    page.wait_for_function("() => window.ready")


def test_nothing_is_sent_or_stored_before_consent(page: Page, far: FarSide) -> None:
    page.clock.install()
    open_shop(page, far, "shopbell('track', 'cart_updated', {cart: {lines: []}})")
    page.clock.run_for(60_000)
    assert page.evaluate(KEPT) == ""
    open_shop(page, far, "", "/next")
    assert page.evaluate(KEPT) == ""
    far.pages["/plain"] = ShopPage(tag=" ")
    page.goto(far.origin + "/plain")
    assert page.evaluate(KEPT) == ""
    assert EVENTS not in far.methods


def test_what_happened_before_consent_follows_in_order(page: Page, far: FarSide) -> None:
    open_shop(page, far, "shopbell('track', 'cart_updated', {cart: {lines: []}})")
    page.evaluate("shopbell('consent', {analytics: true, marketing: false})")
    consent = far.wait_for_event("consent_changed")
    assert far.types() == ["page_viewed", "cart_updated", "consent_changed"]
    assert [event["seq"] for event in far.events()] == [1, 2, 3]
    assert consent["consent"] == {"analytics": True, "marketing": False}


def test_a_no_drops_what_was_waiting(page: Page, far: FarSide) -> None:
    open_shop(page, far, "shopbell('track', 'cart_updated', {cart: {lines: []}})")
    page.evaluate("shopbell('consent', {analytics: false})")
    page.evaluate("shopbell('track', 'searched', {results: 0})")
    page.evaluate("shopbell('consent', {analytics: true})")
    page.evaluate("shopbell('track', 'cart_viewed', {cart: {lines: []}})")
    far.wait_for_event("cart_viewed")
    assert far.types() == ["consent_changed", "cart_viewed"]


def test_consent_is_remembered_and_told_once(page: Page, far: FarSide) -> None:
    open_shop(page, far, GRANTED)
    far.wait_for_event("consent_changed")
    open_shop(page, far, GRANTED, "/next")
    open_shop(page, far, "", "/last")
    far.wait_for_event("page_viewed", times=3)
    assert far.types().count("consent_changed") == 1


def test_withdrawal_wipes_everything_and_is_the_last_thing_said(page: Page, far: FarSide) -> None:
    open_shop(page, far, GRANTED)
    viewed = far.wait_for_event("consent_changed")
    visitor = far.bodies[0]["visitor"]
    assert page.evaluate(KEPT) != ""
    page.evaluate("shopbell('consent', {analytics: false}); shopbell('track', 'searched', {results: 1})")
    last = far.wait_for_event("consent_changed", times=2)
    assert last["consent"] == {"analytics": False}
    assert far.bodies[-1]["visitor"] == visitor
    assert last["seq"] > viewed["seq"]
    assert page.evaluate(KEPT) == ""
    assert "searched" not in far.types()


def test_another_tab_hears_of_the_withdrawal(context: BrowserContext, page: Page, far: FarSide) -> None:
    open_shop(page, far, GRANTED)
    other = context.new_page()
    open_shop(other, far, GRANTED, "/other")
    far.wait_for_event("page_viewed", times=2)
    page.evaluate("shopbell('consent', {analytics: false})")
    far.wait_for(lambda far: len(far.events("consent_changed")) == 2)
    other.wait_for_function("() => !localStorage.length")
    other.evaluate("shopbell('track', 'searched', {results: 1}); shopbell('consent', {analytics: true})")
    far.wait_for_event("consent_changed", times=3)
    assert "searched" not in far.types()


def test_a_privacy_signal_outweighs_a_default_but_not_a_yes(context: BrowserContext, page: Page, far: FarSide) -> None:
    context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    tag = '<script async src="/shopbell.js" data-key="pk_test" data-consent="granted"></script>'
    far.pages["/"] = ShopPage(head=READY, tag=tag)
    page.goto(far.origin)
    page.wait_for_function("() => window.ready")
    assert page.evaluate(KEPT) == ""
    page.evaluate("shopbell('consent', {analytics: true})")
    far.wait_for_event("page_viewed")


def test_a_no_goes_before_the_default_of_the_tag(page: Page, far: FarSide) -> None:
    tag = '<script async src="/shopbell.js" data-key="pk_test" data-consent="granted"></script>'
    far.pages["/"] = ShopPage(head=READY + "shopbell('consent', {analytics: false});", tag=tag)
    page.goto(far.origin)
    page.wait_for_function("() => window.ready")
    page.evaluate("shopbell('track', 'searched', {results: 1})")
    assert page.evaluate(KEPT) == ""
    page.evaluate("shopbell('consent', {analytics: true})")
    far.wait_for_event("consent_changed")
    assert far.types() == ["consent_changed"]


def test_without_a_signal_the_default_of_the_tag_counts(page: Page, far: FarSide) -> None:
    tag = '<script async src="/shopbell.js" data-key="pk_test" data-consent="granted"></script>'
    far.pages["/"] = ShopPage(tag=tag)
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
