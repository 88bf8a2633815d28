"""Shopify's GraphQL API, as far as Shopbell asks it: orders and abandoned checkouts, paid in points.

Too many points at once is an error in an answer of status 200. A token lasts a day; an old one is a 401.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from flask import Flask, Response, jsonify, request

from engine.clock import SECOND, Millis, from_datetime
from simulator.goods import CURRENCY, Line, major, vat_in
from simulator.life import Shopper
from simulator.platforms.shopify.bodies import (
    CLIENT_ID,
    SECRET,
    SHOP,
    Json,
    cart_token,
    checkout_id,
    checkout_token,
    customer_id,
    moment,
    notes,
    order_id,
)
from simulator.world import Checkout, Order, World

T = TypeVar("T", Checkout, Order)
TOKEN_LASTS_S = 86_399
BUCKET = 1_000.0
RESTORED = 100.0
"""Points a second, of a shop with the standard plan."""
COST = 502
"""Of one page as Shopbell asks for it."""


@dataclass
class _Account:
    """What the app has been given, and what it has left."""

    clock: Callable[[], Millis]
    lock: threading.Lock = field(default_factory=threading.Lock)
    tokens: dict[str, Millis] = field(default_factory=dict)
    points: float = BUCKET
    filled_at: Millis = 0

    def give_token(self) -> str:
        with self.lock:
            token = f"shpat_{len(self.tokens) + 1:032x}"
            self.tokens[token] = self.clock() + TOKEN_LASTS_S * SECOND
            return token

    def admits(self, token: str) -> bool:
        with self.lock:
            return self.tokens.get(token, 0) > self.clock()

    def pay(self, points: int) -> tuple[bool, float]:
        """Whether there were enough, and how many there are now."""
        with self.lock:
            now = self.clock()
            earned = max(0, now - self.filled_at) / SECOND * RESTORED
            self.points, self.filled_at = min(BUCKET, self.points + earned), now
            paid = self.points >= points
            if paid:
                self.points -= points
            return paid, self.points


def create_api(world: World, clock: Callable[[], Millis]) -> Flask:
    """The API of the one shop there is."""
    app, account = Flask("shopify"), _Account(clock)

    @app.before_request
    def know_the_shop() -> Response | None:
        return None if request.host == SHOP else Response(status=404)

    @app.post("/admin/oauth/access_token")
    def token() -> tuple[Response, int]:
        told = request.get_json()
        asked = (told.get("client_id"), told.get("client_secret"), told.get("grant_type"))
        if asked != (CLIENT_ID, SECRET, "client_credentials"):
            return jsonify(error="application_cannot_be_found"), 400
        return jsonify(access_token=account.give_token(), scope="read_orders", expires_in=TOKEN_LASTS_S), 200

    @app.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> tuple[Response, int]:
        if not account.admits(request.headers.get("X-Shopify-Access-Token", "")):
            return jsonify(errors="[API] Invalid API key or access token (unrecognized login or wrong password)"), 401
        told = request.get_json()
        paid, left = account.pay(COST)
        extensions = {"cost": _cost(left, paid)}
        if not paid:
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return jsonify(errors=[error], extensions=extensions), 200
        return jsonify(_answer(world, told["query"], told.get("variables") or {}) | {"extensions": extensions}), 200

    return app


def _cost(left: float, paid: bool) -> Json:
    status = {"maximumAvailable": BUCKET, "currentlyAvailable": int(left), "restoreRate": RESTORED}
    return {"requestedQueryCost": COST, "actualQueryCost": COST if paid else None, "throttleStatus": status}


_FIELD = re.compile(r"(?:(\w+)\s*:\s*)?\b(orders|abandonedCheckouts|customers|products)\(([^)]*)\)")
"""A field of the query itself, with the name it is answered under and what it is asked with."""
_ARGUMENT = re.compile(r"(\w+)\s*:\s*(\$?\w+)")


def _answer(world: World, query: str, variables: Json) -> Json:
    """What each field of the query brings; an error where there is none that is known."""
    data = {
        alias or name: _connection(world, name, _said(told, variables)) for alias, name, told in _FIELD.findall(query)
    }
    if not data:
        return {"errors": [{"message": "Field doesn't exist", "extensions": {"code": "undefinedField"}}]}
    return {"data": data}


def _said(arguments: str, variables: Json) -> Json:
    """The arguments by name, with the values of the variables."""
    named = _ARGUMENT.findall(arguments)
    return {name: variables.get(value[1:]) if value.startswith("$") else value for name, value in named}


def _connection(world: World, name: str, told: Json) -> Json:
    if name in ("customers", "products"):
        return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}  # nobody changes them in the admin
    if name == "orders":
        return _orders(world, told)
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
    if "email_state:sent" in query:
        return False  # this shop's own recovery mails are switched off
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
        "defaultEmailAddress": {"emailAddress": shopper.email},
    }


def _line(line: Line, language: str) -> Json:
    product = line.product
    return {
        "quantity": line.quantity,
        "sku": product.sku,
        "title": product.name(language),
        "variantTitle": None,
        "variant": {"id": f"gid://shopify/ProductVariant/{642_667_041_472_000_000 + product.number}"},
        "product": {"id": f"gid://shopify/Product/{788_032_119_674_000_000 + product.number}", "vendor": "Vloei"},
        "originalUnitPriceSet": _money(product.price),
    }


def _money(amount: int) -> Json:
    money = {"amount": major(amount), "currencyCode": CURRENCY}
    return {"shopMoney": money, "presentmentMoney": money}
