"""What every integration owes that brings a script for the shop's pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.integration import Storefront, find, names
from tests.unit.integrations.cases import speaking

ROOT = Path(__file__).parents[3]
WITH_A_SCRIPT = sorted(path.parent.name for path in (ROOT / "integrations").glob("*/storefront.js"))


def test_who_says_to_bring_a_script_has_one_and_nobody_else() -> None:
    assert speaking("browser") == WITH_A_SCRIPT


@pytest.mark.parametrize("name", speaking("browser"))
def test_its_script_is_built(name: str) -> None:
    manifest = json.loads((ROOT / "snippet" / "dist" / "manifest.json").read_text())
    assert f"adapters/{name}.js" in manifest, "run `npm run build` in snippet/"


@pytest.mark.parametrize("name", speaking("browser"))
def test_it_says_what_its_script_does(name: str) -> None:
    kind = find(name)
    assert issubclass(kind, Storefront)
    assert kind.on_pages, "say in `on_pages` what happens on the pages, and what becomes of it"


@pytest.mark.parametrize("name", names())
def test_how_it_is_connected_is_told_in_steps_where_it_is_told(name: str) -> None:
    steps = ROOT / "integrations" / name / "connect.md"
    if steps.exists():
        assert steps.read_text(encoding="utf-8").startswith("1. "), steps
