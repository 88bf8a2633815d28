"""``POST /v1/events`` from the outside: who may speak, what is understood, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, to_iso, wall_clock
from engine.store import looks
from engine.store.database import reading
from engine.store.keys import PUBLIC, add_key, revoke_key
from engine.store.unit import DECISIONS, DELIVERIES, EVENTS, VISITORS
from tests.service.doors import (
    INK,
    INK_KEY,
    INK_SECRET,
    TEA,
    TEA_KEY,
    TEA_SECRET,
    Door,
    Json,
    answer_of,
    batch,
    cart_updated,
    error_code,
    happened,
    open_door,
    order_placed,
    page_viewed,
)

EVIL = "https://evil.example"


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def any_door(tmp_path: Path, database_url: str) -> Iterator[Door]:
    """The same over each kind of database."""
    with open_door(tmp_path, database_url) as opened:
        yield opened


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_what_was_answered_202_is_in_the_database(any_door: Door) -> None:
    answer = answer_of(any_door.send(page_viewed(), happened("searched", results=0)))
    assert (answer["accepted"], answer["duplicates"], answer["rejected"], answer["warnings"]) == (2, 0, [], [])
    assert any_door.kept() == 2


@pytest.mark.parametrize("media_type", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_json_may_come_as_text_or_as_json(door: Door, media_type: str) -> None:
    assert answer_of(door.knock(batch(page_viewed()), Content_Type=media_type))["accepted"] == 1


def test_an_event_told_twice_counts_once(any_door: Door) -> None:
    event = cart_updated(ago=10 * MINUTE)
    first = answer_of(any_door.send(event, event))
    assert (first["accepted"], first["duplicates"]) == (1, 1)
    again = answer_of(any_door.send(event, page_viewed()))
    assert (again["accepted"], again["duplicates"]) == (1, 1)
    assert any_door.kept() == 2


def test_the_same_id_from_two_visitors_is_two_events(door: Door) -> None:
    event = page_viewed()
    assert answer_of(door.send(event, visitor="v1"))["accepted"] == 1
    assert answer_of(door.send(event, visitor="v2"))["accepted"] == 1


def test_neighbours_of_an_event_that_makes_no_sense_are_kept(any_door: Door) -> None:
    bad = cart_updated(total="abc")
    answer = answer_of(any_door.send(page_viewed(), bad, page_viewed()))
    assert answer["accepted"] == 2
    assert answer["rejected"] == [
        {
            "index": 1,
            "id": bad["id"],
            "code": "invalid_field",
            "field": "cart.total",
            "message": "must be a number, got 'abc'",
        }
    ]
    assert any_door.kept() == 2


@pytest.mark.parametrize(
    ("event", "field", "code"),
    [
        (happened("cart_updated", cart={"lines": [{}, {"price": "dear"}]}), "cart.lines[1].price", "invalid_field"),
        (happened("cart_updated", cart={"lines": [{"quantity": -1}]}), "cart.lines[0].quantity", "invalid_field"),
        (happened("cart_updated", cart={"currency": "euro"}), "cart.currency", "invalid_field"),
        (happened("cart_updated", cart={"lines": [], "total": "1e999999"}), "cart.total", "invalid_field"),
        (happened("cart_updated"), "cart", "missing_field"),
        (happened("shipping_shown", shipping={"currency": "EUR"}), "shipping.price", "missing_field"),
        (happened("order_placed", order={"total": 1}), "order.id", "missing_field"),
        (happened("page_viewed", page={"url": 7}), "page.url", "invalid_field"),
        (happened("checked_in", engaged_ms="long"), "engaged_ms", "invalid_field"),
        (happened("checked_in", engaged_ms=-5), "engaged_ms", "invalid_field"),
        (happened("checked_in", at="yesterday"), "at", "invalid_field"),
        (happened("checked_in", seq="first"), "seq", "invalid_field"),
        (happened("page"), "page", "missing_field"),
        (happened("Nonsense"), "type", "invalid_field"),
        ({"type": "checked_in"}, "id", "missing_field"),
        ({"id": "short", "type": "checked_in"}, "id", "invalid_field"),
        ({"id": 12345678, "type": "checked_in"}, "id", "invalid_field"),
        ({"id": "x" * 65, "type": "checked_in"}, "id", "invalid_field"),
        ({"id": "no-type-at-all"}, "type", "missing_field"),
        ("not an object", None, "invalid_event"),
        (None, None, "invalid_event"),
        ([], None, "invalid_event"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_place(door: Door, event: object, field: str | None, code: str) -> None:
    answer = answer_of(door.send(page_viewed(), event))
    assert answer["accepted"] == 1
    (problem,) = msgspec.convert(answer["rejected"], list[Json])
    assert (problem["index"], problem.get("field"), problem["code"]) == (1, field, code)
    assert problem["message"]


def test_a_type_of_the_shops_own_is_kept_and_warned_about_once(door: Door) -> None:
    answer = answer_of(door.send(happened("quiz_completed", score=7), happened("quiz_completed", score=9)))
    assert answer["accepted"] == 2
    (warning,) = msgspec.convert(answer["warnings"], list[Json])
    assert (warning["index"], warning["code"]) == (0, "unknown_type")
    assert sorted(msgspec.json.decode(str(row.body))["score"] for row in door.rows(EVENTS)) == [7, 9]


def test_a_hundred_events_are_taken_and_one_more_is_not(door: Door) -> None:
    events = [happened("checked_in") for _ in range(101)]
    assert error_code(door.send(*events), 413) == "body_too_large"
    assert door.kept() == 0
    assert answer_of(door.send(*events[:100]))["accepted"] == 100


def test_an_empty_batch_is_a_question_only(door: Door) -> None:
    assert answer_of(door.send())["accepted"] == 0


# --- who may speak ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["pk_unknown", "", "ink", None, 7, ["pk_ink_pages"], INK_SECRET, "pk_" + "x" * 60_000])
def test_a_key_that_is_not_known_is_401(door: Door, key: object) -> None:
    body = msgspec.json.encode({"key": key, "visitor": "v1", "events": [page_viewed()]})
    response = door.knock(body)
    assert error_code(response, 401) == "unknown_key"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("stated", [INK_KEY, "sk_unknown", "", INK_SECRET + "x", "ë" * 10, f"{INK_SECRET} "[:-2]])
def test_a_bearer_that_is_no_secret_key_is_401(door: Door, stated: str) -> None:
    body = msgspec.json.encode({"events": [page_viewed() | {"visitor": "v1"}]})
    assert error_code(door.knock(body, Authorization=f"Bearer {stated}"), 401) == "unknown_key"
    assert door.kept() == 0


def test_a_revoked_key_is_401(door: Door) -> None:
    assert revoke_key(door.engine, INK_KEY)
    assert error_code(door.send(page_viewed()), 401) == "unknown_key"


@pytest.mark.parametrize(
    "origin", [EVIL, TEA, None, "null", "http://ink.example", INK + ":8443", INK + ".evil.example"]
)
def test_a_public_key_works_on_its_own_shops_pages_only(door: Door, origin: str | None) -> None:
    assert error_code(door.send(page_viewed(), origin=origin), 403) == "origin_not_allowed"
    assert door.kept() == 0


def test_a_secret_key_needs_no_origin(door: Door) -> None:
    assert answer_of(door.report(page_viewed() | {"visitor": "v1"}))["accepted"] == 1


def test_a_key_speaks_for_its_own_shop_only(any_door: Door) -> None:
    """What the tea shop's keys say never reaches the ink shop, whatever the events claim."""
    claim: Json = {"shop": "ink", "key": INK_KEY}
    assert answer_of(any_door.send(page_viewed() | claim, key=TEA_KEY, origin=TEA))["accepted"] == 1
    assert answer_of(any_door.report(page_viewed() | claim | {"visitor": "v1"}, secret=TEA_SECRET))["accepted"] == 1
    assert (any_door.kept("ink"), any_door.kept("tea")) == (0, 2)


