"""Calls to a platform that takes only so many: counted over processes and restarts, and corrected by what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest
from sqlalchemy import Engine

from engine.clock import HOUR, MINUTE, SECOND, Millis
from engine.errors import Throttled
from engine.http import Answered
from engine.integration import LAST_LOOK, Allowed, Call, Left, Metered, Settings
from engine.meter import metered
from engine.store import budgets, migrate
from engine.store.database import open_engine
from tests.builders import Hands, at_once

FIVE = 5 * MINUTE
ALLOWANCE = {FIVE: 10, HOUR: 40}


class Desk(Metered[Settings]):
    """Takes ten calls in five minutes, and forty in an hour; an answer's body is how many are left of the ten."""

    title: ClassVar[str] = "Desk"
    allowance: ClassVar[Mapping[Millis, int]] = ALLOWANCE

    def __init__(self, account: str = "one") -> None:
        super().__init__(Settings())
        self._account = account

    @property
    def account(self) -> str:
        return self._account

    def share(self, what: str) -> float:
        return 1.0 if what == LAST_LOOK else 0.5

    def allowed(self, answered: Answered) -> Allowed:
        if answered.status == 429:
            return Allowed(rest_ms=30 * SECOND)
        return Allowed({FIVE: Left(10, int(answered.body))}) if answered.body else Allowed()


class Office:
    """A database, and a platform that answers as it is told."""

    def __init__(self, url: str, hands: Hands) -> None:
        migrate.upgrade(url)
        self.engine: Engine = open_engine(url)
        self.hands = hands
        self.answer = Answered(200, b"")
        self.made = 0

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        self.made += 1
        return self.answer

    def asking(self, what: str = "orders", account: str = "one") -> Call:
        return metered(self.engine, Desk(account), "desk", what, self.call)

    def until_none_is_left(self, what: str = "orders", account: str = "one") -> tuple[int, Millis]:
        """How many calls were to be had, and how long to wait for the next."""
        ask, before = self.asking(what, account), self.made
        while True:
            try:
                ask("GET", "https://desk.example/orders", {})
            except Throttled as told:
                return self.made - before, told.wait_ms


@pytest.fixture
def office(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    hands = Hands()
    hands.now -= hands.now % HOUR
    monkeypatch.setattr(budgets, "database_now", lambda connection: hands())
    opened = Office(database_url, hands)
    yield opened
    opened.engine.dispose()


def test_what_can_wait_leaves_calls_to_what_somebody_waits_for(office: Office) -> None:
    assert office.until_none_is_left() == (5, FIVE)
    assert office.until_none_is_left(LAST_LOOK) == (5, FIVE)
    assert office.until_none_is_left(LAST_LOOK) == (0, FIVE)


def test_a_new_window_has_calls_again_until_the_longer_one_is_used_up(office: Office) -> None:
    for _ in range(4):
        assert office.until_none_is_left(LAST_LOOK)[0] == 10
        office.hands.now += FIVE
    assert office.until_none_is_left(LAST_LOOK) == (0, HOUR - 4 * FIVE)


def test_accounts_are_counted_apart(office: Office) -> None:
    office.until_none_is_left()
    assert office.until_none_is_left(account="two")[0] == 5


def test_the_count_outlives_the_process(office: Office) -> None:
    office.until_none_is_left()
    office.engine.dispose()
    assert office.until_none_is_left() == (0, FIVE)


def test_processes_that_ask_at_once_never_make_more_calls_than_there_are(office: Office) -> None:
    takes = at_once(*[lambda: budgets.take(office.engine, "desk:one", ALLOWANCE, 1.0)] * 16)
    assert sorted(takes) == [0] * 10 + [FIVE] * 6


def test_calls_that_somebody_else_made_with_the_same_key_are_counted_too(office: Office) -> None:
    office.answer = Answered(200, b"6")
    office.asking()("GET", "https://desk.example/orders", {})
    office.answer = Answered(200, b"")
    assert office.until_none_is_left()[0] == 1


def test_an_answer_that_was_long_on_its_way_gives_no_calls_back(office: Office) -> None:
    office.until_none_is_left()
    budgets.learn(office.engine, "desk:one", ALLOWANCE, Allowed({FIVE: Left(10, 9, FIVE)}))
    assert office.until_none_is_left() == (0, FIVE)


def test_the_platform_knows_best_how_much_it_takes_and_until_when(office: Office) -> None:
    budgets.learn(office.engine, "desk:one", ALLOWANCE, Allowed({FIVE: Left(20, 20, 2 * MINUTE)}))
    assert office.until_none_is_left() == (10, 2 * MINUTE)
    office.hands.now += 2 * MINUTE
    assert office.until_none_is_left()[0] == 10


def test_whoever_said_not_now_is_left_alone_by_everybody(office: Office) -> None:
    office.answer = Answered(429, b"")
    office.asking()("GET", "https://desk.example/orders", {})
    office.answer = Answered(200, b"")
    assert office.until_none_is_left(LAST_LOOK) == (0, 30 * SECOND)
    office.hands.now += 30 * SECOND
    assert office.until_none_is_left(LAST_LOOK)[0] == 9


def test_the_numbers_can_be_read(office: Office) -> None:
    office.asking()("GET", "https://desk.example/orders", {})
    windows = budgets.everything(office.engine, "desk:one")
    assert [(each.lasts_ms, each.used, each.most) for each in windows] == [(FIVE, 1, 10), (HOUR, 1, 40)]
