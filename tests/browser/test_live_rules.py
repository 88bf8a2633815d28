"""The rule file is edited while everything runs: a good one is live within two seconds, a bad one never."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, Shopper

OLD, NEW = "Niet gevonden wat je zocht? Ik zoek even met je mee.", "Zal ik even meekijken?"
LIVE_WITHIN_S = 2.0
ASKING_S = 0.5
"""What asking once may take on a busy machine."""


@pytest.fixture
def rules(house: House) -> Iterator[str]:
    """What the rule file says before and after the test."""
    before = house.rules.read_text(encoding="utf-8")
    yield before
    house.rules.write_text(before, encoding="utf-8")
    house.wait_until(lambda: invited_with(house) == OLD, "the old rules")


def invited_with(house: House) -> object:
    """What a reader is invited with who has read for 45 seconds by now."""
    page = {"url": f"{house.address}/demo/nl/{ARTICLES[0]}", "type": "knowledge_base", "language": "nl"}
    agents_known = house.tell(
        str(uuid4()),
        {"type": "page_viewed", "page": page},
        {"type": "checked_in", "page": page, "engaged_ms": 45_010},
    )
    return agents_known[0]["text"] if agents_known else None


def test_a_new_text_is_live_within_two_seconds(house: House, shopper: Shopper, rules: str) -> None:
    assert invited_with(house) == OLD
    house.rules.write_text(rules.replace(OLD, NEW), encoding="utf-8")
    took = house.wait_until(lambda: invited_with(house) == NEW, "the new text")
    assert took <= LIVE_WITHIN_S + ASKING_S
    shopper.reads(ARTICLES[0])
    expect(shopper.invitation).to_contain_text(NEW)


def test_a_broken_file_is_refused_and_the_old_one_stays(house: House, shopper: Shopper, rules: str) -> None:
    house.rules.write_text(rules.replace(OLD, NEW).replace("on_page:", "on_pgae:", 1), encoding="utf-8")
    house.wait_until(house.problems, "the problem to be told")
    assert "unknown condition 'on_pgae' (did you mean 'on_page'?)" in house.problems()["rules"]
    shopper.reads(ARTICLES[0])
    expect(shopper.invitation).to_contain_text(OLD)
    house.rules.write_text(rules, encoding="utf-8")
    house.wait_until(lambda: not house.problems(), "the problem to be gone")
