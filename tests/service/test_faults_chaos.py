"""Everything at once: see tests.chaos, which also runs for as long as you like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import run_chaos

pytestmark = pytest.mark.serial


def test_a_house_that_is_broken_at_random_loses_nothing_and_mails_nobody_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shopbell.db'}"
    report = run_chaos(tmp_path / "house", url, decisions=220, seconds=45, faults=20, seed=4711)
    assert report.broken == {}, report
    assert sum(report.faults.values()) >= 15
    assert report.states["sent"] + report.states.get("uncertain", 0) >= 190
