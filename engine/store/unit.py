"""The rows that one group commit works on: loaded at once, changed in memory, written at once.

A :class:`Unit` lives inside one transaction. Everything it writes goes out in :meth:`flush` as a few multi-row
statements, and a row that another process changed meanwhile raises Conflict, so that the whole transaction is redone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    or_,
    select,
    tuple_,
    update,
)

from engine.clock import Millis
from engine.decisions import Decision, Planned
from engine.events import Product
from engine.ids import new_id
from engine.messages import DeliveryState, first_state
from engine.people import Person
from engine.rules.facts import House
from engine.store import merges, models, updates, waiting
from engine.store.database import Conflict
from engine.store.statements import HotStatements, Values, insert_ignoring, one_parameter, upsert
from engine.visitors import Visitor

T = TypeVar("T")

_visitor_decoder = msgspec.msgpack.Decoder(Visitor)
_person_decoder = msgspec.msgpack.Decoder(Person)
_house_decoder = msgspec.msgpack.Decoder(House)
_encode = msgspec.msgpack.Encoder().encode

_TABLES = models.Base.metadata.tables
EVENTS = _TABLES["events"]
VISITORS = _TABLES["visitors"]
PEOPLE = _TABLES["people"]
IDENTITIES = _TABLES["identities"]
CARTS = _TABLES["carts"]
ORDERS = _TABLES["orders"]
DECISIONS = _TABLES["decisions"]
DELIVERIES = _TABLES["deliveries"]
OUTCOMES = _TABLES["outcomes"]
AUDIENCES = _TABLES["audiences"]
CONSENTS = _TABLES["consents"]
HOUSES = _TABLES["houses"]
SUPPRESSIONS = _TABLES["suppressions"]
ALIASES = _TABLES["aliases"]
RECEIPTS = _TABLES["receipts"]
RECHECKS = _TABLES["rechecks"]
LINKS = _TABLES["links"]


class VisitorKey(NamedTuple):
    shop: str
    id: str


@dataclass(slots=True)
class LoadedVisitor:
    """A visitor's row in memory. ``version`` 0 means: not stored yet. ``stored`` is the state as it was read."""

    key: VisitorKey
    version: int
    state: Visitor
    stored: bytes | None
    person: str | None = None
    due_at: Millis | None = None
    fault: str | None = None


@dataclass(slots=True)
class Loaded(Generic[T]):
    version: int
    state: T
    changed: bool = False


def _loaded(key: VisitorKey, version: int, stored: bytes, person: str | None, due_at: Millis | None) -> LoadedVisitor:
    """The row in memory; a state that cannot be read is kept as it is, and only this visitor is set aside."""
    try:
        state, fault = _visitor_decoder.decode(stored), None
    except msgspec.DecodeError:
        state, fault = Visitor(), "its stored state cannot be read"
    return LoadedVisitor(key, version, state, stored, person, due_at, fault)


_SELECT_PEOPLE = select(PEOPLE.c.shop, PEOPLE.c.id, PEOPLE.c.version, PEOPLE.c.state).where(
    PEOPLE.c.shop == bindparam("shop"), PEOPLE.c.id.in_(bindparam("ids", expanding=True))
)


