"""The arithmetic of a benchmark and the shape of its record: rounds, what they sum up to, and how noisy they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

NOISY_SPREAD = 0.2
"""A control whose own rounds differ by more than this says nothing about smaller differences."""
NOISY_OTHERS = 0.15
"""Cores that something else was using."""

Side = Literal["control", "shopbell"]


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One side driven once. Times in seconds, latencies in milliseconds, loads in cores."""

    requests: int
    events: int
    seconds: float
    p50_ms: float
    p99_ms: float
    server_cpu_s: float
    """Of all processes of the server, without the database's own."""
    database_cpu_s: float
    """Of a database server; 0 with SQLite, which works inside the web process."""
    generator_load: float
    """How busy the load generator was; near 1 it, and not the server, was measured."""
    others_load: float
    """What ran on the machine besides: everything that is neither server, database nor generator."""

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.seconds

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us_per_request(self) -> float:
        return self.server_cpu_s / self.requests * 1_000_000


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of one side's rounds."""

    requests_per_s: float
    events_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    database_cpu_us_per_request: float


class Ratio(msgspec.Struct, frozen=True):
    """Shopbell ÷ control, round by round: the middle one and the extremes."""

    median: float
    lowest: float
    highest: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One workload at one number of connections; ``control[n]`` and ``shopbell[n]`` ran one after the other."""

    workload: str
    connections: int
    control: list[Round]
    shopbell: list[Round]
    throughput: Ratio
    """Of requests a second: above 1 Shopbell is faster."""
    cpu: Ratio
    """Of server CPU for each request: above 1 Shopbell needs more."""
    control_summary: Summary
    shopbell_summary: Summary
    decisions: int
    """How many decisions the rules took during all rounds, warm-up included."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it ran on; names no host and no path."""

    cores: int
    processor: str
    system: str
    python: str
    versions: dict[str, str]
    file_system: str
    sync_ms: float
    """The median time to append 4 KiB and wait for the disk."""
    pinned: bool
    """Whether server and generator each had a core of their own."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what stands in a file of ``benchmarks/results``."""

    name: str
    taken_on: str
    commit: str
    quick: bool
    settings: dict[str, str]
    machine: Machine
    load_average_before: float
    load_average_after: float
    noise: list[str]
    """Sentences on what makes these figures doubtful; empty for a quiet run."""
    comparisons: list[Comparison]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of the values do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio(dividends: Sequence[float], divisors: Sequence[float]) -> Ratio:
    """Pairwise, because what slows both of a pair down cancels out."""
    quotients = [one / other for one, other in zip(dividends, divisors, strict=True)]
    return Ratio(median(quotients), min(quotients), max(quotients))


def spread(values: Sequence[float]) -> float:
    """How far the extremes lie apart, as a share of the median."""
    return (max(values) - min(values)) / median(values)


def summarise(rounds: Sequence[Round]) -> Summary:
    return Summary(
        requests_per_s=median(item.requests_per_s for item in rounds),
        events_per_s=median(item.events_per_s for item in rounds),
        p50_ms=median(item.p50_ms for item in rounds),
        p99_ms=median(item.p99_ms for item in rounds),
        cpu_us_per_request=median(item.cpu_us_per_request for item in rounds),
        database_cpu_us_per_request=median(item.database_cpu_s / item.requests * 1_000_000 for item in rounds),
    )


def compare(
    workload: str, connections: int, control: list[Round], shopbell: list[Round], *, decisions: int
) -> Comparison:
    return Comparison(
        workload=workload,
        connections=connections,
        control=control,
        shopbell=shopbell,
        throughput=ratio([item.requests_per_s for item in shopbell], [item.requests_per_s for item in control]),
        cpu=ratio([item.cpu_us_per_request for item in shopbell], [item.cpu_us_per_request for item in control]),
        control_summary=summarise(control),
        shopbell_summary=summarise(shopbell),
        decisions=decisions,
    )


def noise(comparisons: Sequence[Comparison]) -> list[str]:
    """What makes these figures doubtful, in sentences."""
    found = []
    for comparison in comparisons:
        where = f"{comparison.workload}, {comparison.connections} connections"
        apart = spread([item.requests_per_s for item in comparison.control])
        if apart > NOISY_SPREAD:
            found.append(f"{where}: the control's own rounds differ by {apart:.0%}.")
        rounds = [*comparison.control, *comparison.shopbell]
        others = max(item.others_load for item in rounds)
        if others > NOISY_OTHERS:
            found.append(f"{where}: something else used up to {others:.2f} cores.")
        busiest = max(item.generator_load for item in rounds)
        if busiest > 0.85:
            found.append(f"{where}: the load generator was {busiest:.0%} busy, so the server may be faster than this.")
    return found
