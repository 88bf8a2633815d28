"""What WooCommerce's REST API tells of one thing by its number, and of products: their stock stands still here."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from simulator.platforms.woocommerce import bodies
from simulator.world import World


def things(world: World) -> Blueprint:
    """Orders and customers by their numbers."""
    blueprint = Blueprint("things", __name__, url_prefix="/wp-json/wc/v3")

    @blueprint.get("/orders/<int:number>")
    def order(number: int) -> Response:
        found = next((order for order in world.orders() if order.number == number), None)
        return jsonify(bodies.order(found, world)) if found else _not_there("woocommerce_rest_shop_order_invalid_id")

    @blueprint.get("/customers/<int:number>")
    def customer(number: int) -> Response:
        shoppers = (checkout.shopper for checkout in world.checkouts() if checkout.contact_left)
        found = next((each for each in shoppers if bodies.customer_id(each) == number), None)
        return jsonify({"id": number, "email": found.email}) if found else _not_there("wc_user_invalid_id")

    @blueprint.get("/products")
    def products() -> Response:
        return jsonify([])

    return blueprint


def _not_there(code: str) -> Response:
    answer = jsonify({"code": code, "message": "Invalid ID.", "data": {"status": 404}})
    answer.status_code = 404
    return answer
