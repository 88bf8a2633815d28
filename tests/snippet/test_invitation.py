"""The invitation: shown once, only to eyes that can see it, quiet towards the shopper's work, honest in its reports."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.snippet.attention import look_away, look_back
from tests.snippet.far_side import GRANTED, Answer, FarSide, Json
from tests.snippet.far_side import Page as ShopPage
from tests.snippet.still import outbox_is_empty

STAGE = (
    "for (const name of ['message', 'chat', 'dismiss'])"
    "shopbell('on', name, (message) => { (window.heard ||= []).push([name, message.id]) });"
    "document.addEventListener('load', ({target}) => { if (/-ui/.test(target.src)) window.canShow = true }, true);"
)
FORM = '<h1>Ink</h1><input id="search" autofocus><a href="#end" id="end">end</a>'


def invitation(**fields: object) -> Json:
    """An invitation as the server sends it."""
    return {
        "id": "dec_1",
        "kind": "invite",
        "rule": "stuck-in-knowledge-base",
        "text": "Niet gevonden wat je zocht? Ik kijk even met je mee.",
        "language": "nl",
        "agent": {"name": "Sanne"},
        "actions": [{"open": "chat", "label": "Chat met Sanne"}],
        "expires_at": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(),
        **fields,
    }


def invite(page: Page, far: FarSide, *messages: Json, body: str = FORM) -> Locator:
    """A page whose first answer brings invitations; the card, whether or not it is there."""
    far.answers.append(Answer(body={"messages": list(messages)}))
    far.pages["/"] = ShopPage(head=STAGE + GRANTED, body=body)
    page.goto(far.origin)
    return page.locator("section")


def answered(page: Page, far: FarSide) -> None:
    """One more round trip after the invitation's: anything that was to be shown is on the page."""
    before = len(far.events("asked"))
    page.evaluate("shopbell('track', 'asked')")
    far.wait_for_event("asked", times=before + 1)
    outbox_is_empty(page)
    page.wait_for_function("() => window.canShow")
    page.evaluate("() => new Promise((resolve) => navigator.locks.request('shopbell:m', resolve))")


