"""Broken files and what is said about each: ``bad/<case>.yaml`` and the words beside it, English in ``<case>.txt`` and
Dutch in ``<case>.nl.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import RuleFileError
from engine.language import Catalogues
from engine.rules.loader import examine, load
from engine.said import FOLDER, Said
from tests.unit.rules.shoppers import SERVICES

BAD = Path(__file__).parents[2] / "fixtures" / "rules" / "bad"
CASES = sorted(BAD.glob("*.yaml"))
RE2_SAYS = ("where-with-a-broken-pattern", "where-with-a-lookahead")
"""What is wrong with a regular expression is said by the library that runs it, in English."""
SUFFIXES = {"en": ".txt", "nl": ".nl.txt"}


def _problems(case: Path) -> tuple[Said, ...]:
    with pytest.raises(RuleFileError) as refusal:
        load(case.read_bytes().decode(), name=case.name, known_integrations=SERVICES)
    return refusal.value.problems


@pytest.mark.parametrize("language", SUFFIXES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_file_is_explained(case: Path, language: str) -> None:
    into = Catalogues(FOLDER).translations(language)
    told = "\n".join(problem.translated(into) for problem in _problems(case)) + "\n"
    assert told == case.with_suffix(SUFFIXES[language]).read_text(encoding="utf-8")


def _messages(case: Path) -> list[Said]:
    found = examine(case.read_bytes().decode(), name=case.name, known_integrations=SERVICES)
    return [problem.message for problem in found.problems]


def _untranslated(said: Said) -> Iterator[str]:
    """The texts in a sentence that are the same in every language."""
    for value in said.values.values():
        if isinstance(value, Said):
            yield from _untranslated(value)
        elif isinstance(value, str):
            yield value


@pytest.mark.parametrize("case", [case for case in CASES if case.stem not in RE2_SAYS], ids=lambda case: case.stem)
def test_what_is_not_translated_is_the_files_own_or_a_word_of_the_language(case: Path) -> None:
    own = " ".join(case.read_text(encoding="utf-8").split())
    for problem in _messages(case):
        for text in _untranslated(problem):
            assert text.rstrip("…") in own or re.fullmatch(r"\S+(, \S+)*|\d+ d", text), problem


def test_the_corpus_is_there() -> None:
    assert len(CASES) >= 125
    for suffix in SUFFIXES.values():
        assert all(case.with_suffix(suffix).is_file() for case in CASES)
    assert len(list(BAD.iterdir())) == len(CASES) * (1 + len(SUFFIXES))


def test_ten_mistakes_are_told_at_once() -> None:
    assert len(_problems(BAD / "ten-mistakes.yaml")) == 10


def test_a_secret_is_not_repeated() -> None:
    assert "hush" not in "\n".join(_problems(BAD / "secret-in-the-file.yaml"))
