"""Who, when and where: the envelope, by our names or by theirs. Ours win."""

from __future__ import annotations

from engine.clock import to_iso
from engine.vocabulary.values import JsonObject, dig, fill, first, is_said, said, section, text

_PLAIN = (
    "id", "at", "seq", "visitor", "session", "tab", "engaged_ms", "email", "customer_id", "language", "country",
    "message",
)  # fmt: skip
SECTIONS = ("page", "product", "cart", "shipping", "order", "consent")
_LATEST_MICROS = 253_370_764_800_000_000  # the year 9999


def ours(raw: JsonObject) -> JsonObject:
    """The fields that already have our names; a section must be an object: the same word may be a number of theirs."""
    event = {name: raw[name] for name in _PLAIN if raw.get(name) is not None}
    event.update({name: raw[name] for name in SECTIONS if isinstance(raw.get(name), dict)})
    if isinstance(raw.get("refs"), list):
        event["refs"] = raw["refs"]
    return event


def _time(raw: JsonObject) -> object:
    micros = raw.get("timestamp_micros")
    if isinstance(micros, str) and micros.isascii() and micros.isdigit() and len(micros) < 19:
        micros = int(micros)
    if isinstance(micros, int) and 0 < micros < _LATEST_MICROS:
        return to_iso(micros // 1000)
    return raw.get("timestamp")


def _page(raw: JsonObject) -> JsonObject:
    """Segment writes ``context.page``, Shopify ``context.document``."""
    context = section(raw.get("context"))
    page = section(context.get("page"))
    document = section(context.get("document"))
    language = first(context.get("locale"), dig(context, "navigator", "language"))
    found: JsonObject = {
        "url": text(first(page.get("url"), dig(document, "location", "href"))),
        "title": text(first(page.get("title"), document.get("title"))),
        "referrer": text(first(page.get("referrer"), document.get("referrer"))),
        "language": text(language),
    }
    return said(found) if is_said(found["url"]) else {}


def theirs(raw: JsonObject) -> JsonObject:
    """The same by the names of Segment, Google and Shopify."""
    page = _page(raw)
    return {
        "id": text(raw.get("messageId")),
        "at": _time(raw),
        "visitor": text(first(raw.get("anonymousId"), raw.get("clientId"), raw.get("client_id"))),
        "customer_id": text(first(raw.get("userId"), raw.get("user_id"))),
        "page": page or None,
    }


def envelope(raw: JsonObject) -> JsonObject:
    """A new event with everything but its type and what it tells."""
    event = ours(raw)
    fill(event, theirs(raw))
    return event
