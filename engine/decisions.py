"""What a rule decided about a visitor at one moment, with its reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.clock import Millis
from engine.said import NOTHING, Said, say


class Guard(StrEnum):
    """A reason to stay silent although a rule is met; asked in this order."""

    SHADOW = "shadow"
    NOT_ACTIVE = "not_active"
    HOLDOUT = "holdout"
    ALREADY = "already_for_this_occasion"
    BOUGHT = "bought"
    CART_EMPTIED = "cart_emptied"
    PAID = "paid"
    ORDER_CANCELLED = "order_cancelled"
    DISMISSED = "dismissed_recently"
    CHATTING = "chatting_now"
    NO_BASIS = "no_legal_basis"
    SUPPRESSED = "suppressed_address"
    REMINDED = "reminded_by_others"
    GROUP = "group_is_busy"
    LIMIT = "limit"
    QUIET_HOURS = "quiet_hours"
    AGENTS = "no_agent_free"
    PRIORITY = "higher_priority"
    TOO_LATE = "too_late"
    UNTOLD = "not_told"
    # Reasons why a rule that fired goes no further.
    UNTIL = "until"
    RULE_REMOVED = "rule_removed"
    SOLD_OUT = "sold_out"
    STOPPED_BY = "stopped_by_a_rule"


EXPLANATIONS: dict[Guard, Said] = {
    Guard.SHADOW: say("the rule runs in shadow mode: it is counted and nothing is sent"),
    Guard.NOT_ACTIVE: say("the rule is switched off or outside its active dates"),
    Guard.HOLDOUT: say("this visitor belongs to a holdout, which never receives the message"),
    Guard.ALREADY: say("the rule has already spoken on this occasion"),
    Guard.BOUGHT: say("the shopper has ordered"),
    Guard.CART_EMPTIED: say("the cart was emptied"),
    Guard.PAID: say("the order was paid"),
    Guard.ORDER_CANCELLED: say("the order was cancelled, or is no longer known"),
    Guard.DISMISSED: say("the shopper said no to a message recently"),
    Guard.CHATTING: say("the shopper is in a chat"),
    Guard.NO_BASIS: say("there is no address or no recorded legal basis to mail it"),
    Guard.SUPPRESSED: say("the address unsubscribed or bounced"),
    Guard.REMINDED: say("somebody else, such as the shop's platform, has mailed the shopper about this cart"),
    Guard.GROUP: say("another rule of its group is on its way for this shopper"),
    Guard.LIMIT: say("a limit on messages is used up"),
    Guard.QUIET_HOURS: say("it is quiet hours; the message waits"),
    Guard.AGENTS: say("no agent is free to answer"),
    Guard.PRIORITY: say("a more important message took the moment"),
    Guard.UNTOLD: say("what the message would say is not known"),
    Guard.TOO_LATE: say("the moment passed while nothing could be sent"),
    Guard.UNTIL: say("the rule's 'until' came true"),
    Guard.RULE_REMOVED: say("the rule was taken out of the rule file"),
    Guard.SOLD_OUT: say("what the message was about is sold out"),
    Guard.STOPPED_BY: say("another rule, or a step of its own, ended it"),
}


class Outcome(StrEnum):
    FIRED = "fired"
    HELD = "held"
    STOPPED = "stopped"


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision. Its id is derived from what it is about, so that the same decision cannot be made twice.

    ``trace`` is the rule's verdict in full, as JSON. ``guard`` and ``detail`` say why nothing was sent.
    """

    id: str
    rule: str
    rule_hash: str
    occasion: str
    at: Millis
    outcome: Outcome
    guard: Guard | None = None
    detail: Said = NOTHING
    trace: bytes = b"null"
    cart: str | None = None
    variant: str = ""


class Planned(msgspec.Struct, frozen=True):
    """A delivery that a decision owes. ``once`` is unique over all devices of a person."""

    id: str
    decision: str
    rule: str
    step: int
    kind: str
    due_at: Millis
    expires_at: Millis
    body: bytes
    once: str


class ListChange(NamedTuple):
    """A list for advertising that the visitor is put on (``add``) or taken off, and the rule whose step it is."""

    name: str
    add: bool
    rule: str


class Ask(msgspec.Struct, frozen=True):
    """When the page should check in again: at ``at``, counted in engaged or in visible time."""

    at: Millis
    engaged: bool


class Result(msgspec.Struct):
    """Everything one evaluation of one visitor brought."""

    decisions: list[Decision] = []
    planned: list[Planned] = []
    stopped: list[tuple[str, Guard]] = []
    """Decisions whose deliveries that did not leave yet are to be cancelled, and why."""
    stops: list[tuple[str, str]] = []
    """Rules that a step wants ended, and the rule whose step it was."""
    audiences: list[ListChange] = []
    about_person: bool = False
    """Whether something about the person changed that no message tells of."""
    broken: list[tuple[str, str]] = []
    """Rules that could not be asked, and what kind of fault it was."""
    about_house: bool = False
    """Whether an agent was promised to somebody."""
    due_at: Millis | None = None
    ask: Ask | None = None
