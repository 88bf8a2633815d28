"""What does it cost to ask the rules? CPU time per event, at 10 to 10,000 rules, beside two other engines.

``python -m benchmarks.rules [--quick]``. Each side is asked about the same moments of the same visitors: Shopbell in
full (``evaluate``: selection, conditions, occasions, guards, decisions, when to look again), Shopbell with every rule
asked instead of those its index finds, and zen-engine and common-expression-language for the names of all rules that
are met. All must agree on those names, or the run is void.
"""

from __future__ import annotations

import gc
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import cycle, islice, takewhile
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from benchmarks import costs, report
from benchmarks.costs import Cost
from benchmarks.rivals import Met, cel, tell, zen
from benchmarks.shop import Visitors, rule_file, written_rules
from engine.clock import Millis, wall_clock
from engine.events import parse_event
from engine.rules.evaluate import evaluate
from engine.rules.facts import Facts
from engine.rules.index import Index
from engine.rules.loader import load
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.visitors import Visitor, apply

RULES = (10, 100, 1_000, 10_000)
VISITORS = 300
WARM_UP = 3_000
"""Events after which the visitors have pages, carts and a past."""
MOMENTS = 3_000
COMPARED = 100
"""Moments at which all sides must name the same rules."""
RIVALS = {"zen-engine": zen, "common-expression-language": cel}
"""By the name of their package."""
RESULTS = Path(__file__).resolve().parent / "results"
A_TURN_S = 0.25
"""About how long each side is measured in each round."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Visitor).decode


class Moment(msgspec.Struct, frozen=True):
    """A visitor as they were when an event had been applied and the rules were about to be asked."""

    visitor_id: str
    state: bytes
    now: Millis

    def facts(self, rules: RuleSet) -> Facts:
        """With a state of its own, because being asked leaves its marks."""
        return Facts(rules.shop, self.visitor_id, _unpack(self.state), self.now)


@dataclass(frozen=True)
class EveryRule(RuleSet):
    """The same rules without an index: nothing is known of what they need, so all of them are asked."""

    @cached_property
    def index(self) -> Index:
        return Index(((),) for _ in self.rules)


def every_rule_of(rules: RuleSet) -> EveryRule:
    return EveryRule(rules.shop, rules.rules, rules.hash)


def moments(rules: RuleSet, count: int, *, warm_up: int = WARM_UP) -> list[Moment]:
    """What ``count`` events find, one after the other, once the visitors are warm."""
    visitors, page_types, draw = Visitors(VISITORS, seed=7, port=0), PageTypes(rules.shop), random.Random(3)
    states: dict[str, Visitor] = {}
    found = []
    at = wall_clock()
    for number in range(warm_up + count):
        at += draw.randrange(100)
        batch = json.loads(visitors.request(1).partition(b"\r\n\r\n")[2])
        raw = batch["events"][0] | {"visitor": batch["visitor"], "tab": batch["tab"], "at": None}
        event = parse_event(raw, received_at=at, skew_ms=0, currency="EUR", trusted=False)
        state = states.setdefault(event.visitor, Visitor())
        page_type = page_types.type_of(event.page.url) if event.page else "other"
        apply(state, event, page_type=page_type, watches=rules.watches)
        if number >= warm_up:
            found.append(Moment(event.visitor, _pack(state), at))
        evaluate(rules, Facts(rules.shop, event.visitor, state, at))
    return found


# --- the sides --------------------------------------------------------------------------------------------------------


Thing = TypeVar("Thing")
Turn = Callable[[Sequence[Moment]], float]
"""Asks about these moments; returns the CPU seconds that the asking took."""


def shopbell(rules: RuleSet) -> Turn:
    def turn(asked: Sequence[Moment]) -> float:
        states = [(moment.visitor_id, _unpack(moment.state), moment.now) for moment in asked]
        return _timed(states, lambda found: evaluate(rules, Facts(rules.shop, *found)))

    return turn


def names_of_met(rules: RuleSet) -> Callable[[Facts], list[str]]:
    """No more than what the others tell: the names of all rules that are met."""

    def met(facts: Facts) -> list[str]:
        view, found = facts.view, rules.index.find(facts)
        looked = view.engaged_ms + view.stretch_ms if view is not None else 0
        due = [place for stack in found.patient for _, place in takewhile(lambda waiting: waiting[0] <= looked, stack)]
        asked = [rules.rules[place] for place in dict.fromkeys((*found.at_once, *due))]
        return [rule.name for rule in asked if rule.when.holds(facts).met]

    return met


def conditions_only(rules: RuleSet) -> Turn:
    met = names_of_met(rules)
    return lambda asked: _timed([moment.facts(rules) for moment in asked], met)


def rival(rules: RuleSet, met: Met) -> Turn:
    return lambda asked: _timed([tell(moment.facts(rules)) for moment in asked], met)


def _timed(prepared: Sequence[Thing], ask: Callable[[Thing], object]) -> float:
    """CPU time of this process, all its threads together; it hardly depends on what else the machine does."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    for thing in prepared:
        ask(thing)
    spent = time.process_time() - began
    gc.enable()
    return spent


