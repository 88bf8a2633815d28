"""``shopbell why`` on a terminal and for programs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from engine.cli import run
from engine.clock import MINUTE, to_iso, wall_clock
from engine.store.unit import DELIVERIES
from engine.web import why
from tests.builders import ADDRESS
from tests.parts import DEADLINE_S
from tests.service.doors import Door, cart_updated, environment_for, happened, open_door, page_viewed


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A shop where v1 reads and left a cart 20 minutes ago; the command finds it by its environment."""
    with open_door(tmp_path, sqlite_url) as opened:
        opened.send(cart_updated(ago=20 * MINUTE), visitor="v1")
        opened.send(page_viewed(ago=MINUTE), happened("checked_in", engaged_ms=50_000), visitor="v1")
    for name, value in environment_for(tmp_path, sqlite_url).items():
        monkeypatch.setenv(name, value)
    yield opened
    structlog.reset_defaults()  # the command tells its log to stderr


def test_a_person_reads_every_rule_with_its_reasons(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "v1", "--shop", "ink"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("v1 in ink, at ")
    assert "stuck: fired at " in told
    assert "left: " in told
    assert "✓ on_page" in told
    assert "saw 20 min" in told
    assert "Decisions" in told


def test_a_dutch_person_reads_it_in_dutch(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "v1", "--shop", "ink", "--language", "nl"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert re.match(r"v1 in ink, om [\dTZ:.-]+; wordt pas weer bekeken als er iets gebeurt", told)
    assert re.search(r"stuck: afgegaan om [\dTZ:.-]+; één keer per bezoek", told)
    assert re.search(r"left: klopt niet [✗…] cart_abandoned", told)
    assert "✗ can_email gezien: er is geen e-mailadres bekend" in told
    assert re.search(r"gezien: \d+ min( \d+ s)?, nodig: 1 h", told)
    assert re.search(r"Beslissingen [\dTZ:.-]+ stuck: afgegaan", told)


def test_an_address_and_an_order_lead_to_each_browser_of_theirs(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    door.send(happened("contact_given", email=ADDRESS, consent={"email": True}), visitor="v1")
    door.send(happened("contact_given", email=ADDRESS, consent={"email": True}), visitor="v2")
    order = {"id": "1042", "total": "40.00", "currency": "EUR"}
    door.report(happened("order_placed", visitor="v2", order=order, refs=["shopify:order:1042"]))
    capsys.readouterr()
    assert run(["why", ADDRESS, "--shop", "ink"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines() if " in ink, at " in line] == ["v2", "v1"]
    assert run(["why", "shopify:order:1042", "--shop", "ink", "--json"]) == 0
    assert [msgspec.json.decode(line)["visitor"] for line in capsys.readouterr().out.splitlines()] == ["v2"]
    assert run(["why", ADDRESS, "--shop", "tea"]) == 1


def in_development(door: Door) -> FlaskClient:
    """The view is there in development only."""
    app = Flask(__name__)
    app.extensions["shopbell"] = door.house
    app.register_blueprint(why.blueprint)
    return app.test_client()


def test_the_demo_shop_is_told_in_the_language_of_its_page(door: Door) -> None:
    client = in_development(door)
    for language, state in (("nl", "klopt niet"), ("en", "not met"), ("xx", "not met")):
        answer = client.get(f"/dev/why/v1.json?language={language}")
        assert {rule["name"]: rule["why"] for rule in answer.get_json()["rules"]}["left"] == state


def test_one_rule_alone_can_be_asked_about(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "v1", "left", "--shop", "ink"]) == 0
    told = capsys.readouterr().out
    assert "left: " in told
    assert "stuck: " not in told


def test_a_rule_that_was_taken_out_still_tells_how_it_ended(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    file = door.settings.rules / "ink.yaml"
    file.write_text(file.read_text().replace("name: stuck", "name: renamed"))
    assert run(["why", "v1", "stuck", "--shop", "ink"]) == 0
    assert "stuck: fired" in capsys.readouterr().out
    assert run(["why", "v1", "never-was", "--shop", "ink"]) == 1
    assert "no rule called never-was" in capsys.readouterr().err


def test_a_program_reads_nothing_but_json(door: Door) -> None:
    """Also what is told about a broken rule file stands elsewhere."""
    (door.settings.rules / "tea.yaml").write_text("broken")
    answer = subprocess.run(
        [sys.executable, "-m", "engine.cli", "why", "v1", "--shop", "ink", "--json"],
        capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    )  # fmt: skip
    told = msgspec.json.decode(answer.stdout)
    assert {rule["name"]: rule["state"] for rule in told["rules"]}["stuck"] == "fired"
    assert (told["visitor"], told["shop"], told["person"]) == ("v1", "ink", False)
    assert "tea.yaml" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["why", "nobody", "--shop", "ink"], 1, "Nobody called nobody was seen in shop ink."),
        (["why", "v1", "--shop", "tea"], 1, "Nobody called v1 was seen in shop tea."),
        (["why", "v1", "no-such-rule", "--shop", "ink"], 1, "There is no rule called no-such-rule."),
        (
            ["why", "v1", "--shop", "gone"],
            2,
            "shopbell: there is no shop called 'gone' in the rule files; there is ink, tea",
        ),
    ],
)
def test_what_is_not_there_is_one_plain_sentence(
    door: Door, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    assert run(arguments) == code
    assert capsys.readouterr().err.splitlines()[-1] == sentence


def test_a_moment_that_is_over_is_told_on_the_shop_s_clock_and_in_utc(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", "v1", "stuck", "--shop", "ink", "--at", "3d ago"]) == 1
    assert "Nobody called v1 was seen in shop ink by then (3d ago)." in capsys.readouterr().err
    now = to_iso(wall_clock())
    assert run(["why", "v1", "stuck", "--shop", "ink", "--at", now]) == 0
    told = capsys.readouterr().out
    assert f"(UTC) = {now}" in told
    assert "stuck: fired at " in told
    assert told.count("✓ on_page") == 2, "now, and when it was decided"


def test_a_program_reads_of_a_moment_that_is_over_what_is_not_known(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", "v1", "--shop", "ink", "--at", to_iso(wall_clock()), "--json"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert (told["past"], told["unknown"]) == (True, [])
    assert {rule["name"]: rule["state"] for rule in told["rules"]}["stuck"] == "fired"


def test_what_is_no_moment_is_wrong_use(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "v1", "--shop", "ink", "--at", "soon"]) == 2
    assert "'soon' is no moment; write 2026-11-20T14:03, or 5m ago" in capsys.readouterr().err


def test_the_door_for_development_answers_about_the_past_too(door: Door) -> None:
    client = in_development(door)
    then = client.get(f"/dev/why/v1.json?at={to_iso(wall_clock())}")
    assert (then.status_code, then.get_json()["past"]) == (200, True)
    assert client.get("/dev/why/v1.json?at=soon").status_code == 400
    assert client.get("/dev/why/v1.json?at=3d+ago").status_code == 404


def test_nobodys_address_is_told(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    door.send(happened("contact_given", email=ADDRESS, consent={"email": True}), visitor="v1")
    assert run(["why", "v1", "--shop", "ink", "--json"]) == 0
    assert ADDRESS not in capsys.readouterr().out


def test_what_a_relay_or_a_shopper_says_gives_the_terminal_no_orders(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    with door.engine.begin() as connection:
        connection.execute(update(DELIVERIES).values(result="no \x1b[2J\x1b]0;owned\x07\u202eevil\x9b31m"))
    assert run(["why", "v1", "--shop", "ink"]) == 0
    told = capsys.readouterr().out
    assert "no \\x1b[2J\\x1b]0;owned\\x07\\u202eevil\\x9b31m" in told
    assert not any(letter in told for letter in "\x1b\x07\u202e\x9b")
