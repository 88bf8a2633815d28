"""How soon everything went on after a death: the record of one run of :mod:`benchmarks.recovery`, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import kept
from benchmarks.figures import Machine

SUFFIX = "-recovery.json"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One death. Times in seconds, from the death, or from the return of what was away."""

    answered_s: float
    """Until an event that was posted after the death was answered 202."""
    went_on_s: float
    """Until the last message that was owed was settled; of one that fell due later, since then."""
    python_s: float
    """The controls, directly before: how long a Python that does nothing takes from its start to its end ..."""
    process_s: float
    """... and one that loads what the web process loads."""
    load: float
    """The load average."""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """All trials of one kind of death, with the waits that are configured and what is promised, in seconds."""

    death: str
    configured_s: float
    promised_s: float
    trials: list[Trial]

    @property
    def worst_s(self) -> float:
        return max(self.slower)

    @property
    def slower(self) -> list[float]:
        """Of each trial the slower of the two."""
        return [max(trial.answered_s, trial.went_on_s) for trial in self.trials]


class RecoveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what stands in ``benchmarks/results/<day>-recovery.json``."""

    taken_on: str
    commit: str
    machine: Machine
    load_average_before: float
    load_average_after: float
    messages: int
    """How many were owed in the whole run; every one was settled."""
    uncertain: int
    recoveries: list[Recovery]


def table(recoveries: Sequence[Recovery]) -> str:
    head = (
        "after", "rounds", "answered 202 again, s", "everything went on, s", "configured, at most s",
        "more than that, s", "promised, s", "a bare Python, s", "its modules loaded, s",
    )  # fmt: skip
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *map(_row, recoveries)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(recovery: Recovery) -> tuple[str, ...]:
    trials = recovery.trials
    return (
        recovery.death,
        f"{len(trials)}",
        _figure([trial.answered_s for trial in trials]),
        _figure([trial.went_on_s for trial in trials]),
        f"{recovery.configured_s:g}",
        f"{max(0.0, recovery.worst_s - recovery.configured_s):.1f}",
        f"{recovery.promised_s:g}" if recovery.promised_s else "",
        _figure([trial.python_s for trial in trials], 2),
        _figure([trial.process_s for trial in trials], 2),
    )


def _figure(seconds: Sequence[float], digits: int = 1) -> str:
    return f"**{median(seconds):.{digits}f}** (worst {max(seconds):.{digits}f})"


def broken(recoveries: Sequence[Recovery]) -> list[str]:
    """Promises that were not kept, in sentences."""
    return [
        f"{recovery.death}: {recovery.worst_s:.1f} s, and {recovery.promised_s:g} s were promised."
        for recovery in recoveries
        if recovery.promised_s and recovery.worst_s > recovery.promised_s
    ]


def section(record: RecoveryRecord) -> str:
    """The run as Markdown."""
    built = record.machine
    versions = ", ".join(f"{name} {number}" for name, number in built.versions.items())
    loads = [trial.load for recovery in record.recoveries for trial in recovery.trials]
    circumstances = (
        f"{record.taken_on}, commit {record.commit}. {built.cores} × {built.processor}, {built.system}, "
        f"{built.python}; {built.file_system}, {built.sync_ms:g} ms to sync 4 KiB. {versions}. Load average "
        f"{record.load_average_before:.2f} before, {record.load_average_after:.2f} after, {min(loads):.2f} to "
        f"{max(loads):.2f} meanwhile. {record.messages:,} messages owed, all settled, {record.uncertain} uncertain."
    )
    kept = [f"- Not kept: {sentence}" for sentence in broken(record.recoveries)] or ["Every promise was kept."]
    return "\n\n".join(("## recovery", circumstances, table(record.recoveries), "\n".join(kept))) + "\n"


def write(record: RecoveryRecord, folder: Path) -> Path:
    """Add the record to ``folder``; returns where it is."""
    return kept.keep(record, folder, f"{record.taken_on}{SUFFIX}")


def newest(folder: Path) -> RecoveryRecord | None:
    return kept.newest(folder, SUFFIX, RecoveryRecord)
