"""Stored events, commit by commit, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from engine.clock import Millis
from engine.store.unit import EVENTS, IDENTITIES, RECHECKS, SUPPRESSIONS

CHUNK = 5_000
StoredEvent = tuple[str, str, str, Millis, Millis, bool, str]
"""(visitor, id, type, at, received_at, trusted, body)"""


class Suppression(NamedTuple):
    address: str
    reason: str
    at: Millis


def count_events(connection: Connection, shop: str, since: Millis, until: Millis) -> int:
    columns = EVENTS.c
    inside = (columns.shop == shop, columns.received_at >= since, columns.received_at < until)
    return int(connection.execute(select(func.count()).where(*inside)).scalar_one())


def events(connection: Connection, shop: str, since: Millis, until: Millis) -> Iterator[list[StoredEvent]]:
    """Those received in [since, until), in chunks; those of one commit share their ``received_at``.

    In which order a commit took them in is not kept; it is that of ``at``, and then of ``seq`` in the body.
    """
    columns = EVENTS.c
    query = (
        select(
            columns.visitor, columns.id, columns.type, columns.at, columns.received_at, columns.trusted, columns.body
        )
        .where(columns.shop == shop, columns.received_at >= since, columns.received_at < until)
        .order_by(columns.received_at, columns.at)
    )
    result = connection.execution_options(stream_results=True, yield_per=CHUNK).execute(query)
    for chunk in result.partitions(CHUNK):
        yield [(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6]) for row in chunk]


def house_events_before(connection: Connection, shop: str, before: Millis, most: int = 100) -> list[StoredEvent]:
    """What was last said about the agents before a moment, oldest first."""
    columns = EVENTS.c
    query = (
        select(
            columns.visitor, columns.id, columns.type, columns.at, columns.received_at, columns.trusted, columns.body
        )
        .where(columns.shop == shop, columns.visitor == "", columns.received_at < before)
        .where(columns.type == "agents_changed")
        .order_by(columns.received_at.desc())
        .limit(most)
    )
    return [(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6]) for row in connection.execute(query)][::-1]


def events_of(
    connection: Connection, shop: str, visitors: list[str], until: Millis, since: Millis = 0
) -> list[StoredEvent]:
    """What these visitors did that was received in [since, until], without what could not be applied then.

    "" stands for the shop itself.
    """
    columns = EVENTS.c
    query = (
        select(
            columns.visitor, columns.id, columns.type, columns.at, columns.received_at, columns.trusted, columns.body
        )
        .where(columns.shop == shop, columns.visitor.in_(visitors), columns.fault.is_(None))
        .where(columns.received_at >= since, columns.received_at <= until)
        .order_by(columns.received_at, columns.at)
    )
    return [(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6]) for row in connection.execute(query)]


class Recheck(NamedTuple):
    """A look that a timer brought, and for when it was planned."""

    at: Millis
    visitor: str
    due_at: Millis | None


def rechecks_of(connection: Connection, shop: str, visitors: list[str], until: Millis) -> list[Recheck]:
    """Every look up to ``until`` at one of these visitors, oldest first."""
    columns = RECHECKS.c
    query = select(columns.at, columns.visitor, columns.due_at)
    query = query.where(columns.shop == shop, columns.visitor.in_(visitors), columns.at <= until)
    return [Recheck(*row) for row in connection.execute(query.order_by(columns.at))]


def suppressions(connection: Connection, shop: str) -> list[Suppression]:
    """Every address that is never mailed, by when that began."""
    columns = SUPPRESSIONS.c
    query = select(columns.address, columns.reason, columns.at).where(columns.shop == shop).order_by(columns.at)
    return [Suppression(*row) for row in connection.execute(query)]


def person_of(connection: Connection, shop: str, identities: list[tuple[str, str]]) -> str | None:
    """The person who is known by the first of these (kind, hash) identities that is known at all."""
    columns = IDENTITIES.c
    for kind, value in identities:
        query = select(columns.person).where(columns.shop == shop, columns.kind == kind, columns.value == value)
        found: str | None = connection.execute(query).scalar_one_or_none()
        if found is not None:
            return found
    return None
