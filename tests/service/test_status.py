"""``shopbell status``: somebody who connects a shop sees at one glance that it works, or why it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import standing
from engine.cli import run
from engine.clock import MINUTE
from engine.errands import Errands
from engine.errors import StoreError
from engine.intake import Intake
from engine.settings import Settings
from engine.standing import Connected, Mark, Standing, how_it_stands
from engine.store import errands, heard
from engine.store.errands import ERRANDS
from engine.store.heard import HEARD, Sound
from engine.store.keys import revoke_key
from tests.builders import Hands
from tests.service.doors import INK_KEY
from tests.service.platform import (
    BELL,
    LOOPBACK,
    Answer,
    Api,
    PlatformDoor,
    open_door_for_commands,
    stop_errands_clock,
)

NOTHING = Answer(b'{"events": [], "webhooks": []}')
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The clock of everything that is told, standing still until it is moved."""
    still = stop_errands_clock(monkeypatch)
    for module in (heard, standing):
        monkeypatch.setattr(module, "database_now", lambda connection: still())
    return still


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_door_for_commands(tmp_path, database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api(NOTHING) as opened:
        monkeypatch.setattr("integrations.parrot.API", opened.url)
        yield opened


def look(door: PlatformDoor, **changed: str) -> Standing:
    """How the shop ``ink`` stands, with everything written down that its doors heard."""
    door.house.heard.flush()
    shop = door.house.live.shop("ink")
    assert shop is not None
    environ = {"SHOPBELL_ENV": "production", "SECRET_KEY": "x" * 32, "PUBLIC_URL": BELL} | changed
    return how_it_stands(door.engine, [shop], Settings.from_env(environ))


def part(stands: Standing, name: str) -> Connected:
    return next(each for each in stands.shops["ink"] if each.name == name)


def told(stands: Standing, name: str = "parrot") -> dict[str, str]:
    """What is said of it, with its mark, by what it is about."""
    return {line.about: f"{line.mark}: {line.says}" for line in part(stands, name).lines}


def ask_everything(door: PlatformDoor) -> None:
    intake = Intake(door.engine, door.house.committer)
    ring: list[str] = []
    Errands(door.house.live, intake, ring.append, LOOPBACK(), public_url=BELL).run()


# --- what comes -------------------------------------------------------------------------------------------------------


def test_before_anything_has_come_it_says_where_webhooks_belong(door: PlatformDoor, hands: Hands) -> None:
    assert told(look(door))["heard"] == "waits: nothing yet; webhooks belong at https://bell.example/hooks/parrot/ink"


def test_an_address_that_no_platform_reaches_is_wrong(door: PlatformDoor, hands: Hands) -> None:
    said = told(look(door, SHOPBELL_ENV="development", PUBLIC_URL="http://127.0.0.1:8080"))
    assert said["heard"].startswith(
        "wrong: nothing yet, and no platform can reach http://127.0.0.1:8080: set PUBLIC_URL"
    )
    assert "webhooks" not in said


def test_what_came_is_counted_by_what_became_of_it(door: PlatformDoor, hands: Hands) -> None:
    body = b'{"events": []}'
    door.deliver(body, name="one")
    look(door)
    hands.now += MINUTE
    door.deliver(body, topic="elsewhere")
    hands.now += MINUTE
    door.deliver(body, topic="elsewhere")
    said = told(look(door))["heard"]
    assert said == "fine: 2 unknown_topic, 1 accepted; the last 0 s ago"


def test_a_wrong_secret_is_told_with_its_reason_until_something_good_comes(door: PlatformDoor, hands: Hands) -> None:
    door.deliver(b"{}", secret="another")
    door.deliver(b"{}", secret="another")
    stands = look(door)
    assert told(stands)["refused"] == "wrong: 2 times, the last 0 s ago: the body is not what was signed"
    assert part(stands, "parrot").mark is Mark.WRONG
    hands.now += MINUTE
    door.deliver(b'{"events": []}')
    assert told(look(door))["refused"] == "fine: 2 times, the last 1 min ago: the body is not what was signed"


def test_a_webhook_to_a_misspelt_shop_is_told_with_what_stood_there(door: PlatformDoor, hands: Hands) -> None:
    door.post("/hooks/parrot/inkk", b"{}", {})
    door.post("/hooks/nobody/ink", b"{}", {})
    stands = look(door)
    [stray] = stands.strays
    assert (stray.about, stray.mark) == ("parrot", Mark.WRONG)
    assert stray.says == "once, 0 s ago: no shop here receives at that address (inkk)"
    assert told(stands)["heard"].startswith("waits")


def test_a_secret_that_is_not_there_is_told_by_the_settings_and_by_the_door(
    door: PlatformDoor, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARROT_INK")
    door.house.intake._opened.clear()
    assert door.post("/hooks/parrot/ink", b"{}", {}).status_code == 503
    said = told(look(door))
    assert said["settings"] == (
        "wrong: integration parrot: secret names env:PARROT_INK, which is not set (where this command runs)"
    )
    assert said["refused"].endswith("its secret is not in the environment")


def test_what_could_not_be_read_and_what_waits_for_somebody_is_told(door: PlatformDoor, hands: Hands) -> None:
    door.deliver(b"{}")
    door.say({"type": "contact_given", "email": "kim@shop.example", "consent": {"email": True}})
    door.deliver(msgspec.json.encode({"kind": "export", "email": "kim@shop.example"}), topic="asked")
    said = told(look(door))
    assert said["quarantine"] == "wrong: 1 webhook could not be read: see `shopbell quarantine list`"
    assert said["privacy"] == "waits: 1 export waits for you: see `shopbell privacy list`"


# --- what it answers --------------------------------------------------------------------------------------------------


def test_polls_and_webhooks_tell_when_they_were_answered(door: PlatformDoor, hands: Hands, api: Api) -> None:
    assert told(look(door))["orders"] == "waits: not asked yet: is `shopbell clock` running?"
    ask_everything(door)
    hands.now += MINUTE
    said = told(look(door))
    assert said["orders"] == "fine: answered 1 min ago; again in 9 min"
    assert said["webhooks"] == "fine: answered 1 min ago; again in 59 min"


def test_a_platform_that_does_not_answer_is_told_in_its_own_words(door: PlatformDoor, hands: Hands, api: Api) -> None:
    api.answers = [Answer(b"{}")]
    ask_everything(door)
    assert told(look(door))["orders"].startswith("wrong: asking broke: KeyError; never answered; again in 1 min")


def test_a_clock_that_has_stopped_is_noticed(door: PlatformDoor, hands: Hands, api: Api) -> None:
    ask_everything(door)
    hands.now += 15 * MINUTE
    assert told(look(door))["orders"] == "wrong: due for 5 min: is `shopbell clock` running?"


def test_who_was_asked_for_patience_was_not_answered(door: PlatformDoor, hands: Hands) -> None:
    errands.plan(door.engine, "ink", "parrot", ["orders"], again=False)
    errand = errands.claim(door.engine)
    assert errand is not None
    errands.rest(door.engine, [errand], MINUTE, lambda _: False)
    assert told(look(door))["orders"] == "waits: not answered yet; again in 1 min"


# --- the shop's pages -------------------------------------------------------------------------------------------------


def test_a_page_from_an_origin_that_is_not_listed_is_told_by_its_name(door: PlatformDoor, hands: Hands) -> None:
    door.send({"type": "page_viewed"}, origin="https://www.ink.example")
    stands = look(door)
    said = told(stands, "pages")
    assert said["origins"] == "fine: https://ink.example"
    assert said["heard"] == "waits: no page of the shop was heard lately"
    assert said["refused"] == ("wrong: once, 0 s ago: its origin is not on the shop's list (https://www.ink.example)")


def test_a_page_that_is_heard_is_fine_and_a_server_is_no_page(door: PlatformDoor) -> None:
    door.report({"type": "agents_changed", "agents": {"online": 1}, "id": "11111111-1111-4111-8111-111111111111"})
    assert told(look(door), "pages")["heard"].startswith("waits")
    assert door.send({"id": "22222222-2222-4222-8222-222222222222", "type": "page_shown"}).status_code == 202
    assert told(look(door), "pages")["heard"].startswith("fine: the last event came ")


def test_without_a_key_no_page_can_speak(door: PlatformDoor, hands: Hands) -> None:
    revoke_key(door.engine, INK_KEY)
    assert told(look(door), "pages")["key"] == "wrong: no public key: `shopbell keys add ink` makes one"
    door.send({"type": "page_viewed"}, key="pk_of_nobody")
    assert [line.about for line in look(door).strays] == ["pages"]


# --- the counting -----------------------------------------------------------------------------------------------------


def test_what_could_not_be_written_down_is_written_with_the_next(
    door: PlatformDoor, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("the database is away", away=True)

    sound = Sound("ink", "parrot", "accepted")
    with monkeypatch.context() as patched:
        patched.setattr(heard, "in_transaction", away)
        door.house.heard.note(sound)
        door.house.heard.flush()
    door.house.heard.note(sound, "said")
    door.house.heard.flush()
    [row] = door.rows(HEARD)
    assert (row.times, row.detail) == (2, "said")


def test_what_a_stranger_wrote_is_kept_as_letters_that_show(door: PlatformDoor, hands: Hands) -> None:
    door.house.heard.note(Sound("", "parrot", "refused", "there"), "a\x00b\x1b[2Jé\ud800" + "c" * 200)
    door.house.heard.flush()
    [row] = door.rows(HEARD)
    assert row.detail == "a?b?[2J??" + "c" * 91


# --- the command ------------------------------------------------------------------------------------------------------


def test_an_operator_sees_it_all_in_their_language(door: PlatformDoor, capsys: Captured) -> None:
    door.deliver(b"{}", secret="another")
    door.house.heard.flush()
    capsys.readouterr()
    assert run(["status", "parrot", "--shop", "ink", "--language", "nl"]) == 1
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "✗ ink parrot (Parrot)"
    assert "  … heard: nog niets; webhooks horen naar https://bell.example/hooks/parrot/ink" in lines
    assert any(line.startswith("  ✗ refused: één keer, ") for line in lines)


def test_what_several_polls_say_alike_is_said_once(
    door: PlatformDoor, hands: Hands, api: Api, capsys: Captured
) -> None:
    ask_everything(door)
    capsys.readouterr()
    assert run(["status", "parrot", "--shop", "ink"]) == 0
    hands.now += MINUTE
    api.answers = [Answer(b"[]")]
    with door.engine.begin() as connection:
        connection.execute(ERRANDS.update().values(due_at=hands.now))
    ask_everything(door)
    capsys.readouterr()
    assert run(["status", "parrot", "--shop", "ink"]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "orders" in line]
    assert line.startswith("  ✗ orders, webhooks: ")


def test_a_program_reads_the_same(door: PlatformDoor, capsys: Captured) -> None:
    door.post("/hooks/parrot/inkk", b"{}", {})
    door.house.heard.flush()
    capsys.readouterr()
    assert run(["status", "--json"]) == 0
    said = msgspec.json.decode(capsys.readouterr().out)
    assert (said["well"], sorted(said["shops"]), said["strays"][0]["about"]) == (True, ["ink", "tea"], "parrot")
    names = [(each["name"], each["mark"]) for each in said["shops"]["ink"]]
    assert names == [("pages", "waits"), ("parrot", "waits"), ("smtp", "fine")]


def test_who_asks_for_one_thing_hears_of_its_strays_only(door: PlatformDoor, capsys: Captured) -> None:
    door.post("/hooks/parrot/inkk", b"{}", {})
    door.send({"type": "page_viewed"}, key="pk_of_nobody")
    door.house.heard.flush()
    capsys.readouterr()
    assert run(["status", "pages", "--shop", "ink"]) == 0
    *_, head, stray = capsys.readouterr().out.splitlines()
    assert head == "Came to the address of no shop here, in the last week:"
    assert stray.startswith("  ✗ pages: once, ")


def test_who_asks_for_what_is_not_connected_is_told_so(door: PlatformDoor, capsys: Captured) -> None:
    assert run(["status", "shopify"]) == 1
    assert capsys.readouterr().err == "No shop here is connected with shopify.\n"
