"""Reasons to stay silent although a rule is met, in the order in which they are asked.

Every guard answers nothing (go on) or a :class:`~engine.rules.holds.Hold`. First come those of the rule itself
(:func:`rule_hold`), then those of what it would do (:func:`action_hold`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from engine import clock
from engine.clock import DAY, HOUR, MINUTE, Millis
from engine.decisions import Guard, Planned
from engine.ids import share_of
from engine.messages import BY_MAIL
from engine.people import Person
from engine.rules.actions import BaseAction, Mail, Message, PageMessage
from engine.rules.facts import Facts
from engine.rules.holds import Hold
from engine.rules.model import Rule
from engine.rules.shop import Limit, Limits
from engine.said import NOTHING, Said, joined, say, say_count
from engine.visitors import MAX_CONTACTS, Contact, is_same

DISMISSAL_HOLDS: Millis = DAY
CHAT_LASTS: Millis = HOUR
BROWSER_ADDRESS: Limit = Limit(1, DAY)
"""An address that only a browser told is mailed at most once a day, whatever the rules say."""
FORGOTTEN: Millis = DAY
"""A rule that should have gone on elsewhere so long ago is not on its way any more."""
FAMILIES = {"invitations": frozenset({"invite"}), "nudges": frozenset({"nudge"}), "emails": BY_MAIL}
"""Which kinds of message count for which limits."""


# --- of the rule ------------------------------------------------------------------------------------------------------


def rule_hold(rule: Rule, facts: Facts) -> Hold | None:
    """Guards that concern the rule itself: shadow, dates, holdouts, on its way already."""
    if rule.shadow:
        return Hold(Guard.SHADOW, settled=True)
    if rule.off or not _is_active(rule, facts.now):
        return Hold(Guard.NOT_ACTIVE)
    if in_shop_holdout(facts):
        return Hold(
            Guard.HOLDOUT, say("%(share)s of visitors, for all rules", share=f"{facts.shop.holdout:.0%}"), settled=True
        )
    if in_holdout(rule, facts):
        return Hold(Guard.HOLDOUT, say("%(share)s of visitors", share=f"{rule.holdout:.0%}"), settled=True)
    if rule.name in _under_way_elsewhere(facts):
        return Hold(Guard.ALREADY, say("on its way on another device"))
    return None


def _is_active(rule: Rule, now: Millis) -> bool:
    after = rule.active_from is None or rule.active_from <= now
    return after and (rule.active_until is None or now < rule.active_until)


def lot_of(facts: Facts) -> str:
    """By what holdouts and variants are drawn: sticky by person, and also when a visitor becomes a person."""
    person = facts.person
    return facts.visitor_id if person is None else person.lot or person.id


def in_holdout(rule: Rule, facts: Facts) -> bool:
    return rule.holdout > 0 and share_of("holdout", facts.shop.id, rule.name, lot_of(facts)) < rule.holdout


def in_shop_holdout(facts: Facts) -> bool:
    return facts.shop.holdout > 0 and share_of("holdout", facts.shop.id, lot_of(facts)) < facts.shop.holdout


def _under_way_elsewhere(facts: Facts) -> list[str]:
    if facts.person is None:
        return []
    fresh = facts.now - FORGOTTEN
    return [
        name for name, mark in facts.person.under_way.items() if mark.visitor != facts.visitor_id and mark.until > fresh
    ]


# --- of what it would do ----------------------------------------------------------------------------------------------


class Asked(msgspec.Struct, frozen=True):
    """What is asked about: an action of a rule at a moment. ``opens``: with it the rule begins.

    ``spoken`` is what was planned for this visitor in the same moment already.
    """

    rule: Rule
    action: BaseAction
    cart: str | None
    late_ms: Millis = 0
    spoken: Sequence[Planned] = ()
    opens: bool = False


def action_hold(asked: Asked, facts: Facts) -> Hold | None:
    """The first guard that holds this action back now, or None."""
    return next(_holds(asked, facts), None)


def sending_hold(facts: Facts, about_cart: str | None, unpaid: str | None = None) -> Hold | None:
    """The last look before a mail leaves: bought, emptied, unsubscribed or in a chat since it was decided? Paid, if it
    asks to pay the order ``unpaid``?

    Limits are not asked again: this very mail was counted when it was decided.
    """
    own: Iterator[Hold] = iter(())
    if unpaid is not None:
        own = _payment_holds(facts, unpaid)
    elif about_cart is not None:
        own = chain(_cart_holds(facts, about_cart), _reminded_holds(facts, about_cart), _sold_out_holds(facts))
    return next(chain(own, _mail_holds(facts)), None)


def _payment_holds(facts: Facts, order: str) -> Iterator[Hold]:
    """Nobody is asked to pay what they paid or called off, or what they have ordered anew since."""
    bought = next((each for each in facts.bought if each.id == order), None)
    if bought is None:
        yield Hold(Guard.ORDER_CANCELLED, settled=True)
    elif not bought.unpaid:
        yield Hold(Guard.PAID, settled=True)
    elif bought is not facts.bought[-1]:
        yield Hold(Guard.BOUGHT, settled=True)


def _reminded_holds(facts: Facts, cart: str) -> Iterator[Hold]:
    """Nobody is mailed about a cart beside the shop's own platform, which may know it by another name."""
    basket, told_at = facts.visitor.basket, facts.person.reminded_at if facts.person else None
    since = basket is not None and told_at is not None and told_at >= basket.opened_at
    if since or cart in facts.visitor.reminded:
        yield Hold(Guard.REMINDED, settled=True)


