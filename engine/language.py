"""Languages: gettext catalogues next to what they translate, which itself is written in English.

A catalogue is one ``<language>.po``, which every translation tool can open; it is read as it is, so that nothing has to
be compiled after a change.
"""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE_LANGUAGE: Final = "en"
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")


class Catalogues:
    """The translations in one folder. Files are read once, at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = cache(self._read_catalogue)

    @property
    def languages(self) -> tuple[str, ...]:
        """What can be spoken, English first."""
        return (SOURCE_LANGUAGE, *sorted(path.stem for path in self._folder.glob("*.po")))

    def choose(self, *wanted: str | None) -> str:
        """The first of the wanted languages (``nl``, ``nl-BE``, ``nl_BE``) that can be spoken, else English."""
        spoken = self.languages
        bases = (base_language(tag) for tag in wanted if tag)
        return next((base for base in bases if base in spoken), SOURCE_LANGUAGE)

    def translations(self, language: str) -> NullTranslations:
        """The catalogue of a language from :attr:`languages`."""
        return self._read(language)

    def _read_catalogue(self, language: str) -> NullTranslations:
        if language == SOURCE_LANGUAGE:
            return NullTranslations()
        compiled = BytesIO()
        with (self._folder / f"{language}.po").open("rb") as file:
            write_mo(compiled, read_po(file, locale=language))
        compiled.seek(0)
        return Translations(compiled)


def base_language(tag: str) -> str:
    """``nl`` for ``nl``, ``nl-BE`` and ``nl_BE``; nothing for what is no language tag."""
    return re.split("[-_]", tag)[0].lower() if _TAG.match(tag) else ""


def locale_for(tag: str, language: str) -> Locale:
    """How amounts are written: as ``tag`` says where it is a known kind of ``language``, else as the language does."""
    if base_language(tag) == language:
        try:
            return Locale.parse(tag.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            pass
    return Locale.parse(language)
