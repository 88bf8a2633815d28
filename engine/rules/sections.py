"""The sections of a rule file: the shop with its pages, integrations and limits, and each rule."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from engine.clock import Millis
from engine.rules.actions.base import BaseAction, Late
from engine.rules.conditions.base import BaseCondition
from engine.rules.fields import Choice, Fault, Flag, Kind, OneOrMore, Reading, Schema, Slug, Text, must_be
from engine.rules.forms import Clash, Form, Setting
from engine.rules.integrations import Integrations
from engine.rules.logic import All, Clauses
from engine.rules.model import UNTIL, Rule, Variant
from engine.rules.numbers import Duration, Money, Share, Whole, tidy_duration
from engine.rules.parcel_fields import DELIVERY
from engine.rules.shop import USUAL_LIMITS, Limits, Shop
from engine.rules.shop_fields import (
    Currency,
    Language,
    Limited,
    Moment,
    OfficeHours,
    OncePer,
    Origin,
    Pages,
    QuietHours,
    TimeZone,
    Url,
)
from engine.rules.source import Mapping, Node, Source, canonical
from engine.rules.steps import Steps, Variants
from engine.said import frame, say

NAMES = ("shop", "pages", "integrations", "limits", "groups", "holdout", "rules")

BASICS = (
    Setting("currency", Currency(), "The currency of every amount in this file.", shown_default="EUR"),
    Setting("languages", OneOrMore(Language()), "The shop's languages; the first is the default.", shown_default="en"),
    Setting("time_zone", TimeZone(), "The clock by which hours and days are meant.", shown_default="UTC"),
)
"""What later settings depend on, read first."""

SHOP = Form(
    Shop,
    (
        Setting(
            "id", Slug(40), "Stands in webhook addresses; each shop of one house has its own.", shown_default="main"
        ),
        Setting("name", Text(80), "The name shoppers know.", shown_default="Shop"),
        *BASICS,
        Setting("url", Url(), "The shop's home page."),
        Setting("cart_url", Url(), "The cart's page, where the link in a mail leads."),
        Setting(
            "pay_url",
            Url(),
            "The page where an order can be paid, for platforms that tell none of their own: the shopper's account.",
        ),
        Setting(
            "origins",
            OneOrMore(Origin()),
            "Whose pages may use the public key; `sandboxed` for frames without an address, such as Shopify's pixels.",
        ),
        Setting("phone", Text(40), "The number a mail or an invitation may name."),
        Setting("chat_url", Url(), "A page on which the chat opens, for mails."),
        Setting("address", Text(300, lines=True), "The postal address at the foot of every mail."),
        Setting("free_shipping_from", Money(), "The cart value from which shipping is free."),
        Setting("delivery", DELIVERY, "When a parcel arrives, so that a hint can name the day."),
        Setting("office_hours", OfficeHours(), "When people are there."),
        Setting("quiet_hours", QuietHours(), "When no mail leaves; it waits."),
        Setting(
            "addresses_from_browser",
            Choice(("with_consent", "never")),
            "Whether an address typed in the shop may be mailed when consent came with it.",
            shown_default="with_consent",
        ),
    ),
    frame("'shop'"),
)

LIMITS = Form(
    Limits,
    (
        Setting("messages", Limited(), "Messages of every kind together.", main=True),
        Setting("invitations", Limited(), "Invitations on the page."),
        Setting("nudges", Limited(), "Hints on the page."),
        Setting("emails", Limited(), "Mails, surveys included."),
    ),
    frame("'limits'"),
)


class Groups(Kind[tuple[tuple[str, Limits], ...]]):
    """Groups of rules with their limits."""

    what = say("groups with their limits, such as cart: {emails: 1 per 7d}")

    def read(self, node: Node, reading: Reading) -> tuple[tuple[str, Limits], ...]:
        if not isinstance(node, Mapping):
            raise must_be(node, self.what)
        read = [(Slug().read(key, reading), reading.attempt(LIMITS.read, value, reading)) for key, value in node.pairs]
        return tuple((name, limits) for name, limits in read if limits is not None)

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": LIMITS.schema()}


GROUPS = Groups()
HOLDOUT = Share()
PAGES = Pages()
INTEGRATIONS = Integrations()

LATE = Form(
    Late,
    (
        Setting("at_most", Duration(), "Up to so late the step still runs.", required=True, attribute="at_most_ms"),
        Setting("then", Choice(("skip", "send")), "What happens to it after that.", required=True),
    ),
    frame("'late'"),
)


def _active(
    active_from: Millis | None = None, active_until: Millis | None = None
) -> tuple[Millis | None, Millis | None]:
    if active_from is not None and active_until is not None and active_from >= active_until:
        raise Clash(say("'active' ends before it begins"))
    return active_from, active_until


ACTIVE = Form(
    _active,
    (
        Setting("from", Moment(), "The first day or moment.", attribute="active_from"),
        Setting(
            "until",
            Moment(end=True),
            "The last day, which still counts, or the moment it ends.",
            attribute="active_until",
        ),
    ),
    frame("'active'"),
)


class RuleName(Kind[str]):
    """A rule's name: once in a file, because timers, limits and reports go by it."""

    what = say("a name such as stuck-in-faq")

    def read(self, node: Node, reading: Reading) -> str:
        name = Slug().read(node, reading)
        first = reading.rule_names.setdefault(name, node.line)
        if first != node.line:
            raise Fault(
                node,
                say(
                    "a rule called '%(name)s' stands on line %(first)s already; each needs its own name",
                    name=name,
                    first=first,
                ),
            )
        return name

    def schema(self) -> Schema:
        return Slug().schema()


