"""How fast are webhooks answered? ``python -m benchmarks.hooks [--deliveries 10000]``.

A real ``shopbell web``, connected to a shop on each platform, gets the webhooks of simulated days: rightly signed, from
all platforms mixed, every one of them twice, in random order, as fast as the connections allow. Beside it a bare Flask
endpoint on the same server gets the same bytes and reads nothing. Another Shopbell gets every delivery once, in order:
in the end both must have stored equally many different events, or the run is void.
"""

from __future__ import annotations

import http.client
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import click
import msgspec
from sqlalchemy import text

from benchmarks import hooking, report
from benchmarks.control import WITHOUT_FLASK
from benchmarks.hooking import HookRecord, HookRound
from benchmarks.servers import Cores, Server, control_server, shopbell_server
from engine.clock import DAY, wall_clock
from engine.store.database import open_engine, reading
from simulator.house import connected
from simulator.life import Kind, live
from simulator.platform import Delivery, Platform, side, sides
from simulator.world import World

RESULTS = Path(__file__).resolve().parent / "results"
RULES = Path(__file__).resolve().parent.parent / "rules.yaml"
SHOP = "main"
SHOPPERS = 60
"""In one simulated day; as many days as it takes."""
WARM_UP = 200
SEED = 7


@dataclass(frozen=True, eq=False)
class Hook:
    """One delivery as it is posted: to which platform's door, and the bytes."""

    platform: str
    delivery: Delivery

    @property
    def path(self) -> str:
        query = f"?{self.delivery.query}" if self.delivery.query else ""
        return f"/hooks/{self.platform}/{SHOP}{query}"


def platforms() -> list[Platform]:
    return [side(name)(wall_clock) for name in sides()]


def deliveries_of(platform: Platform, most: int) -> Iterator[Hook]:
    """Different deliveries of simulated days; nobody asks to be erased, so that everything can be counted after."""
    sent: set[tuple[str, bytes]] = set()
    for seed in count(SEED):
        world = World()
        for happening in live(seed, SHOPPERS, wall_clock() - 2 * DAY).happenings:
            if happening.kind is Kind.ERASURE_ASKED:
                continue
            world.take(happening)
            for delivery in platform.deliveries(happening, world):
                known = (delivery.topic, delivery.body)
                if known not in sent:
                    sent.add(known)
                    yield Hook(platform.name, delivery)
                if len(sent) == most:
                    return


def mixed(different: Sequence[Hook]) -> list[Hook]:
    """Each of them twice, in random order."""
    hooks = [*different, *different]
    random.Random(SEED).shuffle(hooks)
    return hooks


def post_all(server: Server, hooks: Sequence[Hook], connections: int) -> tuple[HookRound, Counter[str]]:
    """Post everything; what was measured, and what the server said had become of the deliveries."""
    waiting, lock = iter(hooks), threading.Lock()
    took: list[float] = []
    said: Counter[str] = Counter()

    def talk() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while True:
            with lock:
                hook = next(waiting, None)
            if hook is None:
                connection.close()
                return
            began = time.perf_counter()
            connection.request("POST", hook.path, hook.delivery.body, dict(hook.delivery.headers))
            answer = connection.getresponse()
            body = answer.read()
            after = time.perf_counter()
            told = msgspec.json.decode(body).get("result", "") if answer.status == 200 else ""
            with lock:
                took.append((after - began) * 1000)
                said[f"{answer.status} {told}".strip()] += 1

    cpu, began = server.started.cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for talker in [pool.submit(talk) for _ in range(connections)]:
            talker.result()
    seconds = time.perf_counter() - began
    used = server.started.cpu_s() - cpu
    return HookRound.of(took, seconds, used), said


@contextmanager
def shopbell_in(folder: Path, environ: dict[str, str], cores: Cores) -> Iterator[tuple[Server, Callable[[], int]]]:
    """A Shopbell on a database of its own, and how many events it has stored."""
    (folder / "data").mkdir(parents=True)
    with shopbell_server(environ | {"DATA_DIR": str(folder / "data")}, cores, folder) as server:
        yield server, lambda: different_events(f"sqlite:///{folder / 'data' / 'shopbell.db'}")


def different_events(database_url: str) -> int:
    """How many are stored; one that was heard before its visitor was known may stand under two names."""
    engine = open_engine(database_url)
    with reading(engine) as connection:
        stored = connection.execute(text("SELECT count(DISTINCT id) FROM events")).scalar_one()
    engine.dispose()
    return int(stored)


def stored_when_told_once(hooks: Sequence[Hook], folder: Path, environ: dict[str, str], cores: Cores) -> int:
    """How many events there are when every delivery comes once, in order."""
    with shopbell_in(folder, environ, cores) as (server, events):
        post_all(server, hooks, 1)
        return events()


def check(said: Counter[str], events: int, expected: int) -> None:
    """Raises ClickException where anything was refused, lost or counted twice."""
    if events != expected or not set(said) <= {"200 accepted", "200 duplicate"}:
        raise click.ClickException(f"The run is void: {events} events instead of {expected}; answers {dict(said)}.")


def take(deliveries: int, connections: int) -> HookRecord:
    """Measure. Raises ClickException when the run is void."""
    cores = Cores.of_this_machine()
    if cores.loading:
        os.sched_setaffinity(0, cores.loading)
    before, known = os.getloadavg()[0], platforms()
    rules = RULES.read_text(encoding="utf-8")
    for platform in known:
        rules = connected(rules, platform)
    secrets = {name: value for platform in known for name, value in platform.environment.items()}
    with tempfile.TemporaryDirectory(prefix="shopbell-benchmark-") as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        environ = {"SHOPBELL_ENV": "development", "RULES": str(folder / "rules.yaml")} | secrets
        machine = report.machine(folder, pinned=bool(cores.serving))
        with (
            control_server(environ | {WITHOUT_FLASK: ""}, cores, folder) as control,
            shopbell_in(folder / "mixed", environ, cores) as (shopbell, events),
        ):
            each = deliveries // 2 // len(known)
            different = [hook for platform in known for hook in deliveries_of(platform, each)]
            hooks = mixed(different)
            post_all(control, hooks[:WARM_UP], connections)
            bare, _ = post_all(control, hooks, connections)
            ours, said = post_all(shopbell, hooks, connections)
            stored = events()
        check(said, stored, stored_when_told_once(different, folder / "once", environ, cores))
    return HookRecord(
        taken_on=datetime.now(UTC).date().isoformat(),
        commit=report.commit(),
        machine=machine,
        load_average_before=before,
        load_average_after=os.getloadavg()[0],
        deliveries=len(hooks),
        connections=connections,
        by_platform=dict(sorted(Counter(hook.platform for hook in hooks).items())),
        said=dict(said),
        events=stored,
        control=bare,
        shopbell=ours,
    )


@click.command()
@click.option("--deliveries", type=click.IntRange(80, 100_000), default=10_000, show_default=True)
@click.option("--connections", type=click.IntRange(1, 256), default=32, show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The folder to write to.")
def main(deliveries: int, connections: int, results: Path) -> None:
    """Measure how fast webhooks are answered, beside a bare Flask endpoint on the same server."""
    record = take(deliveries, connections)
    click.echo(hooking.section(record))
    path = hooking.write(record, results)
    report.write_page(results)
    click.echo(f"Written to {path.name}.")


if __name__ == "__main__":
    main()
