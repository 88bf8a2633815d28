"""The orders a visitor or a person placed, and what became of each."""

from __future__ import annotations

import msgspec

from engine.events import Event
from engine.visitors.state import MAX_ORDERS, Bought

ABOUT_ORDERS = frozenset(
    "order_placed order_updated order_paid order_cancelled order_shipped order_delivered order_returned".split()
)


def remember_order(log: list[Bought], event: Event) -> list[Bought]:
    """The log with what the event says about its order; an order that nobody placed here is taken up too.

    Events may arrive in any order; what is known of an order is only ever added to, but for its payment.
    """
    order = event.order
    if order is None or event.type not in ABOUT_ORDERS:
        return log
    known = next((bought for bought in log if bought.id == order.id), None)
    bought = msgspec.structs.replace(known) if known else Bought(order.id, event.at)
    if event.type == "order_placed" or known is None:
        bought.at = min(bought.at, event.at)
        # A page knows less of it than the shop's server, and may come later.
        if event.trusted or not bought.total:
            bought.total, bought.currency = order.total, order.currency
    if event.at >= bought.paid_told_at:
        _learn_payment(bought, event)
    if event.type == "order_cancelled":
        bought.cancelled = True
    elif event.type == "order_delivered":
        bought.delivered_at = max(bought.delivered_at or 0, event.at)
    elif event.type == "order_returned":
        bought.returned_at = max(bought.returned_at or 0, event.at)
    others = [other for other in log if other.id != order.id]
    return sorted([*others, bought], key=lambda each: each.at)[-MAX_ORDERS:]


def _learn_payment(bought: Bought, event: Event) -> None:
    if event.type in ("order_paid", "order_shipped", "order_delivered"):
        bought.unpaid, bought.paid_told_at = False, event.at
    elif event.order is not None and event.order.paid is not None:
        bought.unpaid, bought.paid_told_at = not event.order.paid, event.at
