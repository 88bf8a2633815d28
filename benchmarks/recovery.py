"""How soon does everything go on after a death? ``python -m benchmarks.recovery [--quick]``.

A real ``shopbell up`` on a database of its own, where five shoppers a second leave a cart and are owed a mail two
seconds later, as the rule says. Each round kills, empties or freezes one thing and waits until everybody was mailed
whom the death held up. Beside every round the same machine starts a Python that does nothing, and one that loads what
the web process loads: what a restart costs here and now, without Shopbell's waits.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import psutil
import urllib3
from sqlalchemy import Engine, select

from benchmarks import recoveries, report
from benchmarks.recoveries import Recovery, RecoveryRecord, Trial
from benchmarks.servers import running
from engine import hints
from engine.clock import SECOND
from engine.recovery import PROMISES, Death, slowest
from engine.settings import Settings
from engine.store.database import open_engine, reading
from engine.store.unit import DELIVERIES
from tests.parts import free_port
from tests.service.house import Shopper, now_iso, rules

RESULTS = Path(__file__).resolve().parent / "results"
CART_LEFT_AFTER_S = 2.0
A_SHOPPER_EVERY_S = 0.2
BEFORE_S = 4.0
"""Traffic before each death: longer than a mail is on its way, and than a program must live to be started at once."""
AFTER_S = 4.0
"""... and after it: longer than a dead worker is believed."""
AWAY_S = 12.0
"""How long what is frozen stays so: longer than any lease."""
HOPELESS_S = 300.0
"""A run in which something is not settled after this is void."""
WEB_PROCESS = "import engine.cli.web, engine.web"
EDITED_S = 20
PAGE_RULE = """
  - name: reads
    when:
      - on_page: {{type: other, for: {seconds}s}}
    then:
      - invite: {{text: Hulp nodig?}}
"""
Act = Callable[["House"], float]
"""Does what the round is about; returns the moment from which things may be expected to go on."""


class Unsettled(click.ClickException):
    """The run is void."""


@dataclass
class Left:
    """A cart that was left: when its mail fell due, and when the events were posted and acknowledged."""

    visitor: str
    due_at: float
    posted_at: float
    kept_at: float


@dataclass
class House:
    """A running ``shopbell up`` and its shop."""

    settings: Settings
    up: psutil.Process
    engine: Engine
    left: list[Left] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30.0), maxsize=8)
    )

    # --- its processes ------------------------------------------------------------------------------------------------

    def process(self, name: str) -> psutil.Process:
        """The process of this name that has run longest."""
        while True:
            found = [process for process in self.up.children(recursive=True) if name in _names_of(process)]
            if found:
                return min(found, key=lambda process: process.create_time())
            time.sleep(0.02)

    def kill(self, name: str) -> float:
        """Returns when that was."""
        self.process(name).kill()
        return time.time()

    def freeze(self, name: str) -> tuple[float, float]:
        """Stop it for longer than any lease; returns from when until when."""
        process, began = self.process(name), time.time()
        process.suspend()
        try:
            time.sleep(AWAY_S)
        finally:
            process.resume()
        return began, time.time()

    # --- its shop -----------------------------------------------------------------------------------------------------

    def post(self, visitor: str, *events: dict[str, object]) -> dict[str, object] | None:
        """As the visitor's browser does; None when it was not acknowledged."""
        origin = f"http://127.0.0.1:{self.settings.port}"
        body = {"key": "pk_demo", "sent_at": now_iso(), "visitor": visitor, "session": "s1", "tab": "t1"}
        content = msgspec.json.encode(body | {"events": events})
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        with suppress(urllib3.exceptions.HTTPError):
            answer = self.http.request("POST", f"{origin}/v1/events", body=content, headers=headers)
            return msgspec.json.decode(answer.data) if answer.status == 202 else None
        return None

    def leave_cart(self) -> None:
        """Somebody tells an address, fills a cart and goes; what is not acknowledged is sent again."""
        shopper = Shopper(f"shopper-{next(self._numbers)}@mail.example")
        events = shopper.tells_address(), shopper.fills_cart()
        posted_at = time.time()
        while self.post(shopper.visitor, *events) is None:
            time.sleep(0.02)
        self.left.append(Left(shopper.visitor, posted_at + CART_LEFT_AFTER_S, posted_at, time.time()))

    @contextmanager
    def traffic(self) -> Iterator[None]:
        """Meanwhile a shopper leaves a cart every fifth of a second, each in a thread that waits for its answer."""
        over, shoppers = threading.Event(), list[threading.Thread]()

        def shop() -> None:
            while not over.wait(A_SHOPPER_EVERY_S):
                shoppers.append(threading.Thread(target=self.leave_cart))
                shoppers[-1].start()

        street = threading.Thread(target=shop)
        street.start()
        try:
            yield
        finally:
            over.set()
            street.join()
            for shopper in shoppers:
                shopper.join()

    def settled(self) -> dict[str, tuple[str, float]]:
        """State and moment of every message that is settled, by visitor."""
        columns = DELIVERIES.c
        query = select(columns.visitor, columns.state, columns.updated_at).where(
            columns.state.in_(["sent", "uncertain"])
        )
        with reading(self.engine) as connection:
            return {row.visitor: (row.state, row.updated_at / SECOND) for row in connection.execute(query)}

    def wait_until_settled(self) -> dict[str, tuple[str, float]]:
        give_up_at = time.monotonic() + HOPELESS_S
        while not {left.visitor for left in self.left} <= (settled := self.settled()).keys():
            if time.monotonic() > give_up_at:
                raise Unsettled(f"{len(self.left) - len(settled)} messages were not settled after {HOPELESS_S:g} s.")
            time.sleep(0.2)
        return settled

    # --- its rules ----------------------------------------------------------------------------------------------------

    def write_rules(self, page_rule_s: int) -> float:
        text = rules(after=f"{CART_LEFT_AFTER_S:g}s") + PAGE_RULE.format(seconds=page_rule_s)
        self.settings.rules.write_text(text)
        return time.time()

    def waits_for(self, page_rule_s: int) -> bool:
        """Whether a page that is opened now is told to ask again when the rule says."""
        shopper = Shopper("nobody@mail.example")
        page = {"url": "https://winkel.example/over-ons", "type": "other"}
        answer = self.post(shopper.visitor, shopper.event("page_viewed", page=page))
        return answer is not None and answer.get("next_check_ms") == page_rule_s * SECOND


