"""``POST /v1/events``: checks who is speaking, turns bytes into events, and does nothing else.

What is answered 202 is on disk. Each event that cannot be understood is named in ``rejected``; its neighbours are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec
from flask import Blueprint, Response, request
from werkzeug.wsgi import get_input_stream

from engine import strictjson, vocabulary
from engine.clock import MINUTE, Millis, from_datetime, wall_clock
from engine.committer import Pending
from engine.errors import (
    BodyTooLarge,
    InvalidEvent,
    MalformedJson,
    OriginNotAllowed,
    RequestError,
    StoreError,
    Unavailable,
    Unkeepable,
    UnknownKey,
    WrongMediaType,
)
from engine.events import Event, is_known, parse_event
from engine.pipeline import Accepted, Answer, ShopRules, Submission, server_visitor
from engine.store.heard import NO_SHOP, PAGES, REFUSED, Sound
from engine.store.keys import SECRET, Key
from engine.web import metrics
from engine.web.devices import device_of
from engine.web.faults import fault
from engine.web.later import Answered, Later
from engine.web.services import Services, services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

BROWSER_LIMIT = 64 * 1024
SERVER_LIMIT = 512 * 1024
_MOST_READ = SERVER_LIMIT + 1
MOST_EVENTS = 100
LONGEST_VISITOR = 64
ABOUT_THE_HOUSE = frozenset(["agents_changed", "stock_changed"])
"""What a shop's server may say without a visitor: who is there, and what is on its shelves."""
SKEW_TOLERANCE: Millis = MINUTE
"""A sender whose clock is less off than this is believed: the difference is as likely a slow network."""
SOONEST_CHECK: Millis = 250

blueprint = Blueprint("events", __name__)
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a problem may be a Said, which is a str of its own kind
_MEDIA_TYPES = frozenset(["text/plain", "application/json"])
_JSON = [("Content-Type", "application/json")]
_CORS = [
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "Date, Retry-After"),
    ("Vary", "Origin"),
]
Environ = dict[str, Any]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one event was not taken, or what is odd about it."""

    index: int
    code: str
    message: str
    id: str | None = None
    field: str | None = None


class EventsAnswer(msgspec.Struct):
    """What became of a batch. ``next_check_ms`` is when the page should ask again, counted as ``check_on`` says."""

    accepted: int
    duplicates: int
    rejected: list[Problem]
    warnings: list[Problem]
    messages: list[msgspec.Raw]
    next_check_ms: int | None = None
    check_on: Literal["engaged", "visible"] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who posts: a shop's browser (public key, or its platform's signature) or its server (secret key)."""

    key: Key
    shop: ShopRules

    @property
    def trusted(self) -> bool:
        return self.key.kind == SECRET


PATH: Final = "/v1/events"


@blueprint.post(PATH, provide_automatic_options=False)
def post_events() -> Response:
    """Events in; what became of each, and what there is to say, back."""
    return _take(services(), request.environ)


def before_flask(house: Services, flask: WSGIApplication) -> WSGIApplication:
    """``flask`` with events taken in front of it: most of what comes, and its context was a third of their cost.

    The same function as behind the route, on the same environment; whatever else is asked goes on to Flask.
    """

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return flask(environ, start_response)
        try:
            response = _take(house, environ)
        except Exception as error:  # noqa: BLE001 - a mistake of ours is an answer too
            response = fault(error)
        return response(environ, start_response)

    return answer


def _take(house: Services, environ: Environ) -> Response:
    try:
        return Taken(house, environ, *read_batch(environ))
    except RequestError as error:
        return _refusal(house, environ.get("HTTP_ORIGIN"), error)


class Taken(Later):
    """The answer to a batch of ``size`` bytes, once everything that it counts is on disk.

    Who speaks is found by the key, unless ``speaker`` is known by something else.
    """

    def __init__(
        self, house: Services, environ: Environ, batch: dict[str, object], size: int, speaker: Speaker | None = None
    ) -> None:
        self._house = house
        self._environ = environ
        self._batch = batch
        self._size = size
        self._speaker = speaker
        self._pending: Pending | None = None
        self._error: Exception | None = None
        self._rejected: list[Problem] = []
        self._warnings: list[Problem] = []

    def begin(self, tell: Callable[[], object]) -> None:
        stated = None if self._speaker else _stated_key(self._environ, self._batch)
        if stated is None or self._house.keys.remembers(stated.key):
            self._submit(stated, tell)
        else:  # a look into the database may take its time
            self._house.threads.submit(self._submit, stated, tell)

    def _submit(self, stated: _Stated | None, tell: Callable[[], object]) -> None:
        house = self._house
        try:
            speaker = self._speaker or _identify(house, self._environ, stated, self._size)
            submission, self._rejected, self._warnings = _read_events(
                house, speaker, self._batch, device_of(self._environ)
            )
            self._pending = Pending(submission, tell)
            house.committer.submit(self._pending)
        except Exception as error:  # noqa: BLE001 - whoever waits must get an answer, also to a mistake of ours
            self._error = error
            tell()

    def give_up(self) -> None:
        if self._pending is not None:
            self._house.committer.give_up(self._pending)

    def finish(self) -> Answered:
        origin = self._environ.get("HTTP_ORIGIN")
        try:
            answer = self._kept()
        except RequestError as error:
            return Answered.of(_refusal(self._house, origin, error))
        for delivery in answer.hints:
            self._house.bell.ring("deliver", delivery)
        metrics.count_events(answer.accepted, answer.duplicates, len(self._rejected))
        # A secret key may come from anywhere, but only a shop's own pages may read an answer.
        cors = [("Access-Control-Allow-Origin", str(origin)), *_CORS] if self._house.allows_any(origin) else []
        body = _answer_body(answer, self._rejected, self._warnings)
        return Answered(202, [*_JSON, ("Content-Length", str(len(body))), *cors], body)

    def _kept(self) -> Answer:
        try:
            if self._error is not None:
                raise self._error
            assert self._pending is not None
            return self._pending.result()
        except StoreError as error:
            if error.permanent:
                raise Unkeepable("something in these events can never be kept; do not send them again") from error
            raise Unavailable("the events cannot be kept right now; send them again") from error


