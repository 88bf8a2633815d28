"""A process dies at each numbered step of ingest, look and send: nothing acknowledged is lost and no mail is two.

All of them die in one house, one after another; then everything is started again, and each test looks at its own case.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from engine import hints
from engine.hints import Ringer
from engine.jobs import look_again, open_workshop
from tests import parts
from tests.service.faulty_smtp import FaultySmtp
from tests.service.house import HANG_S, House, Shopper, wait_until

INGEST = ("before-commit", "after-commit")
LOOK = ("before-commit", "after-commit")
SEND = ("after-claim", "after-last-look", "before-fence", "after-fence", "after-dot")


@dataclass
class Crashes:
    """A house in which everything has died once."""

    house: House
    smtp: FaultySmtp
    shoppers: dict[str, Shopper]
    died_at: dict[str, float] = field(default_factory=dict)
    retries: dict[str, dict[str, object]] = field(default_factory=dict)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    """For each crash at the door: how many events were kept after the death, and after they were sent again."""

    def recovery_s(self, case: str) -> float:
        """From the death to the row's last change."""
        (row,) = self.house.deliveries(self.shoppers[case])
        return float(row.updated_at) / 1000 - self.died_at[case]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crashes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared_postgresql: str
) -> Iterator[Crashes]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("crashes")
        url = f"sqlite:///{folder / 'shopbell.db'}"
        if request.param == "postgresql":
            url = stack.enter_context(parts.postgresql_database(shared_postgresql))
        smtp = stack.enter_context(FaultySmtp())
        house = House(folder, url, smtp.url)
        stack.callback(house.close)
        cases = [*(f"look {point}" for point in LOOK), *(f"send {point}" for point in SEND), "clock"]
        crashed = Crashes(house, smtp, {case: Shopper(f"{case.replace(' ', '-')}@mail.example") for case in cases})
        house.start("valkey")
        _die_at_the_door(crashed)
        house.leaves_cart(*crashed.shoppers.values())
        _decide_sends(crashed)
        _die_at_work(crashed)
        _die_as_clock(crashed)
        house.start("clock", "worker", "worker 2")
        yield crashed


def _die_at_the_door(crashed: Crashes) -> None:
    """The web process dies with events in its hands; the browser, which heard nothing, sends them again."""
    house = crashed.house
    for point in INGEST:
        shopper = Shopper(f"{point}@mail.example")
        batch = (shopper.tells_address(), shopper.fills_cart())
        house.start("web", crash_at=point)
        assert house.post(shopper.visitor, *batch).status == 0
        house.wait_for_death("web")
        kept = house.kept(event["id"] for event in batch)
        house.start("web")
        crashed.retries[point] = house.post(shopper.visitor, *batch).body
        crashed.rows[point] = kept, house.kept(event["id"] for event in batch)
        house.kill("web")
    house.start("web")


def _decide_sends(crashed: Crashes) -> None:
    """Have the mails decided while nobody lives who would send them."""
    house, ringer = crashed.house, Ringer(crashed.house.redis)
    workshop = open_workshop(house.settings, house.engine, ringer)
    visitors = [crashed.shoppers[f"send {point}"].visitor for point in SEND]

    def all_decided() -> bool:
        look_again(workshop, "main", visitors)
        return all(house.state_of(crashed.shoppers[f"send {point}"]) for point in SEND)

    wait_until(all_decided, "five decisions")


def _die_at_work(crashed: Crashes) -> None:
    """A worker for each point, each with a hint of its own."""
    house, connection = crashed.house, crashed.house.redis
    hints_of = {f"look {point}": ("recheck", ["main", [crashed.shoppers[f"look {point}"].visitor]]) for point in LOOK}
    for point in SEND:
        (row,) = house.deliveries(crashed.shoppers[f"send {point}"])
        hints_of[f"send {point}"] = ("deliver", [row.id])
    for case in hints_of:
        house.launch(f"worker {case}", crash_at=case.split()[1])
    for case, (kind, arguments) in hints_of.items():
        house.wait_until_works(f"worker {case}")
        name = wait_until(partial(house.announced_name, f"worker {case}"), f"worker {case} to give its name")
        queue = hints.queue_of(name or "", connection)
        queue.enqueue(hints.ALLOWED[kind], *arguments, result_ttl=0)
    for case in hints_of:
        assert house.wait_for_death(f"worker {case}") == -9, house.said(f"worker {case}")
        crashed.died_at[case] = time.time()


def _die_as_clock(crashed: Crashes) -> None:
    """A clock dies with visitors in its hands that nobody was told of; a worker must be there to be told."""
    house = crashed.house
    house.start("worker 3")
    house.launch("clock", crash_at="after-visitor-claim")
    assert house.wait_for_death("clock") == -9
    crashed.died_at["clock"] = time.time()


@pytest.mark.parametrize("point", INGEST)
def test_events_sent_again_after_the_web_process_died_are_kept_once(crashes: Crashes, point: str) -> None:
    kept_before = {"before-commit": 0, "after-commit": 2}[point]
    answer = crashes.retries[point]
    assert (answer["accepted"], answer["duplicates"]) == (2 - kept_before, kept_before)
    assert crashes.rows[point] == (kept_before, 2)


@pytest.mark.parametrize("case", [*(f"look {point}" for point in LOOK), "clock"])
def test_a_visitor_whose_look_died_is_looked_at_again_and_mailed_once(crashes: Crashes, case: str) -> None:
    shopper = crashes.shoppers[case]
    assert crashes.house.wait_for_state(shopper, "sent", timeout_s=HANG_S) == "sent"
    assert len(crashes.smtp.mails_to(shopper.email)) == 1


@pytest.mark.parametrize("point", ["after-claim", "after-last-look", "before-fence"])
def test_a_mail_whose_worker_died_before_its_intent_was_kept_is_sent_once(crashes: Crashes, point: str) -> None:
    shopper = crashes.shoppers[f"send {point}"]
    assert crashes.house.wait_for_state(shopper, "sent", "uncertain", timeout_s=HANG_S) == "sent"
    assert len(crashes.smtp.mails_to(shopper.email)) == 1


@pytest.mark.parametrize(("point", "mails"), [("after-fence", 0), ("after-dot", 1)])
def test_a_mail_whose_worker_died_around_the_last_byte_is_uncertain_and_not_repeated(
    crashes: Crashes, point: str, mails: int
) -> None:
    shopper = crashes.shoppers[f"send {point}"]
    assert crashes.house.wait_for_state(shopper, "sent", "uncertain", timeout_s=HANG_S) == "uncertain"
    assert "fell silent" in crashes.house.result_of(shopper)
    assert len(crashes.smtp.mails_to(shopper.email)) == mails


def test_no_mail_of_all_these_came_twice(crashes: Crashes) -> None:
    for shopper in crashes.shoppers.values():
        crashes.house.wait_for_state(shopper, "sent", "uncertain", timeout_s=HANG_S)
    assert crashes.smtp.doubled() == []
    slowest = {case: round(crashes.recovery_s(case), 1) for case in crashes.died_at}
    print("recovery in seconds:", slowest)  # noqa: T201 - shown when it fails, and with -s
