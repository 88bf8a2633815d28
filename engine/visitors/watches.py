"""Watches: what a condition wants to have remembered of events that the state does not keep by itself.

A watch begins to count when its rule goes live. The visitor keeps one bounded series for each watch, by the watch's
key; the key follows from what is watched, so that two rules that ask the same share it and a reload changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.events import Event
from engine.visitors.state import MAX_TIMES, MAX_WATCHED, Series, Visitor

_LARGEST = 9 * 10**18
"""What a stored number holds."""


class Watch(Protocol):
    @property
    def key(self) -> str:
        """A short name that depends on nothing but what is watched."""
        ...

    @property
    def event(self) -> str:
        """The type of event it looks at."""
        ...

    @property
    def distinct(self) -> bool:
        """Whether every value counts once, at its latest moment."""
        ...

    def match(self, event: Event) -> int | str | None:
        """What to remember of the event (a number in thousandths, or text), or None when it is of no interest."""
        ...


Watches = Mapping[str, Sequence[Watch]]
"""By event type."""


def keep_watch(visitor: Visitor, event: Event, watches: Watches) -> None:
    """Add the event to the series of every watch that it concerns."""
    for watch in watches.get(event.type, ()):
        value = watch.match(event)
        if value is not None:
            _remember(visitor, watch, event.at, value)


def _remember(visitor: Visitor, watch: Watch, at: int, value: int | str) -> None:
    series = visitor.watched.get(watch.key)
    if series is None:
        series = visitor.watched[watch.key] = Series()
        _forget_stalest(visitor, watch.key)
    known = list(zip(series.times, series.values, strict=True))
    if watch.distinct and any(told == value for _, told in known):
        latest = max(at, *(moment for moment, told in known if told == value))
        known = [(moment, told) for moment, told in known if told != value]
        known.append((latest, value))
    else:
        series.count += 1
        added = value if isinstance(value, int) else 0
        series.total = max(-_LARGEST, min(_LARGEST, series.total + added))
        known.append((at, value))
    # Batches may arrive out of order; the list stays sorted and keeps the latest.
    known = sorted(known, key=lambda pair: pair[0])[-MAX_TIMES:]
    series.times, series.values = [moment for moment, _ in known], [told for _, told in known]


def _forget_stalest(visitor: Visitor, but: str) -> None:
    """Rules come and go; what no event touched for longest is most likely of a rule that went."""
    while len(visitor.watched) > MAX_WATCHED:
        others = (key for key in visitor.watched if key != but)
        del visitor.watched[min(others, key=lambda key: max(visitor.watched[key].times, default=0))]
