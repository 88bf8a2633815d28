"""Before a yes on the banner nothing leaves the browser, whatever the shopper does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, Shopper, an_address

STORED = "() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie].join(' ')"


@pytest.mark.parametrize("answer", ["", "no"], ids=["no answer", "a no"])
def test_without_a_yes_nothing_is_sent_kept_or_mailed(
    house: House, new_shopper: Callable[[], Shopper], answer: str
) -> None:
    shopper, email = new_shopper(), an_address()
    page = shopper.page
    sent: list[Request] = []
    page.context.on("request", lambda request: sent.append(request) if "/v1/" in request.url else None)
    shopper.open("")
    if answer:
        page.locator(f"[data-consent={answer}]").click()
    shopper.reads(ARTICLES[0])
    shopper.reads_on_until(120)
    expect(shopper.invitation).to_have_count(0)
    shopper.puts_in_cart("kobalt")
    shopper.fills_in_contact(email)
    shopper.fills_in_address()
    assert "shopbell" not in str(page.evaluate(STORED))
    page.close()
    house.wait_for_somebody_elses_mail()
    assert sent == []
    assert house.mails(email) == []


def test_on_a_phone_nothing_looks_out_from_behind_the_banner(new_shopper: Callable[[], Shopper]) -> None:
    shopper = new_shopper()
    shopper.page.set_viewport_size({"width": 390, "height": 844})
    behind_the_scenes = shopper.page.locator("#drawer-show")
    shopper.open("")
    expect(shopper.page.locator("#consent")).to_be_visible()
    expect(behind_the_scenes).to_be_hidden()
    shopper.agrees_to_be_helped()
    expect(behind_the_scenes).to_be_visible()


def test_a_yes_is_heard_at_once(house: House, new_shopper: Callable[[], Shopper]) -> None:
    shopper = new_shopper()
    shopper.comes_in()
    assert house.knows(shopper.visitor)


def test_a_no_after_a_yes_ends_it(house: House, shopper: Shopper) -> None:
    shopper.page.get_by_role("button", name="Cookiekeuze wijzigen").click()
    with shopper.page.expect_response("**/v1/events"):
        shopper.page.locator("[data-consent=no]").click()
    visitor = shopper.visitor
    shopper.reads(ARTICLES[0])
    shopper.reads_on_until(120)
    expect(shopper.invitation).to_have_count(0)
    assert house.deliveries(visitor) == []
    assert "shopbell" not in str(shopper.page.evaluate("() => Object.keys(localStorage).join(' ')"))
