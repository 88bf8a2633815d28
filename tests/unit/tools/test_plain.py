"""What strangers wrote never becomes an order to the terminal of whoever reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli._plain import shown


@pytest.mark.parametrize("text", ["Koptelefoon – € 24,95", "a\nb\tc", "Ünïcode 🛒 日本", "👩\u200d🔧", ""])
def test_words_stay_as_they_are(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb", "a\\x0db"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(hostile: str, plain: str) -> None:
    assert shown(hostile) == plain


@given(st.text())
def test_nothing_obeyed_is_left_of_any_text(text: str) -> None:
    left = shown(text).replace("\n", "").replace("\t", "").replace("\u200c", "").replace("\u200d", "")
    assert left.isascii() or not any(letter in "\x7f\x9b\u202e" for letter in left)
    assert not any(letter < " " for letter in left)
    assert shown(shown(text)) == shown(text)
