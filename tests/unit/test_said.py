"""What is said to marketers can be said in every language that has a catalogue, and each catalogue says all of it."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import engine
import simulator
from engine.cli._language import LANGUAGES, in_figures, language_of, speak
from engine.integration import known
from engine.language import Catalogues
from engine.rules import blueprints
from engine.said import FOLDER, all_of, frame, joined, one_of, read_again, say, say_count, translate, unmarked, written

ENGINE = Path(engine.__file__).parent
SIMULATOR = Path(simulator.__file__).parent
DUTCH = Catalogues(FOLDER).translations("nl")
Templates = tuple[str, ...]
"""A sentence's template, or that of one thing and that of several."""
HOW_MANY = {"say": 1, "say_count": 2, "frame": 1}


def _calls() -> Iterator[tuple[str, str, Templates, set[str]]]:
    """Every sentence in the code: where, by which function, its templates and the names of its values."""
    for file in (*sorted(ENGINE.rglob("*.py")), *sorted(SIMULATOR.rglob("*.py"))):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in HOW_MANY:
                continue
            where = f"{file.relative_to(ENGINE.parent)}:{call.lineno}"
            templates = [part.value for part in call.args if isinstance(part, ast.Constant)]
            if where.startswith("engine/said.py") and not templates:
                continue  # joined() makes its frame of signs
            assert len(templates) == len(call.args) == HOW_MANY[call.func.id], f"{where}: its template must stand there"
            yield where, call.func.id, tuple(map(str, templates)), {str(value.arg) for value in call.keywords}


SENTENCES = list(_calls())
HELP = {(option.help.replace("%", "%%"),) for service in known().values() for option in service.options}
"""What integrations say about their settings, which stands with them as plain text."""
BLANKS = {
    (blank.says.replace("%", "%%"),)
    for name in blueprints.names()
    for blank in blueprints.blueprint(name).blanks.values()
}
BLANKS |= {(kind,) for kind in blueprints.KINDS}
"""What a blueprint says about its blanks."""
TEMPLATES = {templates for _, by, templates, _ in SENTENCES if by != "frame"} | HELP | BLANKS
CATALOGUES = sorted(FOLDER.glob("*.po"))


