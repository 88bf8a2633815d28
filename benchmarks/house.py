"""A real ``shopbell up`` with shoppers in it, for benchmarks of what becomes of it when something dies."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec
import psutil
import urllib3
from redis.exceptions import RedisError
from sqlalchemy import Engine, select

from benchmarks import report
from benchmarks.servers import running
from engine import hints
from engine.clock import SECOND
from engine.settings import Settings
from engine.store.database import open_engine, reading
from engine.store.unit import DELIVERIES
from engine.tether import PARENT_VARIABLE
from tests.parts import free_port
from tests.service.house import Shopper, now_iso, rules

CART_LEFT_AFTER_S = 2.0
A_SHOPPER_EVERY_S = 0.2
AWAY_S = 12.0
"""How long what is frozen or away stays so: longer than any lease."""
HOPELESS_S = 300.0
"""A run in which something is not settled after this is void."""
FIRST_RULE_S = 19
PAGE_RULE = """
  - name: reads
    when:
      - on_page: {{type: other, for: {seconds}s}}
    then:
      - invite: {{text: Hulp nodig?}}
"""


class Void(click.ClickException):
    """The run says nothing."""


class OwnValkey:
    """A Valkey that is not the house's: it may be away for long, and come back empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "valkey.sock"
        self.url = f"unix://{self._socket}"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "engine.embedded", str(self._folder / "kept"), str(self._socket)]
        environ = os.environ | {PARENT_VARIABLE: str(os.getpid())}
        self._process = subprocess.Popen(command, cwd=report.ROOT, env=environ)
        while not self._answers():
            if self._process.poll() is not None:
                raise Void("Valkey does not start.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(RedisError):
            return bool(hints.connect(self.url).ping())
        return False

    def lose_everything(self) -> float:
        """Be away for a while and come back empty; returns when it was back."""
        self.close()
        time.sleep(AWAY_S)
        shutil.rmtree(self._folder / "kept")
        self._start()
        return time.time()

    def fall_silent(self) -> float:
        """Say nothing for a while, with every connection open; returns when it spoke again."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(AWAY_S)
        self._process.send_signal(signal.SIGCONT)
        return time.time()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


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
    valkey: OwnValkey | None = None
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

    def freeze(self, name: str) -> float:
        """Stop it, until ``shopbell up`` kills it, or for longer than any lease; returns when that began."""
        process, began = self.process(name), time.time()
        process.suspend()
        give_up_at = time.monotonic() + AWAY_S
        while process.is_running() and time.monotonic() < give_up_at:
            time.sleep(0.02)
        with suppress(psutil.NoSuchProcess):
            process.resume()
        return began

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
                raise Void(f"{len(self.left) - len(settled)} messages were not settled after {HOPELESS_S:g} s.")
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


@contextmanager
def open_house(folder: Path, **environ: str) -> Iterator[House]:
    """``shopbell up`` with a database, a mailbox and a rule file of its own, ready to be shopped in."""
    folder.mkdir()
    environ |= {
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
                raise Void(f"shopbell up does not come up:\n{started.last_words()}")
            time.sleep(0.1)
        house.write_rules(FIRST_RULE_S)
        try:
            yield house
        finally:
            engine.dispose()
            started.process.send_signal(signal.SIGTERM)
            started.process.wait(60)
