"""What a mail about things that are back in stock shows: what is true now, not what was when it was decided."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.clock import DAY, Millis
from engine.events import Line, Product
from engine.rules.facts import Facts

NEWS_FOR: Millis = 30 * DAY
"""What came back longer ago is no news."""


def back_in_stock(facts: Facts, known: Mapping[str, Line]) -> tuple[Line, ...]:
    """What this visitor saw sold out and can have again; ``known`` is how it looked, by its names."""
    found = []
    for good in facts.visitor.goods:
        line = next((known[name] for name in Product(sku=good.sku, id=good.product_id).names if name in known), None)
        if line is not None and good.stock != 0 and good.back_at is not None and facts.now - good.back_at <= NEWS_FOR:
            own = good.currency == facts.shop.currency
            found.append(msgspec.structs.replace(line, price=good.price if own else None))
    return tuple(found)