# --- a run ------------------------------------------------------------------------------------------------------------


def measure(count: int, *, one_page: bool, rounds: int) -> list[Cost]:
    """All sides with so many rules, in turns. Raises SystemExit when they do not agree on which rules are met."""
    rules = load(rule_file(count, one_page=one_page))
    written = written_rules(count, one_page=one_page)
    rivals = {name: make(written) for name, make in RIVALS.items()}
    asked = moments(rules, MOMENTS)
    check(rules, rivals, asked[: max(10, min(COMPARED, 100_000 // count))])
    turns = {
        "Shopbell": shopbell(rules),
        "Shopbell, conditions only": conditions_only(rules),
        "Shopbell, every rule asked": shopbell(every_rule_of(rules)),
        **{name: rival(rules, met) for name, met in rivals.items()},
    }
    sizes = {name: _size(turn, asked) for name, turn in turns.items()}
    found: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds):
        for name, turn in turns.items():
            # Each round asks about other moments, and all sides begin with the same one.
            these = list(islice(cycle(asked), number * 97, number * 97 + sizes[name]))
            found[name].append(turn(these) / len(these) * 1_000_000)
    layout = "all on one page type" if one_page else "spread over ten page types"
    return [Cost(layout=layout, rules=count, side=name, cpu_us=spent) for name, spent in found.items()]


def check(rules: RuleSet, rivals: dict[str, Met], asked: Sequence[Moment]) -> None:
    """All sides must name the same rules, or they were not asked the same."""
    for moment in asked:
        facts = moment.facts(rules)
        wanted = sorted(rule.name for rule in rules.rules if rule.when.holds(facts).met)
        answers = {"the index": names_of_met(rules)(facts)} | {name: met(tell(facts)) for name, met in rivals.items()}
        for name, found in answers.items():
            told = sorted(found)
            if told != wanted:
                raise SystemExit(f"{name} says that {told} are met, Shopbell {wanted}; nothing was measured")


def _size(turn: Turn, asked: Sequence[Moment]) -> int:
    """How many moments fill a turn; what is asked for this warms the side up, too."""
    few = asked[:20]
    return max(len(few), min(len(asked), int(A_TURN_S / max(turn(few) / len(few), 1e-9))))


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Up to 1,000 rules and three rounds; keeps nothing.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The folder to write to.")
def main(*, quick: bool, results: Path) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    before, commit = os.getloadavg()[0], report.commit()
    found: list[Cost] = []
    for one_page in (False, True):
        for count in RULES[:-1] if quick else RULES:
            found += measure(count, one_page=one_page, rounds=3 if quick else 7)
            click.echo(costs.table([cost for cost in found if (cost.layout, cost.rules) == (found[-1].layout, count)]))
    if quick:
        return
    record = costs.CostRecord(
        taken_on=datetime.now(UTC).date().isoformat(),
        commit=commit,
        machine=report.machine(Path.cwd(), pinned=True, packages=("msgspec", *RIVALS)),
        load_average_before=before,
        load_average_after=os.getloadavg()[0],
        noise=costs.uneven(found),
        costs=found,
    )
    costs.write(record, results)
    report.write_page(results)


if __name__ == "__main__":
    main()
