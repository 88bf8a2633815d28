"""The last look before a mail about a cart: has this person ordered since? WooCommerce has no name for a cart.

``search`` finds orders by any of their fields, so what is found is read again: its address, and when it was placed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.integration import Call, CartNow, json_object
from integrations.woocommerce.api import Api, items
from integrations.woocommerce.body import Json, email_of, group, moment, text
from integrations.woocommerce.orders import NOT_PLACED

_MOST = 20
_FIELDS = "id,status,billing,date_created_gmt"


def look_for(api: Api, email: str, since_ms: int, call: Call) -> CartNow:
    """Whether there is an order of this address that was placed since then."""
    query = {"search": email, "orderby": "date", "order": "desc", "per_page": str(_MOST), "_fields": _FIELDS}
    found = [json_object(order) for order in items(api.get(call, "orders", query))]
    return CartNow.ORDERED if any(_is_theirs(order, email, since_ms) for order in found) else CartNow.OPEN


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
