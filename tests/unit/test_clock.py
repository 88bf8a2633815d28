"""The clock of a simulated shop."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine import clock
from engine.clock import FASTEST, HOUR, SECOND, Pace, machine_time, shop_time

FAST = Pace(speed=600, shop_at=1_000 * HOUR, machine_at=10 * HOUR)


def test_six_seconds_are_an_hour() -> None:
    assert FAST.shop_time(10 * HOUR) == 1_000 * HOUR
    assert FAST.shop_time(10 * HOUR + 6 * SECOND) == 1_001 * HOUR


def test_a_pace_is_read_as_it_was_written() -> None:
    assert Pace.read(str(FAST)) == FAST


@pytest.mark.parametrize("text", ["", "600", "0,1,1", f"{FASTEST + 1},1,1", "a,b,c", "1,2,3,4"])
def test_what_is_no_pace_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Pace.read(text)


def test_what_outlasts_real_work_is_longer_in_a_faster_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine_time(10 * SECOND) == 10 * SECOND
    assert shop_time(5) == 5
    monkeypatch.setattr(clock, "_pace", FAST)
    assert machine_time(10 * SECOND) == 6_000 * SECOND
    assert shop_time(10 * HOUR + SECOND) - shop_time(10 * HOUR) == machine_time(SECOND)


LOOK = "from engine import clock; print(clock.wall_clock(), clock.machine_clock())"


def _clocks(**environment: str) -> tuple[int, int]:
    """What both clocks show in a process with this environment."""
    told = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    shop, machine = map(int, told.stdout.split())
    return shop, machine


OF_THE_MACHINE = """
from engine import recovery
from engine.deliver.lastword import WAIT_S
from engine.pipeline.processing import CLOCK_TOLERANCE
from engine.schedule import OVERDUE
from engine.store import deliveries, errands, timers
print(CLOCK_TOLERANCE / 1_000, OVERDUE / recovery.OVERDUE, deliveries.LEASE / recovery.DELIVERY_LEASE,
      errands.LEASE / recovery.ERRAND_LEASE, timers.LEASE / recovery.VISITOR_LEASE, WAIT_S / 60)
"""
"""Whatever is real work and is compared with the shop's time, as so many times what it is on the machine's clock."""


def test_no_lease_runs_out_and_no_clock_seems_wrong_because_a_shop_is_fast() -> None:
    environment = os.environ | {"SHOPBELL_CLOCK": "1800,5000000000000,0"}
    command = [sys.executable, "-c", OF_THE_MACHINE]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert {float(times) for times in told.split()} == {1_800.0}


def test_every_process_reads_the_clock_from_its_environment() -> None:
    shop, machine = _clocks(SHOPBELL_CLOCK="1,5000000000000,0")
    assert shop - machine == pytest.approx(5_000_000_000_000, abs=HOUR)


@pytest.mark.parametrize(
    "environment", [{}, {"SHOPBELL_CLOCK": "x"}, {"SHOPBELL_CLOCK": "1,5000000000000,0", "SHOPBELL_ENV": "production"}]
)
def test_any_other_shop_lives_by_the_machines_clock(environment: dict[str, str]) -> None:
    shop, machine = _clocks(**environment)
    assert shop == pytest.approx(machine, abs=HOUR)
