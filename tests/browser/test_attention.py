"""Only time of a reader who is there counts: not a hidden tab, not a minimised window, not an empty chair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, WATCH, Shopper
from tests.browser.tabs import Tab, Tabs, running_tabs

INVITED = "window.moments.message"
STATE = "document.visibilityState + (document.hasFocus() ? ' with' : ' without') + ' focus'"


@pytest.fixture
def tabs(chromium: str, tmp_path: Path) -> Iterator[Tabs]:
    with running_tabs(chromium, tmp_path / "profile") as tabs:
        yield tabs


@pytest.fixture
def reader(tabs: Tabs, house: House) -> Tab:
    """A tab of somebody who said yes on the front page, on a clock that runs sixty times as fast."""
    tab = tabs.new()
    tab.wire.call("Page.enable", tab.session)
    tab.wire.call("Page.addScriptToEvaluateOnNewDocument", tab.session, source=WATCH)
    tab.open(f"{house.address}/demo/nl/?speed=60")
    tab.run("document.querySelector('[data-consent=yes]').click()")
    tab.wait_for("window.demoVisitor")
    return tab


def cover(tabs: Tabs, reader: Tab) -> Callable[[], None]:
    tabs.new()
    return reader.bring_to_front


def minimise(tabs: Tabs, reader: Tab) -> Callable[[], None]:
    del tabs
    reader.turn_window("minimized")
    return lambda: reader.turn_window("normal")


@pytest.mark.parametrize("hide", [cover, minimise], ids=["another tab in front", "window minimised"])
def test_a_page_nobody_sees_invites_nobody_until_it_is_seen(
    house: House, tabs: Tabs, reader: Tab, hide: Callable[[Tabs, Tab], Callable[[], None]]
) -> None:
    reader.open(f"{house.address}/demo/nl/{ARTICLES[0]}?speed=1")
    show = hide(tabs, reader)
    reader.wait_for(f"({STATE}) == 'hidden without focus'")
    reader.open(f"{house.address}/demo/nl/{ARTICLES[0]}?speed=60")
    reader.run("new Promise((done) => demoClock.real.setTimeout(done, 3000))")  # three minutes on the page's clock
    assert reader.run(STATE) == "hidden without focus"
    assert reader.run(INVITED) is None
    assert house.deliveries(str(reader.run("demoVisitor"))) == []
    show()
    reader.wait_for(INVITED)
    house.wait_until(lambda: house.outcomes(str(reader.run("demoVisitor"))) == ["shown"], "the invitation to be shown")


def test_an_empty_chair_counts_for_thirty_seconds_only(house: House, new_shopper: Callable[[], Shopper]) -> None:
    shopper = new_shopper()
    shopper.comes_in()
    shopper.stops_the_clock()
    shopper.reads(ARTICLES[0], speed=1)
    shopper.passes(20)
    shopper.passes(600)
    expect(shopper.invitation).to_have_count(0)
    assert house.deliveries(shopper.visitor) == []
    shopper.stirs()
    shopper.passes(20)
    expect(shopper.invitation).to_be_visible()
