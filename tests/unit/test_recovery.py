"""The promises about time are sums of waits, and every sum leaves the machine its share: nothing here is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import recovery
from engine.clock import SECOND, Millis
from engine.recovery import ALL_OF_REDIS, ONE_KILL, PROMISES, RULE_EDIT, WAYS, Death, slowest

PAGE = Path(__file__).parents[2] / "docs" / "promises.md"


def test_what_is_promised_is_fifteen_seconds_a_minute_and_two_seconds() -> None:
    assert (ONE_KILL.within, ALL_OF_REDIS.within, RULE_EDIT.within) == (15_000, 60_000, 2_000)


def test_every_death_has_its_promise_and_its_ways() -> None:
    assert set(WAYS) == set(PROMISES) == set(Death)
    assert {death for death, promise in PROMISES.items() if promise is not ONE_KILL} == {
        Death.FLUSHED,
        Death.AWAY,
        Death.SILENT,
        Death.EDIT,
    }


@pytest.mark.parametrize("death", Death)
def test_whatever_dies_the_waits_leave_the_machine_its_share(death: Death) -> None:
    promise = PROMISES[death]
    for way in WAYS[death]:
        assert way.configured + promise.for_work <= promise.within, way.what


def test_each_promise_leaves_a_share_that_is_worth_the_name() -> None:
    for promise in (ONE_KILL, ALL_OF_REDIS, RULE_EDIT):
        assert promise.for_work >= promise.within / 5


def test_a_sum_is_that_of_its_waits_and_the_slowest_way_counts() -> None:
    hinted = next(way for way in WAYS[Death.WORKER] if way.what == "a visitor hinted to it")
    assert hinted.configured == recovery.ALIVE + recovery.VISITOR_LEASE + recovery.LOOK_EVERY
    assert slowest(Death.WORKER) is hinted


@pytest.mark.parametrize("lease", [recovery.DELIVERY_LEASE, recovery.ERRAND_LEASE])
def test_the_living_renew_a_lease_three_times_before_it_runs_out(lease: Millis) -> None:
    assert lease > 3 * recovery.RENEW_EVERY


def test_the_dead_are_no_longer_given_hints_when_what_they_held_is_given_out_again() -> None:
    assert min(recovery.DELIVERY_LEASE, recovery.VISITOR_LEASE) > recovery.ALIVE


def test_a_worker_whose_announcement_hung_is_still_alive() -> None:
    assert recovery.ANNOUNCE_EVERY + 2 * recovery.REDIS_ANSWERS <= recovery.ALIVE


def told(ms: Millis) -> str:
    return f"{ms / SECOND:g} s"


@pytest.mark.parametrize("death", Death)
def test_every_sum_stands_in_the_promises(death: Death) -> None:
    way, promise = slowest(death), PROMISES[death]
    waits = " + ".join(f"{wait} {told(ms)}" for wait, ms in way.waits.items())
    left = told(promise.within - way.configured)
    row = f"| {death} | {way.what} | {waits} = **{told(way.configured)}** | {told(promise.within)} | {left} |"
    assert row in PAGE.read_text(encoding="utf-8")
