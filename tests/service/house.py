"""A whole house for the tests: Valkey, web, workers and clocks as real processes that can be killed and stopped.

Nothing here restarts by itself, so that a test says what lives and what does not; ``shopbell up`` does it for people.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import msgspec
import redis
import urllib3
from sqlalchemy import Connection, Engine, func, select, update

from engine import hints
from engine.settings import Settings
from engine.store.database import database_now, in_transaction, open_engine, reading
from engine.store.keys import PUBLIC, add_key
from engine.store.migrate import upgrade
from engine.store.unit import DELIVERIES, EVENTS
from engine.tether import PARENT_VARIABLE
from tests.parts import DEADLINE_S, free_port

T = TypeVar("T")
FINAL = ("sent", "failed", "cancelled", "uncertain")
HANG_S = 2 * DEADLINE_S
"""The one guard against waiting for ever, for whatever has to go on after a death. It holds no promise: how soon things
go on is a sum of waits (``engine.recovery``) that is held on clocks that stand still (``test_recovery.py``, here and in
``tests/unit``); the rest is what a machine needs, which ``benchmarks/recovery.py`` measures and no test may judge."""
RULES = """\
shop:
  id: {shop}
  name: Testwinkel
  languages: [nl]
  time_zone: Europe/Amsterdam
  currency: EUR
  url: https://winkel.example
  address: Testwinkel, Teststraat 1, 1000 AA Amsterdam
{extra}
integrations:
  smtp: {{url: "{smtp}", from: "Testwinkel <shop@winkel.example>"}}

rules:
  - name: cart-left
    when:
      - cart_abandoned: {after}
      - can_email
    then:
      - email: {{template: cart-reminder}}
    until: [ordered, cart_emptied, unsubscribed]
    once_per: cart
"""


def rules(shop: str = "main", *, after: str = "2s", extra: str = "", smtp: str = "env:SMTP_URL") -> str:
    """A shop's rule file with one rule: a mail for a cart that was left for so long."""
    return RULES.format(shop=shop, after=after, extra=f"  {extra}\n" if extra else "", smtp=smtp)


def wait_until(true: Callable[[], T], what: str, timeout_s: float = DEADLINE_S) -> T:
    """Return what ``true`` says as soon as it says something true."""
    give_up_at, pause = time.monotonic() + timeout_s, threading.Event()
    while not (found := true()):
        assert time.monotonic() < give_up_at, f"waited {timeout_s} s for {what}"
        pause.wait(0.05)
    return found


def now_iso() -> str:
    return datetime.now(UTC).isoformat()


