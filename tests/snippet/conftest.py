"""A browser, a context and a far side for the snippet's tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.parts import DEADLINE_MS
from tests.snippet.far_side import FarSide, serve

expect.set_options(timeout=DEADLINE_MS)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium as it comes: Playwright would switch the back/forward cache off."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=ARGS,
            ignore_default_args=["--disable-back-forward-cache"],
            timeout=DEADLINE_MS,
        )
        yield browser
        browser.close()


@pytest.fixture
def far() -> Iterator[FarSide]:
    """The shop and the server behind it, fresh for each test."""
    far = FarSide()
    server = serve(far)
    yield far
    server.shutdown()
    server.server_close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One shopper's browser; an error that escapes to a page fails the test."""
    context = browser.new_context(locale="nl-NL")
    context.set_default_timeout(DEADLINE_MS)
    escaped: list[str] = []
    context.on("weberror", lambda error: escaped.append(str(error.error)))
    yield context
    context.close()
    assert escaped == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()
