"""Webhooks of a WooCommerce shop, as its REST API makes, changes and shows them.

One that failed more than five times in a row is switched off. A new one is tried at once, unsigned, with its number
alone. Secrets are never shown.
"""

from __future__ import annotations

from dataclasses import replace

import requests
from flask import Blueprint, Response, jsonify, request

from simulator.platforms.woocommerce.bodies import Json
from simulator.subscriptions import Hook, Hooks

PATIENCE_S = 60.0


def registered(hooks: Hooks) -> Blueprint:
    """The part of the API that Shopbell registers itself with."""
    routes = Blueprint("webhooks", __name__, url_prefix="/wp-json/wc/v3/webhooks")

    @routes.get("")
    def there() -> Response:
        size, page = request.args.get("per_page", 10, int), request.args.get("page", 1, int)
        return jsonify([_shown(hook) for hook in hooks.all()[size * (page - 1) : size * page]])

    @routes.post("")
    def make() -> tuple[Response, int]:
        told = request.get_json()
        hook = hooks.make(told["topic"], told["delivery_url"])
        hooks.note(hook.number, taken=_is_answered(hook))
        return jsonify(_shown(hook)), 201

    @routes.put("/<int:number>")
    def mend(number: int) -> Response:
        told = request.get_json()
        become = {"address": told["delivery_url"], "active": told["status"] == "active"}
        changed = hooks.change(number, lambda hook: replace(hook, **become))
        return jsonify(_shown(changed)) if changed else Response(status=404)

    @routes.delete("/<int:number>")
    def remove(number: int) -> Response:
        return Response(status=200 if hooks.remove(number) else 404)

    return routes


def _is_answered(hook: Hook) -> bool:
    """Whether the address takes the first, unsigned word of a new webhook."""
    try:
        return requests.post(hook.address, data={"webhook_id": hook.number}, timeout=PATIENCE_S).ok
    except requests.RequestException:
        return False


def _shown(hook: Hook) -> Json:
    status = "active" if hook.active else "disabled"
    return {"id": hook.number, "topic": hook.topic, "delivery_url": hook.address, "status": status}
