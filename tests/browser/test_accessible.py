"""The invitation without a mouse, and for ears instead of eyes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, Shopper

FOCUSED = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active?.textContent?.trim() ?? "";
}"""
TOO_MANY_TABS = 100


@pytest.fixture
def invited(shopper: Shopper) -> Shopper:
    """Somebody who was just invited, with the focus on a link of the article."""
    shopper.open(ARTICLES[0], speed=60)
    shopper.page.get_by_role("link", name="Een vulpen schoonmaken").focus()
    shopper.stirs()
    expect(shopper.invitation).to_be_visible()
    shopper.hears("message_shown")
    return shopper


def tab_to(shopper: Shopper, text: str) -> str:
    """Presses Tab until the focus is there; returns where it was before it came into the card."""
    way = [""]
    for _ in range(TOO_MANY_TABS):
        shopper.page.keyboard.press("Tab")
        way.append(str(shopper.page.evaluate(FOCUSED)))
        if way[-1] == text:
            return [stop for stop in way[:-1] if stop != "Stel je vraag"][-1]
    raise AssertionError(f"{TOO_MANY_TABS} times Tab, and never at '{text}'")


def test_it_has_names_for_those_who_hear_it(invited: Shopper) -> None:
    expect(invited.page.locator("body")).to_match_aria_snapshot(
        """
        - region "Sanne":
          - status: Sanne Niet gevonden wat je zocht? Ik zoek even met je mee.
          - button "Stel je vraag"
          - button "Nee, dank je"
        """
    )


def test_it_does_not_take_the_focus(invited: Shopper) -> None:
    assert invited.page.evaluate(FOCUSED) == "Een vulpen schoonmaken"


def test_tab_and_enter_open_the_chat_and_escape_closes_it(house: House, invited: Shopper) -> None:
    before = tab_to(invited, "Stel je vraag")
    invited.page.keyboard.press("Enter")
    chat = invited.page.get_by_role("dialog", name="Chat met Sanne")
    expect(chat.get_by_role("textbox", name="Typ je vraag")).to_be_focused()
    invited.page.keyboard.press("Escape")
    expect(chat).to_be_hidden()
    assert invited.page.evaluate(FOCUSED) == before
    invited.hears("message_accepted")
    assert house.outcomes(invited.visitor) == ["shown", "accepted"]


def test_tab_and_enter_say_no(house: House, invited: Shopper) -> None:
    before = tab_to(invited, "Nee, dank je")
    invited.page.keyboard.press("Enter")
    expect(invited.invitation).to_have_count(0)
    assert invited.page.evaluate(FOCUSED) == before
    invited.hears("message_dismissed")
    assert house.outcomes(invited.visitor) == ["shown", "dismissed"]


def test_escape_says_no_from_anywhere(house: House, invited: Shopper) -> None:
    invited.page.keyboard.press("Escape")
    expect(invited.invitation).to_have_count(0)
    assert invited.page.evaluate(FOCUSED) == "Een vulpen schoonmaken"
    invited.hears("message_dismissed")
    assert house.outcomes(invited.visitor) == ["shown", "dismissed"]
