"""``shopbell keys`` and ``shopbell db upgrade``, as an operator types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, inspect

from engine.cli import run
from engine.store import migrate
from engine.store.database import open_engine
from engine.store.keys import find_key, list_keys
from tests.parts import DEADLINE_S
from tests.service.doors import environment_for, settings_for

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def operator(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Settings that lead to an up-to-date database; its address."""
    settings_for(tmp_path, database_url)
    for name, value in environment_for(tmp_path, database_url).items():
        monkeypatch.setenv(name, value)
    migrate.upgrade(database_url)
    return database_url


def told(capsys: Captured) -> str:
    return capsys.readouterr().out.strip()


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "kind", "start"), [([], "public", "pk_"), (["--secret"], "secret", "sk_")])
def test_a_new_key_is_printed_alone_and_known_at_once(
    operator: str, capsys: Captured, option: list[str], kind: str, start: str
) -> None:
    assert run(["keys", "add", "ink", *option, "--label", "for the shop"]) == 0
    key = told(capsys)
    assert key.startswith(start)
    assert len(key) >= 35
    engine = open_engine(operator)
    found = find_key(engine, key)
    engine.dispose()
    assert found is not None
    assert (found.shop, found.kind, found.label) == ("ink", kind, "for the shop")


def test_a_shop_that_is_in_no_rule_file_gets_no_key(operator: str, capsys: Captured) -> None:
    assert run(["keys", "add", "wool"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "There is no shop called 'wool' in the rule files; there is ink, tea.\n")
    engine = open_engine(operator)
    assert list_keys(engine) == []
    engine.dispose()


def test_two_keys_are_never_the_same(operator: str, capsys: Captured) -> None:
    made = set()
    for _ in range(3):
        assert run(["keys", "add", "ink"]) == 0
        made.add(told(capsys))
    assert len(made) == 3


def test_a_secret_key_is_shown_once_and_kept_only_as_a_hash(operator: str, capsys: Captured) -> None:
    assert run(["keys", "add", "ink", "--secret"]) == 0
    key = told(capsys)
    assert run(["keys", "list", "--json"]) == 0
    assert key not in told(capsys)
    engine = open_engine(operator)
    (kept,) = list_keys(engine)
    engine.dispose()
    assert key not in kept.key


def test_the_list_names_every_key_with_its_shop_and_state(operator: str, capsys: Captured) -> None:
    for arguments in (["ink"], ["tea", "--label", "pages"], ["tea", "--secret"]):
        assert run(["keys", "add", *arguments]) == 0
    public = told(capsys).splitlines()[0]
    assert run(["keys", "revoke", public]) == 0
    assert run(["keys", "list"]) == 0
    lines = told(capsys).splitlines()
    assert [line.split()[:2] for line in lines] == [["public", "ink"], ["public", "tea"], ["secret", "tea"]]
    assert public in lines[0]
    assert "revoked 20" in lines[0]
    assert "since 20" in lines[1]
    assert lines[1].endswith("pages")


def test_programs_read_the_list_as_json(operator: str, capsys: Captured) -> None:
    assert run(["keys", "list", "--json"]) == 0
    assert msgspec.json.decode(told(capsys)) == []
    assert run(["keys", "add", "ink"]) == 0
    key = told(capsys)
    assert run(["keys", "list", "--json"]) == 0
    (listed,) = msgspec.json.decode(told(capsys))
    assert (listed["key"], listed["shop"], listed["kind"], listed["revoked_at"]) == (key, "ink", "public", None)


def test_a_revoked_key_is_refused_and_revoking_it_again_is_no(operator: str, capsys: Captured) -> None:
    assert run(["keys", "add", "ink"]) == 0
    key = told(capsys)
    assert run(["keys", "revoke", key]) == 0
    engine = open_engine(operator)
    assert find_key(engine, key) is None
    engine.dispose()
    assert run(["keys", "revoke", key]) == 1
    assert capsys.readouterr().err == "There is no such key, or it was revoked before.\n"


def test_a_lost_secret_key_is_revoked_by_what_the_list_shows_of_it(operator: str, capsys: Captured) -> None:
    assert run(["keys", "add", "ink", "--secret"]) == 0
    key = told(capsys)
    assert run(["keys", "list"]) == 0
    shown = told(capsys).split()[2]
    assert run(["keys", "revoke", shown]) == 0
    engine = open_engine(operator)
    assert find_key(engine, key) is None
    engine.dispose()


def test_without_our_tables_the_answer_is_one_plain_line(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    for name, value in environment_for(tmp_path, sqlite_url).items():
        monkeypatch.setenv(name, value)
    assert run(["keys", "list"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("shopbell: the database")


# --- db upgrade -------------------------------------------------------------------------------------------------------


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def upgrading(folder: Path, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "db", "upgrade"],
        env=os.environ | environment_for(folder, url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_empty_database_gets_its_tables_and_the_second_time_nothing_changes(
    tmp_path: Path, database_url: str
) -> None:
    for _ in range(2):
        process = upgrading(tmp_path, database_url)
        _, problems = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, problems) == (0, "")
        assert {"events", "visitors", "decisions", "deliveries", "keys", "alembic_version"} <= tables(database_url)


def test_processes_that_upgrade_at_once_wait_for_each_other(tmp_path: Path, database_url: str) -> None:
    processes = [upgrading(tmp_path, database_url) for _ in range(4)]
    ended = [(process.communicate(timeout=DEADLINE_S)[1], process.returncode) for process in processes]
    assert ended == [("", 0)] * 4
    engine = open_engine(database_url)
    assert list_keys(engine) == []
    engine.dispose()


def test_an_upgrade_keeps_what_is_there(operator: str, capsys: Captured) -> None:
    assert run(["keys", "add", "ink"]) == 0
    key = told(capsys)
    assert run(["db", "upgrade"]) == 0
    engine = open_engine(operator)
    assert find_key(engine, key) is not None
    engine.dispose()
