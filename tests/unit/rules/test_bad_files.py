"""Broken files and what is said about each: ``bad/<case>.yaml`` and the expected words beside it in ``<case>.txt``."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RuleFileError
from engine.rules.loader import load
from tests.unit.rules.shoppers import SERVICES

BAD = Path(__file__).parents[2] / "fixtures" / "rules" / "bad"
CASES = sorted(BAD.glob("*.yaml"))


def _problems(case: Path) -> tuple[str, ...]:
    with pytest.raises(RuleFileError) as refusal:
        load(case.read_bytes().decode(), name=case.name, known_integrations=SERVICES)
    return refusal.value.problems


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_file_is_explained(case: Path) -> None:
    assert "\n".join(_problems(case)) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_corpus_is_there() -> None:
    assert len(CASES) >= 125
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in CASES}


def test_ten_mistakes_are_told_at_once() -> None:
    assert len(_problems(BAD / "ten-mistakes.yaml")) == 10


def test_a_secret_is_not_repeated() -> None:
    assert "hush" not in "\n".join(_problems(BAD / "secret-in-the-file.yaml"))
