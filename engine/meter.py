"""Calls to platforms that take only so many: each is counted before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from engine.errors import Throttled
from engine.http import Answered
from engine.integration import Call, Integration, Metered
from engine.store import budgets


def metered(engine: Engine, made: Integration[Any], name: str, what: str, call: Call) -> Call:
    """``call`` for this question; one that counts, where the integration ``name`` is metered.

    It raises Throttled when there is no call to be had now, and StoreError.
    """
    return _Counted(engine, made, f"{name}:{made.account}", what, call) if isinstance(made, Metered) else call


class _Counted:
    def __init__(self, engine: Engine, made: Metered[Any], account: str, what: str, call: Call) -> None:
        self._engine, self._made, self._account, self._call = engine, made, account, call
        self._share = made.share(what)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        allowance = self._made.allowance
        wait_ms = budgets.take(self._engine, self._account, allowance, self._share)
        if wait_ms:
            raise Throttled(wait_ms)
        answered = self._call(method, url, headers, body)
        told = self._made.allowed(answered)
        if told.windows or told.rest_ms:
            budgets.learn(self._engine, self._account, allowance, told)
        return answered
