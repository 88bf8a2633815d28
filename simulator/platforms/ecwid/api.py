"""Ecwid's REST API: carts of whoever left an address, orders, customers; 600 calls a minute with one token."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, jsonify, request

from engine.clock import MINUTE, SECOND, Millis
from simulator.platforms.ecwid import bodies
from simulator.platforms.ecwid.bodies import STORE_ID, TOKEN, Json
from simulator.world import Checkout, Order, World

T = TypeVar("T", Checkout, Order)
MOST = 600
LARGEST_PAGE = 100
ROOT = f"/api/v3/{STORE_ID}"


class _Limit:
    """So many calls in any minute."""

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: deque[Millis] = deque()

    def wait_s(self) -> int:
        """Count one call: 0, or for how many seconds there is none."""
        with self._lock:
            now = self._clock()
            while self._made and self._made[0] <= now - MINUTE:
                self._made.popleft()
            if len(self._made) >= MOST:
                return (self._made[0] + MINUTE - now) // SECOND + 1
            self._made.append(now)
            return 0


class Store:
    """What the API shows of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def carts(self) -> list[Checkout]:
        """Ecwid keeps a cart once somebody has left an address in it, and calls it abandoned until it is ordered."""
        return [checkout for checkout in self._world.checkouts() if checkout.contact_left]

    def orders(self) -> list[Order]:
        return self._world.orders()

    def cart(self, checkout: Checkout) -> Json:
        order = self._world.order(checkout.shopper) if checkout.completed_at else None
        self._world.note_shown(f"checkout:{checkout.number}", checkout.changed_at)
        return bodies.cart(checkout, order, self._world)

    def order(self, order: Order) -> Json:
        self._world.note_shown(f"order:{order.checkout.number}", order.changed_at)
        return bodies.order(order, self._world)

    def product(self, number: int) -> Json | None:
        for stocked in self._world.stock():
            if bodies.product_id(stocked.product) == number:
                return bodies.product(self._world.show_stock(stocked))
        return None

    def customer(self, number: int) -> Json | None:
        for checkout in self.carts():
            if bodies.customer_id(checkout.shopper) == number:
                return bodies.customer(checkout.shopper, self._world, checkout.changed_at)
        return None


def create_api(world: World, clock: Callable[[], Millis]) -> Flask:
    """The API, for whoever has the token."""
    app, store, limit = Flask("ecwid"), Store(world), _Limit(clock)

    @app.before_request
    def guard() -> Response | None:
        if request.host != "app.ecwid.com" or request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(status=403)
        wait_s = limit.wait_s()
        return Response(status=429, headers={"Retry-After": str(wait_s)}) if wait_s else None

    @app.get(f"{ROOT}/carts")
    def carts() -> Response:
        return _page(store.carts(), store.cart)

    @app.get(f"{ROOT}/orders")
    def orders() -> Response:
        return _page(store.orders(), store.order)

    @app.get(f"{ROOT}/carts/<name>")
    def cart(name: str) -> Response:
        return _one(next((store.cart(each) for each in store.carts() if bodies.cart_id(each) == name), None))

    @app.get(f"{ROOT}/orders/<name>")
    def order(name: str) -> Response:
        return _one(next((store.order(each) for each in store.orders() if name in _names(each)), None))

    @app.get(f"{ROOT}/customers/<int:number>")
    def customer(number: int) -> Response:
        return _one(store.customer(number))

    _add_products(app, store)

    @app.get(f"{ROOT}/profile")
    def profile() -> Response:
        return jsonify({"generalInfo": {"storeId": STORE_ID}, "formatsAndUnits": {"currency": "EUR"}})

    return app


def _add_products(app: Flask, store: Store) -> None:
    @app.get(f"{ROOT}/products")
    def products() -> Response:
        named = [int(name) for name in request.args.get("productId", "").split(",") if name]
        found = [told for number in named if (told := store.product(number)) is not None]
        return jsonify({"total": len(found), "count": len(found), "offset": 0, "limit": LARGEST_PAGE, "items": found})

    @app.get(f"{ROOT}/products/<int:number>")
    def product(number: int) -> Response:
        return _one(store.product(number))


def _names(order: Order) -> tuple[str, str]:
    return bodies.order_id(order.number), str(bodies.internal_id(order.number))


def _one(told: Json | None) -> Response:
    return Response(status=404) if told is None else jsonify(told)


def _page(things: list[T], show: Callable[[T], Json]) -> Response:
    """What changed in the stretch that is asked for, the latest first."""
    since, until = request.args.get("updatedFrom", 0, int), request.args.get("updatedTo", 2**53, int)
    offset, limit = request.args.get("offset", 0, int), request.args.get("limit", LARGEST_PAGE, int)
    changed = [each for each in reversed(things) if since <= bodies.seconds(each.changed_at) <= until]
    items = [show(each) for each in changed[offset : offset + min(limit, LARGEST_PAGE)]]
    return jsonify({"total": len(changed), "count": len(items), "offset": offset, "limit": limit, "items": items})
