"""The rule file is edited in every way people edit files, while events come in to two web processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from engine.clock import HOUR
from engine.rules.loader import load
from engine.store import looks
from engine.store.database import reading
from engine.store.unit import DECISIONS, EVENTS
from engine.visitors import Visitor
from tests.parts import DEADLINE_S
from tests.service.house import House, Shopper, wait_until

WEBS = ("web", "web 2")
HEAD = """\
shop:
  id: main
  name: Testwinkel
  time_zone: Europe/Amsterdam
limits: 100000 per 1d
rules:
"""
RULE = """\
  - name: {name}
    when: [happened: {event}]
    then: [tag: {tag}, wait: {wait}, tag: {tag}-later]
    once_per: visitor
"""
PROBE = """\
  - name: probe
    when: [happened: probe_sent]
    then: [tag: generation-{number}]
    once_per: visitor
"""
KEPT = RULE.format(name="kept", event="kept_begun", tag="kept", wait="30d")
REMOVED = RULE.format(name="removed", event="removed_begun", tag="removed", wait="30d")


def rule_file(number: int) -> str:
    """The file of that generation: one rule is the same in all, one changes, one is in the first only."""
    changed = RULE.format(name="changed", event="changed_begun", tag="changed", wait=f"{number + 10}h")
    return HEAD + PROBE.format(number=number) + KEPT + changed + (REMOVED if number == 0 else "")


@dataclass
class Editor:
    """Whoever edits the file, and what was ever good in it: the number of its generation by content hash."""

    house: House
    file: Path
    published: dict[str, int] = field(default_factory=dict)

    def next_text(self) -> str:
        number = len(self.published)
        text = rule_file(number)
        self.published[load(text).hash] = number
        return text

    def writes(self) -> None:
        self.file.write_text(self.next_text())
        self._everybody_judges_by_it()

    def replaces(self) -> None:
        """As an editor does that writes a copy and moves it into place."""
        copy = self.file.with_suffix(".new")
        copy.write_text(self.next_text())
        copy.rename(self.file)
        self._everybody_judges_by_it()

    def breaks(self) -> None:
        self.file.write_text(self.file.read_text().replace("happened:", "hapened:", 1))
        self._everybody_refuses_it()

    def stops_half_way(self) -> None:
        text = rule_file(len(self.published))
        self.file.write_text(text[: text.index("wait:") + 3])
        self._everybody_refuses_it()

    def removes(self) -> None:
        self.file.unlink()
        self._everybody_refuses_it()

    def _everybody_judges_by_it(self) -> None:
        for web in WEBS:
            wait_until(partial(self._is_newest_at, web), f"{web} to judge by the new file")

    def _everybody_refuses_it(self) -> None:
        for web in WEBS:
            wait_until(partial(self._is_refused_at, web), f"{web} to refuse it")

    def _is_newest_at(self, web: str) -> bool:
        return generation_at(self.house, web) == max(self.published.values())

    def _is_refused_at(self, web: str) -> bool:
        return "rules" in problems_of(self.house, web)


def generation_at(house: House, web: str) -> int:
    """By which file this process judges somebody who comes now."""
    shopper = Shopper("")
    house.post_until_kept(shopper.visitor, shopper.event("probe_sent"), web=web)
    return int(state_of(house, shopper)[0].tags[0].removeprefix("generation-"))


def problems_of(house: House, web: str) -> dict[str, object]:
    answer = house.request("GET", "/readyz", b"", {}, DEADLINE_S, web)
    assert answer.status == 200, answer
    return dict(answer.body["problems"])


def state_of(house: House, shopper: Shopper) -> tuple[Visitor, int | None]:
    with reading(house.engine) as connection:
        seen = looks.visitor(connection, "main", shopper.visitor)
    assert seen is not None
    return seen.state, seen.due_at


@contextmanager
def crowd(house: House) -> Iterator[list[str]]:
    """Meanwhile new shoppers come to both processes all the time; yields the ids of acknowledged events."""
    kept: list[str] = []
    wrong: list[object] = []
    over = threading.Event()

    def come(web: str) -> None:
        while not over.wait(0.005):
            shopper = Shopper("")
            batch = [shopper.event(kind) for kind in ("probe_sent", "video_played", "probe_sent")]
            answer = house.post_until_kept(shopper.visitor, *batch, web=web)
            if answer.body["accepted"] + answer.body["duplicates"] == len(batch):
                kept.extend(str(event["id"]) for event in batch)
            else:
                wrong.append(answer)

    threads = [threading.Thread(target=come, args=[web]) for web in WEBS]
    for thread in threads:
        thread.start()
    try:
        yield kept
    finally:
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert wrong == []


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    opened = House(tmp_path / "house", database_url, "smtp://127.0.0.1:9")
    try:
        yield opened
    finally:
        opened.close()


def begin(house: House, what: str) -> list[Shopper]:
    """Some shoppers for whom this rule is on its way."""
    shoppers = [Shopper("", visitor=f"{what}-{uuid4().hex}") for _ in range(4)]
    for place, shopper in enumerate(shoppers):
        house.post_until_kept(shopper.visitor, shopper.event(f"{what}_begun"), web=WEBS[place % 2])
    return shoppers


def of_all(house: House, shoppers: list[Shopper], holds: Callable[[Visitor], bool], what: str) -> None:
    wait_until(lambda: all(holds(state_of(house, shopper)[0]) for shopper in shoppers), what)


def test_twenty_edits_under_load_lose_no_event_no_timer_and_decide_nothing_by_half_a_file(house: House) -> None:
    file = house.rules / "0.yaml"
    editor = Editor(house, file)
    file.write_text(editor.next_text())
    house.start("valkey")
    house.start(*WEBS, "worker", "clock")
    kept, changed, removed = (begin(house, what) for what in ("kept", "changed", "removed"))
    timers = {shopper.visitor: state_of(house, shopper)[0].runs["kept"] for shopper in kept}

    with crowd(house) as acknowledged:
        for _ in range(4):
            editor.writes()
            editor.breaks()
            editor.stops_half_way()
            editor.removes()
            editor.replaces()
        newest = max(editor.published.values())
        of_all(house, removed, lambda state: state.runs == {}, "the rule that is gone to be ended")
        of_all(
            house,
            changed,
            lambda state: state.runs["changed"].wake_at == state.runs["changed"].waits_since + (newest + 10) * HOUR,
            "the changed rule's timers to be reckoned anew",
        )

    with reading(house.engine) as connection:
        rows = connection.execute(select(EVENTS.c.id).where(EVENTS.c.id.in_(acknowledged))).scalars().all()
        decisions = connection.execute(select(DECISIONS)).all()
    assert len(acknowledged) > 100
    assert Counter(rows) == Counter(acknowledged)

    fired = [row for row in decisions if row.outcome == "fired"]
    assert len(fired) == len({row.visitor for row in fired}), "nobody was spoken to twice"
    assert len([row for row in fired if row.rule == "probe"]) >= len(acknowledged) // 3
    assert {row.rule_set for row in decisions} <= editor.published.keys()
    for row in fired:
        if row.rule == "probe":
            number = editor.published[row.rule_set]
            assert state_of(house, Shopper("", visitor=row.visitor))[0].tags == [f"generation-{number}"]

    for shopper in kept:
        state, due_at = state_of(house, shopper)
        run, before = state.runs["kept"], timers[shopper.visitor]
        assert (run.wake_at, run.hash, run.decision) == (before.wake_at, before.hash, before.decision)
        assert due_at is not None
        assert due_at <= run.wake_at
    stopped = [(row.visitor, row.rule, row.guard) for row in decisions if row.outcome == "stopped"]
    assert sorted(stopped) == sorted((shopper.visitor, "removed", "rule_removed") for shopper in removed)
    assert "removed: stopped (rule_removed)" in why(house, removed[0])


def why(house: House, shopper: Shopper) -> str:
    command = [sys.executable, "-m", "engine.cli", "why", shopper.visitor, "removed"]
    told = subprocess.run(
        command, env=os.environ | house.environment, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    return told.stdout
