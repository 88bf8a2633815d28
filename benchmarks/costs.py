"""What asking rules costs: the record of one run of :mod:`benchmarks.rules`, its arithmetic and its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import kept
from benchmarks.figures import NOISY_SPREAD, Machine, spread

SUFFIX = "-rules.json"


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One side with so many rules; ``cpu_us`` is its CPU time for each event, round by round."""

    layout: str
    """How the rules lie over page types."""
    rules: int
    side: str
    cpu_us: list[float]

    @property
    def median_us(self) -> float:
        return median(self.cpu_us)


class CostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what stands in ``benchmarks/results/<day>-rules.json``."""

    taken_on: str
    commit: str
    machine: Machine
    load_average_before: float
    load_average_after: float
    noise: list[str]
    costs: list[Cost]


def uneven(costs: Iterable[Cost]) -> list[str]:
    """Sides whose own rounds differ too much, in sentences."""
    return [
        f"{cost.side}, {cost.rules:,} rules {cost.layout}: its own rounds differ by {spread(cost.cpu_us):.0%}."
        for cost in costs
        if spread(cost.cpu_us) > NOISY_SPREAD
    ]


def growth(costs: Sequence[Cost], layout: str, side: str, times: int = 100) -> dict[int, float]:
    """By how much the cost grows when there are so many times as many rules, by the smaller number of rules."""
    known = {cost.rules: cost.median_us for cost in costs if cost.layout == layout and cost.side == side}
    return {few: known[few * times] / known[few] for few in known if few * times in known}


def table(costs: Sequence[Cost]) -> str:
    """µs of CPU for each event: the middle of all rounds, with the extremes."""
    sides = list(dict.fromkeys(cost.side for cost in costs))
    places = list(dict.fromkeys((cost.layout, cost.rules) for cost in costs))
    by_place = {(cost.layout, cost.rules, cost.side): _figure(cost) for cost in costs}
    rows = [
        (layout, f"{rules:,}", *(by_place.get((layout, rules, side), "") for side in sides)) for layout, rules in places
    ]
    lines = [("rules lie", "rules", *sides), ("---", *["---:"] * (len(sides) + 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(cost: Cost) -> str:
    return f"**{cost.median_us:,.1f}** ({min(cost.cpu_us):,.1f}–{max(cost.cpu_us):,.1f})"


def section(record: CostRecord) -> str:
    """The run as Markdown."""
    built = record.machine
    versions = ", ".join(f"{name} {number}" for name, number in built.versions.items())
    circumstances = (
        f"{record.taken_on}, commit {record.commit}. µs of CPU for each event. {built.cores} × {built.processor}, "
        f"{built.system}, {built.python}, one core. {versions}. Load average {record.load_average_before:.2f} before, "
        f"{record.load_average_after:.2f} after."
    )
    noisy = [f"- Noisy: {sentence}" for sentence in record.noise] or ["A quiet run."]
    parts = ("## rules", circumstances, table(record.costs), "\n".join(_growths(record.costs)), "\n".join(noisy))
    return "\n\n".join(parts) + "\n"


def _growths(costs: Sequence[Cost]) -> list[str]:
    lines = []
    for layout in dict.fromkeys(cost.layout for cost in costs):
        for few, grown in growth(costs, layout, "Shopbell").items():
            lines.append(f"- Shopbell, {layout}: {grown:.1f}× from {few:,} to {few * 100:,} rules")
    return lines


def write(record: CostRecord, folder: Path) -> Path:
    """Add the record to ``folder``; returns where it is."""
    return kept.keep(record, folder, f"{record.taken_on}{SUFFIX}")


def newest(folder: Path) -> CostRecord | None:
    return kept.newest(folder, SUFFIX, CostRecord)
