"""Engaged time: visible, focused, and somebody there. A check-in waits for so much of it, and for open eyes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.snippet.attention import gain_focus, look_away, look_back, lose_focus, read_for, touch
from tests.snippet.far_side import Answer, FarSide, Json
from tests.snippet.still import everything_was_tried, outbox_is_empty, stop_the_clock

TOLERANCE_MS = 250


def open_paused(page: Page, far: FarSide) -> None:
    """A page whose clock moves only when the test says so; its first batch has been answered."""
    stop_the_clock(page)
    page.goto(far.origin)
    page.clock.run_for(200)
    far.wait_for_event("page_viewed")
    settled(page)


def settled(page: Page) -> None:
    """The answer has been read and its timer set: the outbox is empty and nobody holds the lock."""
    outbox_is_empty(page)
    everything_was_tried(page)


def back_again(page: Page) -> None:
    """The reader is back, and the server has heard of it."""
    look_back(page)
    page.clock.run_for(100)
    settled(page)


def engaged_ms(page: Page, far: FarSide) -> int:
    """What the page says now."""
    before = len(far.events("asked"))
    page.evaluate("shopbell('track', 'asked')")
    page.clock.run_for(60)
    event: Json = far.wait_for_event("asked", times=before + 1)
    return int(event["engaged_ms"]) + 60


@pytest.mark.parametrize(
    ("away", "back"), [(look_away, look_back), (lose_focus, gain_focus)], ids=["hidden", "without focus"]
)
def test_a_reader_who_looks_away_does_not_count(
    page: Page, far: FarSide, away: Callable[[Page], None], back: Callable[[Page], None]
) -> None:
    open_paused(page, far)
    start = engaged_ms(page, far)
    read_for(page, 10)
    away(page)
    page.clock.run_for(20_000)
    back(page)
    read_for(page, 5)
    assert abs(engaged_ms(page, far) - start - 15_000) <= TOLERANCE_MS


def test_a_reader_who_falls_asleep_counts_for_thirty_seconds(page: Page, far: FarSide) -> None:
    open_paused(page, far)
    touch(page)
    start = engaged_ms(page, far)
    page.clock.run_for(600_000)
    touch(page)
    page.clock.run_for(7000)
    assert abs(engaged_ms(page, far) - start - 37_000) <= TOLERANCE_MS


def test_each_page_counts_for_itself(page: Page, far: FarSide) -> None:
    open_paused(page, far)
    read_for(page, 10)
    page.evaluate("history.pushState({}, '', '/next')")
    page.clock.run_for(3000)
    assert abs(engaged_ms(page, far) - 3000) <= TOLERANCE_MS


def asking_again(far: FarSide, after_ms: int) -> None:
    """The server wants one check-in after so much engaged time, and counts like the page."""

    def respond(body: Json) -> Answer:
        left = after_ms - int(body["events"][-1]["engaged_ms"])
        return Answer(body={"next_check_ms": left if left > 0 else None, "check_on": "engaged"})

    far.respond = respond


def test_the_page_checks_in_after_so_much_engaged_time(page: Page, far: FarSide) -> None:
    asking_again(far, 45_000)
    open_paused(page, far)
    read_for(page, 20)
    look_away(page)
    page.clock.run_for(60_000)
    back_again(page)
    read_for(page, 10)
    page.clock.run_for(300_000)  # asleep: 30 seconds would count, 15 are left
    event = far.wait_for_event("checked_in")
    assert abs(event["engaged_ms"] - 45_000) <= TOLERANCE_MS
    assert event["engaged_ms"] >= 45_000
    assert len(far.events("checked_in")) == 1


def test_a_check_in_waits_for_a_sleeper_to_wake(page: Page, far: FarSide) -> None:
    asking_again(far, 45_000)
    open_paused(page, far)
    page.clock.run_for(600_000)
    assert far.events("checked_in") == []
    read_for(page, 20)
    event = far.wait_for_event("checked_in")
    assert abs(event["engaged_ms"] - 45_000) <= TOLERANCE_MS


def test_a_check_in_on_visible_time_needs_no_activity(page: Page, far: FarSide) -> None:
    far.answers = [
        Answer(body={"next_check_ms": wait, "check_on": "visible"}) for wait in (60_000, 10_000, 10_000, 10_000)
    ]
    open_paused(page, far)
    page.clock.run_for(50_000)
    look_away(page)
    page.clock.run_for(600_000)
    assert far.events("checked_in") == []
    back_again(page)
    page.clock.run_for(9000)
    assert far.events("checked_in") == []
    page.clock.run_for(1500)
    far.wait_for_event("checked_in")


def test_a_newer_answer_replaces_the_countdown(page: Page, far: FarSide) -> None:
    far.answers = [Answer(body={"next_check_ms": 10_000, "check_on": "visible"})]
    open_paused(page, far)
    engaged_ms(page, far)  # answered with: no check-in needed
    settled(page)
    page.clock.run_for(60_000)
    assert far.events("checked_in") == []


def test_a_countdown_goes_by_the_event_it_answers_not_by_the_way_there(page: Page, far: FarSide) -> None:
    far.answers = [
        Answer(503, headers={"Retry-After": "10"}),
        Answer(body={"next_check_ms": 20_000, "check_on": "engaged"}),
    ]
    stop_the_clock(page)
    page.goto(far.origin)
    page.clock.run_for(200)
    page.wait_for_function("() => localStorage['shopbell:r']")
    everything_was_tried(page)
    read_for(page, 13)
    far.wait_for_event("page_viewed")
    settled(page)
    read_for(page, 10)
    event = far.wait_for_event("checked_in")
    assert abs(event["engaged_ms"] - 20_000) <= TOLERANCE_MS
