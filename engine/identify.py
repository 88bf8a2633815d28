"""Linking visitors to people, inside one transaction: who is this, may they be mailed, what did they buy elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection

from engine import ids
from engine.clock import Millis
from engine.events import Consent, Event
from engine.people import (
    MAX_DEVICES,
    MAX_FORMER_IDS,
    Basis,
    Device,
    Person,
    Profile,
    bring,
    join,
    merge,
    merge_accounts,
    noted,
)
from engine.store.books import Books
from engine.store.unit import Loaded, LoadedVisitor
from engine.visitors import ABOUT_ORDERS, MAX_CONTACTS, Visitor, end_elsewhere, learn, remember_order

_IDENTIFYING = frozenset(["contact_given", "identified", "order_placed", "consent_changed"])
_ADDRESS = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
MAX_ORDERED_CARTS = 10


def hash_of(shop: str, value: str) -> str:
    """By what an address or a customer number is looked up: a hash that is different in every shop."""
    return ids.identity_hash(shop, value)


def names_in(event: Event) -> list[tuple[str, str]]:
    """The (kind, value) pairs by which the event names a person: their e-mail address, their customer number."""
    if event.type not in _IDENTIFYING:
        return []
    order = event.order
    email = (event.email or (order.email if order else None) or "").strip()
    customer = event.customer_id or (order.customer_id if order else None)
    # What is no address ("-", "none") would make one person of everybody who typed it.
    pairs = [("email", email)] if _ADDRESS.fullmatch(email) else []
    # A number typed into a browser proves nothing; only the shop's server may say who a customer is.
    if customer and event.trusted:
        pairs.append(("customer", customer))
    return pairs


def identities_of(shop: str, event: Event) -> list[tuple[str, str]]:
    """The same as (kind, hash) pairs, as they are stored."""
    return [(kind, hash_of(shop, value)) for kind, value in [*names_in(event), *_former_name(event)]]


def _former_name(event: Event) -> list[tuple[str, str]]:
    """The number of an account that went up in the one that the event names; only the shop's server may say so."""
    told = event.type in _IDENTIFYING and event.trusted and event.formerly and event.customer_id
    return [("customer", event.formerly)] if told and event.formerly != event.customer_id else []


def person_of(unit: Books, visitor: LoadedVisitor) -> Loaded[Person] | None:
    """Whose browser this is, as far as that is known."""
    return unit.people.get((visitor.key.shop, visitor.person)) if visitor.person else None


def link(unit: Books, visitor: LoadedVisitor, event: Event) -> bool:
    """Link the visitor to the person whom the event names, and note what it says about them.

    Returns whether that person has heard of the event's order before.
    """
    named = names_in(event)
    if named:
        person = _find_or_make(unit, visitor, named)
        if event.trusted:
            _unite(unit, visitor.key.shop, person, named)
            _take_over(unit, visitor.key.shop, person, event)
        _attach(unit, visitor, person, named, event)
        visitor.state.vouched |= event.trusted
    loaded = person_of(unit, visitor)
    knew = loaded is not None and event.order is not None and event.order.id in loaded.state.order_ids
    if loaded is not None and event.type in _IDENTIFYING:
        _learn(unit, visitor, loaded, event)
    if loaded is not None and event.trusted and event.type == "reminder_sent":
        loaded.state.reminded_at = max(loaded.state.reminded_at or 0, event.at)
        loaded.changed = True
    if loaded is not None and event.type in ABOUT_ORDERS:
        loaded.state.bought = remember_order(loaded.state.bought, event)
        loaded.changed = True
    return knew


def allows_mail(person: Loaded[Person] | None, event: Event) -> bool:
    """Whether it is by this event that the person may be mailed."""
    if person is None or event.consent is None or not event.consent.email:
        return False
    return person.state.basis is not None and person.state.basis.at == event.at


def _find_or_make(unit: Books, visitor: LoadedVisitor, named: list[tuple[str, str]]) -> Loaded[Person]:
    shop = visitor.key.shop
    for kind, value in named:
        known = unit.identities.get((shop, kind, hash_of(shop, value)))
        if known is not None and (shop, known) in unit.people:
            return unit.people[shop, known]
    present = unit.people.get((shop, visitor.person)) if visitor.person else None
    # Somebody known by number only, who now tells an address, is still the same person; who has another number is not.
    if present is not None and not _is_another(present.state, dict(named)):
        return present
    hashed = [(kind, hash_of(shop, value)) for kind, value in named]
    person = Loaded(0, Person(id=unit.new_person_id(shop, hashed), lot=visitor.key.id), changed=True)
    unit.people[shop, person.state.id] = person
    return person


