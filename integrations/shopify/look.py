"""The last look before a mail. About a cart: has it become an order, has Shopify mailed about it?
About an unpaid order: was it paid or cancelled?

An order is found by the token of its checkout or its cart; both are read back from it, so that a filter that is not
understood finds nothing instead of anything. The API tells them since 2026-07. An abandoned checkout is found by its
number; that it was completed, or that Shopify has sent its own recovery mail, is known there.
"""

from __future__ import annotations

import re

from engine.errors import CallError
from engine.integration import Call, CartNow, Json, OrderNow, group, groups, text
from integrations.shopify.api import Api
from integrations.shopify.body import without_query
from integrations.shopify.orders import CALLED_OFF, PAYABLE

SINCE = "2026-07"
"""The first version of the API in which an order tells the tokens it came from."""
_NAME = re.compile(r"shopify:(cart|checkout|checkout_name):([A-Za-z0-9_-]+)\Z")
"""Nothing that a search query could understand as anything but a value."""
_FILTERS = {"cart": "cart_token", "checkout": "checkout_token"}
_ORDERS = "query($query: String) { orders(first: 5, query: $query) { nodes { cartToken checkoutToken } } }"
_CHECKOUTS = """query($one: String, $mailed: String) {
  one: abandonedCheckouts(first: 1, query: $one) { nodes { name completedAt } }
  mailed: abandonedCheckouts(first: 1, query: $mailed) { nodes { name } }
}"""
_ORDER_NAME = re.compile(r"shopify:order:([0-9]{1,20})\Z")
_ORDER = "query($id: ID!) { order(id: $id) { cancelledAt displayFinancialStatus displayFulfillmentStatus } }"
_ON_ITS_WAY = frozenset(["FULFILLED", "PARTIALLY_FULFILLED", "IN_PROGRESS"])


def look_at_order(api: Api, refs: tuple[str, ...], call: Call) -> OrderNow | None:
    """What Shopify says of the order; one that it has no longer is nobody's to pay. None where no number is known."""
    number = next((match[1] for match in map(_ORDER_NAME.match, refs) if match), None)
    if number is None:
        return None
    data, _ = api.query(call, _ORDER, {"id": f"gid://shopify/Order/{number}"})
    order = group(data, "order")
    status = (text(order, "displayFinancialStatus") or "").casefold()
    if not order or text(order, "cancelledAt") or status in CALLED_OFF | {"refunded"}:
        return OrderNow.CANCELLED
    waits = status in PAYABLE and text(order, "displayFulfillmentStatus") not in _ON_ITS_WAY
    return OrderNow.UNPAID if waits else OrderNow.PAID


def look(api: Api, refs: tuple[str, ...], call: Call) -> CartNow | None:
    """What Shopify knows of the cart that has these names; None when it has none that can be asked about."""
    names = [match.groups() for match in map(_NAME.match, refs) if match]
    tokens = {value: _FILTERS[kind] for kind, value in names if kind in _FILTERS}
    numbers = [value for kind, value in names if kind == "checkout_name" and value.isdecimal()]
    if tokens and _is_ordered(api, tokens, call):
        return CartNow.ORDERED
    if numbers:
        return _of_checkout(api, numbers[0], call) or (CartNow.OPEN if tokens else None)
    return CartNow.OPEN if tokens else None


def _is_ordered(api: Api, tokens: dict[str, str], call: Call) -> bool:
    query = " OR ".join(f"{name}:{token}" for token, name in tokens.items())
    data, _ = api.query(call, _ORDERS, {"query": query})
    orders = groups(group(data, "orders"), "nodes")
    told = {without_query(text(order, name)) for order in orders for name in ("cartToken", "checkoutToken")}
    return not told.isdisjoint(tokens)


def _of_checkout(api: Api, number: str, call: Call) -> CartNow | None:
    """None where the app may not see abandoned checkouts: that no order was found is then all that is known."""
    own = f"id:{number}"
    try:
        data, _ = api.query(call, _CHECKOUTS, {"one": own, "mailed": f"{own} AND email_state:sent"})
    except CallError as error:
        if error.refused:
            return None
        raise
    one, mailed = (_named(data, alias, number) for alias in ("one", "mailed"))
    if text(one, "completedAt"):
        return CartNow.ORDERED
    return CartNow.MAILED if mailed else CartNow.OPEN


def _named(data: Json, alias: str, number: str) -> Json:
    """The checkout of that number; an empty one when another came, or none."""
    found = groups(group(data, alias), "nodes")
    return next((node for node in found if (text(node, "name") or "").lstrip("#") == number), {})
