"""The database is locked or away: nobody is told a lie, and everything goes on when it is back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests import parts
from tests.service.faulty_smtp import WAITS, FaultySmtp
from tests.service.house import House, Shopper, open_house, wait_until


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shared_postgresql: str,
    smtp: FaultySmtp,
) -> Iterator[House]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("database")
        url = f"sqlite:///{folder / 'shopbell.db'}"
        if request.param == "postgresql":
            url = stack.enter_context(parts.postgresql_database(shared_postgresql))
        yield stack.enter_context(open_house(folder, url, smtp.url))


@contextmanager
def away(house: House, shared_postgresql: str) -> Iterator[None]:
    """SQLite: locked by somebody else. PostgreSQL: every connection is cut and none is let in."""
    address = make_url(house.settings.database_url)
    if address.get_backend_name() == "sqlite":
        with closing(
            sqlite3.connect(address.database or "", timeout=parts.DEADLINE_S, isolation_level=None)
        ) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")
        return
    name = str(address.database)
    with psycopg.connect(shared_postgresql, autocommit=True) as connection:
        _let_in(connection, name, allowed=False)
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            _let_in(connection, name, allowed=True)


def _let_in(connection: psycopg.Connection, name: str, *, allowed: bool) -> None:
    statement = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Literal(allowed)))


def test_what_cannot_be_kept_is_answered_503_and_kept_once_when_it_is_sent_again(
    house: House, smtp: FaultySmtp, shared_postgresql: str
) -> None:
    shopper = Shopper(f"{house.engine.dialect.name}-anna@mail.example")
    batch = (shopper.tells_address(), shopper.fills_cart())
    house.post(Shopper("somebody").visitor)  # so that the key is known: what is asked is about keeping
    with away(house, shared_postgresql):
        answer = house.post(shopper.visitor, *batch)
        assert (answer.status, answer.body["error"]["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    answer = house.post_until_kept(shopper.visitor, *batch)
    assert answer.body["accepted"] == 2
    assert house.post(shopper.visitor, *batch).body["duplicates"] == 2
    assert house.kept(event["id"] for event in batch) == 2
    house.wait_for_state(shopper, "sent")
    assert len(smtp.mails_to(shopper.email)) == 1


def test_clock_and_workers_live_through_it_and_do_what_became_due_meanwhile(
    house: House, smtp: FaultySmtp, shared_postgresql: str
) -> None:
    before = {name: process.pid for name, process in house.processes.items()}
    shoppers = [Shopper(f"{house.engine.dialect.name}-{number}@mail.example") for number in range(5)]
    house.leaves_cart(*shoppers)
    with away(house, shared_postgresql):
        wait_until(lambda: "round skipped" in house.said("clock"), "the clock to notice")
    for shopper in shoppers:
        house.wait_for_state(shopper, "sent")
        assert len(smtp.mails_to(shopper.email)) == 1
    assert {name: process.pid for name, process in house.processes.items()} == before
    assert all(house.lives(name) for name in before)


def test_a_mail_that_was_taken_while_the_database_is_away_is_known_to_be_sent_afterwards(
    house: House, smtp: FaultySmtp, shared_postgresql: str
) -> None:
    shopper = Shopper(f"{house.engine.dialect.name}-late@mail.example")
    smtp.scripts[shopper.email] = {"dot": WAITS}
    smtp.gate.clear()
    house.leaves_cart(shopper)
    assert smtp.waiting.acquire(timeout=parts.DEADLINE_S)
    with away(house, shared_postgresql):
        smtp.gate.set()
        workers = ("worker", "worker 2")
        wait_until(lambda: any("outcome waits for the database" in house.said(name) for name in workers), "the news")
    assert house.wait_for_state(shopper, "sent") == "sent"
    assert len(smtp.mails_to(shopper.email)) == 1
