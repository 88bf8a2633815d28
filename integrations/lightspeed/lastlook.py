"""Whether a cart was ordered, asked of the API a moment before somebody is mailed about it."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.errors import Unreadable
from engine.integration import Call, CartNow, Json
from integrations.lightspeed.api import Api
from integrations.lightspeed.body import CART, count, linked, text

_ORDER = "lightspeed:order:"
_MOST = "50"


def look(api: Api, refs: tuple[str, ...], call: Call) -> CartNow | None:
    """None for a cart of which no quote is known. A cart that goes by an order's name was ordered."""
    if any(ref.startswith(_ORDER) for ref in refs):
        return CartNow.ORDERED
    names = (ref.removeprefix(CART) for ref in refs if ref.startswith(CART))
    quote = next((name for name in names if name.isascii() and name.isdigit()), None)
    return None if quote is None else _look_at(api, quote, call)


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
