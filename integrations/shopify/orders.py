"""Orders, and what becomes of them.

That an order was placed is one fact, told with everything that is heard of it: a shop that missed ``orders/create``
learns it from ``orders/paid``. It is the order that ends a recovery, not its payment: who pays by transfer has bought.
"""

from __future__ import annotations

from decimal import Decimal

from engine.integration import WireEvent, fact
from integrations.shopify.body import Json, group, groups, ref, require, shown, text, visitor, without_query, words
from integrations.shopify.lines import country_of, coupon_of, lines, taxes

PAYABLE = frozenset(["pending", "unpaid"])
CALLED_OFF = frozenset(["voided", "expired"])
_ON_ITS_WAY = frozenset(["in_transit", "out_for_delivery", "confirmed", "label_printed", "label_purchased"])
SAYS_SOMETHING = _ON_ITS_WAY | {"delivered"}
"""What of a carrier's words becomes an event."""


def from_order(body: Json) -> list[WireEvent]:
    """``orders/*``: that it was placed, and all that has become of it; the topic itself is signed by nobody."""
    require(body, "id", "line_items", "financial_status", "order_number")
    order_id, at = text(body, "id"), text(body, "updated_at")
    whose, short = _whose(body), {"id": order_id, "paid": _is_paid(body)}
    placed = fact(
        "order_placed",
        "shopify",
        order_id,
        at=text(body, "created_at"),
        order=_order(body),
        language=text(body, "customer_locale"),
        country=country_of(body),
        name=words(group(body, "customer"), "first_name", "last_name"),
        **whose,
    )
    since = {
        "order_paid": at if _is_paid(body) else None,
        "order_shipped": at if text(body, "fulfillment_status") == "fulfilled" else None,
        "order_cancelled": text(body, "cancelled_at"),
    }
    became = [(kind, moment) for kind, moment in since.items() if moment is not None]
    return [placed, *(fact(kind, "shopify", order_id, at=moment, order=short, **whose) for kind, moment in became)]


def from_fulfillment(body: Json) -> list[WireEvent]:
    """``fulfillments/*``: sent, and delivered where the carrier says so."""
    require(body, "id", "order_id", "shipment_status", "tracking_company")
    if text(body, "status") in ("cancelled", "error", "failure"):
        return []
    shipped = _about(body, "order_shipped", at=text(body, "created_at"))
    if text(body, "shipment_status") != "delivered":
        return shipped
    return shipped + _about(body, "order_delivered", at=text(body, "updated_at"))


def from_shipment(body: Json) -> list[WireEvent]:
    """``fulfillment_events/create``: what the carrier says."""
    require(body, "fulfillment_id", "order_id", "happened_at")
    status, at = text(body, "status"), text(body, "happened_at")
    if status == "delivered":
        return _about(body, "order_delivered", at=at)
    return _about(body, "order_shipped", at=at) if status in _ON_ITS_WAY else []


def from_refund(body: Json) -> list[WireEvent]:
    """``refunds/create``: money went back, and with goods that came back also they."""
    require(body, "id", "order_id", "refund_line_items")
    refund, at = text(body, "id"), text(body, "processed_at") or text(body, "created_at")
    events = _about(body, "order_refunded", refund, at=at)
    if any(text(line, "restock_type") == "return" for line in groups(body, "refund_line_items")):
        events += _about(body, "order_returned", refund, at=at)
    return events


def _about(body: Json, kind: str, *more: str | None, at: str | None) -> list[WireEvent]:
    order_id = text(body, "order_id")
    if order_id is None:
        return []
    return [fact(kind, "shopify", order_id, *more, at=at, order={"id": order_id}, refs=ref("order", order_id))]


def _whose(body: Json) -> Json:
    names = ref("checkout", text(body, "checkout_token")) + ref("cart", without_query(text(body, "cart_token")))
    return {"visitor": visitor(body), "refs": names + ref("order", text(body, "id"))}


def _is_paid(body: Json) -> bool:
    return text(body, "financial_status") not in PAYABLE | CALLED_OFF


def _order(body: Json) -> Json:
    total, currency = shown(body, "total_price")
    said: Json = {
        "id": text(body, "id"),
        "cart_id": without_query(text(body, "cart_token")) or text(body, "checkout_token"),
        "currency": currency or text(body, "currency"),
        "total": total,
        "shipping": _shipping(body),
        "tax": shown(body, "total_tax")[0],
        "discount": shown(body, "total_discounts")[0],
        "coupon": coupon_of(body),
        "paid": _is_paid(body),
        "pay_url": text(body, "order_status_url") if text(body, "financial_status") in PAYABLE else None,
        "email": text(body, "email") or text(body, "contact_email"),
        "customer_id": text(group(body, "customer"), "id"),
        "lines": lines(groups(body, "line_items")),
    }
    return {name: value for name, value in said.items() if value is not None}


def _shipping(body: Json) -> Decimal | None:
    """What was paid for shipping, gross, in the shopper's currency."""
    price, currency = shown(body, "total_shipping_price")
    if price is None or body.get("taxes_included") is True:
        return price
    same = currency is None or currency == text(body, "currency")
    # Taxes of the lines are told in the shop's currency; in another one they stay unsaid rather than wrong.
    return price + sum((taxes(line) for line in groups(body, "shipping_lines")), Decimal()) if same else price
