"""What a run of ``benchmarks.hooks`` leaves behind, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import msgspec

from benchmarks import kept
from benchmarks.figures import Machine

SUFFIX = "-hooks.json"


class HookRound(msgspec.Struct, frozen=True, kw_only=True):
    """All posts to one server. Times in milliseconds from the first byte of a request to the last of its answer."""

    posts: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    cpu_us_per_post: float

    @classmethod
    def of(cls, took_ms: Sequence[float], seconds: float, cpu_s: float) -> HookRound:
        return cls(
            posts=len(took_ms),
            seconds=seconds,
            p50_ms=median(took_ms),
            p99_ms=quantiles(took_ms, n=100)[98],
            worst_ms=max(took_ms),
            cpu_us_per_post=cpu_s / len(took_ms) * 1e6,
        )

    @property
    def posts_per_s(self) -> float:
        return self.posts / self.seconds


class HookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what stands in ``benchmarks/results/<day>-hooks.json``."""

    taken_on: str
    commit: str
    machine: Machine
    load_average_before: float
    load_average_after: float
    deliveries: int
    connections: int
    by_platform: dict[str, int]
    said: dict[str, int]
    """How many answers of each kind: status, and what became of the delivery."""
    events: int
    """So many were stored: as many as when every delivery came once."""
    control: HookRound
    shopbell: HookRound


def section(record: HookRecord) -> str:
    """The run as Markdown."""
    built = record.machine
    mix = ", ".join(f"{name} {number:,}" for name, number in record.by_platform.items())
    said = ", ".join(f"{number:,} × {what}" for what, number in sorted(record.said.items()))
    circumstances = (
        f"{record.taken_on}, commit {record.commit}. {built.cores} × {built.processor}, {built.system}, "
        f"{built.python}; {built.file_system}, {built.sync_ms:g} ms to sync 4 KiB; server and load "
        f"{'on a core each' if built.pinned else 'not pinned'}. {record.deliveries:,} posts ({mix}) over "
        f"{record.connections} connections, each delivery twice. Answers: {said}; {record.events:,} events "
        f"stored, as many as when each came once. Load average "
        f"{record.load_average_before:.2f} before, {record.load_average_after:.2f} after."
    )
    head = ("side", "posts/s", "p50 ms", "p99 ms", "worst ms", "CPU µs/post")
    rows = [head, ("---",) + ("---:",) * (len(head) - 1)]
    rows += [_row("control", record.control), _row("Shopbell", record.shopbell)]
    ratio = record.shopbell.posts_per_s / record.control.posts_per_s
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(("## hooks", circumstances, table, f"Shopbell ÷ control: **{ratio:.2f}**.")) + "\n"


def _row(side: str, measured: HookRound) -> tuple[str, ...]:
    times = (measured.p50_ms, measured.p99_ms, measured.worst_ms, measured.cpu_us_per_post)
    return (side, f"{measured.posts_per_s:,.0f}", *(f"{time:,.1f}" for time in times))


def write(record: HookRecord, folder: Path) -> Path:
    """Add the record to ``folder``; returns where it is."""
    return kept.keep(record, folder, f"{record.taken_on}{SUFFIX}")


def newest(folder: Path) -> HookRecord | None:
    return kept.newest(folder, SUFFIX, HookRecord)
