"""What a run of the recovery benchmark leaves behind: its figures and its table; nothing here measures time."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks import recoveries, report
from benchmarks.figures import Machine
from benchmarks.recoveries import Recovery, RecoveryRecord, Trial, broken
from benchmarks.recovery import ACTS, KINDS
from engine.recovery import Death

MACHINE = Machine(
    cores=2, processor="a processor", system="Linux 1", python="CPython 3", versions={"rq": "3.0"}, file_system="ext4",
    sync_ms=0.1, pinned=False,
)  # fmt: skip


def a_recovery(*went_on_s: float, answered_s: float = 0.5, promised_s: float = 15.0) -> Recovery:
    trials = [
        Trial(answered_s=answered_s, went_on_s=seconds, python_s=0.02, process_s=0.8, load=1.5) for seconds in went_on_s
    ]
    return Recovery(death="worker killed", configured_s=11.25, promised_s=promised_s, trials=trials)


def a_record(*found: Recovery, day: str = "2026-11-22") -> RecoveryRecord:
    return RecoveryRecord(
        taken_on=day, commit="abc1234", machine=MACHINE, load_average_before=0.5, load_average_after=0.7,
        messages=1_234, uncertain=2, recoveries=list(found),
    )  # fmt: skip


def test_every_death_that_has_a_promise_is_measured() -> None:
    measured = {death for death, _ in ACTS.values() if death is not None} | {Death.EDIT}
    assert measured == set(Death)
    assert KINDS[0] == "nothing"


def test_the_slower_of_the_two_times_counts_and_the_worst_round_of_all() -> None:
    assert a_recovery(1.0, 9.0, 3.0).worst_s == 9.0
    assert a_recovery(1.0, answered_s=4.0).worst_s == 4.0


def test_a_promise_that_one_round_broke_is_told_in_the_result() -> None:
    assert broken([a_recovery(14.9), a_recovery(1.0, promised_s=0.0)]) == []
    assert broken([a_recovery(1.0, 15.1)]) == ["worker killed: 15.1 s, and 15 s were promised."]
    assert "- Not kept: worker killed: 15.1 s, and 15 s were promised." in recoveries.section(
        a_record(a_recovery(15.1))
    )
    assert "Every promise was kept." in recoveries.section(a_record(a_recovery(8.0)))


def test_the_row_tells_median_and_worst_and_what_was_more_than_the_configured_waits() -> None:
    row = recoveries.table([a_recovery(8.0, 12.0, 9.0)]).splitlines()[-1]
    assert row.split(" | ")[2:7] == ["**0.5** (worst 0.5)", "**9.0** (worst 12.0)", "11.25", "0.8", "15"]


def test_the_page_shows_the_newest_run_beside_the_others(tmp_path: Path) -> None:
    for day, seconds in (("2026-11-20", 3.0), ("2026-11-22", 7.5)):
        path = recoveries.write(a_record(a_recovery(seconds), day=day), tmp_path)
        assert msgspec.json.decode(path.read_bytes(), type=RecoveryRecord).taken_on == day
    report.write_page(tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert "2026-11-20" not in page
    assert "**7.5** (worst 7.5)" in page
    assert "1,234 messages owed, all settled, 2 uncertain" in page
    assert report.read(tmp_path) == []
