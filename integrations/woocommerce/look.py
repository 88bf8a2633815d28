"""The last look before a mail. About a cart: has this person ordered since? WooCommerce has no name for a cart.
About an unpaid order: was it paid or cancelled?

``search`` finds orders by any of their fields, so what is found is read again: its address, and when it was placed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from engine.integration import Call, CartNow, OrderNow, json_object
from integrations.woocommerce.api import Api, items
from integrations.woocommerce.body import Json, email_of, group, moment, require, text
from integrations.woocommerce.orders import NOT_PLACED, is_unpaid

_MOST = 20
_FIELDS = "id,status,billing,date_created_gmt"
_ORDER = re.compile(r"woocommerce:order:([1-9][0-9]{0,18})\Z")
_CALLED_OFF = frozenset(["cancelled", "refunded"]) | NOT_PLACED


def look_for(api: Api, email: str, since_ms: int, call: Call) -> CartNow:
    """Whether there is an order of this address that was placed since then."""
    query = {"search": _findable(email), "orderby": "date", "order": "desc", "per_page": str(_MOST), "_fields": _FIELDS}
    found = [json_object(order) for order in items(api.get(call, "orders", query))]
    return CartNow.ORDERED if any(_is_theirs(order, email, since_ms) for order in found) else CartNow.OPEN


def _findable(email: str) -> str:
    """The part of an address that is found wherever orders are kept: newer shops decode what is searched for twice."""
    return re.split(r"[+%]", email)[-1]


def look_at_order(api: Api, refs: tuple[str, ...], call: Call) -> OrderNow | None:
    """What the shop says of the order; one that it has no longer is nobody's to pay. None where no number is known."""
    number = next((match[1] for match in map(_ORDER.match, refs) if match), None)
    if number is None:
        return None
    told = api.find(call, f"orders/{number}", {"_fields": "id,status,date_paid,date_paid_gmt"})
    if told is None:
        return OrderNow.CANCELLED
    order = json_object(told)
    require(order, "id", "status")
    if text(order, "status") in _CALLED_OFF:
        return OrderNow.CANCELLED
    return OrderNow.UNPAID if is_unpaid(order) else OrderNow.PAID


def _is_theirs(order: Json, email: str, since_ms: int) -> bool:
    address, placed = email_of(group(order, "billing")), moment(order, "date_created")
    if address is None or placed is None or text(order, "status") in NOT_PLACED:
        return False
    return address.casefold() == email.casefold() and _is_since(placed, since_ms)


def _is_since(told: str, since_ms: int) -> bool:
    """A time that cannot be read counts: an order that may be theirs is worth a mail that stays here."""
    try:
        read = datetime.fromisoformat(told)
    except ValueError:
        return True
    told_ms = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()) * 1_000
    return told_ms >= since_ms // 1_000 * 1_000  # the shop tells whole seconds
