"""The orders a visitor or a person placed, and what became of each.

What is known of an order is what each event says of it by itself, put together; in whatever order they come.
"""

from __future__ import annotations

import msgspec

from engine.events import Event, Order
from engine.visitors.state import MAX_ORDERS, Bought, Priced, Visitor

ABOUT_ORDERS = frozenset(
    "order_placed order_updated order_paid order_cancelled order_shipped order_delivered order_returned".split()
)
_SAYS_PAID = frozenset("order_paid order_shipped order_delivered".split())


def remember_order(log: list[Bought], event: Event) -> list[Bought]:
    """The log with what the event says about its order; an order that nobody placed here is taken up too."""
    if event.order is None or event.type not in ABOUT_ORDERS:
        return log
    return join_orders(log, [_said_by(event, event.order)])


def count_order(visitor: Visitor, order: str) -> None:
    """The page that thanks and the shop's server tell of the same one."""
    if order not in visitor.order_ids:
        visitor.orders += 1
        visitor.order_ids = [*visitor.order_ids, order][-MAX_ORDERS:]


def _said_by(event: Event, order: Order) -> Bought:
    said = Bought(order.id, event.at, cancelled=event.type == "order_cancelled")
    if order.total:
        said.total, said.currency, said.priced_at = order.total, order.currency, event.at
        said.priced = _priced(event)
    else:
        said.priced = Priced.NOT
    if event.type in _SAYS_PAID:
        said.paid_told_at = event.at
    elif order.paid is not None:
        said.unpaid, said.paid_told_at = not order.paid, event.at
    said.delivered_at = event.at if event.type == "order_delivered" else None
    said.returned_at = event.at if event.type == "order_returned" else None
    return said


def _priced(event: Event) -> Priced:
    """Of what an order comes to a page knows less than the shop's server, and later news less than the placing."""
    if event.type != "order_placed":
        return Priced.LATER
    return Priced.BY_SHOP if event.trusted else Priced.BY_PAGE


def join_orders(one: list[Bought], other: list[Bought]) -> list[Bought]:
    """What two have heard of the same orders, each once."""
    by_id = {bought.id: bought for bought in one}
    for bought in other:
        known = by_id.get(bought.id)
        by_id[bought.id] = bought if known is None else _join_order(known, bought)
    return sorted(by_id.values(), key=lambda bought: (bought.at, bought.id))[-MAX_ORDERS:]


def _join_order(one: Bought, other: Bought) -> Bought:
    paid = max(one, other, key=lambda bought: (bought.paid_told_at, not bought.unpaid))
    priced = max(one, other, key=lambda bought: (bought.priced, bought.priced_at, bought.total, bought.currency))
    return msgspec.structs.replace(
        priced,
        at=min(one.at, other.at),
        unpaid=paid.unpaid,
        paid_told_at=paid.paid_told_at,
        cancelled=one.cancelled or other.cancelled,
        delivered_at=max(one.delivered_at or 0, other.delivered_at or 0) or None,
        returned_at=max(one.returned_at or 0, other.returned_at or 0) or None,
    )
