"""Behind the scenes: at every moment of the story the drawer says what a rule does, in the shopper's language."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import NewShopper
from tests.browser.house import LEFT_FOR, House
from tests.browser.shopper import ARTICLES, Shopper, an_address

HOUR = r"\d\d:\d\d:\d\d"


def rule(shopper: Shopper, name: str) -> Locator:
    return shopper.page.get_by_role("listitem").filter(has_text=name).locator("summary").first


def test_it_says_what_the_invitation_waits_for_and_when_it_came(shopper: Shopper) -> None:
    invitation = rule(shopper, "stuck-in-knowledge-base")
    shopper.reads(ARTICLES[0], speed=10)
    expect(invitation).to_contain_text("nog niet")
    expect(invitation).to_contain_text("wacht op on_page: {type: knowledge_base, for: 45s}")
    expect(invitation).not_to_contain_text("op zijn vroegst")
    expect(invitation).to_contain_text("afgegaan")
    expect(invitation).to_contain_text(re.compile(f"om {HOUR}"))


def test_it_says_when_the_mail_leaves_and_when_the_next_one_does(house: House, new_shopper: NewShopper) -> None:
    shopper, email = new_shopper("en"), an_address()
    shopper.comes_in()
    shopper.goes_to_the_shipping_step(email)
    mail = rule(shopper, "unexpected-shipping")
    expect(mail).to_contain_text(f"waits for cart_abandoned: {LEFT_FOR}")
    expect(mail).to_contain_text(re.compile(f"at {HOUR} at the earliest"))
    house.wait_for_mail(email)
    expect(mail).to_contain_text("on its way")
    expect(mail).to_contain_text(re.compile(rf"next step \w+day.*{HOUR}"))
