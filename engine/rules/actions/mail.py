"""By mail: to whoever may be mailed, after everything that may have changed was looked at once more."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.decisions import Guard
from engine.messages import BACK_IN_STOCK, UNPAID_ORDER, MailOrder
from engine.rules.actions.base import Message, Translations, Turn, action
from engine.rules.facts import Facts
from engine.rules.fields import Choice, OneOrMore, Text, Texts
from engine.rules.forms import Clash, setting
from engine.rules.holds import Hold
from engine.rules.zones import quiet_until
from engine.said import say

ABOUT_CARTS = ("cart-reminder", "shipping-surprise")
TEMPLATES = (*ABOUT_CARTS, BACK_IN_STOCK, UNPAID_ORDER)
"""The mails there are."""
SURVEY_TEMPLATE = "effort-survey"
OFFERS = ("free_shipping", "loyalty")
PROMISES = ("free_returns", "loyalty")
CALLS = ("chat", "phone")
"""What a mail may offer, promise, and name as a way to a person."""


@dataclass(frozen=True, kw_only=True)
class Mail(Message):
    """What every mail has in common."""

    subject: Translations | None = setting(Texts(Text(150)), "A subject of its own.", default=None)
    text: Translations | None = setting(
        Texts(Text(2_000, lines=True)), "An opening paragraph of its own.", default=None
    )
    counts_as: ClassVar[str] = "emails"

    @abstractmethod
    def order(self, turn: Turn) -> MailOrder:
        """What is asked of the house that writes it."""

    def take(self, turn: Turn) -> None:
        turn.count(self.kind)
        due_at = quiet_until(turn.facts) or turn.facts.now
        late = turn.late
        expires_at = due_at + late.at_most_ms if late is not None and late.then == "skip" else 0
        turn.plan(self.kind, self.order(turn), due_at=due_at, expires_at=expires_at)


@action
@dataclass(frozen=True, kw_only=True)
class Email(Mail):
    """Sends a mail, to whoever may be mailed and has not bought since.

    `cart-reminder` and `shipping-surprise` are about the cart. `back-in-stock` shows what the shopper saw sold out and
    is there again; what is sold out by the time of sending is left out, and with nothing left the mail stays away.
    `unpaid-order` says what was ordered and leads to the page where it can be paid; it stays away once the order was
    paid or cancelled, or something else was ordered since.
    The offer `loyalty` is double points for a member, the promise `loyalty` the usual ones.

    Example:
        - email: cart-reminder
        - email: back-in-stock
        - email: {template: shipping-surprise, offer: free_shipping, call: [chat, phone]}
    """

    kind: ClassVar[str] = "email"
    template: str = setting(Choice(TEMPLATES), "Which mail.", main=True)
    offer: str = setting(Choice(OFFERS), "What it offers.", default="")
    promise: str = setting(Choice(PROMISES), "What it reminds of.", default="")
    call: tuple[str, ...] = setting(
        OneOrMore(Choice(CALLS)), "Which ways to a person it names, in this order.", default=()
    )

    def __post_init__(self) -> None:
        if self._asks_to_pay and self.offer:
            raise Clash(say("'unpaid-order' is about what was ordered already, so it cannot offer anything"))

    def hold(self, facts: Facts) -> Hold | None:
        """An order can be paid only while it is not."""
        return Hold(Guard.PAID) if self._asks_to_pay and facts.unpaid_order is None else None

    def order(self, turn: Turn) -> MailOrder:
        unpaid = turn.facts.unpaid_order if self._asks_to_pay else None
        return MailOrder(
            self.template,
            self.offer,
            self.promise,
            self.call,
            self.subject or {},
            self.text or {},
            cart=None if unpaid else turn.run.cart,
            unpaid=unpaid.id if unpaid else None,
        )

    @property
    def _asks_to_pay(self) -> bool:
        return self.template == UNPAID_ORDER


@action
@dataclass(frozen=True, kw_only=True)
class Survey(Mail):
    """Asks by mail how easy it was, on a scale from 1 to 5; the answer comes back as `survey_answered`.

    Every answer is a signed link. Following one shows a page, and only its button counts: mail programs open links on
    their own.

    Example:
        - survey
        - survey: {question: {nl: "Hoe makkelijk was het?", en: "How easy was it?"}}
    """

    kind: ClassVar[str] = "survey"
    question: Translations | None = setting(
        Texts(Text(150)), "The question.", default=None, main=True, shown="how easy we made it"
    )

    def order(self, turn: Turn) -> MailOrder:
        question = self.question or {}
        return MailOrder(SURVEY_TEMPLATE, subject=self.subject or question, text=self.text or {}, question=question)
