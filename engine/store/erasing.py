"""Everything about somebody, taken away in one transaction, whatever name it stands under.

A person has browsers that are theirs, and browsers that were: a shared one is somebody else's now, and only what they
did there goes. A platform's names for their carts and orders lead to what nobody knew to be theirs: stand-ins,
questions that wait, deliveries that nobody could read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, or_, select, update

from engine.clock import Millis
from engine.ids import identity_hash, server_visitor_of, stand_in_of
from engine.people import Person
from engine.store import errands, quarantine
from engine.store.database import between_commits
from engine.store.errands import ERRANDS
from engine.store.unit import (
    ALIASES,
    AUDIENCES,
    CARTS,
    CONSENTS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    HOUSES,
    IDENTITIES,
    LINKS,
    ORDERS,
    OUTCOMES,
    PEOPLE,
    RECEIPTS,
    RECHECKS,
    VISITORS,
)
from engine.store.waiting import WAITING
from engine.store.wording import addresses_in, stands_in
from engine.visitors import Visitor, forget_before, forget_orders

OF_VISITORS = (DELIVERIES, ORDERS, DECISIONS, CONSENTS, AUDIENCES, EVENTS, RECHECKS, LINKS, CARTS, ALIASES, WAITING)
_SHORTEST_NAME = 5
"""A shorter number of a cart or an order is also that of many other things."""


def erase_all_of(
    connection: Connection, shop: str, people: Sequence[str], refs: Sequence[str], words: Sequence[str]
) -> int:
    """Delete these people, the orders that ``refs`` name, and what waits or could not be read about any of ``words``.

    Returns how many rows are gone. Twice is harmless.
    """
    between_commits(connection)
    return _Erasure(connection, shop, people, refs, words).carry_out()


def erase_shop(connection: Connection, shop: str) -> int:
    """Delete everything about everybody in the shop; its keys, its rules and whom it must never mail stay."""
    between_commits(connection)
    own = select(DELIVERIES.c.id).where(DELIVERIES.c.shop == shop)
    gone = connection.execute(delete(OUTCOMES).where(OUTCOMES.c.delivery.in_(own))).rowcount
    everything = (*OF_VISITORS, VISITORS, IDENTITIES, PEOPLE, RECEIPTS, HOUSES, ERRANDS, quarantine.QUARANTINE)
    return gone + sum(connection.execute(delete(table).where(table.c.shop == shop)).rowcount for table in everything)


def about(table: Table, shop: str, people: Sequence[str], visitors: Iterable[str]) -> ColumnElement[bool]:
    """Rows of the table that concern one of the people or one of their visitors."""
    subject: ColumnElement[bool] = table.c.visitor.in_(sorted(visitors))
    if people and "person" in table.c:
        subject = or_(subject, table.c.person.in_(people))
    return and_(table.c.shop == shop, subject)


class _Erasure:
    """One erasure under way; what it is about is found out before anything is deleted."""

    def __init__(
        self, connection: Connection, shop: str, people: Sequence[str], refs: Sequence[str], words: Sequence[str]
    ) -> None:
        self._connection, self._shop, self._people = connection, shop, list(people)
        self._names = {word for word in (*words, *self._told_names()) if word}
        """An address, a customer's number: whatever they are called."""
        self._refs = list(refs)
        mine = and_(IDENTITIES.c.shop == shop, IDENTITIES.c.person.in_(self._people))
        self._hashes = self._column(IDENTITIES.c.value, mine)
        """Also of addresses that they had before, which stand nowhere else."""
        self._visitors = self._find_visitors()
        orders = self._column(ORDERS.c.id, about(ORDERS, shop, self._people, self._visitors))
        aliases = self._column(ALIASES.c.name, about(ALIASES, shop, [], self._visitors))
        carts = self._column(CARTS.c.id, about(CARTS, shop, [], self._visitors))
        told = {*refs, *aliases}
        self._things = orders | carts | told | {name.rpartition(":")[2] for name in told} - {""}
        """What their carts, checkouts and orders are called."""
        self._words = sorted(self._names | {thing for thing in self._things if len(thing) >= _SHORTEST_NAME})

    def carry_out(self) -> int:
        gone = self._forget_others_browsers() + self._delete_visitors()
        for table, column in ((IDENTITIES, IDENTITIES.c.person), (PEOPLE, PEOPLE.c.id)):
            gone += self._delete(table, column.in_(self._people))
        gone += errands.drop_about(self._connection, self._shop, sorted(self._names | self._things))
        return gone + quarantine.drop_about(self._connection, self._shop, self._tells_of_them)

    # --- what it is about ---------------------------------------------------------------------------------------------

    def _tells_of_them(self, text: str) -> bool:
        if stands_in(text, self._words):
            return True
        return any(identity_hash(self._shop, address) in self._hashes for address in addresses_in(text))

    def _told_names(self) -> list[str]:
        query = select(PEOPLE.c.state).where(PEOPLE.c.shop == self._shop, PEOPLE.c.id.in_(self._people))
        people = [msgspec.msgpack.decode(row.state, type=Person) for row in self._connection.execute(query)]
        return [name for person in people for name in (person.email, person.customer_id, *person.former_ids)]

    def _find_visitors(self) -> set[str]:
        theirs = and_(VISITORS.c.shop == self._shop, VISITORS.c.person.in_(self._people))
        found = self._column(VISITORS.c.id, theirs) | self._nobodys(self._named())
        found |= self._nobodys({server_visitor_of(self._shop, name) for name in self._names})
        found |= self._nobodys(self._sellers(found))
        names = self._column(ALIASES.c.name, about(ALIASES, self._shop, [], found))
        return found | self._nobodys({stand_in_of(self._shop, name) for name in (*self._refs, *names)})

    def _named(self) -> set[str]:
        """Whose the orders are that were named."""
        return self._column(ALIASES.c.visitor, and_(ALIASES.c.shop == self._shop, ALIASES.c.name.in_(self._refs)))

    def _sellers(self, visitors: set[str]) -> set[str]:
        """In whose browser the carts were filled that they have ordered."""
        ordered = self._column(ORDERS.c.cart, about(ORDERS, self._shop, self._people, visitors))
        return self._column(CARTS.c.visitor, and_(CARTS.c.shop == self._shop, CARTS.c.id.in_(sorted(ordered))))

    def _nobodys(self, visitors: set[str]) -> set[str]:
        """Those who are known to be nobody else."""
        others = and_(
            VISITORS.c.shop == self._shop,
            VISITORS.c.id.in_(sorted(visitors)),
            VISITORS.c.person.is_not(None),
            VISITORS.c.person.not_in(self._people),
        )
        return visitors - self._column(VISITORS.c.id, others)

    # --- what goes ----------------------------------------------------------------------------------------------------

    def _delete_visitors(self) -> int:
        own = select(DELIVERIES.c.id).where(about(DELIVERIES, self._shop, self._people, self._visitors))
        gone = self._delete(OUTCOMES, OUTCOMES.c.delivery.in_(own))
        for table in OF_VISITORS:
            gone += self._delete(table, about(table, self._shop, self._people, self._visitors))
        return gone + self._delete(VISITORS, VISITORS.c.id.in_(sorted(self._visitors)))

    def _forget_others_browsers(self) -> int:
        """What they did in a browser where somebody else sits now, or ordered in one that is somebody else's."""
        former = self._column(LINKS.c.visitor, and_(LINKS.c.shop == self._shop, LINKS.c.person.in_(self._people)))
        gone = 0
        for visitor in sorted((former | self._named()) - self._visitors):
            stretches = self._sat_there(visitor)
            gone += sum(self._forget_stretch(visitor, since, until) for since, until in stretches)
            gone += self._forget_mentions(visitor)
            self._forget_state(visitor, max((until for _, until in stretches), default=0))
        named = {ref.rpartition(":")[2] for ref in self._refs}
        return (
            gone + self._delete(ALIASES, ALIASES.c.name.in_(self._refs)) + self._delete(ORDERS, ORDERS.c.id.in_(named))
        )

    def _sat_there(self, visitor: str) -> list[tuple[Millis, Millis]]:
        """From when until when. Whoever was known there first is taken for who was there before as well."""
        query = select(LINKS.c.person, LINKS.c.at).where(LINKS.c.shop == self._shop, LINKS.c.visitor == visitor)
        seats = [(row.person, row.at) for row in self._connection.execute(query.order_by(LINKS.c.at))]
        begins = [0, *(at for _, at in seats[1:])]
        stretches = zip(seats, begins, [*begins[1:], 2**62], strict=True)
        return [(since, until) for (person, _), since, until in stretches if person in self._people]

    def _forget_stretch(self, visitor: str, since: Millis, until: Millis) -> int:
        times = ((EVENTS, EVENTS.c.received_at), (CARTS, CARTS.c.opened_at), (WAITING, WAITING.c.since))
        return sum(
            self._delete(table, and_(table.c.visitor == visitor, at >= since, at < until)) for table, at in times
        )

    def _forget_mentions(self, visitor: str) -> int:
        query = select(EVENTS.c.id, EVENTS.c.body).where(EVENTS.c.shop == self._shop, EVENTS.c.visitor == visitor)
        told = [row.id for row in self._connection.execute(query) if self._tells_of_them(row.body)]
        return self._delete(EVENTS, and_(EVENTS.c.visitor == visitor, EVENTS.c.id.in_(told)))

    def _forget_state(self, visitor: str, until: Millis) -> None:
        own = and_(VISITORS.c.shop == self._shop, VISITORS.c.id == visitor)
        row = self._connection.execute(select(VISITORS.c.state, VISITORS.c.person).where(own)).one_or_none()
        if row is None:
            return
        state = msgspec.msgpack.decode(row.state, type=Visitor)
        forget_before(state, until)
        forget_orders(state, self._things)
        self._rewrite(VISITORS, visitor, state)
        if row.person:
            self._forget_with(row.person)

    def _forget_with(self, other: str) -> None:
        """Whoever sits there now may have been told of the same orders."""
        own = and_(PEOPLE.c.shop == self._shop, PEOPLE.c.id == other)
        person = msgspec.msgpack.decode(
            self._connection.execute(select(PEOPLE.c.state).where(own)).scalar_one(), type=Person
        )
        person.order_ids = [order for order in person.order_ids if order not in self._things]
        person.ordered_carts = [cart for cart in person.ordered_carts if cart not in self._things]
        person.bought = [bought for bought in person.bought if bought.id not in self._things]
        self._rewrite(PEOPLE, other, person)

    def _rewrite(self, table: Table, name: str, state: Visitor | Person) -> None:
        own = and_(table.c.shop == self._shop, table.c.id == name)
        values = {"state": msgspec.msgpack.encode(state), "version": table.c.version + 1}
        self._connection.execute(update(table).where(own).values(values))

    def _delete(self, table: Table, subject: ColumnElement[bool]) -> int:
        return self._connection.execute(delete(table).where(table.c.shop == self._shop, subject)).rowcount

    def _column(self, column: ColumnElement[Any], subject: ColumnElement[bool]) -> set[str]:
        return {value for value in self._connection.execute(select(column).where(subject)).scalars() if value}
