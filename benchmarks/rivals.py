"""The same rules for other engines: a table for zen-engine, expressions for common-expression-language.

Only the conditions of :func:`benchmarks.shop.rule_file` are translated, and only whether a rule is met: neither of the
two knows occasions, guards, or when to look again.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.rules.facts import Facts

Told = dict[str, object]
"""A visitor as the others are told of it: one flat table of facts, times in milliseconds, amounts in cents."""
Clause = str | dict[str, object]
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def tell(facts: Facts) -> Told:
    """The facts that the benchmark's rules ask for."""
    visitor, view, basket, now = facts.visitor, facts.view, facts.visitor.basket, facts.now

    def times(event: str, within: Millis) -> int:
        tally = visitor.tallies.get(event)
        return sum(at > now - within for at in tally.times) if tally is not None else 0

    return {
        "page": view.type if view is not None and not view.hidden else "",
        "engaged": view.engaged_ms + view.stretch_ms if view is not None else 0,
        "filled": basket is not None,
        "total": basket.total if basket is not None else -1,
        "categories": sorted({item.category for item in basket.items}) if basket is not None else [],
        "stage": basket.stage.name.lower() if basket is not None else "",
        "still": now - basket.progressed_at if basket is not None else -1,
        "away": now - visitor.seen_at,
        "mailable": facts.person is not None and facts.person.why_no_mail() is None,
        "views_30m": times("product_viewed", 30 * MINUTE),
        "views_1h": times("product_viewed", HOUR),
        "chats_1d": times("chat_started", DAY),
    }


# --- translation ------------------------------------------------------------------------------------------------------


class Cell(NamedTuple):
    """One test: the text of a cell in a decision table, its column ("" where it is a whole expression), and for CEL."""

    column: str
    text: str
    expression: str


def cells_of(when: Iterable[Clause]) -> list[Cell]:
    """All cells of a rule's ``when``. Raises KeyError for a condition that the benchmark does not use."""
    found = []
    for clause in when:
        word, settings = (clause, {}) if isinstance(clause, str) else next(iter(clause.items()))
        found += _TRANSLATORS[word](settings)
    return found


def _at_least(column: str, amount: int) -> Cell:
    return Cell(column, f">= {amount}", f"{column} >= {amount}")


def _one_of(column: str, words: Sequence[str]) -> Cell:
    quoted = ", ".join(f'"{word}"' for word in words)
    return Cell(column, quoted, f"{column} in [{quoted}]" if len(words) > 1 else f"{column} == {quoted}")


def _ms(text: object) -> Millis:
    return int(str(text)[:-1]) * _UNITS[str(text)[-1]]


def _on_page(given: dict[str, object]) -> list[Cell]:
    return [_one_of("page", [str(given["type"])]), _at_least("engaged", _ms(given["for"]))]


def _cart(given: object) -> list[Cell]:
    if not isinstance(given, dict):
        return [Cell("filled", "true", "filled")]
    cells = [_at_least("total", 100 * int(str(given["total"]).removeprefix(">= ")))]
    if "contains" in given:
        category = given["contains"]["category"]
        cells.append(Cell("categories", f'contains($, "{category}")', f'"{category}" in categories'))
    return cells


def _cart_abandoned(given: dict[str, object]) -> list[Cell]:
    reached = ("checkout", "shipping", "payment") if given["at"] == "checkout" else (str(given["at"]),)
    return [_one_of("stage", reached), _at_least("still", _ms(given["after"])), _at_least("away", 10 * MINUTE)]


def _happened(given: dict[str, object]) -> list[Cell]:
    counted = {"product_viewed": "views", "chat_started": "chats"}[str(given["event"])]
    return [_at_least(f"{counted}_{given['within']}", int(str(given.get("at_least", 1))))]


def _not(given: Clause) -> list[Cell]:
    inner = " && ".join(cell.expression for cell in cells_of([given]))
    return [Cell("", f"not ({_for_zen(inner)})", f"!({inner})")]


def _any(given: list[Clause]) -> list[Cell]:
    parts = " || ".join("(" + " && ".join(cell.expression for cell in cells_of([part])) + ")" for part in given)
    return [Cell("", _for_zen(parts), f"({parts})")]


def _for_zen(expression: str) -> str:
    return expression.replace("&&", "and").replace("||", "or")


_TRANSLATORS: dict[str, Callable[..., list[Cell]]] = {
    "on_page": _on_page,
    "cart": _cart,
    "cart_abandoned": _cart_abandoned,
    "happened": _happened,
    "can_email": lambda given: [Cell("mailable", "true", "mailable")],
    "not": _not,
    "any": _any,
}


# --- engines ----------------------------------------------------------------------------------------------------------


Met = Callable[[Told], list[str]]
"""The names of all rules that are met."""


class _Decision(Protocol):
    def evaluate(self, told: Told) -> dict[str, list[dict[str, str]]]: ...


class _Program(Protocol):
    def execute(self, context: object) -> bool: ...


def zen(rules: Sequence[dict[str, object]]) -> Met:
    """One decision table with a row for each rule, of which all rows that fit are collected."""
    decision: _Decision = importlib.import_module("zen").ZenEngine().create_decision(json.dumps(_table(rules)))
    return lambda told: [found["rule"] for found in decision.evaluate(told)["result"]]


def cel(rules: Sequence[dict[str, object]]) -> Met:
    """One compiled expression for each rule, all of them asked."""
    module = importlib.import_module("cel")
    programs: list[tuple[str, _Program]] = [(str(rule["name"]), module.compile(expression_of(rule))) for rule in rules]

    def met(told: Told) -> list[str]:
        context = module.Context(told)
        return [name for name, program in programs if program.execute(context)]

    return met


def expression_of(rule: dict[str, object]) -> str:
    """All that a rule asks, for CEL."""
    return " && ".join(cell.expression for cell in _cells(rule))


def _cells(rule: dict[str, object]) -> list[Cell]:
    when = rule["when"]
    assert isinstance(when, list)
    return cells_of(when)


def _table(rules: Sequence[dict[str, object]]) -> dict[str, object]:
    rows = [(str(rule["name"]), {cell.column: cell.text for cell in _cells(rule)}) for rule in rules]
    columns = sorted({column for _, cells in rows for column in cells})
    inputs = [{"id": f"in-{column}", "name": column} | ({"field": column} if column else {}) for column in columns]
    written = [
        {"_id": name, "out": json.dumps(name)} | {f"in-{column}": cells.get(column, "") for column in columns}
        for name, cells in rows
    ]
    content = {
        "hitPolicy": "collect",
        "inputs": inputs,
        "outputs": [{"id": "out", "name": "rule", "field": "rule"}],
        "rules": written,
    }
    nodes: list[dict[str, object]] = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "table", "type": "decisionTableNode", "name": "table", "content": content},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "to-table", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "to-out", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    return {"nodes": [node | {"position": {"x": 0, "y": 0}} for node in nodes], "edges": edges}
