"""Deliveries: claimed, fenced and settled by conditional updates, all in the database's time.

The order around the last byte is the promise: claim → last look → everything but the last byte → :func:`pass_fence`
→ the last byte → outcome. Each step is one UPDATE that names the attempt; zero rows mean that somebody else owns it.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, or_, select, update

from engine.clock import Millis, machine_time
from engine.messages import DeliveryState
from engine.recovery import DELIVERY_LEASE
from engine.store.database import database_now, in_transaction, reading
from engine.store.unit import DELIVERIES

LEASE: Millis = machine_time(DELIVERY_LEASE)

_C = DELIVERIES.c
_SCHEDULED, _CLAIMED, _DOT = (
    state.value for state in (DeliveryState.SCHEDULED, DeliveryState.CLAIMED, DeliveryState.DOT)
)


class Claim(NamedTuple):
    """A delivery that this worker owns for now."""

    id: str
    attempt: int
    shop: str
    visitor: str
    person: str | None
    rule: str
    decision: str
    kind: str
    due_at: Millis
    expires_at: Millis
    created_at: Millis
    body: str
    now: Millis


def claim(engine: Engine, delivery: str) -> Claim | None:
    """Own the delivery for one lease, or None when it is not due, done, or somebody else's."""

    def work(connection: Connection) -> Claim | None:
        now = database_now(connection)
        free = or_(_C.state == _SCHEDULED, and_(_C.state == _CLAIMED, _C.lease_until < now))
        values = {"state": _CLAIMED, "attempt": _C.attempt + 1, "lease_until": now + LEASE, "updated_at": now}
        wanted = and_(_C.id == delivery, _C.due_at <= now, free)
        if connection.execute(update(DELIVERIES).where(wanted).values(values)).rowcount != 1:
            return None
        row = connection.execute(select(DELIVERIES).where(_C.id == delivery)).one()
        known = {name: getattr(row, name) for name in Claim._fields if name != "now"}
        return Claim(**known, now=now)

    return in_transaction(engine, work)


def _move(engine: Engine, held: Claim, states: tuple[str, ...], **values: object) -> bool:
    """One fenced step: True when this attempt still owned the delivery."""

    def work(connection: Connection) -> bool:
        now = database_now(connection)
        own = and_(_C.id == held.id, _C.attempt == held.attempt, _C.state.in_(states))
        fresh = {key: value(now) if callable(value) else value for key, value in values.items()}
        return connection.execute(update(DELIVERIES).where(own).values(fresh | {"updated_at": now})).rowcount == 1

    return in_transaction(engine, work)


def renew(engine: Engine, held: Claim) -> bool:
    """Keep a claim, or the wait for the answer to the last byte, alive while the other side takes its time."""
    return _move(engine, held, (_CLAIMED, _DOT), lease_until=lambda now: now + LEASE)


def pass_fence(engine: Engine, held: Claim) -> bool:
    """Commit the intent directly before the last byte. False: another attempt owns it, send nothing."""
    return _move(engine, held, (_CLAIMED,), state=_DOT, lease_until=lambda now: now + LEASE)


def settle(engine: Engine, held: Claim, state: DeliveryState, result: str) -> bool:
    """Write the outcome. A late certainty also replaces ``uncertain``, which was only a lack of evidence."""
    before = (_CLAIMED, _DOT, DeliveryState.UNCERTAIN.value)
    return _move(engine, held, before, state=state.value, result=result[:500], lease_until=None)


def put_back(engine: Engine, held: Claim, delay_ms: Millis, result: str, *, refused: bool = True) -> bool:
    """Try again later. Not ``refused``: only where the last byte cannot have left, which is what the state says."""
    due = {"due_at": lambda now: now + delay_ms}
    before = (_CLAIMED, _DOT) if refused else (_CLAIMED,)
    return _move(engine, held, before, state=_SCHEDULED, result=result[:500], lease_until=None, **due)


def give_up(engine: Engine, held: Claim, result: str) -> bool:
    """It breaks every time: failed, where the last byte cannot have left."""
    failed = {"state": DeliveryState.FAILED.value, "lease_until": None}
    return _move(engine, held, (_CLAIMED,), **failed, result=f"given up after {held.attempt} attempts: {result}"[:500])


def mark_uncertain(engine: Engine) -> int:
    """Deliveries whose worker fell silent around the last byte: nobody can know, so nobody repeats them."""

    def work(connection: Connection) -> int:
        now = database_now(connection)
        silent = and_(_C.state == _DOT, _C.lease_until < now)
        values = {
            "state": DeliveryState.UNCERTAIN.value,
            "result": "the worker fell silent around the last byte",
            "updated_at": now,
        }
        return connection.execute(update(DELIVERIES).where(silent).values(values)).rowcount

    return in_transaction(engine, work)


def rules_of(engine: Engine, names: list[str]) -> dict[str, str]:
    """By which rule each of these deliveries was decided; without those that were erased."""
    with reading(engine) as connection:
        query = select(_C.id, _C.rule).where(_C.id.in_(names))
        return {row.id: row.rule for row in connection.execute(query)}


def owed(engine: Engine, overdue_ms: Millis, most: int) -> list[str]:
    """Deliveries that should have been taken ``overdue_ms`` ago, longest waiting first."""
    with reading(engine) as connection:
        now = database_now(connection)
        waiting = and_(_C.state == _SCHEDULED, _C.due_at <= now - overdue_ms)
        abandoned = and_(_C.state == _CLAIMED, _C.lease_until < now)
        query = select(_C.id).where(or_(waiting, abandoned)).order_by(_C.due_at).limit(most)
        return list(connection.execute(query).scalars())
