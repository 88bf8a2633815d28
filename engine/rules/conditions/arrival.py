"""Arrival: where this visit came from, and on which page it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.rules.conditions._answers import any_word
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore, PageType
from engine.rules.forms import Clash, setting
from engine.rules.needs import Fact, Needs, one_of
from engine.rules.pages import matches
from engine.rules.shop_fields import UrlPattern
from engine.rules.texts import Value, ValueTest, fits_any
from engine.rules.verdicts import Verdict, met, not_met, unknown
from engine.said import frame, say

_DIRECT = "direct"


@condition
@dataclass(frozen=True, kw_only=True)
class Referrer(BaseCondition):
    """The visit came from such a site: its host and path, without `www.`; `direct` is from nowhere.

    A host stands for all its pages.

    Example:
        - referrer: "google.*"
        - referrer: [tweakers.net, "*.tweakers.net"]
        - referrer: direct
    """

    site: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "The site; with a list any of them.", main=True)

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "referrer domain",
        "LiveChat": "referrer",
        "Zendesk": "referrer",
        "Smartsupp": "referrer",
    }

    def check(self, facts: Facts) -> Verdict:
        landing = facts.visitor.session.landing
        if landing is None:
            return unknown(say("where the visit came from"))
        seen = landing.referrer or _DIRECT
        host = seen.partition("/")[0]
        fits = fits_any(self.site, seen) or fits_any(self.site, host)
        return (met if fits else not_met)(seen, any_word(self.site))


@condition
@dataclass(frozen=True, kw_only=True)
class Utm(BaseCondition):
    """The visit came through a link with such `utm_…` parameters; everything that is asked must fit.

    Example:
        - utm: {source: newsletter}
        - utm: {medium: [cpc, "paid*"], campaign: "winter*"}
    """

    source: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "`utm_source`.", default=(), main=True)
    medium: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "`utm_medium`.", default=())
    campaign: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "`utm_campaign`.", default=())
    content: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "`utm_content`.", default=())
    term: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "`utm_term`.", default=())

    peers: ClassVar[dict[str, str]] = {"Chaport": "all five UTM fields", "Crisp": "URL parameter"}

    def __post_init__(self) -> None:
        if not any(tests for _, tests in self._asked):
            raise Clash(say("'utm' needs a source, medium, campaign, content or term"))

    @property
    def _asked(self) -> tuple[tuple[str, tuple[ValueTest, ...]], ...]:
        return (
            ("source", self.source),
            ("medium", self.medium),
            ("campaign", self.campaign),
            ("content", self.content),
            ("term", self.term),
        )

    def check(self, facts: Facts) -> Verdict:
        landing = facts.visitor.session.landing
        if landing is None:
            return unknown(say("where the visit came from"))
        asked = [(name, tests) for name, tests in self._asked if tests]
        name, tests = next(
            ((name, tests) for name, tests in asked if not fits_any(tests, landing.utm.get(name))), asked[0]
        )
        seen = landing.utm.get(name)
        fits = seen is not None and fits_any(tests, seen)
        return (met if fits else not_met)(
            frame("%(name)s %(seen)s", name=name, seen=seen or say("none")),
            frame("%(name)s %(wanted)s", name=name, wanted=any_word(tests)),
        )


@condition
@dataclass(frozen=True, kw_only=True)
class AdClick(BaseCondition):
    """The visit began with a click on an advertisement, by the mark that its network puts into the address.

    Example:
        - ad_click
        - ad_click: [google, meta]
    """

    network: tuple[str, ...] = setting(
        OneOrMore(Choice(("google", "microsoft", "meta", "tiktok", "linkedin", "pinterest", "x"))),
        "The network; with a list any of them.",
        default=(),
        main=True,
        shown="any network",
    )

    peers: ClassVar[dict[str, str]] = {"LiveChat": "ads"}

    def check(self, facts: Facts) -> Verdict:
        landing = facts.visitor.session.landing
        if landing is None:
            return unknown(say("where the visit came from"))
        wanted = any_word(self.network) if self.network else say("an advertisement")
        if not landing.ad:
            return not_met(say("no advertisement"), wanted)
        return (met if not self.network or landing.ad in self.network else not_met)(landing.ad, wanted)


@condition
@dataclass(frozen=True, kw_only=True)
class SearchTerm(BaseCondition):
    """What the shopper searched for: in the shop (`query` of `searched`, told with consent), or before (`utm_term`).

    Example:
        - search_term: "*retour*"
        - search_term: {words: ["~ ^(inkt|toner)"], where: shop}
    """

    words: tuple[ValueTest, ...] = setting(OneOrMore(Value()), "The words; with a list any of them.", main=True)
    where: str = setting(Choice(("any", "shop", "outside")), "Searched where.", default="any")

    peers: ClassVar[dict[str, str]] = {"LiveChat": "search term", "Zendesk": "search term"}

    def check(self, facts: Facts) -> Verdict:
        landing = facts.visitor.session.landing
        outside = landing.utm.get("term", "") if landing else ""
        told = {"shop": [facts.visitor.search], "outside": [outside]}.get(self.where, [facts.visitor.search, outside])
        known = [words for words in told if words]
        if not known:
            return unknown(say("what was searched for"))
        fitting = next((words for words in known if fits_any(self.words, words)), None)
        # Somebody's own words are not repeated in traces that others read.
        return (
            met(say("such words"), any_word(self.words))
            if fitting
            else not_met(say("other words"), any_word(self.words))
        )


def _landing(facts: Facts) -> tuple[str, ...]:
    landing = facts.visitor.session.landing
    return (landing.type,) if landing is not None else ()


_LANDING = Fact("on what page the visit began", _landing)


@condition
@dataclass(frozen=True, kw_only=True)
class LandingPage(BaseCondition):
    """The visit began on such a page.

    Example:
        - landing_page: product
        - landing_page: {url: "/actie/*"}
    """

    type: tuple[str, ...] = setting(OneOrMore(PageType()), "The page's type.", default=(), main=True)
    url: tuple[str, ...] = setting(
        OneOrMore(UrlPattern()), "The page's address, where `*` stands for anything; its query is not kept.", default=()
    )

    def __post_init__(self) -> None:
        if not (self.type or self.url):
            raise Clash(say("'landing_page' needs a type or a url: landing_page: product"))

    @property
    def needs(self) -> Needs:
        return one_of(_LANDING, self.type)

    def check(self, facts: Facts) -> Verdict:
        landing = facts.visitor.session.landing
        wanted = any_word((*self.type, *self.url))
        if landing is None:
            return unknown(say("on which page the visit began"))
        if self.type and landing.type not in self.type:
            return not_met(landing.type, wanted)
        if self.url and not any(matches(pattern, landing.url) for pattern in self.url):
            return not_met(landing.url, wanted)
        return met(landing.url if self.url else landing.type, wanted)
