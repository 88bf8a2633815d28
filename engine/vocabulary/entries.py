"""What a vocabulary is: names with what they mean here, and how its bodies are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.vocabulary.values import JsonObject

Part = Callable[[JsonObject], JsonObject]
"""Reads one part of a body and gives the canonical fields it found, such as ``{"cart": {…}}``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One foreign name: the canonical (or own ``object_verbed``) type, the parts of the body that are read, and why."""

    name: str
    type: str
    carries: tuple[str, ...] = ()
    step: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One foreign vocabulary. ``body`` finds where it put its fields; ``signs`` tells names that we have too."""

    title: str
    source: str
    entries: tuple[Entry, ...]
    body: Callable[[JsonObject], JsonObject]
    parts: dict[str, Part]
    signs: dict[str, Callable[[JsonObject], bool]] = field(default_factory=dict)
    """For names that are also canonical: whether this body is theirs."""
