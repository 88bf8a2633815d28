"""How soon an edited rule file is live: after the stated looks and no later, on a clock that stands still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine import live, recovery
from engine.clock import HOUR, SECOND, Millis
from engine.live import LiveRules
from engine.recovery import (
    WAYS,
    Death,
)
from engine.store import migrate
from engine.store.database import open_engine
from tests.builders import Hands
from tests.service.doors import INK, rule_file

WATCHED, ASKED = WAYS[Death.EDIT]
STEP: Millis = 50


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'shopbell.db'}"
    migrate.upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


class Edited:
    """A rule file, the rules in use, and one clock for the file's time and for who looks; both looked just now."""

    def __init__(self, folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hands = Hands()
        monkeypatch.setattr(live, "machine_clock", self.hands)
        self._file = folder / "rules.yaml"
        self._write("a")
        self.hands.now += HOUR
        self.live = LiveRules(self._file, engine, remember=False, monotonic=lambda: self.hands.now / SECOND)
        self.live.refresh()

    def _write(self, name: str) -> None:
        rule = f"- name: {name}\n  when:\n    - cart_abandoned: 1h\n  then:\n    - email: cart-reminder"
        self._file.write_text(rule_file("ink", INK, rule))
        at_ns = self.hands.now * 1_000_000
        os.utime(self._file, ns=(at_ns, at_ns))

    def edit(self) -> None:
        self._write("b")

    @property
    def is_live(self) -> bool:
        """Whether somebody who asks now gets the new rules."""
        shop = self.live.shop("ink")
        return shop is not None and [rule.name for rule in shop.rules.rules] == ["b"]


def _watched_for(edited: Edited, edit_after: Millis, awake: Millis) -> Millis:
    """How long after the edit the thread that looks has made it live; it first wakes up at ``awake``."""
    hands, began = edited.hands, edited.hands.now
    for hands.now in range(began, began + HOUR):
        if hands.now == began + edit_after:
            edited.edit()
        if (hands.now - began - awake) % recovery.FILE_LOOK_STEP == 0 and edited.is_live:
            return hands.now - began - edit_after
    raise AssertionError("it was never live")


def test_an_edit_is_live_where_it_is_watched_for_within_the_stated_looks(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever between two looks it comes, and whenever the thread that looks wakes up."""
    took = [
        _watched_for(Edited(tmp_path, engine, monkeypatch), edit_after, awake)
        for edit_after in range(0, 2 * recovery.FILE_LOOK_EVERY, STEP)
        for awake in (0, 1, recovery.FILE_LOOK_STEP - 1)
    ]
    assert WATCHED.configured - 3 * recovery.FILE_LOOK_STEP < max(took) <= WATCHED.configured


def test_an_edit_is_live_for_who_asks_after_the_stated_time_whoever_asked_before(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asked_before in range(0, ASKED.configured, STEP):
        edited = Edited(tmp_path, engine, monkeypatch)
        edited.hands.now += HOUR
        edited.edit()
        edited.hands.now += asked_before
        edited.live.refresh()
        edited.hands.now += ASKED.configured - asked_before
        assert edited.is_live, asked_before


def test_the_thread_that_looks_wakes_up_at_the_stated_pace(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    edited = Edited(tmp_path, engine, monkeypatch)
    monkeypatch.setattr("engine.live.time.sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        edited.live._watch()
    assert pauses == [recovery.FILE_LOOK_STEP / SECOND] * 3
