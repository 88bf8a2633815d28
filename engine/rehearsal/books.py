"""The books of a shop that exists in memory only; see :class:`engine.store.books.Books`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from engine import ids
from engine.clock import Millis
from engine.decisions import Decision, Planned
from engine.events import Product
from engine.messages import DeliveryState
from engine.people import Person
from engine.rules.facts import House
from engine.store.statements import Values
from engine.store.stream import Suppression
from engine.store.unit import Loaded, LoadedVisitor, VisitorKey
from engine.visitors import Visitor

Suppressed = dict[str, tuple[str, Millis]]
"""By the hash of an address, why and since when it is never mailed."""


class Delivery(NamedTuple):
    visitor: str
    planned: Planned


class _Visitors(dict[VisitorKey, LoadedVisitor]):
    """Whoever is asked for is there, though perhaps never seen yet. The idle are packed as SQL stores them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._packed: dict[VisitorKey, tuple[bytes, str | None, Millis | None]] = {}

    def __missing__(self, key: VisitorKey) -> LoadedVisitor:
        packed = self._packed.pop(key, None)
        if packed is None:
            loaded = LoadedVisitor(key, 1, Visitor(), None)
        else:
            state, person, due_at = packed
            loaded = LoadedVisitor(key, 1, _decoder.decode(state), None, person, due_at)
        self[key] = loaded
        if len(self) > self._most:
            self._pack(keep=key)
        return loaded

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._packed

    def get(self, key: VisitorKey, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        """Whoever was seen before, packed or not."""
        if key not in self:
            return default
        return self[key]

    def _pack(self, keep: VisitorKey) -> None:
        """Put half of them away, those seen longest ago first."""
        by_age = sorted(self.values(), key=lambda loaded: loaded.state.seen_at)
        for loaded in by_age[: self._most // 2]:
            if loaded.key != keep and loaded.fault is None:
                self._packed[loaded.key] = (_encoder.encode(loaded.state), loaded.person, loaded.due_at)
                del self[loaded.key]


_decoder = msgspec.msgpack.Decoder(Visitor)
_encoder = msgspec.msgpack.Encoder()


class MemoryBooks:
    """``person_id`` names a person by their (kind, hash) identities; ``suppressed`` addresses are never mailed."""

    def __init__(
        self,
        now: Millis,
        *,
        person_id: Callable[[str, list[tuple[str, str]]], str] | None = None,
        suppressed: Suppressed | None = None,
        most_visitors: int = 1_000_000,
    ) -> None:
        self.now = now
        self.visitors: dict[VisitorKey, LoadedVisitor] = _Visitors(most_visitors)
        self.people: dict[tuple[str, str], Loaded[Person]] = {}
        self.identities: dict[tuple[str, str, str], str] = {}
        self.houses: dict[str, Loaded[House]] = {}
        self.suppressed = suppressed or {}
        self.of_person: dict[tuple[str, str], set[VisitorKey]] = {}
        self.owners: dict[tuple[str, str], str] = {}
        """Whose cart it is, by shop and cart."""
        self.waiting: dict[tuple[str, str], dict[str, bool]] = {}
        """Who saw a product sold out, by shop and name of the product, and what they were told last."""
        self.decisions: list[tuple[str, Decision]] = []
        """What was decided since somebody last looked, with its visitor."""
        self.deliveries: list[Delivery] = []
        self._person_id = person_id or _derived_person

    # --- everything is at hand, so there is nothing to load -----------------------------------------------------------

    def load_visitors(self, shop: str, ids: Iterable[str]) -> None: ...
    def load_people(self, shop: str, ids: Iterable[str]) -> None: ...
    def load_identities(self, shop: str, wanted: Iterable[tuple[str, str]]) -> None: ...

    def load_house(self, shop: str) -> House:
        return self.houses.setdefault(shop, Loaded(0, House())).state

    def known_events(self, shop: str, ids_by_visitor: dict[str, set[str]]) -> set[tuple[str, str]]:
        return set()

    def visitors_of_carts(self, shop: str, carts: Iterable[str]) -> dict[str, str]:
        return {cart: self.owners[shop, cart] for cart in carts if (shop, cart) in self.owners}

    def visitors_of_messages(self, shop: str, messages: Iterable[str]) -> dict[str, str]:
        del shop
        wanted = set(messages)
        return {each.planned.id: each.visitor for each in self.deliveries if each.planned.id in wanted}

    def visitors_of_person(self, shop: str, person: str) -> list[LoadedVisitor]:
        loaded = (self.visitors[key] for key in sorted(self.of_person.get((shop, person), ())))
        return [visitor for visitor in loaded if visitor.person == person]

    def suppressed_since(self, shop: str, address: str) -> Millis | None:
        known = self.suppressed.get(address)
        return known[1] if known is not None and known[1] <= self.now else None

    def lift_suppression(self, shop: str, address: str) -> None:
        self.suppressed = {name: known for name, known in self.suppressed.items() if name != address}

    def suppress(self, shop: str, found: Suppression) -> None:
        """Whoever has this address is not mailed from now on."""
        person = self.people.get((shop, self.identities.get((shop, "email", found.address), "")))
        if person is None:
            return
        if found.reason == "bounced":
            person.state.bounced_at = person.state.bounced_at or found.at
        else:
            person.state.unsubscribed_at = person.state.unsubscribed_at or found.at

    def new_person_id(self, shop: str, identities: list[tuple[str, str]]) -> str:
        return self._person_id(shop, identities)

    def who_waits(self, shop: str, names: Sequence[str], *, in_stock: bool) -> list[str]:
        waiting = (self.waiting.get((shop, name), {}) for name in names)
        return list(dict.fromkeys(who for known in waiting for who, told in known.items() if told != in_stock))

    # --- what is written ----------------------------------------------------------------------------------------------

    def note_person(self, visitor: LoadedVisitor) -> None:
        """Remember whose browser this is now."""
        if visitor.person:
            self.of_person.setdefault((visitor.key.shop, visitor.person), set()).add(visitor.key)

    def give_to(self, shop: str, stand_in: str, visitor: str) -> None:
        """The carts of a stand-in are the visitor's."""
        theirs = [key for key, who in self.owners.items() if (key[0], who) == (shop, stand_in)]
        self.owners.update(dict.fromkeys(theirs, visitor))

    def merge_people(self, shop: str, gone: str, stays: str) -> None:
        """Two turned out to be the same person."""
        self.people.pop((shop, gone), None)
        self.identities.update({key: stays for key, who in self.identities.items() if (key[0], who) == (shop, gone)})
        for visitor in self.visitors_of_person(shop, gone):
            visitor.person = stays
            self.note_person(visitor)

    def tell_waiting(self, shop: str, names: Sequence[str], *, in_stock: bool) -> None:
        for name in names:
            self.waiting[shop, name] = dict.fromkeys(self.waiting.get((shop, name), ()), in_stock)

    def note_waiting(self, visitor: LoadedVisitor, product: Product, since: Millis, *, in_stock: bool) -> None:
        for name in product.names:
            self.waiting.setdefault((visitor.key.shop, name), {})[visitor.key.id] = in_stock

    def add_decision(self, visitor: LoadedVisitor, decision: Decision, rule_set: str) -> None:
        self.decisions.append((visitor.key.id, decision))

    def add_delivery(self, visitor: LoadedVisitor, planned: Planned) -> None:
        self.deliveries.append(Delivery(visitor.key.id, planned))

    # What only the database's own tables are for:

    def add(self, table: str, row: Values) -> None: ...
    def change_audience(self, visitor: LoadedVisitor, name: str | None, *, add: bool) -> None: ...
    def cancel_deliveries(self, shop: str, reason: str, *, decision: str | None = None, **who: str | None) -> None: ...
    def cancel_cart_mails(self, shop: str, visitor: str, reason: str) -> None: ...
    def cancel_mails_of(self, shop: str, rules: list[str], visitor: str, person: str | None, reason: str) -> None: ...
    def give_mails_to(self, shop: str, stand_in: str, visitor: str) -> None: ...
    def wake_visitors(self, shop: str, person: str) -> None: ...
    def touch_cart(self, shop: str, cart: str, shipping_shown: int | None) -> None: ...
    def close_cart(self, shop: str, cart: str, status: str) -> None: ...
    def keep_cart_as(self, shop: str, cart: str, name: str, shipping_shown: int | None) -> None: ...
    def correct_order(self, order: Values) -> None: ...
    def report_delivery(
        self, shop: str, visitor: str, delivery: str, state: DeliveryState, before: tuple[DeliveryState, ...]
    ) -> None: ...


def _derived_person(shop: str, identities: list[tuple[str, str]]) -> str:
    kind, value = identities[0]
    return ids.derived_id("per", shop, kind, value)
