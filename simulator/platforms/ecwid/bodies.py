"""What Ecwid's API shows of carts, orders and customers: amounts as numbers with a fraction, UNIX seconds."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from engine.clock import SECOND, Millis, to_datetime
from simulator.goods import Line, Product, vat_in
from simulator.life import Shopper
from simulator.world import Checkout, Order, Stocked, World

Json = dict[str, object]
STORE_ID = 1003
SECRET, TOKEN = "a-client-secret-of-the-play", "secret_token-of-the-play"
_FULFILLED = {(False, False): "AWAITING_PROCESSING", (True, False): "SHIPPED", (True, True): "DELIVERED"}
_TAX = {"name": "BTW", "value": 21}


def product_id(product: Product) -> int:
    return 439_000_000 + product.number


def cart_id(checkout: Checkout) -> str:
    return str(uuid5(NAMESPACE_URL, f"ecwid cart {checkout.shopper.email} {checkout.number}")).upper()


def customer_id(shopper: Shopper) -> int:
    return 177_700_000 + shopper.number


def order_id(number: int) -> str:
    """What people see; an unfinished order has it already, and an order keeps it."""
    return f"VLOEI-{number}"


def internal_id(number: int) -> int:
    return 492_500_000 + number


def seconds(at: Millis) -> int:
    return at // SECOND


def _date(at: Millis) -> str:
    return to_datetime(at).strftime("%Y-%m-%d %H:%M:%S +0000")


def _major(cents: int) -> float:
    return round(cents / 100, 2)


def cart(checkout: Checkout, order: Order | None, world: World) -> Json:
    """One of ``carts``. What became of it is told by number only."""
    own: Json = {"cartId": cart_id(checkout), "hidden": False}
    became: Json = {"recoveredOrderId": internal_id(order.number)} if order else {}
    if checkout.mailed_at is not None:
        became["recoveryEmailSentTimestamp"] = _date(checkout.mailed_at)
    return _sold(checkout, checkout.began_at, checkout.changed_at, world) | own | became


def order(order: Order, world: World) -> Json:
    """One of ``orders``."""
    own: Json = {
        "id": order_id(order.number),
        "internalId": internal_id(order.number),
        "orderNumber": internal_id(order.number),
        "paymentStatus": "PAID" if order.paid_at else "AWAITING_PAYMENT",
        "fulfillmentStatus": _FULFILLED[order.shipped_at is not None, order.delivered_at is not None],
    }
    return _sold(order.checkout, order.placed_at, order.changed_at, world) | own


def customer(shopper: Shopper, world: World, changed_at: Millis) -> Json:
    """One of ``customers``."""
    return {
        "id": customer_id(shopper),
        "name": shopper.name,
        "email": shopper.email,
        "updated": _date(max(changed_at, world.consent_changed_at(shopper) or 0)),
        "acceptMarketing": world.allows_mail(shopper),
        "lang": shopper.language,
        "billingPerson": _person(shopper),
        "contacts": [{"contact": shopper.email, "type": "EMAIL", "default": True}],
    }


def product(stocked: Stocked) -> Json:
    """One of ``products``, without variations."""
    return {
        "id": product_id(stocked.product),
        "sku": stocked.product.sku,
        "name": stocked.product.nl,
        "price": _major(stocked.product.price),
        "enabled": True,
        "unlimited": False,
        "inStock": stocked.left > 0,
        "quantity": stocked.left,
        "combinations": [],
        "url": f"https://vloei.example/{stocked.product.sku.lower()}",
        "updated": _date(stocked.changed_at),
        "updateTimestamp": seconds(stocked.changed_at),
    }


def _sold(sold: Checkout, created_at: Millis, changed_at: Millis, world: World) -> Json:
    shopper, ship = sold.shopper, sold.shipping
    told: Json = {
        "email": sold.email,
        "customerId": customer_id(shopper),
        "createDate": _date(created_at),
        "createTimestamp": seconds(created_at),
        "updateDate": _date(changed_at),
        "updateTimestamp": seconds(changed_at),
        "subtotal": _major(sold.subtotal),
        "total": _major(sold.total),
        "usdTotal": _major(sold.total),
        "tax": _major(vat_in(sold.total)),
        "discount": 0,
        "couponDiscount": 0,
        "pricesIncludeTax": True,
        "items": [_item(line, shopper.language) for line in sold.lines],
        "billingPerson": _person(shopper),
        "shippingPerson": _person(shopper),
        "lang": shopper.language,
        # Nobody was asked before they left an address.
        "acceptMarketing": shopper.consents if sold.contact_left else None,
        "extraFields": {"shopbell_visitor": shopper.visitor} if shopper.visitor else {},
        "taxesOnShipping": [_TAX | {"total": _major(vat_in(ship.price))}] if ship else [],
    }
    if ship:
        told["shippingOption"] = {
            "shippingMethodName": ship.name(shopper.language),
            "shippingRate": _major(ship.price),
            "shippingRateWithoutTax": _major(ship.price - vat_in(ship.price)),
            "estimatedTransitTime": "1-2",
            "isPickup": False,
        }
    return told


def _item(line: Line, language: str) -> Json:
    return {
        "id": 1_741_000_000 + line.product.number,
        "productId": product_id(line.product),
        "sku": line.product.sku,
        "name": line.product.name(language),
        "price": _major(line.product.price),
        "quantity": line.quantity,
        "imageUrl": f"https://vloei.example/{line.product.sku.lower()}.jpg",
        "selectedOptions": [],
    }


def _person(shopper: Shopper) -> Json:
    return {"name": shopper.name, "city": "Utrecht", "countryCode": "NL", "postalCode": "3511 AB"}
