"""A chaos run: a real house under traffic while its parts are killed, frozen and emptied at random.

``python -m tests.chaos --minutes 10 --decisions 1000`` runs it for as long as you like and prints what came of it; the
suite runs a short one. Every shopper repeats what was not acknowledged, as the snippet does, so in the end everybody's
events are acknowledged, everybody is owed a decision, and every decision's mail must be accounted for.
"""

from __future__ import annotations

import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
import redis
from sqlalchemy import select

from engine.errors import StoreError
from engine.store.database import reading
from engine.store.unit import DELIVERIES
from tests import parts
from tests.parts import DEADLINE_S
from tests.service.faulty_smtp import DROP, TAKES_AND_DROPS, FaultySmtp, Script
from tests.service.house import FINAL, House, Shopper, wait_until

PROGRAMS = ("valkey", "web", "clock", "worker", "worker 2")
BUYERS = 0.1
"""For each decision that is due so many more shoppers order, in another browser, before it is; none may be mailed."""
LONGER_THAN_A_LEASE_S = 12.0
SETTLED_S = 5 * DEADLINE_S
"""A guard against waiting for ever, like ``HANG_S``; how long it took is told in the report."""
ENOUGH = 0.75
"""A slow machine gets no further with its faults in time: then it takes longer until there were enough of them."""
RELAY_FAULTS: tuple[Script, ...] = (
    {"connect": "421 4.3.2 too many"},
    {"RCPT": "451 4.7.1 greylisted"},
    {"DATA": DROP},
    {"dot": "451 4.3.0 later"},
    {"dot": DROP},
    {"dot": TAKES_AND_DROPS},
)


@dataclass
class Report:
    """What came of a run. The first block must be all zero."""

    lost_events: int = 0
    doubled_mails: int = 0
    undecided: int = 0
    unsettled: int = 0
    sent_without_a_mail: int = 0
    sent_without_an_answer: int = 0
    mailed_though_not_sent: int = 0
    mailed_buyers: int = 0
    unexplained_uncertain: int = 0

    decisions: int = 0
    acknowledged_events: int = 0
    repeated_requests: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    relay_faults: int = 0
    states: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    seconds: float = 0.0
    settled_s_after_the_last_fault: float = 0.0

    @property
    def broken(self) -> dict[str, int]:
        """The promises that were not kept, with how often."""
        promises = (
            "lost_events",
            "doubled_mails",
            "undecided",
            "unsettled",
            "sent_without_a_mail",
            "sent_without_an_answer",
            "mailed_though_not_sent",
            "mailed_buyers",
            "unexplained_uncertain",
        )
        return {name: getattr(self, name) for name in promises if getattr(self, name)}