def _unite(unit: Books, shop: str, person: Loaded[Person], named: list[tuple[str, str]]) -> None:
    """Somebody known by number alone, and whose number the shop now says it is, were the same person all along."""
    for kind, value in named:
        other = unit.people.get((shop, unit.identities.get((shop, kind, hash_of(shop, value)), "")))
        if other is not None and other is not person and not other.state.email:
            merge(person.state, other.state)
            person.changed = True
            unit.merge_people(shop, other.state.id, person.state.id)


def _take_over(unit: Books, shop: str, person: Loaded[Person], event: Event) -> None:
    """The shop made one of two accounts: whoever had the other one is this person, and goes by this number now."""
    for kind, number in _former_name(event):
        key, state = (shop, kind, hash_of(shop, number)), person.state
        other = unit.people.get((shop, unit.identities.get(key, "")))
        if other is not None and other is not person:
            merge_accounts(state, other.state)
            unit.merge_people(shop, other.state.id, state.id)
        elif other is None:
            _remember(unit, key, state)
        state.customer_id = event.customer_id or ""
        state.former_ids = [*(known for known in state.former_ids if known != number), number][-MAX_FORMER_IDS:]
        person.changed = True


def _remember(unit: Books, key: tuple[str, str, str], person: Person) -> None:
    """From now on this name is theirs."""
    shop, kind, value = key
    unit.identities[key] = person.id
    unit.add("identities", {"shop": shop, "kind": kind, "value": value, "person": person.id})


def _is_another(present: Person, named: dict[str, str]) -> bool:
    return bool(present.email and named.get("email")) or bool(present.customer_id and named.get("customer"))


def _attach(
    unit: Books, visitor: LoadedVisitor, person: Loaded[Person], named: list[tuple[str, str]], event: Event
) -> None:
    shop, state = visitor.key.shop, person.state
    for kind, value in named:
        key = (shop, kind, hash_of(shop, value))
        if key not in unit.identities:
            _remember(unit, key, state)
            person.changed = True
        if kind == "email" and not state.email:
            state.email = value.strip()
            state.unsubscribed_at = unit.suppressed_since(shop, key[2])
        if kind == "customer" and not state.customer_id:
            state.customer_id = value
    if visitor.person != state.id:
        if visitor.person is not None:
            # Somebody else sits there now: what is known of the one before stays theirs.
            bring(visitor.state, Profile())
            learn(visitor.state, event)
        _seat(unit, visitor, person)


def _seat(unit: Books, visitor: LoadedVisitor, person: Loaded[Person]) -> None:
    """This is the person's browser from now on."""
    state = person.state
    unit.add("links", {"shop": visitor.key.shop, "visitor": visitor.key.id, "person": state.id, "at": unit.now})
    join(visitor.state, state.profile or Profile())
    visitor.person, visitor.state.vouched = state.id, False
    # One budget over all devices: what this browser had counts for the person from now on.
    merged = sorted([*state.contacts, *visitor.state.contacts], key=lambda contact: contact.at)
    state.contacts = merged[-MAX_CONTACTS:]
    visitor.state.contacts = []
    state.devices = [*state.devices, Device(unit.now, visitor.state.device)][-MAX_DEVICES:]
    person.changed = True


def pass_on(unit: Books, stand_in: LoadedVisitor, visitor: LoadedVisitor) -> None:
    """Whose cart a stand-in held is who sits at the browser that it stood in for, unless somebody else is known to."""
    if stand_in.person is None or visitor.person is not None:
        return
    unit.load_people(visitor.key.shop, [stand_in.person])
    person = person_of(unit, stand_in)
    if person is not None:
        _seat(unit, visitor, person)


def _learn(unit: Books, visitor: LoadedVisitor, loaded: Loaded[Person], event: Event) -> None:
    person = loaded.state
    loaded.changed = True
    person.name = person.name if person.name and not event.trusted else (event.name or person.name)[:100]
    person.language = (event.language or visitor.state.language or person.language)[:12]
    person.country = (event.country or person.country)[:2].upper()
    if event.consent is not None:
        _prove(unit, visitor, person, event, event.consent)
        if event.consent.email is not None:
            _learn_consent(unit, visitor, person, event)
    if event.type == "order_placed" and event.order is not None:
        _count_order(person, event.order.id, event.at)
        closed = visitor.state.closed
        carts = [event.order.cart_id, *(closed.names if closed and closed.order == event.order.id else ())]
        fresh = [cart for cart in carts if cart and cart not in person.ordered_carts]
        person.ordered_carts = [*person.ordered_carts, *dict.fromkeys(fresh)][-MAX_ORDERED_CARTS:]


