"""How fast is looked up what webhooks named? ``python -m benchmarks.lookups [--names 10000]``.

Webhooks named so many things of which the stock changed. A clock's errands ask the platform about all of them: once one
by one, and once as many at a time as the platform answers in one call. Every answer takes 50 ms. In the end nothing may
be left to ask, and every stock must be known once, or the run is void.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import click
from sqlalchemy import func, select

import integrations
from benchmarks import looked, report
from benchmarks.looked import LookUpRecord, LookUpRound
from benchmarks.platform import shelf
from engine import integration
from engine.committer import Committer
from engine.errands import Errands
from engine.http import Caller
from engine.intake import Intake
from engine.live import open_rules
from engine.settings import Settings
from engine.store import errands, migrate
from engine.store.database import open_engine, reading
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS

RESULTS = Path(__file__).resolve().parent / "results"
RULES = "shop: {name: Ink, languages: [en]}\nintegrations: {shelf: {}}\nrules: []\n"
LOOPBACK = Caller(permit=lambda address: address.is_loopback, schemes=("http",))


@contextmanager
def shelf_api() -> Iterator[str]:
    """The platform's API in a process of its own, and its integration among ours."""
    command = [sys.executable, str(Path(shelf.__file__).resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        folder = str(Path(shelf.__file__).resolve().parent)
        with (
            mock.patch.object(integrations, "__path__", [*integrations.__path__, folder]),
            mock.patch.dict(os.environ, {shelf.ADDRESS: address}),
        ):
            integration.known.cache_clear()
            yield address
        integration.known.cache_clear()
        process.terminate()


def drain(folder: Path, names: int, together: int) -> LookUpRound:
    """Have so many things looked up on a database of their own. Raises ClickException when something went wrong."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    settings = Settings.from_env({"DATA_DIR": str(folder), "RULES": str(folder / "rules.yaml")})
    migrate.upgrade(settings.database_url)
    engine = open_engine(settings.database_url)
    live = open_rules(settings, engine, remember=False)
    errands.plan(engine, "main", "shelf", (f"stock:{number}" for number in range(names)), again=True)
    clock = Errands(live, Intake(engine, Committer(engine)), print, LOOPBACK)
    with mock.patch.dict(integration.find("shelf").__dict__["together"], {"stock": together}):
        cpu, began = time.process_time(), time.perf_counter()
        asked = clock.run()
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    with reading(engine) as connection:
        left, known = (
            connection.execute(select(func.count()).select_from(each)).scalar_one() for each in (ERRANDS, EVENTS)
        )
    engine.dispose()
    if (asked, left, known) != (names, 0, names):
        raise click.ClickException(
            f"The run is void: of {names}, {asked} were asked, {left} are left, {known} are known."
        )
    return LookUpRound(names=names, together=together, seconds=seconds, cpu_us_each=cpu_s / names * 1e6)


def take(names: int, alone: int) -> LookUpRecord:
    """Measure both ways, one after the other on one machine."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="shopbell-benchmark-") as name, shelf_api():
        rounds = []
        for number, (how_many, together) in enumerate([(alone, 1), (names, 50)]):
            folder = Path(name) / str(number)
            folder.mkdir()
            rounds.append(drain(folder, how_many, together))
        machine = report.machine(Path(name), pinned=False)
    return LookUpRecord(
        taken_on=datetime.now(UTC).date().isoformat(),
        commit=report.commit(),
        machine=machine,
        load_average_before=before,
        load_average_after=os.getloadavg()[0],
        latency_ms=shelf.LATENCY_S * 1_000,
        rounds=rounds,
    )


@click.command()
@click.option("--names", type=click.IntRange(1, 100_000), default=10_000, show_default=True)
@click.option("--alone", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="So many one by one.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The folder to write to.")
@click.option("--keep/--no-keep", default=True, help="Write down what was measured.")
def main(names: int, alone: int, results: Path, keep: bool) -> None:
    """Measure how fast is looked up what webhooks named: one by one, and many in one call."""
    record = take(names, alone)
    click.echo(looked.section(record))
    if keep:
        path = looked.write(record, results)
        report.write_page(results)
        click.echo(f"Written to {path.name}.")


if __name__ == "__main__":
    main()
