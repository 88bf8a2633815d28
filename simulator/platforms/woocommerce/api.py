"""WooCommerce's REST API: orders by their last change or by an address, for whoever has the key."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify, request

from simulator.platforms.woocommerce import bodies
from simulator.platforms.woocommerce.bodies import Json
from simulator.platforms.woocommerce.registered import registered
from simulator.platforms.woocommerce.things import things
from simulator.subscriptions import Hooks
from simulator.world import Checkout, Order, World

HOST, KEY, SECRET = "vloei.example", "ck_of-the-play", "cs_of-the-play"


def create_api(world: World, hooks: Hooks) -> Flask:
    """The shop's API. WordPress knows the key by the ``Authorization`` header."""
    app = Flask("woocommerce")
    app.register_blueprint(things(world))

    @app.before_request
    def guard() -> Response | None:
        told = request.authorization
        known = told is not None and (told.username, told.password) == (KEY, SECRET)
        return None if known and request.host == HOST else Response(status=401)

    @app.get("/wp-json/wc/v3/orders")
    def orders() -> Response:
        found = [order for order in world.orders() if _is_asked_for(order)]
        newest_first = request.args.get("order", "desc") == "desc"
        found.sort(key=_sorted_by(request.args.get("orderby", "date")), reverse=newest_first)
        size, page = request.args.get("per_page", 10, int), request.args.get("page", 1, int)
        return jsonify([_shown(order, world) for order in found[size * (page - 1) : size * page]])

    @app.get("/wp-json/wc/v3/customers")
    def customers() -> Response:
        size, page = request.args.get("per_page", 10, int), request.args.get("page", 1, int)
        accounts = sorted(world.checkouts(), key=lambda checkout: checkout.number)
        accounts = [checkout for checkout in accounts if checkout.contact_left]
        return jsonify([_account(checkout, world) for checkout in accounts[size * (page - 1) : size * page]])

    app.register_blueprint(registered(hooks))
    return app


def _account(checkout: Checkout, world: World) -> Json:
    changed_at = world.consent_changed_at(checkout.shopper) or checkout.changed_at
    world.note_shown(f"consent:{checkout.number}", changed_at)
    return bodies.customer(checkout.shopper, world, changed_at)


def _is_asked_for(order: Order) -> bool:
    """``modified_after`` leaves its own second out, and ``search`` looks for the words anywhere in the address."""
    after, wanted = request.args.get("modified_after", ""), request.args.get("search", "")
    return bodies.moment(order.changed_at) > after and wanted.casefold() in order.checkout.email.casefold()


def _sorted_by(name: str) -> Callable[[Order], tuple[int, int]]:
    return lambda order: (order.changed_at if name == "modified" else order.placed_at, order.number)


def _shown(order: Order, world: World) -> Json:
    world.note_shown(f"order:{order.checkout.number}", order.changed_at)
    return bodies.order(order, world)
