"""How fast anybody may knock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import TooManyRequests
from engine.web import limits
from engine.web.limits import TokenBuckets
from tests.service.doors import INK, INK_SECRET, Door, batch, error_code, happened, open_door, page_viewed


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def passes(buckets: TokenBuckets, who: str) -> bool:
    try:
        buckets.take(who)
    except TooManyRequests:
        return False
    return True


def test_six_seconds_worth_at_once_and_then_the_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(10, clock)
    assert sum(passes(buckets, "v1") for _ in range(100)) == 60
    clock.now += 1
    assert sum(passes(buckets, "v1") for _ in range(100)) == 10


def test_whoever_knocks_twice_too_fast_gets_through_half_of_the_time() -> None:
    clock = Clock()
    buckets = TokenBuckets(10, clock)
    through = 0
    for _ in range(2_000):  # 20 a second for 100 seconds
        clock.now += 0.05
        through += passes(buckets, "v1")
    assert 1_000 <= through <= 1_065


def test_one_who_is_too_fast_does_not_slow_another() -> None:
    buckets = TokenBuckets(1, Clock())
    assert sum(passes(buckets, "v1") for _ in range(10)) == 6
    assert passes(buckets, "v2")


def test_rest_fills_the_bucket_and_not_more() -> None:
    clock = Clock()
    buckets = TokenBuckets(10, clock)
    assert passes(buckets, "v1")
    clock.now += 3_600
    assert sum(passes(buckets, "v1") for _ in range(100)) == 60


def test_zero_is_no_limit() -> None:
    buckets = TokenBuckets(0, Clock())
    assert all(passes(buckets, "v1") for _ in range(1_000))


def test_strangers_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 100)
    buckets = TokenBuckets(1, Clock())
    for number in range(1_000):
        assert passes(buckets, f"v{number}")
    assert len(buckets) == 100


# --- at the door ------------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow_door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """One request a second for a visitor, two for an address: six and twelve at once."""
    with open_door(tmp_path, sqlite_url, VISITOR_RATE="1", ADDRESS_RATE="2") as opened:
        yield opened


def test_the_answer_is_429_with_when_to_come_back_and_nothing_is_kept(narrow_door: Door) -> None:
    answers = [narrow_door.send(happened("checked_in")) for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert 2 <= len(refused) <= 3  # a slow machine may have earned one more
    assert narrow_door.kept() == 9 - len(refused)
    for answer in refused:
        assert error_code(answer, 429) == "too_many_requests"
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Access-Control-Allow-Origin"] == INK


def test_an_address_is_limited_whatever_visitors_it_invents(narrow_door: Door) -> None:
    answers = [narrow_door.send(page_viewed(), visitor=f"v{number}").status_code for number in range(20)]
    assert answers[:12] == [202] * 12
    assert answers.count(429) >= 5


def test_a_shops_server_is_not_limited(narrow_door: Door) -> None:
    for _ in range(20):
        assert narrow_door.report(page_viewed() | {"visitor": "v1"}).status_code == 202


@pytest.mark.parametrize("hops", ["0", "1"])
def test_an_address_is_the_proxys_word_only_when_the_proxy_is_trusted(
    tmp_path: Path, sqlite_url: str, hops: str
) -> None:
    with open_door(tmp_path, sqlite_url, ADDRESS_RATE="1", TRUSTED_PROXIES=hops) as door:
        statuses = [
            door.knock(batch(page_viewed(), visitor=f"v{number}"), X_Forwarded_For=f"203.0.113.{number}").status_code
            for number in range(12)
        ]
    assert (429 in statuses) == (hops == "0")


def test_a_secret_key_in_a_browsers_hands_is_still_read_by_shops_only(narrow_door: Door) -> None:
    answer = narrow_door.knock(b'{"events": []}', origin="https://evil.example", Authorization=f"Bearer {INK_SECRET}")
    assert answer.status_code == 202
    assert "Access-Control-Allow-Origin" not in answer.headers
