"""Thousands of things to look up: several of a kind in one call, several platforms at once, and nobody kept waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from engine import lanes
from engine.clock import MINUTE, wall_clock
from engine.errands import Errands
from engine.integration import fact
from engine.recovery import ERRAND_LEASE
from engine.store import errands
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS, PEOPLE
from tests.builders import Hands
from tests.service.asking import ErasesMeanwhile, clock_of
from tests.service.doors import Json, order_placed
from tests.service.house import wait_until
from tests.service.platform import Answer, Api, PlatformDoor, open_platform_door, result_of, stop_errands_clock

TOGETHER = 3
"""As many as a parrot answers at once."""


class Stock(Api):
    """Tells how many there are of everything, several things at once too; of ``ghost`` it tells nothing then."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[list[str]] = []
        """The names in each question about stock."""
        self.broken = ""
        """What is in every answer that nobody can read."""
        self.patience: list[int] = []
        """For how many seconds it wants to be left alone, told instead of an answer."""
        self.changing = False
        """Whether the stock is another one each time it is asked for."""
        self.held = threading.Event()
        self.held.set()
        self.slow = ""
        """Answers about this are kept back until ``held`` is set."""

    def answer_to(self, path: str) -> Answer:
        what = unquote(path.removeprefix("/").partition("?after=")[0])
        if not what.startswith(("stock:", "several?names=")):
            return Answer(b'{"events": []}')
        names = what.removeprefix("several?names=").split(",")
        self.questions.append(names)
        if self.slow and any(self.slow in name for name in names):
            self.held.wait()
        if self.patience:
            return Answer(b"{}", 429, {"Retry-After": str(self.patience.pop())})
        pages = {name: self._page(name) for name in names if name != "stock:ghost" or len(names) == 1}
        return Answer(msgspec.json.encode(pages if what.startswith("several") else pages[names[0]]))

    def _page(self, name: str) -> Json:
        if name == self.broken:
            return {"events": [{"type": "order_placed"}]}
        changes = sum(name in names for names in self.questions) if self.changing else 0
        product = {"id": name, "name": name, "stock": 1}
        return {"events": [fact("stock_changed", "parrot", name, changes, at="2026-11-21T12:00:00Z", product=product)]}


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return stop_errands_clock(monkeypatch)


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch, door: PlatformDoor) -> Iterator[Stock]:
    with Stock() as api:
        monkeypatch.setattr("integrations.parrot.API", api.url)
        yield api
        api.held.set()


def to_look_up(door: PlatformDoor, *names: str, shop: str = "ink") -> None:
    """A webhook says to look at these."""
    hint = msgspec.json.encode({"events": [], "look_ups": [f"stock:{name}" for name in names]})
    assert result_of(door.deliver(hint, shop=shop)) == "accepted"


def told(door: PlatformDoor, shop: str = "ink") -> list[str]:
    """Of what the stock is known, once for each time it was told."""
    rows = door.rows(EVENTS, shop=shop, type="stock_changed")
    return sorted(msgspec.json.decode(row.body)["product"]["id"].removeprefix("stock:") for row in rows)


def open_questions(door: PlatformDoor, shop: str = "ink") -> dict[str, int]:
    """What is still to be looked up, and how often it failed."""
    rows = door.rows(ERRANDS, shop=shop)
    return {row.what.removeprefix("stock:"): row.attempt for row in rows if row.what.startswith("stock:")}


@contextmanager
def running(clock: Errands) -> Iterator[threading.Thread]:
    """The clock's round, beside the test."""
    thread = threading.Thread(target=clock.run)
    thread.start()
    try:
        yield thread
    finally:
        clock.stop()
        thread.join()


# --- together ---------------------------------------------------------------------------------------------------------


def test_several_things_of_one_kind_are_looked_up_in_one_call(door: PlatformDoor, hands: Hands, stock: Stock) -> None:
    to_look_up(door, *map(str, range(7)))
    clock = clock_of(door)
    clock.run()
    assert sorted(map(len, stock.questions)) == [1, TOGETHER, TOGETHER]
    assert (told(door), open_questions(door)) == (list("0123456"), {})
    assert clock.run() == 0


def test_one_bad_answer_among_several_is_put_off_and_loses_none_of_the_others(
    door: PlatformDoor, hands: Hands, stock: Stock
) -> None:
    stock.broken = "stock:2"
    to_look_up(door, *map(str, range(6)))
    clock = clock_of(door)
    clock.run()
    assert (told(door), open_questions(door)) == (list("01345"), {"2": 2})
    stock.broken = ""
    hands.now += 2 * MINUTE
    clock.run()
    assert (told(door), open_questions(door)) == (list("012345"), {})
    assert stock.questions[-1] == ["stock:2"]


def test_what_is_left_out_of_an_answer_is_asked_by_itself(door: PlatformDoor, hands: Hands, stock: Stock) -> None:
    to_look_up(door, "a", "ghost", "b")
    clock_of(door).run()
    assert (told(door), open_questions(door)) == (["a", "b", "ghost"], {})
    assert [set(names) for names in stock.questions] == [{"stock:a", "stock:b", "stock:ghost"}, {"stock:ghost"}]


def test_a_platform_that_takes_no_more_questions_is_not_asked_the_others_of_that_kind(
    door: PlatformDoor, hands: Hands, stock: Stock
) -> None:
    stock.patience = [30]
    to_look_up(door, *map(str, range(9)))
    clock = clock_of(door)
    clock.run()
    assert (len(stock.questions), set(open_questions(door).values())) == (1, {0})
    hands.now += 30_000
    clock.run()
    assert (len(told(door)), open_questions(door)) == (9, {})


