"""Webhooks: who signed them, and where they say that something has changed.

``X-Ecwid-Webhook-Signature`` covers a moment and an id, not the body around them. So what a body says is never
believed: it becomes the name of something to ask the API about, or nothing. ``"customer:5001"`` is a look-up; its
second part may only be a name that fits into an address and is no way out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engine.errors import BadSignature, UnknownTopic, Unreadable
from engine.integration import Delivery, Json, RawRequest, group, is_signed, json_object, require, text, whole

TRIES_FOR_MS = 48 * 60 * 60_000
"""Ecwid tries 27 times within a day; webhooks may also be late by themselves."""
_UNDERSCORED = re.compile(r"_([a-z])")
_NAME = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_.#-]{1,64}\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}\Z")


def topic_of(event_type: str) -> str:
    """One spelling for both: ``customer.personal_data_removal_request`` is ``customer.personalDataRemovalRequest``.

    What stands before the dot is always spelled the same, ``unfinished_order`` for one.
    """
    entity, dot, action = event_type.partition(".")
    return entity + dot + _UNDERSCORED.sub(lambda found: found[1].upper(), action)


def admit(request: RawRequest, store_id: str, *secrets: str) -> Delivery:
    """The delivery, when its moment and its id were signed with one of the secrets. Raises BadSignature."""
    try:
        told = json_object(request.body)
    except Unreadable:
        # Not where exactly: a stranger could have as many reasons counted as there are places.
        raise BadSignature("the body is no JSON object") from None
    made, name = whole(told, "eventCreated"), text(told, "eventId")
    signature = request.headers.get("x-ecwid-webhook-signature", "")
    if made is None or name is None or not is_signed(f"{made}.{name}".encode(), signature, *secrets):
        raise BadSignature("its moment and id were not signed with this app's secret")
    if text(told, "storeId") != store_id:
        raise BadSignature("it is for another store")
    topic = topic_of(text(told, "eventType") or "")
    asked = request.query.get("eventtype") or request.query.get("eventType") or topic
    if topic_of(asked) != topic:
        raise BadSignature("its address and its body name different events")
    return Delivery(topic, request.body, name, signed_at=made * 1_000)


def look_up(delivery: Delivery) -> str:
    """What to ask the API about. Raises UnknownTopic, and Unreadable where the body does not say which thing it is."""
    find = _FIND.get(delivery.topic)
    if find is None:
        raise UnknownTopic(delivery.topic)
    told = json_object(delivery.body)
    require(told, "eventId", "storeId")
    return find(told)


def _order(told: Json) -> str:
    """The number that people see; ``entityId`` is another one, -1 in older stores."""
    name = text(group(told, "data"), "orderId") or _number(told)
    return f"order:{_checked(name)}" if name else "recent:orders"


def _cart(told: Json) -> str:
    name = text(group(told, "data"), "cartId")
    return f"cart:{_checked(name)}" if name else "recent:carts"


def _by_number(kind: str) -> Callable[[Json], str]:
    def find(told: Json) -> str:
        number = _number(told)
        if number is None:
            raise Unreadable(f"it does not say which {kind}")
        return f"{kind}:{number}"

    return find


def _number(told: Json) -> str | None:
    """``entityId``, which is a number, a text, or -1 for none."""
    name = text(told, "entityId") or ""
    return name if _NUMBER.match(name) else None


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise Unreadable("the name in it is none")
    return name


_FIND: Mapping[str, Callable[[Json], str]] = {
    "order.created": _order,
    "order.updated": _order,
    "unfinished_order.created": _cart,
    "unfinished_order.updated": _cart,
    "unfinished_order.deleted": _cart,
    "product.created": _by_number("product"),
    "product.updated": _by_number("product"),
    "customer.created": _by_number("customer"),
    "customer.updated": _by_number("customer"),
    "customer.deleted": _by_number("gone"),
    "customer.personalDataRemovalRequest": _by_number("removal"),
    "customer.personalDataExportRequest": _by_number("export"),
    "profile.personalDataRemovalRequest": lambda _: "store_removal",
    "application.uninstalled": lambda _: "access",
    "application.subscriptionStatusChanged": lambda _: "access",
    "profile.subscriptionStatusChanged": lambda _: "access",
}
