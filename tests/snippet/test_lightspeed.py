"""Lightspeed writes a tag with an address and nothing else: the storefront script comes by it, with the shop's key."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.snippet.far_side import GRANTED, STUB, FarSide
from tests.snippet.far_side import Page as ShopPage

WRITTEN = '<script src="/adapters/lightspeed.js?key=pk_vloei"></script>'
OWN = '<script async src="/shopbell.js" data-key="pk_test"></script>'


def test_the_key_in_the_address_is_the_shops(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head=GRANTED, tag=WRITTEN)
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    assert {body["key"] for body in far.bodies} == {"pk_vloei"}


def test_calls_wait_where_the_theme_brings_no_queue_of_its_own(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head="delete window.shopbell", tag=f"{WRITTEN}<script>{GRANTED}</script>")
    page.goto(far.origin)
    far.wait_for_event("page_viewed")


def test_a_theme_that_has_the_script_already_keeps_its_own(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head=GRANTED, tag=f"<script>{STUB}</script>{OWN}{WRITTEN}")
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    assert page.locator("script[data-key]").count() == 1
    assert {body["key"] for body in far.bodies} == {"pk_test"}
