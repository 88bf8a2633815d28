"""What a run of ``benchmarks.lookups`` leaves behind, and how it is told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks import kept
from benchmarks.figures import Machine

SUFFIX = "-lookups.json"


class LookUpRound(msgspec.Struct, frozen=True, kw_only=True):
    """So many ``names`` were looked up, at most ``together`` in one call."""

    names: int
    together: int
    seconds: float
    cpu_us_each: float

    @property
    def per_s(self) -> float:
        return self.names / self.seconds


class LookUpRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what stands in ``benchmarks/results/<day>-lookups.json``. The first round is the slow one."""

    taken_on: str
    commit: str
    machine: Machine
    load_average_before: float
    load_average_after: float
    latency_ms: float
    rounds: list[LookUpRound]


def section(record: LookUpRecord) -> str:
    """The run as Markdown."""
    built, (slow, *_, fast) = record.machine, record.rounds
    circumstances = (
        f"{record.taken_on}, commit {record.commit}. {built.cores} × {built.processor}, {built.system}, "
        f"{built.python}; {built.file_system}, {built.sync_ms:g} ms to sync 4 KiB. An API that answers after "
        f"{record.latency_ms:g} ms. Load average {record.load_average_before:.2f} before, "
        f"{record.load_average_after:.2f} after."
    )
    head = ("in one call", "looked up", "seconds", "a second", "CPU µs each")
    rows = [head, ("---:",) * len(head), *(_row(measured) for measured in record.rounds)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    ratio = f"{fast.together} in a call ÷ one by one: **{fast.per_s / slow.per_s:.0f}**."
    return f"## lookups\n\n{circumstances}\n\n{table}\n\n{ratio}\n"


def _row(measured: LookUpRound) -> tuple[str, ...]:
    names, seconds = f"{measured.names:,}", f"{measured.seconds:,.1f}"
    return str(measured.together), names, seconds, f"{measured.per_s:,.0f}", f"{measured.cpu_us_each:,.0f}"


def write(record: LookUpRecord, folder: Path) -> Path:
    """Add the record to ``folder``; returns where it is."""
    return kept.keep(record, folder, f"{record.taken_on}{SUFFIX}")


def newest(folder: Path) -> LookUpRecord | None:
    return kept.newest(folder, SUFFIX, LookUpRecord)