def _sold_out_holds(facts: Facts) -> Iterator[Hold]:
    """Nobody is called back to a cart of which nothing can be had any more, as far as the shop told."""
    items = facts.visitor.basket.items if facts.visitor.basket else []
    gone = [good for good in facts.visitor.goods if good.stock == 0]
    if items and all(any(is_same(good, item) for good in gone) for item in items):
        yield Hold(Guard.SOLD_OUT, settled=True)


def _holds(asked: Asked, facts: Facts) -> Iterator[Hold]:
    action = asked.action
    if asked.cart is not None:
        yield from _cart_holds(facts, asked.cart)
    if isinstance(action, PageMessage):
        yield from _page_holds(facts)
    elif isinstance(action, Mail):
        yield from _mail_holds(facts)
        if asked.cart is not None:
            yield from _reminded_holds(facts, asked.cart)
    if asked.opens:
        yield from _group_holds(asked, facts)
    if isinstance(action, Message):
        yield from _message_holds(asked, action, facts)
    own = action.hold(facts)
    if own is not None:
        yield own


def _message_holds(asked: Asked, message: Message, facts: Facts) -> Iterator[Hold]:
    yield from _limit_holds(asked, facts)
    if message.needs_agent:
        yield from _agent_holds(facts)
    yield from _moment_holds(asked, facts)
    late = asked.rule.late or message.usually_late
    if asked.late_ms > late.at_most_ms and late.then == "skip":
        yield Hold(Guard.TOO_LATE, say("%(late)s late", late=clock.describe(asked.late_ms)), settled=True)


def _cart_holds(facts: Facts, cart: str) -> Iterator[Hold]:
    visitor, person = facts.visitor, facts.person
    basket = visitor.basket
    opened_at = basket.opened_at if basket else None
    if person and (cart in person.ordered_carts or (opened_at is not None and (person.ordered_at or 0) >= opened_at)):
        yield Hold(Guard.BOUGHT, settled=True)
    if visitor.closed is not None and cart in visitor.closed.names:
        yield Hold(Guard.BOUGHT, settled=True)
    if basket is None or basket.id != cart:
        yield Hold(Guard.CART_EMPTIED, settled=True)


def _page_holds(facts: Facts) -> Iterator[Hold]:
    visitor, now = facts.visitor, facts.now
    refused_at = facts.refused_at if visitor.dismissed_at is not None else None
    if refused_at is not None and now - refused_at < DISMISSAL_HOLDS:
        yield Hold(Guard.DISMISSED, say("%(ago)s ago", ago=clock.describe(now - refused_at)))
    if is_chatting(facts):
        yield Hold(Guard.CHATTING)


def is_chatting(facts: Facts) -> bool:
    """Whether a chat is going on: one that began within the last hour and was not ended."""
    since = facts.visitor.chatting_since
    return since is not None and facts.now - since < CHAT_LASTS


def _mail_holds(facts: Facts) -> Iterator[Hold]:
    if is_chatting(facts):
        yield Hold(Guard.CHATTING, retry_at=facts.now + 15 * MINUTE)
    person = facts.person
    if person is None or not person.email:
        yield Hold(Guard.NO_BASIS, say("no address is known"))
        return
    suppressed = person.unsubscribed_at is not None or person.bounced_at is not None
    reason = person.why_no_mail()
    if reason and not suppressed:
        yield Hold(Guard.NO_BASIS, reason)
    elif facts.shop.addresses_from_browser == "never" and not _is_vouched_for(person):
        yield Hold(Guard.NO_BASIS, say("only a browser told the address"))
    if suppressed:
        yield Hold(Guard.SUPPRESSED, reason or NOTHING, settled=True)


def _is_vouched_for(person: Person) -> bool:
    return person.basis is not None and person.basis.trusted


def _group_holds(asked: Asked, facts: Facts) -> Iterator[Hold]:
    """One rule of a group at a time, on all devices together."""
    rule = asked.rule
    if not rule.group:
        return
    under_way = [*facts.visitor.runs, *_under_way_elsewhere(facts), *(planned.rule for planned in asked.spoken)]
    busy = next((name for name in under_way if name in rule.group_rules and name != rule.name), None)
    if busy is not None:
        yield Hold(Guard.GROUP, say("'%(busy)s' of '%(group)s'", busy=busy, group=rule.group))


# --- limits -----------------------------------------------------------------------------------------------------------