def _refusal(house: Services, origin: str | None, error: RequestError) -> Response:
    answer = error_response(error)
    return _with_cors(answer, origin) if house.allows_any(origin) else answer


@blueprint.route(PATH, methods=["OPTIONS"])
def preflight() -> Response:
    """For clients that send JSON as JSON; the snippet never needs it."""
    origin = request.headers.get("Origin")
    answer = Response(status=204)
    if not services().allows_any(origin):
        return answer
    answer.headers["Access-Control-Allow-Methods"] = "POST"
    answer.headers["Access-Control-Allow-Headers"] = "content-type"
    answer.headers["Access-Control-Max-Age"] = "7200"
    return _with_cors(answer, origin)


def _with_cors(answer: Response, origin: str | None) -> Response:
    """Beacons are credentialed, and a wildcard fails those silently: the origin itself is echoed."""
    answer.headers["Access-Control-Allow-Origin"] = origin or ""
    answer.headers.extend(_CORS)
    return answer


def error_response(error: RequestError) -> Response:
    """The error as JSON, with Retry-After where waiting helps."""
    body = _encode({"error": {"code": error.code, "message": error.message}})
    answer = Response(body, status=error.status, content_type="application/json")
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    metrics.REFUSED.labels(error.code).inc()
    return answer


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


class _Stated(NamedTuple):
    """A key as it was shown to us: in the header by a server, in the body by a browser."""

    key: str
    in_header: bool


def _stated_key(environ: Environ, batch: dict[str, object]) -> _Stated | None:
    authorization = str(environ.get("HTTP_AUTHORIZATION", ""))
    if authorization.startswith("Bearer ") and (secret := authorization.removeprefix("Bearer ")):
        return _Stated(secret, in_header=True)
    public = batch.get("key")
    return _Stated(public, in_header=False) if isinstance(public, str) and public.startswith("pk_") else None


def _identify(house: Services, environ: Environ, stated: _Stated | None, size: int) -> Speaker:
    if stated is None:
        raise UnknownKey("name a public key in 'key', or a secret one as Authorization: Bearer")
    key = house.keys.find(stated.key)
    shop = house.live.shop(key.shop) if key is not None else None
    if key is None or shop is None or (key.kind == SECRET) != stated.in_header:
        house.heard.note(Sound(NO_SHOP, PAGES, REFUSED, "its key is not known, or was revoked"))
        raise UnknownKey("this key is not known")
    if key.kind != SECRET:
        origin = environ.get("HTTP_ORIGIN")
        if not house.allows(origin, shop):
            house.heard.note(Sound(shop.id, PAGES, REFUSED, "its origin is not on the shop's list"), origin or "")
            raise OriginNotAllowed(f"the origin {(origin or 'that was not told')[:100]} is not on the shop's list")
        if size > BROWSER_LIMIT:
            raise BodyTooLarge(f"a browser's body may have at most {BROWSER_LIMIT // 1024} KiB")
        house.limits.addresses.take(str(environ.get("REMOTE_ADDR", "")))
    return Speaker(key, shop)


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


def _read_events(
    house: Services, speaker: Speaker, batch: dict[str, object], device: str
) -> tuple[Submission, list[Problem], list[Problem]]:
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


def _answer_body(answer: Answer, rejected: list[Problem], warnings: list[Problem]) -> bytes:
    body = EventsAnswer(answer.accepted, answer.duplicates, rejected, warnings, answer.messages)
    if answer.ask is not None:
        body.next_check_ms = max(SOONEST_CHECK, answer.ask.at - answer.now)
        body.check_on = "engaged" if answer.ask.engaged else "visible"
    return _encode(body)
