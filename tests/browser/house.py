"""A real house for the browser tests: ``shopbell up`` with the shipped rules, some of them made quicker."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import TypedDict
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import psutil

from tests import parts

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "rules.yaml"
UP = [sys.executable, "-m", "engine.cli", "up"]
LEFT_FOR = "5s"
"""After how long a cart counts as left, instead of hours."""
QUICKER = (
    ("cart_abandoned: 1h", f"cart_abandoned: {LEFT_FOR}"),
    ("cart_abandoned: 4h", f"cart_abandoned: {LEFT_FOR}"),
    ("  quiet_hours: 21:00-08:00", "  quiet_hours: 04:00-04:01"),  # and every run in the evening
)


class Mail(TypedDict):
    """One mail of ``/dev/mailbox.json``."""

    id: str
    to: str
    subject: str
    text: str
    html: str
    headers: list[tuple[str, str]]


class Clause(TypedDict):
    text: str
    verdict: str
    seen: str


class Verdict(TypedDict):
    """One rule of ``/dev/why``."""

    name: str
    state: str
    why: str
    clauses: list[Clause]


def quick_rules() -> str:
    """The shipped rules without quiet hours, and with seconds for hours."""
    text = SHIPPED.read_text(encoding="utf-8")
    for slow, quick in QUICKER:
        assert slow in text, f"rules.yaml no longer says {slow!r}"
        text = text.replace(slow, quick)
    return text


@dataclass
class House:
    """A running ``shopbell up``."""

    process: Popen[bytes]
    address: str
    data: Path
    rules: Path

    # --- what it says ---

    def get(self, path: str) -> bytes:
        with urlopen(f"{self.address}{path}", timeout=parts.DEADLINE_S) as answer:
            return bytes(answer.read())

    def problems(self) -> dict[str, str]:
        """What ``/readyz`` finds wrong."""
        found: dict[str, str] = json.loads(self.get("/readyz"))["problems"]
        return found

    def mails(self, to: str = "") -> list[Mail]:
        """The mails in the mailbox, newest first."""
        mails: list[Mail] = json.loads(self.get("/dev/mailbox.json"))
        return [mail for mail in mails if to in mail["to"]]

    def why(self, visitor: str, rule: str) -> Verdict:
        """What a rule says about a visitor now."""
        rules: list[Verdict] = json.loads(self.get(f"/dev/why/{visitor}.json"))["rules"]
        return next(found for found in rules if found["name"] == rule)

    def knows(self, visitor: str) -> bool:
        try:
            return bool(self.get(f"/dev/why/{visitor}.json"))
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False

    def deliveries(self, visitor: str) -> list[tuple[str, str]]:
        """Every message for this visitor: its rule and what became of it."""
        return self.rows("SELECT rule, state FROM deliveries WHERE visitor = ? ORDER BY created_at", visitor)

    def outcomes(self, visitor: str) -> list[str]:
        """What the shopper did with the messages, in the order it happened."""
        joined = "SELECT o.kind, '' FROM outcomes o JOIN deliveries d ON d.id = o.delivery WHERE d.visitor = ?"
        return [kind for kind, _ in self.rows(f"{joined} ORDER BY o.at", visitor)]

    def rows(self, query: str, visitor: str) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(f"file:{self.data / 'shopbell.db'}?mode=ro", uri=True)) as database:
            return list(database.execute(query, (visitor,)))

    # --- what it is told ---

    def tell(self, visitor: str, *events: dict[str, object]) -> list[dict[str, object]]:
        """Post events as a browser of the demo shop does; returns the messages of the answer."""
        whole = [{"id": str(uuid4()), "seq": number, **event} for number, event in enumerate(events)]
        body = {"key": "pk_demo", "visitor": visitor, "session": str(uuid4()), "tab": "t1", "events": whole}
        headers = {"Content-Type": "text/plain", "Origin": self.address}
        request = Request(f"{self.address}/v1/events", json.dumps(body).encode(), headers)
        with urlopen(request, timeout=parts.DEADLINE_S) as answer:
            told: dict[str, list[dict[str, object]]] = json.loads(answer.read())
        assert told["rejected"] == []
        return told["messages"]

    def invites_with(self) -> str:
        """What a reader is invited with who has read for 45 seconds by now; empty while nobody is at the counter."""
        page = {"url": f"{self.address}/demo/nl/help/which-ink", "type": "knowledge_base", "language": "nl"}
        messages = self.tell(
            str(uuid4()),
            {"type": "page_viewed", "page": page},
            {"type": "checked_in", "page": page, "engaged_ms": 45_010},
        )
        return str(messages[0]["text"]) if messages else ""

    # --- waiting ---

    def wait_until(self, true: Callable[[], object], what: str, timeout_s: float = parts.DEADLINE_S) -> float:
        """Wait until something is so, and return how many seconds that took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < timeout_s, f"waited {timeout_s} s for {what}"
            self._beat()
        return time.monotonic() - began

    def wait_for_mail(self, to: str) -> Mail:
        self.wait_until(lambda: self.mails(to), f"a mail to {to}")
        return self.mails(to)[0]

    def wait_for_somebody_elses_mail(self) -> None:
        """Somebody else leaves a cart now and is mailed: whoever left before, and is to be mailed, has been."""
        visitor, email = str(uuid4()), f"{uuid4().hex}@shopper.example"
        line = {"id": "mos", "name": "Mos", "quantity": 1, "price": "14.50"}
        cart = {"id": uuid4().hex, "currency": "EUR", "lines": [line]}
        consent = {"email": True, "text": "Mail me", "source": "checkout"}
        self.tell(
            visitor,
            {"type": "checkout_started", "cart": cart},
            {"type": "contact_given", "email": email, "consent": consent},
            {"type": "shipping_shown", "shipping": {"price": "6.95", "currency": "EUR"}, "cart": cart},
        )
        self.wait_for_mail(email)

    @contextmanager
    def while_no_timer_runs_out(self) -> Iterator[None]:
        """Carts that are left count as left only when this is over, however long a slow browser took meanwhile."""
        supervisor = psutil.Process(self.process.pid)
        (clock,) = (one for one in supervisor.children() if one.cmdline()[-1] == "clock")
        # It would kill a clock that has been stopped for some seconds, and start another.
        supervisor.suspend()
        try:
            self._freeze(clock)
            yield
        finally:
            clock.resume()
            supervisor.resume()

    def _freeze(self, clock: psutil.Process) -> None:
        """Stop it at a moment when it does not hold the database."""
        with closing(sqlite3.connect(self.data / "shopbell.db", timeout=5, isolation_level=None)) as database:
            while True:
                clock.suspend()
                self.wait_until(lambda: clock.status() == psutil.STATUS_STOPPED, "the clock to stop")
                try:
                    database.execute("BEGIN IMMEDIATE")
                    database.execute("ROLLBACK")
                    return
                except sqlite3.OperationalError:
                    clock.resume()

    def _beat(self) -> None:
        """Let a moment pass, and fail at once when the house has fallen meanwhile."""
        try:
            code = self.process.wait(0.05)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"shopbell up ended with exit code {code}")