def _prove(unit: Books, visitor: LoadedVisitor, person: Person, event: Event, consent: Consent) -> None:
    """Keep who allowed or withdrew which way to reach them, in which words."""
    ways = {"email": consent.email, "sms": consent.sms, "whatsapp": consent.whatsapp}
    row = {
        "shop": visitor.key.shop,
        "event": event.id,
        "person": person.id,
        "visitor": visitor.key.id,
        "text": consent.text[:2000],
        "source": consent.source[:200],
        "trusted": event.trusted,
        "at": event.at,
    }
    for kind, granted in ways.items():
        if granted is not None:
            unit.add("consents", row | {"kind": kind, "granted": granted})


def _count_order(person: Person, order: str, at: Millis) -> None:
    """A page that thanks may be opened again next week: the order was placed when it was first told."""
    known = next((bought.at for bought in person.bought if bought.id == order), None)
    if order not in person.order_ids:
        person.orders += 1
        person.order_ids = [*person.order_ids, order][-MAX_ORDERED_CARTS:]
        person.ordered_at = max(person.ordered_at or 0, at)
    elif known is not None and person.ordered_at == known:
        person.ordered_at = min(known, at)


def _learn_consent(unit: Books, visitor: LoadedVisitor, person: Person, event: Event) -> None:
    consent = event.consent
    assert consent is not None
    granted = bool(consent.email)
    if not granted:
        if person.basis is None or person.basis.at <= event.at:
            person.basis = None
        person.withdrawn_at = max(person.withdrawn_at or 0, event.at)
        return
    # Of a yes and a no of the same moment the no stands: platforms tell whole seconds, and some only a customer's last.
    later = person.withdrawn_at is None or event.at > person.withdrawn_at
    if later:
        _write_to(unit, visitor.key.shop, person, event)
    _come_back(unit, visitor, person, event)
    if later and (person.basis is None or event.trusted):
        person.basis = Basis("consent", event.at, consent.source[:200], consent.text[:500], event.trusted)


def _write_to(unit: Books, shop: str, person: Person, event: Event) -> None:
    """A yes and its address belong together: who says yes later with another address is written to there.

    It must be the shop's server that says whose address it is.
    """
    email = dict(names_in(event)).get("email", person.email)
    since = person.basis.at if person.basis is not None else 0
    if event.trusted and event.at > since and hash_of(shop, email) != hash_of(shop, person.email):
        person.email, person.bounced_at = email, None
        person.unsubscribed_at = person.unsubscribed_at or unit.suppressed_since(shop, hash_of(shop, email))


def _come_back(unit: Books, visitor: LoadedVisitor, person: Person, event: Event) -> None:
    """Whoever unsubscribed stays so, until they say in so many words that they want mail again, later than that.

    It must be the shop's server that says so, or a browser for which it vouched: anybody may type anybody's address.
    """
    said_so = event.consent is not None and event.consent.text and (event.trusted or visitor.state.vouched)
    if person.unsubscribed_at is not None and said_so and event.at > person.unsubscribed_at:
        person.unsubscribed_at, person.basis = None, None
        unit.lift_suppression(visitor.key.shop, hash_of(visitor.key.shop, person.email))


def share(visitor: Visitor, person: Person) -> None:
    """Bring here what is known of the person from their other devices."""
    share_profile(visitor, person)
    _share_orders(visitor, person)


def share_profile(visitor: Visitor, person: Person) -> None:
    if person.profile is not None:
        bring(visitor, person.profile)


def note(visitor: LoadedVisitor, loaded: Loaded[Person], watches: Collection[str], *, trusted: bool = False) -> None:
    """Note with the person what happened to this visitor and belongs to them."""
    before = loaded.state.profile
    after = noted(visitor.state, before or Profile(), watches, vouched=trusted or visitor.state.vouched)
    if after != (before or Profile()):
        loaded.state.profile, loaded.changed = after, True


def _share_orders(visitor: Visitor, person: Person) -> None:
    """What the person ordered on another device closes the same cart here."""
    basket = visitor.basket
    if basket is None:
        return
    ordered_since = person.ordered_at is not None and person.ordered_at >= basket.progressed_at
    if basket.id in person.ordered_carts or ordered_since:
        at = person.ordered_at or basket.progressed_at
        end_elsewhere(visitor, at, next((bought.id for bought in person.bought if bought.at == at), ""))
