"""Webhooks and the app's web pixel, as Shopify's GraphQL API makes, changes and shows them.

An app's webhook that failed eight times in a row is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulator.platforms.shopify.bodies import Json
from simulator.subscriptions import Hook, Hooks

_TAKEN = "Address for this topic has already been taken"
_GONE = "Webhook subscription not found"


class Registered:
    """What one app has registered in the shop. Answers are the field ``done`` of a mutation, or that of a query."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._pixel: object = None
        self._answers: Mapping[str, tuple[str, Callable[[Json], Json]]] = {
            "webhookSubscriptions(": ("webhookSubscriptions", self._there),
            "webhookSubscriptionCreate(": ("done", self._make),
            "webhookSubscriptionUpdate(": ("done", self._mend),
            "webhookSubscriptionDelete(": ("done", self._remove),
            "webPixelCreate(": ("done", self._place_pixel),
            "webPixelUpdate(": ("done", self._place_pixel),
            "webPixel {": ("webPixel", self._shown_pixel),
        }

    def answer(self, query: str, variables: Json) -> Json | None:
        """The data; None for a query about something else."""
        for field, (name, answer) in self._answers.items():
            if field in query:
                return {name: answer(variables)}
        return None

    def _there(self, variables: Json) -> Json:
        del variables  # all of them fit on one page
        return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [*map(_node, self._hooks.all())]}

    def _make(self, variables: Json) -> Json:
        topic, told = _topic(str(variables["topic"])), _input(variables)
        if any(hook.address == told["uri"] for hook in self._hooks.about(topic)):
            return _problem(_TAKEN)
        self._hooks.make(topic, str(told["uri"]), _fields(told), str(told.get("filter") or ""))
        return _problem()

    def _mend(self, variables: Json) -> Json:
        told = _input(variables)
        address, fields, only = str(told["uri"]), _fields(told), str(told.get("filter") or "")
        changed = self._hooks.change(
            _number(variables), lambda hook: replace(hook, address=address, fields=fields, only=only)
        )
        return _problem() if changed else _problem(_GONE)

    def _remove(self, variables: Json) -> Json:
        return _problem() if self._hooks.remove(_number(variables)) else _problem(_GONE)

    def _place_pixel(self, variables: Json) -> Json:
        told = variables["pixel"]
        assert isinstance(told, dict)
        self._pixel = told["settings"]
        return _problem()

    def _shown_pixel(self, variables: Json) -> Json:
        del variables
        if self._pixel is None:
            raise LookupError("No web pixel was found for this app.")
        return {"id": "gid://shopify/WebPixel/1", "settings": self._pixel}


def _input(variables: Json) -> Json:
    told = variables["hook"]
    assert isinstance(told, dict)
    return told


def _fields(told: Json) -> frozenset[str]:
    fields = told.get("includeFields")
    return frozenset(fields) if isinstance(fields, list) else frozenset()


def _number(variables: Json) -> int:
    return int(str(variables["id"]).rpartition("/")[2])


def _topic(constant: str) -> str:
    """``ORDERS_CREATE`` as a delivery's header has it."""
    thing, _, what = constant.lower().rpartition("_")
    return f"{thing}/{what}"


def _node(hook: Hook) -> Json:
    return {
        "id": f"gid://shopify/WebhookSubscription/{hook.number}",
        "topic": hook.topic.upper().replace("/", "_"),
        "uri": hook.address,
        "includeFields": sorted(hook.fields),
        "filter": hook.only or None,
    }


def _problem(*messages: str) -> Json:
    return {"userErrors": [{"message": message} for message in messages]}