def _names_of(process: psutil.Process) -> list[str]:
    try:
        return [process.name(), *process.cmdline()[-1:]]
    except psutil.NoSuchProcess:
        return []


# --- the deaths -------------------------------------------------------------------------------------------------------


def _frozen_worker(house: House) -> float:
    began, _ = house.freeze("worker")
    return began


def _silent_valkey(house: House) -> float:
    _, back = house.freeze("valkey-server")
    return back


def _emptied(house: House) -> float:
    hints.connect(house.settings.redis_url).flushall()
    return time.time()


ACTS: dict[str, tuple[Death | None, Act]] = {
    "nothing": (None, lambda house: time.time()),
    Death.WEB: (Death.WEB, lambda house: house.kill("web")),
    Death.WORKER: (Death.WORKER, lambda house: house.kill("worker")),
    Death.CLOCK: (Death.CLOCK, lambda house: house.kill("clock")),
    Death.MAILBOX: (Death.MAILBOX, lambda house: house.kill("mailbox")),
    Death.VALKEY: (Death.VALKEY, lambda house: house.kill("valkey-server")),
    Death.FLUSHED: (Death.FLUSHED, _emptied),
    f"worker frozen for {AWAY_S:g} s": (Death.WORKER_FROZEN, _frozen_worker),
    f"Valkey silent for {AWAY_S:g} s, from its return": (Death.SILENT, _silent_valkey),
}
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
    seconds = itertools.count(EDITED_S)
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


@contextmanager
def _open_house(folder: Path) -> Iterator[House]:
    environ = {
        "DATA_DIR": str(folder / "data"),
        "RULES": str(folder / "rules.yaml"),
        "PORT": str(free_port()),
        "VISITOR_RATE": "0",
        "PYTHONPATH": str(report.ROOT),  # also for what it starts: this checkout, and none that is installed
    }
    settings = Settings.from_env(environ)
    log = folder / "up.log"
    (folder / "rules.yaml").write_text(rules())
    with running("engine.cli", "up", environ=environ, cores=frozenset(), log=log) as started:
        engine = open_engine(settings.database_url)
        house = House(settings, psutil.Process(started.process.pid), engine)
        give_up_at = time.monotonic() + HOPELESS_S
        while "Ctrl-C stops everything." not in log.read_text():
            if started.process.poll() is not None or time.monotonic() > give_up_at:
                raise Unsettled(f"shopbell up does not come up:\n{started.last_words()}")
            time.sleep(0.1)
        house.write_rules(EDITED_S - 1)
        try:
            yield house
        finally:
            engine.dispose()
            started.process.send_signal(signal.SIGTERM)
            started.process.wait(60)


def take(folder: Path, kinds: Sequence[str], rounds: int) -> RecoveryRecord:
    before, commit = os.getloadavg()[0], report.commit()
    machine = report.machine(folder, pinned=False)
    with _open_house(folder) as house:
        found = list(_measure(house, kinds, rounds))
        states = [state for state, _ in house.wait_until_settled().values()]
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
