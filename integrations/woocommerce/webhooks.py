"""The shop's webhooks, as its API has them. WooCommerce switches one off after more than five failures in a row.

Switching it on again leaves its count of failures as it was: the next failure switches it off once more, the next
success begins anew. One that somebody has paused stays as it is: ``paused`` is a person's word, ``disabled`` is not.
"""

from __future__ import annotations

from engine.integration import Call, Subscription, json_object
from integrations.woocommerce.api import Api, items
from integrations.woocommerce.body import number, text

_MOST_AT_ONCE = 100
_MOST_PAGES = 20


def standing(api: Api, call: Call) -> tuple[Subscription, ...]:
    """All of them, whoever made them."""
    found: list[Subscription] = []
    for page in range(1, _MOST_PAGES + 1):
        query = {"status": "all", "per_page": str(_MOST_AT_ONCE), "page": str(page)}
        told = items(api.get(call, "webhooks", query))
        found += map(_subscription, told)
        if len(told) < _MOST_AT_ONCE:
            break
    return tuple(found)


def make(api: Api, wanted: Subscription, secret: str, call: Call) -> None:
    api.post(call, "webhooks", _said(wanted, secret) | {"name": f"Shopbell: {wanted.topic}"})


def mend(api: Api, standing: Subscription, wanted: Subscription, secret: str, call: Call) -> None:
    api.put(call, f"webhooks/{standing.id}", _said(wanted, secret))


def _said(wanted: Subscription, secret: str) -> dict[str, object]:
    return {"topic": wanted.topic, "delivery_url": wanted.address, "secret": secret, "status": "active"}


def _subscription(told: bytes) -> Subscription:
    body = json_object(told)
    return Subscription(
        topic=text(body, "topic") or "",
        address=text(body, "delivery_url") or "",
        id=number(body, "id") or "",
        active=text(body, "status") != "disabled",
    )
