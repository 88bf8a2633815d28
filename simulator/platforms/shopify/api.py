"""Shopify's GraphQL API, as far as Shopbell asks it: orders and abandoned checkouts, paid in points.

Too many points at once is an error in an answer of status 200. A token lasts a day; an old one is a 401.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, jsonify, request

from engine.clock import SECOND, Millis
from simulator.platforms.shopify.bodies import CLIENT_ID, SECRET, SHOP, Json
from simulator.platforms.shopify.queries import answer
from simulator.platforms.shopify.registered import Registered
from simulator.subscriptions import Hooks
from simulator.world import World

TOKEN_LASTS_S = 86_399
BUCKET = 1_000.0
RESTORED = 100.0
"""Points a second, of a shop with the standard plan."""
COST = 502
"""Of one page as Shopbell asks for it."""
CHANGE = 10
"""Of one mutation."""


@dataclass
class _Account:
    """What the app has been given, and what it has left."""

    clock: Callable[[], Millis]
    lock: threading.Lock = field(default_factory=threading.Lock)
    tokens: dict[str, Millis] = field(default_factory=dict)
    points: float = BUCKET
    filled_at: Millis = 0

    def give_token(self) -> str:
        with self.lock:
            token = f"shpat_{len(self.tokens) + 1:032x}"
            self.tokens[token] = self.clock() + TOKEN_LASTS_S * SECOND
            return token

    def admits(self, token: str) -> bool:
        with self.lock:
            return self.tokens.get(token, 0) > self.clock()

    def pay(self, points: int) -> tuple[bool, float]:
        """Whether there were enough, and how many there are now."""
        with self.lock:
            now = self.clock()
            earned = max(0, now - self.filled_at) / SECOND * RESTORED
            self.points, self.filled_at = min(BUCKET, self.points + earned), now
            paid = self.points >= points
            if paid:
                self.points -= points
            return paid, self.points


def create_api(world: World, hooks: Hooks, clock: Callable[[], Millis]) -> Flask:
    """The API of the one shop there is."""
    app, account, registered = Flask("shopify"), _Account(clock), Registered(hooks)

    @app.before_request
    def know_the_shop() -> Response | None:
        return None if request.host == SHOP else Response(status=404)

    @app.post("/admin/oauth/access_token")
    def token() -> tuple[Response, int]:
        told = request.get_json()
        asked = (told.get("client_id"), told.get("client_secret"), told.get("grant_type"))
        if asked != (CLIENT_ID, SECRET, "client_credentials"):
            return jsonify(error="application_cannot_be_found"), 400
        return jsonify(access_token=account.give_token(), scope="read_orders", expires_in=TOKEN_LASTS_S), 200

    @app.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> tuple[Response, int]:
        if not account.admits(request.headers.get("X-Shopify-Access-Token", "")):
            return jsonify(errors="[API] Invalid API key or access token (unrecognized login or wrong password)"), 401
        told = request.get_json()
        cost = CHANGE if told["query"].lstrip().startswith("mutation") else COST
        paid, left = account.pay(cost)
        extensions = {"cost": _cost(cost, left, paid)}
        if not paid:
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return jsonify(errors=[error], extensions=extensions), 200
        answered = answer(world, registered, told["query"], told.get("variables") or {})
        return jsonify(answered | {"extensions": extensions}), 200

    return app


def _cost(asked: int, left: float, paid: bool) -> Json:
    status = {"maximumAvailable": BUCKET, "currentlyAvailable": int(left), "restoreRate": RESTORED}
    return {"requestedQueryCost": asked, "actualQueryCost": asked if paid else None, "throttleStatus": status}
