"""Behind the counter: what no shopper notices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from engine.clock import to_iso
from engine.decisions import Guard, ListChange
from engine.rules.actions.base import Silent, Turn, action
from engine.rules.facts import Facts
from engine.rules.fields import Fault, Kind, OneOrMore, Reading, Slug, Text, text_of
from engine.rules.forms import Clash, setting
from engine.rules.holds import Hold
from engine.rules.phrases import Phrase, fill
from engine.rules.shop_fields import Url
from engine.rules.source import Node
from engine.said import say

MAX_TAGS = 20


class SafeUrl(Kind[str]):
    what = say("an https address such as https://shop.example/hooks/bell")

    def read(self, node: Node, reading: Reading) -> str:
        text = Url().read(node, reading)
        if urlsplit(text).scheme != "https":
            raise Fault(
                node,
                say("this must be %(what)s; without https anybody on the way could read and change it", what=self.what),
            )
        return text


class SecretName(Kind[str]):
    what = say("env:NAME, the environment variable that holds it")

    def read(self, node: Node, reading: Reading) -> str:
        text = text_of(node, self.what)
        if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", text):
            reading.source.veil(node.line)
            raise Fault(
                node, say("a secret never stands in this file; put it in the environment and write env:NAME here")
            )
        return text


@action
@dataclass(frozen=True, kw_only=True)
class Webhook(Silent):
    """Tells another system, by a signed POST over https: which rule, which visitor, which cart, and no address.

    It is sent once and tried again only while the other side cannot have taken it. `Shopbell-Signature` holds the time
    and an HMAC-SHA256 of `<time>.<body>` under the secret; `Shopbell-Delivery` is the same for the same message.

    Example:
        - webhook: {url: https://crm.example/hooks/shopbell, secret: env:CRM_HOOK_SECRET}
    """

    kind: ClassVar[str] = "webhook"
    url: str = setting(SafeUrl(), "Where to.")
    secret: str = setting(SecretName(), "What it is signed with.")
    note: str = setting(Text(200), "A word along with it.", default="")

    def take(self, turn: Turn) -> None:
        facts, run = turn.facts, turn.run
        told: dict[str, object] = {
            "id": turn.delivery,
            "shop": facts.shop.id,
            "rule": turn.rule,
            "decision": run.decision,
            "variant": run.variant or None,
            "at": to_iso(facts.now),
            "visitor": facts.visitor_id,
            "customer_id": (facts.person.customer_id or None) if facts.person else None,
            "cart": run.cart,
            "note": self.note or None,
        }
        turn.plan(self.kind, {"url": self.url, "secret": self.secret, "message": told})


@action
@dataclass(frozen=True, kw_only=True)
class Audience(Silent):
    """Puts the shopper on a list for advertising, or takes them off it; only with consent to marketing.

    Whoever withdraws that consent is taken off every list at once. A rule that ends early, because its `until` came
    true, still takes the shopper off the lists that its later steps would have taken them off.

    Example:
        - audience: left-at-shipping
        - audience: {remove: left-at-shipping}
    """

    kind: ClassVar[str] = "audience"
    add: str = setting(Slug(), "The list to put them on.", default="", main=True)
    remove: str = setting(Slug(), "The list to take them off.", default="")

    def __post_init__(self) -> None:
        if bool(self.add) == bool(self.remove):
            raise Clash(say("'audience' either adds or removes; take two steps to do both"))

    def hold(self, facts: Facts) -> Hold | None:
        if self.add and facts.visitor.marketing is not True:
            return Hold(Guard.NO_BASIS, say("no consent to marketing was given"))
        return None

    def take(self, turn: Turn) -> None:
        turn.result.audiences.append(ListChange(self.add or self.remove, bool(self.add), turn.rule))


@action
@dataclass(frozen=True, kw_only=True)
class Tag(Silent):
    """Gives the shopper a tag, which conditions of other rules can ask for, or takes it away.

    Example:
        - tag: asked-about-ink
        - tag: {remove: asked-about-ink}
    """

    kind: ClassVar[str] = "tag"
    add: tuple[str, ...] = setting(OneOrMore(Text(40)), "The tag, or several.", default=(), main=True)
    remove: tuple[str, ...] = setting(OneOrMore(Text(40)), "The tag to take away, or several.", default=())

    def __post_init__(self) -> None:
        if not self.add and not self.remove:
            raise Clash(say("'tag' needs a tag to add or to remove"))

    def take(self, turn: Turn) -> None:
        visitor = turn.facts.visitor
        kept = [tag for tag in visitor.tags if tag not in self.remove and tag not in self.add]
        visitor.tags = [*kept, *self.add][-MAX_TAGS:]


@action
@dataclass(frozen=True, kw_only=True)
class TellAgent(Silent):
    """Leaves a note for whoever helps this shopper next: why Shopbell spoke up, what they saw, what was promised.

    It stands with the decision, and `shopbell why` shows it.

    Example:
        - tell_agent: "Was shown {shipping} shipping after {total} in the cart. Free shipping was offered."
    """

    kind: ClassVar[str] = "tell_agent"
    note: str = setting(
        Phrase(500, lines=True), "The note; it may have the same gaps as a text on the page.", main=True
    )

    def take(self, turn: Turn) -> None:
        facts = turn.facts
        turn.plan(self.kind, {"note": fill(self.note, facts, facts.shop.languages[0])})
