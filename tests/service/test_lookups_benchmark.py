"""The benchmark of look-ups asks a real API about everything, both ways, and tells how much faster one of them is."""

from __future__ import annotations

from pathlib import Path

from benchmarks import looked, report
from benchmarks.lookups import take


def test_everything_is_looked_up_both_ways_and_the_page_tells_how_fast(tmp_path: Path) -> None:
    record = take(names=120, alone=2)
    assert [(measured.names, measured.together) for measured in record.rounds] == [(2, 1), (120, 50)]
    assert looked.newest(looked.write(record, tmp_path).parent) == record
    report.write_page(tmp_path)
    assert "| 50 | 120 |" in (tmp_path / "README.md").read_text()
