"""Makes a page believe that its reader looks away: headless pages are otherwise always visible and focused."""

from playwright.sync_api import Page

TOUCH = "window.dispatchEvent(new PointerEvent('pointermove'))"


def touch(page: Page) -> None:
    """The reader moves."""
    page.evaluate(TOUCH)


def look_away(page: Page) -> None:
    """Another tab covers the page."""
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


def look_back(page: Page) -> None:
    """The page is in front again."""
    page.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")


def lose_focus(page: Page) -> None:
    """Another window is worked in, beside this one."""
    page.evaluate("document.hasFocus = () => false; window.dispatchEvent(new Event('blur'))")


def gain_focus(page: Page) -> None:
    """This window is worked in again."""
    page.evaluate("delete document.hasFocus; window.dispatchEvent(new Event('focus'))")


def read_for(page: Page, seconds: int) -> None:
    """So long, moving every five seconds, on a paused clock."""
    for _ in range(seconds // 5):
        touch(page)
        page.clock.run_for(5000)
    touch(page)
    page.clock.run_for(seconds % 5 * 1000)
