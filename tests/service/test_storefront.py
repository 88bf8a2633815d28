"""What a platform's pages are given, and who else may speak for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings import Settings
from tests.service.doors import INK, Door, answer_of, environment_for, error_code, open_door, page_viewed, rule_file


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


def test_a_platforms_script_is_served_under_its_name_and_for_good_under_its_hash(door: Door) -> None:
    plain = door.client.get("/adapters/shopify.js")
    digest = plain.headers["ETag"].strip('"')
    assert b"_shopbell_visitor" in plain.data
    assert plain.headers["Cache-Control"] == "public, max-age=300"
    for path in (f"/adapters/shopify.{digest}.js", f"/adapters/shopify.js?v={digest}"):
        assert door.client.get(path).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert door.client.get("/adapters/shopify.js", headers={"If-None-Match": f'"{digest}"'}).status_code == 304


@pytest.mark.parametrize("name", ["smtp", "shopify.0000000000000000", "..%2Fshopbell", "%2e%2e/shopbell", "Shopify"])
def test_there_is_no_other_script(door: Door, name: str) -> None:
    assert door.client.get(f"/adapters/{name}.js").status_code == 404


def test_a_frame_without_an_address_is_refused_unless_the_shop_lets_it_in(door: Door) -> None:
    assert error_code(door.send(page_viewed(), origin="null"), 403) == "origin_not_allowed"


def test_a_shop_lets_frames_without_an_address_in_by_name(tmp_path: Path, sqlite_url: str) -> None:
    (tmp_path / "rules").mkdir()
    for shop, origins in (("ink", f"[{INK}, sandboxed]"), ("tea", "https://tea.example")):
        (tmp_path / "rules" / f"{shop}.yaml").write_text(rule_file(shop, origins))
    door = Door(Settings.from_env(environment_for(tmp_path, sqlite_url)))
    try:
        answer = door.send(page_viewed(), origin="null")
        assert answer_of(answer)["accepted"] == 1
        assert answer.headers["Access-Control-Allow-Origin"] == "null"
        assert answer_of(door.send(page_viewed()))["accepted"] == 1
        assert error_code(door.send(page_viewed(), origin=None), 403) == "origin_not_allowed"
    finally:
        door.close()
