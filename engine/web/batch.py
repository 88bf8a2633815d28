"""What a batch of events says: its bytes as JSON, and each raw event as one that the house understands.

Each event that cannot be understood is named; its neighbours are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from werkzeug.wsgi import get_input_stream

from engine import strictjson, vocabulary
from engine.clock import MINUTE, Millis, from_datetime, wall_clock
from engine.errors import BodyTooLarge, InvalidEvent, MalformedJson, WrongMediaType
from engine.events import Event, is_known, parse_event
from engine.pipeline import Accepted, Submission, server_visitor
from engine.web.services import Services
from engine.web.speaker import Speaker

SERVER_LIMIT = 512 * 1024
_MOST_READ = SERVER_LIMIT + 1
MOST_EVENTS = 100
LONGEST_VISITOR = 64
ABOUT_THE_HOUSE = frozenset(["agents_changed", "stock_changed"])
"""What a shop's server may say without a visitor: who is there, and what is on its shelves."""
SKEW_TOLERANCE: Millis = MINUTE
"""A sender whose clock is less off than this is believed: the difference is as likely a slow network."""

Environ = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_MEDIA_TYPES = frozenset(["text/plain", "application/json"])


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one event was not taken, or what is odd about it."""

    index: int
    code: str
    message: str
    id: str | None = None
    field: str | None = None


def read_batch(environ: Environ) -> tuple[dict[str, object], int]:
    """The body as a JSON object, and how many bytes it has. Raises RequestError."""
    body = _read_body(environ)
    return _object(strictjson.loads(body)), len(body)


def visitor_of(batch: dict[str, object]) -> str | None:
    """The visitor for whom a browser's batch speaks; a longer name is no visitor's."""
    own = batch.get("visitor")
    return own if isinstance(own, str) and len(own) <= LONGEST_VISITOR else None


def _read_body(environ: Environ) -> bytes:
    # From the environment itself: werkzeug's parsed views of it cost as much as reading a whole event.
    media_type = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise WrongMediaType("send JSON as text/plain or application/json")
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise WrongMediaType("send the body uncompressed")
    length = str(environ.get("CONTENT_LENGTH", ""))
    if length.isdecimal() and int(length) > SERVER_LIMIT:
        raise BodyTooLarge(f"a body may have at most {SERVER_LIMIT // 1024} KiB")
    # Only a body of unknown length needs werkzeug's guarded stream; one byte over the limit is enough to know.
    measured = length.isdigit()
    body: bytes = environ["wsgi.input"].read(int(length)) if measured else get_input_stream(environ).read(_MOST_READ)
    if len(body) > SERVER_LIMIT:
        raise BodyTooLarge(f"a body may have at most {SERVER_LIMIT // 1024} KiB")
    return body


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MalformedJson("the body must be a JSON object")
    return value


def read_events(
    house: Services, speaker: Speaker, batch: dict[str, object], device: str
) -> tuple[Submission, list[Problem], list[Problem]]:
    """What is to be kept of it, what was rejected, and what is odd. Raises RequestError when it is no batch at all."""
    raw_events = batch.get("events")
    if not isinstance(raw_events, list):
        raise MalformedJson("'events' must be a list")
    if len(raw_events) > MOST_EVENTS:
        raise BodyTooLarge(f"a body may have at most {MOST_EVENTS} events, this one has {len(raw_events)}")
    visitor = None if speaker.trusted else visitor_of(batch)  # events of a longer name are rejected one by one
    if visitor is not None:
        house.limits.visitors.take(f"{speaker.shop.id}/{visitor}")
    received_at = wall_clock()
    reader = _Reader(speaker, batch, received_at, _skew(batch, received_at), device)
    accepted: list[Accepted] = []
    rejected: list[Problem] = []
    warnings: dict[str, Problem] = {}
    for index, raw in enumerate(raw_events):
        try:
            read = reader.read(raw)
        except InvalidEvent as error:
            raw_id = raw.get("id") if isinstance(raw, dict) else None
            known_id = raw_id[:64] if isinstance(raw_id, str) else None
            rejected.append(Problem(index, error.code, error.message, known_id, error.field))
            continue
        accepted.append(read)
        kind = read.event.type
        if not is_known(kind) and kind not in warnings:
            warnings[kind] = Problem(index, "unknown_type", f"'{kind}' is kept as an event of your own", field="type")
    return Submission(speaker.shop, accepted, answer_for=visitor or None), rejected, list(warnings.values())


def _skew(batch: dict[str, object], received_at: Millis) -> Millis:
    """How much the sender's clock is behind ours; 0 when it did not say or is about right."""
    sent_at = batch.get("sent_at")
    if not isinstance(sent_at, str):
        return 0
    try:
        parsed = datetime.fromisoformat(sent_at)
    except ValueError:
        return 0
    skew = received_at - from_datetime(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    return skew if abs(skew) > SKEW_TOLERANCE else 0


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the raw events of one batch into events."""

    speaker: Speaker
    batch: dict[str, object]
    received_at: Millis
    skew_ms: Millis
    device: str = ""
    """What the sender's headers say it runs on; a server's say nothing about the shopper."""

    def read(self, raw: object) -> Accepted:
        if not isinstance(raw, dict):
            raise InvalidEvent("an event must be an object", code="invalid_event")
        whole = self._with_batch_fields(raw)
        complete = vocabulary.translate(whole)
        if self.device and not self.speaker.trusted and complete.get("type") == "page_viewed":
            # Kept with the event, so that a replay knows it too.
            whole, complete = {"device": self.device} | whole, {"device": self.device} | complete
        # The visitor has a column of its own; the tab has not, and a replay needs it.
        body = _encode({name: value for name, value in whole.items() if name != "visitor"}).decode()
        shop = self.speaker.shop
        event = parse_event(
            complete,
            received_at=self.received_at,
            skew_ms=self.skew_ms,
            currency=shop.rules.shop.currency,
            trusted=self.speaker.trusted,
        )
        return Accepted(self._with_visitor(event), body)

    def _with_visitor(self, event: Event) -> Event:
        """A browser speaks for the visitor of its batch; a server may name a person instead, or speak of the house."""
        if not self.speaker.trusted:
            if not event.visitor or event.visitor != self.batch.get("visitor"):
                raise InvalidEvent("is missing", code="missing_field", field="visitor")
            return event
        if event.visitor or event.type in ABOUT_THE_HOUSE:
            return event
        named = server_visitor(self.speaker.shop.id, event)
        if not named:
            raise InvalidEvent("is missing", code="missing_field", field="visitor")
        return msgspec.structs.replace(event, visitor=named)

    def _with_batch_fields(self, raw: dict[str, object]) -> dict[str, object]:
        """What stands once for the whole batch. A browser speaks for one visitor only: its own."""
        own = {name: self.batch[name] for name in ("visitor", "session", "tab") if name in self.batch}
        return own | raw if self.speaker.trusted else raw | own
