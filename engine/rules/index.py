"""Which rules could have something to say now, found without asking each of them.

A tree over the words that must be there (page type, cart stage, country …). At each of its nodes stand the rules that
need no further word: those that can be asked at once, those that wait for engaged time in order of patience, and
ladders of rules that need some number to be reached (so much in the cart, so many events). All of it is built from what
conditions declare (:mod:`engine.rules.needs`); no condition is known here by name.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NamedTuple

from engine.clock import Millis
from engine.rules.facts import Facts
from engine.rules.needs import AtLeast, Engaged, Fact, Needs, OneOf, Ways

MOST_COPIES = 64
"""A rule stands at every combination of the words that it could be met with; needs that make more are not looked at."""

Waiting = tuple[Millis, int]
"""How much engaged time a rule waits for, and its place in the file."""


class Found(NamedTuple):
    """Places of rules: to ask at once, and in stacks, each in order of patience, those that wait for engaged time.

    A place may stand there more than once, when a rule could be met in several ways.
    """

    at_once: list[int]
    patient: list[Sequence[Waiting]]


class Index:
    def __init__(self, rules: Iterable[Ways]) -> None:
        """``rules``: for each, in the order of the file, the ways in which it can come to be met."""
        known = [(place, way) for place, ways in enumerate(rules) for way in ways]
        self._root = _Node()
        telling = _how_telling(known)
        for place, way in known:
            _insert(self._root, place, way, telling)

    def find(self, facts: Facts) -> Found:
        """The rules that could be met now or by waiting; every other one would say no, and ask for no other look."""
        found = Found([], [])
        reached = [self._root]
        for node in reached:  # which grows on the way
            found.at_once.extend(node.at_once)
            if node.patient:
                found.patient.append(node.patient)
            for ladder in node.ladders.values():
                ladder.climb(facts, found)
            for switch in node.switches.values():
                for word in switch.fact.read(facts):
                    branch = switch.branches.get(word)
                    if branch is not None:
                        reached.append(branch)
        return found


@dataclass(slots=True)
class _Switch:
    fact: Fact[Collection[Hashable]]
    branches: dict[Hashable, _Node] = field(default_factory=dict)


@dataclass(slots=True)
class _Ladder:
    """Rules by the number that they need; whoever has reached so much has reached everything below it."""

    fact: Fact[int]
    amounts: list[int] = field(default_factory=list)
    rungs: list[tuple[Millis, int, tuple[AtLeast, ...]]] = field(default_factory=list)
    """The engaged time that a rule waits for, its place, and the other numbers that it needs."""

    def add(self, amount: int, waiting: Waiting, others: tuple[AtLeast, ...]) -> None:
        rung = bisect_right(self.amounts, amount)
        self.amounts.insert(rung, amount)
        self.rungs.insert(rung, (*waiting, others))

    def climb(self, facts: Facts, found: Found) -> None:
        patient: list[Waiting] = []
        for engaged_ms, place, others in self.rungs[: bisect_right(self.amounts, self.fact.read(facts))]:
            if others and not all(need.fact.read(facts) >= need.amount for need in others):
                continue
            if engaged_ms:
                patient.append((engaged_ms, place))
            else:
                found.at_once.append(place)
        if patient:
            found.patient.append(sorted(patient))


@dataclass(slots=True)
class _Node:
    at_once: list[int] = field(default_factory=list)
    patient: list[Waiting] = field(default_factory=list)
    ladders: dict[str, _Ladder] = field(default_factory=dict)
    switches: dict[str, _Switch] = field(default_factory=dict)

    def branch(self, need: OneOf, word: Hashable) -> _Node:
        switch = self.switches.setdefault(need.fact.name, _Switch(need.fact))
        return switch.branches.setdefault(word, _Node())

    def add(self, waiting: Waiting, numbers: Sequence[AtLeast]) -> None:
        if numbers:
            first, *others = numbers
            self.ladders.setdefault(first.fact.name, _Ladder(first.fact)).add(first.amount, waiting, tuple(others))
        elif waiting[0]:
            insort(self.patient, waiting)
        else:
            self.at_once.append(waiting[1])


def _insert(root: _Node, place: int, way: Needs, telling: dict[str, int]) -> None:
    """Put a rule where all the words are that it needs, the most telling fact first."""
    words = _few_enough([need for need in way if isinstance(need, OneOf)])
    words.sort(key=lambda need: (-telling[need.fact.name], need.fact.name))
    numbers = [need for need in way if isinstance(need, AtLeast)]
    numbers.sort(key=lambda need: (-telling[need.fact.name], need.fact.name))
    waiting = max((need.ms for need in way if isinstance(need, Engaged)), default=0), place
    for chosen in product(*(need.values for need in words)):
        node = root
        for need, word in zip(words, chosen, strict=True):
            node = node.branch(need, word)
        node.add(waiting, numbers)


def _few_enough(words: list[OneOf]) -> list[OneOf]:
    while prod(len(need.values) for need in words) > MOST_COPIES:
        words.remove(max(words, key=lambda need: len(need.values)))
    return words


def _how_telling(known: Iterable[tuple[int, Needs]]) -> dict[str, int]:
    """By fact, how well it tells rules apart: words by how many rules need them, numbers by how many there are."""
    told: dict[str, set[int]] = {}
    for place, way in known:
        for need in way:
            if isinstance(need, OneOf):
                told.setdefault(need.fact.name, set()).add(place)
            elif isinstance(need, AtLeast):
                told.setdefault(need.fact.name, set()).add(need.amount)
    return {name: len(different) for name, different in told.items()}
