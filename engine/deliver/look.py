"""The last look at what is known here, with the same guards that the rules use."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from engine import identify
from engine.decisions import Guard
from engine.deliver.stock import back_in_stock
from engine.events import Line
from engine.messages import BACK_IN_STOCK, UNPAID_ORDER, MailOrder
from engine.people import Person
from engine.rules.facts import Facts
from engine.rules.guards import sending_hold
from engine.rules.holds import Hold
from engine.rules.shop import Shop
from engine.rules.zones import quiet_until
from engine.said import say
from engine.store import looks, waiting
from engine.store.database import reading
from engine.store.deliveries import Claim
from engine.store.looks import SavedCart, SavedOrder
from engine.visitors import Visitor

_UNTOLD = Hold(Guard.UNTOLD, say("what was ordered"), settled=True)


@dataclass(frozen=True)
class Look:
    """Everything the last look saw."""

    facts: Facts
    person: Person
    cart: SavedCart | None
    lines: tuple[Line, ...]
    """What the mail shows."""
    order: SavedOrder | None = None
    """What the mail asks to pay."""


def look_once_more(engine: Engine, held: Claim, shop: Shop, order: MailOrder) -> Look | Hold:
    """Bought meanwhile? Emptied? Paid? Unsubscribed? Too late? Raises StoreError."""
    if held.expires_at and held.now > held.expires_at:
        return Hold(Guard.TOO_LATE, settled=True)
    with reading(engine) as connection:
        seen = looks.visitor(connection, held.shop, held.visitor)
        person_id = seen.person if seen else held.person
        person = looks.person(connection, held.shop, person_id)
        suppressed = person is not None and looks.is_suppressed(
            connection, held.shop, identify.hash_of(held.shop, person.email)
        )
        cart = looks.cart(connection, held.shop, order.cart)
        saved = looks.order(connection, held.shop, order.unpaid)
        known = waiting.products_of(connection, held.shop, held.visitor) if order.template == BACK_IN_STOCK else {}
    visitor = seen.state if seen else Visitor()
    if person is not None:
        identify.share(visitor, person)
    facts = Facts(shop, held.visitor, visitor, held.now, person)
    hold = sending_hold(facts, order.cart, order.unpaid)
    if hold is not None:
        return hold
    if suppressed:
        return Hold(Guard.SUPPRESSED, settled=True)
    until = quiet_until(facts)
    if until is not None:
        return Hold(Guard.QUIET_HOURS, retry_at=until)
    assert person is not None
    if order.template == UNPAID_ORDER:
        told = saved is not None and saved.order.total > 0
        return Look(facts, person, None, saved.order.lines, saved) if saved and told else _UNTOLD
    if order.template != BACK_IN_STOCK:
        return Look(facts, person, cart, cart.cart.lines if cart else ())
    lines = back_in_stock(facts, known)
    return Look(facts, person, None, lines) if lines else Hold(Guard.SOLD_OUT, settled=True)
