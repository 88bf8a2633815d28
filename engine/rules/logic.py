"""``all``, ``any`` and ``not``, and how a clause is read.

``check`` asks every part, for traces; ``holds`` stops as soon as the answer is certain and gives the same answer with
the parts it looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

from engine.clock import Millis
from engine.rules import conditions as _all_conditions  # noqa: F401 - registers them
from engine.rules.conditions.base import CONDITIONS, FORMS, BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Fault, Kind, Reading, Schema, Told, must_be
from engine.rules.forms import setting
from engine.rules.needs import Ways, of_all, of_any
from engine.rules.source import Mapping, Node, Scalar, Sequence, flow
from engine.rules.suggestions import did_you_mean, shorten
from engine.rules.verdicts import MET, Asks, Part, State, Verdict, all_of, any_of, at_best, opposite, together
from engine.said import say
from engine.visitors import Watch

_MOST_CLAUSES = 100


class OneClause(Kind[BaseCondition]):
    """A condition with its settings, or its word alone."""

    what = say("a condition such as on_page: faq")

    def read(self, node: Node, reading: Reading) -> BaseCondition:
        word, value = self._word(node)
        if word.text not in CONDITIONS:
            near = did_you_mean(word.text, CONDITIONS)
            raise Fault(word, say("unknown condition '%(text)s'%(hint)s", text=shorten(word.text), hint=near))
        form = FORMS[word.text]
        if not form.settings:
            self._refuse_value(word.text, value)
            return CONDITIONS[word.text](clause=word.text)
        return replace(form.read(value, reading), clause=flow(node))

    def _word(self, node: Node) -> tuple[Scalar, Node]:
        if isinstance(node, Scalar) and not node.empty:
            return node, Scalar("", False, node.line, node.column)
        if isinstance(node, Sequence):
            raise Fault(node, say("this must be one condition; put several under any: or all:"))
        if not isinstance(node, Mapping) or not node.pairs:
            raise must_be(node, self.what)
        if len(node.pairs) > 1:
            second = node.pairs[1][0]
            raise Fault(
                second,
                say(
                    "one condition an entry: put '- ' before '%(text)s', or indent it further",
                    text=shorten(second.text),
                ),
            )
        return node.pairs[0]

    def _refuse_value(self, word: str, value: Node) -> None:
        text = value.text.casefold() if isinstance(value, Scalar) else "?"
        if text in ("false", "no"):
            raise Fault(value, say("write 'not: %(word)s'", word=word))
        if text not in ("", "true", "yes"):
            raise Fault(value, say("'%(word)s' has no settings; write it alone", word=word))

    def schema(self) -> Schema:
        return {"$ref": "#/definitions/clause"}


class Clauses(Kind[tuple[BaseCondition, ...]]):
    """A list of conditions."""

    what = say("a list of conditions")

    def read(self, node: Node, reading: Reading) -> tuple[BaseCondition, ...]:
        if not isinstance(node, Sequence):
            raise Fault(node, say("this must be a list: put '- ' before each condition, also when there is only one"))
        if not node.items:
            raise Fault(node, say("this list is empty, so it would always hold; give at least one condition"))
        if len(node.items) > _MOST_CLAUSES:
            raise Fault(
                node.items[_MOST_CLAUSES],
                say("a list has at most %(most)s conditions", most=_MOST_CLAUSES),
            )
        found = [reading.attempt(OneClause().read, item, reading) for item in node.items]
        if None in found:
            raise Told
        return cast("tuple[BaseCondition, ...]", tuple(found))

    def schema(self) -> Schema:
        return {"type": "array", "items": {"$ref": "#/definitions/clause"}, "minItems": 1}


class _Several(BaseCondition):
    """What ``all`` and ``any`` have in common."""

    of: tuple[BaseCondition, ...]

    def parts(self, facts: Facts) -> tuple[Part, ...]:
        return tuple(Part(part.clause, part.check(facts)) for part in self.of)

    @property
    def watches(self) -> tuple[Watch, ...]:
        return tuple(watch for part in self.of for watch in part.watches)


@condition
@dataclass(frozen=True, kw_only=True)
class All(_Several):
    """Every one of these holds. `when` is such a list already; inside `any` and `not` it groups.

    Example:
        - any: [{all: [{on_page: faq}, {cart: filled}]}, {happened: coupon_rejected}]
    """

    of: tuple[BaseCondition, ...] = setting(Clauses(), "The conditions.", main=True)
    bare: ClassVar[bool] = True
    peers: ClassVar[dict[str, str]] = {
        "LiveChat": "and, or; at most 10",
        "Zendesk": "all, any",
        "Smartsupp": "all, any",
        "Libredesk": "flat AND, OR",
        "Live Helper Chat": "AND, first match",
        "Crisp": "combine",
        "Tidio": "graph",
    }

    def check(self, facts: Facts) -> Verdict:
        return all_of(self.parts(facts))

    def holds(self, facts: Facts) -> Verdict:
        still_open: list[Verdict] = []
        for part in self._easiest_first:
            verdict = part.holds(facts)
            if verdict.state is State.MET:
                continue
            # A NotMet that only the house stands behind may still be outweighed by one that is final.
            if verdict.state is State.NOT_MET and verdict.asks is not Asks.HOUSE:
                return verdict
            still_open.append(verdict)
        return together(still_open)

    def met_until(self, facts: Facts) -> Millis | None:
        ends = [end for part in self.of if (end := part.met_until(facts)) is not None]
        return min(ends, default=None)

    @cached_property
    def _easiest_first(self) -> tuple[BaseCondition, ...]:
        return tuple(sorted(self.of, key=lambda part: part.effort))

    @property
    def ways(self) -> Ways:
        return of_all(part.ways for part in self.of)


@condition
@dataclass(frozen=True, kw_only=True)
class Any(_Several):
    """At least one of these holds.

    Example:
        - any: [{on_page: {type: faq, for: 1m}}, {on_page: {type: returns, for: 30s}}]
    """

    of: tuple[BaseCondition, ...] = setting(Clauses(), "The conditions.", main=True)
    bare: ClassVar[bool] = True
    peers: ClassVar[dict[str, str]] = {
        "LiveChat": "and, or; at most 10",
        "Zendesk": "any",
        "Smartsupp": "any",
        "Libredesk": "flat AND, OR",
        "Tidio": "graph",
    }

    def check(self, facts: Facts) -> Verdict:
        return any_of(self.parts(facts))

    def holds(self, facts: Facts) -> Verdict:
        still_open: list[Verdict] = []
        for part in self.of:
            verdict = part.holds(facts)
            if verdict.met:
                return MET
            still_open.append(verdict)
        return at_best(still_open)

    def met_until(self, facts: Facts) -> Millis | None:
        for _ in range(_MOST_CLAUSES):
            ends = [part.met_until(facts) for part in self.of if part.holds(facts).met]
            if not ends:
                return facts.now
            if None in ends:
                return None
            # Where one ends, another one may have begun.
            facts = replace(facts, now=max(end for end in ends if end is not None))
        return facts.now

    @property
    def ways(self) -> Ways:
        return of_any(part.ways for part in self.of)


@condition
@dataclass(frozen=True, kw_only=True)
class Not(BaseCondition):
    """This one condition does not hold. What is not known stays unknown, and a rule on it stays silent.

    Where time alone ends the condition (its `within` runs out, the shop closes), Shopbell looks again at that moment.

    Example:
        - not: {happened: {event: chat_started, within: 1d}}
    """

    of: BaseCondition = setting(OneClause(), "The condition.", main=True)
    bare: ClassVar[bool] = True

    @property
    def watches(self) -> tuple[Watch, ...]:
        return self.of.watches

    def check(self, facts: Facts) -> Verdict:
        return self._turned(self.of.check(facts), facts)

    def holds(self, facts: Facts) -> Verdict:
        return self._turned(self.of.holds(facts), facts)

    def _turned(self, inner: Verdict, facts: Facts) -> Verdict:
        return opposite(Part(self.of.clause, inner), self.of.met_until(facts) if inner.met else None)

    def met_until(self, facts: Facts) -> Millis | None:
        inner = self.of.holds(facts)
        return inner.at if inner.state is State.NOT_YET and inner.asks is Asks.CLOCK else None
