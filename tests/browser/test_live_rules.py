"""The rule file is edited while everything runs: a good one goes live, a bad one never does.

That it takes two seconds at most is a matter of the clock: see tests/service/test_live_rules.py, which has its own.
"""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.house import House
from tests.browser.shopper import ARTICLES, Shopper

OLD, NEW = "Niet gevonden wat je zocht? Ik zoek even met je mee.", "Zal ik even meekijken?"


def test_a_new_text_is_live_without_a_restart(house: House, shopper: Shopper, rules: str) -> None:
    house.wait_until(lambda: house.invites_with() == OLD, "somebody behind the counter")
    house.rules.write_text(rules.replace(OLD, NEW), encoding="utf-8")
    house.wait_until(lambda: house.invites_with() == NEW, "the new text")
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
