"""``POST /v1/events`` and bodies that mean harm, or nothing at all: refused in one sentence, and never a 500."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY
from tests.service.doors import (
    INK,
    INK_KEY,
    INK_SECRET,
    Door,
    Json,
    answer_of,
    batch,
    cart_updated,
    error_code,
    open_door,
    page_viewed,
)


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def any_door(tmp_path: Path, database_url: str) -> Iterator[Door]:
    """The same over each kind of database."""
    with open_door(tmp_path, database_url) as opened:
        yield opened


# --- what is refused as a whole ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"nonsense", b"[]", b"7", b'"text"', b"null",
        b'{"key": "pk_ink_pages"}',
        b'{"key": "pk_ink_pages", "events": {}}',
        b'{"key": "pk_ink_pages", "events": null}',
    ],
)  # fmt: skip
def test_what_is_no_batch_is_400(door: Door, body: bytes) -> None:
    assert error_code(door.knock(body), 400) == "malformed_json"


def _with_event_field(text: str) -> bytes:
    return (
        b'{"key": "pk_ink_pages", "visitor": "v1", "events": [{"id": "12345678", "type": "checked_in", "own": %s}]}'
        % (text.encode())
    )


AMBIGUOUS = {
    "NaN": _with_event_field("NaN"),
    "infinity": _with_event_field("Infinity"),
    "minus infinity": _with_event_field("-Infinity"),
    "beyond a float": _with_event_field("1e999"),
    "a huge exponent": _with_event_field("-1e99999999999999999999"),
    "5,000 digits": _with_event_field("7" * 5_000),
    "5,000 decimals": _with_event_field("0." + "7" * 5_000),
    "a lone surrogate": _with_event_field('"\\ud800"'),
    "surrogates the wrong way round": _with_event_field('"\\udc00\\ud800"'),
    "NUL": _with_event_field('"a\\u0000b"'),
    "NUL in a name": _with_event_field('{"a\\u0000": 1}'),
    "a key twice": _with_event_field('{"a": 1, "a": 2}'),
    "10,000 deep": _with_event_field("[" * 10_000 + "]" * 10_000),
    "5,000 objects deep": _with_event_field('{"a":' * 5_000 + "1" + "}" * 5_000),
    "two keys": batch(page_viewed())[:-1] + b', "key": "pk_tea_pages"}',
    "no UTF-8": batch(page_viewed()).replace(b"Ink", b"\xff\xfe"),
    "a surrogate in UTF-8": batch(page_viewed()).replace(b"Ink", b"\xed\xa0\x80"),
    "UTF-16": batch(page_viewed()).decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + batch(page_viewed()),
}


@pytest.mark.parametrize("body", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_two_readers_could_read_differently_is_400_for_everybody(door: Door, body: bytes) -> None:
    assert error_code(door.knock(body), 400) == "malformed_json"
    assert door.kept() == 0


@pytest.mark.parametrize("depth", [50, 400, 700, 800, 850, 900, 920, 930])
def test_nesting_that_can_be_read_can_be_kept(door: Door, depth: int) -> None:
    """Between what the reader takes and what the writer takes there is no gap for a 500."""
    response = door.knock(_with_event_field("[" * depth + "]" * depth))
    assert response.status_code in (202, 400)


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 4_000])
@pytest.mark.parametrize("place", ["seq", "own", "customer_id", "product"])
def test_whole_numbers_beyond_64_bits_break_nothing(any_door: Door, place: str, number: str) -> None:
    value = f'{{"stock": {number}, "price": {number}}}' if place == "product" else number
    raw = f'{{"id": "12345678", "type": "checked_in", "{place}": {value}}}'
    body = f'{{"key": "{INK_KEY}", "visitor": "v1", "events": [{raw}]}}'
    answer = answer_of(any_door.knock(body.encode()))
    assert answer["accepted"] == any_door.kept()
    assert len(msgspec.convert(answer["rejected"], list[Json])) == 1 - any_door.kept()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", 7, None])
def test_impossible_clocks_break_nothing(door: Door, at: str, sent_at: object) -> None:
    body = batch({"id": "12345678", "type": "page_viewed", "at": at, "page": {"url": f"{INK}/help/x"}}, sent_at=sent_at)
    assert answer_of(door.knock(body))["accepted"] == 1
    assert answer_of(door.send(page_viewed(), cart_updated(ago=DAY)))["accepted"] == 2


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/html", ""])
def test_other_media_types_are_415(door: Door, media_type: str) -> None:
    assert error_code(door.knock(batch(page_viewed()), Content_Type=media_type), 415) == "wrong_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_bodies_are_415(door: Door, encoding: str) -> None:
    squeezed = gzip.compress(batch(page_viewed()))
    assert error_code(door.knock(squeezed, Content_Encoding=encoding), 415) == "wrong_media_type"


def _padded(size: int, body: Json) -> bytes:
    """The batch as JSON of exactly ``size`` bytes."""
    bare = msgspec.json.encode(body | {"padding": ""})
    return msgspec.json.encode(body | {"padding": "x" * (size - len(bare))})


@pytest.mark.parametrize(("over", "status"), [(0, 202), (1, 413), (1024 * 1024, 413)])
def test_a_browser_may_send_64_kib(door: Door, over: int, status: int) -> None:
    body = _padded(64 * 1024 + over, {"key": INK_KEY, "visitor": "v1", "events": [page_viewed()]})
    assert door.knock(body).status_code == status
    assert door.kept() == (status == 202)


@pytest.mark.parametrize(("over", "status"), [(0, 202), (1, 413)])
def test_a_server_may_send_512_kib(door: Door, over: int, status: int) -> None:
    body = _padded(512 * 1024 + over, {"events": [page_viewed() | {"visitor": "v1"}]})
    assert door.knock(body, origin=None, Authorization=f"Bearer {INK_SECRET}").status_code == status


def test_other_methods_are_405_and_say_which_are_allowed(door: Door) -> None:
    response = door.client.get("/v1/events")
    assert error_code(response, 405) == "method_not_allowed"
    assert {"POST", "OPTIONS"} <= set(response.headers["Allow"].split(", "))


def test_what_is_not_there_is_a_404_that_quotes_nothing(door: Door) -> None:
    response = door.client.get("/v1/<script>")
    assert error_code(response, 404) == "not_found"
    assert b"script" not in response.data
