"""How far a list has been read: all that changed in a stretch of time, a page after the other.

The cursor is ``since|until|offset|total``. Pages are told by their offset, so a thing that changes while they are read
leaves the stretch and moves its neighbours up; then the total is another one, and the stretch is begun again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.integration import Json, groups, whole

PAGE = 100
OVERLAP_S = 600
"""The next stretch begins a little before the end of this one: Ecwid's clock is not ours."""


@dataclass(frozen=True)
class Walk:
    """One stretch, in UNIX seconds; ``total`` is -1 until the first page has told it."""

    since: int
    until: int
    offset: int = 0
    total: int = -1

    @classmethod
    def of(cls, cursor: str, *, since: int, until: int) -> Walk:
        """Where ``cursor`` is; from ``since``, or from where it came to an end before, when a new stretch begins."""
        told = [int(part) for part in cursor.split("|") if part]
        if len(told) == 4:
            return cls(*told)
        return cls(told[0] if told else since, until)

    def __str__(self) -> str:
        return f"{self.since}|{self.until}|{self.offset}|{self.total}"

    @property
    def asked(self) -> dict[str, str | int]:
        return {"updatedFrom": self.since, "updatedTo": self.until, "offset": self.offset, "limit": PAGE}

    def past(self, page: Json) -> Walk | None:
        """Where the next page is; None at the end."""
        found = len(groups(page, "items"))
        total = whole(page, "total")
        total = self.offset + found if total is None else total
        if self.total not in (-1, total):
            return replace(self, offset=0, total=-1)
        further = replace(self, offset=self.offset + found, total=total)
        return further if found and further.offset < total else None

    @property
    def end(self) -> str:
        """The cursor with which the next stretch begins."""
        return str(max(self.since, self.until - OVERLAP_S))
