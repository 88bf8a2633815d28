"""A real house, a browser, and as many shoppers as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.house import House, running_house
from tests.browser.shopper import INVITED, WATCH, Shopper
from tests.parts import DEADLINE_MS

expect.set_options(timeout=DEADLINE_MS)
LOCALES = {"nl": "nl-NL", "en": "en-GB"}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def rules(house: House) -> Iterator[str]:
    """What the rule file says before and after a test that edits it."""
    before = house.rules.read_text(encoding="utf-8")
    yield before
    house.rules.write_text(before, encoding="utf-8")
    house.wait_until(lambda: house.invites_with().startswith(INVITED), "the old rules")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], timeout=DEADLINE_MS
        )
        yield browser
        browser.close()


@pytest.fixture
def new_device(house: House, browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """Makes browsers that know nothing of each other. An error on any page fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(language: str = "nl") -> BrowserContext:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale=LOCALES[language], base_url=f"{house.address}/demo/"
        )
        context.set_default_timeout(DEADLINE_MS)
        context.add_init_script(WATCH)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda line: wrong.append(line.text) if "Security Policy" in line.text else None)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


NewShopper = Callable[..., Shopper]


@pytest.fixture
def new_shopper(new_device: Callable[[str], BrowserContext]) -> NewShopper:
    """Makes shoppers, each with a browser of their own."""

    def make(language: str = "nl") -> Shopper:
        return Shopper(new_device(language).new_page(), language)

    return make


@pytest.fixture
def shopper(new_shopper: NewShopper) -> Shopper:
    """A Dutch shopper who has come in and said yes to the banner."""
    shopper = new_shopper()
    shopper.comes_in()
    return shopper
