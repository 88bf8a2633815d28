"""A guest in the shop's page: strict policies are kept, and no exception of ours ever reaches the shop."""

import json

from playwright.sync_api import Page, expect

from tests.snippet.far_side import DIST, GRANTED, Answer, FarSide
from tests.snippet.far_side import Page as ShopPage
from tests.snippet.test_invitation import invitation

STRICT = (
    "default-src 'none'; script-src 'nonce-n0nce'; connect-src 'self'; img-src data:; style-src 'none';"
    " require-trusted-types-for 'script'; trusted-types shopbell"
)
NONCE_TAG = '<script nonce="n0nce" async src="/shopbell.js" data-key="pk_test"></script>'


def test_a_strict_policy_with_trusted_types_is_kept_without_a_word(page: Page, far: FarSide) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    far.answers = [Answer(body={"messages": [invitation()]})]
    far.pages["/"] = ShopPage(head=GRANTED, tag=NONCE_TAG, headers={"Content-Security-Policy": STRICT})
    page.goto(far.origin)
    card = page.locator("section")
    expect(card).to_be_visible()
    assert card.evaluate("(element) => getComputedStyle(element).display") == "grid"
    far.wait_for_event("message_shown")
    assert said == []


def test_a_tag_with_a_digest_asks_the_same_of_the_second_file(page: Page, far: FarSide) -> None:
    manifest = json.loads((DIST / "manifest.json").read_text())
    digest = manifest["shopbell.js"]["integrity"]
    far.answers = [Answer(body={"messages": [invitation()]})]
    tag = f'<script async src="/shopbell.js" data-key="pk_test" crossorigin integrity="{digest}"></script>'
    far.pages["/"] = ShopPage(head=GRANTED, tag=tag)
    page.goto(far.origin)
    expect(page.locator("section")).to_be_visible()
    integrity = page.locator("script[src*='shopbell-ui.js']").get_attribute("integrity")
    assert integrity == manifest["shopbell-ui.js"]["integrity"]


def test_a_second_file_that_does_not_come_is_told_and_stops_nothing(page: Page, far: FarSide) -> None:
    page.route("**/shopbell-ui.js*", lambda route: route.abort())
    far.answers = [Answer(body={"messages": [invitation()]})]
    far.pages["/"] = ShopPage(head=GRANTED + "shopbell('on', 'error', (error) => { window.told = error.code });")
    page.goto(far.origin)
    page.wait_for_function("() => window.told == 'ui'")
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")


def test_a_browser_that_refuses_storage_still_tells_the_page(page: Page, far: FarSide) -> None:
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        "Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }});"
        "Object.defineProperty(document, 'cookie', {get() { throw new Error('no') }, set() { throw new Error('no') }})"
    )
    far.respond = lambda body: Answer(body={"messages": [invitation()]} if len(far.bodies) == 1 else {})
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")
    expect(page.locator("section")).to_be_visible()


def test_a_full_storage_loses_nothing_on_this_page(page: Page, far: FarSide) -> None:
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
    far.answers = [Answer(0)]
    page.goto(far.origin)
    far.wait_for_event("consent_changed")
    assert len(far.bodies) == 2
    assert far.types() == ["page_viewed", "consent_changed"]


def test_a_frame_without_an_origin_of_its_own_works(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(tag=" ", body='<iframe sandbox="allow-scripts" src="/frame"></iframe>')
    page.goto(far.origin)
    far.wait_for_event("page_viewed")


def test_fetch_beacon_and_history_that_throw_never_reach_the_shop(page: Page, far: FarSide) -> None:
    page.add_init_script(
        "window.fetch = () => { throw new Error('patched') };"
        "navigator.sendBeacon = () => { throw new Error('patched') };"
        "Object.freeze(history)"
    )
    page.goto(far.origin + "/?shopbell_cart=abc")
    page.wait_for_function("() => window.shopbell.live")
    page.evaluate("shopbell('track', 'cart_viewed'); history.pushState({}, '', '/a')")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange')); window.dispatchEvent(new Event('pagehide'))")
    assert page.evaluate("location.pathname") == "/a"


def test_nonsense_in_a_call_is_told_and_never_thrown(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("shopbell('on', 'error', () => { window.told = (window.told || 0) + 1 })")
    page.evaluate(
        "const loop = {}; loop.loop = loop; shopbell(); shopbell('nonsense'); shopbell('track', 'x_done', loop);"
        "shopbell('track', 'x_done', {n: 1n}); shopbell('track'); shopbell('consent'); shopbell('on')"
    )
    assert page.evaluate("window.told") >= 4
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")


def test_a_handler_that_throws_is_the_shop_s_to_see_and_stops_nothing(page: Page, far: FarSide) -> None:
    head = (
        "shopbell('on', 'ready', () => { throw new Error('mine') });shopbell('on', 'ready', () => { window.also = 1 });"
    )
    far.pages["/"] = ShopPage(head=head + GRANTED)
    with page.expect_console_message(lambda message: "mine" in message.text):
        page.goto(far.origin)
    page.wait_for_function("() => window.also")
    far.wait_for_event("page_viewed")


def test_an_answer_that_makes_no_sense_stops_nothing(page: Page, far: FarSide) -> None:
    far.answers = [Answer(body={"messages": "no list", "next_check_ms": "soon", "check_on": 3})]
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes('o|'))")


def test_a_kept_reference_to_the_stub_goes_on_working(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head=GRANTED + "window.early = window.shopbell;")
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("window.early('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")
