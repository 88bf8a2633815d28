"""What was probably meant by a word that is not known, as the end of a sentence about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from engine.said import Said, all_of, frame, say, say_count


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    choices = {choice.replace("-", "_"): choice for choice in sorted(known)}
    tidy = word.strip().casefold().replace("-", "_").replace(" ", "_")[:60]
    near = difflib.get_close_matches(tidy, choices, n=1)
    return choices[near[0]] if near else None


def meant(word: str) -> Said:
    """`` (did you mean 'x'?)``"""
    return say(" (did you mean '%(word)s'?)", word=word)


def did_you_mean(word: str, known: Iterable[str]) -> Said:
    """`` (did you mean 'x'?)``, or what there is to choose from when nothing comes near."""
    choices = sorted(known)
    near = nearest(word, choices)
    if near is not None:
        return meant(near)
    if 0 < len(choices) <= 16:
        return say_count("; there is %(words)s", "; there are %(words)s", count=len(choices), words=all_of(choices))
    return frame("")


def shorten(text: str) -> str:
    """A stranger's text inside a message: one line, not long."""
    plain = " ".join(text.split())
    return plain if len(plain) <= 40 else plain[:39] + "…"
