"""What Shopify's webhooks say. Every key of the 2026-07 samples that Shopbell or anybody like it might look at."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from uuid import NAMESPACE_URL, uuid5

from engine.clock import Millis
from simulator.goods import CURRENCY, Line, Product, major, vat_in
from simulator.life import Shopper
from simulator.world import Checkout, Order, Stocked

Json = dict[str, object]
SHOP = "vloei-simulated.myshopify.com"
CLIENT_ID = "simulated-client"
SECRET = "shpss_of_a_simulated_shop"  # noqa: S105 - of a shop that does not exist
VISITOR = "_shopbell_visitor"
_AMSTERDAM, _OTTAWA = timezone(timedelta(hours=1)), timezone(timedelta(hours=-5))


def moment(at: Millis | None, zone: tzinfo = _AMSTERDAM) -> str | None:
    """As Shopify writes it: whole seconds, in one zone or another."""
    return None if at is None else datetime.fromtimestamp(at // 1000, tz=zone).isoformat()


def _name(*parts: object) -> str:
    return uuid5(NAMESPACE_URL, "/".join(map(str, parts))).hex


def cart_token(checkout: Checkout) -> str:
    return f"hWN{_name('cart', checkout.shopper.email, checkout.number)}"


def checkout_token(checkout: Checkout) -> str:
    return _name("checkout", checkout.shopper.email, checkout.number)


def checkout_id(checkout: Checkout) -> int:
    return 35_481_578_000_000 + checkout.number


def order_id(order: Order) -> int:
    return 820_982_911_946_000_000 + order.number


def customer_id(shopper: Shopper) -> int:
    return 706_405_506_930_000_000 + shopper.number


def product_id(product: Product) -> int:
    return 788_032_119_674_000_000 + product.number


def variant_id(product: Product) -> int:
    return 642_667_041_472_000_000 + product.number


def item_id(product: Product) -> int:
    return 271_878_346_596_884_000 + product.number


def _set(amount: int) -> Json:
    money = {"amount": major(amount), "currency_code": CURRENCY}
    return {"shop_money": money, "presentment_money": money}


def _taxes(amount: int) -> list[Json]:
    return [{"title": "BTW", "rate": 0.21, "price": major(vat_in(amount)), "price_set": _set(vat_in(amount))}]


def notes(checkout: Checkout) -> list[Json]:
    visitor = checkout.shopper.visitor
    return [{"name": VISITOR, "value": visitor}] if visitor else []


def _address(shopper: Shopper) -> Json:
    return {
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "name": shopper.name,
        "address1": f"Houtmarkt {shopper.number}",
        "zip": "7201 KM",
        "city": "Zutphen",
        "country": "Netherlands",
        "country_code": "NL",
        "company": None,
        "phone": None,
    }


def _customer(shopper: Shopper) -> Json:
    said = {"id": customer_id(shopper), "email": shopper.email, "first_name": shopper.first_name}
    return said | {"last_name": shopper.last_name, "verified_email": True, "state": "disabled"}


def _line(line: Line, language: str) -> Json:
    product, title = line.product, line.product.name(language)
    return {
        "id": 487_817_672_276_000_000 + product.number,
        "key": _name("line", product.sku),
        "product_id": product_id(product),
        "variant_id": variant_id(product),
        "sku": product.sku,
        "title": title,
        "presentment_title": title,
        "variant_title": None,
        "presentment_variant_title": "",
        "vendor": "Vloei",
        "quantity": line.quantity,
        "price": major(product.price),
        "price_set": _set(product.price),
        "line_price": major(line.total),
        "line_price_set": _set(line.total),
        "discounted_price": major(product.price),
        "discounted_price_set": _set(product.price),
        "properties": None,
        "requires_shipping": True,
        "gift_card": False,
        "taxable": True,
        "grams": 200,
        "tax_lines": _taxes(line.total),
        "discount_allocations": [],
        "applied_discounts": [],
    }


def cart(checkout: Checkout) -> Json:
    """``carts/*``: six keys, and nobody's name."""
    token = cart_token(checkout)
    return {
        "id": token,
        "token": token,
        "line_items": [_line(line, checkout.shopper.language) for line in checkout.lines],
        "note": None,
        "updated_at": moment(checkout.changed_at),
        "created_at": moment(checkout.began_at),
    }


def checkout(checkout: Checkout) -> Json:
    """``checkouts/*``: what is known so far, and the rest as null, ``[]`` or ``{}``."""
    shopper, told = checkout.shopper, checkout.contact_left
    tax = vat_in(checkout.total)
    return {
        "id": checkout_id(checkout),
        "token": checkout_token(checkout),
        "cart_token": cart_token(checkout),
        "name": f"#{checkout_id(checkout)}",
        "email": checkout.email or None,
        "phone": None,
        "gateway": None,
        "buyer_accepts_marketing": told and shopper.consents,
        "buyer_accepts_sms_marketing": False,
        "sms_marketing_phone": None,
        "created_at": moment(checkout.began_at),
        "updated_at": moment(checkout.changed_at, _OTTAWA),
        "completed_at": moment(checkout.completed_at),
        "closed_at": None,
        "landing_site": "/",
        "referring_site": "",
        "note": None,
        "note_attributes": notes(checkout),
        "shipping_lines": _shipping_lines(checkout),
        "taxes_included": True,
        "total_weight": 400,
        "currency": CURRENCY,
        "presentment_currency": CURRENCY,
        "customer_locale": f"{shopper.language}-NL",
        "line_items": [_line(line, shopper.language) for line in checkout.lines],
        "source": None,
        "source_name": "web",
        "source_identifier": None,
        "source_url": None,
        "user_id": None,
        "location_id": None,
        "device_id": None,
        "discount_codes": [],
        "tax_lines": _taxes(checkout.total),
        "total_discounts": "0.00",
        "total_line_items_price": major(checkout.subtotal),
        "subtotal_price": major(checkout.subtotal),
        "total_price": major(checkout.total),
        "total_tax": major(tax),
        "total_duties": None,
        "reservation_token": None,
        "abandoned_checkout_url": f"https://{SHOP}/checkouts/ac/{cart_token(checkout)}/recover?key={_name('key')}",
        # A list, where there is no address yet: so it was recorded.
        "shipping_address": _address(shopper) if told else [],
        "billing_address": _address(shopper) if told else [],
        "customer": _customer(shopper) if told else {},
    }


def _shipping_lines(checkout: Checkout) -> list[Json]:
    if checkout.shipping is None:
        return []
    way = checkout.shipping
    line: Json = {"code": way.code, "title": way.name(checkout.shopper.language), "price": major(way.price)}
    more: Json = {"source": "shopify", "tax_lines": _taxes(way.price), "applied_discounts": []}
    return [line | more | {"original_shop_price": major(way.price), "original_shop_markup": "0.00"}]


def order(order: Order) -> Json:
    """``orders/*``, all of them."""
    sold, shopper = order.checkout, order.checkout.shopper
    tax = vat_in(sold.total)
    return {
        "id": order_id(order),
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id(order)}",
        "name": f"#{order.number}",
        "number": order.number - 1000,
        "order_number": order.number,
        "token": _name("order", order.number),
        "cart_token": cart_token(sold),
        "checkout_token": checkout_token(sold),
        "checkout_id": checkout_id(sold),
        "email": shopper.email,
        "contact_email": shopper.email,
        "phone": None,
        "buyer_accepts_marketing": shopper.consents,
        "created_at": moment(order.placed_at),
        "processed_at": moment(order.placed_at),
        "updated_at": moment(order.changed_at, _OTTAWA),
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        "confirmed": True,
        "test": False,
        "currency": CURRENCY,
        "presentment_currency": CURRENCY,
        "customer_locale": f"{shopper.language}-NL",
        "financial_status": "paid" if order.paid_at else "pending",
        "fulfillment_status": "fulfilled" if order.shipped_at else None,
        "taxes_included": True,
        "note_attributes": notes(sold),
        "discount_codes": [],
        "line_items": [_line(line, shopper.language) for line in sold.lines],
        "shipping_lines": _shipping_lines(sold),
        "tax_lines": _taxes(sold.total),
        "subtotal_price": major(sold.subtotal),
        "subtotal_price_set": _set(sold.subtotal),
        "total_line_items_price": major(sold.subtotal),
        "total_discounts": "0.00",
        "total_discounts_set": _set(0),
        "total_shipping_price_set": _set(sold.shipping_price),
        "total_tax": major(tax),
        "total_tax_set": _set(tax),
        "total_price": major(sold.total),
        "total_price_set": _set(sold.total),
        "total_outstanding": "0.00" if order.paid_at else major(sold.total),
        "order_status_url": f"https://{SHOP}/orders/{_name('order', order.number)}/authenticate?key={_name('key')}",
        "source_name": "web",
        "billing_address": _address(shopper),
        "shipping_address": _address(shopper),
        "customer": _customer(shopper),
        "fulfillments": [],
        "refunds": [],
    }


def fulfillment(order: Order) -> Json:
    """``fulfillments/create``."""
    return {
        "id": 255_858_046_000 + order.number,
        "order_id": order_id(order),
        "status": "success",
        "created_at": moment(order.shipped_at),
        "updated_at": moment(order.shipped_at),
        "service": "manual",
        "tracking_company": "PostNL",
        "tracking_number": f"3SVLOEI{order.number}",
        "shipment_status": None,
        "location_id": 1,
        "email": order.checkout.shopper.email,
        "destination": _address(order.checkout.shopper),
        "line_items": [_line(line, order.checkout.shopper.language) for line in order.checkout.lines],
        "name": f"#{order.number}.1",
    }


def shipment(order: Order) -> Json:
    """``fulfillment_events/create``: the carrier has brought it."""
    return {
        "id": 944_956_391_000 + order.number,
        "fulfillment_id": 255_858_046_000 + order.number,
        "order_id": order_id(order),
        "shop_id": 954_889,
        "status": "delivered",
        "message": "",
        "country": "NL",
        "created_at": moment(order.delivered_at),
        "updated_at": moment(order.delivered_at),
        "happened_at": moment(order.delivered_at),
        "estimated_delivery_at": None,
    }


def level(stocked: Stocked) -> Json:
    """``inventory_levels/update``: one location of something."""
    return {
        "inventory_item_id": item_id(stocked.product),
        "location_id": 655_441_491,
        "available": stocked.left,
        "updated_at": moment(stocked.changed_at, _OTTAWA),
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/655441491?inventory_item_id={item_id(stocked.product)}",
    }


def consent(shopper: Shopper, at: Millis) -> Json:
    """``customers_email_marketing_consent/update``: taken back."""
    state = {"state": "unsubscribed", "opt_in_level": "single_opt_in", "consent_updated_at": moment(at)}
    return {"customer_id": customer_id(shopper), "email_address": shopper.email, "email_marketing_consent": state}


def redact(shopper: Shopper) -> Json:
    """``customers/redact``."""
    customer = {"id": customer_id(shopper), "email": shopper.email, "phone": None}
    return {"shop_id": 954_889, "shop_domain": SHOP, "customer": customer, "orders_to_redact": []}