def test_an_invitation_is_shown_and_told(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    expect(card.get_by_role("status")).to_contain_text("Niet gevonden wat je zocht?")
    expect(page.get_by_role("region", name="Sanne")).to_be_visible()
    expect(card.get_by_role("button")).to_have_text(["Chat met Sanne", "Nee, dank je"])
    assert far.wait_for_event("message_shown")["message"] == "dec_1"
    assert page.evaluate("heard") == [["message", "dec_1"]]


def test_accepting_opens_the_shop_s_chat(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    card.get_by_role("button", name="Chat met Sanne").click()
    accepted = far.wait_for_event("message_accepted")
    assert (accepted["message"], accepted["action"]) == ("dec_1", "chat")
    assert page.evaluate("heard") == [["message", "dec_1"], ["chat", "dec_1"]]
    expect(card).to_have_count(0)
    assert far.events("message_dismissed") == []


def test_a_no_is_taken_for_a_no(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation(), invitation(id="dec_2", text="En dit dan?"))
    card.get_by_role("button", name="Nee, dank je").click()
    assert far.wait_for_event("message_dismissed")["message"] == "dec_1"
    answered(page, far)
    expect(card).to_have_count(0)
    assert page.evaluate("heard") == [["message", "dec_1"], ["dismiss", "dec_1"]]


def test_escape_sends_it_away_from_anywhere(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    page.locator("#search").press("Escape")
    far.wait_for_event("message_dismissed")
    expect(card).to_have_count(0)
    page.locator("#search").press("Escape")
    answered(page, far)
    assert len(far.events("message_dismissed")) == 1


def test_an_escape_the_shop_uses_itself_is_left_to_the_shop(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    page.evaluate("() => { document.querySelector('#search').onkeydown = (event) => event.preventDefault() }")
    page.locator("#search").press("Escape")
    answered(page, far)
    expect(card).to_be_visible()


def test_the_focus_is_never_taken(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("black ink")
    assert page.locator("#search").input_value() == "black ink"
    expect(page.locator("#search")).to_be_focused()


def test_the_keyboard_reaches_it_and_comes_back(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    page.locator("#end").focus()
    page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Chat met Sanne")).to_be_focused()
    page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Nee, dank je")).to_be_focused()
    page.keyboard.press("Enter")
    far.wait_for_event("message_dismissed")
    expect(page.locator("#end")).to_be_focused()


def test_one_invitation_over_two_tabs(context: BrowserContext, page: Page, far: FarSide) -> None:
    first = invite(page, far, invitation())
    far.wait_for_event("message_shown")
    answered(page, far)
    other = context.new_page()
    second = invite(other, far, invitation())
    answered(other, far)
    expect(second).to_have_count(0)
    assert len(far.events("message_shown")) == 1
    far.answers = [Answer(body={"messages": [invitation()]})] * 2  # to the beacon, which nobody reads, and to the page
    page.reload()
    answered(page, far)
    expect(first).to_have_count(0)


def test_a_hidden_page_shows_it_when_it_is_looked_at(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head=STAGE + GRANTED)
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    far.answers = [Answer(body={"messages": [invitation()]})] * 2
    look_away(page)
    answered(page, far)
    expect(page.locator("section")).to_have_count(0)
    assert far.events("message_shown") == []
    look_back(page)
    expect(page.locator("section")).to_be_visible()
    far.wait_for_event("message_shown")


def test_a_late_invitation_is_not_shown(page: Page, far: FarSide) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    card = invite(page, far, invitation(expires_at=past))
    answered(page, far)
    expect(card).to_have_count(0)
    assert far.events("message_shown") == []


def test_a_wrong_clock_in_the_browser_makes_nothing_late(page: Page, far: FarSide) -> None:
    page.clock.install(time=datetime.now(UTC) + timedelta(days=1))
    expect(invite(page, far, invitation())).to_be_visible()


def test_text_is_only_ever_text(page: Page, far: FarSide) -> None:
    hostile = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'
    card = invite(
        page, far, invitation(text=hostile, agent={"name": hostile}, actions=[{"open": "chat", "label": hostile}])
    )
    expect(card.get_by_role("status")).to_contain_text(hostile)
    expect(card.get_by_role("button").first).to_have_text(hostile)
    assert card.locator("img, script").count() == 0
    assert page.evaluate("window.caught") is None


@pytest.mark.parametrize(
    "href",
    [
        "javascript:window.caught=1",
        " JaVa\tscript:window.caught=1",
        "data:text/html,x",
        "http://elsewhere.example/",
        "blob:x",
    ],
)
def test_a_link_leads_only_where_it_may(page: Page, far: FarSide, href: str) -> None:
    actions = [
        {"open": "link", "label": "Kijk", "href": href},
        {"open": "phone", "label": "Bel", "href": "tel:+31201234567"},
    ]
    card = invite(page, far, invitation(actions=actions))
    expect(card).to_be_visible()
    expect(card.get_by_role("link")).to_have_text(["Bel"])


def test_following_a_link_is_accepting(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation(actions=[{"open": "link", "label": "Retourneren", "href": "/returns"}]))
    card.get_by_role("link", name="Retourneren").click()
    page.wait_for_url("**/returns")
    assert far.wait_for_event("message_accepted")["action"] == "link"


def test_it_stands_clear_of_a_cookie_banner_and_of_what_the_shop_marked(page: Page, far: FarSide) -> None:
    banner = '<div style="position:fixed;inset:auto 0 0;height:120px;background:#eee" id="banner">Cookies?</div>'
    card = invite(page, far, invitation(), body=banner)
    expect(card).to_be_visible()
    box, bar = card.bounding_box(), page.locator("#banner").bounding_box()
    assert box
    assert bar
    assert box["y"] + box["height"] <= bar["y"]


def test_it_waits_while_something_covers_the_page(page: Page, far: FarSide) -> None:
    page.clock.install()
    cover = '<div style="position:fixed;inset:0;background:#eee" id="cover">One question first</div>'
    card = invite(page, far, invitation(), body=cover)
    answered(page, far)
    page.clock.run_for(5000)
    expect(card).to_have_count(0)
    assert far.events("message_shown") == []
    page.evaluate("document.querySelector('#cover').remove()")
    page.clock.run_for(1100)
    expect(card).to_be_visible()
    page.clock.run_for(500)
    far.wait_for_event("message_shown")


@pytest.mark.parametrize(
    ("language", "label"),
    [("nl", "Nee, dank je"), ("en-GB", "No, thanks"), ("de", "Nein, danke"), ("fr", "Non, merci")],
)
def test_the_no_speaks_the_message_s_language(page: Page, far: FarSide, language: str, label: str) -> None:
    card = invite(page, far, invitation(language=language))
    expect(card.get_by_role("button", name=label)).to_be_visible()


def test_from_right_to_left_it_stands_on_the_left(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation(language="ar", text="هل تحتاج إلى مساعدة؟"))
    expect(card).to_be_visible()
    box = card.bounding_box()
    assert box
    assert box["x"] < 40


def test_on_a_phone_it_takes_at_most_a_third(page: Page, far: FarSide) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    card = invite(page, far, invitation(text="Lang verhaal. " * 40))
    expect(card).to_be_visible()
    box = card.bounding_box()
    assert box
    assert box["height"] <= 667 / 3
    assert box["width"] == 375
    expect(card.get_by_role("button", name="Nee, dank je")).to_be_in_viewport()


def test_it_stands_still_for_who_wants_no_motion(page: Page, far: FarSide) -> None:
    page.emulate_media(reduced_motion="reduce")
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    assert card.evaluate("(element) => element.getAnimations().length") == 0


def test_in_forced_colours_buttons_have_edges(page: Page, far: FarSide) -> None:
    page.emulate_media(forced_colors="active")
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    edge = "(element) => getComputedStyle(element).borderTopColor"
    assert card.get_by_role("button").first.evaluate(edge) != "rgba(0, 0, 0, 0)"


def test_the_shop_s_colours_are_taken_and_its_styles_are_not(page: Page, far: FarSide) -> None:
    style = (
        "<style>:root{--shopbell-accent:#123456} button{font-size:99px}"
        "div{display:none;opacity:0;position:static}</style>"
        "<h1>Ink</h1>"
    )
    card = invite(page, far, invitation(), body=style)
    button = card.get_by_role("button").first
    expect(button).to_be_visible()
    assert button.evaluate("(element) => getComputedStyle(element).backgroundColor") == "rgb(18, 52, 86)"
    assert button.evaluate("(element) => getComputedStyle(element).fontSize") == "15px"


def test_withdrawing_consent_takes_the_invitation_away(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation())
    expect(card).to_be_visible()
    page.evaluate("shopbell('consent', {analytics: false})")
    expect(card).to_have_count(0)
    far.wait_for_event("consent_changed", times=2)


def test_other_kinds_are_not_drawn(page: Page, far: FarSide) -> None:
    card = invite(page, far, invitation(kind="mail"))
    answered(page, far)
    expect(card).to_have_count(0)


def test_a_hint_is_shown_without_anything_to_refuse(page: Page, far: FarSide) -> None:
    card = invite(
        page, far, invitation(kind="nudge", text="Nog € 12,50 tot gratis verzending.", actions=[], agent=None)
    )
    expect(card).to_contain_text("Nog € 12,50 tot gratis verzending.")
    card.get_by_role("button", name="OK").click()
    expect(card).to_be_hidden()
