"""On the page: what a shopper sees while they are there."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import DAY, MINUTE, Millis, to_iso
from engine.decisions import Guard
from engine.rules.actions.base import LATE_ON_PAGE, Late, Message, Translations, Turn, action
from engine.rules.facts import HOLDS_AGENT, Facts
from engine.rules.fields import Choice, Text, Texts
from engine.rules.forms import Clash, setting
from engine.rules.holds import Hold
from engine.rules.numbers import Duration
from engine.rules.phrases import Phrase, fill, missing
from engine.rules.shop_fields import Url
from engine.said import frame, say
from engine.visitors import Offer


@dataclass(frozen=True, kw_only=True)
class PageMessage(Message):
    """What invitations and hints have in common: a text, offered to whichever page of the visitor comes first."""

    text: Translations = setting(Texts(Phrase(300)), "What the shopper reads; one or two sentences.", main=True)
    expires_ms: Millis = setting(
        Duration(DAY), "How long it may wait for a page that can show it.", default=10 * MINUTE, shown="10m"
    )
    usually_late: ClassVar[Late] = LATE_ON_PAGE

    @abstractmethod
    def buttons(self, facts: Facts, language: str) -> list[dict[str, object]]:
        """What can be pressed: ``open`` is chat, phone, callback or link."""

    def hold(self, facts: Facts) -> Hold | None:
        language = facts.shop.speaks(facts.visitor.language)
        word = missing(in_language(self.text, language), facts, language)
        return Hold(Guard.UNTOLD, frame("{%(word)s}", word=word)) if word else None

    def take(self, turn: Turn) -> None:
        turn.count(self.kind)
        expires_at = turn.facts.now + self.expires_ms
        body = turn.plan(self.kind, self._message(turn, expires_at), expires_at=expires_at, on_page=True)
        turn.facts.visitor.offers.append(Offer(turn.delivery, turn.rule, expires_at, body))

    def _message(self, turn: Turn, expires_at: Millis) -> dict[str, object]:
        """It as the page receives it (see ``messages`` in the answer of POST /v1/events)."""
        facts = turn.facts
        language = facts.shop.speaks(facts.visitor.language)
        return {
            "id": turn.delivery,
            "kind": self.kind,
            "rule": turn.rule,
            "text": fill(in_language(self.text, language), facts, language),
            "language": language,
            "actions": self.buttons(facts, language),
            "expires_at": to_iso(expires_at),
        }


@action
@dataclass(frozen=True, kw_only=True)
class Invite(PageMessage):
    """Offers a person on the page, while the shopper is there: a chat, a call, a call-back form or a page.

    An invitation to chat goes out only while somebody is there to answer, and no more of them than agents are free.
    `opens: phone` shows the shop's `phone`; `callback` and `link` lead to `href`, a page of the shop.

    Example:
        - invite: "Can't find it? Let me look with you."
        - invite: {text: {nl: "Zal ik bellen?", en: "Shall I call you?"}, opens: callback, href: /call-me}
    """

    kind: ClassVar[str] = "invite"
    counts_as: ClassVar[str] = "invitations"
    agent: str = setting(Text(60), "The name it comes from.", default="")
    picture: str = setting(Url(path=True), "That person's picture.", default="")
    opens: str = setting(
        Choice(("chat", "phone", "callback", "link")), "What the button opens.", default="chat", shown="chat"
    )
    href: str = setting(Url(path=True), "Where the button leads, with `callback` and `link`.", default="")
    label: Translations | None = setting(Texts(Text(40)), "The button's own words.", default=None)

    def __post_init__(self) -> None:
        leads = self.opens in ("callback", "link")
        if leads and not self.href:
            raise Clash(say("'opens: %(opens)s' needs an href: where the button leads", opens=self.opens))
        if self.href and not leads:
            raise Clash(
                say(
                    "'href' is for 'opens: link' and 'opens: callback'; this invitation opens %(opens)s",
                    opens=self.opens,
                )
            )

    @property
    def needs_agent(self) -> bool:
        return self.opens == "chat"

    def hold(self, facts: Facts) -> Hold | None:
        if self.opens == "phone" and not facts.shop.phone:
            return Hold(Guard.UNTOLD, say("the shop has no phone number"))
        return super().hold(facts)

    def take(self, turn: Turn) -> None:
        super().take(turn)
        house, now = turn.facts.house, turn.facts.now
        if self.needs_agent and house.free(now) is not None:
            house.invite(turn.delivery, now + min(self.expires_ms, HOLDS_AGENT), now)
            turn.result.about_house = True

    def buttons(self, facts: Facts, language: str) -> list[dict[str, object]]:
        words = in_language(self.label or LABELS[self.opens], language)
        button: dict[str, object] = {"open": self.opens, "label": words}
        href = phone_address(facts.shop.phone) if self.opens == "phone" else self.href
        return [button | {"href": href} if href else button]

    def _message(self, turn: Turn, expires_at: Millis) -> dict[str, object]:
        message = super()._message(turn, expires_at)
        return message | {"agent": {"name": self.agent, "picture": self.picture}} if self.agent else message


@action
@dataclass(frozen=True, kw_only=True)
class Nudge(PageMessage):
    """Shows a hint on the page, without a chat: how much is missing for free shipping, what is about to sell out.

    The text may have gaps, such as `{gap}`; a hint whose gap cannot be filled is not shown.

    Example:
        - nudge: {text: {nl: "Nog {gap} en verzending is gratis.", en: "Only {gap} more and shipping is free."}}
        - nudge: {text: "Not sure which one fits?", href: /guide, label: "See the guide"}
    """

    kind: ClassVar[str] = "nudge"
    counts_as: ClassVar[str] = "nudges"
    href: str = setting(Url(path=True), "Where a button leads; without it there is none.", default="")
    label: Translations | None = setting(Texts(Text(40)), "The button's own words.", default=None)

    def __post_init__(self) -> None:
        if self.label and not self.href:
            raise Clash(say("'label' needs an href: where the button leads"))

    def buttons(self, facts: Facts, language: str) -> list[dict[str, object]]:
        words = in_language(self.label or LABELS["link"], language)
        return [{"open": "link", "label": words, "href": self.href}] if self.href else []


LABELS: dict[str, Translations] = {
    "chat": {"nl": "Chat met ons", "en": "Chat with us", "de": "Mit uns chatten", "fr": "Discuter avec nous"},
    "phone": {"nl": "Bel ons", "en": "Call us", "de": "Ruf uns an", "fr": "Nous appeler"},
    "callback": {"nl": "Bel mij terug", "en": "Call me back", "de": "Ruft mich zurück", "fr": "Me rappeler"},
    "link": {"nl": "Bekijken", "en": "Have a look", "de": "Ansehen", "fr": "Voir"},
}
"""A button's words, unless the rule has its own."""


def in_language(texts: Translations, language: str) -> str:
    """The text in ``language``, else in English, else whichever stands first."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def phone_address(phone: str) -> str:
    """The number as a link that dials it; "(0)" is only dialled inside the country, never after +31."""
    return "tel:" + re.sub(r"[^\d+]", "", phone.replace("(0)", ""))
