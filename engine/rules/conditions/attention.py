"""Page and attention: where the shopper is, and for how long they have really looked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from engine.clock import Millis
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore, PageType
from engine.rules.forms import Clash, setting
from engine.rules.numbers import Duration
from engine.rules.pages import matches
from engine.rules.shop_fields import UrlPattern
from engine.rules.verdicts import Asks, Verdict, met, not_met, not_yet
from engine.visitors import SESSION_GAP, View, Visitor


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

    def __post_init__(self) -> None:
        if not (self.type or self.url or self.for_):
            raise Clash("'on_page' needs a type, a url or a time; write for example on_page: faq")
        if self.across == "session" and (self.counting != "engaged" or self.url or not self.type):
            raise Clash("'across: session' counts engaged time by page type; give a type, and no url or other counting")

    @property
    def page_types(self) -> frozenset[str] | None:
        return frozenset(self.type) or None

    @property
    def needs_engaged_ms(self) -> Millis | None:
        consecutive = self.type and not self.url and self.across == "stretch" and self.counting == "engaged"
        return self.for_ if consecutive and self.for_ else None

    def check(self, facts: Facts) -> Verdict:
        view = facts.view
        if view is None:
            return not_met("no page", self._place)
        if facts.now - view.seen_at > SESSION_GAP:
            return not_met("no page for longer than a visit", self._place)
        if self.type and view.type not in self.type:
            return not_met(view.type, self._place)
        if self.url and not any(matches(pattern, view.url) for pattern in self.url):
            return not_met(view.url, self._place)
        if view.hidden:
            return not_met("hidden", self._place)
        return self._time(facts, view) if self.for_ else met(view.type, self._place)

    @cached_property
    def _place(self) -> str:
        return " or ".join((*self.type, *self.url)) or "any page"

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
