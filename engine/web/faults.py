"""Mistakes of ours, as answers: told by kind and place, for what an exception says may quote a shopper."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog
from flask import Response

log = structlog.get_logger()


def fault(error: Exception) -> Response:
    """500, and a line in the log that is enough to find the place."""
    trace = traceback.extract_tb(error.__traceback__)
    where = f"{Path(trace[-1].filename).name}:{trace[-1].lineno}" if trace else "?"
    log.error("request failed", kind=type(error).__name__, where=where)
    return plain_error(500, "internal_server_error", "something went wrong here; it is not your fault")


def plain_error(status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    body = msgspec.json.encode({"error": {"code": code, "message": message}}, enc_hook=str)
    return Response(body, status=status, headers=list(headers), content_type="application/json")
