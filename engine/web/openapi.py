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
from typing import Annotated, Any, Literal

import msgspec
from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from engine import errors
from engine.errors import RequestError
from engine.events import CANONICAL_TYPES, REQUIRED, WIRE_EVENT
from engine.web.events import BROWSER_LIMIT, MOST_EVENTS, SERVER_LIMIT, EventsAnswer
from engine.web.hooks import HookAnswer

blueprint = Blueprint("openapi", __name__)

Schema = dict[str, Any]
"""JSON Schema is a tree of whatever JSON holds."""

JSON, HTML, TEXT, SCRIPT = "application/json", "text/html", "text/plain", "text/javascript"
_HIDDEN = ("/dev/", "/demo/", "/console/", "/assets/", "/link-assets/")
"""For people in a browser, not for programs."""

Short = Annotated[str, msgspec.Meta(max_length=64)]


# --- what goes over the wire ------------------------------------------------------------------------------------------


class Action(msgspec.Struct):
    """A button under a message."""

    open: Literal["chat", "phone", "link"]
    label: str
    href: str | msgspec.UnsetType = msgspec.UNSET


class Agent(msgspec.Struct):
    """Who speaks."""

    name: str
    picture: str


class Message(msgspec.Struct):
    """Something to show on the page; report it with `message_shown`, `message_accepted` or `message_dismissed`."""

    id: str
    kind: Literal["invite", "nudge"]
    rule: str
    text: str
    language: str
    actions: list[Action]
    expires_at: str
    agent: Agent | msgspec.UnsetType = msgspec.UNSET


class ErrorDetail(msgspec.Struct):
    code: str
    message: str


class Error(msgspec.Struct):
    """Anything but a success: a `code` for programs, one plain sentence for people."""

    error: ErrorDetail


class BrowserBatch(msgspec.Struct):
    """A browser's batch: it speaks for one visitor, with the shop's public key."""

    key: Annotated[str, msgspec.Meta(pattern="^pk_")]
    visitor: Short
    events: Annotated[list[WIRE_EVENT], msgspec.Meta(max_length=MOST_EVENTS)]  # type: ignore[valid-type]
    session: Short | msgspec.UnsetType = msgspec.UNSET
    tab: Short | msgspec.UnsetType = msgspec.UNSET
    sent_at: str | msgspec.UnsetType = msgspec.UNSET


class ServerBatch(msgspec.Struct):
    """A server's batch: many visitors, each event with its own `visitor`, `email` or `customer_id`."""

    events: Annotated[list[WIRE_EVENT], msgspec.Meta(max_length=MOST_EVENTS)]  # type: ignore[valid-type]
    sent_at: str | msgspec.UnsetType = msgspec.UNSET


class SavedLine(msgspec.Struct):
    """One line of a saved cart; `price` in major units."""

    sku: str
    product_id: str
    name: str
    variant: str
    quantity: int
    price: str | None
    url: str
    image_url: str


class CartContent(msgspec.Struct):
    currency: str
    lines: list[SavedLine]


class RestoredCart(msgspec.Struct):
    """A cart as it was left, and the message whose link led here."""

    cart: CartContent
    message: str


class Readiness(msgspec.Struct):
    """`problems` by part: also those that do not stand in the way of taking events."""

    ready: bool
    problems: dict[str, str]
    shops: list[str]


class Health(msgspec.Struct):
    status: Literal["ok"]


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
            "schemas": _schemas(),
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
    either: Schema = {"schema": {"anyOf": [_reference("BrowserBatch"), _reference("ServerBatch")]}}
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
        shape: Schema = {"schema": _reference(answer.body.__name__)} if answer.body else {}
        response["content"] = {answer.media_type: shape}
    return response


def _refusals(kinds: tuple[type[RequestError], ...]) -> Schema:
    """One response per status, with the codes it may carry."""
    found: Schema = {}
    for kind in kinds:
        codes = {"properties": {"error": {"properties": {"code": {"const": kind.code}}}}}
        found[str(kind.status)] = {
            "description": kind.code.replace("_", " "),
            "content": {JSON: {"schema": {"allOf": [_reference("Error"), codes]}}},
        }
        if kind.retry_after_s is not None:
            found[str(kind.status)]["headers"] = {
                "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
            }
    return found


# --- schemas ----------------------------------------------------------------------------------------------------------


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> Schema:
    told = {answer.body for route in _TOLD.values() for answer in route.answers.values() if answer.body}
    structs = sorted(told | {Error, Message, BrowserBatch, ServerBatch}, key=lambda struct: struct.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    # The names with which the code tells the wire from the inside are nobody's business.
    schemas: Schema = msgspec.json.decode(msgspec.json.encode(components).replace(b"_Wire", b""))
    _accept_numbers_as_money(schemas)
    schemas["EventsAnswer"]["properties"]["messages"]["items"] = _reference("Message")
    schemas["Event"]["allOf"] = list(_required_sections())
    schemas["ForeignEvent"] = _foreign_event()
    either = {"anyOf": [_reference("Event"), _reference("ForeignEvent")]}
    for batch in ("BrowserBatch", "ServerBatch"):
        schemas[batch]["properties"]["events"]["items"] = either
    return schemas


def _accept_numbers_as_money(node: object) -> None:
    """An amount is a number or its decimal text."""
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            node["type"] = ["string", "number"]
        for inner in node.values():
            _accept_numbers_as_money(inner)
    elif isinstance(node, list):
        for inner in node:
            _accept_numbers_as_money(inner)


_ENVELOPE: Schema = {"anyOf": [{"required": ["data"]}, {"required": ["context"]}]}
"""What tells a platform's event from ours where both have the name."""


def _required_sections() -> Iterator[Schema]:
    for kind, sections in REQUIRED.items():
        ours = {"properties": {"type": {"const": kind}}, "not": _ENVELOPE}
        yield {"if": ours, "then": {"required": list(sections)}}


def _foreign_event() -> Schema:
    ours: Schema = {"properties": {"type": {"enum": sorted(CANONICAL_TYPES)}}, "required": ["type"]}
    return {
        "title": "ForeignEvent",
        "description": "An event by the name that Segment, GA4 or Shopify's pixel gives it, or one of your own.",
        "type": "object",
        "anyOf": [{"not": ours}, *_ENVELOPE["anyOf"]],
    }
