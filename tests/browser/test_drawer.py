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
    shopper.open(ARTICLES[0], speed=1)  # and sits still, which counts for thirty seconds and no more
    expect(invitation).to_contain_text("nog niet")
    expect(invitation).to_contain_text("wacht op on_page: {type: knowledge_base, for: 45s}")
    expect(invitation).not_to_contain_text("op zijn vroegst")
    shopper.reads(ARTICLES[0], speed=60)
    expect(invitation).to_contain_text("afgegaan")
    expect(invitation).to_contain_text(re.compile(f"om {HOUR}"))


def test_it_says_when_the_mail_leaves_and_when_the_next_one_does(
    house: House, new_shopper: NewShopper, rules: str
) -> None:
    shopper, email = new_shopper("en"), an_address()
    shopper.comes_in()
    an_hour = "cart_abandoned: 1h"
    house.rules.write_text(rules.replace(f"cart_abandoned: {LEFT_FOR}", an_hour), encoding="utf-8")
    house.wait_until(lambda: an_hour in str(house.why(shopper.visitor, "unexpected-shipping")), "an hour to be live")
    shopper.goes_to_the_shipping_step(email)
    mail = rule(shopper, "unexpected-shipping")
    expect(mail).to_contain_text(f"waits for {an_hour}")
    expect(mail).to_contain_text(re.compile(f"at .*{HOUR} at the earliest"))
    house.rules.write_text(rules, encoding="utf-8")
    house.wait_for_mail(email)
    expect(mail).to_contain_text("on its way")
    expect(mail).to_contain_text(re.compile(rf"next step \w+day.*{HOUR}"))