def _rule(
    name: str,
    when: tuple[BaseCondition, ...],
    then: tuple[BaseAction, ...] = (),
    variants: tuple[Variant, ...] = (),
    active: tuple[Millis | None, Millis | None] = (None, None),
    once_per: str = "",
    **others: object,
) -> Rule:
    if then and variants:
        raise Clash(say("a rule has either 'then' or 'variants', each with its own steps"))
    whole = All(of=when, clause="when")
    rule = Rule(
        name,
        whole,
        then,
        variants,
        once_per=once_per or _occasion(when),
        active_from=active[0],
        active_until=active[1],
    )
    return replace(rule, **others)  # type: ignore[arg-type] # the form has read each by the kind of its field


def _occasion(when: tuple[BaseCondition, ...]) -> str:
    return next((clause.occasion for clause in when if clause.occasion != "session"), "session")


RULE = Form(
    _rule,
    (
        Setting("name", RuleName(), "Its name, once in the file; change it and it is another rule.", required=True),
        Setting("about", Text(500, lines=True), "Why it is there, for people."),
        Setting("when", Clauses(), "The conditions; all of them must hold.", required=True),
        Setting("then", Steps(), "What happens, step by step; or `variants`.", required=True, unless="variants"),
        Setting("variants", Variants(), "Several ways to do it, each for a share of the shoppers, who keep theirs."),
        Setting("until", OneOrMore(Choice(UNTIL)), "What makes the remaining steps superfluous."),
        Setting(
            "once_per",
            OncePer(),
            "How often it may fire for one person.",
            shown_default="cart with `cart_abandoned`, `left_because` or `unpaid_order`, else session",
        ),
        Setting("holdout", Share(), "The share of visitors who never get it, to measure what it is worth."),
        Setting("group", Slug(), "Of the rules of a group, one at a time is on its way for a person."),
        Setting("priority", Whole(-1000, 1000), "Who speaks first when two rules could.", shown_default="0"),
        Setting("limits", LIMITS, "Its own limits, within those of the file."),
        Setting("late", LATE, "What happens to a step that could not run in time.", shown_default="10m, 24h for mail"),
        Setting("active", ACTIVE, "The days on which it may fire."),
        Setting("off", Flag(), "Switched off: it never fires.", shown_default="false"),
        Setting("shadow", Flag(), "Decides and records, and brings nothing.", shown_default="false"),
    ),
    say("a rule"),
)


def read_shop(document: Mapping, reading: Reading) -> Shop:
    """The shop with its pages, integrations and limits; what is wrong is noted and left out."""
    node = document.get("shop") or Mapping((), 1, 1)
    _read_basics(node, reading)
    shop = reading.attempt(SHOP.read, node, reading) or Shop()
    pages = document.get("pages")
    limits = document.get("limits")
    integrations = document.get("integrations")
    groups, holdout = document.get("groups"), document.get("holdout")
    return replace(
        shop,
        pages=(reading.attempt(PAGES.read, pages, reading) or ()) if pages else (),
        limits=(reading.attempt(LIMITS.read, limits, reading) or Limits()) if limits else USUAL_LIMITS,
        groups=(reading.attempt(GROUPS.read, groups, reading) or ()) if groups else (),
        holdout=(reading.attempt(HOLDOUT.read, holdout, reading) or 0.0) if holdout else 0.0,
        integrations=(reading.attempt(INTEGRATIONS.read, integrations, reading) or ()) if integrations else (),
    )


def _read_basics(node: Node, reading: Reading) -> None:
    """Take what other settings depend on first; what is wrong with it is told when the shop itself is read."""
    if not isinstance(node, Mapping):
        return
    silent = Reading(Source(""))
    for basic in BASICS:
        given = node.get(basic.name)
        value = silent.attempt(basic.kind.read, given, silent) if given is not None else None
        if value is not None:
            setattr(reading, basic.name, value)


def read_rule(node: Node, reading: Reading) -> Rule:
    """One entry of ``rules``. Raises Fault or Told."""
    if not isinstance(node, Mapping):
        raise must_be(node, say("a rule: a name, when and then"))
    rule = RULE.read(node, reading)
    return replace(rule, hash=_content_hash(node), line=node.line)


def _content_hash(node: Node) -> str:
    # However a duration is spelt, it is the same rule.
    return hashlib.sha256(canonical(node, tidy_duration).encode()).hexdigest()[:16]
