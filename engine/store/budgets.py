"""How many calls a platform still takes: counted before each call, so that no number of processes makes too many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from engine.clock import Millis
from engine.integration.meter import Allowed, Left
from engine.store import models
from engine.store.database import database_now, in_transaction
from engine.store.statements import insert_ignoring, upsert

BUDGETS = models.Base.metadata.tables["call_budgets"]


class Window(NamedTuple):
    """Calls that were made in a window of ``lasts_ms`` that ``ends_at``, out of ``most``."""

    account: str
    lasts_ms: Millis
    ends_at: Millis
    used: int
    most: int
    rest_until: Millis


def take(engine: Engine, account: str, allowance: Mapping[Millis, int], share: float) -> Millis:
    """Count one call. 0 when there was one to be had, else for how many milliseconds there is none.

    Raises StoreError.
    """

    def work(connection: Connection) -> Millis:
        now = database_now(connection)
        windows = _windows(connection, account, allowance, now)
        wait_ms = max((_wait(window, share, now) for window in windows), default=0)
        if not wait_ms:
            _write(connection, (window._replace(used=window.used + 1) for window in windows))
        return wait_ms

    return in_transaction(engine, work)


def learn(engine: Engine, account: str, allowance: Mapping[Millis, int], told: Allowed) -> None:
    """Believe the platform, where it has counted more calls than we have. Raises StoreError."""

    def work(connection: Connection) -> None:
        now = database_now(connection)
        rest_until = now + told.rest_ms if told.rest_ms else 0
        windows = _windows(connection, account, allowance, now)
        learnt = (_corrected(window, told.windows.get(window.lasts_ms), now) for window in windows)
        _write(connection, (each._replace(rest_until=max(each.rest_until, rest_until)) for each in learnt))

    in_transaction(engine, work)


def everything(engine: Engine, account: str) -> list[Window]:
    """How the windows of this account stand, the shortest first."""

    def work(connection: Connection) -> list[Window]:
        query = select(BUDGETS).where(BUDGETS.c.account == account).order_by(BUDGETS.c.lasts_ms)
        return [Window(*row) for row in connection.execute(query)]

    return in_transaction(engine, work)


def _windows(connection: Connection, account: str, allowance: Mapping[Millis, int], now: Millis) -> list[Window]:
    """The windows of this moment; locked, so that two processes count one after the other."""
    fresh = {lasts: Window(account, lasts, now - now % lasts + lasts, 0, most, 0) for lasts, most in allowance.items()}
    connection.execute(insert_ignoring(BUDGETS, connection.dialect.name), [each._asdict() for each in fresh.values()])
    query = select(BUDGETS).where(BUDGETS.c.account == account).order_by(BUDGETS.c.lasts_ms).with_for_update()
    kept = [Window(*row) for row in connection.execute(query)]
    return [_current(window, fresh[window.lasts_ms], now) for window in kept if window.lasts_ms in fresh]


def _current(kept: Window, fresh: Window, now: Millis) -> Window:
    return kept if kept.ends_at > now else fresh._replace(most=kept.most, rest_until=kept.rest_until)


def _wait(window: Window, share: float, now: Millis) -> Millis:
    if window.rest_until > now:
        return window.rest_until - now
    return 0 if window.used < max(1, int(window.most * share)) else window.ends_at - now


def _corrected(window: Window, told: Left | None, now: Millis) -> Window:
    if told is None:
        return window
    ends_at = window.ends_at if told.resets_in_ms is None else now + told.resets_in_ms
    # An answer that was long on its way tells of fewer calls than were made since; a new window has had few.
    same = abs(ends_at - window.ends_at) * 2 < window.lasts_ms
    used = max(told.most - told.left, window.used if same else 0)
    return window._replace(ends_at=ends_at, used=used, most=told.most)


def _write(connection: Connection, windows: Iterable[Window]) -> None:
    connection.execute(upsert(BUDGETS, connection.dialect.name, False), [window._asdict() for window in windows])