def contacts_of(facts: Facts) -> list[Contact]:
    """Every message this visitor, and the person behind it on any device, had."""
    return facts.contacts


def _limit_holds(asked: Asked, facts: Facts) -> Iterator[Hold]:
    contacts, family = contacts_of(facts), asked.action.counts_as
    settled = isinstance(asked.action, Mail)

    def same(counted: list[Contact]) -> list[Contact]:
        return [contact for contact in counted if contact.kind in FAMILIES[family]]

    for whose, of_any_kind, counted, limits in _scopes(asked.rule, contacts, facts):
        for limit in limits.of(family):
            if _is_used_up(limit, same(counted), facts):
                yield Hold(Guard.LIMIT, _used_up_by(limit, whose, same(counted), facts), settled=settled)
        for limit in limits.messages:
            if _is_used_up(limit, counted, facts):
                yield Hold(Guard.LIMIT, _used_up_by(limit, of_any_kind, counted, facts), settled=settled)
    person = facts.person
    # Also a customer's address may have been typed here by somebody else.
    told_by_browser = settled and person and not (_is_vouched_for(person) and facts.visitor.vouched)
    if told_by_browser and _is_used_up(BROWSER_ADDRESS, same(contacts), facts):
        yield Hold(
            Guard.LIMIT,
            say("%(limit)s for an address that only a browser told", limit=str(BROWSER_ADDRESS)),
            settled=True,
        )


Scope = tuple[Said, Said, list[Contact], Limits]
"""Whose limits, in words (also those for messages of any kind), with the contacts that count for them."""
_MOST_NAMED = 3
_OF_RULE, _OF_SHOP, _OF_ANY_KIND = say("of this rule"), say("for the shop"), say("for the shop, of any kind")


def _scopes(rule: Rule, contacts: list[Contact], facts: Facts) -> Iterator[Scope]:
    """The rule's own limits, those of its group, and the shop's."""
    yield _OF_RULE, _OF_RULE, [contact for contact in contacts if contact.rule == rule.name], rule.limits
    group_limits = dict(facts.shop.groups).get(rule.group) if rule.group else None
    if group_limits:
        of_group = say("of the group '%(group)s'", group=rule.group)
        yield of_group, of_group, [contact for contact in contacts if contact.rule in rule.group_rules], group_limits
    yield _OF_SHOP, _OF_ANY_KIND, contacts, facts.shop.limits


def _used_up_by(limit: Limit, whose: Said, contacts: list[Contact], facts: Facts) -> Said:
    """The limit, whose it is, and the rules whose messages it counted, the latest first."""
    held, since = joined(" ", (str(limit), whose)), _counted_since(limit, facts)
    rules = list(dict.fromkeys(contact.rule for contact in reversed(contacts) if contact.at >= since))
    if not rules or whose is _OF_RULE:
        return held
    return say("%(limit)s, used up by %(rules)s", limit=held, rules=", ".join(rules[:_MOST_NAMED]))


def _counted_since(limit: Limit, facts: Facts) -> Millis:
    return facts.visitor.session.started_at if limit.window_ms is None else facts.now - limit.window_ms + 1


def _is_used_up(limit: Limit, contacts: list[Contact], facts: Facts) -> bool:
    since = _counted_since(limit, facts)
    if sum(contact.at >= since for contact in contacts) >= limit.count:
        return True
    # Beyond what is remembered nobody can count; whoever heard that much in one window has heard enough.
    return _is_full(facts.visitor.contacts, since) or bool(facts.person and _is_full(facts.person.contacts, since))


def _is_full(remembered: list[Contact], since: Millis) -> bool:
    return len(remembered) >= MAX_CONTACTS and remembered[0].at >= since


# --- the house and the moment -----------------------------------------------------------------------------------------


def _agent_holds(facts: Facts) -> Iterator[Hold]:
    presence = facts.house.presence("", facts.now)
    if presence is not None and presence.online == 0:
        yield Hold(Guard.AGENTS, say("offline"))
    if facts.house.fell_silent(facts.now):
        yield Hold(Guard.AGENTS, say("nobody knows any more whether they are there"))
    if facts.house.free(facts.now) == 0:
        promised = facts.house.promised(facts.now)
        out = say_count("1 invitation is out", "%(count)s invitations are out", count=promised)
        yield Hold(Guard.AGENTS, out if promised else say("all are busy"))


def _moment_holds(asked: Asked, facts: Facts) -> Iterator[Hold]:
    """One message of a kind at a time: the page shows one, and nobody gets two mails in the same moment."""
    if isinstance(asked.action, PageMessage):
        waiting = facts.visitor.offers
        if waiting:
            yield Hold(Guard.PRIORITY, say("'%(rule)s' is waiting to be shown", rule=waiting[0].rule))
        return
    mailed = next((planned.rule for planned in asked.spoken if planned.kind in BY_MAIL), None)
    if mailed is not None:
        yield Hold(Guard.PRIORITY, say("'%(mailed)s' is mailed in this moment", mailed=mailed), settled=True)
