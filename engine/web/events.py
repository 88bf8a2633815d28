"""``POST /v1/events``: checks who is speaking, turns bytes into events, and does nothing else.

What is answered 202 is on disk. Each event that cannot be understood is named in ``rejected``; its neighbours are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from flask import Blueprint, Response, request

from engine.clock import Millis
from engine.committer import Pending
from engine.errors import RequestError, StoreError, Unavailable, Unkeepable
from engine.pipeline import Answer
from engine.web import metrics
from engine.web.batch import Environ, Problem, read_batch, read_events
from engine.web.devices import device_of
from engine.web.faults import fault
from engine.web.later import Answered, Later
from engine.web.services import Services, services
from engine.web.speaker import Speaker, Stated, identify, stated_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

PATH: Final = "/v1/events"
SOONEST_CHECK: Millis = 250

blueprint = Blueprint("events", __name__)
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a problem may be a Said, which is a str of its own kind
_JSON = [("Content-Type", "application/json")]
_CORS = [
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "Date, Retry-After"),
    ("Vary", "Origin"),
]


class EventsAnswer(msgspec.Struct):
    """What became of a batch. ``next_check_ms`` is when the page should ask again, counted as ``check_on`` says."""

    accepted: int
    duplicates: int
    rejected: list[Problem]
    warnings: list[Problem]
    messages: list[msgspec.Raw]
    next_check_ms: int | None = None
    check_on: Literal["engaged", "visible"] | msgspec.UnsetType = msgspec.UNSET


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
        stated = None if self._speaker else stated_key(self._environ, self._batch)
        if stated is None or self._house.keys.remembers(stated.key):
            self._submit(stated, tell)
        else:  # a look into the database may take its time
            self._house.threads.submit(self._submit, stated, tell)

    def _submit(self, stated: Stated | None, tell: Callable[[], object]) -> None:
        house = self._house
        try:
            speaker = self._speaker or identify(house, self._environ, stated, self._size)
            submission, self._rejected, self._warnings = read_events(
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


def _answer_body(answer: Answer, rejected: list[Problem], warnings: list[Problem]) -> bytes:
    body = EventsAnswer(answer.accepted, answer.duplicates, rejected, warnings, answer.messages)
    if answer.ask is not None:
        body.next_check_ms = max(SOONEST_CHECK, answer.ask.at - answer.now)
        body.check_on = "engaged" if answer.ask.engaged else "visible"
    return _encode(body)