def test_one_visitor_id_in_two_shops_is_two_visitors(door: Door) -> None:
    door.send(cart_updated(), visitor="v1")
    door.send(page_viewed(origin=TEA), visitor="v1", key=TEA_KEY, origin=TEA)
    with reading(door.engine) as connection:
        ink, tea = looks.visitor(connection, "ink", "v1"), looks.visitor(connection, "tea", "v1")
    assert ink is not None
    assert tea is not None
    assert (ink.state.basket is not None, tea.state.basket is not None) == (True, False)


def test_a_key_of_a_shop_without_a_rule_file_is_unknown(door: Door) -> None:
    key = add_key(door.engine, "gone", PUBLIC, "a shop that left")
    assert error_code(door.send(page_viewed(), key=key), 401) == "unknown_key"


def test_a_browser_speaks_for_its_own_visitor_only(door: Door) -> None:
    assert answer_of(door.send(page_viewed() | {"visitor": "somebody-else"}, visitor="v1"))["accepted"] == 1
    assert [row.visitor for row in door.rows(EVENTS)] == ["v1"]


def test_a_browser_without_a_visitor_says_nothing(door: Door) -> None:
    body = msgspec.json.encode({"key": INK_KEY, "events": [page_viewed() | {"visitor": "v2"}]})
    answer = answer_of(door.knock(body))
    assert answer["accepted"] == 0
    assert [problem["field"] for problem in msgspec.convert(answer["rejected"], list[Json])] == ["visitor"]


