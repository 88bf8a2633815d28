"""One way to open SQLite and PostgreSQL, and to begin, commit and give up.

SQLite: WAL, ``synchronous=FULL`` (each commit is on disk before it is answered), ``BEGIN IMMEDIATE`` for writers.
PostgreSQL: READ COMMITTED; rows are guarded by their version, so nothing depends on the isolation level.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from engine.clock import Millis, shop_time, wall_clock
from engine.errors import StoreError
from engine.said import say

T = TypeVar("T")
SERIALIZATION_TRIES = 6
_RETRYABLE = ("40001", "40P01", "23505")
"""PostgreSQL: serialization failure, deadlock, and a key that another transaction inserted first."""


class Conflict(Exception):
    """Another process changed a row in between; the whole transaction is done again."""


def open_engine(url: str, *, durability: str = "full") -> Engine:
    """An engine for ``url``. ``durability`` is ``full`` or ``relaxed`` (a power cut may take the last moments)."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql" and address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() == "sqlite":
        arguments: dict[str, str | int] = {"timeout": 10, "check_same_thread": False}
        # The connection used last is used next: each has a page cache of its own, which others' commits make stale.
        # Named parameters, so that a compiled statement takes the same mapping on both databases.
        engine = create_engine(address, connect_args=arguments, pool_size=8, pool_use_lifo=True, paramstyle="named")
        event.listen(engine, "connect", _prepare_sqlite(durability))
        event.listen(engine, "begin", _begin_immediate)
        return engine
    options = "-c statement_timeout=15000 -c lock_timeout=8000"
    if durability == "relaxed":
        options += " -c synchronous_commit=off"
    patience: dict[str, str | int] = {"options": options, "connect_timeout": 3}
    return create_engine(address, connect_args=patience, pool_size=5, max_overflow=5, pool_pre_ping=True)


def _prepare_sqlite(durability: str) -> Callable[[sqlite3.Connection, ConnectionPoolEntry], None]:
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling would begin late and DEFERRED; begin is emitted by hand below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durability == 'full' else 'NORMAL'}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA mmap_size=268435456")
        cursor.execute("PRAGMA wal_autocheckpoint=8000")
        # Whoever is forgotten is gone from the file too: what is deleted is written over with zeros. Some builds of
        # SQLite do so unasked, and some do not.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    return prepare


def _begin_immediate(connection: Connection) -> None:
    reading = connection.get_execution_options().get("shopbell_reading", False)
    connection.connection.cursor().execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def database_now(connection: Connection) -> Millis:
    """The database's time: what leases and due times are compared with, whatever a host's clock says."""
    if connection.dialect.name == "sqlite":
        return wall_clock()
    now = connection.execute(_POSTGRES_NOW).scalar_one()
    return shop_time(int(now))


_POSTGRES_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


def commit_begins(connection: Connection) -> Millis:
    """The database's time at the begin of a group commit; until it ends, :func:`between_commits` waits."""
    if connection.dialect.name == "sqlite":
        return wall_clock()
    return shop_time(int(connection.execute(_POSTGRES_COMMIT_BEGINS).scalar_one()))


def between_commits(connection: Connection) -> None:
    """Wait until no group commit is under way in any process, and let none begin until this transaction ends.

    What is written then was there before every commit that comes later. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_POSTGRES_BETWEEN_COMMITS)


_POSTGRES_COMMIT_BEGINS = text(
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_advisory_xact_lock_shared(7368656)"
)
_POSTGRES_BETWEEN_COMMITS = text("SELECT pg_advisory_xact_lock(7368656)")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for looking only; raises StoreError when the database is away."""
    try:
        with engine.connect().execution_options(shopbell_reading=True) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise _store_error(error) from error


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do ``work`` in one transaction; when another process was first, do all of it again.

    Raises StoreError when the database is away, locked or full; then nothing was kept.
    """
    driver = engine.dialect.loaded_dbapi
    for attempt in range(SERIALIZATION_TRIES):
        try:
            with engine.begin() as connection:
                return work(connection)
        except Conflict:
            continue
        # The statements of every commit go to the driver directly (engine.store.statements): its errors come bare.
        except (SQLAlchemyError, driver.Error) as error:
            if not _was_overtaken(error) or attempt == SERIALIZATION_TRIES - 1:
                raise _store_error(error) from error
    raise StoreError("other processes kept changing the same rows")


def _cause(error: Exception) -> Exception:
    """The driver's own error, also where SQLAlchemy wrapped it."""
    return getattr(error, "orig", None) or error


def _was_overtaken(error: Exception) -> bool:
    cause = _cause(error)
    return isinstance(cause, sqlite3.IntegrityError) or getattr(cause, "sqlstate", None) in _RETRYABLE


_AWAY = ("OperationalError", "InterfaceError")
"""Both drivers give these names (PEP 249) to a database that is unreachable, locked or full."""


_MISSING = ("no such table", "no such column")
_UNDEFINED = ("UndefinedTable", "UndefinedColumn")
"""What SQLite says and how PostgreSQL's driver calls it when a migration is missing."""


def _store_error(error: Exception) -> StoreError:
    names = {kind.__name__ for kind in type(_cause(error)).__mro__}
    away = isinstance(error, PoolTimeout) or not names.isdisjoint(_AWAY)
    return StoreError(_plain(error), away=away, permanent=not away and "DataError" in names)


def _plain(error: Exception) -> str:
    """What went wrong, without statement or parameters: those may hold somebody's address."""
    cause = _cause(error)
    told = (str(cause).splitlines() or [""])[0][:200]
    if told.startswith(_MISSING) or type(cause).__name__ in _UNDEFINED:
        return say("the database is not of this release (%(told)s); first run `shopbell db upgrade`", told=told)
    return f"the database did not keep it: {type(cause).__name__}: {told}"
