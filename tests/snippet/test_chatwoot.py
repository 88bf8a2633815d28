"""Chatwoot's widget on a shop's pages: opened for whoever accepts a chat, and what is told of the chat."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from tests.snippet.far_side import GRANTED, Answer, FarSide
from tests.snippet.far_side import Page as ShopPage
from tests.snippet.test_invitation import invitation

SDK = """
window.chatwootSDK = {
  run(how) {
    window.ran = how;
    window.$chatwoot = {
      hasLoaded: false,
      toggle(state) { told.push(["toggle", state]); },
      setCustomAttributes(said) { told.push(["attributes", said]); },
    };
  },
};
"""
"""As Chatwoot's own script has it, as far as ours looks at it; the widget in its frame is ready a while later."""
OWN = f"window.told = []; {SDK}; chatwootSDK.run({{websiteToken: 'w3bs1te', baseUrl: 'https://chat.example'}});"
READY = "$chatwoot.hasLoaded = true; dispatchEvent(new CustomEvent('chatwoot:ready'));"
TAG = '<script async src="/adapters/chatwoot.js"{more}></script>'
NAMED = ' data-chatwoot-url="https://chat.example" data-chatwoot-token="w3bs1te"'
BESIDE = '<script async src="/shopbell.js" data-key="pk_test"></script>'
HERE = "() => performance.getEntriesByName(location.origin + '/adapters/chatwoot.js').length"


def written(kind: int) -> str:
    """A message in the widget, as its event tells it: 0 by the shopper, 1 by an agent, 2 an activity."""
    return f"dispatchEvent(new CustomEvent('chatwoot:on-message', {{detail: {{id: 1, message_type: {kind}}}}}))"


class Shop:
    """A shop with Chatwoot, whose first answer brings an invitation to chat."""

    def __init__(self, page: Page, far: FarSide) -> None:
        self.page, self.far = page, far
        self.fetched: list[str] = []
        page.route("https://chat.example/**", self._sdk)

    def _sdk(self, route: Route) -> None:
        self.fetched.append(route.request.url)
        route.fulfill(content_type="application/javascript", body=SDK)

    def opens(self, head: str = OWN, *, named: bool = False, consent: str = GRANTED, path: str = "/") -> None:
        tags = BESIDE + TAG.format(more=NAMED if named else "")
        self.far.pages[path] = ShopPage(head=f"window.told ||= []; {head}; {consent}", tag=tags)
        self.page.goto(self.far.origin + path)
        self.page.wait_for_function(HERE)

    def accepts(self) -> None:
        self.page.get_by_role("button", name="Chat met Sanne").click()
        self.far.wait_for_event("message_accepted")

    def does(self, script: str) -> None:
        self.page.evaluate(f"() => {{ {script} }}")

    def told(self) -> list[list[object]]:
        told = self.page.evaluate("told")
        assert isinstance(told, list)
        return told

    def all_is_told(self) -> list[str]:
        """The events of chats so far, after one more round trip."""
        before = len(self.far.events("asked"))
        self.does("shopbell('track', 'asked')")
        self.far.wait_for_event("asked", before + 1)
        return [kind for kind in self.far.types() if kind.startswith("chat_")]


@pytest.fixture
def shop(page: Page, far: FarSide) -> Shop:
    far.answers.append(Answer(body={"messages": [invitation()]}))
    return Shop(page, far)


def test_who_accepts_finds_the_widget_open_and_the_agent_knows_why(shop: Shop) -> None:
    shop.opens()
    shop.does(READY)
    shop.accepts()
    text = "Niet gevonden wat je zocht? Ik kijk even met je mee."
    said = {"shopbell_message": "dec_1", "shopbell_rule": "stuck-in-knowledge-base", "shopbell_text": text}
    assert shop.told() == [["toggle", "open"], ["attributes", said | {"shopbell_page": f"{shop.far.origin}/"}]]


def test_a_widget_that_is_not_ready_yet_is_opened_when_it_is(shop: Shop) -> None:
    shop.opens()
    shop.accepts()
    assert shop.told() == []
    shop.does(READY)
    assert shop.told()[0] == ["toggle", "open"]
    shop.does(READY)
    assert len(shop.told()) == 2, "once"


def test_a_page_without_a_widget_stays_as_it_is(shop: Shop) -> None:
    shop.opens(head="")
    shop.accepts()
    assert (shop.fetched, shop.all_is_told()) == ([], [])
    assert shop.page.evaluate("'$chatwoot' in window") is False


def test_a_widget_that_the_tag_names_is_fetched_for_who_wants_to_chat_and_for_nobody_else(shop: Shop) -> None:
    shop.opens(head="", named=True)
    shop.far.wait_for_event("message_shown")
    assert shop.fetched == []
    shop.accepts()
    shop.page.wait_for_function("() => window.ran")
    assert shop.page.evaluate("ran") == {"websiteToken": "w3bs1te", "baseUrl": "https://chat.example"}
    shop.does(READY)
    assert (shop.told()[0], shop.fetched) == (["toggle", "open"], ["https://chat.example/packs/js/sdk.js"])


def test_a_widget_that_the_shop_has_already_is_not_fetched_again(shop: Shop) -> None:
    shop.opens(named=True)
    shop.does(READY)
    shop.accepts()
    assert (shop.told()[0], shop.fetched) == (["toggle", "open"], [])


def test_who_chatted_on_the_page_before_finds_the_widget_on_the_next(shop: Shop) -> None:
    shop.opens(head="document.cookie = 'cw_conversation=abc; path=/'", named=True, path="/next")
    shop.page.wait_for_function("() => window.ran")
    assert shop.fetched == ["https://chat.example/packs/js/sdk.js"]


def test_a_chat_begins_with_the_shopper_s_first_words_and_ends_with_its_window(shop: Shop) -> None:
    shop.opens()
    shop.does(READY)
    shop.does(written(1))
    shop.does(written(2))
    shop.does("dispatchEvent(new CustomEvent('chatwoot:on-message'))")
    assert shop.all_is_told() == []
    shop.does(written(0))
    shop.does(written(0))
    assert shop.all_is_told() == ["chat_started"]
    shop.does("dispatchEvent(new CustomEvent('chatwoot:closed'))")
    shop.does("dispatchEvent(new CustomEvent('chatwoot:closed'))")
    assert shop.all_is_told() == ["chat_started", "chat_ended"]
    shop.does(written(0))
    assert shop.all_is_told() == ["chat_started", "chat_ended", "chat_started"]


def test_who_accepts_and_closes_without_a_word_is_in_no_chat_any_more(shop: Shop) -> None:
    """Accepting alone already counts as chatting, so that it must end."""
    shop.opens()
    shop.does(READY)
    shop.does("dispatchEvent(new CustomEvent('chatwoot:closed'))")
    shop.accepts()
    shop.does("dispatchEvent(new CustomEvent('chatwoot:closed'))")
    assert shop.all_is_told() == ["chat_ended"]


def test_nothing_is_told_of_a_chat_without_consent(shop: Shop) -> None:
    shop.opens(consent="")
    shop.does(READY)
    shop.does(written(0))
    shop.does("shopbell('consent', {analytics: false})")
    shop.does(GRANTED)
    assert shop.all_is_told() == []