class Answer(NamedTuple):
    """What came back over HTTP; status 0: nobody answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass
class Shopper:
    """Somebody with a browser, an address and a cart."""

    email: str
    visitor: str = field(default_factory=lambda: uuid4().hex)
    cart: str = field(default_factory=lambda: f"cart-{uuid4().hex[:12]}")

    def event(self, kind: str, **fields: object) -> dict[str, object]:
        return {"id": str(uuid4()), "type": kind, "at": now_iso(), **fields}

    def tells_address(self) -> dict[str, object]:
        consent = {"email": True, "text": "Mail mij", "source": "checkout"}
        return self.event("contact_given", email=self.email, consent=consent)

    def fills_cart(self, quantity: int = 1) -> dict[str, object]:
        line = {"id": "1", "sku": "INK-1", "name": "Inkt", "quantity": quantity, "price": "24.95"}
        cart = {"id": self.cart, "currency": "EUR", "total": "24.95", "lines": [line] if quantity else []}
        return self.event("cart_updated", cart=cart)

    def empties_cart(self) -> dict[str, object]:
        return self.fills_cart(0)

    def orders(self) -> dict[str, object]:
        order = {"id": f"order-{uuid4().hex[:8]}", "total": "24.95", "currency": "EUR", "email": self.email}
        return self.event("order_placed", order=order)


class House:
    """The processes of one Shopbell on one folder: ``valkey``, ``web``, ``clock``, ``worker``, ``worker 2`` …"""

    def __init__(self, folder: Path, database_url: str, smtp_url: str, *other_shops: str) -> None:
        """Besides ``main``, whose mails go to ``smtp_url``, it serves the shops whose rule files are given."""
        self.folder = folder
        self.rules = folder / "rules"
        self.rules.mkdir(parents=True)
        for number, rule_file in enumerate((rules(), *other_shops)):
            (self.rules / f"{number}.yaml").write_text(rule_file)
        self.environment = {
            "DATA_DIR": str(folder / "data"),
            "RULES": str(self.rules),
            "PORT": str(free_port()),
            "DATABASE_URL": database_url,
            "SMTP_URL": smtp_url,
            "SECRET_KEY": "a-key-that-only-the-tests-know-of",
            "WEB_THREADS": "8",
        }
        self.settings = Settings.from_env(self.environment)
        self.ports = {"web": self.settings.port, "web 2": free_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.engine: Engine = open_engine(self.settings.database_url)
        self.http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(DEADLINE_S))
        upgrade(self.settings.database_url)

    # --- processes ----------------------------------------------------------------------------------------------------

    def start(self, *names: str, crash_at: str = "") -> None:
        """Start these processes and wait until they do their work."""
        self.launch(*names, crash_at=crash_at)
        for name in names:
            self.wait_until_works(name)

    def launch(self, *names: str, crash_at: str = "") -> None:
        environment = os.environ | self.environment | {PARENT_VARIABLE: str(os.getpid())}
        if crash_at:
            environment["SHOPBELL_CRASH_AT"] = crash_at
        for name in names:
            assert not self.lives(name), f"{name} lives"
            own = environment | {"PORT": str(self.ports.get(name, self.settings.port))}
            with (self.folder / f"{name}.log").open("ab") as said:
                self.processes[name] = subprocess.Popen(
                    self._command(name), env=own, stdout=said, stderr=said, start_new_session=True
                )

    def _command(self, name: str) -> list[str]:
        program = name.split()[0]
        if program == "valkey":
            socket = self.settings.redis_url.removeprefix("unix://")
            return [sys.executable, "-m", "engine.embedded", str(self.settings.valkey_dir), socket]
        return [sys.executable, "-m", "engine.cli", program]

    def wait_until_works(self, name: str, timeout_s: float = DEADLINE_S) -> None:
        checks: dict[str, Callable[[], bool]] = {
            "web": lambda: self.is_ready(name),
            "valkey": self.redis_answers,
            "worker": lambda: self.has_announced(name),
        }
        check = checks.get(name.split()[0])
        if check is not None:
            wait_until(lambda: check() or self._must_live(name), f"{name} to work", timeout_s)

    def _must_live(self, name: str) -> bool:
        code = self.processes[name].poll()
        assert code is None, f"{name} ended with exit code {code}: {self.said(name)}"
        return False

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def has_announced(self, name: str) -> bool:
        return self.announced_name(name) is not None

    def announced_name(self, name: str) -> str | None:
        """What the worker calls itself in Redis."""
        pid = self.processes[name].pid
        try:
            alive = hints.alive(self.redis, "deliver")
        except redis.RedisError:
            return None
        return next((worker for worker in alive if f"-{pid}-" in worker), None)

    @property
    def redis(self) -> redis.Redis:
        return hints.connect(self.settings.redis_url)

    def redis_answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def signal(self, name: str, signum: signal.Signals) -> None:
        os.killpg(self.processes[name].pid, signum)

    def kill(self, name: str) -> float:
        """End it with SIGKILL; returns when that was."""
        self._kill_group(name)
        self.processes[name].wait(DEADLINE_S)
        return time.time()

    def _kill_group(self, name: str) -> None:
        with suppress(ProcessLookupError):  # nothing of it is left
            self.signal(name, signal.SIGKILL)

    def stop(self, name: str) -> None:
        self.signal(name, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        self.signal(name, signal.SIGCONT)

    def lives(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    def wait_for_death(self, name: str, timeout_s: float = DEADLINE_S) -> int:
        """Wait until it ended by itself and return its exit code; whatever it leaves of its group is killed."""
        code = self.processes[name].wait(timeout_s)
        self._kill_group(name)
        return code

    def close(self) -> None:
        for name in reversed(self.processes):
            self.kill(name)
            sys.stdout.write(f"── {name}\n{self.said(name)}\n")  # pytest shows it when a test fails
        self.http.clear()
        self.engine.dispose()
        # Whatever was done to it: no shopper's address is in any log or traceback.
        talkative = [log.name for log in self.folder.glob("**/*.log") if b"@mail.example" in log.read_bytes()]
        assert talkative == []

    # --- the shop -----------------------------------------------------------------------------------------------------

    def post(
        self,
        visitor: str,
        *events: Mapping[str, object],
        key: str = "pk_demo",
        timeout_s: float = DEADLINE_S,
        web: str = "web",
    ) -> Answer:
        """POST these events as the visitor's browser would."""
        origin = f"http://127.0.0.1:{self.ports[web]}"
        body = {"key": key, "sent_at": now_iso(), "visitor": visitor, "session": "s1", "tab": "t1"}
        content = msgspec.json.encode(body | {"events": events})
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        return self.request("POST", "/v1/events", content, headers, timeout_s, web)

    def post_until_kept(self, visitor: str, *events: Mapping[str, object], web: str = "web") -> Answer:
        """The same events again and again until they are acknowledged, as the snippet does."""

        def once() -> Answer | None:
            answer = self.post(visitor, *events, web=web)
            assert answer.status in (0, 202, 503), answer
            return answer if answer.status == 202 else None

        return wait_until(once, "an acknowledgement") or Answer(0, {}, {})

    def opens_for(self, shop: str) -> str:
        """A public key for another shop than ``main``."""
        return add_key(self.engine, shop, PUBLIC, "test", f"pk_{shop}")

    def leaves_cart(self, *shoppers: Shopper, key: str = "pk_demo") -> None:
        """Each of them tells an address, fills a cart, and goes."""
        for shopper in shoppers:
            answer = self.post(shopper.visitor, shopper.tells_address(), shopper.fills_cart(), key=key)
            assert answer.status == 202, answer
            assert answer.body["accepted"] == 2, answer

    def is_ready(self, web: str = "web") -> bool:
        return self.request("GET", "/readyz", b"", {}, 30.0, web).status == 200

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float, web: str = "web"
    ) -> Answer:
        url = f"http://127.0.0.1:{self.ports[web]}{path}"
        try:
            came = self.http.request(method, url, body=body or None, headers=headers, timeout=timeout_s)
        except urllib3.exceptions.HTTPError:
            return Answer(0, {}, {})
        is_json = came.headers.get("Content-Type") == "application/json"
        return Answer(came.status, msgspec.json.decode(came.data) if is_json else {}, came.headers)

    # --- the database -------------------------------------------------------------------------------------------------

    def deliveries(self, shopper: Shopper) -> Sequence[Any]:
        with reading(self.engine) as connection:
            query = select(DELIVERIES).where(DELIVERIES.c.visitor == shopper.visitor)
            return connection.execute(query).all()

    def state_of(self, shopper: Shopper) -> str:
        """The state of the one delivery for this shopper; empty while nothing was decided."""
        found = self.deliveries(shopper)
        assert len(found) <= 1, found
        return str(found[0].state) if found else ""

    def result_of(self, shopper: Shopper) -> str:
        return str(self.deliveries(shopper)[0].result)

    def wait_for_state(self, shopper: Shopper, *states: str, timeout_s: float = DEADLINE_S) -> str:
        said: list[str] = []

        def reached() -> bool:
            said[:] = [self.state_of(shopper)]
            return said[0] in states

        wait_until(reached, f"{shopper.email} to be {' or '.join(states)}", timeout_s)
        return said[0]

    def is_due_now(self, shopper: Shopper) -> None:
        """What still waits, for the morning or for the next attempt, waits no longer."""

        def work(connection: Connection) -> None:
            own = (DELIVERIES.c.visitor == shopper.visitor, DELIVERIES.c.state == "scheduled")
            connection.execute(update(DELIVERIES).where(*own).values(due_at=database_now(connection)))

        in_transaction(self.engine, work)

    def kept(self, ids: Iterable[object]) -> int:
        """How many rows the events with these ids have."""
        with reading(self.engine) as connection:
            query = select(func.count()).select_from(EVENTS).where(EVENTS.c.id.in_([str(name) for name in ids]))
            return connection.execute(query).scalar_one()


@contextmanager
def open_house(folder: Path, database_url: str, smtp_url: str, *other_shops: str, workers: int = 2) -> Iterator[House]:
    """A house where everything runs."""
    house = House(folder, database_url, smtp_url, *other_shops)
    try:
        house.start("valkey")
        names = ["worker", *(f"worker {number}" for number in range(2, workers + 1))][:workers]
        house.start("web", "clock", *names)
        yield house
    finally:
        house.close()
