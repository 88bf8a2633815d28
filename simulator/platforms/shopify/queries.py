"""What Shopify's GraphQL API answers to a query, as far as Shopbell asks: lists, one thing, what is registered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from engine.clock import SECOND, Millis, from_datetime
from simulator.goods import CURRENCY, Line, major, vat_in
from simulator.life import Shopper
from simulator.platforms.shopify.bodies import (
    Json,
    cart_token,
    checkout_id,
    checkout_token,
    customer_id,
    item_id,
    moment,
    notes,
    order_id,
    product_id,
    variant_id,
)
from simulator.platforms.shopify.registered import Registered
from simulator.world import Checkout, Order, Stocked, World


class _Row(Protocol):
    @property
    def changed_at(self) -> Millis: ...


T = TypeVar("T", bound=_Row)


_FIELD = re.compile(r"(?:(\w+)\s*:\s*)?\b(orders|abandonedCheckouts|customers|products)\(([^)]*)\)")
"""A field of the query itself, with the name it is answered under and what it is asked with."""
_ARGUMENT = re.compile(r"(\w+)\s*:\s*(\$?\w+)")


def answer(world: World, registered: Registered, query: str, variables: Json) -> Json:
    """What each field of the query brings; an error where there is none that is known."""
    try:
        known = registered.answer(query, variables)
    except LookupError as error:
        return {"data": {"webPixel": None}, "errors": [{"message": str(error)}]}
    data = known or _thing(world, query, variables) or _connections(world, query, variables)
    if not data:
        return {"errors": [{"message": "Field doesn't exist", "extensions": {"code": "undefinedField"}}]}
    return {"data": data}


def _connections(world: World, query: str, variables: Json) -> Json:
    return {
        alias or name: _connection(world, name, _said(told, variables)) for alias, name, told in _FIELD.findall(query)
    }


def _thing(world: World, query: str, variables: Json) -> Json | None:
    """One thing by its name, or many of them."""
    if "nodes(ids:" in query:
        names = variables["ids"]
        assert isinstance(names, list)
        return {"found": [_node(world, str(name)) for name in names]}
    if "node(id:" in query:
        return {"found": _node(world, str(variables["id"]))}
    if "order(id:" in query:
        wanted = str(variables["id"]).rpartition("/")[2]
        found = next((order for order in world.orders() if str(order_id(order)) == wanted), None)
        return {"order": None if found is None else _order(found)}
    return None


def _node(world: World, name: str) -> Json | None:
    """An inventory item or a product, with its one variant."""
    number = name.rpartition("/")[2]
    for stocked in world.stock():
        if number in (str(item_id(stocked.product)), str(product_id(stocked.product))):
            info = {"hasNextPage": False, "endCursor": None}
            return {"id": name, "variants": {"pageInfo": info, "nodes": [_variant(world, stocked)]}}
    return None


def _variant(world: World, stocked: Stocked) -> Json:
    product = world.show_stock(stocked).product
    level = {"updatedAt": moment(stocked.changed_at, UTC), "quantities": [{"quantity": stocked.left}]}
    return {
        "id": f"gid://shopify/ProductVariant/{variant_id(product)}",
        "title": "Default Title",
        "sku": product.sku,
        "price": major(product.price),
        "inventoryPolicy": "DENY",
        "inventoryQuantity": stocked.left,
        "product": {
            "id": f"gid://shopify/Product/{product_id(product)}",
            "title": product.nl,
            "vendor": "Vloei",
            "productType": "",
            "variantsCount": {"count": 1},
        },
        "inventoryItem": {
            "tracked": True,
            "inventoryLevels": {"pageInfo": {"hasNextPage": False}, "nodes": [level]},
        },
    }


def _said(arguments: str, variables: Json) -> Json:
    """The arguments by name, with the values of the variables."""
    named = _ARGUMENT.findall(arguments)
    return {name: variables.get(value[1:]) if value.startswith("$") else value for name, value in named}


def _connection(world: World, name: str, told: Json) -> Json:
    match name:
        case "orders":
            return _orders(world, told)
        case "customers":
            page, customers = _page(_customers(world), told)
            return page | {"nodes": [_account(world, customer) for customer in customers]}
        case "products":
            page, changed = _page([stocked for stocked in world.stock() if stocked.changed_at], told)
            return page | {"nodes": [_changed(stocked) for stocked in changed]}
    return _checkouts(world, told)


def _changed(stocked: Stocked) -> Json:
    name = f"gid://shopify/Product/{product_id(stocked.product)}"
    return {"id": name, "updatedAt": moment(stocked.changed_at, UTC)}


@dataclass(frozen=True)
class _Customer:
    """Whoever has left an address at a checkout."""

    shopper: Shopper
    changed_at: Millis


def _customers(world: World) -> list[_Customer]:
    told = [checkout for checkout in world.checkouts() if checkout.contact_left]
    changed = [(each, world.consent_changed_at(each.shopper) or each.changed_at) for each in told]
    found = [_Customer(each.shopper, at) for each, at in changed]
    return sorted(found, key=lambda customer: (customer.changed_at, customer.shopper.number))


def _account(world: World, customer: _Customer) -> Json:
    shopper, withdrawn_at = customer.shopper, world.consent_changed_at(customer.shopper)
    world.note_shown(f"consent:{shopper.number}", customer.changed_at)
    state = "UNSUBSCRIBED" if withdrawn_at else "SUBSCRIBED" if shopper.consents else "NOT_SUBSCRIBED"
    asked_at = None if state == "NOT_SUBSCRIBED" else moment(customer.changed_at, UTC)
    address = {"emailAddress": shopper.email, "marketingState": state, "marketingUpdatedAt": asked_at}
    return {
        "id": f"gid://shopify/Customer/{customer_id(shopper)}",
        "updatedAt": moment(customer.changed_at, UTC),
        "defaultEmailAddress": address,
        "defaultPhoneNumber": None,
    }


def _checkouts(world: World, told: Json) -> Json:
    page, chosen = _page([checkout for checkout in world.checkouts() if _is_wanted(checkout, told)], told)
    for checkout in chosen:
        world.note_shown(f"checkout:{checkout.number}", checkout.changed_at)
    return page | {"nodes": [_checkout(checkout) for checkout in chosen]}


def _orders(world: World, told: Json) -> Json:
    tokens = set(re.findall(r"(?:cart|checkout)_token:(\w+)", str(told.get("query") or "")))
    orders = [order for order in world.orders() if not tokens or tokens & _tokens(order.checkout)]
    page, chosen = _page(orders, told)
    for order in chosen:
        world.note_shown(f"order:{order.checkout.number}", order.changed_at)
    return page | {"nodes": [_order(order) for order in chosen]}


def _tokens(checkout: Checkout) -> set[str]:
    return {cart_token(checkout), checkout_token(checkout)}


def _is_wanted(checkout: Checkout, told: Json) -> bool:
    query = str(told.get("query") or "")
    named = re.search(r"\bid:(\d+)", query)
    if "email_state:sent" in query and checkout.mailed_at is None:
        return False
    return checkout.at_checkout and (named is None or named[1] == str(checkout_id(checkout)))


def _page(rows: list[T], told: Json) -> tuple[Json, list[T]]:
    """So many of them by their last change, as the query wants it."""
    since = re.search(r"updated_at:>='([^']+)'", str(told.get("query") or ""))
    if since:
        from_at = from_datetime(datetime.fromisoformat(since[1]))
        rows = [row for row in rows if row.changed_at // SECOND * SECOND >= from_at]
    if told.get("reverse"):
        rows = rows[::-1]
    begin = int(str(told.get("after") or 0))
    end = begin + int(str(told["first"]))
    info = {"hasNextPage": end < len(rows), "endCursor": str(min(end, len(rows))) if rows else None}
    return {"pageInfo": info}, rows[begin:end]


def _order(order: Order) -> Json:
    checkout = order.checkout
    return _shared(checkout, f"gid://shopify/Order/{order_id(order)}", f"#{order.number}") | {
        "createdAt": moment(order.placed_at, UTC),
        "updatedAt": moment(order.changed_at, UTC),
        "cancelledAt": None,
        "displayFinancialStatus": "PAID" if order.paid_at else "PENDING",
        "displayFulfillmentStatus": "FULFILLED" if order.shipped_at else "UNFULFILLED",
        "email": checkout.shopper.email,
        "cartToken": cart_token(checkout),
        "checkoutToken": checkout_token(checkout),
        "customerLocale": f"{checkout.shopper.language}-NL",
        "totalDiscountsSet": _money(0),
        "totalShippingPriceSet": _money(checkout.shipping_price),
    }


def _checkout(checkout: Checkout) -> Json:
    name = f"gid://shopify/AbandonedCheckout/{checkout_id(checkout)}"
    return _shared(checkout, name, f"#{checkout_id(checkout)}") | {
        "createdAt": moment(checkout.began_at, UTC),
        "updatedAt": moment(checkout.changed_at, UTC),
        "completedAt": moment(checkout.completed_at, UTC),
        "subtotalPriceSet": _money(checkout.subtotal),
        "totalDiscountSet": _money(0),
        "totalDutiesSet": None,
    }


def _shared(checkout: Checkout, name: str, title: str) -> Json:
    shopper, told = checkout.shopper, checkout.contact_left
    return {
        "id": name,
        "name": title,
        "taxesIncluded": True,
        "customAttributes": [{"key": note["name"], "value": note["value"]} for note in notes(checkout)],
        "discountCodes": [],
        "shippingAddress": {"countryCodeV2": "NL"} if told else None,
        "totalPriceSet": _money(checkout.total),
        "totalTaxSet": _money(vat_in(checkout.total)),
        "customer": _customer(shopper) if told else None,
        "lineItems": {"nodes": [_line(line, shopper.language) for line in checkout.lines]},
    }


def _customer(shopper: Shopper) -> Json:
    return {
        "id": f"gid://shopify/Customer/{customer_id(shopper)}",
        "firstName": shopper.first_name,
        "lastName": shopper.last_name,
        "locale": shopper.language,
        "defaultEmailAddress": {"emailAddress": shopper.email},
    }


def _line(line: Line, language: str) -> Json:
    product = line.product
    return {
        "quantity": line.quantity,
        "sku": product.sku,
        "title": product.name(language),
        "variantTitle": None,
        "variant": {"id": f"gid://shopify/ProductVariant/{variant_id(product)}"},
        "product": {"id": f"gid://shopify/Product/{product_id(product)}", "vendor": "Vloei"},
        "originalUnitPriceSet": _money(product.price),
    }


def _money(amount: int) -> Json:
    money = {"amount": major(amount), "currencyCode": CURRENCY}
    return {"shopMoney": money, "presentmentMoney": money}
