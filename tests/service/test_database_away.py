"""While the database is away nobody is told that an event was kept, and a repeat loses nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from engine.errors import StoreError
from engine.pipeline import Answer
from engine.store.database import in_transaction, open_engine
from engine.store.unit import EVENTS
from tests.service.doors import INK, answer_of, error_code, open_door, own_postgresql, page_viewed


def test_while_the_database_is_locked_the_answer_is_503_and_nothing_is_lost(tmp_path: Path, sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    event = page_viewed()
    with open_door(tmp_path, sqlite_url) as door:
        listen(door.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=200"))
        assert door.send(page_viewed()).status_code == 202
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            response = door.send(event)
            assert error_code(response, 503) == "unavailable"
            assert int(response.headers["Retry-After"]) >= 1
            assert response.headers["Access-Control-Allow-Origin"] == INK
            other.execute("ROLLBACK")
        again = answer_of(door.send(event))
        assert (again["accepted"], again["duplicates"], door.kept()) == (1, 0, 2)


def test_while_postgresql_is_stopped_the_answer_is_503_and_nothing_is_lost(tmp_path: Path) -> None:
    event = page_viewed()
    with own_postgresql() as (server, url), open_door(tmp_path, url) as door:
        assert door.send(page_viewed()).status_code == 202
        server.stop()
        response = door.send(event)
        assert error_code(response, 503) == "unavailable"
        assert int(response.headers["Retry-After"]) >= 1
        server.start()
        again = answer_of(door.send(event))
        assert (again["accepted"], again["duplicates"], door.kept()) == (1, 0, 2)


def test_what_can_never_be_kept_is_not_asked_for_again(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snippet forgets what is answered with 422 and would send a 503 again for ever."""

    def refuse(*told: object) -> list[Answer]:
        raise OverflowError

    with open_door(tmp_path, sqlite_url) as door:
        monkeypatch.setattr("engine.committer.process", refuse)
        assert error_code(door.send(page_viewed()), 422) == "unkeepable"


def test_a_database_of_an_older_release_is_named_as_that(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match=r"of this release \(no such table: events\); first run `shopbell db upgrade`"):
        in_transaction(engine, lambda connection: connection.execute(select(EVENTS)))
    engine.dispose()