def test_a_browser_cannot_say_how_many_agents_there_are(door: Door) -> None:
    door.send(happened("agents_changed", agents={"online": 0}))
    with reading(door.engine) as connection:
        assert looks.house(connection, "ink").agents == {}
    answer_of(door.report(happened("agents_changed", agents={"online": 3, "free": 1})))
    with reading(door.engine) as connection:
        house, other = looks.house(connection, "ink"), looks.house(connection, "tea")
    assert (house.agents[""].online, house.agents[""].free, other.agents) == (3, 1, {})


def test_a_server_speaks_of_a_product_without_naming_a_visitor(any_door: Door) -> None:
    told = happened("stock_changed", product={"sku": "INK-1", "stock": 3})
    assert answer_of(any_door.report(told))["accepted"] == 1
    assert [row.visitor for row in any_door.rows(EVENTS)] == [""]


@pytest.mark.parametrize("words", [{"variant": {"id": 1}}, {"url": 5}, {"image_url": ["a"]}])
def test_a_product_told_in_a_shop_s_own_way_is_taken_all_the_same(any_door: Door, words: dict[str, object]) -> None:
    viewed = happened("product_viewed", product={"sku": "INK-1", "stock": 0} | words)
    assert answer_of(any_door.send(viewed))["accepted"] == 1


def test_a_server_speaks_of_many_visitors_in_one_body(any_door: Door) -> None:
    events = [cart_updated(cart_id=f"c{number}") | {"visitor": f"v{number}"} for number in range(20)]
    answer = answer_of(any_door.report(*events))
    assert (answer["accepted"], answer["messages"], answer["next_check_ms"]) == (20, [], None)
    assert sorted(str(row.id) for row in any_door.rows(VISITORS)) == sorted(f"v{number}" for number in range(20))


def test_a_server_may_name_a_person_by_address_alone(any_door: Door) -> None:
    event = order_placed(email="Anna@shopper.example")
    assert answer_of(any_door.report(event))["accepted"] == 1
    assert answer_of(any_door.report(order_placed("o2", email="anna@shopper.example")))["accepted"] == 1
    (visitor,) = any_door.rows(VISITORS)
    assert str(visitor.id).startswith("srv_")
    assert visitor.person


def test_an_event_of_nobody_is_rejected(door: Door) -> None:
    answer = answer_of(door.report(page_viewed()))
    (problem,) = msgspec.convert(answer["rejected"], list[Json])
    assert (problem["field"], problem["code"]) == ("visitor", "missing_field")


# --- other origins ----------------------------------------------------------------------------------------------------


def _cors(headers: object) -> dict[str, str]:
    assert hasattr(headers, "items")
    return {name: value for name, value in headers.items() if name.startswith("Access-Control-")}


def test_the_answer_names_the_asking_origin_and_never_a_wildcard(door: Door) -> None:
    headers = door.send(page_viewed()).headers
    assert _cors(headers) == {
        "Access-Control-Allow-Origin": INK,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Date, Retry-After",
    }
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("body", [b"{", batch(key="pk_unknown"), batch(*[{}] * 101)])
def test_a_known_origin_can_read_what_went_wrong(door: Door, body: bytes) -> None:
    response = door.knock(body)
    assert response.status_code >= 400
    assert _cors(response.headers)["Access-Control-Allow-Origin"] == INK


@pytest.mark.parametrize("origin", [EVIL, "null", "*", None])
def test_an_unknown_origin_is_told_nothing(door: Door, origin: str | None) -> None:
    for response in (
        door.send(page_viewed(), origin=origin),
        door.knock(b"{", origin=origin),
        door.client.options("/v1/events", headers={"Origin": origin} if origin else {}),
        door.knock(msgspec.json.encode({"events": []}), origin=origin, Authorization=f"Bearer {INK_SECRET}"),
    ):
        assert _cors(response.headers) == {}


