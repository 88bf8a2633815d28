"""A page's clock that stands still, so that however slow the machine is, the page's time is the test's alone."""

from playwright.sync_api import Page

BEFORE, NOON = 1_800_000_000, 1_800_003_600
"""Seconds since 1970. A clock runs from when it is installed; an hour later it is certainly not yet when it stops."""
OUTBOX_IS_EMPTY = "() => !Object.keys(localStorage).some((key) => key.includes('o|'))"


def stop_the_clock(page: Page) -> None:
    """From now on, on every page, time passes only by ``page.clock.run_for``. To be called before the first page."""
    page.clock.install(time=BEFORE)
    page.clock.pause_at(NOON)


def everything_was_tried(page: Page) -> None:
    """Nobody is sending: whatever there was to send by now was answered, or refused with its pause set."""
    page.evaluate("() => new Promise((resolve) => navigator.locks.request('shopbell', resolve))")


def outbox_is_empty(page: Page) -> None:
    """Everything was answered for."""
    page.wait_for_function(OUTBOX_IS_EMPTY)
