"""The doors of all platforms, over the wire, against whatever bytes and headers somebody may send: never a 500."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from engine.integration import Delivery, RawRequest, find, known
from engine.settings import Settings
from tests.parts import postgresql_database
from tests.service.doors import INK, Door, environment_for, rule_file
from tests.unit.integrations.cases import HookCase, cases, settings_of, speaking

PLATFORMS = speaking("receive")
RECORDED = {key: case for key, case in cases("receive", HookCase).items() if case.topic}
MOST_REASONS = 6
quietly = hypothesis_settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Doors(Door):
    """A running application of which the shop ``ink`` is on every platform at once."""

    def post_to(self, platform: str, body: bytes, headers: dict[str, str], query: str = "") -> TestResponse:
        """Whatever comes, the answer is one that the published contract tells of."""
        answer = self.client.post(f"/hooks/{platform}/ink?{query}", data=body, headers=headers)
        self.contract.names_no_other_than(answer, "POST", "/hooks/{integration}/{shop}")
        return answer


def _stated(platform: str, patch: pytest.MonkeyPatch) -> str:
    """The settings with which its fixtures were recorded; secrets come from the environment."""
    options = {option.name: option for option in known()[platform].options}
    stated = {}
    for name, value in settings_of(platform).items():
        stated[name] = value
        if options[name].secret:
            variable = f"DOOR_{platform}_{name}".upper()
            patch.setenv(variable, value)
            stated[name] = f"env:{variable}"
    return f"  {platform}: {json.dumps(stated)}\n"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def doors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    url = f"sqlite:///{folder / 'shopbell.db'}"
    if request.param == "postgresql":
        with postgresql_database(request.getfixturevalue("shared_postgresql")) as url:
            yield from _doors(folder, url)
    else:
        yield from _doors(folder, url)


def _doors(folder: Path, url: str) -> Iterator[Doors]:
    (folder / "rules").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        stated = "".join(_stated(platform, patch) for platform in PLATFORMS)
        text = rule_file("ink", INK).replace("integrations:\n", f"integrations:\n{stated}")
        (folder / "rules" / "ink.yaml").write_text(text)
        opened = Doors(Settings.from_env(environment_for(folder, url)))
        yield opened
        opened.close()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_strangers_send_is_counted_by_a_few_reasons_only(doors: Doors, platform: str) -> None:
    """Each reason is a series in memory and a row in the database, for ever."""
    case = next(case for key, case in sorted(RECORDED.items()) if key.startswith(f"{platform}/"))
    for number in range(40):
        body = [
            b" " * number + b"{",
            b'{"a": [' * number,
            b"%d" % 10**number,
            b'{"%d": 1, "%d": 2}' % (number, number),
        ][number % 4]
        headers = dict.fromkeys(case.headers, f"odd-{number}") if number % 3 else case.headers
        assert doors.post_to(platform, body, headers).status_code == 401
    counted = re.findall(
        rf'hooks_refused_total{{integration="{platform}",reason="([^"]*)"', doors.client.get("/metrics").text
    )
    assert 1 <= len(counted) <= MOST_REASONS, counted


def _signed_by_us(request: RawRequest) -> Delivery:
    """As if every body had the right signature: what was let in is what has to be read."""
    return Delivery(request.headers.get("x-topic", ""), request.body, once=False)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in PLATFORMS:
        monkeypatch.setattr(find(platform), "admit", lambda _self, request: _signed_by_us(request))


_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
_BYTES = st.binary(max_size=200) | st.sampled_from(
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"webhook_id=7",
        b"[" * 4_000,
        b'{"id": 1e999}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
    ]
)


def _bent(case: HookCase, name: str, data: st.DataObject) -> tuple[bytes, dict[str, str]]:
    """A recorded delivery of which any byte and any header may be another."""
    body, headers = case.bytes_of(name), dict(case.headers)
    if data.draw(st.booleans()):
        body = data.draw(_BYTES)
    elif body:
        at = data.draw(st.integers(0, len(body) - 1))
        body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + 1 :]
    for header in list(headers):
        if data.draw(st.booleans()):
            headers[header] = data.draw(_HEADER).strip()
    return body, headers


@quietly
@given(st.data())
def test_no_bytes_and_no_headers_break_a_locked_door(doors: Doors, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(RECORDED)))
    platform = key.partition("/")[0]
    body, headers = _bent(RECORDED[key], platform, data)
    query = data.draw(st.text(max_size=30)).replace("#", "")
    assert doors.post_to(platform, body, headers, query).status_code in (200, 401)


ODD: tuple[object, ...] = (
    None, [], {}, [[]], [{}], "", "x", "1e999", "-1", "2026-02-30", "0000-00-00T00:00:00", 7, -1, 10**18, 2**63, 10**40,
    1.5, True, "\u2028", "a" * 300, {"a": {"b": []}}, "\u0000", "a\u0000b", "\ud800", "\ufffe", -(2**63), 10**400,
    "9" * 4_000, 1e-320, ["x"] * 300, "2026-11-22T00:00:00+99:00", "9999-12-31T23:59:59Z", "NaN", "\x1b[31m", "'; --",
    "{{7*7}}", "<b>", "\u0663",
)  # fmt: skip
"""What nobody reads rightly, what no database keeps, and what somebody might run."""


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from _places(inner, (*path, name))


def _with(value: Any, path: tuple[Any, ...], new: object) -> object:  # noqa: ANN401 - any JSON
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _with(value[path[0]], path[1:], new)
    return copied


@quietly
@given(st.data())
def test_whatever_a_rightly_signed_body_says_is_taken_in_or_set_aside(
    doors: Doors, unlocked: None, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(RECORDED)))
    platform, case = key.partition("/")[0], RECORDED[key]
    body = case.bytes_of(platform)
    try:
        told: object = json.loads(body)
    except ValueError:
        told = {}
    for _ in range(data.draw(st.integers(0, 3))):
        told = _with(told, data.draw(st.sampled_from(list(_places(told)))), data.draw(st.sampled_from(ODD)))
    answer = doors.post_to(platform, json.dumps(told).encode("utf-8", "surrogatepass"), {"X-Topic": case.topic})
    assert answer.status_code == 200
    assert answer.get_json()["result"] in ("accepted", "quarantined", "unknown_topic", "answered")


@quietly
@given(platform=st.sampled_from(PLATFORMS), body=_BYTES, topic=_HEADER)
def test_bytes_that_are_nothing_are_set_aside(
    doors: Doors, unlocked: None, platform: str, body: bytes, topic: str
) -> None:
    assert doors.post_to(platform, body, {"X-Topic": topic.strip()}).status_code == 200
