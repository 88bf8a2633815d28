"""The settings of the app's own web pixel: where it sends to, and with which key.

Deploying the app brings the pixel; it runs in a shop once it has settings there. An app has one pixel in a shop, so
whatever stands there is ours. It is seen to as webhooks are, and told of under the name :data:`TOPIC`.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/webPixelCreate
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.errors import CallError
from engine.integration import Call, Json, Subscription, group, text
from integrations.shopify.api import Api, NotThere

TOPIC = "web pixel"
_PLACE = "the app's web pixel"
"""Where a webhook has its address: there is one, wherever it sends to."""
_THERE = "{ webPixel { id settings } }"
_MAKE = """mutation($pixel: WebPixelInput!) {
  done: webPixelCreate(webPixel: $pixel) { userErrors { message } }
}"""
_MEND = """mutation($id: ID!, $pixel: WebPixelInput!) {
  done: webPixelUpdate(id: $id, webPixel: $pixel) { userErrors { message } }
}"""


def wanted(address: str, key: str) -> Subscription:
    """The pixel as it should be, where webhooks go to ``address``."""
    return _subscription({"server": address.partition("/hooks/")[0], "key": key})


def standing(api: Api, call: Call) -> tuple[Subscription, ...]:
    """The pixel as it is; nothing where there is none, or where the app may not see it."""
    try:
        data, _ = api.query(call, _THERE, {})
    except NotThere:
        return ()
    except CallError as error:
        if not error.refused:
            raise
        return ()
    found = group(data, "webPixel")
    return (_subscription(_settings(found), text(found, "id") or ""),) if found else ()


def make(api: Api, wanted: Subscription, call: Call) -> None:
    _change(api, _MAKE, {"pixel": _input(wanted)}, call)


def mend(api: Api, name: str, wanted: Subscription, call: Call) -> None:
    _change(api, _MEND, {"id": name, "pixel": _input(wanted)}, call)


def _subscription(settings: Mapping[str, object], name: str = "") -> Subscription:
    return Subscription(TOPIC, _PLACE, frozenset(f"{key}={value}" for key, value in settings.items()), id=name)


def _settings(pixel: Json) -> Json:
    """They are JSON, or a text that is JSON."""
    told = pixel.get("settings")
    try:
        read = msgspec.json.decode(told) if isinstance(told, str) else told
    except msgspec.DecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def _input(pixel: Subscription) -> Json:
    settings = dict(field.split("=", 1) for field in sorted(pixel.fields))
    return {"settings": msgspec.json.encode(settings).decode()}


def _change(api: Api, mutation: str, variables: Json, call: Call) -> None:
    try:
        api.change(call, mutation, variables)
    except CallError as error:
        if not error.refused or "ACCESS_DENIED" not in error.message:
            raise
        raise CallError("the app needs the scopes write_pixels and read_customer_events for it", refused=True) from None
