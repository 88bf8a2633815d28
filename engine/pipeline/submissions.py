"""What a door hands in, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from engine.clock import Millis
from engine.decisions import Ask
from engine.events import Event
from engine.ids import server_visitor_of
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.store.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that a door let in, with the bytes that are kept of it."""

    event: Event
    body: str


@dataclass(frozen=True, slots=True)
class ShopRules:
    """A shop's rule set with what belongs to it; one object as long as the file stays the same."""

    rules: RuleSet
    page_types: PageTypes
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.rules.shop.id)  # asked for a dozen times for each event


@dataclass(slots=True)
class Submission:
    """What one request (or one hint) brings: events, visitors to look at again, and whom the answer is for."""

    shop: ShopRules
    events: list[Accepted] = field(default_factory=list)
    rechecks: list[str] = field(default_factory=list)
    answer_for: str | None = None
    receipt: Receipt | None = None
    """Of a platform's delivery: by what it is recognised when it comes again."""
    erasures: int | None = None
    """How often the shop had forgotten somebody when a platform was asked for this; None where none was asked."""


@dataclass(slots=True)
class Answer:
    """What became of a submission. ``hints`` are deliveries that are owed now."""

    accepted: int = 0
    duplicates: int = 0
    messages: list[msgspec.Raw] = field(default_factory=list)
    ask: Ask | None = None
    now: Millis = 0
    hints: list[str] = field(default_factory=list)
    repeated: bool = False
    """A delivery that was taken in before; nothing of it counted again."""
    outdated: bool = False
    """Somebody was forgotten since it was asked for: nothing of it was taken in, and it has to be asked for again."""


def server_visitor(shop: str, event: Event) -> str:
    """The visitor for what a shop's server says about a person of whom it knows no browser; "" if it names nobody."""
    who = event.email or event.customer_id or (event.order and (event.order.email or event.order.customer_id))
    return server_visitor_of(shop, who) if who else ""
