"""Our webhooks with Shopify, through its GraphQL API.

Those that an app names in its ``shopify.app.toml`` are not told of there; whoever names topics in both gets them twice,
which changes nothing, because the same content counts once.
"""

from __future__ import annotations

from engine.integration import Call, Json, Subscription, group, groups, text
from integrations.shopify.api import Api
from integrations.shopify.topics import TOPICS

_THERE = """query($after: String) { webhookSubscriptions(first: 100, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { id topic uri includeFields filter }
} }"""
_MAKE = """mutation($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  done: webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) { userErrors { message } }
}"""
_MEND = """mutation($id: ID!, $hook: WebhookSubscriptionInput!) {
  done: webhookSubscriptionUpdate(id: $id, webhookSubscription: $hook) { userErrors { message } }
}"""
_REMOVE = "mutation($id: ID!) { done: webhookSubscriptionDelete(id: $id) { userErrors { message } } }"


def _constant(topic: str) -> str:
    """``orders/create`` as the API writes it."""
    return topic.upper().replace("/", "_")


_BY_CONSTANT = {_constant(topic): topic for topic in TOPICS}


def wanted(address: str) -> tuple[Subscription, ...]:
    """Every topic but those that Shopify lets nobody register here."""
    asked = {name: topic for name, topic in TOPICS.items() if topic.fields}
    return tuple(
        Subscription(name, address, frozenset(topic.fields.split()), topic.filter) for name, topic in asked.items()
    )


def standing(api: Api, call: Call) -> tuple[Subscription, ...]:
    """What the app has in this shop."""
    found: list[Subscription] = []
    after: str | None = None
    while True:
        data, _ = api.query(call, _THERE, {"after": after})
        page = group(data, "webhookSubscriptions")
        found += [_read(node) for node in groups(page, "nodes")]
        info = group(page, "pageInfo")
        after = text(info, "endCursor")
        if info.get("hasNextPage") is not True or after is None:
            return tuple(found)


def make(api: Api, subscription: Subscription, call: Call) -> None:
    api.change(call, _MAKE, {"topic": _constant(subscription.topic), "hook": _input(subscription)})


def mend(api: Api, name: str, subscription: Subscription, call: Call) -> None:
    api.change(call, _MEND, {"id": name, "hook": _input(subscription)})


def remove(api: Api, name: str, call: Call) -> None:
    api.change(call, _REMOVE, {"id": name})


def _read(node: Json) -> Subscription:
    told, topic = node.get("includeFields"), text(node, "topic") or ""
    fields = frozenset(field for field in told if isinstance(field, str)) if isinstance(told, list) else frozenset()
    own = _BY_CONSTANT.get(topic, topic.casefold())
    return Subscription(own, text(node, "uri") or "", fields, text(node, "filter") or "", text(node, "id") or "")


def _input(subscription: Subscription) -> Json:
    return {
        "uri": subscription.address,
        "format": "JSON",
        "includeFields": sorted(subscription.fields),
        "filter": subscription.filter or None,
    }