def test_a_preflight_allows_what_a_json_client_needs(door: Door) -> None:
    asked = {"Origin": INK, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = door.client.options("/v1/events", headers=asked)
    assert response.status_code == 204
    assert _cors(response.headers) == {
        "Access-Control-Allow-Origin": INK,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": "7200",
        "Access-Control-Expose-Headers": "Date, Retry-After",
    }


# --- clocks -----------------------------------------------------------------------------------------------------------


def _told_by_a_clock_that_is_off(events: list[Json], off_ms: int, stalled_ms: int = 0) -> bytes:
    """The batch as a sender would have written it whose clock is ``off_ms`` ahead, ``stalled_ms`` ago."""

    def shifted(at: object) -> str:
        return to_iso(int(datetime.fromisoformat(str(at)).timestamp() * 1000) + off_ms)

    told = [event | {"at": shifted(event["at"])} for event in events]
    return batch(*told, sent_at=to_iso(wall_clock() - stalled_ms + off_ms))


@pytest.mark.parametrize("off_ms", [-DAY, DAY, -400 * DAY])
def test_a_clock_that_is_days_off_changes_neither_times_nor_decisions(any_door: Door, off_ms: int) -> None:
    happened_at = wall_clock() - 2 * HOUR
    events = [
        happened("contact_given", ago=2 * HOUR, email="anna@shopper.example", consent={"email": True, "text": "yes"}),
        cart_updated(ago=2 * HOUR),
    ]
    answer = answer_of(any_door.knock(_told_by_a_clock_that_is_off(events, off_ms)))
    assert answer["accepted"] == 2
    assert all(abs(int(row.at) - happened_at) < 5 * SECOND for row in any_door.rows(EVENTS))
    assert [(row.rule, row.outcome) for row in any_door.rows(DECISIONS)] == [("left", "fired")]


def test_a_batch_that_was_stalled_for_half_a_minute_keeps_its_times(door: Door) -> None:
    answer_of(door.knock(_told_by_a_clock_that_is_off([page_viewed(ago=50 * SECOND)], 0, stalled_ms=30 * SECOND)))
    (row,) = door.rows(EVENTS)
    assert abs(wall_clock() - 50 * SECOND - int(row.at)) < 5 * SECOND


def test_nothing_happens_in_the_future(door: Door) -> None:
    answer_of(door.send(page_viewed(ago=-30 * SECOND)))
    (row,) = door.rows(EVENTS)
    assert int(row.at) <= wall_clock()


def test_times_may_be_written_in_any_zone(door: Door) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    answer_of(door.send(page_viewed() | {"at": at.astimezone().isoformat()}))
    (row,) = door.rows(EVENTS)
    assert abs(int(row.at) - int(at.timestamp() * 1000)) <= 1


# --- the answer along a story -----------------------------------------------------------------------------------------


def test_a_reader_is_asked_to_check_in_and_then_invited_once(any_door: Door) -> None:
    first = answer_of(any_door.send(page_viewed(ago=10 * SECOND)))
    assert first["messages"] == []
    assert first["check_on"] == "engaged"
    # Ten seconds ago the page was opened and nobody has told yet how long it was looked at.
    assert 40_000 < int(str(first["next_check_ms"])) <= 45_000

    half = answer_of(any_door.send(happened("checked_in", ago=0, engaged_ms=25_000)))
    assert half["messages"] == []
    assert 15_000 < int(str(half["next_check_ms"])) <= 20_000

    whole = answer_of(any_door.send(happened("checked_in", engaged_ms=45_500)))
    (message,) = msgspec.convert(whole["messages"], list[Json])
    assert (message["kind"], message["rule"], message["language"]) == ("invite", "stuck", "nl")
    assert message["text"] == "Zoek je iets?"
    assert whole["next_check_ms"] is None
    assert "check_on" not in whole

    again = answer_of(any_door.send(happened("checked_in", engaged_ms=60_000)))
    assert again["messages"] == whole["messages"]

    shown = answer_of(any_door.send(happened("message_shown", message=message["id"])))
    assert shown["messages"] == []
    assert [row.outcome for row in any_door.rows(DECISIONS)] == ["fired"]
    assert [row.state for row in any_door.rows(DELIVERIES)] == ["shown"]


def test_a_batch_told_again_gets_the_same_message_and_fires_nothing(door: Door) -> None:
    events = [page_viewed(ago=MINUTE), happened("checked_in", engaged_ms=50_000)]
    first = answer_of(door.send(*events))
    again = answer_of(door.send(*events))
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    assert again["messages"] == first["messages"]
    assert len(door.rows(DECISIONS)) == 1


def test_what_one_visitor_is_told_no_other_hears(door: Door) -> None:
    events = [page_viewed(ago=MINUTE), happened("checked_in", engaged_ms=50_000)]
    assert answer_of(door.send(*events))["messages"]
    assert answer_of(door.send(visitor="v2"))["messages"] == []
