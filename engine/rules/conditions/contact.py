"""Contact: whether and how somebody may be reached, and what was said before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import Millis
from engine.rules.conditions._answers import Moment
from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.fields import Slug
from engine.rules.forms import setting
from engine.rules.guards import CHAT_LASTS, is_chatting
from engine.rules.needs import Fact, Needs, so
from engine.rules.verdicts import Verdict, met, not_met, unknown
from engine.said import say

_MAILABLE = Fact(
    "whether the shopper may be mailed",
    lambda facts: (facts.person is not None and facts.person.why_no_mail() is None,),
)
_CHATTING = Fact("whether a chat is going on", lambda facts: (is_chatting(facts),))


@condition
@dataclass(frozen=True, kw_only=True)
class CanEmail(BaseCondition):
    """The shopper may be mailed: an address is known, with consent or another legal basis, and nobody unsubscribed.

    Mail is never sent without this, whether or not a rule asks; asking keeps a rule for those it can reach.

    Example:
        - can_email
        - not: can_email
    """

    effort: ClassVar[int] = 0
    peers: ClassVar[dict[str, str]] = {"BigCommerce": "consent flag, default no mail"}

    @property
    def needs(self) -> Needs:
        return so(_MAILABLE)

    def check(self, facts: Facts) -> Verdict:
        if facts.person is None:
            return not_met(say("no address is known"))
        reason = facts.person.why_no_mail()
        return met(say("may be mailed")) if reason is None else not_met(reason)


@condition
@dataclass(frozen=True, kw_only=True)
class Chatting(BaseCondition):
    """The shopper is in a chat now: one that began within the last hour and was not ended.

    Example:
        - chatting
        - not: chatting
    """

    @property
    def needs(self) -> Needs:
        return so(_CHATTING)

    def check(self, facts: Facts) -> Verdict:
        return met(say("in a chat")) if is_chatting(facts) else not_met(say("in no chat"))

    def turns(self, facts: Facts) -> Iterable[Millis]:
        since = facts.visitor.chatting_since
        return () if since is None else (since + CHAT_LASTS,)


@condition
@dataclass(frozen=True, kw_only=True)
class Chatted(Moment):
    """The shopper had a chat before, as far as the chat tool told (`chat_started`).

    Example:
        - chatted
        - chatted: {within: 14d}
        - not: {chatted: {within: 1d}}
    """

    peers: ClassVar[dict[str, str]] = {"Zendesk": "past chats", "Chatwoot": "only contacts with no conversation"}

    def moments(self, facts: Facts) -> Iterable[Millis]:
        tally = facts.visitor.tallies.get("chat_started")
        return tally.times if tally else []


@dataclass(frozen=True, kw_only=True)
class OfRule(Moment):
    """What conditions on earlier messages have in common: of which rule."""

    rule: str = setting(Slug(), "The rule that sent it.", default="", main=True, shown="any rule")

    def sent(self, facts: Facts, kind: str) -> Iterator[Millis]:
        """When such messages were decided, to this person on any device."""
        return (
            contact.at
            for contact in facts.contacts
            if contact.kind == kind and (not self.rule or contact.rule == self.rule)
        )

    def replied(self, facts: Facts, *what: str, but: Set[str] = frozenset()) -> Iterator[Millis]:
        """When this visitor answered such a message so, other than those named."""
        rules = {contact.id: contact.rule for contact in facts.contacts if contact.id}
        return (
            reply.at
            for reply in facts.visitor.replies
            if reply.what in what
            and reply.message not in but
            and (not self.rule or rules.get(reply.message) == self.rule)
        )


@condition
@dataclass(frozen=True, kw_only=True)
class Invited(OfRule):
    """The shopper was invited on the page, by this rule or any.

    Example:
        - invited
        - not: {invited: {within: 1d}}
        - invited: {rule: stuck-in-faq, ago: 2d}
    """

    peers: ClassVar[dict[str, str]] = {"JivoChat": "time since last invitation", "Libredesk": "displayed"}

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.sent(facts, "invite")


@condition
@dataclass(frozen=True, kw_only=True)
class Accepted(OfRule):
    """The shopper said yes to an invitation.

    Example:
        - accepted: stuck-in-faq
        - not: {accepted: {within: 7d}}
    """

    peers: ClassVar[dict[str, str]] = {"LiveChat": "accepted", "Libredesk": "replied"}

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.replied(facts, "accepted")


@condition
@dataclass(frozen=True, kw_only=True)
class Dismissed(OfRule):
    """The shopper said no to an invitation. An OK under a hint is no refusal.

    Example:
        - dismissed: stuck-in-faq
        - not: {dismissed: {within: 7d}}
    """

    peers: ClassVar[dict[str, str]] = {
        "JivoChat": "time since window closed",
        "Chaport": "time since widget closed",
        "Libredesk": "dismissed",
    }

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.replied(facts, "dismissed", but=facts.hints)


@condition
@dataclass(frozen=True, kw_only=True)
class Emailed(OfRule):
    """The shopper was mailed, by this rule or any, whatever device the mail was about.

    Example:
        - emailed
        - not: {emailed: {within: 7d}}
    """

    peers: ClassVar[dict[str, str]] = {"Shopify": "daysSinceLastAbandonmentEmail"}

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.sent(facts, "email")


@condition
@dataclass(frozen=True, kw_only=True)
class Opened(OfRule):
    """The shopper opened a mail. Shopbell does not measure this; a mail service that does may tell (`email_opened`).

    A click shows that it was opened. Where nothing was told, nobody knows: the answer is unknown, also inside `not`.

    Example:
        - opened: left-cart
    """

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.replied(facts, "opened", "clicked")

    def check(self, facts: Facts) -> Verdict:
        verdict = super().check(facts)
        told = any(True for _ in self.moments(facts))
        if not told and any(True for _ in self.sent(facts, "email")):
            return unknown(say("whether a mail was opened"))
        return verdict


@condition
@dataclass(frozen=True, kw_only=True)
class Clicked(OfRule):
    """The shopper came through a link in a mail (`email_clicked`, `cart_restored`).

    It is told by the page that the link led to, so a mail program or a scanner that fetches links on its own does not
    count; and for the person who was mailed, also when the link was followed in another browser.

    Example:
        - clicked: left-cart
        - not: {clicked: {within: 7d}}
    """

    peers: ClassVar[dict[str, str]] = {"Retainful": "the recovery link was clicked"}

    def moments(self, facts: Facts) -> Iterable[Millis]:
        return self.replied(facts, "clicked")
