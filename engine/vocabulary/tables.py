"""The names of every vocabulary as the Markdown that ``docs/events.md`` shows."""

from __future__ import annotations

from engine.vocabulary import VOCABULARIES
from engine.vocabulary.entries import Entry, Vocabulary
from engine.vocabulary.segment import CALLS

START = "<!-- from engine/vocabulary: start -->"
END = "<!-- from engine/vocabulary: end -->"

_HEAD = ("their name", "ours", "step", "read", "why")
_READ = {
    "cart_line": "product",
    "checkout": "cart",
    "method": "",
    "alert": "",
    "expected_shipping": "estimate",
    "cart_js": "cart",
}


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _entry(entry: Entry) -> str:
    parts = [_READ.get(part, part) for part in entry.carries]
    return _row((f"`{entry.name}`", f"`{entry.type}`", entry.step or "", ", ".join(filter(None, parts)), entry.note))


def _table(vocabulary: Vocabulary) -> str:
    calls = CALLS if vocabulary is VOCABULARIES[0] else ()
    rows = [_row(_HEAD), _row(("---",) * len(_HEAD)), *map(_entry, (*vocabulary.entries, *calls))]
    return f"### {vocabulary.title}\nAfter <{vocabulary.source}>.\n\n" + "\n".join(rows)


def render() -> str:
    """The three tables, one under the other."""
    return "\n\n".join(map(_table, VOCABULARIES))


def renew(page: str) -> str:
    """The page with the tables between its two markers made anew; ValueError where a marker is missing."""
    before, rest = page.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{render()}\n{END}{after}"
