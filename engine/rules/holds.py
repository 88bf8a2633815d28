"""A reason to stay silent for now, or for good."""

from __future__ import annotations

import msgspec

from engine.clock import Millis
from engine.decisions import Guard
from engine.said import NOTHING, Said


class Hold(msgspec.Struct, frozen=True):
    """``settled`` closes the occasion; another hold may pass when the visitor is looked at again, at ``retry_at``."""

    guard: Guard
    detail: Said = NOTHING
    settled: bool = False
    retry_at: Millis | None = None
