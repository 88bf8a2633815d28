"""What a platform is asked for: by the clock, with a cursor that lasts, and because a webhook said to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine import http
from engine.clock import HOUR, MINUTE, SECOND, Millis
from engine.errands import backoff
from engine.errors import CallError
from engine.http import Caller
from engine.recovery import ERRAND_LEASE
from engine.store import errands, quarantine
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, EVENTS, ORDERS, PEOPLE
from tests.builders import Hands
from tests.service.asking import LOOPBACK, ErasesMeanwhile, clock_of
from tests.service.doors import Json, cart_updated, happened, order_placed
from tests.service.platform import Answer, Api, PlatformDoor, open_platform_door, result_of, stop_errands_clock

NOTHING = Answer(b'{"events": []}')
POLL = 10 * MINUTE
Serve = Callable[..., Api]


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return stop_errands_clock(monkeypatch)


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        # One parrot is enough to talk to.
        file = opened.settings.rules / "tea.yaml"
        file.write_text(file.read_text().replace("  parrot: {secret: env:PARROT_TEA}\n", ""))
        opened.house.live.look_now()
        opened.house.live.look_now()
        yield opened


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, door: PlatformDoor) -> Iterator[Serve]:
    opened: list[Api] = []

    def start(*answers: Answer) -> Api:
        api = Api(*answers)
        api.__enter__()
        opened.append(api)
        monkeypatch.setattr("integrations.parrot.API", api.url)
        return api

    yield start
    for api in opened:
        api.__exit__()


def page(*events: Json, cursor: str = "", more: bool = False) -> Answer:
    return Answer(msgspec.json.encode({"events": events, "cursor": cursor, "more": more}))


def ordered(order_id: str) -> Json:
    return order_placed(order_id, email="anna@shopper.example")


def problems(door: PlatformDoor) -> list[tuple[int, str]]:
    return [(row.attempt, row.problem) for row in door.rows(ERRANDS)]


def test_an_answer_that_was_asked_for_before_an_erasure_brings_nobody_back(
    door: PlatformDoor, hands: Hands, serve: Serve
) -> None:
    door.say(ordered("o1"))
    (person,) = door.rows(PEOPLE, shop="ink")
    api = serve(page(ordered("o2"), cursor="a"), page(cursor="a"))
    assert clock_of(door, caller=ErasesMeanwhile(door, person.id)).run() == 2
    assert api.asked == ["/orders?after=", "/orders?after="]
    assert [door.rows(table, shop="ink") for table in (EVENTS, PEOPLE, ORDERS)] == [[], [], []]


def test_what_was_heard_before_an_erasure_counts_when_it_is_told_again(
    door: PlatformDoor, hands: Hands, serve: Serve
) -> None:
    door.say(ordered("o1"))
    (person,) = door.rows(PEOPLE, shop="ink")
    other = order_placed("o2", email="bram@shopper.example")
    serve(page(other, cursor="a"))
    assert clock_of(door, caller=ErasesMeanwhile(door, person.id)).run() == 2
    assert [row.id for row in door.rows(ORDERS, shop="ink")] == ["o2"]


# --- polls ------------------------------------------------------------------------------------------------------------


def test_a_poll_comes_again_at_its_own_pace_from_where_it_was(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(page(ordered("o1"), cursor="a"), page(ordered("o2"), cursor="b"), NOTHING)
    clock = clock_of(door)
    assert [clock.run(), clock.run()] == [1, 0]
    hands.now += POLL - 1
    assert clock.run() == 0
    hands.now += 1
    assert clock.run() == 1
    assert api.asked == ["/orders?after=", "/orders?after=a"]
    assert len(door.rows(EVENTS, shop="ink", type="order_placed")) == 2


def test_the_cursor_outlives_the_process(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(page(cursor="a"), NOTHING)
    clock_of(door).run()
    hands.now += POLL
    clock_of(door).run()
    assert api.asked[-1] == "/orders?after=a"


def test_what_has_more_pages_goes_on_at_once(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(
        page(ordered("o1"), cursor="a", more=True), page(ordered("o2"), cursor="b", more=True), page(cursor="c")
    )
    assert clock_of(door).run() == 3
    assert api.asked == ["/orders?after=", "/orders?after=a", "/orders?after=b"]
    assert [row.cursor for row in door.rows(ERRANDS)] == ["c"]


def test_a_platform_that_wants_patience_gets_it(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(page(cursor="a", more=True), Answer(b"{}", 429, {"Retry-After": "30"}), page(ordered("o1"), cursor="b"))
    clock = clock_of(door)
    assert clock.run() == 2
    hands.now += 29 * SECOND
    assert clock.run() == 0
    hands.now += SECOND
    assert clock.run() == 1
    assert api.asked[1:] == ["/orders?after=a", "/orders?after=a"]


def test_what_a_webhook_told_already_is_not_told_twice(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    order = ordered("o1")
    door.say(order)
    serve(page(order))
    clock_of(door).run()
    assert len(door.rows(EVENTS, shop="ink")) == 1


def test_a_message_that_is_owed_because_of_it_is_told_to_the_workers(
    door: PlatformDoor, hands: Hands, serve: Serve
) -> None:
    consent = {"email": True, "text": "ja", "source": "checkout"}
    left = cart_updated(cart_id="c1", ago=2 * HOUR) | {"refs": ["parrot:cart:c1"]}
    given = happened("contact_given", ago=2 * HOUR, email="anna@shopper.example", consent=consent)
    serve(page(left, given | {"refs": ["parrot:cart:c1"]}))
    rung: list[str] = []
    clock_of(door, rung).run()
    assert rung == [row.id for row in door.rows(DELIVERIES, kind="email")]
    assert len(rung) == 1


def test_one_odd_thing_on_a_page_holds_up_none_of_the_others(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    """It waits in quarantine with its bytes, however often the page tells it; the poll goes on."""
    good = msgspec.json.encode({"events": [ordered("o1")]}).decode()
    heard = [good, '{"odd": 1}', "[", good]
    serve(Answer(msgspec.json.encode({"events": [], "cursor": "a", "heard": heard})))
    clock = clock_of(door)
    for _ in range(2):
        assert clock.run() == 1
        hands.now += POLL
    assert len(door.rows(EVENTS, shop="ink", type="order_placed")) == 1
    assert sorted(kept.delivery.body for kept in quarantine.everything(door.engine)) == [b"[", b'{"odd": 1}']
    assert problems(door) == [(0, "")]


# --- when it does not answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(b"not JSON"), "not JSON"),
        (Answer(b'{"no events": 1}'), "asking broke: KeyError"),
        (Answer(msgspec.json.encode({"events": [{"type": "order_placed"}]})), "order_placed: order is missing"),
    ],
)
def test_an_answer_that_cannot_be_read_is_asked_for_again_later(
    door: PlatformDoor, hands: Hands, serve: Serve, answer: Answer, problem: str
) -> None:
    api = serve(answer)
    clock = clock_of(door)
    assert [clock.run(), clock.run()] == [1, 0]
    [(attempt, told)] = problems(door)
    assert (attempt, problem in told) == (1, True)
    assert 'shopbell_errands_failing{integration="parrot",shop="ink"} 1.0' in door.client.get("/metrics").text
    hands.now += MINUTE
    api.answers = [page(ordered("o1"))]
    assert clock.run() == 1
    assert problems(door) == [(0, "")]


def test_a_platform_that_is_away_is_left_alone_for_longer_and_longer(
    door: PlatformDoor, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.parrot.API", "http://127.0.0.1:1")
    clock = clock_of(door)
    waits: list[Millis] = []
    for _ in range(8):
        assert clock.run() == 1
        [row] = door.rows(ERRANDS)
        waits.append(row.due_at - hands.now)
        hands.now = row.due_at
    assert waits == [backoff(attempt) for attempt in range(8)]
    assert (waits[0], waits[-1]) == (MINUTE, HOUR)


def test_a_clock_that_died_in_the_middle_is_followed_by_another(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    serve(page(ordered("o1")))
    clock = clock_of(door)
    errands.plan(door.engine, "ink", "parrot", ["orders"], again=False)
    assert errands.claim(door.engine) is not None
    assert clock.run() == 0
    hands.now += ERRAND_LEASE + 1
    assert clock.run() == 1
    assert door.kept("ink") == 1


# --- look-ups ---------------------------------------------------------------------------------------------------------


def test_what_a_webhook_only_hints_at_is_looked_up_once(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(NOTHING)
    clock = clock_of(door)
    clock.run()
    api.answers = [page(ordered("o7"))]
    hint = msgspec.json.encode({"events": [], "look_ups": ["order:o7"]})
    assert result_of(door.deliver(hint)) == "accepted"
    assert [clock.run(), clock.run()] == [1, 0]
    assert api.asked[-1] == "/order:o7?after="
    assert [row.what for row in door.rows(ERRANDS)] == ["orders"]
    assert door.kept("ink") == 1
    door.deliver(hint)
    assert clock.run() == 1


def test_an_erasure_takes_the_questions_about_somebody_with_it(door: PlatformDoor, hands: Hands) -> None:
    errands.plan(door.engine, "ink", "parrot", ["orders", "customer:191167", "order:1001", "order:2002"], again=False)
    asked = {"kind": "erase", "customer_id": "191167", "refs": ["parrot:order:1001"]}
    door.deliver(msgspec.json.encode(asked), "asked")
    assert {row.what for row in door.rows(ERRANDS)} == {"orders", "order:2002"}


def test_what_nobody_can_ask_any_more_is_dropped(door: PlatformDoor, hands: Hands, serve: Serve) -> None:
    api = serve(NOTHING)
    errands.plan(door.engine, "tea", "parrot", ["orders"], again=False)
    errands.plan(door.engine, "gone", "parrot", ["orders"], again=False)
    clock_of(door).run()
    assert {row.shop for row in door.rows(ERRANDS)} == {"ink"}
    assert len(api.asked) == 1


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_question_brings_status_headers_and_body() -> None:
    with Api(Answer(b"hello", 418, {"X-Pot": "tea"})) as api:
        answered = LOOPBACK.ask("GET", f"{api.url}/pot?full=1", {"Accept": "text/plain"})
        assert (answered.status, answered.body, answered.headers["x-pot"]) == (418, b"hello", "tea")
        assert api.asked == ["/pot?full=1"]


def test_an_answer_longer_than_any_page_is_refused_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_PAGE", 100)
    with Api(Answer(b"x" * 101)) as api, pytest.raises(CallError) as failed:
        LOOPBACK.ask("GET", api.url, {})
    assert failed.value.refused


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://127.0.0.1/", "https://169.254.169.254/", "ftp://x.example/"]
)
def test_nobody_is_asked_at_an_address_that_is_not_public(url: str) -> None:
    with pytest.raises(CallError) as failed:
        Caller().ask("GET", url, {})
    assert failed.value.refused
