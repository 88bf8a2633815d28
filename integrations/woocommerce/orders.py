"""Orders, and what becomes of them.

That an order was placed is one fact, told with everything that is heard of it: a missed ``order.created`` is made good
by the next delivery. It is the order that ends a recovery, not its payment: who pays by transfer has bought.
"""

from __future__ import annotations

from decimal import Decimal

from engine.integration import WireEvent, fact
from integrations.woocommerce.body import (
    Json,
    amount,
    both,
    email_of,
    group,
    groups,
    meta,
    moment,
    number,
    readable,
    require,
    text,
    whole,
    without_nothing,
    words,
)
from integrations.woocommerce.told import WooCommerceSettings, statuses

NOT_PLACED = frozenset(["checkout-draft", "auto-draft", "draft", "new", "trash"])
"""The block checkout has an order from the moment that it is opened; an auto-draft is one that the shop is writing."""
_PAYABLE = frozenset(["pending", "failed"])
_WAITS = _PAYABLE | {"on-hold"}
YES = frozenset(["1", "yes", "true", "on"])


def from_order(body: Json, told: WooCommerceSettings) -> list[WireEvent]:
    """``order.*``: that it was placed, and all that has become of it; the topic itself is signed by nobody."""
    require(body, "id", "order_key", "status", "currency", "line_items", "billing")
    order_id, status = number(body, "id"), text(body, "status")
    if order_id is None or status in NOT_PLACED:
        return []
    whose, short = _whose(body, order_id, told), {"id": order_id} | _paid(body)
    billing = group(body, "billing")
    placed = fact(
        "order_placed",
        "woocommerce",
        order_id,
        at=moment(body, "date_created"),
        order=_order(body, order_id, told),
        country=text(group(body, "shipping"), "country") or text(billing, "country"),
        name=words(billing, "first_name", "last_name") if email_of(billing) else None,
        consent=_consent(body, told),
        **whose,
    )
    changed = [_changed(body, order_id, told, whose)] if is_unpaid(body) else []
    since = [
        fact(kind, "woocommerce", order_id, *more, at=at, order=short, **whose)
        for kind, more, at in _became(body, told)
    ]
    return [placed, *changed, *since]


def _changed(body: Json, order_id: str, told: WooCommerceSettings, whose: Json) -> WireEvent:
    """While an order waits for its payment the shop may change it: what is asked for must be what it is now."""
    at = moment(body, "date_modified")
    return fact("order_updated", "woocommerce", order_id, at, at=at, order=_order(body, order_id, told), **whose)


def _became(body: Json, told: WooCommerceSettings) -> list[tuple[str, tuple[str, ...], str | None]]:
    """What has become of it: the event, what tells several of its kind apart, and when."""
    status, changed, finished = text(body, "status"), moment(body, "date_modified"), moment(body, "date_completed")
    became: list[tuple[str, tuple[str, ...], str | None]] = []
    if moment(body, "date_paid"):
        became.append(("order_paid", (), moment(body, "date_paid")))
    if status in statuses(told.shipped_statuses) | statuses(told.delivered_statuses):
        became.append(("order_shipped", (), finished or changed))
    if status in statuses(told.delivered_statuses):
        became.append(("order_delivered", (), changed))
    if status == "cancelled":
        became.append(("order_cancelled", (), changed))
    refunds = sorted({refund for each in groups(body, "refunds") if (refund := number(each, "id"))})
    return became + [("order_refunded", (refund,), changed) for refund in refunds]


def _whose(body: Json, order_id: str, told: WooCommerceSettings) -> Json:
    """By the order's key, which its page carries and nobody can guess, and by its number.

    Not by ``cart_hash``: it is made of what is in the cart, so two shoppers with the same goods share it.
    """
    key, visitor = text(body, "order_key"), meta(body, told.visitor_meta)
    refs = [f"woocommerce:checkout:{key}"] if key else []
    return {
        "visitor": visitor.strip() or None if isinstance(visitor, str) else None,
        "refs": [*refs, f"woocommerce:order:{order_id}"],
    }


def is_unpaid(body: Json) -> bool:
    """Whether the shopper is expected to pay; who pays on delivery is not."""
    return not moment(body, "date_paid") and text(body, "status") in _WAITS


def _paid(body: Json) -> Json:
    """Paid since a moment that is told; not paid while the shopper is expected to pay. On delivery: not told."""
    if moment(body, "date_paid"):
        return {"paid": True}
    return {"paid": False} if is_unpaid(body) else {}


def _pay_url(body: Json) -> str | None:
    """The page on which WooCommerce takes the payment: not of an order that waits for a transfer, which it refuses."""
    payable = body.get("needs_payment", text(body, "status") in _PAYABLE)
    return text(body, "payment_url") if payable is True and is_unpaid(body) else None


def _consent(body: Json, told: WooCommerceSettings) -> Json | None:
    """A ticked box is consent; an empty one says nothing about an earlier yes."""
    noted = str(meta(body, told.consent_meta)).strip().casefold()
    return {"email": True, "source": "WooCommerce checkout"} if noted in YES else None


def _order(body: Json, order_id: str, told: WooCommerceSettings) -> Json:
    shown_with_tax = _with_tax(body, told)
    coupons = (text(line, "code") for line in groups(body, "coupon_lines"))
    said: Json = {
        "id": order_id,
        "currency": text(body, "currency"),
        "total": amount(body, "total"),
        "shipping": both(body, "shipping_total", "shipping_tax"),
        "tax": amount(body, "total_tax"),
        "discount": _shown(body, "discount_total", "discount_tax", with_tax=shown_with_tax),
        "coupon": next(filter(None, coupons), None),
        "pay_url": _pay_url(body),
        "email": email_of(group(body, "billing")),
        "customer_id": number(body, "customer_id"),
        "lines": [_line(item, with_tax=shown_with_tax) for item in _items(body)],
    }
    return without_nothing(said) | _paid(body)


def _with_tax(body: Json, told: WooCommerceSettings) -> bool:
    """Whether the shopper saw prices with their tax; how a shop shows them stands in no body."""
    return body.get("prices_include_tax") is True if told.prices == "as_entered" else told.prices == "with_tax"


def _shown(body: Json, net: str, tax: str, *, with_tax: bool) -> Decimal | None:
    return both(body, net, tax) if with_tax else amount(body, net)


def _items(body: Json) -> list[Json]:
    return [item for item in groups(body, "line_items") if (whole(item, "quantity") or 0) > 0]


def _line(item: Json, *, with_tax: bool) -> Json:
    """One line, at its price before coupons: ``price`` itself is without tax, after coupons, and rounded."""
    quantity, sum_ = whole(item, "quantity") or 1, _shown(item, "subtotal", "subtotal_tax", with_tax=with_tax)
    said: Json = {
        "id": number(item, "variation_id"),
        "product_id": number(item, "product_id"),
        "sku": text(item, "sku"),
        "name": readable(item, "name"),
        "quantity": quantity,
        "price": None if sum_ is None else sum_ / quantity,
    }
    return without_nothing(said)
