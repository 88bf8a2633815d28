"""``POST /hooks/<integration>/<shop>``: who may speak, what is kept, and what comes twice."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.event import listen

from engine.errors import SettingsError
from engine.pipeline import Answer
from engine.store import quarantine
from engine.store.unit import EVENTS, RECEIPTS
from engine.web import create_app
from tests.service.doors import Json, error_code, happened, order_placed
from tests.service.platform import (
    SECRETS,
    PlatformDoor,
    open_platform_door,
    parrot_at_home,
    platform_settings,
    result_of,
)


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def any_door(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    """For what has nothing to do with the database."""
    with open_platform_door(tmp_path, sqlite_url, monkeypatch) as opened:
        yield opened


def saying(*events: object) -> bytes:
    return msgspec.json.encode({"events": events})


def ordered(order_id: str = "o1") -> Json:
    return order_placed(order_id, email="anna@shopper.example")


# --- who may speak ----------------------------------------------------------------------------------------------------


def test_what_is_signed_is_kept_and_trusted(door: PlatformDoor) -> None:
    assert door.say(ordered()) == "accepted"
    [row] = door.rows(EVENTS, shop="ink")
    assert (row.type, row.trusted) == ("order_placed", True)
    assert b'"email":"anna@shopper.example"' in row.body.encode()


@pytest.mark.parametrize("signature", ["", "x", "é", "ÿþ", "=" * 44, "A" * 10_000])
def test_another_signature_is_401_whatever_it_is(any_door: PlatformDoor, signature: str) -> None:
    answer = any_door.post("/hooks/parrot/ink", saying(ordered()), {"X-Signature": signature, "X-Topic": "said"})
    assert error_code(answer, 401) == "bad_signature"
    assert any_door.kept() == 0


def test_one_changed_byte_is_401(any_door: PlatformDoor) -> None:
    body = saying(ordered())
    good = any_door.deliver(body)
    signature = {name: value for name, value in good.request.headers.items() if name.startswith("X-")}
    assert error_code(any_door.post("/hooks/parrot/ink", body[:-1] + b" ", signature), 401) == "bad_signature"


def test_one_shops_secret_opens_nothing_in_another(any_door: PlatformDoor) -> None:
    answer = any_door.deliver(saying(ordered()), shop="tea", secret=SECRETS["ink"])
    assert error_code(answer, 401) == "bad_signature"


@pytest.mark.parametrize("path", ["/hooks/parrot/nowhere", "/hooks/smtp/ink", "/hooks/cockatoo/ink"])
def test_where_nothing_receives_is_404(any_door: PlatformDoor, path: str) -> None:
    assert error_code(any_door.post(path, b"{}", {}), 404) == "not_found"


def test_a_knock_that_only_wants_to_be_answered_is_answered(any_door: PlatformDoor) -> None:
    assert result_of(any_door.post("/hooks/parrot/ink", b"webhook_id=7", {"X-Knock": "1"})) == "answered"


def test_without_its_secret_a_platform_could_not_be_known_so_nothing_starts(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parrot_at_home(monkeypatch):
        settings = platform_settings(tmp_path, sqlite_url)
        PlatformDoor(settings).close()
        for value in ("", " "):
            monkeypatch.setenv("PARROT_TEA", value)
            with pytest.raises(SettingsError, match="secret names env:PARROT_TEA, which is not set"):
                create_app(settings)


def test_a_platform_that_is_named_later_without_its_secret_is_asked_to_come_again(
    any_door: PlatformDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = any_door.settings.rules / "ink.yaml"
    file.write_text(file.read_text().replace("env:PARROT_INK", "env:PARROT_OTHER"))
    any_door.house.live.look_now()
    any_door.house.live.look_now()
    answer = any_door.deliver(saying(ordered()))
    assert error_code(answer, 503) == "unavailable"
    monkeypatch.setenv("PARROT_OTHER", SECRETS["ink"])
    assert result_of(any_door.deliver(saying(ordered()))) == "accepted"


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413), (1024 * 1024, 413)])
def test_a_body_may_be_as_large_as_the_platform_makes_them(any_door: PlatformDoor, over: int, status: int) -> None:
    body = saying(ordered())
    body += b" " * (64 * 1024 - len(body) + over)
    assert any_door.deliver(body).status_code == status
    assert any_door.kept() == (status == 200)


def test_a_compressed_body_is_415(any_door: PlatformDoor) -> None:
    answer = any_door.deliver(gzip.compress(saying(ordered())), Content_Encoding="gzip")
    assert error_code(answer, 415) == "wrong_media_type"


def _with_order(text: str) -> bytes:
    return f'{{"events": [{{"type": "order_placed", "order": {{{text}}}}}]}}'.encode()


BYTES = {
    "PHP's escapes": _with_order(r'"id": "a\/b", "email": "caf\u00e9@x.example"'),
    "line separators": _with_order('"id": "a\u2028b", "email": "a@x.example"'),
    "emoji": _with_order('"id": "🖋️", "email": "a@x.example"'),
    "a number of nineteen digits": _with_order('"id": 820982911946154508, "email": "a@x.example"'),
}


@pytest.mark.parametrize("body", BYTES.values(), ids=BYTES)
def test_bytes_are_checked_as_they_came(any_door: PlatformDoor, body: bytes) -> None:
    assert result_of(any_door.deliver(body)) == "accepted"
    assert any_door.kept() == 1


def test_a_number_of_nineteen_digits_stays_what_it_is(any_door: PlatformDoor) -> None:
    any_door.deliver(BYTES["a number of nineteen digits"])
    assert "820982911946154508" in any_door.rows(EVENTS)[0].body


_BODIES = st.binary(max_size=300) | st.sampled_from([b"{}", b"[]", b"null", b'{"events": [{}]}', b'{"events": [[]]}'])
_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)

_TOPICS = st.sampled_from(["said", "asked", "gone", "broken"])


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    body=_BODIES, topic=_HEADER | st.sampled_from(["said", "asked", "gone", "broken"]), name=_HEADER, signature=_HEADER
)
def test_no_bytes_break_the_door(any_door: PlatformDoor, body: bytes, topic: str, name: str, signature: str) -> None:
    """`post` holds every answer against the published contract, which knows no 500."""
    headers = {"X-Topic": topic.strip(), "X-Id": name.strip(), "X-Signature": signature.strip()}
    assert any_door.post("/hooks/parrot/ink", body, headers).status_code == 401
    assert any_door.deliver(body, topic.strip(), name=name.strip() or "n").status_code == 200


# --- twice ------------------------------------------------------------------------------------------------------------


def test_the_same_delivery_counts_once(door: PlatformDoor) -> None:
    body = saying(ordered())
    assert [result_of(door.deliver(body, name="one")) for _ in range(3)] == ["accepted", "duplicate", "duplicate"]
    assert door.kept() == 1
    assert {row.integration for row in door.rows(RECEIPTS, shop="ink")} == {"parrot"}


def test_the_same_content_under_another_id_counts_once(door: PlatformDoor) -> None:
    body = saying(ordered())
    assert result_of(door.deliver(body, name="one")) == "accepted"
    assert result_of(door.deliver(body, name="two")) == "duplicate"


def test_the_same_id_with_other_content_counts_once(door: PlatformDoor) -> None:
    assert result_of(door.deliver(saying(ordered("o1")), name="one")) == "accepted"
    assert result_of(door.deliver(saying(ordered("o2")), name="one")) == "duplicate"


def test_two_shops_may_be_told_the_same(door: PlatformDoor) -> None:
    body = saying(ordered())
    assert result_of(door.deliver(body, name="one")) == "accepted"
    assert result_of(door.deliver(body, name="one", shop="tea")) == "accepted"


def test_many_repeats_at_the_same_moment_count_once(door: PlatformDoor) -> None:
    body = saying(ordered())
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.result() for answer in [pool.submit(_knock, door, body) for _ in range(24)]]
    assert answers.count("accepted") == 1
    assert answers.count("duplicate") == 23
    assert door.kept() == 1


def _knock(door: PlatformDoor, body: bytes) -> str:
    return result_of(door.deliver(body, name="one"))


def test_what_was_not_kept_is_taken_when_it_comes_again(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = saying(ordered())
    with open_platform_door(tmp_path, sqlite_url, monkeypatch) as door:
        listen(door.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=200"))
        assert door.say(ordered("before")) == "accepted"
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            answers = [door.deliver(body, topic, name="one") for topic in ("said", "broken", "asked")]
            assert [error_code(answer, 503) for answer in answers[:2]] == ["unavailable", "unavailable"]
            assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers[:2])
            other.execute("ROLLBACK")
        assert result_of(door.deliver(body, name="one")) == "accepted"
        assert door.kept() == 2


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("said", b"{", "not JSON"),
        ("said", b"[]", "no JSON object"),
        ("said", b"{}", "there are no events in it"),
        (
            "said",
            saying({"type": "order_placed", "order": {"id": "o1", "total": "canary"}}),
            "order.total must be a number",
        ),
        ("said", saying({"type": "order_placed"}), "order is missing"),
        ("said", saying(order_placed()), "names nobody"),
        ("broken", b'{"canary": 1}', "reading it broke: KeyError"),
    ],
)
def test_what_is_signed_and_unreadable_is_set_aside_whole(
    door: PlatformDoor, topic: str, body: bytes, reason: str
) -> None:
    assert result_of(door.deliver(body, topic)) == "quarantined"
    assert result_of(door.deliver(body, topic)) == "quarantined"
    [kept] = quarantine.everything(door.engine, "ink")
    assert reason in kept.reason
    assert "canary" not in kept.reason
    assert kept.delivery.body == body
    assert (door.kept(), door.rows(RECEIPTS)) == (0, [])


@pytest.mark.parametrize("breaks", [OverflowError, ValueError])
def test_what_no_database_would_ever_keep_is_set_aside_and_acknowledged(
    door: PlatformDoor, monkeypatch: pytest.MonkeyPatch, breaks: type[Exception]
) -> None:
    """Any other answer counts as a failure to platforms, and after some in a row they send nothing at all any more."""

    def refuse(*told: object) -> list[Answer]:
        raise breaks("canary")

    body = saying(ordered())
    with monkeypatch.context() as changed:
        changed.setattr("engine.committer.process", refuse)
        assert result_of(door.deliver(body)) == "quarantined"
    [kept] = quarantine.everything(door.engine, "ink")
    assert kept.reason == "something in it is a value that no database keeps"
    assert (kept.delivery.body, door.kept()) == (body, 0)
    assert result_of(door.deliver(saying(ordered("o2")))) == "accepted"


def test_what_may_be_kept_later_is_sent_again(any_door: PlatformDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*told: object) -> list[Answer]:
        raise RuntimeError

    with monkeypatch.context() as changed:
        changed.setattr("engine.committer.process", refuse)
        assert error_code(any_door.deliver(saying(ordered()), name="one"), 503) == "unavailable"
    assert quarantine.everything(any_door.engine, "ink") == []
    assert result_of(any_door.deliver(saying(ordered()), name="one")) == "accepted"


def test_one_bad_event_sets_its_whole_delivery_aside(door: PlatformDoor) -> None:
    assert door.say(ordered(), happened("order_placed")) == "quarantined"
    assert door.kept() == 0


def test_what_nobody_asked_for_is_acknowledged_and_counted(any_door: PlatformDoor) -> None:
    assert result_of(any_door.deliver(b"{}", "weather/changed")) == "unknown_topic"
    assert any_door.kept() == 0
    told = any_door.client.get("/metrics").text
    assert 'shopbell_hooks_total{integration="parrot",result="unknown_topic"}' in told


def test_what_waits_in_quarantine_is_measured(door: PlatformDoor) -> None:
    door.deliver(b"{", "said")
    assert 'shopbell_quarantined{integration="parrot",shop="ink"} 1.0' in door.client.get("/metrics").text
