"""What a platform asks on behalf of people: given out and erased for real, with no trace in what was set aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from engine import hints
from engine.cli import run
from engine.clock import DAY, to_iso
from engine.hints import Ringer
from engine.schedule import Rounds
from engine.store import errands, models, privacy_requests, quarantine
from engine.store.database import reading
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, EVENTS, PEOPLE
from tests.builders import Hands
from tests.service.doors import Json, cart_updated, environment_for, happened, order_placed, page_viewed
from tests.service.platform import PlatformDoor, open_platform_door, result_of

ADDRESS = "anna.canary@shopper.example"
ORDER = "parrot:order:1001"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    for name, value in environment_for(tmp_path, database_url).items():
        monkeypatch.setenv(name, value)
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


def everything(door: PlatformDoor) -> str:
    with reading(door.engine) as connection:
        tables = models.Base.metadata.tables.values()
        return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(select(table)))


def anna_and_a_neighbour(door: PlatformDoor) -> None:
    consent = {"email": True, "text": "ja", "source": "checkout"}
    given = happened("contact_given", email=ADDRESS, name="Anna Canary", consent=consent)
    door.send(page_viewed(), cart_updated(cart_id="canary-cart"), given, visitor="canary-phone")
    door.say(order_placed("1001", email=ADDRESS, customer_id=191167) | {"refs": [ORDER]})
    door.deliver(msgspec.json.encode({"unreadable": ADDRESS}))
    door.deliver(rb'{"unreadable": "anna.canary\u0040shopper.example"}')
    door.deliver(rb'{"unreadable": {"customer": 191167}}')
    door.deliver(rb'{"unreadable": {"customer": 1911670}}')
    door.say(order_placed("2002", email="bob@shopper.example"))


def ask(door: PlatformDoor, **request: object) -> str:
    return result_of(door.deliver(msgspec.json.encode(request), "asked"))


def test_an_erasure_leaves_no_trace_and_spares_the_neighbour(door: PlatformDoor) -> None:
    anna_and_a_neighbour(door)
    assert ask(door, kind="erase", email=ADDRESS.upper(), customer_id="191167", reference="7") == "accepted"
    left = everything(door)
    for trace in ("anna", "canary", "191167'", "1001'"):
        assert trace not in left.casefold()
    assert "bob@shopper.example" in left
    assert [b"1911670" in kept.delivery.body for kept in quarantine.everything(door.engine)] == [True]
    [request] = privacy_requests.everything(door.engine)
    assert (request.kind, request.reference, request.done_at is not None) == ("erase", "7", True)
    assert request.rows > 10


def test_an_erasure_may_come_twice_and_for_somebody_unknown(door: PlatformDoor) -> None:
    anna_and_a_neighbour(door)
    answers = [ask(door, kind="erase", email=ADDRESS) for _ in range(2)] + [
        ask(door, kind="erase", email="x@y.example")
    ]
    assert answers == ["accepted"] * 3
    assert [request.rows > 0 for request in privacy_requests.everything(door.engine)] == [True, False, False]


def test_an_erasure_by_hand_takes_along_what_nobody_could_read_and_what_was_still_to_be_asked(
    door: PlatformDoor,
) -> None:
    anna_and_a_neighbour(door)
    order = order_placed("gid-99001001", email=ADDRESS, customer_id=191167)
    door.say(order | {"refs": ["parrot:order:gid-99001001", "parrot:cart:canary-c1"]})
    door.deliver(b'{"unreadable": {"order": "gid-99001001"}}')
    about_her = ["customer:191167", "order:1001", "order:gid-99001001", "cart:canary-c1"]
    errands.plan(door.engine, "ink", "parrot", [*about_her, "order:2002", "orders"], again=False)
    assert run(["erase", ADDRESS, "--shop", "ink", "--yes"]) == 0
    assert {row.what for row in door.rows(ERRANDS)} == {"order:2002", "orders"}
    assert [b"1911670" in kept.delivery.body for kept in quarantine.everything(door.engine)] == [True]
    assert "gid-99001001" not in everything(door)


def test_what_nobody_could_read_is_kept_for_a_time_and_not_longer(
    door: PlatformDoor, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(door.engine, Ringer(hints.connect(redis_url)), keep_unread_ms=30 * DAY)
    door.deliver(msgspec.json.encode({"unreadable": ADDRESS}))
    [kept] = quarantine.everything(door.engine)
    still = Hands(kept.received_at + 30 * DAY)
    monkeypatch.setattr(quarantine, "database_now", lambda connection: still())
    rounds.tidy()
    assert [each.id for each in quarantine.everything(door.engine)] == [kept.id]
    still.now += 1
    rounds.tidy()
    assert quarantine.everything(door.engine) == []


def test_orders_of_a_guest_are_erased_by_their_names(door: PlatformDoor) -> None:
    door.say(happened("order_shipped", refs=[ORDER], order={"id": "canary-1001"}))
    assert "canary-1001" in everything(door)
    ask(door, kind="erase", refs=[ORDER])
    assert "canary-1001" not in everything(door)
    assert ORDER not in everything(door)


def test_a_shops_end_takes_everybody_and_leaves_the_other_shop(door: PlatformDoor) -> None:
    anna_and_a_neighbour(door)
    door.say(order_placed("3003", email="cleo@shopper.example"), shop="tea")
    ask(door, kind="erase_shop")
    assert (door.kept("ink"), door.kept("tea")) == (0, 1)
    left = everything(door)
    assert "cleo@shopper.example" in left
    assert "bob@shopper.example" not in left


def test_an_export_waits_until_it_is_given_out(door: PlatformDoor, capsys: Captured) -> None:
    anna_and_a_neighbour(door)
    ask(door, kind="export", email=ADDRESS, reference="9999")
    ask(door, kind="export", email="nobody@shopper.example")
    assert "shopbell_privacy_requests_waiting 1.0" in door.client.get("/metrics").text
    [waiting] = [request for request in privacy_requests.everything(door.engine) if request.done_at is None]
    assert waiting.reference == "9999"
    capsys.readouterr()
    assert run(["privacy", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.endswith("waits") for line in listed] == [True, False]
    assert run(["privacy", "export", waiting.id, "--done"]) == 0
    kept: Json = msgspec.json.decode(capsys.readouterr().out)
    assert ADDRESS in str(kept["person"])
    assert "canary-phone" in str(kept["visitors"])
    assert "shopbell_privacy_requests_waiting 0.0" in door.client.get("/metrics").text
    assert run(["privacy", "list", "--json"]) == 0
    assert len(msgspec.json.decode(capsys.readouterr().out)) == 2


def test_there_is_no_export_of_nobody(door: PlatformDoor, capsys: Captured) -> None:
    ask(door, kind="export", email="nobody@shopper.example")
    [request] = privacy_requests.everything(door.engine)
    for name in (request.id, "req_unknown"):
        with pytest.raises(SystemExit):
            run(["privacy", "export", name])
    assert "no export" in capsys.readouterr().err


def test_a_platform_that_leaves_is_told_about(door: PlatformDoor, capsys: Captured) -> None:
    assert result_of(door.deliver(b"{}", "gone")) == "accepted"
    assert "the platform disconnected the shop" in capsys.readouterr().out


# --- the quarantine, as an operator meets it --------------------------------------------------------------------------


def only_name(door: PlatformDoor) -> str:
    [kept] = quarantine.everything(door.engine)
    return kept.id


def test_the_list_tells_when_what_and_why_and_nobody_by_name(door: PlatformDoor, capsys: Captured) -> None:
    door.deliver(msgspec.json.encode({"unreadable": ADDRESS}))
    capsys.readouterr()
    assert run(["quarantine", "list"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(only_name(door))
    until = to_iso(quarantine.everything(door.engine)[0].received_at + 30 * DAY)
    assert f" until {until} " in line
    assert line.endswith("ink parrot said: there are no events in it")
    assert run(["quarantine", "list", "--shop", "tea", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == []
    assert run(["quarantine", "list", "--json"]) == 0
    [told] = msgspec.json.decode(capsys.readouterr().out)
    assert (told["topic"], told["tries"], told["delivery"]["bytes"]) == ("said", 1, 44)
    assert told["kept_until"] == until


def test_one_is_shown_byte_by_byte(door: PlatformDoor, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    door.deliver(b'{"caf\\u00e9": "\xc3\xa9"}')
    capsysbinary.readouterr()
    assert run(["quarantine", "show", only_name(door)]) == 0
    assert capsysbinary.readouterr().out == b'{"caf\\u00e9": "\xc3\xa9"}\n'


def test_what_can_be_read_by_now_is_taken_in_once(door: PlatformDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    body = msgspec.json.encode({"events": [order_placed("1001", email=ADDRESS)]})
    kind = type(_parrot(door))
    with monkeypatch.context() as patched:
        patched.setattr(kind, "read", _breaks)
        assert result_of(door.deliver(body)) == "quarantined"
        assert run(["quarantine", "replay", only_name(door)]) == 1
        assert quarantine.everything(door.engine)[0].tries == 2
    assert door.kept() == 0
    assert run(["quarantine", "replay", "--all"]) == 0
    assert (door.kept(), quarantine.everything(door.engine)) == (1, [])
    assert result_of(door.deliver(body)) == "duplicate"


def _parrot(door: PlatformDoor) -> object:
    shop = door.house.live.shop("ink")
    assert shop is not None
    platform = door.house.intake.platform(shop, "parrot")
    assert platform is not None
    return platform.receiver


def _breaks(*_: object) -> None:
    raise LookupError("a release that cannot read this yet")


def test_what_nobody_needs_is_dropped(door: PlatformDoor) -> None:
    door.deliver(b"{")
    name = only_name(door)
    assert [run(["quarantine", "drop", name]), run(["quarantine", "drop", name])] == [0, 1]
    with pytest.raises(SystemExit):
        run(["quarantine", "show", name])


def test_a_replay_says_which_one_or_all(door: PlatformDoor) -> None:
    assert run(["quarantine", "replay"]) == 2
    assert run(["quarantine", "replay", "qua_1", "--all"]) == 2


def test_nothing_is_owed_to_anybody_of_an_erased_person(door: PlatformDoor) -> None:
    anna_and_a_neighbour(door)
    ask(door, kind="erase", email=ADDRESS)
    assert door.rows(DELIVERIES) == []
    assert all("anna" not in str(row.body) for row in door.rows(EVENTS))
    assert len(door.rows(PEOPLE)) == 1