@contextmanager
def running_house(folder: Path, text: str = "", more: Mapping[str, str] | None = None) -> Iterator[House]:
    """Start a house in this folder, with these rules or the quick ones, and this much more in its environment.

    It has said where everything is.
    """
    rules, said, port = folder / "rules.yaml", folder / "said", parts.free_port()
    rules.write_text(text or quick_rules(), encoding="utf-8")
    # Nothing of the caller's own settings: a DATABASE_URL or SMTP_URL that happens to be set is not for tests.
    environment = {
        "PORT": str(port),
        "MAILBOX_PORT": str(parts.free_port()),
        "DATA_DIR": str(folder / "data"),
        "RULES": str(rules),
        "WORKERS": "1",
        "PYTHONPATH": str(ROOT),  # the house these tests stand in, whichever is installed
        **(more or {}),
    }
    with said.open("w") as out, Popen(UP, cwd=ROOT, env=environment, stdout=out, stderr=STDOUT) as process:
        house = House(process, f"http://127.0.0.1:{port}", folder / "data", rules)
        try:
            house.wait_until(lambda: "Ctrl-C stops everything." in said.read_text(), "the house to open")
            yield house
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(parts.DEADLINE_S)
            sys.stdout.write(said.read_text())  # pytest shows it when the test fails