class Chaos:
    """One run. ``seconds`` is how long faults happen; afterwards everything is left in peace until it has settled."""

    def __init__(
        self, house: House, smtp: FaultySmtp, *, decisions: int, seconds: float, faults: int, seed: int
    ) -> None:
        self.house, self.smtp = house, smtp
        self.seconds, self.wanted_faults = seconds, faults
        self.random = random.Random(seed)  # noqa: S311 - chaos must be repeatable, not secret
        buyers = round(decisions * BUYERS)
        self.shoppers = [Shopper(f"shopper-{number}@mail.example") for number in range(decisions + buyers)]
        self.buyers = self.random.sample(self.shoppers, buyers)
        self.acknowledged: list[str] = []
        self.report = Report(decisions=decisions)
        self.faults: Counter[str] = Counter()
        self.relay_faults = 0
        self._relay_random = random.Random(seed + 1)  # noqa: S311
        self._lock = threading.Lock()
        self._peace = threading.Event()
        self._frozen: dict[str, float] = {}

    def run(self) -> Report:
        began = time.monotonic()
        self.smtp.script = self._relay_script
        self.house.start("valkey")
        self.house.start(*PROGRAMS[1:])
        shopping = [threading.Thread(target=self._shop, args=(part,)) for part in range(2)]
        for thread in shopping:
            thread.start()
        self._break_things()
        self._make_peace()
        for thread in shopping:
            self._join(thread)
        peace_at = time.monotonic()
        self._wait_until_settled()
        self.report.settled_s_after_the_last_fault = round(time.monotonic() - peace_at, 1)
        self.report.seconds = round(time.monotonic() - began, 1)
        return self._account()

    # --- traffic ------------------------------------------------------------------------------------------------------

    def _shop(self, part: int) -> None:
        """Half of the shoppers, spread over the whole run."""
        mine = self.shoppers[part::2]
        pause_s = 0.9 * self.seconds / len(mine)
        buyers = set(map(id, self.buyers))
        for shopper in mine:
            self._post(shopper.visitor, shopper.tells_address(), shopper.fills_cart())
            if id(shopper) in buyers:
                other = Shopper(shopper.email)
                self._post(other.visitor, other.orders())
            self._peace.wait(pause_s * self._relay_random.uniform(0.5, 1.5))

    def _post(self, visitor: str, *events: dict[str, object]) -> None:
        pause = threading.Event()
        while self.house.post(visitor, *events, timeout_s=5).status != 202:
            with self._lock:
                self.report.repeated_requests += 1
            pause.wait(0.2)
        with self._lock:
            self.acknowledged.extend(str(event["id"]) for event in events)

    def _relay_script(self) -> Script:
        with self._lock:
            if self._peace.is_set() or self._relay_random.random() > 0.2:
                return {}
            self.relay_faults += 1
            return self._relay_random.choice(RELAY_FAULTS)

    # --- faults -------------------------------------------------------------------------------------------------------

    def _break_things(self) -> None:
        until = time.monotonic() + self.seconds
        pause_s = self.seconds / self.wanted_faults
        next_at = time.monotonic() + pause_s
        while time.monotonic() < until or self.faults.total() < ENOUGH * self.wanted_faults:
            self._tend()
            if time.monotonic() >= next_at:
                self._one_fault()
                next_at += pause_s * self.random.uniform(0.6, 1.4)
            self._peace.wait(0.1)

    def _one_fault(self) -> None:
        faults: list[tuple[str, Callable[[], None]]] = [(f"kill {name}", self._kill(name)) for name in PROGRAMS]
        faults += [(f"kill {name}", self._kill(name)) for name in ("worker", "worker 2")]
        faults += [(f"freeze {name}", self._freeze(name)) for name in ("worker", "clock", "valkey", "web")]
        faults.append(("flush valkey", self._flush))
        name, fault = self.random.choice(faults)
        self.faults[name] += 1
        fault()

    def _kill(self, name: str) -> Callable[[], None]:
        def kill() -> None:
            self._frozen.pop(name, None)
            self.house.kill(name)

        return kill

    def _freeze(self, name: str) -> Callable[[], None]:
        """Workers for longer than their leases last, the others for a moment."""
        for_s = LONGER_THAN_A_LEASE_S if name.startswith("worker") else 3.0

        def freeze() -> None:
            if self.house.lives(name):
                self.house.stop(name)
                self._frozen[name] = time.monotonic() + for_s

        return freeze

    def _flush(self) -> None:
        try:
            self.house.redis.flushall()
        except redis.RedisError:
            self.faults["flush valkey"] -= 1  # it was dead or frozen already

    def _tend(self) -> None:
        """What a supervisor does, and the end of every freeze."""
        for name in PROGRAMS:
            if not self.house.lives(name):
                self.house.launch(name)
        for name, until in list(self._frozen.items()):
            if time.monotonic() >= until:
                del self._frozen[name]
                self.house.go_on(name)

    def _make_peace(self) -> None:
        self._peace.set()
        for name in list(self._frozen):
            self._frozen[name] = 0.0
        self._tend()

    def _join(self, thread: threading.Thread) -> None:
        wait_until(lambda: self._tended() and not thread.is_alive(), "the last shopper", SETTLED_S)

    def _tended(self) -> bool:
        self._tend()
        return True

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _wait_until_settled(self) -> None:
        """Until every delivery is final; decisions of buyers may be none at all."""
        owed = len(self.shoppers) - len(self.buyers)
        pause = threading.Event()
        give_up_at = time.monotonic() + SETTLED_S
        while time.monotonic() < give_up_at:
            self._tend()
            states = self._states()
            if len(states) >= owed and all(state in FINAL for state in states.values()):
                return
            pause.wait(0.2)

    def _states(self) -> dict[str, str]:
        try:
            with reading(self.house.engine) as connection:
                rows = connection.execute(select(DELIVERIES.c.id, DELIVERIES.c.state))
                return {row.id: row.state for row in rows}
        except StoreError:
            return {}

    def _account(self) -> Report:
        report, mails = self.report, list(self.smtp.mails)
        with reading(self.house.engine) as connection:
            rows = connection.execute(select(DELIVERIES.c.id, DELIVERIES.c.state, DELIVERIES.c.visitor)).all()
        states = {row.id: row.state for row in rows}
        mailed = {mail.id.split("@")[0]: mail for mail in mails}
        decided = {row.visitor for row in rows}
        buyers = {shopper.email for shopper in self.buyers}
        report.acknowledged_events = len(self.acknowledged)
        report.lost_events = len(self.acknowledged) - self._kept()
        report.doubled_mails = len(self.smtp.doubled())
        report.undecided = sum(s.visitor not in decided for s in self.shoppers if s.email not in buyers)
        report.unsettled = sum(state not in FINAL for state in states.values())
        report.sent_without_a_mail = sum(state == "sent" and name not in mailed for name, state in states.items())
        report.mailed_though_not_sent = sum(states.get(name) not in ("sent", "uncertain") for name in mailed)
        report.mailed_buyers = sum(mail.recipient in buyers for mail in mails)
        report.sent_without_an_answer = sum(states.get(n) == "sent" and not mail.answered for n, mail in mailed.items())
        # Ambiguous is what the relay left unanswered, and at most one mail for each worker that died or froze.
        unanswered = sum(not mail.answered for mail in mails) + self.smtp.dropped_at_the_dot
        deaths = sum(count for fault, count in self.faults.items() if "worker" in fault)
        uncertain = sum(state == "uncertain" for state in states.values())
        report.unexplained_uncertain = max(0, uncertain - unanswered - deaths)
        report.faults, report.relay_faults = dict(self.faults), self.relay_faults
        report.states, report.mails = dict(Counter(states.values())), len(mails)
        return report

    def _kept(self) -> int:
        everything = self.acknowledged
        return sum(self.house.kept(everything[start : start + 400]) for start in range(0, len(everything), 400))


