"""The shop's facts in the shapes of Shopbell's API: money as decimal strings, addresses absolute."""

from __future__ import annotations

from collections.abc import Callable

from demo import visit as visits
from demo.catalogue import CATEGORIES, CURRENCY, PRODUCTS, SHIPPING, Language, Product, wire_amount
from demo.visit import Order, Visit

Body = dict[str, object]

Addresses = Callable[[Product], tuple[str, str]]
"""Gives the absolute addresses of a product's page and of its picture."""


def product_body(product: Product, language: Language, addresses: Addresses) -> Body:
    url, image_url = addresses(product)
    return {
        "id": product.slug,
        "sku": product.sku,
        "name": product.name.to(language),
        "category": CATEGORIES[product.category].name.to(language),
        "brand": "Vloei",
        "price": wire_amount(product.price),
        "currency": CURRENCY,
        "stock": product.stock,
        "url": url,
        "image_url": image_url,
    }


def _line(product: Product, quantity: int, price: int, language: Language, addresses: Addresses) -> Body:
    url, image_url = addresses(product)
    return {
        "id": product.slug,
        "product_id": product.slug,
        "sku": product.sku,
        "name": product.name.to(language),
        "variant": product.kind.to(language),
        "quantity": quantity,
        "price": wire_amount(price),
        "url": url,
        "image_url": image_url,
        "category": CATEGORIES[product.category].name.to(language),
        "brand": "Vloei",
    }


def cart_body(visit: Visit, language: Language, addresses: Addresses) -> Body:
    """The whole cart, also when it is empty: an emptied cart has no lines and a total of nothing.

    Delivery is no part of it: this shop tells its price at the checkout and not before, with `shipping_shown`.
    """
    return {
        "id": visit.cart_id,
        "currency": CURRENCY,
        "total": wire_amount(visits.subtotal(visit)),
        "lines": [
            _line(line.product, line.quantity, line.product.price, language, addresses) for line in visits.lines(visit)
        ],
    }


def shipping_body(code: str, language: Language) -> Body:
    way = SHIPPING[code]
    return {
        "price": wire_amount(way.price),
        "currency": CURRENCY,
        "method": way.name.to(language),
        "tax_included": True,
        "estimate": False,  # it is what the shopper will pay
    }


def order_body(order: Order, language: Language, addresses: Addresses) -> Body:
    lines = [
        _line(PRODUCTS[slug], quantity, price, language, addresses)
        for slug, (quantity, price) in order.lines.items()
        if slug in PRODUCTS
    ]
    return {
        "id": order.id,
        "cart_id": order.cart_id,
        "currency": CURRENCY,
        "total": wire_amount(order.total),
        "shipping": wire_amount(order.shipping),
        "email": order.email,
        "lines": lines,
    }
