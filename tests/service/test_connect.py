"""Our webhooks with a platform: seen to by the clock every hour, and by ``shopbell connect`` now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.cli import run
from engine.clock import HOUR, MINUTE, SECOND
from engine.errands import Errands
from engine.intake import Intake
from engine.store.errands import ERRANDS
from tests.builders import Hands
from tests.service.platform import (
    BELL,
    LOOPBACK,
    Answer,
    Api,
    PlatformDoor,
    open_door_for_commands,
    stop_errands_clock,
)

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return stop_errands_clock(monkeypatch)


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_door_for_commands(tmp_path, database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api(there()) as opened:
        monkeypatch.setattr("integrations.parrot.API", opened.url)
        yield opened


def there(*topics: str, shop: str = "ink", active: bool = True) -> Answer:
    """What the parrot says of its webhooks."""
    address = f"{BELL}/hooks/parrot/{shop}"
    hooks = [{"topic": topic, "address": address, "id": f"id-{topic}", "active": active} for topic in topics]
    return Answer(msgspec.json.encode({"webhooks": hooks}))


DONE, NO = Answer(b"{}"), Answer(b"{}", 403)


def clock_of(door: PlatformDoor, public_url: str = BELL) -> Errands:
    """A clock's errands; whatever a worker is told of does not matter here."""
    told: list[str] = []
    intake = Intake(door.engine, door.house.committer)
    return Errands(door.house.live, intake, told.append, LOOPBACK(), public_url=public_url)


def only_webhooks(door: PlatformDoor, hands: Hands) -> None:
    """Everything else is due in a year."""
    with door.engine.begin() as connection:
        other = (ERRANDS.c.what != "webhooks") | (ERRANDS.c.shop != "ink")
        connection.execute(ERRANDS.update().where(other).values(due_at=hands.now + 365 * 24 * HOUR))


def planned(door: PlatformDoor, hands: Hands, public_url: str = BELL) -> Errands:
    clock = clock_of(door, public_url)
    clock._plan()
    only_webhooks(door, hands)
    return clock


# --- by the clock -----------------------------------------------------------------------------------------------------


def test_the_clock_makes_what_is_missing_and_looks_again_in_an_hour(door: PlatformDoor, hands: Hands, api: Api) -> None:
    api.answers = [there("said"), DONE, there("said", "gone")]
    clock = planned(door, hands)
    assert [clock.run(), clock.run()] == [1, 0]
    assert list(zip(api.methods, api.asked, strict=True)) == [("GET", "/webhooks"), ("POST", "/webhooks?topic=gone")]
    hands.now += HOUR
    assert clock.run() == 1
    assert api.asked[2:] == ["/webhooks"]


def test_what_the_platform_switched_off_is_switched_on_again(door: PlatformDoor, hands: Hands, api: Api) -> None:
    api.answers = [there("said", "gone", active=False), DONE]
    planned(door, hands).run()
    assert api.methods == ["GET", "PUT", "PUT"]


def test_a_refusal_is_told_and_asked_again_later(door: PlatformDoor, hands: Hands, api: Api) -> None:
    api.answers = [there("said"), NO]
    clock = planned(door, hands)
    clock.run()
    [row] = door.rows(ERRANDS, shop="ink", what="webhooks")
    assert (row.attempt, row.problem) == (1, "webhooks were refused: gone: the parrot answered 403")
    assert 'shopbell_errands_failing{integration="parrot",shop="ink"} 1.0' in door.client.get("/metrics").text
    api.answers = [there("said", "gone")]
    hands.now += MINUTE
    assert clock.run() == 1
    [row] = door.rows(ERRANDS, shop="ink", what="webhooks")
    assert (row.attempt, row.problem) == (0, "")


def test_a_platform_that_wants_patience_gets_it(door: PlatformDoor, hands: Hands, api: Api) -> None:
    api.answers = [there(), Answer(b"{}", 429, {"Retry-After": "7"})]
    clock = planned(door, hands)
    clock.run()
    [row] = door.rows(ERRANDS, shop="ink", what="webhooks")
    assert (row.due_at - hands.now, row.attempt) == (7 * SECOND, 0)


def test_a_house_that_no_platform_reaches_registers_nothing(door: PlatformDoor, hands: Hands, api: Api) -> None:
    planned(door, hands, "").run()
    assert door.rows(ERRANDS, what="webhooks") == []
    assert api.asked == []


def test_an_errand_from_before_the_house_lost_its_address_is_dropped(
    door: PlatformDoor, hands: Hands, api: Api
) -> None:
    planned(door, hands)
    clock_of(door, "").run()
    assert door.rows(ERRANDS, shop="ink", what="webhooks") == []
    assert api.asked == []


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_an_operator_sees_what_became_of_each(door: PlatformDoor, api: Api, capsys: Captured) -> None:
    api.answers = [there("said", "old"), DONE, DONE]
    assert run(["connect", "parrot", "--shop", "ink"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ink parrot: https://bell.example/hooks/parrot/ink",
        "  said: stands",
        "  gone: made",
        "  old: removed",
    ]
    assert api.methods == ["GET", "POST", "DELETE"]


def test_who_only_looks_is_told_what_is_wrong_and_nothing_is_changed(
    door: PlatformDoor, api: Api, capsys: Captured
) -> None:
    api.answers = [there("said", "gone", active=False)]
    assert run(["connect", "--shop", "ink", "--look"]) == 1
    assert "  said: mended (it was switched off)" in capsys.readouterr().out
    assert api.methods == ["GET"]
    api.answers = [there("said", "gone")]
    assert run(["connect", "--shop", "ink", "--look"]) == 0


def test_every_shop_is_seen_to_though_one_is_refused(door: PlatformDoor, api: Api, capsys: Captured) -> None:
    api.answers = [there("said"), NO, there("said", "gone", shop="tea")]
    assert run(["connect"]) == 1
    said = capsys.readouterr().out
    assert "  gone: refused (the parrot answered 403)" in said
    assert "tea parrot: https://bell.example/hooks/parrot/tea\n  said: stands\n  gone: stands\n" in said


def test_a_short_pause_is_waited_for_and_a_long_one_is_told(door: PlatformDoor, api: Api, capsys: Captured) -> None:
    api.answers = [there(), Answer(b"{}", 429, {"Retry-After": "0"}), there("said", "gone")]
    assert run(["connect", "--shop", "ink"]) == 0
    api.answers = [there(), Answer(b"{}", 429, {"Retry-After": "3600"})]
    assert run(["connect", "--shop", "ink"]) == 1
    assert "left alone" in capsys.readouterr().err


def test_an_operator_is_told_what_is_missing(
    door: PlatformDoor, api: Api, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["connect", "smtp"]) == 1
    assert "With smtp no webhook can be registered from here; docs/integrations/smtp.md" in capsys.readouterr().err
    assert run(["connect", "shopify"]) == 1
    assert "No shop's rule file names shopify under integrations." in capsys.readouterr().err
    assert run(["connect", "shopfy"]) == 2
    assert "there is no integration called 'shopfy'; there are: " in capsys.readouterr().err
    monkeypatch.setenv("SHOPBELL_ENV", "development")
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8080")
    assert run(["connect"]) == 2
    assert (
        "PUBLIC_URL must be an https address that the platform can reach; it is http://127" in capsys.readouterr().err
    )
    assert api.asked == []
