"""What is done at once: one thing in a lane, a few lanes, and not all of them for the same integration."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.errors import StoreError
from engine.lanes import MOST, MOST_OF_ONE, Lanes


class Work:
    """Something that takes until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def __call__(self) -> int:
        self.may_end.wait()
        return 1


@pytest.fixture
def work() -> Iterator[Work]:
    opened = Work()
    yield opened
    opened.may_end.set()


def test_a_lane_is_closed_while_something_is_done_in_it(work: Work) -> None:
    lanes = Lanes()
    lanes.start(("ink", "parrot"), work)
    room = lanes.room()
    assert room is not None
    assert (list(room.lanes), list(room.integrations)) == ([("ink", "parrot")], [])
    work.may_end.set()
    while lanes.room() != ((), ()):
        assert lanes.wait()
    assert (lanes.done, lanes.wait()) == (1, False)


def test_one_platform_leaves_lanes_to_the_others_however_many_shops_it_has(work: Work) -> None:
    lanes = Lanes()
    for number in range(MOST_OF_ONE):
        lanes.start((f"shop-{number}", "parrot"), work)
    room = lanes.room()
    assert room is not None
    assert list(room.integrations) == ["parrot"]


def test_only_a_few_things_are_done_at_once(work: Work) -> None:
    lanes = Lanes()
    for number in range(MOST):
        assert lanes.room() is not None
        lanes.start(("ink", f"platform-{number}"), work)
    assert lanes.room() is None


def test_a_database_that_keeps_nothing_is_told_to_whoever_waits_and_the_lane_is_free_again() -> None:
    def refuse() -> int:
        raise StoreError("the database is away")

    lanes = Lanes()
    lanes.start(("ink", "parrot"), refuse)
    with pytest.raises(StoreError):
        list(iter(lanes.wait, False))
    assert lanes.room() == ((), ())


def test_what_ended_before_anybody_waited_is_not_waited_for() -> None:
    """It may have left something to do."""
    lanes, ended = Lanes(), threading.Event()
    assert lanes.room() is not None

    def work() -> int:
        ended.set()
        return 1

    lanes.start(("ink", "parrot"), work)
    ended.wait()
    assert lanes.wait()
