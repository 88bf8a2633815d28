"""The page about events says what the code does. Written anew by ``python -m tests.unit.vocabulary.test_docs``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.events import CANONICAL_TYPES, REQUIRED
from engine.vocabulary.tables import renew

PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")


def _row_of(kind: str) -> str:
    types = _page().partition("## Types")[2].partition("## Sections")[0]
    rows = (line for line in types.splitlines() if line.startswith("| `"))
    return next((row for row in rows if f"`{kind}`" in row.split("|")[1]), "")


def test_the_tables_are_those_of_the_code() -> None:
    assert _page() == renew(_page()), "out of date: run python -m tests.unit.vocabulary.test_docs"


@pytest.mark.parametrize("kind", sorted(CANONICAL_TYPES))
def test_every_type_is_described_with_what_it_must_carry(kind: str) -> None:
    row = _row_of(kind)
    assert row, f"{kind} is missing"
    assert tuple(re.findall(r"\*\*`(\w+)`\*\*", row)) == REQUIRED.get(kind, ())


if __name__ == "__main__":
    PAGE.write_text(renew(_page()), encoding="utf-8")
