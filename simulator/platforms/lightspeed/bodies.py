"""What Lightspeed says of carts, orders and people: the fields of recorded bodies, with ``false`` where nothing is.

Everything that belongs to something is a link to it; an order has most of what belongs to it inside.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from engine.clock import Millis
from simulator.goods import INSURED, LETTERBOX, Line, Product, Shipping, vat_in
from simulator.life import Shopper
from simulator.world import Checkout, Order, Stocked

Json = dict[str, object]
HOST: Final = "api.webshopapp.com"
FREE_ABOVE: Final = 125
"""From how many euros on the letter box is free; the insured parcel never is."""
_NEVER: Final = 1_000_000
_WAYS: Final = {LETTERBOX.code: "core|10001|20001", INSURED.code: "core|10001|20002"}


def moment(at: Millis) -> str:
    """As Lightspeed writes it: whole seconds of UTC."""
    return datetime.fromtimestamp(at // 1000, tz=UTC).isoformat()


def euros(amount: int) -> float:
    return amount / 100


def quote_id(checkout: Checkout) -> int:
    return 50_020_000 + checkout.number


def recovery_hash(checkout: Checkout) -> str:
    told = f"quote {checkout.number} of {checkout.shopper.email}"
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def order_id(order: Order) -> int:
    return 60_030_000 + order.number


def customer_id(shopper: Shopper) -> int:
    return 40_010_000 + shopper.number


def subscription_id(shopper: Shopper) -> int:
    return 1_100_000 + shopper.number


def product_id(product: Product) -> int:
    return 80_050_000 + product.number


def variant_id(product: Product) -> int:
    return 90_060_000 + product.number


def link(resource: str, name: object) -> Json:
    """A link to one thing."""
    return {"resource": {"id": name, "url": f"{resource}/{name}", "link": f"https://{HOST}/nl/{resource}/{name}.json"}}


def _links(url: str) -> Json:
    return {"resource": {"id": False, "url": url, "link": f"https://{HOST}/nl/{url}.json"}}


def _inside(resource: str, name: object, embedded: object) -> Json:
    told = link(resource, name)["resource"]
    assert isinstance(told, dict)
    return {"resource": told | {"embedded": embedded}}


def language(shopper: Shopper) -> Json:
    known = {"nl": (1, "nl_NL", "Nederlands"), "en": (18, "en_US", "English (US)")}
    number, locale, title = known[shopper.language]
    return {"id": number, "code": "nl" if number == 1 else "us", "locale": locale, "title": title}


_COUNTRY: Final = {"id": 150, "code": "nl", "code3": "nld", "title": "Netherlands, The"}


def _person(shopper: Shopper) -> Json:
    first = {"firstname": shopper.first_name, "middlename": "", "lastname": shopper.last_name}
    return first | {"email": shopper.email, "gender": False, "birthDate": False, "addressShippingCountry": _COUNTRY}


def customer(shopper: Shopper, at: Millis) -> Json:
    own = {"id": customer_id(shopper), "createdAt": moment(at), "updatedAt": moment(at), "type": "guest"}
    return own | _person(shopper) | {"isConfirmed": False, "language": language(shopper)}


def subscription(shopper: Shopper, at: Millis) -> Json:
    own = {"id": subscription_id(shopper), "createdAt": moment(at), "updatedAt": moment(at), "isConfirmed": True}
    return own | {name: value for name, value in _person(shopper).items() if name in _TOLD_OF_SUBSCRIBERS}


_TOLD_OF_SUBSCRIBERS: Final = ("email", "firstname", "lastname")


def _shipment(way: Shipping | None, shopper: Shopper) -> Json:
    price = way.price if way else 0
    return {
        "shipmentIsSet": way is not None,
        "shipmentId": _WAYS[way.code] if way else "",
        "shipmentTitle": way.name(shopper.language) if way else "",
        "shipmentPriceIncl": euros(price),
        "shipmentPriceExcl": round(euros(price) / 1.21, 4),
        "shipmentTaxRate": 0.21,
        "shipmentIsPickup": False,
        "shipmentIsCashOnDelivery": False,
    }


def quote(checkout: Checkout) -> Json:
    """A cart: what is in it, how it is brought and whose it is are links."""
    shopper, url = checkout.shopper, f"quotes/{quote_id(checkout)}"
    own: Json = {
        "id": quote_id(checkout),
        "createdAt": moment(checkout.began_at),
        "updatedAt": moment(checkout.changed_at),
        "recalculatedAt": moment(checkout.changed_at),
        "isLocked": False,
        "recoveryHash": recovery_hash(checkout),
        "priceIncl": euros(checkout.total),
        "priceExcl": round(euros(checkout.total) / 1.21, 4),
        "discountIncl": 0,
        "discountCouponCode": "",
        "productsCount": len(checkout.lines),
        "productsQuantity": sum(line.quantity for line in checkout.lines),
        "paymentData": "",
        "additionalCostIncl": "0.0000",
        "allowNotifications": False,
        "customer": link("customers", customer_id(shopper)) if checkout.contact_left else False,
        "language": language(shopper),
    }
    lists = {part: _links(f"{url}/{part}") for part in ("products", "shippingmethods", "paymentmethods")}
    return own | _shipment(checkout.shipping, shopper) | lists


def quote_products(checkout: Checkout) -> list[Json]:
    return [
        {
            "id": 70_040_000 + line.product.number,
            "quantity": line.quantity,
            "priceIncl": euros(line.product.price),
            "priceExcl": round(euros(line.product.price) / 1.21, 4),
            "customFields": False,
            "product": link("products", product_id(line.product)),
            "variant": link("variants", variant_id(line.product)),
        }
        for line in checkout.lines
    ]


def ways(checkout: Checkout) -> list[Json]:
    """How this cart can be brought, and from which value on that is free."""
    return [
        {
            "id": _WAYS[way.code],
            "type": "default",
            "freeAbove": FREE_ABOVE if way is LETTERBOX else _NEVER,
            "title": way.name(checkout.shopper.language),
            "description": "",
            "priceExcl": f"{way.price / 121:.4f}",
            "priceIncl": f"{euros(way.price):.4f}",
            "tax": False,
        }
        for way in (LETTERBOX, INSURED)
    ]


def product(product: Product, language: str) -> Json:
    return {"id": product_id(product), "title": product.name(language), "url": product.sku.lower(), "image": False}


def variant(stocked: Stocked) -> Json:
    """The one variant of a product, with how many of it there are."""
    product = stocked.product
    own: Json = {"id": variant_id(product), "title": "", "sku": product.sku, "articleCode": product.sku}
    stock: Json = {"stockTracking": "enabled", "stockLevel": stocked.left, "stockAlert": 0, "stockMinimum": 0}
    changed: Json = {"updatedAt": moment(stocked.changed_at), "priceIncl": euros(product.price)}
    return own | stock | changed | {"image": False, "product": link("products", product_id(product))}


def order(placed: Order) -> Json:
    """An order, with its customer, its cart and its products inside."""
    sold, shopper = placed.checkout, placed.checkout.shopper
    waits, sent = placed.paid_at is None, placed.shipped_at is not None
    done = "picked_up" if placed.delivered_at else "shipped"
    own: Json = {
        "id": order_id(placed),
        "createdAt": moment(placed.placed_at),
        "updatedAt": moment(placed.changed_at),
        "number": f"ORD{placed.number:05}",
        "status": f"completed_{done}" if sent else f"processing_awaiting_{'payment' if waits else 'shipment'}",
        "priceIncl": euros(sold.total),
        "priceExcl": round(euros(sold.total - vat_in(sold.total)), 4),
        "newsletterSubscribed": False,
        "paymentId": "ideal",
        "paymentStatus": "not_paid" if waits else "paid",
        "paymentIsPost": False,
        "shipmentStatus": "shipped" if sent else "not_shipped",
        "discountCouponCode": "",
        "isNewCustomer": True,
        "allowNotifications": False,
        "language": language(shopper),
        "customer": _inside("customers", customer_id(shopper), customer(shopper, placed.placed_at)),
        "quote": _inside("quotes", quote_id(sold), quote(sold)),
        "products": {"resource": {"id": False, "embedded": [_ordered(line, shopper) for line in sold.lines]}},
    }
    return own | _person(shopper) | _shipment(sold.shipping, shopper)


def _ordered(line: Line, shopper: Shopper) -> Json:
    return {
        "id": 110_070_000 + line.product.number,
        "productTitle": line.product.name(shopper.language),
        "variantTitle": False,
        "sku": line.product.sku,
        "articleCode": line.product.sku,
        "quantityOrdered": line.quantity,
        "priceIncl": euros(line.product.price),
        "product": link("products", product_id(line.product)),
        "variant": link("variants", variant_id(line.product)),
    }
