"""The clock's rounds on a machine that slept."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from engine.schedule import LATE
from tests.parts import DEADLINE_S


def test_a_round_that_is_hours_late_is_made_at_once() -> None:
    made = threading.Event()
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults=LATE)
    long_ago, next_day = datetime.now(UTC) - timedelta(hours=3), 24 * 3600
    scheduler.add_job(made.set, "interval", seconds=next_day, next_run_time=long_ago)
    scheduler.start()
    try:
        assert made.wait(DEADLINE_S)
    finally:
        scheduler.shutdown()
