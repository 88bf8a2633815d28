"""What every integration owes, whatever it connects; a new one is held to it by being there."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from engine.errors import SettingsError
from engine.integration import Asker, Integration, create, find, known, names, pages, parts_of, secret, setting
from engine.integration.settings import Settings, options_of
from tests.unit.integrations.cases import FIXTURES, paths, settings_of

DOCS = Path(__file__).parents[3] / "docs" / "integrations"
_LIKE_A_SECRET = re.compile(r"secret|passw|token|api_?key|private|credential", re.IGNORECASE)

every = pytest.mark.parametrize("name", names())


@every
def test_it_says_what_it_is(name: str) -> None:
    kind = find(name)
    assert kind.title, "give the class a title"
    assert inspect.getdoc(kind) not in ("", None, inspect.getdoc(Integration)), "give the class a docstring"
    assert sys.modules[kind.__module__].__doc__, "say at the top of the module how it works"


@every
def test_it_plays_a_part(name: str) -> None:
    assert parts_of(find(name)), "it plays none of the parts in engine.integration"


@every
def test_what_it_answers_together_are_look_ups_and_it_says_how(name: str) -> None:
    kind = find(name)
    together = kind.together if issubclass(kind, Asker) else {}
    assert [word for word, most in together.items() if most < 2 or ":" in word] == []
    assert not together or getattr(kind, "ask_together", None) is not Asker.ask_together


@every
def test_its_settings_explain_themselves_and_mark_what_is_secret(name: str) -> None:
    for option in options_of(find(name).settings_type):
        assert option.help[0].islower() or option.help.split()[0].isupper() or not option.help[0].isalpha(), option.name
        assert not option.help.endswith("."), option.name
        if _LIKE_A_SECRET.search(option.name):
            assert option.secret, f"'{option.name}' sounds like a secret and is not marked as one"
        if option.secret and option.default:
            assert option.default.startswith("env:"), option.name


@every
def test_it_has_recorded_fixtures(name: str) -> None:
    assert paths(name), f"record what the other side says in tests/fixtures/integrations/{name}/"


@every
def test_it_is_made_from_the_settings_of_its_fixtures_and_shows_none_of_them(name: str) -> None:
    made = create(name, settings_of(name), {})
    shown = f"{made!r} {made.settings!r} {made.settings!s}"
    assert [value for value in settings_of(name).values() if value in shown] == []


@every
def test_it_is_not_made_without_its_secrets(name: str) -> None:
    for option in known()[name].options:
        if option.secret and option.name in settings_of(name):
            with pytest.raises(SettingsError, match=option.name):
                create(name, settings_of(name) | {option.name: "env:EMPTY"}, {"EMPTY": ""})
            with pytest.raises(SettingsError, match=option.name):
                create(name, settings_of(name) | {option.name: ""}, {})


@every
def test_its_page_is_current(name: str) -> None:
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8") if (DOCS / f"{name}.md").exists() else ""
    assert written == pages()[f"{name}.md"], "run `shopbell schema --docs docs`"


def test_the_index_is_current_and_there_is_no_page_of_something_that_is_gone() -> None:
    assert (DOCS / "README.md").read_text(encoding="utf-8") == pages()["README.md"], "run `shopbell schema --docs docs`"
    assert {path.name for path in DOCS.glob("*.md")} == set(pages())


def test_there_is_no_fixture_of_something_that_is_gone() -> None:
    assert {path.name for path in FIXTURES.iterdir()} <= set(names())


# --- how settings are told --------------------------------------------------------------------------------------------


class Told(Settings, frozen=True):
    key: Annotated[str, secret("opens it")]
    times: Annotated[int, setting("how often", ge=1, le=9)] = 3
    place: Annotated[str, setting("where", pattern="[a-z]+")] = msgspec.field(default="here", name="in")


def test_settings_are_named_typed_and_bounded() -> None:
    options = {option.name: option for option in options_of(Told)}
    assert list(options) == ["key", "times", "in"]
    assert (options["key"].secret, options["key"].required, options["times"].default) == (True, True, "3")
    assert [text for text in ("0", "1", "9", "10", "x", "1.5") if options["times"].fits(text)] == ["1", "9"]
    assert [text for text in ("there", "There", "a b", "", "a\n") if options["in"].fits(text)] == ["there"]
    assert not options["key"].fits("")


def test_a_setting_without_help_is_refused() -> None:
    class Silent(Settings, frozen=True):
        key: str

    with pytest.raises(TypeError, match="key"):
        options_of(Silent)


def test_a_name_nobody_has_is_told_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"there are: .*smtp"):
        find("smpt")
