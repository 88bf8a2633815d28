"""An address, a name, a cart and a token go through every door, also where things break: no log ever repeats them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.event import listen

from engine.clock import MINUTE
from engine.committer import Committer
from engine.live import LiveRules
from engine.pipeline import group
from tests.service.doors import (
    INK,
    Door,
    Json,
    batch,
    cart_updated,
    error_code,
    happened,
    open_door,
    order_placed,
    page_viewed,
)

MARK = "canary7f3a"
MAIL, NAME = f"{MARK}@shopper.example", f"{MARK} Vogel"
Captured = pytest.CaptureFixture[str]


class Poisoned(Exception):
    """What a mistake of ours might raise: it quotes what it was working on."""


@pytest.fixture
def door(tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[Door]:
    caplog.set_level(logging.DEBUG)
    with open_door(tmp_path, database_url) as opened:
        yield opened


def a_visit() -> list[Json]:
    """Everything that a shopper may tell of herself."""
    page = {"url": f"{INK}/help/?email={MAIL}", "title": NAME, "referrer": f"https://{MARK}.example/"}
    return [
        page_viewed(ago=MINUTE) | {"page": page},
        happened("contact_given", email=MAIL, name=NAME, customer_id=MARK, consent={"email": True, "text": NAME}),
        cart_updated(cart_id=f"cart-{MARK}", coupon=MARK),
        happened("searched", query=NAME, results=0),
        happened(f"own_{MARK}", note=NAME),
        order_placed(f"order-{MARK}", email=MAIL, cart_id=f"cart-{MARK}"),
        happened("cart_updated", cart={"total": MAIL}),
        {"id": f"short-{MARK}", "type": NAME},
    ]


def nothing_was_told(captured: Captured, caplog: pytest.LogCaptureFixture, door: Door) -> None:
    told = captured.readouterr()
    for where, text in (
        ("stdout", told.out),
        ("stderr", told.err),
        ("logging", caplog.text),
        ("metrics", door.client.get("/metrics").get_data(as_text=True)),
        ("readyz", door.client.get("/readyz").get_data(as_text=True)),
    ):
        assert MARK not in text, where


def test_what_goes_well_leaves_no_trace_in_a_log(door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture) -> None:
    assert door.send(*a_visit(), visitor=MARK).status_code == 202
    assert door.send(*a_visit(), visitor=MARK).status_code == 202
    assert door.report(*(event | {"visitor": MARK} for event in a_visit())).status_code == 202
    assert door.report(order_placed(email=MAIL)).status_code == 202
    nothing_was_told(capfd, caplog, door)


def test_what_is_refused_leaves_no_trace_in_a_log(
    door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    door.send(*a_visit(), key=f"pk_{MARK}")
    door.send(*a_visit(), origin=f"https://{MARK}.example")
    door.report(*a_visit(), secret=f"sk_{MARK}")
    door.knock(batch(*a_visit())[:-3])
    door.knock(f'{{"{MARK}": 1, "{MARK}": 2}}'.encode())
    door.knock(batch(*a_visit()), Content_Type=f"text/{MARK}")
    door.knock(MAIL.encode() * 50_000)
    for path in (f"/{MARK}", f"/u/{MARK}", f"/c/{MARK}", f"/v1/carts/{MARK}", f"/{MARK}.js?email={MAIL}"):
        assert door.client.get(path).status_code == 404
    assert door.client.post(f"/u/{MARK}", data={"email": MAIL}).status_code == 404
    nothing_was_told(capfd, caplog, door)


def test_links_leave_no_trace_in_a_log(door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture) -> None:
    door.send(*a_visit(), visitor=MARK)
    for link in (
        door.house.links.restore("ink", f"cart-{MARK}", "d1"),
        door.house.links.unsubscribe("ink", MARK, "d1"),
    ):
        path = link.removeprefix(door.settings.public_url)
        door.client.get(path)
        door.client.post(path)
        assert path.rpartition("/")[2] not in capfd.readouterr().out
    nothing_was_told(capfd, caplog, door)


def test_a_visitor_that_breaks_the_house_is_set_aside_without_being_quoted(
    door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise Poisoned(f"cannot handle {MAIL}")

    monkeypatch.setattr(group, "apply", breaks)
    assert door.send(*a_visit(), visitor="v1").status_code == 202
    monkeypatch.undo()
    nothing_was_told(capfd, caplog, door)


def test_a_commit_that_fails_is_told_without_quoting(
    door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise Poisoned(f"cannot keep {MAIL}")

    monkeypatch.setattr(Committer, "_process", breaks)
    response = door.send(*a_visit(), visitor=MARK)
    monkeypatch.undo()
    assert error_code(response, 503) == "unavailable"
    assert MARK.encode() not in response.data
    nothing_was_told(capfd, caplog, door)


def test_a_mistake_of_ours_is_a_500_that_quotes_nobody(
    door: Door, capfd: Captured, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise Poisoned(f"cannot even begin with {MAIL}")

    monkeypatch.setattr(LiveRules, "shop", breaks)
    response = door.client.post(
        "/v1/events", data=batch(*a_visit()), headers={"Content-Type": "text/plain", "Origin": INK}
    )
    monkeypatch.undo()
    assert error_code(response, 500) == "internal_server_error"
    assert MARK.encode() not in response.data
    told = capfd.readouterr()
    assert "Poisoned" in told.out + told.err  # it is told, by kind and place
    assert MARK not in told.out + told.err + caplog.text


def test_a_database_that_says_no_quotes_nobody(
    tmp_path: Path, sqlite_url: str, capfd: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with open_door(tmp_path, sqlite_url) as door:
        listen(door.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=100"))
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert door.send(*a_visit(), visitor=MARK).status_code == 503
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END")
        assert door.send(*a_visit(), visitor=MARK).status_code == 503
        nothing_was_told(capfd, caplog, door)