def _placeholders(*texts: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", " ".join(texts)))


def _words(template: str) -> str:
    return re.sub(r"%\(\w+\)s|[^\w]", "", template)


def _catalogue(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=file.stem)


def _entries(file: Path) -> dict[Templates, Templates]:
    """By what is said in English, how the catalogue says it."""
    entries = ((entry.id, entry.string) for entry in _catalogue(file) if entry.id)
    return {_several(said): _several(translated) for said, translated in entries}


def _several(text: object) -> Templates:
    return (text,) if isinstance(text, str) else tuple(map(str, text)) if isinstance(text, tuple | list) else ()


def _to_add(templates: Templates) -> str:
    return f'\nmsgid "{templates[0]}"\nmsgstr "…"'


# --- the catalogues ---------------------------------------------------------------------------------------------------


def test_there_is_a_dutch_catalogue() -> None:
    assert "nl" in LANGUAGES
    assert len(TEMPLATES) > 250


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_sentence_has_a_translation(file: Path) -> None:
    missing = TEMPLATES - _entries(file).keys()
    assert not missing, f"add to {file.name}:{''.join(map(_to_add, sorted(missing)))}"


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_no_translation_is_left_over(file: Path) -> None:
    assert not _entries(file).keys() - TEMPLATES


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_translation_has_the_sentences_values_and_is_not_empty(file: Path) -> None:
    for said, translated in _entries(file).items():
        assert all(translated), said
        assert _placeholders(*translated) == _placeholders(*said), said
        for text in translated:
            text % dict.fromkeys(_placeholders(*said), "x")  # a lone % would break here


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_nothing_is_said_twice_or_guessed(file: Path) -> None:
    ids = re.findall(r'^msgid "(.+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(ids) == len(set(ids)) == len(_entries(file))
    assert not any(entry.fuzzy for entry in _catalogue(file) if entry.id)


# --- the code ---------------------------------------------------------------------------------------------------------


def test_a_sentence_has_a_value_for_each_gap() -> None:
    for where, by, templates, values in SENTENCES:
        assert _placeholders(*templates) | ({"count"} if by == "say_count" else set()) == values, where


def test_a_frame_has_no_words_that_somebody_might_translate() -> None:
    framed = {templates[0] for _, by, templates, _ in SENTENCES if by == "frame"}
    assert not [template for template in framed if _words(template) not in ("", *_LANGUAGE_WORDS)]


_LANGUAGE_WORDS = ("shop", "limits", "late", "active", "contains", "delivery")
"""Words of the rule language, which are the same for everybody."""


VERDICTS = {"met": (0, 1), "not_met": (0, 1), "not_yet": (1, 2), "compare": ()}
"""What a condition answers, and at which places it says what was seen and what was wanted."""


def test_a_condition_says_nothing_that_cannot_be_translated() -> None:
    for file in sorted((ENGINE / "rules" / "conditions").glob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            for place in VERDICTS.get(name, ()):
                assert isinstance(call, ast.Call)
                for part in ast.walk(call.args[place]) if place < len(call.args) else ():
                    inside = isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in HOW_MANY
                    if inside:
                        break
                    assert not isinstance(part, ast.JoinedStr), f"{file.name}:{call.lineno}"
                    assert not isinstance(part, ast.Constant) or not isinstance(part.value, str), (
                        f"{file.name}:{call.lineno}"
                    )


# --- sentences --------------------------------------------------------------------------------------------------------


def test_a_sentence_is_english_text_until_somebody_asks_for_another_language() -> None:
    said = say("unknown step '%(text)s'%(hint)s", text="emial", hint=say(" (did you mean '%(word)s'?)", word="email"))
    assert said == "unknown step 'emial' (did you mean 'email'?)"
    assert said.translated(DUTCH) == "onbekende stap 'emial' (bedoel je 'email'?)"
    assert said.translated(NullTranslations()) == said


def test_one_thing_and_several_are_told_apart() -> None:
    problems = [say_count("1 problem", "%(count)s problems", count=count) for count in (1, 2)]
    assert problems == ["1 problem", "2 problems"]
    assert [problem.translated(DUTCH) for problem in problems] == ["1 probleem", "2 problemen"]


def test_words_are_listed_in_both_languages() -> None:
    assert one_of(["mobile", "tablet", "desktop"]).translated(DUTCH) == "mobile, tablet of desktop"
    assert all_of(["nl"]).translated(DUTCH) == "nl"


def test_a_frame_keeps_what_is_translated_inside() -> None:
    said = joined(": ", ("rules.yaml", frame("%(title)s", title=say("a rule"))))
    assert (said, said.translated(DUTCH)) == ("rules.yaml: a rule", "rules.yaml: een regel")


def test_the_marks_of_the_reference_stand_in_no_message() -> None:
    said = unmarked(say("`true` or `false`"))
    assert (said, said.translated(DUTCH)) == ("true or false", "true of false")


def test_what_a_stranger_wrote_is_never_taken_for_a_template() -> None:
    said = say("unknown section '%(text)s'%(hint)s", text="%(hint)s %d a rule", hint=frame(""))
    assert said.translated(DUTCH) == "onbekend onderdeel '%(hint)s %d a rule'"


def test_what_nobody_can_translate_stays_as_it_is() -> None:
    assert translate("a plain text", DUTCH) == "a plain text"
    assert frame("").translated(DUTCH) == ""


def test_a_copy_can_be_translated_too() -> None:
    said = say_count("1 problem", "%(count)s problems", count=2)
    assert copy.deepcopy(said).translated(DUTCH) == "2 problemen"


def test_a_stored_sentence_can_be_said_in_another_language_when_it_is_read() -> None:
    said = joined(" ", ("1 per session", say("of the group '%(group)s'", group="cart")))
    stored = written(said)
    assert stored.startswith("1 per session of the group 'cart'\n")
    assert read_again(stored) == said
    assert read_again(stored).translated(DUTCH) == "1 per session voor de groep 'cart'"


def test_a_stored_text_of_before_is_read_as_it_is() -> None:
    assert read_again("10% of visitors") == "10% of visitors"
    assert (written(frame("")), read_again("")) == ("", "")


# --- who is spoken to -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "nl_NL.UTF-8"}, "nl"),
        ({"LANG": "nl_BE@euro"}, "nl"),
        ({"LANG": "fy_NL.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "nl_NL.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "nl"}, "nl"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C", "SHOPBELL_LANGUAGE": "nl"}, "nl"),
        ({"LANG": "nl_NL.UTF-8", "SHOPBELL_LANGUAGE": ""}, "nl"),
    ],
)
def test_the_language_is_that_of_the_terminal_unless_shopbell_is_told_another(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language


@pytest.mark.parametrize(
    ("language", "thousands", "tenths", "small"), [("en", "1,500", "1,234.5", "7"), ("nl", "1.500", "1.234,5", "7")]
)
def test_figures_are_written_as_in_the_language(language: str, thousands: str, tenths: str, small: str) -> None:
    speak(language)
    assert (in_figures(1500), in_figures(1234.51, 1), in_figures(7)) == (thousands, tenths, small)
    speak("en")
