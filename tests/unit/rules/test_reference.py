"""Adding a condition is one class; what follows from it, and what it still lacks, is told here."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.integration import known
from engine.rules import blueprints, conditions
from engine.rules.conditions.base import CONDITIONS, FORMS
from engine.rules.loader import examine
from engine.rules.schema import example, json_schema, refresh, summary
from tests.unit.rules.shoppers import Shopper, clause

DOCS = Path(__file__).parents[3] / "docs"
WORDS = sorted(CONDITIONS)


@pytest.mark.parametrize("word", WORDS)
def test_every_condition_explains_itself(word: str) -> None:
    assert summary(CONDITIONS[word]).endswith(".")
    assert all(setting.says.endswith(".") for setting in FORMS[word].settings)


@pytest.mark.parametrize("word", WORDS)
def test_every_example_can_be_used(word: str) -> None:
    text = example(CONDITIONS[word])
    found = examine(
        f"rules:\n  - name: example\n    when:\n{textwrap.indent(text, '      ')}\n    then: [email: cart-reminder]\n"
    )
    assert not found.problems
    assert word in text


@pytest.mark.parametrize("word", WORDS)
def test_every_condition_answers_about_somebody_nobody_knows(word: str) -> None:
    for line in example(CONDITIONS[word]).splitlines():
        condition = clause(line.removeprefix("- "))
        facts = Shopper().facts()
        assert condition.holds(facts).state is condition.check(facts).state
        assert condition.clause.replace('"', "") == line.removeprefix("- ").replace('"', "")


def test_every_module_of_conditions_has_a_family_and_is_found() -> None:
    for path in Path(conditions.__path__[0]).glob("[!_]*.py"):
        if path.stem != "base":
            family = f"engine.rules.conditions.{path.stem}"
            assert any(cls.__module__ == family for cls in CONDITIONS.values())


def test_the_reference_is_current() -> None:
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert refresh(text) == text, "run `shopbell schema --docs docs`"
    assert all(f"#### `{word}`" in text for word in WORDS)


def test_the_list_of_blueprints_is_current() -> None:
    text = (DOCS / "tools.md").read_text(encoding="utf-8")
    assert refresh(text) == text, "run `shopbell schema --docs docs`"
    assert all(f"| `{name}` |" in text for name in blueprints.names())


def test_the_schema_is_current() -> None:
    written = json.loads((DOCS / "rules.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(known()), "run `shopbell schema --docs docs`"


def test_the_schema_is_draft_7() -> None:
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


def _alternatives(schema: object) -> Iterator[list[dict[str, object]]]:
    if isinstance(schema, dict):
        if "anyOf" in schema:
            yield schema["anyOf"]
        schema = list(schema.values())
    for inner in schema if isinstance(schema, list) else ():
        yield from _alternatives(inner)


def test_an_editor_can_tell_the_ways_to_write_a_value_apart() -> None:
    """Of two without a name it would show neither's explanation."""
    ways = list(_alternatives(json_schema()))
    assert ways
    assert all(len({way.get("title") for way in several} - {None}) == len(several) for several in ways)


def test_the_rule_shown_first_in_the_reference_can_be_used() -> None:
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    shown = text.partition("```yaml\n")[2].partition("```")[0]
    assert not examine("shop: {languages: [nl, en]}\n" + shown).problems
