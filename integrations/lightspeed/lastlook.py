"""Whether a cart was ordered, and whether an order waits for its payment still: asked of the API a moment before
somebody is mailed about it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.errors import Unreadable
from engine.integration import Call, CartNow, Json, OrderNow, require
from integrations.lightspeed.api import Api
from integrations.lightspeed.body import CART, count, linked, text
from integrations.lightspeed.orders import order_now

_ORDER = "lightspeed:order:"
_MOST = "50"


def look(api: Api, refs: tuple[str, ...], call: Call) -> CartNow | None:
    """None for a cart of which no quote is known. A cart that goes by an order's name was ordered."""
    if any(ref.startswith(_ORDER) for ref in refs):
        return CartNow.ORDERED
    quote = _number(refs, CART)
    return None if quote is None else _look_at(api, quote, call)


def look_at_order(api: Api, refs: tuple[str, ...], call: Call) -> OrderNow | None:
    """None for an order of which no number is known. One that is not there any more is nobody's to pay."""
    name = _number(refs, _ORDER)
    if name is None:
        return None
    order = api.one(call, f"orders/{name}", "order")
    if order is None:
        return OrderNow.CANCELLED
    require(order, "id", "status", "paymentStatus")
    return order_now(order)


def _number(refs: tuple[str, ...], kind: str) -> str | None:
    names = (ref.removeprefix(kind) for ref in refs if ref.startswith(kind))
    return next((name for name in names if name.isascii() and name.isdigit()), None)


def _look_at(api: Api, name: str, call: Call) -> CartNow:
    quote = api.one(call, f"quotes/{name}", "quote")
    if quote is None or count(quote, "productsCount") == 0:
        return CartNow.GONE
    customer = linked(quote, "customer")
    whose = {"customer": customer} if customer else {"created_at_min": text(quote, "createdAt") or ""}
    orders = api.listed(call, "orders", **whose, limit=_MOST).items
    was_ordered = any(linked(order, "quote") == name or (customer and _came_later(order, quote)) for order in orders)
    return CartNow.ORDERED if was_ordered else CartNow.OPEN


def _came_later(order: Json, quote: Json) -> bool:
    """The customer has ordered since the cart was last touched; the order may not say from which cart."""
    return _moment(order, "createdAt") >= _moment(quote, "updatedAt") and text(order, "status") != "cancelled"


def _moment(thing: Json, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text(thing, name) or "")
    except ValueError:
        raise Unreadable(f"{name} is no moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
