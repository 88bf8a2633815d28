"""Reasons to stay silent although a rule is met, in the order in which they are asked.

Every guard answers None (go on) or a :class:`Hold`. A hold that is ``settled`` closes the occasion; another may pass
when the visitor is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import msgspec

from engine import clock
from engine.clock import DAY, HOUR, MINUTE, Millis
from engine.decisions import Guard
from engine.ids import share_of
from engine.people import Person
from engine.rules.facts import Facts
from engine.rules.model import LATE_EMAIL, LATE_INVITE, Email, Invite, Rule
from engine.rules.shop import Limit
from engine.visitors import Contact

DISMISSAL_HOLDS: Millis = DAY
CHAT_LASTS: Millis = HOUR
BROWSER_ADDRESS: Limit = Limit(1, DAY)
"""An address that only a browser told is mailed at most once a day, whatever the rules say."""

Message = Invite | Email


class Hold(msgspec.Struct, frozen=True):
    guard: Guard
    detail: str = ""
    settled: bool = False
    retry_at: Millis | None = None


def rule_hold(rule: Rule, facts: Facts) -> Hold | None:
    """Guards that concern the rule itself: shadow, dates, holdout."""
    if rule.shadow:
        return Hold(Guard.SHADOW, settled=True)
    if rule.off or not _is_active(rule, facts.now):
        return Hold(Guard.NOT_ACTIVE)
    if in_holdout(rule, facts):
        return Hold(Guard.HOLDOUT, f"{rule.holdout:.0%} of visitors", settled=True)
    return None


def _is_active(rule: Rule, now: Millis) -> bool:
    after = rule.active_from is None or rule.active_from <= now
    return after and (rule.active_until is None or now < rule.active_until)


def in_holdout(rule: Rule, facts: Facts) -> bool:
    """Sticky by person where one is known, so that a second device does not leave the holdout."""
    who = facts.person.id if facts.person else facts.visitor_id
    return rule.holdout > 0 and share_of("holdout", facts.shop.id, rule.name, who) < rule.holdout


def message_hold(rule: Rule, message: Message, facts: Facts, *, about_cart: str | None, late_ms: Millis) -> Hold | None:
    """The first guard that holds this message back now, or None."""
    return next(_holds(rule, message, facts, about_cart, late_ms), None)


def sending_hold(facts: Facts, about_cart: str | None) -> Hold | None:
    """The last look before a mail leaves: bought, emptied, unsubscribed or in a chat since it was decided?

    Limits are not asked again: this very mail was counted when it was decided.
    """
    cart = _cart_holds(facts, about_cart) if about_cart is not None else iter(())
    return next(chain(cart, _mail_holds(facts)), None)


def _holds(rule: Rule, message: Message, facts: Facts, cart: str | None, late_ms: Millis) -> Iterator[Hold]:
    if cart is not None:
        yield from _cart_holds(facts, cart)
    if isinstance(message, Invite):
        yield from _page_holds(facts)
    else:
        yield from _mail_holds(facts)
    yield from _limit_holds(rule, message, facts)
    if isinstance(message, Invite) and message.opens == "chat":
        yield from _agent_holds(facts)
    late = rule.late or (LATE_INVITE if isinstance(message, Invite) else LATE_EMAIL)
    if late_ms > late.at_most_ms and late.then == "skip":
        yield Hold(Guard.TOO_LATE, f"{clock.describe(late_ms)} late", settled=True)


def _cart_holds(facts: Facts, cart: str) -> Iterator[Hold]:
    visitor, person = facts.visitor, facts.person
    basket = visitor.basket
    opened_at = basket.opened_at if basket else None
    if person and (cart in person.ordered_carts or (opened_at is not None and (person.ordered_at or 0) >= opened_at)):
        yield Hold(Guard.BOUGHT, settled=True)
    if visitor.closed is not None and visitor.closed.id == cart:
        yield Hold(Guard.BOUGHT, settled=True)
    if basket is None or basket.id != cart:
        yield Hold(Guard.CART_EMPTIED, settled=True)


def _page_holds(facts: Facts) -> Iterator[Hold]:
    visitor, now = facts.visitor, facts.now
    if visitor.dismissed_at is not None and now - visitor.dismissed_at < DISMISSAL_HOLDS:
        yield Hold(Guard.DISMISSED, f"{clock.describe(now - visitor.dismissed_at)} ago")
    if is_chatting(facts):
        yield Hold(Guard.CHATTING)
    if visitor.offers:
        yield Hold(Guard.PRIORITY, f"'{visitor.offers[0].rule}' is waiting to be shown")


def is_chatting(facts: Facts) -> bool:
    """Whether a chat is going on: one that began within the last hour and was not ended."""
    since = facts.visitor.chatting_since
    return since is not None and facts.now - since < CHAT_LASTS


def _mail_holds(facts: Facts) -> Iterator[Hold]:
    if is_chatting(facts):
        yield Hold(Guard.CHATTING, retry_at=facts.now + 15 * MINUTE)
    person = facts.person
    if person is None:
        yield Hold(Guard.NO_BASIS, "no address is known")
        return
    if person.unsubscribed_at is not None or person.bounced_at is not None:
        yield Hold(Guard.SUPPRESSED, person.why_no_mail() or "", settled=True)
    reason = person.why_no_mail()
    if reason is not None:
        yield Hold(Guard.NO_BASIS, reason)
    elif facts.shop.addresses_from_browser == "never" and not _is_vouched_for(person):
        yield Hold(Guard.NO_BASIS, "only a browser told the address")


def _is_vouched_for(person: Person) -> bool:
    return person.basis is not None and person.basis.trusted


def contacts_of(facts: Facts) -> list[Contact]:
    """Every message this visitor, and the person behind it on any device, had."""
    return facts.contacts


def _limit_holds(rule: Rule, message: Message, facts: Facts) -> Iterator[Hold]:
    contacts = contacts_of(facts)
    own = [contact for contact in contacts if contact.rule == rule.name]
    same_kind = [contact for contact in contacts if contact.kind == message.kind]
    settled = isinstance(message, Email)
    shop, mine = facts.shop.limits, rule.limits
    groups = (
        ("of this rule", own, mine.messages + (mine.invitations if message.kind == "invite" else mine.emails)),
        ("for the shop", same_kind, shop.invitations if message.kind == "invite" else shop.emails),
        ("for the shop, of any kind", contacts, shop.messages),
    )
    for whose, counted, limits in groups:
        for limit in limits:
            if _is_used_up(limit, counted, facts):
                yield Hold(Guard.LIMIT, f"{limit} {whose}", settled=settled)
    person = facts.person
    # Also a customer's address may have been typed here by somebody else.
    told_by_browser = settled and person and not (_is_vouched_for(person) and facts.visitor.vouched)
    if told_by_browser and _is_used_up(BROWSER_ADDRESS, same_kind, facts):
        yield Hold(Guard.LIMIT, f"{BROWSER_ADDRESS} for an address that only a browser told", settled=True)


def _is_used_up(limit: Limit, contacts: list[Contact], facts: Facts) -> bool:
    since = facts.visitor.session.started_at if limit.window_ms is None else facts.now - limit.window_ms + 1
    return sum(contact.at >= since for contact in contacts) >= limit.count


def _agent_holds(facts: Facts) -> Iterator[Hold]:
    presence = facts.house.agents.get("")
    if presence is None:
        return
    if presence.online == 0 or presence.free == 0:
        yield Hold(Guard.AGENTS, "offline" if presence.online == 0 else "all are busy")
