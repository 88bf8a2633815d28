"""Never again: an address that unsubscribed or bounced, for good and on every path."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Engine, delete, or_, select, update

from engine.messages import BY_MAIL
from engine.people import Person
from engine.store.database import Conflict, database_now, in_transaction
from engine.store.statements import insert_ignoring
from engine.store.unit import AUDIENCES, DELIVERIES, OUTCOMES, PEOPLE, SUPPRESSIONS, VISITORS


def suppress(engine: Engine, shop: str, person_id: str, address: str, reason: str, delivery: str = "") -> None:
    """Suppress the address (a keyed hash), cancel what waits for the person, and take them off every audience.

    ``reason`` is ``unsubscribed`` or ``bounced``; only the first is a goodbye. Saying it twice changes nothing, and it
    holds before the next last byte of any mail.
    """

    def work(connection: Connection) -> None:
        now, dialect = database_now(connection), connection.dialect.name
        row = {"shop": shop, "address": address, "reason": reason, "at": now}
        connection.execute(insert_ignoring(SUPPRESSIONS, dialect), [row])
        if delivery and reason == "unsubscribed":
            outcome = {"shop": shop, "delivery": delivery, "kind": reason, "at": now}
            connection.execute(insert_ignoring(OUTCOMES, dialect), [outcome])
        _mark_person(connection, shop, person_id, reason, now)
        if reason == "unsubscribed":
            devices = select(VISITORS.c.id).where(VISITORS.c.shop == shop, VISITORS.c.person == person_id)
            theirs = or_(AUDIENCES.c.person == person_id, AUDIENCES.c.visitor.in_(devices))
            connection.execute(delete(AUDIENCES).where(AUDIENCES.c.shop == shop, theirs))
        columns = DELIVERIES.c
        waiting = (columns.shop == shop, columns.person == person_id, columns.kind.in_(sorted(BY_MAIL)))
        values = {"state": "cancelled", "result": reason, "updated_at": now}
        unsent = columns.state.in_(["scheduled", "claimed"])  # a worker that holds one fails at its fence
        connection.execute(update(DELIVERIES).where(*waiting, unsent).values(values))

    in_transaction(engine, work)


def _mark_person(connection: Connection, shop: str, person_id: str, reason: str, now: int) -> None:
    own = (PEOPLE.c.shop == shop, PEOPLE.c.id == person_id)
    row = connection.execute(select(PEOPLE.c.version, PEOPLE.c.state).where(*own)).one_or_none()
    if row is None:
        return
    person = msgspec.msgpack.decode(row.state, type=Person)
    if reason == "bounced":
        person.bounced_at = person.bounced_at or now
    else:
        person.unsubscribed_at = person.unsubscribed_at or now
    values = {"state": msgspec.msgpack.encode(person), "version": row.version + 1, "updated_at": now}
    changed = connection.execute(update(PEOPLE).where(*own, PEOPLE.c.version == row.version).values(values))
    if changed.rowcount != 1:
        raise Conflict
