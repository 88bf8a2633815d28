"""Whatever somebody feeds the loader, it answers with rules or with RuleFileError."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RuleFileError
from engine.rules.conditions.base import CONDITIONS, FORMS
from engine.rules.loader import load

SHIPPED = (Path(__file__).parents[3] / "rules.yaml").read_text(encoding="utf-8")
WORDS = sorted({*CONDITIONS, *(setting.name for form in FORMS.values() for setting in form.settings)})
SNIPPETS = st.sampled_from(
    [*"[]{}#>'\"", ": ", "- ", "\n", "\t", "&a ", "*a", "!!int ", "|\n", "? ", "---\n", "\u2028", *WORDS]
)
VALUES = st.one_of(
    SNIPPETS,
    st.sampled_from(["45s", "1:30", "8%", ">= 50", "5..2", "NO", "", "~", "€ 3", "9" * 50, "٣s", "2026-13-01", "null"]),
    st.text(max_size=12),
)


unhurried = settings(max_examples=60, deadline=None)


def _load(text: str) -> None:
    problems: tuple[str, ...] = ("rules.yaml: nothing is wrong",)
    try:
        load(text)
    except RuleFileError as error:
        problems = error.problems
    assert problems
    assert all(problem.startswith("rules.yaml:") for problem in problems)


@unhurried
@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_is_answered(text: str) -> None:
    _load(text)


@unhurried
@given(st.lists(SNIPPETS, max_size=60).map("".join))
def test_anything_that_looks_like_yaml_is_answered(text: str) -> None:
    _load("rules:\n  - " + text)


@unhurried
@given(st.integers(0, len(SHIPPED)), st.integers(0, 40), VALUES)
def test_a_good_file_with_one_bad_spot_is_answered(start: int, length: int, spot: str) -> None:
    _load(SHIPPED[:start] + spot + SHIPPED[start + length :])


@unhurried
@given(st.sampled_from(sorted(CONDITIONS)), st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=4))
def test_any_condition_with_any_settings_is_answered(word: str, group: dict[str, str]) -> None:
    inner = ", ".join(f'{name}: "{_escaped(value)}"' for name, value in group.items())
    _load(f"rules:\n  - name: a\n    when: [{{{word}: {{{inner}}}}}]\n    then: [email: cart-reminder]\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
