"""What shops' platforms have to be asked: claimed with a lease, so that any number of clocks may run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, or_, select, update

from engine.clock import Millis, machine_time
from engine.recovery import ERRAND_LEASE
from engine.store import models
from engine.store.database import database_now, in_transaction
from engine.store.statements import insert_ignoring, upsert

ERRANDS = models.Base.metadata.tables["errands"]
LEASE: Millis = machine_time(ERRAND_LEASE)


class Errand(NamedTuple):
    """One question; ``attempt`` counts how often it has failed in a row."""

    shop: str
    integration: str
    what: str
    cursor: str
    attempt: int


def plan(engine: Engine, shop: str, integration: str, whats: Iterable[str], *, again: bool) -> None:
    """Have these asked now; what is there already only when ``again``. Raises StoreError."""

    def work(connection: Connection) -> None:
        own = {"shop": shop, "integration": integration, "due_at": database_now(connection)}
        rest = {"cursor": "", "lease_until": None, "attempt": 0, "problem": "", "answered_at": None}
        rows = [own | rest | {"what": what} for what in dict.fromkeys(whats)]
        dialect = connection.dialect.name
        if rows:
            connection.execute(upsert(ERRANDS, dialect, False) if again else insert_ignoring(ERRANDS, dialect), rows)

    in_transaction(engine, work)


def claim(engine: Engine) -> Errand | None:
    """The errand that has been due for longest, held for a while; None when nothing is due. Raises StoreError."""

    def work(connection: Connection) -> Errand | None:
        columns, now = ERRANDS.c, database_now(connection)
        free = or_(columns.lease_until.is_(None), columns.lease_until < now)
        due = (
            select(columns.shop, columns.integration, columns.what, columns.cursor, columns.attempt)
            .where(columns.due_at <= now, free)
            .order_by(columns.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = connection.execute(due).one_or_none()
        if row is None:
            return None
        errand = Errand(*row)
        connection.execute(update(ERRANDS).where(_is(errand)).values(lease_until=now + LEASE))
        return errand

    return in_transaction(engine, work)


def renew(engine: Engine, errand: Errand) -> bool:
    """Keep it while the platform takes its time; False when there is no such errand any more."""

    def work(connection: Connection) -> bool:
        until = database_now(connection) + LEASE
        return connection.execute(update(ERRANDS).where(_is(errand)).values(lease_until=until)).rowcount == 1

    return in_transaction(engine, work)


def settle(engine: Engine, errand: Errand, cursor: str, again_in_ms: Millis | None, *, answered: bool = True) -> None:
    """It was ``answered``: go on from ``cursor`` after so long; None: it is over and forgotten."""

    def work(connection: Connection) -> None:
        if again_in_ms is None:
            connection.execute(delete(ERRANDS).where(_is(errand)))
            return
        now = database_now(connection)
        values = {"cursor": cursor, "due_at": now + again_in_ms, "lease_until": None, "attempt": 0, "problem": ""}
        if answered:
            values["answered_at"] = now
        connection.execute(update(ERRANDS).where(_is(errand)).values(values))

    in_transaction(engine, work)


def put_off(engine: Engine, errand: Errand, problem: str, again_in_ms: Millis) -> None:
    """It was not answered: ask the same again after so long."""

    def work(connection: Connection) -> None:
        due_at = database_now(connection) + again_in_ms
        values = {"due_at": due_at, "lease_until": None, "attempt": errand.attempt + 1, "problem": problem[:500]}
        connection.execute(update(ERRANDS).where(_is(errand)).values(values))

    in_transaction(engine, work)


def drop(engine: Engine, errand: Errand) -> None:
    """Nobody can ask that any more."""
    in_transaction(engine, lambda connection: connection.execute(delete(ERRANDS).where(_is(errand))))


def drop_about(connection: Connection, shop: str, words: list[str]) -> int:
    """Delete the shop's questions that name one of these (a customer number, an order)."""
    columns, wanted = ERRANDS.c, {word for word in words if word}
    whats = connection.execute(select(columns.what).where(columns.shop == shop)).scalars()
    named = [what for what in whats if wanted.intersection(what.split(":"))]
    return connection.execute(delete(ERRANDS).where(columns.shop == shop, columns.what.in_(named))).rowcount


class Asked(NamedTuple):
    """How a question stands: when it is asked next, when it was answered last, how often it failed since, and why."""

    what: str
    due_at: Millis | None
    lease_until: Millis | None
    attempt: int
    problem: str
    answered_at: Millis | None


def standing(connection: Connection, shop: str, integration: str) -> list[Asked]:
    """Every question to the shop's platform, by name."""
    columns = ERRANDS.c
    query = select(*(columns[name] for name in Asked._fields)).order_by(columns.what)
    return [Asked(*row) for row in connection.execute(query.where(*_of(shop, integration)))]


def _of(shop: str, integration: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ERRANDS.c.shop == shop, ERRANDS.c.integration == integration


def count_failing(connection: Connection) -> dict[tuple[str, str], int]:
    """How many errands fail, by shop and integration."""
    columns = ERRANDS.c
    query = select(columns.shop, columns.integration, func.count()).where(columns.attempt > 0)
    return {(row[0], row[1]): row[2] for row in connection.execute(query.group_by(columns.shop, columns.integration))}


def _is(errand: Errand) -> ColumnElement[bool]:
    columns = ERRANDS.c
    return and_(columns.shop == errand.shop, columns.integration == errand.integration, columns.what == errand.what)
