"""What strangers wrote, as a terminal shows it: a product's name must not clear the screen or write other lines."""

from __future__ import annotations

import unicodedata

_OURS = frozenset("\n\t\u200c\u200d")
"""Lines and columns, and what joins the letters of some scripts and the parts of an emoji."""
_INVISIBLE = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
"""Control and formatting characters: escape sequences, and letters that turn what follows around."""


def shown(text: str) -> str:
    """The text, with whatever a terminal obeys written out as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(letter if letter in _OURS or not _is_obeyed(letter) else _written(letter) for letter in text)


def _is_obeyed(letter: str) -> bool:
    return unicodedata.category(letter) in _INVISIBLE


def _written(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 127 else f"\\x{ord(letter):02x}"
