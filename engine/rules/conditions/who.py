"""Who it is: new or known, from where, with what, and what the shop knows of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import DAY, Millis
from engine.events import Loyalty as Membership
from engine.rules.conditions._answers import any_word, compare, compare_growing, first_open
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, Flag, OneOrMore, Text
from engine.rules.forms import Clash, setting
from engine.rules.needs import Fact, Needs, compared, one_of, so
from engine.rules.numbers import Compared, Comparison, Duration, Whole
from engine.rules.shop_fields import Country as CountryCode
from engine.rules.shop_fields import Language as LanguageTag
from engine.rules.texts import Value, ValueTest, fits_any
from engine.rules.verdicts import Verdict, met, not_met, unknown
from engine.said import Said, say
from engine.visitors import SESSION_GAP, Visitor


def _yes_or_no(is_so: bool, wanted: bool, yes: Said, no: Said) -> Verdict:
    seen = yes if is_so else no
    return (met if is_so == wanted else not_met)(seen, yes if wanted else no)


def _country(facts: Facts) -> str:
    return facts.visitor.country or (facts.person.country if facts.person else "")


def _folded(words: list[str] | None) -> Collection[Hashable]:
    return {word.casefold() for word in words} if words else ()


_VISITS = Fact("how many visits there were", lambda facts: facts.visitor.session.number)
_RETURNING = Fact("whether the shopper was here before", lambda facts: (facts.visitor.session.number > 1,))
_KNOWN = Fact(
    "whether it is known who the shopper is",
    lambda facts: (facts.person is not None and bool(facts.person.email or facts.person.customer_id),),
)
_LOGGED_IN = Fact("whether the shopper is logged in", lambda facts: (facts.visitor.logged_in,))
_COUNTRY = Fact("the country", lambda facts: (_country(facts),))
_DEVICE = Fact("the device", lambda facts: (facts.visitor.device,))
_TAGS = Fact("every tag", lambda facts: _folded(facts.visitor.tags), several=True)
_SEGMENTS = Fact("every segment", lambda facts: _folded(facts.visitor.segments), several=True)


@condition
@dataclass(frozen=True, kw_only=True)
class Returning(BaseCondition):
    """The shopper was here before; with `false`, this is their first visit. Half an hour of silence ends a visit.

    Example:
        - returning: true
        - returning: false
    """

    is_: bool = setting(Flag(), "Whether they were.", default=True, main=True)

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "returning visitor has a text of its own",
        "Libredesk": "visitor or user",
        "LiveChat": "returning visitor",
        "Zendesk": "visits",
        "Tidio": "returning visitor",
        "Smartsupp": "returning visitor",
        "Chatwoot": "only contacts with no conversation",
    }

    @property
    def needs(self) -> Needs:
        return one_of(_RETURNING, [self.is_])

    def check(self, facts: Facts) -> Verdict:
        number = facts.visitor.session.number
        if not number:
            return unknown(say("whether the shopper was here before"))
        return _yes_or_no(number > 1, self.is_, say("here before"), say("first visit"))


@condition
@dataclass(frozen=True, kw_only=True)
class Visits(BaseCondition):
    """The shopper was here so often, this visit included.

    Example:
        - visits: ">= 3"
        - visits: {count: ">= 3", within: 7d}
    """

    count: Comparison = setting(Compared(Whole()), "How many visits, this one included.", main=True)
    within: Millis | None = setting(
        Duration(), "Only visits that began so lately; the latest twelve are known.", default=None, shown="ever"
    )

    peers: ClassVar[dict[str, str]] = {"Zendesk": "visits", "Dynamics 365 Commerce": "visits"}

    @property
    def needs(self) -> Needs:
        return compared(_VISITS, self.count)

    def check(self, facts: Facts) -> Verdict:
        return self.in_time(facts, self._counted)

    def _counted(self, facts: Facts) -> Verdict:
        if self.within is None:
            return compare(self.count, facts.visitor.session.number)
        return compare(self.count, sum(facts.now - at <= self.within for at in self._began(facts.visitor)))

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [at + self.within + 1 for at in self._began(facts.visitor)]

    def _began(self, visitor: Visitor) -> list[Millis]:
        return [*visitor.visits, visitor.session.started_at] if visitor.session.number else []


@condition
@dataclass(frozen=True, kw_only=True)
class DaysSinceVisit(BaseCondition):
    """So many whole days lie between the visit before and this one; for somebody who is away, since they left.

    Example:
        - days_since_visit: ">= 30"
    """

    days: Comparison = setting(Compared(Whole()), "How many days.", main=True)

    peers: ClassVar[dict[str, str]] = {"Live Helper Chat": "days since visit"}

    def check(self, facts: Facts) -> Verdict:
        return self.in_time(facts, self._at)

    def _at(self, facts: Facts) -> Verdict:
        visitor, now = facts.visitor, facts.now
        if not visitor.session.number:
            return unknown(say("when the shopper was here"))
        if now - visitor.seen_at > SESSION_GAP:
            return compare_growing(self.days, visitor.seen_at, DAY, now)
        before_at = visitor.session.before_at
        if before_at is None:
            return not_met(say("no visit before this one"), self.days.text)
        return compare(self.days, max(0, visitor.session.started_at - before_at) // DAY)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        """When they count as gone, and the days at which the comparison may change its mind."""
        seen_at = facts.visitor.seen_at
        days = {self.days.low, self.days.low + 1, self.days.high + 1}
        return [seen_at + SESSION_GAP + 1, *(seen_at + day * DAY for day in days)]


@condition
@dataclass(frozen=True, kw_only=True)
class Identified(BaseCondition):
    """It is known who the shopper is: an address or a customer number was told, here or earlier.

    Example:
        - identified
        - not: identified
    """

    peers: ClassVar[dict[str, str]] = {"Omnisend": "identified contacts only", "Libredesk": "visitor or user"}

    @property
    def needs(self) -> Needs:
        return so(_KNOWN)

    def check(self, facts: Facts) -> Verdict:
        person = facts.person
        if person is None or not (person.email or person.customer_id):
            return not_met(say("nobody known"))
        return met(say("by address") if person.email else say("by customer number"))


@condition
@dataclass(frozen=True, kw_only=True)
class LoggedIn(BaseCondition):
    """The shopper is logged in: `identified` was told (or `logged_in: true`), and no `logged_out` since.

    Example:
        - logged_in: true
        - logged_in: false
    """

    is_: bool = setting(Flag(), "Whether they are.", default=True, main=True)

    @property
    def needs(self) -> Needs:
        return one_of(_LOGGED_IN, [self.is_])

    def check(self, facts: Facts) -> Verdict:
        if facts.visitor.logged_in is None:
            return unknown(say("whether the shopper is logged in"))
        return _yes_or_no(facts.visitor.logged_in, self.is_, say("logged in"), say("logged out"))


@condition
@dataclass(frozen=True, kw_only=True)
class Loyalty(BaseCondition):
    """What the shop told about its loyalty programme (`loyalty` on any event); everything that is asked must hold.

    Example:
        - loyalty: member
        - loyalty: {tier: [gold, platinum]}
        - loyalty: {points: ">= 500"}
    """

    is_: str = setting(Choice(("member", "none", "any")), "In it, or not.", default="any", main=True)
    tier: tuple[str, ...] = setting(OneOrMore(Text(40)), "The tier.", default=())
    points: Comparison | None = setting(Compared(Whole()), "How many points.", default=None)

    def __post_init__(self) -> None:
        if self.is_ == "none" and (self.tier or self.points):
            raise Clash(say("who is in no programme has no tier and no points"))
        if self.is_ == "any" and not (self.tier or self.points):
            raise Clash(say("'loyalty' needs to know what: loyalty: member, a tier or points"))

    def check(self, facts: Facts) -> Verdict:
        loyalty = facts.visitor.loyalty
        if loyalty is None:
            return unknown(say("anything about the loyalty programme"))
        return first_open(self._answers(loyalty), met())

    def _answers(self, loyalty: Membership) -> Iterator[Verdict]:
        if self.is_ != "any":
            is_member = bool(loyalty.tier) if loyalty.member is None else loyalty.member
            yield _yes_or_no(is_member, self.is_ == "member", say("member"), say("none"))
        if self.tier:
            fits = loyalty.tier.casefold() in {tier.casefold() for tier in self.tier}
            wanted = any_word(self.tier)
            known = (met if fits else not_met)(loyalty.tier, wanted)
            yield known if loyalty.tier or loyalty.member is False else unknown(say("the tier"))
        if self.points is not None:
            yield unknown(say("the points")) if loyalty.points is None else compare(self.points, loyalty.points)


@condition
@dataclass(frozen=True, kw_only=True)
class Country(BaseCondition):
    """The shopper is in this country, as far as the shop told (`country` on an event).

    Example:
        - country: NO
        - country: [NL, BE]
    """

    code: tuple[str, ...] = setting(OneOrMore(CountryCode()), "The country; with a list any of them.", main=True)

    peers: ClassVar[dict[str, str]] = {
        "LiveChat": "geo",
        "Zendesk": "geo, down to the city",
        "Tidio": "geo",
        "Chaport": "country",
        "Dynamics 365 Commerce": "country",
    }

    @property
    def needs(self) -> Needs:
        return one_of(_COUNTRY, self.code)

    def check(self, facts: Facts) -> Verdict:
        seen = _country(facts)
        if not seen:
            return unknown(say("the country"))
        return (met if seen in self.code else not_met)(seen, any_word(self.code))


@condition
@dataclass(frozen=True, kw_only=True)
class Language(BaseCondition):
    """The shopper reads this language: the page's, or the one the shop told. `nl` is also `nl-BE`.

    Example:
        - language: nl
        - language: [de, pt-BR]
    """

    tag: tuple[str, ...] = setting(OneOrMore(LanguageTag()), "The language; with a list any of them.", main=True)

    peers: ClassVar[dict[str, str]] = {"Live Helper Chat": "language", "Tidio": "language", "Chaport": "language"}

    def check(self, facts: Facts) -> Verdict:
        told = facts.visitor.language or (facts.person.language if facts.person else "")
        if not told:
            return unknown(say("the language"))
        seen = told.replace("_", "-").casefold()
        fits = any(seen == tag or seen.startswith(f"{tag}-") for tag in map(str.casefold, self.tag))
        return (met if fits else not_met)(told, any_word(self.tag))


@condition
@dataclass(frozen=True, kw_only=True)
class Device(BaseCondition):
    """What the shopper holds or sits at, by what the browser says of itself.

    Example:
        - device: mobile
        - device: [desktop, tablet]
    """

    kind: tuple[str, ...] = setting(
        OneOrMore(Choice(("mobile", "tablet", "desktop"))), "The device; with a list any of them.", main=True
    )

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "7 combinations",
        "Libredesk": "device",
        "Zendesk": "browser, platform",
        "Tidio": "device",
        "Crisp": "device",
    }

    @property
    def needs(self) -> Needs:
        return one_of(_DEVICE, self.kind)

    def check(self, facts: Facts) -> Verdict:
        seen = facts.visitor.device
        if not seen:
            return unknown(say("the device"))
        return (met if seen in self.kind else not_met)(seen, any_word(self.kind))


@condition
@dataclass(frozen=True, kw_only=True)
class Attribute(BaseCondition):
    """Something of the shop's own about the shopper (`attributes` on any event) is so.

    Example:
        - attribute: {name: plan, is: [pro, "team*"]}
        - attribute: {name: open_tickets, is: ">= 1"}
    """

    name: str = setting(Text(40), "The attribute's name.")
    is_: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "What it must be; with a list any of them.")

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "10 attributes, 13 operators",
        "Libredesk": "20 attributes, AND and OR",
        "LiveChat": "one equality",
        "Tidio": "attributes",
        "Crisp": "user data",
    }

    def check(self, facts: Facts) -> Verdict:
        seen = facts.visitor.attributes.get(self.name)
        if seen is None:
            return unknown(say("the attribute %(name)s", name=self.name))
        return (met if fits_any(self.is_, seen) else not_met)(seen, any_word(self.is_))


@condition
@dataclass(frozen=True, kw_only=True)
class Tag(BaseCondition):
    """The shopper carries this tag (`tags` on any event).

    Example:
        - tag: b2b
        - not: {tag: [staff, tester]}
    """

    name: tuple[str, ...] = setting(OneOrMore(Text(40)), "The tag; with a list any of them.", main=True)

    peers: ClassVar[dict[str, str]] = {"Zendesk": "tags"}

    @property
    def needs(self) -> Needs:
        return one_of(_TAGS, map(str.casefold, self.name))

    def check(self, facts: Facts) -> Verdict:
        return _one_of(self.name, facts.visitor.tags)


@condition
@dataclass(frozen=True, kw_only=True)
class Segment(BaseCondition):
    """The shop's server counts the shopper to this segment (`segments` on an event of the server's).

    A browser cannot say so. As long as nothing was told, the answer is unknown.

    Example:
        - segment: big-spenders
    """

    name: tuple[str, ...] = setting(OneOrMore(Text(40)), "The segment; with a list any of them.", main=True)

    peers: ClassVar[dict[str, str]] = {"Chaskiq": "segment predicates", "Intercom": "audience"}

    @property
    def needs(self) -> Needs:
        return one_of(_SEGMENTS, map(str.casefold, self.name))

    def check(self, facts: Facts) -> Verdict:
        if facts.visitor.segments is None:
            return unknown(say("the segments"))
        return _one_of(self.name, facts.visitor.segments)


def _one_of(wanted: tuple[str, ...], there: list[str]) -> Verdict:
    folded = {word.casefold() for word in there}
    found = next((word for word in wanted if word.casefold() in folded), None)
    asked = any_word(wanted)
    return met(found, asked) if found is not None else not_met(", ".join(there) or say("none"), asked)
