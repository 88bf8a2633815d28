"""What goes over the wire, as structs, and as the JSON Schema that ``/v1/openapi.json`` tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from engine.events import CANONICAL_TYPES, REQUIRED, WIRE_EVENT
from engine.web.batch import MOST_EVENTS

Schema = dict[str, Any]
"""JSON Schema is a tree of whatever JSON holds."""
Short = Annotated[str, msgspec.Meta(max_length=64)]


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
    events: Annotated[list[WIRE_EVENT], msgspec.Meta(max_length=MOST_EVENTS)]  # type: ignore[valid-type]  # a computed union
    session: Short | msgspec.UnsetType = msgspec.UNSET
    tab: Short | msgspec.UnsetType = msgspec.UNSET
    sent_at: str | msgspec.UnsetType = msgspec.UNSET


class ServerBatch(msgspec.Struct):
    """A server's batch: many visitors, each event with its own `visitor`, `email` or `customer_id`."""

    events: Annotated[list[WIRE_EVENT], msgspec.Meta(max_length=MOST_EVENTS)]  # type: ignore[valid-type]  # a computed union
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


def reference(name: str) -> Schema:
    """Where the schema of this name stands."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas_of(told: Iterable[type]) -> Schema:
    """The schema of each of these structs, of every error, message and batch, and of all that stands in them."""
    structs = sorted(set(told) | {Error, Message, BrowserBatch, ServerBatch}, key=lambda struct: struct.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    # The names with which the code tells the wire from the inside are nobody's business.
    schemas: Schema = msgspec.json.decode(msgspec.json.encode(components).replace(b"_Wire", b""))
    _accept_numbers_as_money(schemas)
    schemas["EventsAnswer"]["properties"]["messages"]["items"] = reference("Message")
    schemas["Event"]["allOf"] = list(_required_sections())
    schemas["ForeignEvent"] = _foreign_event()
    either = {"anyOf": [reference("Event"), reference("ForeignEvent")]}
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
