"""``shopbell doctor``: a page of the shop, looked at as a browser gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest
import structlog

from engine.cli import run
from engine.clock import HOUR, machine_clock
from engine.doctor import Doctor
from engine.errors import CallError
from engine.http import Answered
from engine.live import LiveKeys
from engine.store.keys import revoke_key
from tests.service.doors import INK, INK_KEY, INK_SECRET, Door, environment_for, open_door
from tests.service.platform import Answer, Api

BELL = "https://bell.example"
SCRIPT = Answered(200, b"0", {"content-type": "text/javascript"})
TAG = f'<script async src="{BELL}/shopbell.js" data-key="{INK_KEY}"></script>'
FORBIDS = """<meta http-equiv="Content-Security-Policy" content="script-src 'self'">"""
Look = Callable[..., dict[str, str]]


class Web:
    """What stands at which address."""

    def __init__(self) -> None:
        self.there: dict[str, Answered] = {f"{BELL}/shopbell.js": SCRIPT}

    def put(self, body: str, at: str = f"{INK}/", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.there[at] = Answered(200, body.encode(), named)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        if url not in self.there:
            raise CallError(f"there is nothing at {url}")
        return self.there[url]


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def look(door: Door, web: Web) -> Look:
    """What is said of the page, by what it is about; the last of several."""
    doctor = Doctor(door.house.live, LiveKeys(door.engine), door.settings, web, machine_clock)

    def examine(url: str = f"{INK}/") -> dict[str, str]:
        return {line.about: f"{line.mark}: {line.says}" for line in doctor.examine(url)}

    return examine


def test_a_page_with_everything_in_place_is_fine(look: Look, web: Web) -> None:
    web.put(f"<head>{TAG}", date=formatdate(machine_clock() / 1000, usegmt=True))
    assert look() == {
        "page": "fine: https://ink.example/ answers",
        "script": "fine: https://bell.example/shopbell.js answers",
        "key": f"fine: {INK_KEY} is of the shop ink",
        "origin": "fine: https://ink.example is on the shop's list",
    }


def test_the_address_that_answers_in_the_end_is_the_one_that_counts(look: Look, web: Web) -> None:
    web.there[f"{INK}/"] = Answered(301, b"", {"location": "https://www.ink.example/"})
    web.put(TAG, at="https://www.ink.example/")
    said = look()
    assert said["page"] == "fine: https://www.ink.example/ answers"
    assert said["origin"].startswith("wrong: https://www.ink.example is not under shop: origins:")
    web.there["https://www.ink.example/"] = web.there[f"{INK}/"]
    with pytest.raises(CallError, match="without end"):
        look()


@pytest.mark.parametrize(
    ("body", "about", "says"),
    [
        ("<p>Ink!", "tag", "waits: shopbell.js is not in the page as the server sends it"),
        (f"{TAG}{TAG}", "tag", "wrong: shopbell.js stands in the page 2 times"),
        (TAG.replace("https:", "http:"), "script", "wrong: no browser loads http://bell.example/shopbell.js"),
        (TAG.replace("//bell.", "//bel."), "script", "wrong: https://bel.example/shopbell.js is not at this"),
        (TAG.replace(INK_KEY, "pk_nobody"), "key", "wrong: pk_nobody is no public key of a shop here"),
        (TAG.replace(INK_KEY, INK_SECRET), "key", "wrong: a secret key stands there for everybody to read"),
        (TAG.replace("data-key", "data-kee"), "key", "wrong: the tag has no data-key"),
        (f"{FORBIDS}{TAG}", "policy", "wrong: the page's Content-Security-Policy forbids it: add https://bell.example"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_in_a_sentence(look: Look, web: Web, body: str, about: str, says: str) -> None:
    web.put(body)
    assert look()[about].startswith(says)


def test_a_path_of_the_shops_own_needs_no_origin(look: Look, web: Web) -> None:
    web.put(TAG.replace("async", 'data-endpoint="https://other.example/bell" async'), at="https://other.example/")
    assert look("https://other.example/")["origin"] == "fine: events go to the shop's own https://other.example/bell"


def test_a_revoked_key_and_a_script_that_is_none_are_told(look: Look, web: Web, door: Door) -> None:
    web.put(TAG)
    web.there[f"{BELL}/shopbell.js"] = Answered(200, b"<html>", {"content-type": "text/html"})
    revoke_key(door.engine, INK_KEY)
    said = look()
    assert said["script"] == "wrong: https://bell.example/shopbell.js answers 200, and no script"
    assert said["key"].endswith("or was revoked")
    del web.there[f"{BELL}/shopbell.js"]
    assert (
        look()["script"]
        == "wrong: https://bell.example/shopbell.js: there is nothing at https://bell.example/shopbell.js"
    )


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("default-src 'self'; script-src https://bell.example; connect-src bell.example", True),
        ("default-src https: ; img-src 'none'", True),
        ("script-src 'nonce-n1' 'strict-dynamic'; connect-src *", True),
        ("script-src *.bell.example", False),
        ("script-src *.example; connect-src 'self' *.example:443", True),
        ("default-src 'none'; script-src https://bell.example", False),
        ("script-src http://bell.example", False),
        ("frame-ancestors 'none'", True),
    ],
)
def test_a_policy_is_read_as_a_browser_reads_it(look: Look, web: Web, policy: str, allowed: bool) -> None:
    web.put(TAG.replace("async", 'async nonce="n1"'), content_security_policy=policy)
    assert ("policy" not in look()) is allowed


def test_a_clock_that_is_wrong_is_told(look: Look, web: Web) -> None:
    web.put(TAG, date=formatdate((machine_clock() - HOUR) / 1000, usegmt=True))
    assert look()["clock"].startswith("wrong: the shop's clock and this machine's differ by ")
    web.put(TAG, date="yesterday")
    assert "clock" not in look()


def test_a_page_that_is_not_there_is_told_by_its_status(look: Look, web: Web) -> None:
    web.there[f"{INK}/"] = Answered(404, b"")
    assert look() == {"page": "wrong: https://ink.example/ answers 404"}


def test_an_operator_types_an_address(
    door: Door, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment_for(tmp_path, sqlite_url).items():
        monkeypatch.setenv(name, value)
    with Api(Answer(b"<p>Ink!", 200, {"Content-Type": "text/html"})) as shop:
        assert run(["doctor", shop.url, "--language", "nl"]) == 0
        page, tag = capsys.readouterr().out.splitlines()[-2:]
        assert page == f"  ✓ page: {shop.url} antwoordt"
        assert tag.startswith("  … tag: shopbell.js staat niet in de pagina zoals de server haar stuurt")
        assert run(["doctor", shop.url, "--json"]) == 0
        assert [line["about"] for line in msgspec.json.decode(capsys.readouterr().out)] == ["page", "tag"]
    assert run(["doctor", "nowhere.invalid"]) == 1
    assert "there is no nowhere.invalid to be found" in capsys.readouterr().err
    structlog.reset_defaults()  # the command tells its log to stderr
