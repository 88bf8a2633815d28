"""``/v1/openapi.json``: every door, described from the code that answers.

Paths come from the application's routes, schemas from the structs that read and write the wire, codes from the tree of
errors. What cannot be read from the code (which answers a route gives) stands in :data:`_TOLD`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import msgspec
from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from engine import errors
from engine.errors import RequestError
from engine.web.batch import MOST_EVENTS, SERVER_LIMIT
from engine.web.events import EventsAnswer
from engine.web.hooks import HookAnswer
from engine.web.speaker import BROWSER_LIMIT
from engine.web.wire import Error, Health, Readiness, RestoredCart, Schema, reference, schemas_of

blueprint = Blueprint("openapi", __name__)

JSON, HTML, TEXT, SCRIPT = "application/json", "text/html", "text/plain", "text/javascript"
_HIDDEN = ("/dev/", "/demo/", "/console/", "/assets/", "/link-assets/")
"""For people in a browser, not for programs."""


# --- what each route answers ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """One status: what it means, and the media type and shape of its body."""

    what: str
    media_type: str = ""
    body: type[msgspec.Struct] | None = None


@dataclass(frozen=True)
class _Route:
    answers: dict[int, _Answer]
    refusals: tuple[type[RequestError], ...] = ()
    summary: str = ""
    """Where the view itself has no docstring."""


_PAGE = _Answer("a page for the shopper, in their language", HTML)
_DEAD_LINK = {
    404: _Answer("a link that is not ours, or leads to what is no longer kept", HTML),
    410: _Answer("a link that has expired", HTML),
    503: _Answer("the database cannot be reached; `Retry-After` says when to try again", HTML),
}
_EVENTS = _Route(
    {202: _Answer("committed: a power cut does not undo it", JSON, EventsAnswer)},
    (
        errors.MalformedJson,
        errors.UnknownKey,
        errors.OriginNotAllowed,
        errors.BodyTooLarge,
        errors.WrongMediaType,
        errors.Unkeepable,
        errors.TooManyRequests,
        errors.Unavailable,
    ),
)
_TOLD = {
    "events.post_events": _EVENTS,
    "hooks.post_hook": _Route(
        {200: _Answer("`result` says what became of it: a repeat is harmless", JSON, HookAnswer)},
        (
            errors.BadSignature,
            errors.NotFound,
            errors.BodyTooLarge,
            errors.WrongMediaType,
            errors.Unavailable,
        ),
    ),
    "proxy.post_events": _Route(
        {202: _Answer("committed: a power cut does not undo it", JSON, EventsAnswer)},
        (
            errors.MalformedJson,
            errors.BadSignature,
            errors.NotFound,
            errors.BodyTooLarge,
            errors.WrongMediaType,
            errors.Unkeepable,
            errors.TooManyRequests,
            errors.Unavailable,
        ),
    ),
    "proxy.get_cart": _Route(
        {
            200: _Answer("the cart", JSON, RestoredCart),
            404: _Answer("not ours, or no longer kept", JSON, Error),
            410: _Answer("the link has expired", JSON, Error),
        },
        (errors.BadSignature, errors.Unavailable),
    ),
    "events.preflight": _Route({204: _Answer("with CORS headers for the origins of the shops, without for others")}),
    "health.healthz": _Route({200: _Answer("it answers", JSON, Health)}),
    "health.readyz": _Route(
        {
            200: _Answer("events can be kept", JSON, Readiness),
            503: _Answer("events cannot be kept now", JSON, Readiness),
        }
    ),
    "health.metrics": _Route({200: _Answer("Prometheus' text format", TEXT)}),
    "openapi.document": _Route({200: _Answer("an OpenAPI 3.1 document", JSON)}),
    "schema.rules_schema": _Route({200: _Answer("a JSON Schema", JSON), 304: _Answer("unchanged")}),
    "snippet.script": _Route(
        {200: _Answer("the script", SCRIPT), 304: _Answer("unchanged"), 404: _Answer("no such script", JSON, Error)}
    ),
    "snippet.adapter": _Route(
        {200: _Answer("the script", SCRIPT), 304: _Answer("unchanged"), 404: _Answer("no such script", JSON, Error)}
    ),
    "links.survey": _Route({200: _PAGE} | _DEAD_LINK, summary="Show the chosen answer to a survey; notes nothing."),
    "links.answered": _Route({200: _PAGE} | _DEAD_LINK, summary="Note the answer to a survey; the first one counts."),
    "links.unsubscribe": _Route({200: _PAGE} | _DEAD_LINK, summary="Ask whether to stop the mails; changes nothing."),
    "links.unsubscribed": _Route(
        {200: _PAGE} | _DEAD_LINK,
        summary="Stop the mails: the page's button, or one click in a mail program (RFC 8058).",
    ),
    "links.restore": _Route(
        {
            200: _Answer("the cart as a page, where the shop named no cart page", HTML),
            303: _Answer("to the shop's cart"),
        }
        | _DEAD_LINK,
        summary="Lead to the saved cart; changes nothing and logs nobody in.",
    ),
    "links.cart": _Route(
        {
            200: _Answer("the cart", JSON, RestoredCart),
            404: _Answer("not ours, or no longer kept", JSON, Error),
            410: _Answer("the link has expired", JSON, Error),
            503: _Answer("the database cannot be reached", JSON, Error),
        },
        summary="The saved cart behind a link, for the shop's page to merge.",
    ),
}
_ANYTHING = _Route({200: _Answer("done")})


@blueprint.get("/v1/openapi.json")
def document() -> Response:
    """This description of every door, as OpenAPI 3.1."""
    held = current_app.extensions
    if "openapi" not in held:
        held["openapi"] = msgspec.json.encode(describe(current_app))
    answer = Response(held["openapi"], content_type=JSON)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def describe(app: Flask) -> Schema:
    """The document for the routes that ``app`` has, apart from those for people and for development."""
    paths: Schema = {}
    for rule in public_routes(app):
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted(_methods(rule)):
            paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method)
    told = {answer.body for route in _TOLD.values() for answer in route.answers.values() if answer.body}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shopbell",
            "version": version("shopbell"),
            "summary": "Events in, messages out.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas_of(told),
            "securitySchemes": {"secret_key": {"type": "http", "scheme": "bearer", "description": "A shop's server."}},
        },
    }


def public_routes(app: Flask) -> Iterator[Rule]:
    """The routes that programs use."""
    return (rule for rule in app.url_map.iter_rules() if not f"{rule.rule}/".startswith(_HIDDEN))


def _methods(rule: Rule) -> set[str]:
    """Without those that Flask answers by itself."""
    methods = set(rule.methods or ())
    return methods if methods == {"OPTIONS"} else methods - {"HEAD", "OPTIONS"}


def _operation(app: Flask, rule: Rule, method: str) -> Schema:
    route = _TOLD.get(rule.endpoint, _ANYTHING)
    doc = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
    operation: Schema = {
        "operationId": f"{rule.endpoint.replace('.', '_')}_{method.lower()}",
        "summary": route.summary or doc.partition("\n")[0].replace("``", "`"),
        "responses": {str(status): _response(answer) for status, answer in route.answers.items()}
        | _refusals(route.refusals),
    }
    if rule.arguments:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in sorted(rule.arguments)
        ]
    if route is _EVENTS:
        operation |= _events_request()
    return operation


def _events_request() -> Schema:
    either: Schema = {"schema": {"anyOf": [reference("BrowserBatch"), reference("ServerBatch")]}}
    return {
        "description": (
            f"At most {MOST_EVENTS} events; at most {BROWSER_LIMIT // 1024} KiB from a browser and "
            f"{SERVER_LIMIT // 1024} KiB from a server, uncompressed. A browser names its key in the body and must "
            "come from one of the shop's origins; a server sends its secret key as a bearer. `text/plain` needs no "
            "preflight."
        ),
        "requestBody": {"required": True, "content": {TEXT: either, JSON: either}},
        "security": [{}, {"secret_key": []}],
    }


def _response(answer: _Answer) -> Schema:
    response: Schema = {"description": answer.what}
    if answer.media_type:
        shape: Schema = {"schema": reference(answer.body.__name__)} if answer.body else {}
        response["content"] = {answer.media_type: shape}
    return response


def _refusals(kinds: tuple[type[RequestError], ...]) -> Schema:
    """One response per status, with the codes it may carry."""
    found: Schema = {}
    for kind in kinds:
        codes = {"properties": {"error": {"properties": {"code": {"const": kind.code}}}}}
        found[str(kind.status)] = {
            "description": kind.code.replace("_", " "),
            "content": {JSON: {"schema": {"allOf": [reference("Error"), codes]}}},
        }
        if kind.retry_after_s is not None:
            found[str(kind.status)]["headers"] = {
                "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
            }
    return found
