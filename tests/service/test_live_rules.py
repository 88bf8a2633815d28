"""Rules and keys in use: a good file is live at once, a bad one never is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy.event import listen
from structlog.testing import capture_logs

from engine.errors import RuleFileError
from engine.live import KEYS_LAST_S, LiveKeys, LiveRules
from engine.rules import loader
from engine.rules.model import RuleSet
from engine.rules.shop import KnownIntegrations
from engine.store import migrate, rule_sets
from engine.store.database import open_engine, reading
from engine.store.keys import PUBLIC, add_key, revoke_key
from tests.service.doors import INK, TEA, rule_file

A = "- name: a\n  when:\n    - cart_abandoned: 1h\n  then:\n    - email: cart-reminder"
B = A.replace("name: a", "name: b")
BROKEN = "- name: a\n  when: [sunshine]\n  then: [email: cart-reminder]\n- name: a"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate.upgrade(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(rule_file("ink", INK, A))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file a shop."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "ink.yaml").write_text(rule_file("ink", INK, A))
    (folder / "tea.yaml").write_text(rule_file("tea", TEA, A))
    return folder


def passes(live: LiveRules, clock: Clock) -> None:
    """Time goes by in which the file is looked at as often as in a shop that is visited."""
    for _ in range(2):
        clock.now += 0.5
        live.refresh()


def names(live: LiveRules, shop: str = "ink") -> list[str]:
    found = live.shop(shop)
    return [rule.name for rule in found.rules.rules] if found else []


# --- one file ---------------------------------------------------------------------------------------------------------


def test_an_edited_file_is_live_within_two_seconds(file: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    assert names(live) == ["a"]
    file.write_text(rule_file("ink", INK, B))
    passes(live, clock)
    assert names(live) == ["b"]


def test_a_file_that_is_being_written_is_left_alone_until_it_rests(file: Path, engine: Engine, clock: Clock) -> None:
    """Half a file may be a good one: here it is all but the last rule."""
    live = LiveRules(file, engine, monotonic=clock)
    for rules in (B, f"{B}\n{A}", f"{B}\n{A}\n{A.replace('name: a', 'name: c')}"):
        file.write_text(rule_file("ink", INK, rules))
        clock.now += 0.5
        assert names(live) == ["a"]
    clock.now += 0.5
    assert names(live) == ["b", "a", "c"]


def test_a_file_that_was_written_a_while_ago_is_live_at_the_first_look(
    file: Path, engine: Engine, clock: Clock
) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    file.write_text(rule_file("ink", INK, B))
    os.utime(file, (1_000_000_000, 1_000_000_000))
    clock.now += 0.5
    assert names(live) == ["b"]


def test_a_file_that_changes_while_it_is_read_is_read_again(
    file: Path, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    read = loader.load_path

    def read_half(path: Path, *, known_integrations: KnownIntegrations) -> dict[str, RuleSet]:
        monkeypatch.setattr("engine.live.load_path", read)
        found = read(path, known_integrations=known_integrations)
        file.write_text(rule_file("ink", INK, f"{B}\n{A}"))
        return found

    file.write_text(rule_file("ink", INK, B))
    monkeypatch.setattr("engine.live.load_path", read_half)
    passes(live, clock)
    assert names(live) == ["a"]
    passes(live, clock)
    assert names(live) == ["b", "a"]


def test_a_rule_set_is_on_record_before_anything_is_decided_by_it(file: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    on_record: list[bool] = []

    def look(connection: Connection) -> None:
        found = live.shops()["ink"].rules
        with reading(engine) as other:
            known = other.execute(select(rule_sets.RULE_SETS.c.hash)).scalars().all()
        on_record.append(found.hash in known)

    listen(engine, "commit", look)
    file.write_text(rule_file("ink", INK, B))
    passes(live, clock)
    assert names(live) == ["b"]
    assert on_record
    assert all(on_record)


def test_the_file_is_not_looked_at_for_every_request(file: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    assert names(live) == ["a"]
    file.write_text(rule_file("ink", INK, B))
    clock.now += 0.1
    assert names(live) == ["a"]


def test_a_file_replaced_by_another_of_its_size_and_time_is_noticed(file: Path, engine: Engine, clock: Clock) -> None:
    """As an editor does that writes a copy and moves it into place."""
    live = LiveRules(file, engine, monotonic=clock)
    before = file.stat()
    copy = file.with_suffix(".new")
    copy.write_text(rule_file("ink", INK, B))
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy.rename(file)
    assert (file.stat().st_mtime_ns, file.stat().st_size) == (before.st_mtime_ns, before.st_size)
    passes(live, clock)
    assert names(live) == ["b"]


def test_unchanged_rules_stay_the_same_object(folder: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(folder, engine, monotonic=clock)
    tea = live.shop("tea")
    (folder / "ink.yaml").write_text(rule_file("ink", INK, B))
    passes(live, clock)
    assert names(live) == ["b"]
    assert live.shop("tea") is tea


def test_a_broken_file_is_refused_with_every_problem_and_the_old_rules_stay(
    file: Path, engine: Engine, clock: Clock
) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    file.write_text(rule_file("ink", INK, BROKEN))
    with capture_logs() as logs:
        passes(live, clock)
        assert names(live) == ["a"]
    assert len(live.problems) >= 2
    assert all(problem.startswith("rules.yaml:") for problem in live.problems)
    told = [entry["problem"] for entry in logs if entry["event"] == "rules refused"]
    assert told == [problem.splitlines()[0] for problem in live.problems]
    with capture_logs() as logs:
        passes(live, clock)
        assert names(live) == ["a"]
    assert logs == []  # told once, not twice a second

    file.write_text(rule_file("ink", INK, B))
    passes(live, clock)
    assert names(live) == ["b"]
    assert live.problems == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"\xff\xfe\x00"),
        lambda file: file.write_text("shop: {id: ink}\nrules:\n  - name: a\n    wh"),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: (file.unlink(), file.symlink_to("nowhere")),
    ],
    ids=["gone", "empty", "not text", "half written", "an empty folder", "a dead link"],
)
def test_whatever_happens_to_the_file_the_old_rules_stay(
    file: Path, engine: Engine, clock: Clock, spoil: Callable[[Path], object]
) -> None:
    live = LiveRules(file, engine, monotonic=clock)
    spoil(file)
    passes(live, clock)
    assert names(live) == ["a"]
    assert live.problems


def test_a_restart_with_a_broken_file_goes_on_with_the_last_good_one(file: Path, engine: Engine, clock: Clock) -> None:
    for rules in (A, B, A, B):
        file.write_text(rule_file("ink", INK, rules))
        LiveRules(file, engine)
    file.write_text(rule_file("ink", INK, BROKEN))
    live = LiveRules(file, engine, monotonic=clock)
    assert names(live) == ["b"]
    assert live.problems
    file.write_text(rule_file("ink", INK, A))
    passes(live, clock)
    assert names(live) == ["a"]


def test_a_first_start_with_a_broken_file_tells_everything_and_does_not_start(file: Path, engine: Engine) -> None:
    file.write_text(rule_file("ink", INK, BROKEN))
    with pytest.raises(RuleFileError) as refusal:
        LiveRules(file, engine)
    assert len(refusal.value.problems) >= 2


def test_whoever_only_looks_leaves_no_trace(file: Path, engine: Engine) -> None:
    LiveRules(file, engine, remember=False)
    file.write_text("broken")
    with pytest.raises(RuleFileError):
        LiveRules(file, engine)


def test_a_reload_while_the_database_is_away_is_live_and_noted_later(
    file: Path, tmp_path: Path, sqlite_url: str, clock: Clock
) -> None:
    migrate.upgrade(sqlite_url)
    engine = open_engine(sqlite_url)
    live = LiveRules(file, engine, monotonic=clock)
    listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=100"))
    file.write_text(rule_file("ink", INK, B))
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        passes(live, clock)
        assert names(live) == ["b"]
    passes(live, clock)
    assert names(live) == ["b"]
    file.write_text("broken")
    assert names(LiveRules(file, engine)) == ["b"]
    engine.dispose()


# --- a folder ---------------------------------------------------------------------------------------------------------


def test_a_folder_holds_a_file_a_shop_and_a_new_file_is_a_new_shop(folder: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(folder, engine, monotonic=clock)
    assert sorted(live.shops()) == ["ink", "tea"]
    (folder / "wool.yml").write_text(rule_file("wool", "https://wool.example", B))
    passes(live, clock)
    assert sorted(live.shops()) == ["ink", "tea", "wool"]


def test_a_shop_whose_file_is_taken_away_is_gone_and_that_is_told(folder: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(folder, engine, monotonic=clock)
    (folder / "tea.yaml").unlink()
    with capture_logs() as logs:
        passes(live, clock)
        assert sorted(live.shops()) == ["ink"]
    assert [entry["shop"] for entry in logs if entry["event"].startswith("shop gone")] == ["tea"]


def test_a_shop_that_is_gone_does_not_come_back_with_the_last_good_rules(
    folder: Path, engine: Engine, clock: Clock
) -> None:
    LiveRules(folder, engine)
    (folder / "tea.yaml").unlink()
    LiveRules(folder, engine)
    (folder / "ink.yaml").write_text("broken")
    live = LiveRules(folder, engine, monotonic=clock)
    assert sorted(live.shops()) == ["ink"]

    (folder / "ink.yaml").write_text(rule_file("ink", INK, A))
    (folder / "tea.yaml").write_text(rule_file("tea", TEA, A))
    passes(live, clock)
    assert sorted(live.shops()) == ["ink", "tea"]


def test_one_broken_file_leaves_every_shop_as_it_was(folder: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(folder, engine, monotonic=clock)
    (folder / "ink.yaml").write_text(rule_file("ink", INK, BROKEN))
    (folder / "tea.yaml").write_text(rule_file("tea", TEA, B))
    passes(live, clock)
    assert (names(live, "ink"), names(live, "tea")) == (["a"], ["a"])
    assert all(problem.startswith("ink.yaml:") for problem in live.problems)


def test_two_files_for_one_shop_are_refused_with_both_names(folder: Path, engine: Engine, clock: Clock) -> None:
    live = LiveRules(folder, engine, monotonic=clock)
    (folder / "wool.yaml").write_text(rule_file("tea", "https://wool.example", B))
    passes(live, clock)
    assert sorted(live.shops()) == ["ink", "tea"]
    (problem,) = live.problems
    assert "wool.yaml" in problem
    assert "tea.yaml" in problem


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_revoked_key_is_refused_within_two_seconds(engine: Engine, clock: Clock) -> None:
    key = add_key(engine, "ink", PUBLIC, "pages")
    keys = LiveKeys(engine, monotonic=clock)
    assert keys.find(key) is not None
    assert revoke_key(engine, key)
    clock.now += KEYS_LAST_S
    assert keys.find(key) is None
    assert KEYS_LAST_S <= 2.0


def test_a_new_key_is_known_within_two_seconds(engine: Engine, clock: Clock) -> None:
    keys = LiveKeys(engine, monotonic=clock)
    assert keys.find("pk_soon") is None
    add_key(engine, "ink", PUBLIC, "pages", "pk_soon")
    clock.now += KEYS_LAST_S
    found = keys.find("pk_soon")
    assert found is not None
    assert found.shop == "ink"


def test_a_known_key_is_not_looked_up_for_every_request(engine: Engine, clock: Clock) -> None:
    key = add_key(engine, "ink", PUBLIC, "pages")
    keys = LiveKeys(engine, monotonic=clock)
    known = keys.find(key)
    questions: list[object] = []
    listen(engine, "before_cursor_execute", lambda *told: questions.append(told))
    clock.now += 0.5
    assert keys.find(key) == known
    assert questions == []


def test_what_is_too_long_for_a_key_is_neither_looked_up_nor_remembered(engine: Engine) -> None:
    keys = LiveKeys(engine)
    assert keys.find("pk_" + "x" * 500_000) is None
    assert len(keys) == 0
