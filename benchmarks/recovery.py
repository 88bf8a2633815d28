"""How soon does everything go on after a death? ``python -m benchmarks.recovery [--quick]``.

A real ``shopbell up`` on a database of its own, where five shoppers a second leave a cart and are owed a mail two
seconds later, as the rule says. Each round kills, empties or freezes one thing and waits until everybody was mailed
whom the death held up. Beside every round the same machine starts a Python that does nothing, and one that loads what
the web process loads: what a restart costs here and now, without Shopbell's waits.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks import recoveries, report
from benchmarks.house import AWAY_S, FIRST_RULE_S, House, OwnValkey, open_house
from benchmarks.recoveries import Recovery, RecoveryRecord, Trial
from engine import hints
from engine.clock import SECOND
from engine.recovery import PROMISES, Death, slowest

RESULTS = Path(__file__).resolve().parent / "results"
BEFORE_S = 4.0
"""Traffic before each death: longer than a mail is on its way, and than a program must live to be started at once."""
AFTER_S = 4.0
"""... and after it: longer than a dead worker is believed."""
WEB_PROCESS = "import engine.cli.web, engine.web"
Act = Callable[[House], float]
"""Does what the round is about; returns the moment from which things may be expected to go on."""

# --- the deaths -------------------------------------------------------------------------------------------------------


def _emptied(house: House) -> float:
    hints.connect(house.settings.redis_url).flushall()
    return time.time()


def _of(house: House) -> OwnValkey:
    assert house.valkey is not None
    return house.valkey


AT_HOME: dict[str, tuple[Death | None, Act]] = {
    "nothing": (None, lambda house: time.time()),
    Death.WEB: (Death.WEB, lambda house: house.kill("web")),
    Death.WORKER: (Death.WORKER, lambda house: house.kill("worker")),
    Death.WORKER_FROZEN: (Death.WORKER_FROZEN, lambda house: house.freeze("worker")),
    Death.CLOCK: (Death.CLOCK, lambda house: house.kill("clock")),
    Death.MAILBOX: (Death.MAILBOX, lambda house: house.kill("mailbox")),
    Death.VALKEY: (Death.VALKEY, lambda house: house.kill("valkey-server")),
    Death.FLUSHED: (Death.FLUSHED, _emptied),
}
ELSEWHERE: dict[str, tuple[Death | None, Act]] = {
    f"Redis silent for {AWAY_S:g} s, from its return": (Death.SILENT, lambda house: _of(house).fall_silent()),
    f"Redis away for {AWAY_S:g} s, from its return with nothing in it": (
        Death.AWAY,
        lambda house: _of(house).lose_everything(),
    ),
}
ACTS = AT_HOME | ELSEWHERE
KINDS = (*map(str, ACTS), Death.EDIT.value)


def _trial(house: House, act: Act) -> Trial:
    controls = _took_s("pass"), _took_s(WEB_PROCESS)
    known = len(house.left)
    with house.traffic():
        time.sleep(BEFORE_S)
        began = time.time()
        died_at = act(house)
        time.sleep(AFTER_S)
    settled = house.wait_until_settled()
    # Nobody's events may wait for Redis, so what was posted while it was away counts in full.
    waited = [left.kept_at - max(left.posted_at, began) for left in house.left[known:] if left.kept_at > began]
    late = [settled[left.visitor][1] - max(left.due_at, died_at) for left in house.left[known:]]
    return Trial(
        answered_s=round(max(waited), 3),
        went_on_s=round(max(0.0, *late), 3),
        python_s=controls[0],
        process_s=controls[1],
        load=os.getloadavg()[0],
    )


def _edit(house: House, new: int) -> Trial:
    controls = _took_s("pass"), _took_s(WEB_PROCESS)
    edited_at = house.write_rules(new)
    while not house.waits_for(new):
        time.sleep(0.01)
    took = round(time.time() - edited_at, 3)
    return Trial(answered_s=took, went_on_s=took, python_s=controls[0], process_s=controls[1], load=os.getloadavg()[0])


def _took_s(code: str) -> float:
    """How long a Python takes that runs this and ends."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=report.ROOT, check=True)
    return round(time.perf_counter() - began, 3)


def _measure(house: House, kinds: Sequence[str], rounds: int) -> Iterator[Recovery]:
    # In turns, so that a busy quarter of an hour does not fall on one kind alone.
    trials: dict[str, list[Trial]] = {name: [] for name in kinds}
    seconds = itertools.count(FIRST_RULE_S + 1)
    for number in range(1, rounds + 1):
        for name, found in trials.items():
            found.append(_edit(house, next(seconds)) if name == Death.EDIT else _trial(house, ACTS[name][1]))
            click.echo(f"{number}/{rounds} {name}: {found[-1]}", err=True)
    for name, found in trials.items():
        death = Death.EDIT if name == Death.EDIT else ACTS[name][0]
        yield Recovery(
            death=name,
            configured_s=slowest(death).configured / SECOND if death else 0.0,
            promised_s=PROMISES[death].within / SECOND if death else 0.0,
            trials=found,
        )


def take(folder: Path, kinds: Sequence[str], rounds: int) -> RecoveryRecord:
    before, commit = os.getloadavg()[0], report.commit()
    machine = report.machine(folder, pinned=False)
    found: list[Recovery] = []
    states: list[str] = []
    with open_house(folder / "home") as house:
        found += _measure(house, [name for name in kinds if name not in ELSEWHERE], rounds)
        states += [state for state, _ in house.wait_until_settled().values()]
    with closing(OwnValkey(folder)) as valkey, open_house(folder / "elsewhere", REDIS_URL=valkey.url) as house:
        house.valkey = valkey
        found += _measure(house, [name for name in kinds if name in ELSEWHERE], rounds)
        states += [state for state, _ in house.wait_until_settled().values()]
    return RecoveryRecord(
        taken_on=datetime.now(UTC).date().isoformat(),
        commit=commit,
        machine=machine,
        load_average_before=before,
        load_average_after=os.getloadavg()[0],
        messages=len(states),
        uncertain=states.count("uncertain"),
        recoveries=found,
    )


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="One round of each; keeps nothing.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these; keeps nothing.")
@click.option("--rounds", type=click.IntRange(1, 50), default=7, show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The folder to write to.")
def main(*, quick: bool, kinds: tuple[str, ...], rounds: int, results: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="shopbell-recovery-") as folder:
        record = take(Path(folder), kinds or KINDS, 1 if quick else rounds)
    click.echo(recoveries.section(record))
    if not quick and not kinds:
        recoveries.write(record, results)
        report.write_page(results)


if __name__ == "__main__":
    main()
