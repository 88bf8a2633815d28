"""Page and attention: where the shopper is, and for how long they have really looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import ClassVar

from engine.clock import MINUTE, Millis
from engine.events import Event
from engine.rules.conditions._answers import any_word, compare
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore, PageType
from engine.rules.forms import Clash, setting
from engine.rules.needs import PAGE, Engaged, Fact, Needs, compared, one_of
from engine.rules.numbers import Compared, Comparison, Duration, Share, Whole
from engine.rules.pages import matches
from engine.rules.shop_fields import UrlPattern
from engine.rules.verdicts import Asks, Verdict, met, not_met, not_yet
from engine.said import Said, say
from engine.visitors import MAX_TRAIL, SESSION_GAP, Series, View, Visitor, Watch


@dataclass(frozen=True)
class PageWatch:
    """Watches for pages at such addresses."""

    url: tuple[str, ...]
    event = "page_viewed"
    distinct = False

    @cached_property
    def key(self) -> str:
        return sha256(repr(("page", self.url)).encode()).hexdigest()[:10]

    def match(self, event: Event) -> int | None:
        page = event.page
        return 1 if page is not None and any(matches(pattern, page.url) for pattern in self.url) else None


def _gone(facts: Facts) -> Iterable[Millis]:
    """When somebody of whom nothing is heard any more counts as gone."""
    return () if facts.view is None else (facts.view.seen_at + SESSION_GAP + 1,)


@condition
@dataclass(frozen=True, kw_only=True)
class OnPage(BaseCondition):
    """The shopper is on such a page now, and has spent `for` on it.

    Engaged time is the page visible and focused, with activity in the last 30 seconds; it grows only when the page
    itself reports it. It is counted over consecutive pages of the same type (`across: stretch`), on this page alone
    (`page`), or over the whole visit (`session`). Visible and elapsed time, and time on a page found by its `url`, are
    counted on this page alone. A page in a hidden tab is not a page the shopper is on.

    Example:
        - on_page: {type: knowledge_base, for: 45s}
        - on_page: [faq, returns]
        - on_page: {url: "/inkt/*", for: 2m, across: page}
    """

    type: tuple[str, ...] = setting(
        OneOrMore(PageType()), "The page's type; with a list any of them.", default=(), main=True
    )
    url: tuple[str, ...] = setting(
        OneOrMore(UrlPattern()), "The page's address, where `*` stands for anything.", default=()
    )
    for_: Millis = setting(Duration(), "How long the shopper must have been there.", default=0, shown="at once")
    counting: str = setting(
        Choice(("engaged", "visible", "elapsed")),
        "What counts: time spent looking, time up to the last sign of life, or time since the page was opened.",
        default="engaged",
    )
    across: str = setting(
        Choice(("page", "stretch", "session")),
        "Where engaged time is counted: this page, consecutive pages of the type, or the whole visit.",
        default="stretch",
    )

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "URL with a * at its end",
        "Chatwoot": "time on page, URLPattern",
        "Rocket.Chat": "URL by regular expression",
        "Libredesk": "active seconds, URL include and exclude",
        "LiveChat": "time on page (0–900 s), URL equals or contains",
        "Zendesk": "time on page, still on page, URL by regular expression",
        "Tidio": "delay node, URL",
        "Crisp": "delay and page, URL wildcard",
        "Smartsupp": "page_unchanged, URL by regular expression",
    }

    def __post_init__(self) -> None:
        if not (self.type or self.url or self.for_):
            raise Clash(say("'on_page' needs a type, a url or a time; write for example on_page: faq"))
        if self.across == "session" and (self.counting != "engaged" or self.url or not self.type):
            raise Clash(
                say("'across: session' counts engaged time by page type; give a type, and no url or other counting")
            )

    @property
    def needs(self) -> Needs:
        consecutive = self.type and not self.url and self.across == "stretch" and self.counting == "engaged"
        waits = (Engaged(self.for_),) if consecutive and self.for_ else ()
        return (*one_of(PAGE, self.type), *waits)

    def check(self, facts: Facts) -> Verdict:
        view = facts.view
        if view is None:
            return not_met(say("no page"), self._place)
        if facts.now - view.seen_at > SESSION_GAP:
            return not_met(say("no page for longer than a visit"), self._place)
        if self.type and view.type not in self.type:
            return not_met(view.type, self._place)
        if self.url and not any(matches(pattern, view.url) for pattern in self.url):
            return not_met(view.url, self._place)
        if view.hidden:
            return not_met(say("hidden"), self._place)
        return self._time(facts, view) if self.for_ else met(view.type, self._place)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return _gone(facts)

    @cached_property
    def _place(self) -> Said:
        return any_word((*self.type, *self.url)) if self.type or self.url else say("any page")

    def _time(self, facts: Facts, view: View) -> Verdict:
        spent = self._spent(facts.visitor, view, facts.now)
        if spent >= self.for_:
            return met(spent, self.for_, "ms")
        asks = Asks.ENGAGED if self.counting == "engaged" else Asks.VISIBLE
        return not_yet(facts.now + self.for_ - spent, spent, self.for_, "ms", asks=asks)

    def _spent(self, visitor: Visitor, view: View, now: Millis) -> Millis:
        if self.counting == "elapsed":
            return now - view.opened_at
        if self.counting == "visible":
            # Up to the last sign of life: what came after it is not known to have been visible.
            return view.seen_at - view.opened_at
        if self.across == "session":
            return sum(visitor.session.engaged_ms.get(page_type, 0) for page_type in self.type)
        return view.engaged_ms + (view.stretch_ms if self.across == "stretch" and not self.url else 0)


@condition
@dataclass(frozen=True, kw_only=True)
class SeenPage(BaseCondition):
    """The shopper opened such pages before, so often, on this visit or earlier ones.

    By `type` the latest 20 pages are looked through. Addresses are not kept: a `url` is watched from the moment the
    rule goes live, and pages opened before do not count.

    Example:
        - seen_page: returns
        - seen_page: {type: [faq, returns], at_least: 2, within: 1d}
        - seen_page: {url: "/inkt/*", at_least: 3}
    """

    type: tuple[str, ...] = setting(OneOrMore(PageType()), "The page's type.", default=(), main=True)
    url: tuple[str, ...] = setting(
        OneOrMore(UrlPattern()), "The page's address, where `*` stands for anything.", default=()
    )
    at_least: int = setting(Whole(1, MAX_TRAIL), "How many such pages.", default=1)
    within: Millis | None = setting(Duration(), "Only count pages opened so lately.", default=None, shown="ever")

    peers: ClassVar[dict[str, str]] = {"LiveChat": "url_funnel, url_visited, views of matching pages"}

    def __post_init__(self) -> None:
        if bool(self.type) == bool(self.url):
            raise Clash(say("'seen_page' needs a type or a url, one of them; write for example seen_page: returns"))

    @property
    def watches(self) -> tuple[Watch, ...]:
        return (self._watch,) if self.url else ()

    @cached_property
    def _watch(self) -> PageWatch:
        return PageWatch(self.url)

    def check(self, facts: Facts) -> Verdict:
        since = 0 if self.within is None else facts.now - self.within
        count = sum(at >= since for at in self._times(facts))
        return met(count, self.at_least) if count >= self.at_least else not_met(count, self.at_least)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return () if self.within is None else [at + self.within + 1 for at in self._times(facts)]

    def _times(self, facts: Facts) -> list[Millis]:
        if self.url:
            return facts.visitor.watched.get(self._watch.key, Series()).times
        return [seen.at for seen in facts.visitor.trail if seen.type in self.type]


_PAGES = Fact("how many pages this visit saw", lambda facts: facts.visitor.session.pages)


@condition
@dataclass(frozen=True, kw_only=True)
class PagesViewed(BaseCondition):
    """The shopper opened so many pages on this visit, or ever. By `type` the latest 20 pages are looked through.

    Example:
        - pages_viewed: ">= 5"
        - pages_viewed: {count: ">= 3", type: product}
        - pages_viewed: {count: ">= 20", across: visits}
    """

    count: Comparison = setting(Compared(Whole()), "How many pages.", main=True)
    type: tuple[str, ...] = setting(OneOrMore(PageType()), "Only pages of this type.", default=(), shown="any page")
    across: str = setting(Choice(("visit", "visits")), "This visit, or all of them together.", default="visit")

    peers: ClassVar[dict[str, str]] = {"Live Helper Chat": "pages viewed", "LiveChat": "pages viewed"}

    def __post_init__(self) -> None:
        if self.type and self.across == "visits":
            raise Clash(say("page views by type are counted for one visit; leave out 'type' or 'across: visits'"))

    @property
    def needs(self) -> Needs:
        return compared(_PAGES, self.count) if self.across == "visit" and not self.type else ()

    def check(self, facts: Facts) -> Verdict:
        session = facts.visitor.session
        if self.across == "visits":
            tally = facts.visitor.tallies.get("page_viewed")
            return compare(self.count, tally.count if tally else 0)
        if self.type:
            return compare(
                self.count,
                sum(seen.at >= session.started_at and seen.type in self.type for seen in facts.visitor.trail),
            )
        return compare(self.count, session.pages)


@condition
@dataclass(frozen=True, kw_only=True)
class TimeOnSite(BaseCondition):
    """The shopper has spent so long in the shop on this visit, over all pages.

    Example:
        - time_on_site: 3m
        - time_on_site: {for: 5m, counting: elapsed}
    """

    for_: Millis = setting(Duration(), "How long.", main=True)
    counting: str = setting(
        Choice(("engaged", "elapsed")), "Time spent looking, or time since the visit began.", default="engaged"
    )

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "time on site",
        "Rocket.Chat": "time on site",
        "LiveChat": "time on site",
        "Zendesk": "time on site",
        "Tidio": "delay",
        "Crisp": "time on site",
        "Smartsupp": "page_load delay",
        "JivoChat": "time on site",
    }

    def check(self, facts: Facts) -> Verdict:
        visitor, now = facts.visitor, facts.now
        if not visitor.session.number or now - visitor.seen_at > SESSION_GAP:
            return not_met(say("not here"), self.for_, "ms")
        engaged = self.counting == "engaged"
        spent = sum(visitor.session.engaged_ms.values()) if engaged else now - visitor.session.started_at
        if spent >= self.for_:
            return met(spent, self.for_, "ms")
        return not_yet(now + self.for_ - spent, spent, self.for_, "ms", asks=Asks.ENGAGED if engaged else Asks.VISIBLE)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return (facts.visitor.seen_at + SESSION_GAP + 1,)


@condition
@dataclass(frozen=True, kw_only=True)
class Idle(BaseCondition):
    """The page is open before the shopper, and for so long nobody did anything there.

    It is counted up to the page's last sign of life: a page in a hidden tab, or one that is gone, is not idle.

    Example:
        - idle: 1m
    """

    for_: Millis = setting(Duration(), "How long nothing was done.", main=True)

    peers: ClassVar[dict[str, str]] = {"Live Helper Chat": "idle"}

    def check(self, facts: Facts) -> Verdict:
        view = facts.view
        if view is None or facts.now - view.seen_at > SESSION_GAP:
            return not_met(say("no page"), self.for_, "ms")
        if view.hidden:
            return not_met(say("hidden"), self.for_, "ms")
        still = view.seen_at - max(view.opened_at, view.active_at)
        if still >= self.for_:
            return met(still, self.for_, "ms")
        return not_yet(facts.now + self.for_ - still, still, self.for_, "ms", asks=Asks.VISIBLE)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        return _gone(facts)


@condition
@dataclass(frozen=True, kw_only=True)
class ExitIntent(BaseCondition):
    """The shopper was about to leave this page: the mouse went for the address bar, or a thumb for Back.

    Example:
        - exit_intent
        - exit_intent: {by: touch, within: 10s}
    """

    by: str = setting(Choice(("any", "mouse", "touch")), "With what.", default="any", main=True)
    within: Millis = setting(Duration(), "How lately.", default=MINUTE, shown="1m")

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "mouseout, any edge",
        "LiveChat": "exit intent flag",
        "Tidio": "exit intent, after 5 s",
        "Crisp": "exit intent",
    }

    def check(self, facts: Facts) -> Verdict:
        view = facts.view
        if view is None or view.exit_at is None:
            return not_met(say("no sign of leaving"), self.by)
        if facts.now - view.exit_at > self.within:
            return not_met(facts.now - view.exit_at, self.within, "ms")
        seen = view.exit_by or "mouse"
        return met(seen, self.by) if self.by in ("any", seen) else not_met(seen, self.by)

    def turns(self, facts: Facts) -> Iterable[Millis]:
        view = facts.view
        return () if view is None or view.exit_at is None else (view.exit_at + self.within + 1,)


@condition
@dataclass(frozen=True, kw_only=True)
class Scrolled(BaseCondition):
    """The shopper saw so much of the page they are on.

    The snippet reports quarters: 25, 50, 75 and 100 percent.

    Example:
        - scrolled: 75%
    """

    depth: float = setting(Share(), "How far down.", main=True)

    peers: ClassVar[dict[str, str]] = {"Tidio": "scroll percentage", "Bugalou": "scroll"}

    def check(self, facts: Facts) -> Verdict:
        seen = facts.view.depth / 100 if facts.view else 0.0
        return (met if seen >= self.depth else not_met)(seen, self.depth, "%")
