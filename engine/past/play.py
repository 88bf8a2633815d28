"""A visitor's past, played again up to a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine

from engine import ids
from engine.clock import Millis
from engine.events import Event
from engine.explain import Row, VisitorView, history_of, view_visitor
from engine.ids import stand_in_of
from engine.past.others import OtherInvitations
from engine.past.rules import PastRules
from engine.pipeline import ShopRules
from engine.rehearsal.books import MemoryBooks
from engine.rehearsal.house import Rehearsal
from engine.rehearsal.stored import read_stored
from engine.rules.facts import Facts, House
from engine.said import Said, all_of, say, say_count
from engine.store import aliases, looks, stream
from engine.store.database import reading
from engine.store.stream import Recheck, StoredEvent
from engine.store.unit import LoadedVisitor, VisitorKey
from engine.visitors import Visitor

HOUSE = ""
"""Whose events are about the shop itself."""


def why_then(engine: Engine, shop: ShopRules, visitor_id: str, at: Millis) -> VisitorView | None:
    """Everything about one visitor at that moment, or None when nothing is known of them up to then.

    ``shop`` are the rules of now. Raises StoreError.
    """
    with reading(engine) as connection:
        decided = looks.decisions(connection, shop.id, visitor_id, until=at)
        notes = looks.notes(connection, shop.id, visitor_id, until=at)
        past = Past(connection, shop, visitor_id, at)
        if past.is_known:
            return past.view(decided, notes)
    if not decided:
        return None
    gone = say("what %(visitor)s did up to then is not stored any more, only what was decided", visitor=visitor_id)
    return VisitorView(visitor_id, shop.id, at, None, False, None, [], history_of(decided), notes, True, [gone])


class Told(NamedTuple):
    """A stored event and what it says; None where this version cannot read it."""

    stored: StoredEvent
    event: Event | None


@dataclass
class Moment:
    """What was committed in one moment: events, and looks that timers brought."""

    told: list[Told] = field(default_factory=list)
    rechecks: list[Recheck] = field(default_factory=list)


class _Books(MemoryBooks):
    """Another device of a person is looked at when it was looked at: that is stored, and nothing to be worked out."""

    def visitors_of_person(self, shop: str, person: str) -> list[LoadedVisitor]:
        return []

    def wake_visitors(self, shop: str, person: str) -> None:
        for visitor in super().visitors_of_person(shop, person):
            visitor.due_at = self.now


class Past:
    """One visitor's past up to ``at``, with everybody whose events may have touched them."""

    def __init__(self, connection: Connection, shop: ShopRules, visitor_id: str, at: Millis) -> None:
        self._connection = connection
        self._shop = shop
        self._key = VisitorKey(shop.id, visitor_id)
        self._at = at
        self._devices = looks.kin(connection, shop.id, visitor_id)
        self._kin = list(self._devices)
        self._told = self._read(self._kin)
        events = [told.event for told in self._told if told.event is not None]
        carts = {event.cart.id for event in events if event.cart and event.cart.id}
        refs = {ref for event in events for ref in event.refs}
        named = {alias.visitor for alias in aliases.find(connection, shop.id, refs).values()}
        stand_ins = {stand_in_of(shop.id, ref) for ref in refs}
        buyers = looks.buyers_of(connection, shop.id, carts)
        self._bring_in(named | stand_ins | buyers | looks.clickers_of(connection, shop.id, visitor_id))
        self._decided = looks.everything_decided(connection, shop.id, self._kin, at)
        self._rules = PastRules(connection, shop, self._decided)
        self._suppressed = stream.suppressions(connection, shop.id)
        known = {found.address: (found.reason, found.at) for found in self._suppressed}
        self._goodbyes = looks.goodbyes(connection, shop.id, self._kin, at)
        self._books = _Books(0, person_id=self._person_id, suppressed=known)
        owners = looks.owners_of(connection, shop.id, carts)
        strangers = {(shop.id, cart): owner for cart, owner in owners.items() if owner not in self._kin}
        self._books.owners.update(strangers)
        self._house = Rehearsal(shop, self._books)

    @property
    def is_known(self) -> bool:
        """Whether anything is stored that the visitor did up to that moment."""
        return any(told.stored[0] == self._key.id for told in self._told)

    def view(self, decided: list[Row], notes: list[Row]) -> VisitorView:
        """What every rule said at that moment."""
        self._play()
        rules = self._rules.live_at(self._at).rules
        visitor = self._books.visitors[self._key]
        person = self._books.people.get((self._shop.id, visitor.person or ""))
        known = person.state if person else None
        facts = Facts(rules.shop, self._key.id, visitor.state, self._at, known, self._house_then())
        view = view_visitor(rules, facts, visitor.due_at, decided, notes)
        return msgspec.structs.replace(view, past=True, unknown=self._unknown())

    def _bring_in(self, others: set[str]) -> None:
        """Whoever held one of the visitor's carts in their stead, or ordered it under another name."""
        new = sorted(others - {*self._kin})
        self._kin += new
        self._told += self._read(new)

    # --- what is stored -----------------------------------------------------------------------------------------------

    def _read(self, visitors: list[str], since: Millis = 0) -> list[Told]:
        return [self._as_told(each) for each in self._stored(visitors, since)]

    def _stored(self, visitors: list[str], since: Millis) -> list[StoredEvent]:
        return stream.events_of(self._connection, self._shop.id, visitors, self._at, since)

    def _as_told(self, stored: StoredEvent) -> Told:
        return Told(stored, read_stored(stored, self._shop.rules.shop.currency))

    def _about_the_house(self) -> list[Told]:
        """How many agents there were: as it stood when the visitor came, and every change since."""
        before = stream.house_events_before(self._connection, self._shop.id, self._since)
        return [*map(self._as_told, before), *self._read([HOUSE], self._since)]

    @property
    def _since(self) -> Millis:
        return min(told.stored[4] for told in self._told)

    def _moments(self) -> list[tuple[Millis, Moment]]:
        moments: dict[Millis, Moment] = {}
        for told in (*self._of_house, *self._told):
            moments.setdefault(told.stored[4], Moment()).told.append(told)
        for recheck in stream.rechecks_of(self._connection, self._shop.id, self._kin, self._at):
            moments.setdefault(recheck.at, Moment()).rechecks.append(recheck)
        return sorted(moments.items(), key=lambda entry: entry[0])

    def _person_id(self, shop: str, identities: list[tuple[str, str]]) -> str:
        known = stream.person_of(self._connection, shop, identities)
        return known or ids.derived_id("per", shop, *identities[0])

    # --- the play -----------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        self._of_house = self._about_the_house()
        house = self._books.load_house(self._shop.id)
        others = self._others()
        for at, moment in self._moments():
            self._suppress(at)
            others.pass_time(house, at)
            self._house.shop = self._rules.asked_at(at)
            house.rule_set = self._rules.hash_at(at)
            self._take(at, moment)
        self._suppress(self._at)
        others.pass_time(house, self._at)

    def _others(self) -> OtherInvitations:
        counted = any(
            told.event and told.event.agents and told.event.agents.free is not None for told in self._of_house
        )
        # Where nobody counts who is free, no invitation takes anybody away.
        until = self._at if counted else 0
        return OtherInvitations(self._connection, self._shop.id, self._kin, self._since, until)

    def _take(self, at: Millis, moment: Moment) -> None:
        before = {key: msgspec.msgpack.encode(visitor.state) for key, visitor in self._books.visitors.items()}
        events = [told.event for told in moment.told if told.event is not None]
        if events:
            self._house.take(sorted(events, key=lambda event: (event.at, event.seq)), at)
        for recheck in moment.rechecks:
            key = VisitorKey(self._shop.id, recheck.visitor)
            self._books.visitors[key].due_at = recheck.due_at
            self._house.look_at([key], at)
        for key, visitor in self._books.visitors.items():
            if visitor.fault is not None:
                # As it was then: who breaks something keeps the state they had, and is tried again.
                visitor.fault = None
                visitor.state = msgspec.msgpack.decode(before[key], type=Visitor) if key in before else Visitor()

    def _suppress(self, until: Millis) -> None:
        while self._suppressed and self._suppressed[0].at <= until:
            self._books.suppress(self._shop.id, self._suppressed.pop(0))
        while self._goodbyes and self._goodbyes[0].at <= until:
            said = self._goodbyes.pop(0)
            person = self._books.people.get((self._shop.id, said.person))
            if person is not None:
                person.state.unsubscribed_at = person.state.unsubscribed_at or said.at

    def _house_then(self) -> House:
        """The agents of that moment; who was told of before any event that is still stored is known by today's row."""
        then = self._books.load_house(self._shop.id)
        today = looks.house(self._connection, self._shop.id)
        for department, presence in today.agents.items():
            if presence.at <= self._at:
                then.agents.setdefault(department, presence)
        return then

    # --- what cannot be told ------------------------------------------------------------------------------------------

    def _unknown(self) -> list[Said]:
        found = [self._rules.missing_at(self._at), self._unread(), self._forgotten(), self._absent(), self._differing()]
        return [sentence for sentence in found if sentence is not None]

    def _unread(self) -> Said | None:
        count = sum(told.event is None for told in self._told)
        if not count:
            return None
        return say_count(
            "1 stored event cannot be read by this version and is left out",
            "%(count)s stored events cannot be read by this version and are left out",
            count=count,
        )

    def _forgotten(self) -> Said | None:
        gone = {*self._devices} - looks.still_there(self._connection, self._shop.id, self._devices)
        if not gone:
            return None
        return say("what this person did as %(visitors)s is not stored any more", visitors=all_of(sorted(gone)))

    def _absent(self) -> Said | None:
        today = looks.house(self._connection, self._shop.id)
        if today.agents.keys() <= self._books.load_house(self._shop.id).agents.keys():
            return None
        return say("how many agents were there was not told by then, or is not stored any more")

    def _differing(self) -> Said | None:
        """A decision that was taken and does not follow from what is stored, or the other way round."""
        made = {decision.id for visitor, decision in self._books.decisions if visitor == self._key.id}
        taken = {each.id for each in self._decided if each.visitor == self._key.id}
        if made == taken:
            return None
        return say(
            "what is stored leads to other decisions than were taken (%(missing)s fewer, %(more)s more); those told "
            "here were taken",
            missing=len(taken - made),
            more=len(made - taken),
        )
