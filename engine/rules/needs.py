"""What must be so before a condition can be met at all: each condition declares it, and the index is built from that.

A need is a promise: while it is not fulfilled, the condition's answer is a plain "no" (or "not known") which no moment
in time and nothing about the house can change. To promise less than is true only costs time; promising more would
silence a rule, and is what the index's property test looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain, product
from math import prod
from typing import Generic, TypeVar

from engine.clock import Millis
from engine.rules.facts import Facts
from engine.rules.numbers import Comparison
from engine.visitors import SESSION_GAP, Watch

Read = TypeVar("Read", covariant=True)


@dataclass(frozen=True)
class Fact(Generic[Read]):
    """Something that can be read off: either words, of which there may be ``several`` at once, or one number.

    ``name`` stands for it: two facts of one name read the same.
    """

    name: str
    read: Callable[[Facts], Read] = field(compare=False)
    several: bool = False


@dataclass(frozen=True)
class OneOf:
    """The fact's word, or one of its words, is among ``values``."""

    fact: Fact[Collection[Hashable]]
    values: frozenset[Hashable]


@dataclass(frozen=True)
class AtLeast:
    """The fact's number is ``amount`` or more."""

    fact: Fact[int]
    amount: int


@dataclass(frozen=True)
class Engaged:
    """So much time was spent looking at this page and the ones of its type before it; the page asks when it was."""

    ms: Millis


Need = OneOf | AtLeast | Engaged
Needs = tuple[Need, ...]
"""All of these."""
Ways = tuple[Needs, ...]
"""The ways in which a condition can come to be met; whatever happens, all needs of one of them are fulfilled then."""

MOST_WAYS = 32


def so(fact: Fact[Collection[Hashable]]) -> Needs:
    """It is so; for facts that are read as true or false."""
    return (OneOf(fact, frozenset([True])),)


def one_of(fact: Fact[Collection[Hashable]], values: Iterable[Hashable]) -> Needs:
    """One of these; no values are no need."""
    wanted = frozenset(values)
    return (OneOf(fact, wanted),) if wanted else ()


def compared(fact: Fact[int], wanted: Comparison | None) -> Needs:
    """As much as the comparison asks for, if it asks for something."""
    least = wanted.least if wanted else None
    return () if least is None else (AtLeast(fact, least),)


def of_all(parts: Iterable[Ways]) -> Ways:
    """The ways of parts that must all hold: each way of one with each way of every other."""
    known = list(parts)
    while prod(len(ways) for ways in known) > MOST_WAYS:
        known.remove(max(known, key=len))
    return tuple(_together(chain.from_iterable(chosen)) for chosen in product(*known))


def of_any(parts: Iterable[Ways]) -> Ways:
    """The ways of parts of which one will do."""
    return tuple(way for ways in parts for way in ways)


def _together(needs: Iterable[Need]) -> Needs:
    """The same needs, with one for each fact."""
    found: dict[str, Need] = {}
    for need in needs:
        name = "" if isinstance(need, Engaged) else need.fact.name
        found[name] = _both(found[name], need) if name in found else need
    return tuple(found.values())


def _both(one: Need, other: Need) -> Need:
    if isinstance(one, Engaged) and isinstance(other, Engaged):
        return max(one, other, key=lambda need: need.ms)
    if isinstance(one, AtLeast) and isinstance(other, AtLeast):
        return max(one, other, key=lambda need: need.amount)
    # Of several words one may fulfil this need and another that one; then either of the two is right.
    if isinstance(one, OneOf) and isinstance(other, OneOf) and not one.fact.several:
        return replace(one, values=one.values & other.values)
    return one


# --- facts that more than one family asks for -------------------------------------------------------------------------


def _page(facts: Facts) -> Collection[Hashable]:
    view = facts.view
    if view is None or view.hidden or facts.now - view.seen_at > SESSION_GAP:
        return ()
    return (view.type,)


PAGE = Fact("the type of the page that is open and in sight", _page)
CART = Fact("whether there is an open cart", lambda facts: (facts.visitor.basket is not None,))
STAGE = Fact(
    "how far the cart has come", lambda facts: (facts.visitor.basket.stage,) if facts.visitor.basket is not None else ()
)
UNPAID = Fact("whether an order is unpaid", lambda facts: (facts.unpaid_order is not None,))


def happened(event: str) -> Fact[int]:
    """How often it happened as far as a visitor's own state tells: at least as often as anybody can count it."""

    def read(facts: Facts) -> int:
        tally = facts.visitor.tallies.get(event)
        told = tally.count if tally is not None else 0
        return max(told, len(facts.visitor.trail)) if event == "page_viewed" else told

    return Fact(f"how often {event} happened", read)


def watched(watch: Watch) -> Fact[int]:
    """How often what is watched happened."""
    key = watch.key

    def read(facts: Facts) -> int:
        series = facts.visitor.watched.get(key)
        return series.count if series is not None else 0

    return Fact(f"how often was seen what {key} watches", read)
