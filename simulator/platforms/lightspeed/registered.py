"""Webhooks and scripts of a Lightspeed shop, as its API makes, changes and shows them.

Whether Lightspeed gives one up that fails is not documented; here it stays.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, jsonify, request

from simulator.platforms.lightspeed.bodies import Json
from simulator.subscriptions import Hook, Hooks


def registered(hooks: Hooks) -> Blueprint:
    """The part of the API that Shopbell registers itself with."""
    routes, scripts = Blueprint("registered", __name__), dict[int, Json]()

    @routes.get("/nl/webhooks.json")
    def there() -> Response:
        return jsonify(webhooks=[_shown(hook) for hook in hooks.all()])

    @routes.post("/nl/webhooks.json")
    def make() -> Response:
        told = request.get_json()["webhook"]
        return jsonify(webhook=_shown(hooks.make(_topic(told), told["address"])))

    @routes.put("/nl/webhooks/<int:number>.json")
    def mend(number: int) -> Response:
        told = request.get_json()["webhook"]
        changed = hooks.change(number, lambda hook: replace(hook, address=told["address"], active=told["isActive"]))
        return jsonify(webhook=_shown(changed)) if changed else Response(status=404)

    @routes.delete("/nl/webhooks/<int:number>.json")
    def remove(number: int) -> Response:
        return Response(status=204 if hooks.remove(number) else 404)

    @routes.get("/nl/shop/scripts.json")
    def scripts_there() -> Response:
        return jsonify(shopScripts=[*scripts.values()])

    @routes.post("/nl/shop/scripts.json")
    def place() -> Response:
        number = len(scripts) + 1
        scripts[number] = request.get_json()["shopScript"] | {"id": number}
        return jsonify(shopScript=scripts[number])

    return routes


def _topic(told: dict[str, str]) -> str:
    return f"{told['itemGroup']}/{told['itemAction']}"


def _shown(hook: Hook) -> Json:
    group, _, action = hook.topic.partition("/")
    own: Json = {"id": hook.number, "itemGroup": group, "itemAction": action, "address": hook.address}
    return own | {"isActive": hook.active, "format": "json"}
