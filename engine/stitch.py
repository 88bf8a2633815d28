"""Whose are the events that a shop's platform tells?

A browser says who it is; a webhook says a checkout's token, an order's number, perhaps an address. Every name by which
the platform knows a cart, a checkout or an order is remembered with the visitor it belonged to. In this order of trust:

1. the visitor the event itself names (the shop's script writes it into the cart's attributes, the platform signs them),
2. whoever one of its names belongs to already,
3. a stand-in made from its first name, until one of the two above is known; then the stand-in's cart goes over. Two
   stand-ins become one as soon as the platform gives a name of each in one breath.

Who is meant by an address or a customer number is the person's affair, see :mod:`engine.identify`: a stand-in is linked
to their person like any browser, so that permission, limits and orders hold over all of them; and whoever turns out to
have its cart is that person, unless somebody else is known to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection

from engine import identify
from engine.events import Event
from engine.ids import stand_in_of
from engine.store import aliases
from engine.store.aliases import Alias
from engine.store.books import Books
from engine.store.unit import LoadedVisitor, VisitorKey
from engine.visitors import hand_over, hand_over_rules

STAND_IN = "hook_"
_FROM_A_BROWSER = re.compile(r"[a-z]+:(?:cart|checkout):[A-Za-z0-9_=-]{16,}\Z")
"""What nobody can guess. A number of an order proves nothing when a browser says it."""
_A_BROWSERS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}\Z")


def is_stand_in(visitor: str) -> bool:
    return visitor.startswith(STAND_IN)


def named_visitor(told: object) -> str:
    """The visitor that a cart's attributes name, or "". Shoppers can write those; names of ours are not for them."""
    if not isinstance(told, str) or not _A_BROWSERS_NAME.match(told):
        return ""
    return "" if told.startswith((STAND_IN, "srv_")) else told


@dataclass(frozen=True)
class Handover:
    """A stand-in turned out to be a visitor whose browser is known."""

    shop: str
    stand_in: str
    visitor: str


@dataclass
class Stitcher:
    """The names of one group commit; ``changed`` are those to be written."""

    known: dict[tuple[str, str], Alias] = field(default_factory=dict)
    changed: dict[tuple[str, str], Alias] = field(default_factory=dict)
    handovers: list[Handover] = field(default_factory=list)

    def load(self, connection: Connection, named: Iterable[tuple[str, Event]]) -> None:
        """Look up every name in these (shop, event) pairs."""
        by_shop: dict[str, set[str]] = {}
        for shop, event in named:
            if event.refs:
                by_shop.setdefault(shop, set()).update(refs_of(event))
        for shop, names in by_shop.items():
            self.known |= {(shop, name): alias for name, alias in aliases.find(connection, shop, names).items()}

    def settle(self, shop: str, event: Event) -> Event:
        """The event with its visitor, and with the name that its cart has here."""
        refs = refs_of(event)
        if not refs:
            return event
        met = [self.known[shop, ref] for ref in refs if (shop, ref) in self.known]
        visitor = event.visitor or _whose(met) or stand_in_of(shop, refs[0])
        cart = next((alias.cart for alias in met if alias.cart and _is_theirs(alias, visitor)), None) or _cart_of(event)
        for ref in refs:
            self._remember(shop, ref, Alias(visitor, cart, event.at), trusted=event.trusted)
        return _renamed(event, visitor, cart)

    def settle_kept(self, shop: str, event: Event, body: str) -> tuple[Event, str]:
        """The same, with what is kept of it: that says the cart's name here too, so that a replay finds it."""
        settled = self.settle(shop, event)
        renamed: dict[str, tuple[str, str | None]] = {}
        if settled.cart is not None and settled.cart != event.cart:
            renamed["cart"] = "id", settled.cart.id
        if settled.order is not None and settled.order != event.order:
            renamed["order"] = "cart_id", settled.order.cart_id
        if not renamed:
            return settled, body
        told = msgspec.json.decode(body)
        for part, (field_name, name) in renamed.items():
            ours = told.get(part)
            # What came in another vocabulary stays as it is, with the name beside it.
            told |= {part: ours | {field_name: name}} if isinstance(ours, dict) else {"cart_id": name}
        return settled, msgspec.json.encode(told).decode()

    def hand_over(self, unit: Books) -> list[Handover]:
        """What stand-ins held goes over to whom they stood in for; returns who that was."""
        done, self.handovers = self.handovers, []
        for handover in done:
            unit.load_visitors(handover.shop, [handover.stand_in, handover.visitor])
            _hand_over(unit, handover)
        return done

    def _remember(self, shop: str, ref: str, alias: Alias, *, trusted: bool) -> None:
        before = self.known.get((shop, ref))
        if before is not None:
            if before.visitor == alias.visitor and (before.cart or not alias.cart):
                return
            if before.visitor != alias.visitor and not _gives_way(before, alias, trusted=trusted):
                return
            if is_stand_in(before.visitor) and before.visitor != alias.visitor:
                self.handovers.append(Handover(shop, before.visitor, alias.visitor))
        self.known[shop, ref] = self.changed[shop, ref] = alias


