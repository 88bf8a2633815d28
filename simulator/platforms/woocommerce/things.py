"""What WooCommerce's REST API tells of one thing by its number, and of products by their last change."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from simulator.platforms.woocommerce import bodies
from simulator.world import World


def things(world: World) -> Blueprint:
    """Orders and customers by their numbers, and products."""
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
        after = request.args.get("modified_after", "")
        found = [stocked for stocked in world.stock() if bodies.moment(stocked.changed_at) > after]
        if request.args.get("order", "desc") == "desc":
            found.reverse()
        size, page = request.args.get("per_page", 10, int), request.args.get("page", 1, int)
        return jsonify([bodies.product(world.show_stock(each)) for each in found[size * (page - 1) : size * page]])

    return blueprint


def _not_there(code: str) -> Response:
    answer = jsonify({"code": code, "message": "Invalid ID.", "data": {"status": 404}})
    answer.status_code = 404
    return answer