def run_chaos(folder: Path, database_url: str, *, decisions: int, seconds: float, faults: int, seed: int) -> Report:
    """Run it in ``folder`` on an empty database; ``report.broken`` is empty when every promise was kept."""
    with FaultySmtp() as smtp:
        house = House(folder, database_url, smtp.url)
        try:
            return Chaos(house, smtp, decisions=decisions, seconds=seconds, faults=faults, seed=seed).run()
        finally:
            house.close()


@click.command()
@click.option("--minutes", default=10.0, help="How long faults happen.")
@click.option("--decisions", default=1_000, help="How many shoppers leave a cart and are owed a mail.")
@click.option("--faults", default=60, help="How many kills, freezes and flushes.")
@click.option("--seed", default=lambda: secrets.randbelow(1_000_000), type=int, help="Draws the same faults again.")
@click.option("--postgresql", is_flag=True, help="On PostgreSQL instead of SQLite.")
def main(minutes: float, decisions: int, faults: int, seed: int, postgresql: bool) -> None:
    """Break a house at random and tell what came of it; exit code 1 when a promise was broken."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, ExitStack() as stack:
        url = f"sqlite:///{folder}/shopbell.db"
        if postgresql:
            server = stack.enter_context(parts.postgresql_server(Path(folder) / "postgresql"))
            url = stack.enter_context(parts.postgresql_database(server))
        report = run_chaos(
            Path(folder) / "house", url, decisions=decisions, seconds=minutes * 60, faults=faults, seed=seed
        )
    for name, value in {"seed": seed, **asdict(report)}.items():
        click.echo(f"{name.replace('_', ' '):<32} {value}")
    sys.exit(1 if report.broken else 0)


if __name__ == "__main__":
    main()
