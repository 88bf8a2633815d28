"""What is said to whoever writes rules: an English sentence that still knows how it was made.

Everything that carries such a sentence (problems, verdicts, holds, answers of commands) is blind to languages: a
:class:`Said` is a ``str``, in English, and so it stands in logs and in answers over HTTP (``enc_hook=str`` tells
msgspec, which knows nothing but ``str`` itself). Only the terminal asks for another language, with :func:`translate`,
from the template and its values.

:func:`say` and :func:`say_count` mark a template for the catalogue (``engine/locale/*.po``, see CONTRIBUTING.md);
:func:`frame` puts sentences together and has no words of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final, overload

FOLDER: Final = Path(__file__).parent / "locale"
"""Where its catalogues are: ``<language>.po``."""
Value = str | int | float


class Said(str):
    """``template % values``; a value may be a Said of its own. ``many`` is the template's plural, by ``count``."""

    __slots__ = ("many", "template", "values")

    template: str
    values: Mapping[str, Value]
    many: str

    def __new__(cls, template: str, values: Mapping[str, Value], many: str = "") -> Said:
        said = super().__new__(cls, cls._put(_english(template, many, values), values))
        said.template, said.values, said.many = template, values, many
        return said

    def __getnewargs__(self) -> tuple[str, Mapping[str, Value], str]:  # type: ignore[override] # to be copied whole
        return self.template, self.values, self.many

    @staticmethod
    def _put(template: str, values: Mapping[str, Value]) -> str:
        return template % values

    def translated(self, into: NullTranslations) -> str:
        """It in the catalogue's language; what the catalogue does not have stays English."""
        values = {name: translate(value, into) for name, value in self.values.items()}
        if self.many:
            return self._put(into.ngettext(self.template, self.many, int(self.values["count"])), values)
        # To a catalogue the empty template is its own head.
        return self._put(into.gettext(self.template), values) if self.template else ""


class _Unmarked(Said):
    """One without the marks around words of the rule language, which only the reference has."""

    __slots__ = ()

    @staticmethod
    def _put(template: str, values: Mapping[str, Value]) -> str:
        return (template % values).replace("`", "")


def _english(template: str, many: str, values: Mapping[str, Value]) -> str:
    return many if many and values["count"] != 1 else template


def say(template: str, **values: Value) -> Said:
    """A sentence; ``template`` has its English words, and ``%(name)s`` for each value."""
    return Said(template, values) if values else _plain(template)


@cache
def _plain(template: str) -> Said:
    """Conditions say the same few words again and again."""
    return Said(template, {})


def say_count(one: str, many: str, *, count: int, **values: Value) -> Said:
    """A sentence about ``%(count)d`` of something."""
    return Said(one, {"count": count, **values}, many)


def frame(template: str, **values: Value) -> Said:
    """Sentences put together with signs alone, which are the same in every language."""
    return Said(template, values)


NOTHING = frame("")


def written(said: Said) -> str:
    """As a column of text keeps it: first in English, for whoever reads tables, then how it was made."""
    return f"{said}\n{json.dumps(_made(said), ensure_ascii=False)}" if said else ""


def read_again(text: str) -> Said:
    """What :func:`written` wrote; any other text as it is."""
    plain, _, made = text.partition("\n")
    return _remade(json.loads(made)) if made else noted(plain)


def _made(said: Said) -> list[object]:
    values = {name: _made(value) if isinstance(value, Said) else value for name, value in said.values.items()}
    return [said.template, values, said.many]


def _remade(made: list[Any]) -> Said:
    template, values, many = made
    inside = {name: _remade(value) if isinstance(value, list) else value for name, value in values.items()}
    return Said(template, inside, many)


def noted(text: str) -> Said:
    """A sentence that stands elsewhere as plain English: what an integration says about its own settings."""
    return Said(text.replace("%", "%%"), {})


def joined(separator: str, parts: Iterable[str]) -> Said:
    """Sentences or words with something between them."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return frame(separator.join(f"%({name})s" for name in values), **values)


def one_of(words: Iterable[str]) -> Said:
    """``a, b or c``."""
    *head, last = words
    return say("%(head)s or %(last)s", head=joined(", ", head), last=last) if head else frame("%(last)s", last=last)


def all_of(words: Iterable[str]) -> Said:
    """``a, b and c``."""
    *head, last = words
    return say("%(head)s and %(last)s", head=joined(", ", head), last=last) if head else frame("%(last)s", last=last)


def unmarked(said: Said) -> Said:
    """The sentence without the reference's marks around words of the rule language."""
    return _Unmarked("%(said)s", {"said": said})


@overload
def translate(value: str, into: NullTranslations) -> str: ...
@overload
def translate(value: Value, into: NullTranslations) -> Value: ...
def translate(value: Value, into: NullTranslations) -> Value:
    """A Said in the catalogue's language; anything else as it is."""
    return value.translated(into) if isinstance(value, Said) else value
