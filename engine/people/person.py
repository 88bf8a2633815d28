"""People: somebody with an address, to whom one or more visitors were linked.

What concerns the person and not the browser stands here: whether they may be mailed and why, what they bought, and
which messages they had, so that one budget holds over every device.
"""

from __future__ import annotations

import msgspec

from engine.clock import Millis
from engine.people.profile import Profile
from engine.said import Said, say
from engine.visitors import MAX_CONTACTS, Bought, Contact


class Basis(msgspec.Struct, omit_defaults=True):
    """Why this person may be mailed: ``kind`` is ``consent`` or ``customer`` (own customer, similar products)."""

    kind: str
    at: Millis
    source: str = ""
    text: str = ""
    trusted: bool = False
    """Whether the shop's server said it; an address typed in a browser is mailed at most once a day."""


class UnderWay(msgspec.Struct):
    """A rule that is on its way on one of the person's devices; ``until`` is when its next step is due."""

    visitor: str
    until: Millis


class Device(msgspec.Struct, array_like=True):
    """A browser that turned out to be this person's: ``kind`` as in an event's ``device``, "" when not told."""

    at: Millis
    kind: str


class Person(msgspec.Struct, omit_defaults=True):
    id: str
    email: str = ""
    customer_id: str = ""
    former_ids: list[str] = []
    """The customer numbers of accounts that went up in this one."""
    name: str = ""
    language: str = ""
    country: str = ""
    basis: Basis | None = None
    withdrawn_at: Millis | None = None
    """When consent was last withdrawn; an older consent that arrives later changes nothing."""
    unsubscribed_at: Millis | None = None
    bounced_at: Millis | None = None
    reminded_at: Millis | None = None
    """When somebody else, such as the shop's platform, last mailed them about a cart."""
    ordered_at: Millis | None = None
    ordered_carts: list[str] = []
    orders: int = 0
    order_ids: list[str] = []
    contacts: list[Contact] = []
    lot: str = ""
    """By what holdouts and variants are drawn: the visitor they first were, so that nobody changes sides by name."""
    under_way: dict[str, UnderWay] = {}
    """Rules on their way, by name, on any device."""
    bought: list[Bought] = []
    """The latest orders, whatever device they came from."""
    devices: list[Device] = []
    """The latest devices that were linked to this person."""
    profile: Profile | None = None
    """None until something happened on one of their devices."""

    def why_no_mail(self) -> Said | None:
        """The reason why this person may not be mailed, in a few words, or None when they may."""
        if not self.email:
            return say("no address is known")
        if self.unsubscribed_at is not None:
            return say("unsubscribed")
        if self.bounced_at is not None:
            return say("the address bounced")
        if self.basis is None:
            return say("no consent or other legal basis was recorded")
        return None


MAX_DEVICES = 5
MAX_FORMER_IDS = 10


def remember_contact(contacts: list[Contact], contact: Contact) -> list[Contact]:
    """The list with one more message, the oldest forgotten beyond what any limit asks about."""
    return [*contacts, contact][-MAX_CONTACTS:]
