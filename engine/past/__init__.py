"""``why --at``: how things stood for a visitor at a moment that is over.

Their stored events are played again up to then, together with every look that a timer brought, by the rules that were
live at each moment: the same code about the same facts, so the same answers. What is not stored any more is told.

``moments`` reads which moment is meant, ``rules`` knows which were live when, ``play`` goes through it all.
"""

from __future__ import annotations

from sqlalchemy import Engine

from engine.explain import VisitorView, why
from engine.past.moments import moment_of, on_the_clock
from engine.past.play import why_then
from engine.pipeline import ShopRules
from engine.store.database import database_now, reading

__all__ = ["moment_of", "on_the_clock", "why_at", "why_then"]


def why_at(engine: Engine, shop: ShopRules, visitor: str, moment: str | None) -> VisitorView | None:
    """Everything about a visitor, now or at the moment that somebody wrote; None when nobody of that name was seen.

    Raises InvalidMoment, StoreError, or ShopbellError when what is stored cannot be read.
    """
    if moment is None:
        return why(engine, shop, visitor)
    with reading(engine) as connection:
        now = database_now(connection)
    return why_then(engine, shop, visitor, moment_of(moment, shop.rules.shop.zone, now))
