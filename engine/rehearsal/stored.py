"""Stored events as the door read them."""

from __future__ import annotations

from engine import strictjson, vocabulary
from engine.clock import Millis
from engine.errors import InvalidEvent, MalformedJson
from engine.events import Event, parse_event, parse_stored
from engine.store.stream import StoredEvent


def read_stored(stored: StoredEvent, currency: str) -> Event | None:
    """The event, or None where a release has learnt to refuse it since. ``currency`` is the shop's."""
    visitor, _, kind, at, _, trusted, body = stored
    event = parse_stored(body, kind, visitor=visitor, at=at, currency=currency, trusted=trusted)
    return event or _translated(visitor, at, trusted, body, currency)


def _translated(visitor: str, at: Millis, trusted: bool, body: str, currency: str) -> Event | None:
    """An event that came under a foreign name."""
    try:
        raw = strictjson.loads(body.encode())
        assert isinstance(raw, dict)
        whole = vocabulary.translate(raw) | {"visitor": visitor, "at": None}
        return parse_event(whole, received_at=at, skew_ms=0, currency=currency, trusted=trusted)
    except (MalformedJson, InvalidEvent):
        return None
