"""What is doubtful in a rule file that can be used: said by ``shopbell check``, never in the way."""

from __future__ import annotations

from collections.abc import Iterator

from engine.messages import UNPAID_ORDER
from engine.rules.actions import Email, Invite, Mail, PageMessage
from engine.rules.actions.mail import ABOUT_CARTS
from engine.rules.conditions.attention import OnPage
from engine.rules.conditions.base import BaseCondition, word_of
from engine.rules.conditions.calendar import OfficeHours
from engine.rules.conditions.carts import Cart, CartAbandoned
from engine.rules.conditions.checkout import GapToFreeShipping
from engine.rules.conditions.contact import CanEmail, OfRule
from engine.rules.logic import All, Any, Not
from engine.rules.model import Rule, RuleSet
from engine.rules.phrases import gaps_in
from engine.rules.shop import Known, KnownIntegrations, Shop
from engine.rules.source import Source
from engine.said import Said, frame, say


def look_at(
    rule_set: RuleSet, source: Source, *, production: bool = False, known: KnownIntegrations | None = None
) -> None:
    """Note warnings in ``source``; ``production`` adds what only matters where mail really leaves."""
    for rule in rule_set.rules:
        for message in (*_contradictions(rule), *(found for look in _LOOKS for found in look(rule, rule_set))):
            source.warning(
                rule.line,
                _first_column(source, rule.line),
                frame("%(name)s: %(message)s", name=rule.name, message=message),
            )
    if production:
        for message in _before_production(rule_set, known or {}):
            source.warning(1, 1, message)


def _first_column(source: Source, line: int) -> int:
    text = source.lines[line - 1]
    return len(text) - len(text.lstrip()) + 1


def _before_production(rule_set: RuleSet, known: KnownIntegrations) -> list[Said]:
    shop = rule_set.shop
    if not any(_mails(rule) for rule in rule_set.rules):
        return []
    messages: list[Said] = []
    if not any(known.get(entry.name, Known(carries_mail=True)).carries_mail for entry in shop.integrations):
        messages.append(say("rules send mail, but nothing under integrations carries it; SMTP_URL must name the relay"))
    if not shop.cart_url:
        messages.append(say("rules send mail, but the shop has no cart_url, so no link can lead back to the cart"))
    if not shop.address:
        messages.append(say("rules send mail, but the shop has no address; a commercial mail must name one"))
    return messages


def _clauses(rule: Rule) -> tuple[BaseCondition, ...]:
    return rule.when.of if isinstance(rule.when, All) else ()


def _contradictions(rule: Rule) -> list[Said]:
    clauses = _clauses(rule)
    messages: list[Said] = []
    denied = [clause.of for clause in clauses if isinstance(clause, Not)]
    if any(clause in denied for clause in clauses):
        messages.append(say("one condition wants what another one rules out, so this never fires"))
    pages = [clause for clause in clauses if isinstance(clause, OnPage) and clause.type]
    if len(pages) > 1 and not rule.page_types:
        messages.append(
            say("nobody is on two pages at once, so this never fires; put the pages in one list, or under any")
        )
    if rule.needs_cart and any(isinstance(clause, Cart) and clause.is_ == "empty" for clause in clauses):
        messages.append(say("one condition wants an empty cart and another a filled one, so this never fires"))
    if pages and any(isinstance(clause, CartAbandoned) for clause in clauses):
        messages.append(say("nobody who has left is still on a page, so on_page with cart_abandoned hardly ever fires"))
    return messages


def _about_steps(rule: Rule, rule_set: RuleSet) -> list[Said]:
    messages: list[Said] = []
    if _mails(rule) and not any(isinstance(clause, CanEmail) for clause in _clauses(rule)):
        messages.append(say("mail goes only to those who may be mailed; say so with '- can_email' under when"))
    if not rule_set.shop.phone and _names_phone(rule):
        messages.append(say("names the phone, but the shop has no phone number"))
    if _sends(rule, UNPAID_ORDER) and not rule.needs_unpaid:
        messages.append(
            say("asks to pay whenever an order is unpaid; say since when with '- unpaid_order: 45m' under when")
        )
    if rule.needs_unpaid and _sends(rule, *ABOUT_CARTS):
        messages.append(say("reminds of a cart that was ordered; 'unpaid-order' is the mail that helps with paying"))
    if rule.speaks_on_page and any(isinstance(clause, CartAbandoned) for clause in _clauses(rule)):
        messages.append(say("invites on the page after the shopper has left; an email reaches them"))
    return messages


def _nested(clauses: tuple[BaseCondition, ...]) -> Iterator[BaseCondition]:
    for clause in clauses:
        yield clause
        if isinstance(clause, All | Any):
            yield from _nested(clause.of)
        elif isinstance(clause, Not):
            yield from _nested((clause.of,))


def _unanswerable(rule: Rule, rule_set: RuleSet) -> list[Said]:
    """Conditions that must stay unknown for ever, or name what is not there."""
    shop = rule_set.shop
    messages: list[Said] = []
    for clause in _nested(_clauses(rule)):
        word = word_of(type(clause))
        if isinstance(clause, GapToFreeShipping) and not _has(shop, "free_shipping_from"):
            messages.append(say("%(word)s stays unknown, because the shop has no free_shipping_from", word=word))
        if isinstance(clause, OfficeHours) and shop.office_hours is None:
            messages.append(say("%(word)s stays unknown, because the shop has no office_hours", word=word))
        name = clause.rule if isinstance(clause, OfRule) else ""
        if name and name not in rule_set.by_name:
            messages.append(
                say("%(word)s asks about a rule '%(name)s', which is not in this file", word=word, name=name)
            )
    return messages


_NEEDS = {
    "gap": "free_shipping_from",
    "free_shipping_from": "free_shipping_from",
    "delivery": "delivery",
    "order_before": "delivery",
    "phone": "phone",
    "office_hours": "office_hours",
}
"""What must stand in the shop's section for a gap to be filled."""


def _unfillable(rule: Rule, rule_set: RuleSet) -> list[Said]:
    """Gaps in a text on the page that can never be filled, so that it is never shown."""
    texts = [text for step in rule.all_steps if isinstance(step, PageMessage) for text in step.text.values()]
    words = sorted({word for text in texts for word in gaps_in(text) if word in _NEEDS})
    return [
        say("says {%(word)s}, but the shop has no %(need)s, so it is never shown", word=word, need=_NEEDS[word])
        for word in words
        if not _has(rule_set.shop, _NEEDS[word])
    ]


def _has(shop: Shop, name: str) -> bool:
    """Whether that stands in the shop's section, or will be told."""
    told = name == "free_shipping_from" and any(entry.tells_free_shipping for entry in shop.integrations)
    return told or bool(getattr(shop, name))


def _mails(rule: Rule) -> bool:
    return any(isinstance(step, Mail) for step in rule.all_steps)


def _sends(rule: Rule, *templates: str) -> bool:
    return any(isinstance(step, Email) and step.template in templates for step in rule.all_steps)


def _names_phone(rule: Rule) -> bool:
    return any(
        (isinstance(step, Email) and "phone" in step.call) or (isinstance(step, Invite) and step.opens == "phone")
        for step in rule.all_steps
    )


_LOOKS = (_about_steps, _unanswerable, _unfillable)
