"""``/v1/rules.schema.json``: the rule language as this house reads it, for editors anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.integration import known
from engine.rules.schema import json_schema
from tests.service.doors import Door, open_door


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


def test_an_editor_anywhere_may_read_the_rule_language(door: Door) -> None:
    answer = door.client.get("/v1/rules.schema.json")
    assert (answer.status_code, answer.get_json()) == (200, json_schema(known()))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_editor_that_has_it_is_told_so(door: Door) -> None:
    etag = door.client.get("/v1/rules.schema.json").headers["ETag"]
    again = door.client.get("/v1/rules.schema.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