def _hand_over(unit: Books, handover: Handover) -> None:
    shop = handover.shop
    stand_in, visitor = (unit.visitors[VisitorKey(shop, name)] for name in (handover.stand_in, handover.visitor))
    if visitor.person == stand_in.person or None in (visitor.person, stand_in.person):
        _hand_over_mails(unit, stand_in, visitor)
    else:
        unit.cancel_deliveries(shop, "handed over", visitor=handover.stand_in)
    hand_over(stand_in.state, visitor.state)
    unit.give_to(shop, handover.stand_in, handover.visitor)
    identify.pass_on(unit, stand_in, visitor)


def _hand_over_mails(unit: Books, stand_in: LoadedVisitor, visitor: LoadedVisitor) -> None:
    """What is owed to the stand-in is owed to the visitor, unless the same rule has spoken to both."""
    both = hand_over_rules(stand_in.state, visitor.state)
    if both:
        unit.cancel_mails_of(stand_in.key.shop, both, stand_in.key.id, None, "handed over")
    unit.give_mails_to(stand_in.key.shop, stand_in.key.id, visitor.key.id)


def refs_of(event: Event) -> tuple[str, ...]:
    """The names in the event that its sender may vouch for."""
    if not event.refs or event.trusted:
        return event.refs
    return tuple(ref for ref in event.refs if _FROM_A_BROWSER.match(ref))


def _whose(met: list[Alias]) -> str:
    """A browser before any stand-in; "" when none of the names is known."""
    visitors = [alias.visitor for alias in met]
    return next((visitor for visitor in visitors if not is_stand_in(visitor)), visitors[0] if visitors else "")


def _gives_way(before: Alias, now: Alias, *, trusted: bool) -> bool:
    """A stand-in gives way to a browser, and to another stand-in that the platform names with it: a poll told the
    checkout by its number and a webhook by its cart, before anything told both. A browser gives way only to another
    that the platform names later."""
    if is_stand_in(now.visitor):
        return trusted and is_stand_in(before.visitor)
    return is_stand_in(before.visitor) or (trusted and now.at >= before.at)


def _is_theirs(alias: Alias, visitor: str) -> bool:
    return alias.visitor == visitor or is_stand_in(alias.visitor)


def _cart_of(event: Event) -> str | None:
    if event.cart is not None and event.cart.id:
        return event.cart.id
    if event.order is not None and event.order.cart_id:
        return event.order.cart_id
    # An order whose cart nobody has told of: by this name the cart is known as ordered, should it still be told of.
    return event.refs[0] if event.type == "order_placed" else None


def _renamed(event: Event, visitor: str, cart: str | None) -> Event:
    changes: dict[str, object] = {"visitor": visitor}
    if cart and event.cart is not None:
        changes["cart"] = msgspec.structs.replace(event.cart, id=cart)
    if cart and event.order is not None:
        changes["order"] = msgspec.structs.replace(event.order, cart_id=cart)
    return msgspec.structs.replace(event, **changes)
