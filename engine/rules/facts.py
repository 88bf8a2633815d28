"""Everything a condition may look at, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from engine.clock import Millis
from engine.people import Person
from engine.rules.shop import Shop
from engine.visitors import Bought, Contact, Good, View, Visitor


class Presence(msgspec.Struct, omit_defaults=True):
    """The chat agents of one department: how many are ``online``, and ``free`` to take a chat (None: not told)."""

    online: int
    free: int | None
    at: Millis
    waiting: int | None = None
    """How many shoppers wait for a chat."""


class House(msgspec.Struct, omit_defaults=True):
    """What is true for the whole shop now. ``agents`` by department, "" for the shop as a whole."""

    agents: dict[str, Presence] = {}
    rule_set: str = ""
    """The content hash of the rule file that went on record last; a process may still be behind it for a moment."""


@dataclass(frozen=True)
class Facts:
    """The visitor, the person they are linked to (if any), the house and the shop, at ``now`` (ms since the epoch)."""

    shop: Shop
    visitor_id: str
    visitor: Visitor
    now: Millis
    person: Person | None = None
    house: House = field(default_factory=House)

    @cached_property
    def view(self) -> View | None:
        """The tab that gave a sign of life last."""
        return self.visitor.view

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
    def contacts(self) -> list[Contact]:
        """Every message this visitor, and the person behind it on any device, had."""
        return self.visitor.contacts + (self.person.contacts if self.person else [])