@dataclass
class Unit:
    """One transaction's worth of rows. ``now`` is the database's time (ms since the epoch)."""

    connection: Connection
    now: Millis
    visitors: dict[VisitorKey, LoadedVisitor] = field(default_factory=dict)
    people: dict[tuple[str, str], Loaded[Person]] = field(default_factory=dict)
    identities: dict[tuple[str, str, str], str] = field(default_factory=dict)
    houses: dict[str, Loaded[House]] = field(default_factory=dict)
    _rows: dict[str, list[Values]] = field(default_factory=dict)
    _later: list[Update | Delete | Insert] = field(default_factory=list)
    """Statements that concern rows which this unit may itself have yet to insert."""
    _hot: HotStatements = field(init=False)

    def __post_init__(self) -> None:
        self._hot = HotStatements(self.connection)

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name

    # --- loading ------------------------------------------------------------------------------------------------------

    def load_visitors(self, shop: str, ids: Iterable[str]) -> None:
        """Read the visitors that are not here yet; those that do not exist begin empty."""
        # A plain tuple is found as well as a key is, and made in half the time.
        missing = sorted({name for name in ids if (shop, name) not in self.visitors})
        if not missing:
            return
        found = self._hot.read("visitors", {"shop": shop, "ids": one_parameter(missing, self.dialect)})
        for name, version, state, person, due_at in found:
            key = VisitorKey(shop, name)
            self.visitors[key] = _loaded(key, version, state, person, due_at)
        if len(found) == len(missing):
            return
        for name in missing:
            if (shop, name) not in self.visitors:
                key = VisitorKey(shop, name)
                self.visitors[key] = LoadedVisitor(key, 0, Visitor(), None)

    def load_people(self, shop: str, ids: Iterable[str]) -> None:
        missing = sorted({name for name in ids if (shop, name) not in self.people})
        if not missing:
            return
        for row in self.connection.execute(_SELECT_PEOPLE, {"shop": shop, "ids": missing}):
            self.people[row.shop, row.id] = Loaded(row.version, _person_decoder.decode(row.state))

    def load_identities(self, shop: str, wanted: Iterable[tuple[str, str]]) -> None:
        """Look up which persons the (kind, hash) pairs belong to, and read those persons."""
        missing = sorted({pair for pair in wanted if (shop, *pair) not in self.identities})
        if not missing:
            return
        query = select(IDENTITIES).where(
            IDENTITIES.c.shop == shop, tuple_(IDENTITIES.c.kind, IDENTITIES.c.value).in_(missing)
        )
        for row in self.connection.execute(query):
            self.identities[row.shop, row.kind, row.value] = row.person
        self.load_people(shop, {self.identities[shop, *pair] for pair in missing if (shop, *pair) in self.identities})

    def load_house(self, shop: str) -> House:
        if shop not in self.houses:
            found = self._hot.read("house", {"shop": shop})
            self.houses[shop] = Loaded(found[0][0], _house_decoder.decode(found[0][1])) if found else Loaded(0, House())
        return self.houses[shop].state

    def known_events(self, shop: str, ids_by_visitor: dict[str, set[str]]) -> set[tuple[str, str]]:
        """Which (visitor, event id) pairs are stored already. Visitors without a row have none, and are not asked."""
        stored = {
            visitor: ids
            for visitor, ids in ids_by_visitor.items()
            if not visitor or self.visitors[VisitorKey(shop, visitor)].version
        }
        if not stored:
            return set()
        pairs = [(visitor, event) for visitor, ids in stored.items() for event in ids]
        parameters: Values = {"shop": shop}
        if self.dialect == "sqlite":
            parameters["pairs"] = msgspec.json.encode(pairs).decode()
        else:
            parameters |= {"visitors": [pair[0] for pair in pairs], "ids": [pair[1] for pair in pairs]}
        return {(visitor, event) for visitor, event in self._hot.read("known_events", parameters)}

    def visitors_of_carts(self, shop: str, carts: Iterable[str]) -> dict[str, str]:
        """Whose carts these are: visitor by cart id."""
        return dict(self._hot.read("owners", {"shop": shop, "ids": one_parameter(carts, self.dialect)}))

    def visitors_of_messages(self, shop: str, messages: Iterable[str]) -> dict[str, str]:
        """For whom these messages were made: visitor by delivery id."""
        columns = DELIVERIES.c
        query = select(columns.id, columns.visitor).where(columns.shop == shop, columns.id.in_(sorted(messages)))
        return {row.id: row.visitor for row in self.connection.execute(query)}

    def visitors_of_person(self, shop: str, person: str) -> list[LoadedVisitor]:
        return [loaded for loaded in self.visitors.values() if loaded.person == person and loaded.key.shop == shop]

    def new_person_id(self, shop: str, identities: list[tuple[str, str]]) -> str:
        return new_id("per")  # somebody who was erased and comes back is somebody new

    def suppressed_since(self, shop: str, address: str) -> Millis | None:
        query = select(SUPPRESSIONS.c.at).where(SUPPRESSIONS.c.shop == shop, SUPPRESSIONS.c.address == address)
        return self.connection.execute(query).scalar_one_or_none()

    # --- writing ------------------------------------------------------------------------------------------------------

    def add(self, table: str, row: Values) -> None:
        """Put a row on the list of what :meth:`flush` writes; rows that are there already stay as they are."""
        self._rows.setdefault(table, []).append(row)

    def add_decision(self, visitor: LoadedVisitor, decision: Decision, rule_set: str) -> None:
        row = {name: getattr(decision, name) for name in _DECISION_FIELDS}
        row |= {"shop": visitor.key.shop, "visitor": visitor.key.id, "person": visitor.person, "rule_set": rule_set}
        self.add("decisions", row | {"trace": decision.trace.decode()})

    def add_delivery(self, visitor: LoadedVisitor, planned: Planned) -> None:
        row = {name: getattr(planned, name) for name in _PLANNED_FIELDS}
        row |= {"shop": visitor.key.shop, "visitor": visitor.key.id, "person": visitor.person}
        row["state"] = first_state(planned.kind).value
        row |= {"attempt": 0, "lease_until": None, "result": "", "created_at": self.now, "updated_at": self.now}
        self.add("deliveries", row | {"body": planned.body.decode()})

    def lift_suppression(self, shop: str, address: str) -> None:
        self._later.append(updates.lift_suppression(shop, address))

    def change_audience(self, visitor: LoadedVisitor, name: str | None, *, add: bool) -> None:
        """Put the visitor on a list for advertising, or take them off it; None is every list they are on."""
        shop, who = visitor.key.shop, visitor.key.id
        if add:
            row = {"shop": shop, "name": name, "visitor": who, "person": visitor.person, "added_at": self.now}
            self.add("audiences", row)
            return
        self._later.append(updates.leave_audiences(shop, who, visitor.person, name))

    def who_waits(self, shop: str, names: Sequence[str], *, in_stock: bool) -> list[str]:
        return waiting.who_waits(self.connection, shop, names, in_stock=in_stock)

    def tell_waiting(self, shop: str, names: Sequence[str], *, in_stock: bool) -> None:
        self._later.append(waiting.told(shop, names, in_stock=in_stock))

    def note_waiting(self, visitor: LoadedVisitor, product: Product, since: Millis, *, in_stock: bool) -> None:
        """Remember that this visitor saw the product sold out, under each of its names."""
        line = waiting.line_of(product)
        for name in product.names:
            self.add("waiting", waiting.row(*visitor.key, name, since, in_stock, line))

    def cancel_deliveries(self, shop: str, reason: str, *, decision: str | None = None, **who: str | None) -> None:
        """Cancel what has not passed the fence: of one decision, or of a visitor and/or person (mail only)."""
        columns = DELIVERIES.c
        if decision is not None:
            self._cancel(shop, reason, columns.decision == decision)
        else:
            named = [columns[name] == value for name, value in who.items() if value is not None]
            self._cancel(shop, reason, and_(or_(*named), columns.kind == "email"))

    def cancel_cart_mails(self, shop: str, visitor: str, reason: str) -> None:
        """Cancel what has not passed the fence of the mails that are about this visitor's cart, also a stand-in's."""
        columns, decided = DELIVERIES.c, DECISIONS.c
        about_cart = exists().where(decided.shop == shop, decided.id == columns.decision, decided.cart.is_not(None))
        self._cancel(shop, reason, and_(columns.visitor == visitor, columns.kind == "email", about_cart))

    def cancel_mails_of(self, shop: str, rules: list[str], visitor: str, person: str | None, reason: str) -> None:
        """Cancel what has not passed the fence of these rules' mails to somebody."""
        columns = DELIVERIES.c
        who = or_(columns.visitor == visitor, columns.person == person) if person else columns.visitor == visitor
        self._cancel(shop, reason, and_(who, columns.kind == "email", columns.rule.in_(rules)))

    def _cancel(self, shop: str, reason: str, subject: ColumnElement[bool]) -> None:
        columns = DELIVERIES.c
        unsent = (DeliveryState.SCHEDULED, DeliveryState.CLAIMED, DeliveryState.OFFERED)
        waiting = columns.state.in_([state.value for state in unsent])
        cancelled = {"state": DeliveryState.CANCELLED.value, "result": reason, "updated_at": self.now}
        self.connection.execute(update(DELIVERIES).where(columns.shop == shop, subject, waiting).values(cancelled))

    def wake_visitors(self, shop: str, person: str) -> None:
        """Have the person's visitors that are not in this unit looked at as soon as possible.

        Their version moves on, so that whoever is evaluating one of them right now does it again with the news.
        """
        columns = VISITORS.c
        here = [key.id for key in self.visitors if key.shop == shop]
        others = and_(columns.shop == shop, columns.person == person, columns.id.not_in(here))
        fresh = {"due_at": self.now, "lease_until": None, "version": columns.version + 1}
        self.connection.execute(update(VISITORS).where(others).values(fresh))

    def touch_cart(self, shop: str, cart: str, shipping_shown: int | None) -> None:
        self._later.append(updates.touch_cart(shop, cart, shipping_shown, self.now))

    def close_cart(self, shop: str, cart: str, status: str) -> None:
        self._later.append(updates.close_cart(shop, cart, status, self.now))

    def keep_cart_as(self, shop: str, cart: str, name: str, shipping_shown: int | None) -> None:
        self._later.append(updates.keep_cart_as(shop, cart, name, shipping_shown, self.now))

    def correct_order(self, order: Values) -> None:
        self._later.extend(merges.correct_order(order))

    def give_to(self, shop: str, stand_in: str, visitor: str) -> None:
        self._later.extend(merges.give_to(shop, stand_in, visitor))

    def give_mails_to(self, shop: str, stand_in: str, visitor: str) -> None:
        self._later.append(merges.give_mails_to(shop, stand_in, visitor))

    def merge_people(self, shop: str, gone: str, stays: str) -> None:
        """Two turned out to be the same person, here, in what is stored, and in what is about to be."""
        self.people.pop((shop, gone), None)
        self.identities |= {key: stays for key, who in self.identities.items() if (key[0], who) == (shop, gone)}
        for visitor in self.visitors_of_person(shop, gone):
            visitor.person = stays
        self._rows = {name: merges.renamed(rows, shop, gone, stays) for name, rows in self._rows.items()}
        here = [key.id for key in self.visitors if key.shop == shop]
        self._later.extend(merges.merge_people(shop, gone, stays, here, self.now, self.dialect))

    def report_delivery(
        self, shop: str, visitor: str, delivery: str, state: DeliveryState, before: tuple[DeliveryState, ...]
    ) -> None:
        self._later.append(updates.report_delivery(shop, visitor, delivery, state, before, self.now))

    def flush(self) -> None:
        """Write everything; raises Conflict when another process was first."""
        self._hot.write("events", self._rows.pop("events", []))
        self._hot.write("carts", _last_of_each(self._rows.pop("carts", [])))
        for name, (table, how) in _WRITES.items():
            rows = self._rows.get(name)
            if rows:
                self.connection.execute(self._writing(table, how), rows)
        for update_statement in self._later:
            self.connection.execute(update_statement)
        self._write_visitors()
        self._write_versioned(PEOPLE, [(key, item) for key, item in self.people.items()], ("shop", "id"))
        self._write_versioned(HOUSES, [((key,), item) for key, item in self.houses.items()], ("shop",))

    def _writing(self, table: Table, how: str) -> Insert:
        if how == "insert":
            return table.insert()
        return upsert(table, self.dialect, False) if how == "upsert" else insert_ignoring(table, self.dialect)

    def _write_visitors(self) -> None:
        rows = [self._visitor_row(visitor) for visitor in self.visitors.values()]
        if self._hot.write("visitors", rows) != len(rows):
            raise Conflict

    def _visitor_row(self, visitor: LoadedVisitor) -> Values:
        # A visitor whose evaluation failed keeps the state it had; its events are stored and marked.
        keep = visitor.fault is not None and visitor.stored is not None
        return {
            "shop": visitor.key.shop,
            "id": visitor.key.id,
            "version": visitor.version + 1,
            "state": visitor.stored if keep else _encode(visitor.state if visitor.fault is None else Visitor()),
            "seen_at": visitor.state.seen_at or self.now,
            "due_at": visitor.due_at,
            "lease_until": None,
            "person": visitor.person,
            "fault": visitor.fault,
        }

    def _write_versioned(
        self, table: Table, items: list[tuple[tuple[str, ...], Loaded[Any]]], keys: tuple[str, ...]
    ) -> None:
        rows = [
            dict(zip(keys, key, strict=True)) | {"version": item.version + 1, "state": _encode(item.state)}
            for key, item in items
            if item.changed
        ]
        if not rows:
            return
        if "updated_at" in table.c:
            rows = [row | {"updated_at": self.now} for row in rows]
        if self.connection.execute(upsert(table, self.dialect, True), rows).rowcount != len(rows):
            raise Conflict


def _last_of_each(rows: list[Values]) -> list[Values]:
    """One statement can write a row once only."""
    return list({(row["shop"], row["id"]): row for row in rows}.values())


_DECISION_FIELDS = ("id", "rule", "rule_hash", "occasion", "at", "outcome", "guard", "detail", "cart", "variant")
_PLANNED_FIELDS = ("id", "decision", "rule", "step", "kind", "due_at", "expires_at", "once")
_WRITES: dict[str, tuple[Table, str]] = {
    "identities": (IDENTITIES, "insert"),  # two at once: the second looks again and finds the first one's person
    "receipts": (RECEIPTS, "insert"),  # the same: the second of two finds that it was taken in
    "aliases": (ALIASES, "upsert"),
    "orders": (ORDERS, "ignore"),
    "consents": (CONSENTS, "ignore"),
    "decisions": (DECISIONS, "ignore"),
    "deliveries": (DELIVERIES, "ignore"),
    "outcomes": (OUTCOMES, "ignore"),
    "audiences": (AUDIENCES, "ignore"),
    "waiting": (waiting.WAITING, "upsert"),
    "rechecks": (RECHECKS, "ignore"),
    "links": (LINKS, "ignore"),
}
