"""Processes and Valkey are killed, flushed and stopped under traffic: nothing is lost, no timer, and no mail is two."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from engine.hints import Ringer
from engine.store.database import reading
from engine.store.unit import VISITORS
from tests.parts import DEADLINE_S
from tests.service.faulty_smtp import FaultySmtp
from tests.service.house import HANG_S, House, Shopper, open_house, wait_until


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, smtp: FaultySmtp) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("kills")
    with open_house(folder, f"sqlite:///{folder / 'shopbell.db'}", smtp.url) as house:
        yield house


def crowd(count: int) -> list[Shopper]:
    return [Shopper(f"{uuid4().hex[:12]}@mail.example") for _ in range(count)]


@contextmanager
def shopping(house: House, shoppers: list[Shopper]) -> Iterator[threading.Semaphore]:
    """Meanwhile these shoppers leave their carts one after another; each is counted when it was acknowledged."""
    acknowledged = threading.Semaphore(0)

    def shop() -> None:
        for shopper in shoppers:
            batch = (shopper.tells_address(), shopper.fills_cart())
            house.post_until_kept(shopper.visitor, *batch)
            acknowledged.release()

    thread = threading.Thread(target=shop)
    thread.start()
    try:
        yield acknowledged
    finally:
        thread.join(4 * DEADLINE_S)
    assert not thread.is_alive()


def wait_for_first(acknowledged: threading.Semaphore, count: int) -> None:
    for _ in range(count):
        assert acknowledged.acquire(timeout=DEADLINE_S)


def all_mailed_once(house: House, smtp: FaultySmtp, shoppers: list[Shopper], timeout_s: float = HANG_S) -> None:
    give_up_at = time.monotonic() + timeout_s
    for shopper in shoppers:
        assert house.wait_for_state(shopper, "sent", timeout_s=max(0.1, give_up_at - time.monotonic())) == "sent"
        assert len(smtp.mails_to(shopper.email)) == 1


@pytest.mark.parametrize("name", ["web", "clock", "valkey"])
def test_a_kill_under_traffic_loses_nothing_and_doubles_nothing(house: House, smtp: FaultySmtp, name: str) -> None:
    shoppers = crowd(40)
    with shopping(house, shoppers) as acknowledged:
        wait_for_first(acknowledged, 15)
        house.kill(name)
        house.start(name)
    all_mailed_once(house, smtp, shoppers)


def test_a_worker_killed_with_mails_in_its_hands_and_its_queue_doubles_none(house: House, smtp: FaultySmtp) -> None:
    shoppers = crowd(40)
    with shopping(house, shoppers):
        smtp.wait_for_mail_to(shoppers[0].email)
        house.kill("worker")
        house.start("worker")
    states = {house.wait_for_state(shopper, "sent", "uncertain", timeout_s=HANG_S) for shopper in shoppers}
    assert states <= {"sent", "uncertain"}
    assert [house.state_of(shopper) for shopper in shoppers].count("uncertain") <= 1
    assert smtp.doubled() == []


def test_a_flush_of_valkey_loses_nothing(house: House, smtp: FaultySmtp) -> None:
    shoppers = crowd(40)
    with shopping(house, shoppers) as acknowledged:
        wait_for_first(acknowledged, 20)
        house.redis.flushall()
        smtp.wait_for_mail_to(shoppers[0].email)
        house.redis.flushall()
    all_mailed_once(house, smtp, shoppers)


def test_while_valkey_is_away_events_are_kept_and_afterwards_everything_due_is_sent(
    house: House, smtp: FaultySmtp
) -> None:
    shoppers = crowd(30)
    house.kill("valkey")
    house.leaves_cart(*shoppers)
    wait_until(lambda: _due(house) >= len(shoppers), "their time to come")
    assert smtp.mails_to(shoppers[0].email) == []
    house.start("valkey")
    all_mailed_once(house, smtp, shoppers)


def _due(house: House) -> int:
    with reading(house.engine) as connection:
        query = select(func.count()).select_from(VISITORS).where(VISITORS.c.due_at <= int(time.time() * 1000))
        return connection.execute(query).scalar_one()


def test_a_full_valkey_holds_up_mails_and_not_events(house: House, smtp: FaultySmtp) -> None:
    shoppers = crowd(10)
    house.redis.config_set("maxmemory", 1)
    house.leaves_cart(*shoppers)
    wait_until(lambda: _due(house) >= len(shoppers), "their time to come")
    for name in ("worker", "worker 2"):
        house.kill(name)  # RQ ends a worker that Redis refuses something; the supervisor starts it again
    house.redis.config_set("maxmemory", 0)
    house.start("worker", "worker 2")
    all_mailed_once(house, smtp, shoppers)


def test_hints_that_come_again_and_again_send_nothing_again(house: House, smtp: FaultySmtp) -> None:
    shopper, follower = crowd(2)
    house.leaves_cart(shopper)
    house.wait_for_state(shopper, "sent")
    (row,) = house.deliveries(shopper)
    ringer = Ringer(house.redis)
    for _ in range(20):
        ringer.ring("deliver", [row.id, row.id])
        ringer.ring("recheck", ["main", [shopper.visitor, shopper.visitor]])
    house.leaves_cart(follower)
    house.wait_for_state(follower, "sent")
    assert len(smtp.mails_to(shopper.email)) == 1
    assert house.deliveries(shopper)[0].attempt == 1


def test_timers_survive_the_death_of_the_whole_house(house: House, smtp: FaultySmtp) -> None:
    shoppers = crowd(10)
    house.leaves_cart(*shoppers)
    names = list(house.processes)
    for name in reversed(names):
        house.kill(name)
    house.start("valkey")
    house.start(*(name for name in names if name not in ("valkey", "clock 2")))
    all_mailed_once(house, smtp, shoppers)


def test_two_clocks_double_nothing(house: House, smtp: FaultySmtp) -> None:
    house.start("clock 2")
    shoppers = crowd(40)
    house.leaves_cart(*shoppers)
    all_mailed_once(house, smtp, shoppers)
    house.kill("clock 2")
    assert smtp.doubled() == []
