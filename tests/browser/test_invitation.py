"""The invitation in the knowledge base: after 45 seconds of reading, once, and never after a no."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, INVITED, READER_STIRS_EVERY_S, Shopper
from tests.parts import DEADLINE_S

RULE = "stuck-in-knowledge-base"


def is_invited(shopper: Shopper) -> None:
    expect(shopper.invitation).to_be_visible()
    shopper.hears("message_shown")


def is_left_alone(shopper: Shopper, article: str) -> None:
    """Reads for two more minutes of a fast clock, and nothing comes."""
    shopper.reads(article)
    shopper.reads_on_until(120)
    shopper.hears("page_viewed")
    expect(shopper.invitation).to_have_count(0)


def test_a_reader_is_invited_after_45_real_seconds(shopper: Shopper) -> None:
    shopper.reads(ARTICLES[0], speed=1)
    for _ in range(0, int(DEADLINE_S), READER_STIRS_EVERY_S):
        shopper.stirs()
        try:
            shopper.invitation.wait_for(timeout=READER_STIRS_EVERY_S * 1000)
            break
        except PlaywrightTimeout:
            continue
    expect(shopper.invitation).to_contain_text(INVITED)
    assert shopper.moment("message") >= 45  # since the page began to load; the next test measures it to the second


def test_it_comes_with_the_45th_second_and_not_before(shopper: Shopper) -> None:
    shopper.stops_the_clock()
    shopper.reads(ARTICLES[0], speed=1)
    shopper.reads_on_for(44)
    expect(shopper.invitation).to_have_count(0)
    shopper.reads_on_for(2)
    expect(shopper.invitation).to_contain_text(INVITED)
    assert 45 <= shopper.moment("message") - shopper.moment("ready") <= 46.1


def test_the_seconds_of_two_articles_count_together(shopper: Shopper) -> None:
    shopper.stops_the_clock()
    shopper.reads(ARTICLES[0], speed=1)
    shopper.reads_on_for(30)
    shopper.page.get_by_role("main").get_by_role("link", name="Waarom drukt inkt door het papier?").click()
    shopper.page.wait_for_url(f"**/{ARTICLES[1]}*")
    shopper.reads_on_for(14)
    expect(shopper.invitation).to_have_count(0)
    shopper.reads_on_for(2)
    expect(shopper.invitation).to_be_visible()
    assert 15 <= shopper.moment("message") - shopper.moment("ready") <= 16.1


def test_the_front_page_invites_nobody(shopper: Shopper) -> None:
    is_left_alone(shopper, "")


def test_an_accepted_invitation_opens_the_chat_and_is_written_down(house: House, shopper: Shopper) -> None:
    shopper.reads(ARTICLES[0])
    is_invited(shopper)
    shopper.invitation.get_by_role("button", name="Stel je vraag").click()
    expect(shopper.page.get_by_role("dialog", name="Chat met Sanne")).to_contain_text(
        "Welke inkt past bij mijn vulpen?"
    )
    expect(shopper.invitation).to_have_count(0)
    shopper.hears("chat_started")
    assert house.deliveries(shopper.visitor) == [(RULE, "accepted")]
    assert house.outcomes(shopper.visitor) == ["shown", "accepted"]
    assert house.why(shopper.visitor, RULE)["state"] == "fired"


def test_a_no_is_written_down_and_holds_on_every_page(house: House, shopper: Shopper) -> None:
    shopper.reads(ARTICLES[0])
    is_invited(shopper)
    shopper.invitation.get_by_role("button", name="Nee, dank je").click()
    expect(shopper.invitation).to_have_count(0)
    shopper.hears("message_dismissed")
    is_left_alone(shopper, ARTICLES[1])
    is_left_alone(shopper, ARTICLES[1])
    assert house.deliveries(shopper.visitor) == [(RULE, "dismissed")]
    assert house.outcomes(shopper.visitor) == ["shown", "dismissed"]


def test_who_does_not_answer_is_not_asked_twice(house: House, shopper: Shopper) -> None:
    shopper.reads(ARTICLES[0])
    is_invited(shopper)
    shopper.page.reload()
    shopper.reads_on_until(120)
    expect(shopper.invitation).to_have_count(0)
    is_left_alone(shopper, ARTICLES[1])
    assert house.deliveries(shopper.visitor) == [(RULE, "shown")]


def test_two_tabs_are_one_reader(house: House, shopper: Shopper) -> None:
    other = Shopper(shopper.page.context.new_page())
    shopper.reads(ARTICLES[0])
    other.reads(ARTICLES[1])
    for tab in (shopper, other):
        tab.reads_on_until(120)
        tab.hears("page_viewed")
    house.wait_until(lambda: house.outcomes(shopper.visitor), "an invitation to be shown")
    assert shopper.invitation.count() + other.invitation.count() == 1
    is_left_alone(other, ARTICLES[2])
    assert [rule for rule, _ in house.deliveries(shopper.visitor)] == [RULE]
    assert house.outcomes(shopper.visitor) == ["shown"]


def test_nobody_is_invited_to_an_empty_counter(house: House, new_shopper: Callable[[], Shopper]) -> None:
    shopper = new_shopper()
    shopper.comes_in()
    drawer = shopper.page.get_by_role("complementary", name="Achter de schermen")
    drawer.get_by_role("button", name="Laat Sanne gaan").click()
    try:
        expect(drawer.get_by_text("Er is nu niemand")).to_be_visible()
        is_left_alone(shopper, ARTICLES[0])
        verdicts = {clause["text"]: clause["verdict"] for clause in house.why(shopper.visitor, RULE)["clauses"]}
        assert verdicts == {"on_page: {type: knowledge_base, for: 45s}": "met", "agents: online": "not_met"}
    finally:
        drawer.get_by_role("button", name="Laat Sanne komen").click()
    is_invited(shopper)  # on the page that was open all the while
