"""What all tables have in common: how their parts are named, and what their columns may hold."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, MetaData, Text, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase

from engine.clock import Millis
from engine.said import Said, read_again, written

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


CLUSTERED = {"sqlite_with_rowid": False}
"""In SQLite the row lives in its primary key's tree: one random page for each write instead of two."""


def index_of_what_is_there(table: str, column: str) -> Index:
    """An index that leaves out rows without a value: most visitors have no timer and no person."""
    present = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=present, postgresql_where=present)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {Millis: BigInteger, str: Text, bytes: LargeBinary, bool: Boolean}  # noqa: RUF012 - as SQLAlchemy names it


class Sentence(TypeDecorator[Said]):
    """A sentence for a marketer, as text that can be said in another language when it is read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Said | None, dialect: Dialect) -> str | None:
        return None if value is None else written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Said | None:
        return None if value is None else read_again(value)
