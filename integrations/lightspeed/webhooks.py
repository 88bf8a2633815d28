"""Webhooks and the storefront script, registered through the API.

A webhook is one of a group and an action; the topic stands in the address, because no header that tells it is
documented. The script is Shopbell's own, named by its address with the shop's public key in it.
"""

from __future__ import annotations

from urllib.parse import urlencode

from engine.integration import Call, Json, Subscription, text
from integrations.lightspeed.api import Api
from integrations.lightspeed.settings import LightspeedSettings

SCRIPT = "shop/scripts"
"""What the script goes by among the topics."""
_MOST = "250"


def wanted(topics: list[str], address: str, told: LightspeedSettings) -> tuple[Subscription, ...]:
    """A webhook for each topic, and the script where the shop gave its public key."""
    key = {"key": told.address_key} if told.address_key else {}
    hooks = [Subscription(topic, f"{address}?{urlencode({'topic': topic} | key, safe='/')}") for topic in topics]
    origin = address.partition("/hooks/")[0]
    script = [Subscription(SCRIPT, f"{origin}/adapters/lightspeed.js?key={told.script_key}")] if told.script_key else []
    return (*hooks, *script)


def standing(api: Api, call: Call, *, scripts: bool) -> tuple[Subscription, ...]:
    """Everything that is there; whose it is its address tells."""
    hooks = [_hook(item) for item in api.listed(call, "webhooks", limit=_MOST).items]
    found = api.listed(call, SCRIPT, limit=_MOST).items if scripts else []
    return (*hooks, *(_script(item) for item in found))


def make(api: Api, subscription: Subscription, call: Call) -> None:
    api.send(call, "POST", _place(subscription.topic), _body(api, subscription))


def mend(api: Api, there: Subscription, subscription: Subscription, call: Call) -> None:
    api.send(call, "PUT", f"{_place(there.topic)}/{there.id}", _body(api, subscription))


def remove(api: Api, there: Subscription, call: Call) -> None:
    api.send(call, "DELETE", f"{_place(there.topic)}/{there.id}")


def _place(topic: str) -> str:
    return SCRIPT if topic == SCRIPT else "webhooks"


def _hook(item: Json) -> Subscription:
    topic = f"{text(item, 'itemGroup') or ''}/{text(item, 'itemAction') or ''}"
    speaks = item.get("isActive") is True and text(item, "format") == "json"
    return Subscription(topic, text(item, "address") or "", id=text(item, "id") or "", active=speaks)


def _script(item: Json) -> Subscription:
    return Subscription(SCRIPT, text(item, "url") or "", id=text(item, "id") or "")


def _body(api: Api, subscription: Subscription) -> Json:
    if subscription.topic == SCRIPT:
        return {"shopScript": {"url": subscription.address, "body": None, "location": "head"}}
    item, _, action = subscription.topic.partition("/")
    hook: Json = {"itemGroup": item, "itemAction": action, "address": subscription.address}
    return {"webhook": hook | {"isActive": True, "format": "json", "language": api.language}}
