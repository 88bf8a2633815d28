"""What is told of a connection: a few lines, each with a mark."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from engine.said import Said


class Mark(StrEnum):
    """``waits``: nothing is wrong, and nothing says yet that it works."""

    FINE = "fine"
    WAITS = "waits"
    WRONG = "wrong"


_WORST_FIRST = (Mark.WRONG, Mark.WAITS, Mark.FINE)


class Line(msgspec.Struct, frozen=True):
    """One thing that can be said; ``about`` is one of few words, or the name of a poll."""

    about: str
    mark: Mark
    says: Said


class Connected(msgspec.Struct, frozen=True):
    """One connection of a shop: ``name`` is its word in the rule file, or ``pages``."""

    name: str
    title: str
    lines: tuple[Line, ...]

    @property
    def mark(self) -> Mark:
        marks = {line.mark for line in self.lines}
        return next((mark for mark in _WORST_FIRST if mark in marks), Mark.FINE)


class Standing(msgspec.Struct, frozen=True):
    """Everything of each shop; ``strays`` is what came to the address of no shop here."""

    shops: dict[str, tuple[Connected, ...]]
    strays: tuple[Line, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong. What came to no shop is somebody's mistake, and no connection's."""
        return all(each.mark is not Mark.WRONG for connections in self.shops.values() for each in connections)
