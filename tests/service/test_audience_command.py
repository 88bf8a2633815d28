"""Lists for advertising: who is given out, in which form, and who is off every list at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.cli import run
from engine.clock import SECOND
from engine.identify import hash_of
from engine.store.suppress import suppress
from engine.store.unit import AUDIENCES
from tests.builders import Premises, rule_set

FAQ = {"url": "https://shop.example/faq"}
LIST = "name: lister\nwhen: [on_page: faq]\nthen: [audience: left]"
HASH = hashlib.sha256(b"anna@shopper.example").hexdigest()
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def premises(premises: Premises, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Premises:
    premises.use(rule_set(LIST))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return premises


def agrees(premises: Premises, visitor: str, email: str | None, *, marketing: bool = True) -> None:
    """They agree to marketing (or not) and a rule puts them on the list."""
    premises.post("consent_changed", visitor, consent={"analytics": True, "marketing": marketing})
    if email is not None:
        premises.gives_address(visitor, email)
    premises.later(SECOND).post("page_viewed", visitor, page=FAQ)


def test_an_audience_is_given_out_as_hashes_of_those_who_agreed(premises: Premises, capsys: Captured) -> None:
    agrees(premises, "v1", " Anna@Shopper.example")
    agrees(premises, "v2", "anna@shopper.example")
    agrees(premises, "v3", None)
    agrees(premises, "v4", "ben@shopper.example", marketing=False)
    assert run(["audience", "export", "left"]) == 0
    said = capsys.readouterr()
    assert said.out == f"Email\n{HASH}\n"
    assert said.err == "1 left out: no address, or no consent to marketing any more.\n"


def test_meta_calls_the_column_otherwise_and_addresses_may_be_plain(premises: Premises, capsys: Captured) -> None:
    agrees(premises, "v1", "Anna@Shopper.example")
    assert run(["audience", "export", "left", "--for", "meta", "--plain"]) == 0
    assert capsys.readouterr().out == "email\nanna@shopper.example\n"


def test_the_list_of_lists_tells_how_many_are_on_each(premises: Premises, capsys: Captured) -> None:
    agrees(premises, "v1", None)
    agrees(premises, "v2", None)
    assert run(["audience", "list"]) == 0
    assert capsys.readouterr().out.split() == ["2", "left"]
    assert run(["audience", "export", "right"]) == 1
    assert capsys.readouterr().err == "Nobody is on an audience called 'right' in shop main.\n"


def test_whoever_unsubscribes_is_off_every_list_on_every_device(premises: Premises, capsys: Captured) -> None:
    agrees(premises, "phone", None)
    for device in ("phone", "laptop"):
        agrees(premises, device, "anna@shopper.example")
    agrees(premises, "other", "ben@shopper.example")
    assert len(premises.rows(AUDIENCES)) == 3
    person = premises.person_of("phone")
    suppress(premises.engine, "main", person.id, hash_of("main", person.email), "unsubscribed")
    assert [row.visitor for row in premises.rows(AUDIENCES)] == ["other"]


def test_a_no_to_marketing_on_one_device_holds_on_all(premises: Premises) -> None:
    for device in ("phone", "laptop"):
        agrees(premises, device, "anna@shopper.example")
    assert len(premises.rows(AUDIENCES)) == 2
    premises.post("consent_changed", "phone", consent={"marketing": False})
    assert premises.rows(AUDIENCES) == []


def test_a_dead_address_is_no_goodbye(premises: Premises) -> None:
    agrees(premises, "phone", "anna@shopper.example")
    person = premises.person_of("phone")
    suppress(premises.engine, "main", person.id, hash_of("main", person.email), "bounced")
    assert len(premises.rows(AUDIENCES)) == 1
