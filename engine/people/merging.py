"""Two turn out to be the same person: what is known of either is known of the one who stays."""

from __future__ import annotations

from engine.people.person import MAX_DEVICES, MAX_FORMER_IDS, Basis, Person
from engine.people.profile import Profile, bring, join, noted
from engine.visitors import MAX_CONTACTS, MAX_ORDERS, Visitor, join_orders


def merge(stays: Person, gone: Person) -> None:
    """Add to ``stays`` what only ``gone`` has; where both say something, what ``stays`` says."""
    stays.customer_id = stays.customer_id or gone.customer_id
    stays.name, stays.language = stays.name or gone.name, stays.language or gone.language
    stays.country = stays.country or gone.country
    stays.withdrawn_at = _later(stays.withdrawn_at, gone.withdrawn_at)
    stays.reminded_at = _later(stays.reminded_at, gone.reminded_at)
    stays.basis = _basis(stays, gone)
    stays.under_way = gone.under_way | stays.under_way
    _merge_orders(stays, gone)
    stays.contacts = sorted([*stays.contacts, *gone.contacts], key=lambda contact: contact.at)[-MAX_CONTACTS:]
    stays.devices = sorted([*stays.devices, *gone.devices], key=lambda device: device.at)[-MAX_DEVICES:]
    stays.profile = _profile(stays.profile, gone.profile)


def merge_accounts(stays: Person, gone: Person) -> None:
    """The same where the shop made one of two accounts, each of which may have an address of its own.

    A yes was given for one address; a no is the person's, whatever address they said it with.
    """
    if not stays.email:
        stays.email, stays.unsubscribed_at, stays.bounced_at = gone.email, gone.unsubscribed_at, gone.bounced_at
    elif gone.email:
        gone.basis, gone.withdrawn_at = None, _later(gone.withdrawn_at, gone.unsubscribed_at)
    merge(stays, gone)
    stays.former_ids = [*dict.fromkeys([*stays.former_ids, *gone.former_ids])][-MAX_FORMER_IDS:]


def _later(one: int | None, other: int | None) -> int | None:
    return max(one or 0, other or 0) or None


def _basis(stays: Person, gone: Person) -> Basis | None:
    """The latest word counts; a yes that is older than a no counts no more."""
    told = [basis for basis in (stays.basis, gone.basis) if basis and basis.at >= (stays.withdrawn_at or 0)]
    return max(told, key=lambda basis: basis.at, default=None)


def _merge_orders(stays: Person, gone: Person) -> None:
    fresh = [order for order in gone.order_ids if order not in stays.order_ids]
    stays.orders += max(0, gone.orders - len(gone.order_ids)) + len(fresh)
    stays.order_ids = [*stays.order_ids, *fresh][-MAX_ORDERS:]
    stays.ordered_at = _later(stays.ordered_at, gone.ordered_at)
    stays.ordered_carts = [*dict.fromkeys([*stays.ordered_carts, *gone.ordered_carts])][-MAX_ORDERS:]
    stays.bought = join_orders(stays.bought, gone.bought)


def _profile(stays: Profile | None, gone: Profile | None) -> Profile | None:
    if stays is None or gone is None:
        return stays or gone
    both = Visitor()
    bring(both, gone)
    join(both, stays)
    return noted(both, stays, list(both.watched), vouched=False)
