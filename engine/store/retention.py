"""What is kept of those whom nobody knows any more, and for how long: their carts, what was decided about them, proofs.

Each function looks at the next stretch of a table in the order of its names, like those of :mod:`engine.store.timers`,
and deletes what is old and belongs to nobody who is still there: neither the browser nor the person. As long as one of
them is known, what was decided about them is what keeps a rule from speaking twice.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    Table,
    and_,
    delete,
    exists,
    select,
    tuple_,
)

from engine.clock import Millis
from engine.links import RESTORE_LIFETIME
from engine.messages import DeliveryState
from engine.store.database import database_now, in_transaction
from engine.store.timers import Due, Sweep
from engine.store.unit import CARTS, CONSENTS, DECISIONS, DELIVERIES, OUTCOMES, PEOPLE, VISITORS

Name = tuple[str, str]
"""A shop, and something of its own."""
MOST = 1_000
"""Rows that one stretch looks at: the only writer of a SQLite database must not be held up."""
_CHUNK = 500
_UNDER_WAY = [state.value for state in (DeliveryState.SCHEDULED, DeliveryState.CLAIMED, DeliveryState.DOT)]


def forget_carts(engine: Engine, idle_ms: Millis, after: Due | None = None, most: int = MOST) -> Sweep:
    """Carts that did not change for so long, and at least as long as a mail's link may bring them back."""

    def forget(connection: Connection, stretch: ColumnElement[bool], now: Millis) -> int:
        old = CARTS.c.updated_at < now - max(idle_ms, RESTORE_LIFETIME)
        return connection.execute(delete(CARTS).where(stretch, old, ~_is_known(CARTS, VISITORS))).rowcount

    return _sweep(engine, CARTS, CARTS.c.id, forget, after, most)


def forget_results(engine: Engine, older_than_ms: Millis, after: Due | None = None, most: int = MOST) -> Sweep:
    """Decisions of long ago, with their deliveries and what became of those."""

    def forget(connection: Connection, stretch: ColumnElement[bool], now: Millis) -> int:
        decided, owed = DECISIONS.c, DELIVERIES.c
        old = decided.at < now - older_than_ms
        over = (stretch, old, ~_is_known(DECISIONS, VISITORS), ~_is_known(DECISIONS, PEOPLE), ~_is_under_way())
        gone = _names(connection, select(decided.shop, decided.id).where(*over))
        join = DECISIONS.join(DELIVERIES, _is_of_decision(DELIVERIES))
        theirs = _names(connection, select(owed.shop, owed.id).select_from(join).where(*over))
        _delete(connection, OUTCOMES, OUTCOMES.c.delivery, theirs)
        _delete(connection, DELIVERIES, owed.id, theirs)
        _delete(connection, DECISIONS, decided.id, gone)
        return len(gone)

    return _sweep(engine, DECISIONS, DECISIONS.c.id, forget, after, most)


def forget_consents(engine: Engine, older_than_ms: Millis, after: Due | None = None, most: int = MOST) -> Sweep:
    """Proofs that nobody relies on: the person is gone, and so is every message that was sent on their word.

    Whom nobody may mail stands in another list (``suppressions``), which stays.
    """

    def forget(connection: Connection, stretch: ColumnElement[bool], now: Millis) -> int:
        own, sent = CONSENTS.c, DELIVERIES.c
        to_browser = exists().where(sent.shop == own.shop, sent.visitor == own.visitor)
        to_person = exists().where(sent.shop == own.shop, sent.person == own.person)
        unknown = (~_is_known(CONSENTS, VISITORS), ~_is_known(CONSENTS, PEOPLE))
        unused = and_(stretch, own.at < now - older_than_ms, *unknown, ~to_browser, ~to_person)
        return connection.execute(delete(CONSENTS).where(unused)).rowcount

    return _sweep(engine, CONSENTS, CONSENTS.c.event, forget, after, most)


def _is_under_way() -> ColumnElement[bool]:
    """Whether a message of the decision may still be sent."""
    other = DELIVERIES.alias()
    return exists().where(_is_of_decision(other), other.c.state.in_(_UNDER_WAY)).correlate(DECISIONS)


def _is_of_decision(deliveries: FromClause) -> ColumnElement[bool]:
    """By the visitor too, because that is what deliveries are found by."""
    decided, owed = DECISIONS.c, deliveries.c
    return and_(owed.shop == decided.shop, owed.visitor == decided.visitor, owed.decision == decided.id)


def _is_known(table: Table, whose: Table) -> ColumnElement[bool]:
    """Whether the visitor, or the person, of the table's row is still there."""
    named = table.c.visitor if whose is VISITORS else table.c.person
    return exists().where(whose.c.shop == table.c.shop, whose.c.id == named).correlate(table)


def _sweep(
    engine: Engine,
    table: Table,
    name: ColumnElement[str],
    forget: Callable[[Connection, ColumnElement[bool], Millis], int],
    after: Due | None,
    most: int,
) -> Sweep:
    """Have the next ``most`` names looked at; at the end of the table it begins anew."""
    names = tuple_(table.c.shop, name)

    def work(connection: Connection) -> Sweep:
        ahead = names > tuple(after) if after is not None else table.c.shop >= ""
        ends = select(*names.clauses).where(ahead).order_by(*names.clauses).offset(most - 1).limit(1)
        row = connection.execute(ends).one_or_none()
        last = Due(*row) if row is not None else None
        stretch = ahead if last is None else and_(ahead, names <= tuple(last))
        return Sweep(forget(connection, stretch, database_now(connection)), last)

    return in_transaction(engine, work)


def _names(connection: Connection, query: Select[str, str]) -> list[Name]:
    return [(shop, name) for shop, name in connection.execute(query)]


def _delete(connection: Connection, table: Table, name: ColumnElement[str], gone: list[Name]) -> None:
    names = tuple_(table.c.shop, name)
    for start in range(0, len(gone), _CHUNK):
        connection.execute(delete(table).where(names.in_(gone[start : start + _CHUNK])))