def test_several_answers_that_are_older_than_an_erasure_are_asked_for_again(
    door: PlatformDoor, hands: Hands, stock: Stock
) -> None:
    door.say(order_placed("o1", email="anna@shopper.example"))
    (person,) = door.rows(PEOPLE, shop="ink")
    clock = clock_of(door, caller=ErasesMeanwhile(door, person.id))
    errands.plan(door.engine, "ink", "parrot", ["orders"], again=False)
    clock.run()
    clock = clock_of(door, caller=ErasesMeanwhile(door, person.id))
    to_look_up(door, "a", "b")
    clock.run()
    assert [sorted(names) for names in stock.questions] == [["stock:a", "stock:b"]] * 2
    assert told(door) == ["a", "b"]


# --- fair -------------------------------------------------------------------------------------------------------------


def test_a_platform_that_is_slow_keeps_no_other_shop_waiting(door: PlatformDoor, hands: Hands, stock: Stock) -> None:
    stock.slow, stock.held = "ink", threading.Event()
    to_look_up(door, "ink", shop="ink")
    to_look_up(door, *(f"tea-{number}" for number in range(7)), shop="tea")
    with running(clock_of(door)):
        wait_until(lambda: len(told(door, "tea")) == 7 and not open_questions(door, "tea"), "the other shop")
        assert told(door) == []
        stock.held.set()
        wait_until(lambda: told(door) == ["ink"] and not open_questions(door), "the slow one")


def test_what_becomes_due_while_a_platform_is_slow_is_asked_meanwhile(
    door: PlatformDoor, hands: Hands, stock: Stock
) -> None:
    stock.slow, stock.held = "ink", threading.Event()
    to_look_up(door, "ink", shop="ink")
    with running(clock_of(door)):
        wait_until(lambda: stock.questions, "the slow question")
        to_look_up(door, "tea", shop="tea")
        wait_until(lambda: told(door, "tea") == ["tea"], "the other shop")
        assert told(door) == []
        stock.held.set()


def test_a_shops_platform_is_asked_one_thing_at_a_time(door: PlatformDoor, hands: Hands, stock: Stock) -> None:
    stock.slow, stock.held = "slow", threading.Event()
    to_look_up(door, "slow")
    with running(clock_of(door)):
        wait_until(lambda: stock.questions, "the slow question")
        to_look_up(door, "next")
        to_look_up(door, "other", shop="tea")
        wait_until(lambda: told(door, "tea") == ["other"], "the other shop")
        assert stock.questions[0] == ["stock:slow"]
        assert ["stock:next"] not in stock.questions
        stock.held.set()
        wait_until(lambda: told(door) == ["next", "slow"], "the next one")


def test_a_poll_does_not_wait_for_all_that_is_to_be_looked_up(door: PlatformDoor, hands: Hands, stock: Stock) -> None:
    to_look_up(door, *map(str, range(9)))
    hands.now += 1
    clock_of(door).run()
    inks = [path for path in stock.asked if path.startswith(("/several", "/orders"))]
    assert inks[:4].count("/orders?after=") == 2, "one of each shop"


def test_what_is_hinted_at_while_it_is_asked_is_asked_once_more_and_not_beside_it(
    door: PlatformDoor, hands: Hands, stock: Stock
) -> None:
    stock.slow, stock.held, stock.changing = "1", threading.Event(), True
    to_look_up(door, "1", "2")
    with running(clock_of(door)):
        wait_until(lambda: stock.questions, "the first question")
        to_look_up(door, "1")
        clock_of(door).run()
        assert len(stock.questions) == 1, "nor by another clock"
        stock.held.set()
        wait_until(lambda: told(door) == ["1", "1", "2"] and not open_questions(door), "the second answer")
    assert Counter(name for names in stock.questions for name in names) == {"stock:1": 2, "stock:2": 1}


# --- an end -----------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_told_to_stop_does_not_wait_for_a_silent_platform(
    door: PlatformDoor, hands: Hands, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "ASKING_FINISHES", 1)
    stock.slow, stock.held = "1", threading.Event()
    to_look_up(door, "1", "2")
    clock = clock_of(door)
    with running(clock) as round_:
        wait_until(lambda: stock.questions, "the question")
        clock.stop()
        round_.join()
        assert open_questions(door) == {"1": 0, "2": 0}
    assert clock.run() == 0, "it asks nothing more"


@pytest.mark.parametrize("names", [["1"], ["1", "2", "3", "4", "5"]])
@pytest.mark.parametrize("point", ["before-question", "after-answer", "before-commit", "after-commit"])
def test_whoever_dies_while_asking_loses_nothing_and_nothing_counts_twice(
    door: PlatformDoor, hands: Hands, stock: Stock, tmp_path: Path, database_url: str, point: str, names: list[str]
) -> None:
    hands.now = wall_clock()
    errands.plan(door.engine, "ink", "parrot", [f"stock:{name}" for name in names], again=True)
    command = [sys.executable, "-m", "tests.service.one_round", str(tmp_path), database_url, stock.url]
    died = subprocess.run(command, env={**os.environ, "SHOPBELL_CRASH_AT": point}, check=False)
    assert died.returncode == -9
    hands.now = wall_clock() + ERRAND_LEASE + 1
    clock_of(door).run()
    assert (told(door), open_questions(door)) == (names, {})
