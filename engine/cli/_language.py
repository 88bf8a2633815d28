"""The language in which a command answers whoever typed it: ``--language``, else the environment's, else English."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations
from typing import Final

import click

from engine.cli._plain import shown
from engine.said import FOLDER, translate

LANGUAGES: Final = ("en", *sorted(path.stem for path in FOLDER.glob("*.po")))
_WHERE_IT_IS_SAID: Final = ("SHOPBELL_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set counts; after our own, in the order of POSIX."""

_spoken: ContextVar[str] = ContextVar("spoken", default="en")


def speak(language: str) -> None:
    """From here on this command answers in one of :data:`LANGUAGES`."""
    _spoken.set(language)


def spoken() -> str:
    """The language in which this command answers."""
    return _spoken.get()


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    from engine.language import Catalogues

    return Catalogues(FOLDER).translations(language)


def language_of(environ: Mapping[str, str]) -> str:
    """``nl`` for a terminal that is set to ``nl_NL.UTF-8``; English for what nobody has translated."""
    wanted = next((environ[name] for name in _WHERE_IT_IS_SAID if environ.get(name)), "")
    language = wanted.replace(".", "_").replace("-", "_").split("_")[0].lower()
    return language if language in LANGUAGES else "en"


def _choose(_: click.Context, __: click.Parameter, language: str | None) -> None:
    if language is not None:
        speak(language)


answers_in = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    is_eager=True,
    expose_value=False,
    callback=_choose,
    help="Answer in this language; else in that of SHOPBELL_LANGUAGE, or of the terminal.",
)
"""The option of every command that speaks to marketers."""


def in_words(message: str) -> str:
    """The message in this command's language; what nobody can translate as it is."""
    return translate(message, _catalogue(spoken()))


def in_figures(number: float, decimals: int = 0) -> str:
    """The number as this command's language writes it: 1,500 and 6.4 in English, 1.500 and 6,4 in Dutch."""
    from babel.numbers import format_decimal

    places = f".{'0' * decimals}" if decimals else ""
    return format_decimal(number, f"#,##0{places}", locale=spoken())


def tell(message: str, *, err: bool = False) -> None:
    """A line for whoever typed the command."""
    click.echo(shown(in_words(message)), err=err)
