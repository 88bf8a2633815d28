"""How fast Shopbell takes events, beside a bare Flask endpoint on the same server: ``python -m benchmarks.ingest``.

Both run at the same time on one core, and the load comes from another; they are driven in turns, so that whatever else
the machine does reaches both. An answer that is not 202 for everything, or an event that is not in the database
afterwards, makes the whole run void.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
import psutil
from sqlalchemy import text

from benchmarks import report
from benchmarks.control import WITHOUT_FLASK
from benchmarks.figures import Comparison, Record, Round, compare, noise
from benchmarks.load import PATIENCE_S, Outcome, Spec
from benchmarks.servers import Cores, Postgres, Server, control_server, cpu_s_of, postgresql, shopbell_server
from benchmarks.shop import rule_file
from engine.store.database import open_engine, reading

RESULTS = Path(__file__).resolve().parent / "results"
WARM_UP_S = 1.0
RULES = 100
VISITORS = 5_000


@dataclass(frozen=True)
class Workload:
    """``rate``: requests a second, whatever comes back; None as fast as the connections allow."""

    events_per_request: int
    rate: float | None = None


WORKLOADS = {
    "one event": Workload(1),
    "20 events": Workload(20),
    "1,000 events/s": Workload(1, rate=1_000.0),
}


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long."""

    workloads: tuple[str, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: float
    environ: Mapping[str, str]
    """What the servers get besides their ports and folders."""
    database_url: str = ""
    """"" for SQLite in the run's own folder."""


@dataclass
class Bench:
    """Everything that the comparisons of one run share."""

    plan: Plan
    folder: Path
    postgres: Postgres | None
    cores: Cores = field(default_factory=Cores.of_this_machine)
    _seed: int = 0

    def comparisons(self) -> Iterator[Comparison]:
        for workload in self.plan.workloads:
            # At a given rate the number of connections changes nothing as long as one is free.
            counts = self.plan.connections if WORKLOADS[workload].rate is None else self.plan.connections[-1:]
            for connections in counts:
                yield self._compare(workload, connections)

    def _compare(self, workload: str, connections: int) -> Comparison:
        """Fresh processes and a fresh database, so that no comparison inherits the rows of another."""
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as name,
            self._database() as url,
            control_server(self._environ(Path(name) / "control", ""), self.cores, Path(name)) as control,
            shopbell_server(self._environ(Path(name) / "shopbell", url), self.cores, Path(name)) as shopbell,
        ):
            stored = url or f"sqlite:///{Path(name) / 'shopbell' / 'shopbell.db'}"
            before, _ = _rows(stored)
            for server in (control, shopbell):
                self._drive(server, workload, 1, seconds=PATIENCE_S, most_requests=1)
            sent = WORKLOADS[workload].events_per_request
            self._drive(control, workload, connections, seconds=WARM_UP_S)
            sent += self._drive(shopbell, workload, connections, seconds=WARM_UP_S).events
            pairs = [
                (self._drive(control, workload, connections), self._drive(shopbell, workload, connections))
                for _ in range(self.plan.rounds)
            ]
            sent += sum(ours.events for _, ours in pairs)
            kept, decisions = _rows(stored)
            if kept - before != sent:
                raise click.ClickException(f"The run is void: {sent} events were accepted and {kept - before} kept.")
        return compare(workload, connections, [one for one, _ in pairs], [two for _, two in pairs], decisions=decisions)

    @contextmanager
    def _database(self) -> Iterator[str]:
        own = self.postgres.fresh_database() if self.postgres else nullcontext(self.plan.database_url)
        with own as url:
            yield url

    def _environ(self, data_dir: Path, database_url: str) -> dict[str, str]:
        data_dir.mkdir()
        return {
            "SHOPBELL_ENV": "development",
            "DATA_DIR": str(data_dir),
            "RULES": str(self.folder / "rules.yaml"),
            "DATABASE_URL": database_url,
            **self.plan.environ,
        }

    def _drive(
        self, server: Server, workload: str, connections: int, *, seconds: float = 0.0, most_requests: int = 1_000_000
    ) -> Round:
        kind = WORKLOADS[workload]
        self._seed += 1
        spec = Spec(
            port=server.port,
            connections=connections,
            events_per_request=kind.events_per_request,
            visitors=VISITORS,
            seed=self._seed,
            seconds=seconds or self.plan.seconds,
            most_requests=most_requests,
            rate=kind.rate,
        )
        before = self._usage(server)
        outcome = self._load(spec)
        after = self._usage(server)
        if outcome.problem:
            told = server.started.last_words()
            raise click.ClickException(f"The run is void: {outcome.problem}\n{told}")
        wall, busy, serving, storing, ours = (late - early for late, early in zip(after, before, strict=True))
        return Round(
            requests=outcome.requests,
            events=outcome.requests * kind.events_per_request,
            seconds=outcome.seconds,
            p50_ms=outcome.p50_ms,
            p99_ms=outcome.p99_ms,
            server_cpu_s=serving,
            database_cpu_s=storing,
            generator_load=outcome.cpu_s / outcome.seconds,
            others_load=max(0.0, busy - serving - storing - ours - outcome.cpu_all_s) / wall,
        )

    def _usage(self, server: Server) -> tuple[float, float, float, float, float]:
        """Seconds: on the clock, the whole machine's CPU, the server's, the database's, this process's."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # A guest's time is counted in user time already.
        busy = sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        storing = cpu_s_of(self.postgres.pid) if self.postgres else 0.0
        return time.monotonic(), busy, server.started.cpu_s(), storing, time.process_time()

    def _load(self, spec: Spec) -> Outcome:
        pin = partial(os.sched_setaffinity, 0, self.cores.loading) if self.cores.loading else None
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=report.ROOT,
            input=msgspec.json.encode(spec),
            stdout=subprocess.PIPE,
            check=True,
            timeout=spec.seconds + 3 * PATIENCE_S,
            preexec_fn=pin,  # this process has one thread, so nothing can be locked in the child
        )
        return msgspec.json.decode(finished.stdout, type=Outcome)


def _rows(database_url: str) -> tuple[int, int]:
    """How many events and decisions are stored."""
    engine = open_engine(database_url)
    with reading(engine) as connection:
        events, decisions = (
            int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own names
            for table in ("events", "decisions")
        )
    engine.dispose()
    return events, decisions


def take(plan: Plan, *, name: str, quick: bool, with_postgresql: bool) -> Record:
    """Measure everything in the plan. Raises ClickException when the run is void."""
    cores = Cores.of_this_machine()
    before = os.getloadavg()[0]
    comparisons = []
    own = postgresql(cores) if with_postgresql else nullcontext(None)
    with tempfile.TemporaryDirectory(prefix="shopbell-benchmark-") as folder, own as postgres:
        (Path(folder) / "rules.yaml").write_text(rule_file(RULES))
        machine = report.machine(Path(folder), pinned=bool(cores.serving))
        for comparison in Bench(plan, Path(folder), postgres, cores).comparisons():
            comparisons.append(comparison)
            click.echo(report.table([comparison]).splitlines()[-1], err=True)
    return Record(
        name=name,
        taken_on=datetime.now(UTC).date().isoformat(),
        commit=report.commit(),
        quick=quick,
        settings={**plan.environ, "rules": str(RULES), "visitors": str(VISITORS)},
        machine=machine,
        load_average_before=before,
        load_average_after=os.getloadavg()[0],
        noise=noise(comparisons),
        comparisons=comparisons,
    )


@click.command()
@click.option("--quick", is_flag=True, help="A minute to see that it works; its figures are not kept.")
@click.option("--workload", "workloads", multiple=True, type=click.Choice(list(WORKLOADS)), help="All, unless given.")
@click.option("--connections", multiple=True, type=click.IntRange(1, 512), help="4, 32 and 64, unless given.")
@click.option("--rounds", type=click.IntRange(1, 50), help="5, unless given; how often each side has its turn.")
@click.option("--seconds", type=click.FloatRange(0.2, 60), help="3, unless given; how long one turn lasts.")
@click.option("--durability", type=click.Choice(["full", "relaxed"]), default="full", show_default=True)
@click.option("--postgresql", "with_postgresql", is_flag=True, help="On a PostgreSQL that is started for the run.")
@click.option("--database-url", default="", help="On this database, which the run fills: never one that matters.")
@click.option("--without-flask", is_flag=True, help="Beside a bare WSGI endpoint instead.")
@click.option("--name", default="", help="What the result is called; sqlite or postgresql, unless given.")
@click.option("--results", type=click.Path(path_type=Path), help="The folder to write to.")
def main(
    quick: bool,
    workloads: tuple[str, ...],
    connections: tuple[int, ...],
    rounds: int | None,
    seconds: float | None,
    durability: str,
    with_postgresql: bool,
    database_url: str,
    without_flask: bool,
    name: str,
    results: Path | None,
) -> None:
    """Measure how fast Shopbell takes events, beside a bare Flask endpoint on the same server."""
    plan = Plan(
        workloads=workloads or tuple(WORKLOADS),
        connections=connections or ((32,) if quick else (4, 32, 64)),
        rounds=rounds or (3 if quick else 5),
        seconds=seconds or (1.0 if quick else 3.0),
        environ={
            "VISITOR_RATE": "0",
            "ADDRESS_RATE": "0",
            "DURABILITY": durability,
        }
        | ({WITHOUT_FLASK: "1"} if without_flask else {}),
        database_url=database_url,
    )
    kind = "postgresql" if with_postgresql or database_url.startswith("postgres") else "sqlite"
    kind += "-without-flask" if without_flask else ""
    record = take(plan, name=f"ingest-{name or kind}", quick=quick, with_postgresql=with_postgresql)
    click.echo(report.section(record))
    folder = results or (None if quick else RESULTS)
    if folder is not None:
        click.echo(f"Written to {report.write(record, folder).name}.")


if __name__ == "__main__":
    main()
