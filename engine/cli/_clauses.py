"""A rule's clauses about somebody, one a line: as it was written, what was seen and what was wanted."""

from __future__ import annotations

from collections.abc import Iterable

from engine.explain import Clause, RuleView
from engine.said import Said, frame, joined, say

MARKS = {"met": "✓", "not_met": "✗", "not_yet": "…", "unknown": "?"}
STATES = {
    "fired": say("fired"),
    "running": say("running"),
    "held": say("held"),
    "met": say("met"),
    "not_met": say("not met"),
    "not_yet": say("not yet"),
    "unknown": say("unknown"),
}
"""A rule's state in a word."""


def standing_of(rule: RuleView) -> Said:
    """Its state and why, in one sentence that says no word twice."""
    state = STATES[rule.state]
    return rule.why if rule.why.startswith(state) else joined(", ", (state, rule.why))


def lines_of(clauses: Iterable[Clause], *, indent: int) -> list[Said]:
    return [_line(clause, " " * (indent + 2 * clause.depth)) for clause in clauses]


def _line(clause: Clause, before: str) -> Said:
    text = f"{before}{MARKS[clause.verdict]} {clause.text}"
    if clause.verdict == "unknown" and clause.seen:
        return frame("%(text)s  %(told)s", text=text, told=say("not known: %(what)s", what=clause.seen))
    told = [say("saw %(seen)s", seen=clause.seen)] if clause.seen else []
    told += [say("wanted %(wanted)s", wanted=clause.wanted)] if clause.wanted else []
    return frame("%(text)s  %(told)s", text=text, told=joined(", ", told)) if told else frame("%(text)s", text=text)
