"""Which of all that was told is about the cart that is open now: one walk through the story, in the order of time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from zlib import crc32

import msgspec

from engine.clock import DAY, Millis
from engine.visitors.state import SESSION_GAP, Closed
from engine.visitors.tellings import OWN_CART, Emptied, Filled, Ordered, Step, Telling

MOMENT: Millis = SESSION_GAP
"""So long a shipping cost, or a step of the checkout, waits for the cart that it was told of: within one visit it is
that visit's cart, later it may be any. As long after an order it is taken for an echo of what was ordered."""
MOST_NAMES = 4


def number_of(contents: str) -> int:
    """Contents as a number; 0 for nothing."""
    return crc32(contents.encode()) if contents else 0


def _named(contents: int) -> str:
    return f"{contents:08x}"


class End(msgspec.Struct, frozen=True):
    """An order, as all who told of it know it together."""

    at: Millis
    order: str
    names: tuple[str, ...]
    contents: int


def ends_of(story: list[Telling], placed_at: Mapping[str, Millis]) -> list[End]:
    """The orders, first to last. Each was placed when the first says so: the page that thanks may be opened again."""
    told = [telling for telling in story if isinstance(telling, Ordered)]
    if not told:
        return []
    by_order: dict[str, list[Ordered]] = {}
    for each in told:
        by_order.setdefault(each.order or f"@{each.at}", []).append(each)
    by_time: dict[Millis, list[Ordered]] = {}
    for order, tellings in by_order.items():
        at = min(tellings[0].at, placed_at.get(order, tellings[0].at))
        by_time.setdefault(at, []).extend(tellings)
    return [_together(at, by_time[at]) for at in sorted(by_time)]


def _together(at: Millis, told: list[Ordered]) -> End:
    names = tuple(dict.fromkeys(each.cart for each in told if each.cart))
    contents = next((each.contents for each in told if each.contents), 0)
    return End(at, max(each.order for each in told), names, contents)


class Walk:
    """How things stand after the tellings so far."""

    def __init__(self, own_names: Collection[str] = ()) -> None:
        self.told: list[Filled] = []
        """What was told of the open cart, first to last."""
        self.steps: list[Step] = []
        """What happened to it at the checkout, first to last."""
        self.closed: Closed | None = None
        self.emptied_at: Millis | None = None
        self._own_names = own_names
        self._shops_name = ""
        self._early: list[Step] = []

    @property
    def name(self) -> str:
        """What the open cart is called: as the shop calls it, or the name of ours that it has already."""
        kept = (each.cart for each in self.told if each.cart in self._own_names)
        return self._shops_name or next(kept, self.told[0].cart)

    @property
    def _ended_at(self) -> Millis:
        return max(self.closed.ordered_at if self.closed else 0, self.emptied_at or 0)

    def take(self, telling: Telling) -> None:
        if isinstance(telling, Filled):
            self._fill(telling)
        elif isinstance(telling, Emptied):
            self._empty(telling)
        elif not isinstance(telling, Ordered):
            self._step(telling)

    def end(self, end: End) -> None:
        """An order ends the cart that is there, and whatever goes by one of its names."""
        names = [*end.names, self.name if self.told else ""]
        first, *others = [*dict.fromkeys(name for name in names if name), ""][:MOST_NAMES]
        also = [name for name in others if name]
        self.closed = Closed(first, end.at, self._ordered_by(end), also, end.order)
        self._clear()

    def _ordered_by(self, end: End) -> str:
        """What was ordered; where the order does not say, whatever the cart held lately."""
        held = dict.fromkeys(each.contents for each in reversed(self.told))
        return "|".join(_named(each) for each in ([end.contents] if end.contents else [*held][:MOST_NAMES]))

    def _clear(self) -> None:
        self.told, self.steps, self._early, self._shops_name = [], [], [], ""

    def _is_over(self, telling: Filled | Step) -> bool:
        """Whether it tells of the cart that was just ordered: by name, or because it only repeats what was ordered."""
        closed = self.closed
        if closed is None:
            return False
        if telling.at <= closed.ordered_at or (telling.cart and telling.cart in closed.names):
            return True
        near = telling.at - closed.ordered_at < DAY
        return near and bool(telling.contents) and _named(telling.contents) in closed.contents

    def _fill(self, telling: Filled) -> None:
        if self._is_over(telling):
            return
        if not telling.cart.startswith(OWN_CART):
            if self._shops_name not in ("", telling.cart):
                self._clear()  # another cart of theirs
            self._shops_name = telling.cart
        if not self.told:
            self.steps = [step for step in self._early if telling.at - step.at <= MOMENT]
            self._early = []
        self.told.append(telling)

    def _empty(self, telling: Emptied) -> None:
        closed = self.closed
        if closed is not None and (telling.at <= closed.ordered_at or telling.cart in closed.names):
            return
        self.emptied_at = telling.at
        self._clear()

    def _step(self, telling: Step) -> None:
        if telling.at <= self._ended_at or self._is_over(telling):
            return
        if self.told:
            self.steps.append(telling)
        elif telling.at - self._ended_at > MOMENT:
            self._early.append(telling)


def read(story: list[Telling], placed_at: Mapping[str, Millis], own_names: Collection[str] = ()) -> Walk:
    """How things stand after the whole story."""
    walk, ends = Walk(own_names), ends_of(story, placed_at)
    for telling in story:
        while ends and ends[0].at < telling.at:
            walk.end(ends.pop(0))
        walk.take(telling)
    for end in ends:
        walk.end(end)
    return walk
