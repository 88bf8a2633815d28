"""The SQL of every commit, written by SQLAlchemy once and run on the driver's own cursor.

For a lonely event the per-call processing in between would cost as much as everything else together. To SQLite many
rows go out in one statement: its driver gives Python's lock away with every step, and gets it back only when the
threads that wanted it have had their turn. PostgreSQL's sends one statement for each row in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from engine.store import models

Values = dict[str, Any]
MOST_ROWS = 64
"""Rows in one statement; with nine columns each, far from the 32,766 values that SQLite takes."""

_TABLES = models.Base.metadata.tables
EVENTS, VISITORS, CARTS, HOUSES = (_TABLES[name] for name in ("events", "visitors", "carts", "houses"))


@cache
def insert_ignoring(table: Table, dialect: str) -> Insert:
    """INSERT that leaves a row which is already there as it is."""
    module = sqlite if dialect == "sqlite" else postgresql
    statement: Insert = module.insert(table).on_conflict_do_nothing()
    return statement


@cache
def upsert(table: Table, dialect: str, versioned: bool, only: tuple[str, ...] = ()) -> Insert:
    """INSERT or overwrite (``only`` these columns); a ``versioned`` table only where the version is the one read."""
    module = sqlite if dialect == "sqlite" else postgresql
    statement: Any = module.insert(table)
    written = only or [column.name for column in table.columns if not column.primary_key]
    fresh = {name: statement.excluded[name] for name in written}
    where = table.c.version == statement.excluded.version - literal_column("1") if versioned else None
    result: Insert = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=fresh, where=where
    )
    return result.execution_options(preserve_rowcount=True)


def _one_of(column: ColumnElement[str], parameter: str, dialect: str) -> ColumnElement[bool]:
    """``column IN (…)`` with one parameter, however long the list: JSON text in SQLite, an array in PostgreSQL."""
    if dialect == "sqlite":
        return column.in_(select(func.json_each(bindparam(parameter)).table_valued("value").c.value))
    return column == any_(bindparam(parameter, type_=postgresql.ARRAY(Text)))


def one_parameter(values: Iterable[str], dialect: str) -> str | list[str]:
    """A list as the one parameter of a statement that reads."""
    return msgspec.json.encode(list(values)).decode() if dialect == "sqlite" else list(values)


def _select_visitors(dialect: str) -> Select[Any]:
    columns = VISITORS.c
    wanted = select(columns.id, columns.version, columns.state, columns.person, columns.due_at)
    wanted = wanted.where(columns.shop == bindparam("shop"), _one_of(columns.id, "ids", dialect))
    # In this order, so that two processes never wait for each other; SQLite has one writer anyway.
    return wanted if dialect == "sqlite" else wanted.order_by(columns.id).with_for_update()


def _select_known_events(dialect: str) -> Select[Any]:
    """The stored ones of the (visitor, event id) pairs: one look-up for each pair, by the primary key.

    EXISTS rather than a join: SQLite's planner would walk all events and compare each with the list.
    """
    if dialect == "sqlite":
        pairs = func.json_each(bindparam("pairs")).table_valued("value").alias("pair")
        visitor, event = (func.json_extract(pairs.c.value, literal_column(f"'$[{place}]'", Text)) for place in (0, 1))
        return select(visitor.label("visitor"), event.label("id")).where(_is_stored(visitor, event))
    arrays = [bindparam(name, type_=postgresql.ARRAY(Text)) for name in ("visitors", "ids")]
    each = func.unnest(*arrays).table_valued("visitor", "id").render_derived("pair")
    return select(each.c.visitor, each.c.id).where(_is_stored(each.c.visitor, each.c.id))


def _is_stored(visitor: ColumnElement[str], event: ColumnElement[str]) -> ColumnElement[bool]:
    columns = EVENTS.c
    same = and_(columns.shop == bindparam("shop"), columns.visitor == visitor, columns.id == event)
    return exists(select(literal_column("1")).select_from(EVENTS).where(same))


def _select_house(dialect: str) -> Select[Any]:
    del dialect
    return select(HOUSES.c.version, HOUSES.c.state).where(HOUSES.c.shop == bindparam("shop"))


def _select_owners(dialect: str) -> Select[Any]:
    named = _one_of(CARTS.c.id, "ids", dialect)
    return select(CARTS.c.id, CARTS.c.visitor).where(CARTS.c.shop == bindparam("shop"), named)


_READS: dict[str, Callable[[str], Select[Any]]] = {
    "visitors": _select_visitors,
    "known_events": _select_known_events,
    "house": _select_house,
    "owners": _select_owners,
}
_WRITES: dict[str, tuple[Table, Callable[[str], Insert]]] = {
    "events": (EVENTS, lambda dialect: EVENTS.insert()),
    "carts": (CARTS, lambda dialect: upsert(CARTS, dialect, False)),
    "visitors": (VISITORS, lambda dialect: upsert(VISITORS, dialect, True)),
}


@cache
def _reading(name: str, dialect: Dialect) -> str:
    return _text(_READS[name](dialect.name), dialect)


@cache
def _writing(name: str, dialect: Dialect) -> str:
    return _text(_WRITES[name][1](dialect.name), dialect)


@cache
def _writing_many(name: str, rows: int) -> str:
    """SQLite's statement for so many rows, with a ``?`` for each value."""
    table, statement = _WRITES[name]
    values: list[Values] = [
        {column.name: bindparam(f"{column.name}_{row}") for column in table.columns} for row in range(rows)
    ]
    return _text(statement("sqlite").values(values), _QUESTION_MARKS)


_QUESTION_MARKS = sqlite.dialect(paramstyle="qmark")


@cache
def _in_order(name: str) -> Callable[[Values], Sequence[Any]]:
    return itemgetter(*_WRITES[name][0].columns.keys())


def _text(statement: ClauseElement, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect))


class HotStatements:
    """The statements of every commit, in the transaction of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._dialect = connection.dialect
        self._cursor = connection.connection.cursor()

    def read(self, name: str, parameters: Values) -> list[tuple[Any, ...]]:
        self._cursor.execute(_reading(name, self._dialect), parameters)
        return list(self._cursor.fetchall())

    def write(self, name: str, rows: Sequence[Values]) -> int:
        """Write rows that have every column and each a key of its own; returns how many were written."""
        if not rows:
            return 0
        if self._dialect.name == "sqlite":
            return self._write_in_few_steps(name, rows)
        self._cursor.executemany(_writing(name, self._dialect), rows)
        return self._cursor.rowcount

    def _write_in_few_steps(self, name: str, rows: Sequence[Values]) -> int:
        written, done, values_of = 0, 0, _in_order(name)
        while done < len(rows):
            # Sizes are powers of two, so that few statements serve every number of rows.
            size = min(MOST_ROWS, 1 << (len(rows) - done).bit_length() - 1)
            values = list(chain.from_iterable(map(values_of, rows[done : done + size])))
            self._cursor.execute(_writing_many(name, size), values)
            written += self._cursor.rowcount
            done += size
        return written
