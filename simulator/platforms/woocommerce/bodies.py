"""What WooCommerce's webhooks and its REST API tell of orders and customers; both tell the same.

Field names are those of the REST API's documentation (woocommerce/woocommerce-rest-api-docs, Apache-2.0). The shop
enters and shows its prices with their tax; amounts before tax have the two decimals of the shop.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from engine.clock import HOUR, Millis, to_datetime
from simulator.goods import CURRENCY, Line, major, vat_in
from simulator.life import Shopper
from simulator.world import Checkout, Order, Stocked, World

Json = dict[str, object]
CONSENT = "_newsletter"
"""The meta key in which a plugin of this shop notes the tick."""
DELIVERED = "delivered"
"""A status of a plugin for parcels."""
_AMSTERDAM = HOUR


def order_key(checkout: Checkout) -> str:
    """What nobody can guess, and the page that thanks has in its address."""
    return "wc_order_" + uuid5(NAMESPACE_URL, f"woocommerce order {checkout.shopper.email} {checkout.number}").hex[:13]


def customer_id(shopper: Shopper) -> int:
    return 500 + shopper.number


def moment(at: Millis) -> str:
    return to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S")


def _moments(name: str, at: Millis | None) -> Json:
    """By the shop's clock, and by UTC: neither says so."""
    return {name: at and moment(at + _AMSTERDAM), f"{name}_gmt": at and moment(at)}


def _net(amount: int) -> str:
    return major(amount - vat_in(amount))


def order(order: Order, world: World) -> Json:
    """An order of a guest, as the webhook and the API tell it."""
    checkout, shopper = order.checkout, order.checkout.shopper
    shipping = checkout.shipping_price
    return {
        "id": order.number,
        "parent_id": 0,
        "status": _status(order),
        "currency": CURRENCY,
        "version": "10.3.5",
        "prices_include_tax": True,
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": _net(shipping),
        "shipping_tax": major(vat_in(shipping)),
        "cart_tax": major(vat_in(checkout.subtotal)),
        "total": major(checkout.total),
        "total_tax": major(vat_in(checkout.subtotal) + vat_in(shipping)),
        "customer_id": 0,
        "order_key": order_key(checkout),
        "needs_payment": order.paid_at is None,
        "payment_url": f"https://vloei.example/checkout/order-pay/{order.number}/?key={order_key(checkout)}",
        "billing": _address(shopper) | {"email": shopper.email, "phone": ""},
        "shipping": _address(shopper),
        "meta_data": [{"id": 7_000 + order.number, "key": CONSENT, "value": "1" if world.allows_mail(shopper) else ""}],
        "line_items": [_line(line, shopper.language) for line in checkout.lines],
        "shipping_lines": [
            {"id": 1, "method_title": "", "total": _net(shipping), "total_tax": major(vat_in(shipping))}
        ],
        "coupon_lines": [],
        "refunds": [],
        "payment_method": "ideal",
        **_moments("date_created", order.placed_at),
        **_moments("date_modified", order.changed_at),
        **_moments("date_paid", order.paid_at),
        **_moments("date_completed", order.shipped_at),
    }


def _status(order: Order) -> str:
    if order.delivered_at:
        return DELIVERED
    return "completed" if order.shipped_at else "processing" if order.paid_at else "pending"


def product(stocked: Stocked) -> Json:
    """A product whose stock is counted."""
    product = stocked.product
    return {
        "id": product.number,
        "name": product.nl,
        "type": "simple",
        "status": "publish",
        "sku": product.sku,
        "price": major(product.price),
        "permalink": f"https://vloei.example/product/{product.sku.lower()}/",
        "manage_stock": True,
        "stock_quantity": stocked.left,
        "stock_status": "instock" if stocked.left else "outofstock",
        "backorders_allowed": False,
        "parent_id": 0,
        "categories": [],
        "images": [],
        **_moments("date_modified", stocked.changed_at),
    }


def customer(shopper: Shopper, world: World, changed_at: Millis) -> Json:
    """An account, with what it allows."""
    allows = "yes" if world.allows_mail(shopper) else "no"
    return {
        "id": customer_id(shopper),
        "email": shopper.email,
        "username": shopper.email.partition("@")[0],
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "billing": _address(shopper) | {"email": shopper.email},
        "meta_data": [{"id": 1, "key": CONSENT, "value": allows}],
        **_moments("date_created", changed_at),
        **_moments("date_modified", changed_at),
    }


def _address(shopper: Shopper) -> Json:
    return {"first_name": shopper.first_name, "last_name": shopper.last_name, "city": "Utrecht", "country": "NL"}


def _line(line: Line, language: str) -> Json:
    product = line.product
    return {
        "id": product.number,
        "name": product.name(language),
        "product_id": product.number,
        "variation_id": 0,
        "quantity": line.quantity,
        "sku": product.sku,
        "subtotal": _net(line.total),
        "subtotal_tax": major(vat_in(line.total)),
        "total": _net(line.total),
        "total_tax": major(vat_in(line.total)),
        "price": (product.price - vat_in(product.price)) / 100,
    }
