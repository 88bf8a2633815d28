"""Everything a condition may look at, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from engine.clock import MINUTE, Millis
from engine.people import Person
from engine.rules.shop import Shop
from engine.visitors import Bought, Contact, Good, View, Visitor


class Presence(msgspec.Struct, omit_defaults=True):
    """The chat agents of one department: how many are ``online``, and ``free`` to take a chat (None: not told).

    ``until`` is when nobody knows any more whether it is still so; None: it is so until somebody says otherwise.
    """

    online: int
    free: int | None
    at: Millis
    waiting: int | None = None
    """How many shoppers wait for a chat."""
    until: Millis | None = None

    def is_known(self, now: Millis) -> bool:
        return self.until is None or now < self.until


HOLDS_AGENT: Millis = 2 * MINUTE
"""How long an invitation that nobody answers keeps an agent free; most who say yes do so within a minute."""


class Invited(msgspec.Struct, array_like=True):
    """An invitation to chat that is out: until when an agent is kept for it, and when it was accepted."""

    until: Millis
    accepted_at: Millis | None = None


class House(msgspec.Struct, omit_defaults=True):
    """What is true for the whole shop now. ``agents`` by department, "" for the shop as a whole."""

    agents: dict[str, Presence] = {}
    invited: dict[str, Invited] = {}
    """Invitations to chat that may be accepted any moment, by delivery. They stand in the house's one row, which every
    process changes under its version: so two of them never give the same agent away."""
    rule_set: str = ""
    """The content hash of the rule file that went on record last; a process may still be behind it for a moment."""

    def presence(self, department: str, now: Millis) -> Presence | None:
        """Who is there; None where that was never told, or too long ago."""
        told = self.agents.get(department)
        return told if told is not None and told.is_known(now) else None

    def fell_silent(self, now: Millis) -> bool:
        """Whether the agents were told of, but all of it too long ago."""
        return bool(self.agents) and not any(presence.is_known(now) for presence in self.agents.values())

    def free(self, now: Millis) -> int | None:
        """How many agents could take one more chat, less those for whom an invitation is out; None: not known."""
        whole = self.presence("", now)
        known = [whole] if whole else [presence for presence in self.agents.values() if presence.is_known(now)]
        told = [presence.free for presence in known if presence.free is not None]
        return max(0, sum(told) - self.promised(now)) if told else None

    def promised(self, now: Millis) -> int:
        return sum(invited.until > now for invited in self.invited.values())

    def invite(self, delivery: str, until: Millis, now: Millis) -> None:
        """An agent is kept for whoever gets this invitation."""
        self.invited = {name: known for name, known in self.invited.items() if known.until > now}
        self.invited[delivery] = Invited(until)

    def hear_reply(self, delivery: str, *, accepted_at: Millis | None) -> bool:
        """Somebody said yes or no to one of these? A chat that was accepted counts until the agents report anew."""
        known = self.invited.pop(delivery, None)
        if known is not None and accepted_at is not None:
            self.invited[delivery] = Invited(accepted_at + HOLDS_AGENT, accepted_at)
        return known is not None

    def report(self, department: str, presence: Presence) -> None:
        """What the agents report counts the chats that were accepted before."""
        self.agents[department] = presence
        for name, known in list(self.invited.items()):
            if known.accepted_at is not None and known.accepted_at <= presence.at:
                del self.invited[name]


@dataclass(eq=False)
class Facts:
    """The visitor, the person they are linked to (if any), the house and the shop, at ``now`` (ms since the epoch).

    Made for one look and never changed; declaring it frozen would cost more than most rules do.
    """

    shop: Shop
    visitor_id: str
    visitor: Visitor
    now: Millis
    person: Person | None = None
    house: House = field(default_factory=House)
    view: View | None = field(init=False)
    """The tab that gave a sign of life last."""

    def __post_init__(self) -> None:
        # Nearly every rule asks for it, and Python 3.11 takes a lock for each first look at a cached property.
        self.view = self.visitor.view

    @property
    def good_seen_last(self) -> Good | None:
        """The product that the shopper looked at last."""
        return max((good for good in self.visitor.goods if good.seen_at), key=lambda good: good.seen_at, default=None)

    @cached_property
    def bought(self) -> tuple[Bought, ...]:
        """The latest orders that were not cancelled, oldest first, whatever device they came from."""
        known = {bought.id: bought for bought in self.visitor.bought}
        known |= {bought.id: bought for bought in self.person.bought} if self.person else {}
        return tuple(sorted((each for each in known.values() if not each.cancelled), key=lambda each: each.at))

    @property
    def unpaid_order(self) -> Bought | None:
        """The latest order, when its payment is still out."""
        latest = next(reversed(self.bought), None)
        return latest if latest is not None and latest.unpaid else None

    @property
    def free_shipping_from(self) -> tuple[int, str] | None:
        """From which value on the cart ships for free, and in which currency: for this very cart, or in the shop."""
        basket = self.visitor.basket
        if basket is not None and basket.free_shipping_from is not None:
            return basket.free_shipping_from, basket.currency
        return None if self.shop.free_shipping_from is None else (self.shop.free_shipping_from, self.shop.currency)

    def free_shipping_in(self, currency: str) -> int | None:
        """The value alone, where it is known in this currency."""
        known = self.free_shipping_from
        return known[0] if known is not None and known[1] == currency else None

    @property
    def hints(self) -> set[str]:
        """The ids of the hints this visitor had: they ask nothing, so an OK under one is no refusal."""
        return {contact.id for contact in self.contacts if contact.kind == "nudge"}

    @property
    def refused_at(self) -> Millis | None:
        """When the shopper last said no to an invitation, as far as replies are remembered."""
        said_no = {reply.message: reply.at for reply in self.visitor.replies if reply.what == "dismissed"}
        hints = self.hints & said_no.keys()
        if not hints:
            return self.visitor.dismissed_at
        return max((at for message, at in said_no.items() if message not in hints), default=None)

    @property
    def contacts(self) -> list[Contact]:
        """Every message this visitor, and the person behind it on any device, had."""
        return self.visitor.contacts + (self.person.contacts if self.person else [])
