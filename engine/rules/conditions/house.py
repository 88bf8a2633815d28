"""The house: who is there to help."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts, Presence
from engine.rules.fields import Choice, Text
from engine.rules.forms import setting
from engine.rules.numbers import Compared, Comparison, Whole
from engine.rules.verdicts import Asks, Verdict, met, not_met, unknown
from engine.said import Said, say


@condition
@dataclass(frozen=True, kw_only=True)
class Agents(BaseCondition):
    """Chat agents are there (`online`), could take one more chat now (`free`), or nobody is there (`offline`).

    Shopbell knows what the shop or its chat tool reports (`agents_changed`), or asks the chat tool itself. As long as
    nothing was reported, or what was reported is no longer valid, the answer is unknown, and a rule that asks stays
    silent. Where it is told how many are free, every invitation to chat keeps one of them until it is answered,
    expires, or two minutes have passed.

    Example:
        - agents: online
        - agents: {are: free, department: ink}
    """

    are: str = setting(Choice(("online", "free", "offline")), "What the agents must be.", main=True)
    department: str = setting(Text(64), "Only the agents of this department.", default="", shown="the whole shop")

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "named operators",
        "Zendesk": "account or department online",
        "Tidio": "agents online",
        "Smartsupp": "online only",
        "JivoChat": "agents online",
        "Chaport": "online or offline",
        "Tiledesk": "agent count",
    }

    def check(self, facts: Facts) -> Verdict:
        presence = facts.house.presence(self.department, facts.now)
        if presence is None:
            return self._not_told
        if self.are == "free" and presence.free is None:
            return unknown(say("whether an agent is free"), asks=Asks.HOUSE)
        left = facts.house.free(facts.now) or 0
        seen = _describe(presence, left)
        return met(seen, self.are) if self._fits(presence, left) else not_met(seen, self.are, asks=Asks.HOUSE)

    @cached_property
    def _not_told(self) -> Verdict:
        if not self.department:
            return unknown(say("whether agents are there"), asks=Asks.HOUSE)
        return unknown(say("whether agents of %(department)s are there", department=self.department), asks=Asks.HOUSE)

    def _fits(self, presence: Presence, left: int) -> bool:
        if self.are == "free":
            return presence.online > 0 and min(presence.free or 0, left) > 0
        return (presence.online > 0) == (self.are == "online")


def _describe(presence: Presence, left: int) -> Said:
    if presence.free is None:
        return say("%(online)s online", online=presence.online)
    return say("%(online)s online, %(free)s free", online=presence.online, free=min(presence.free, left))


@condition
@dataclass(frozen=True, kw_only=True)
class Queue(BaseCondition):
    """So many shoppers wait for a chat (`waiting` of `agents_changed`). Until it was told, the answer is unknown.

    Example:
        - queue: "<= 2"
        - queue: {waiting: 0, department: ink}
    """

    waiting: Comparison = setting(Compared(Whole()), "How many wait.", main=True)
    department: str = setting(Text(64), "Only this department's queue.", default="", shown="the whole shop")

    peers: ClassVar[dict[str, str]] = {
        "Live Helper Chat": "pending cap, operator overload",
        "Zendesk": "queue size",
        "Smartsupp": "agent_busy",
    }

    def check(self, facts: Facts) -> Verdict:
        presence = facts.house.presence(self.department, facts.now)
        if presence is None or presence.waiting is None:
            return unknown(say("how many wait for a chat"), asks=Asks.HOUSE)
        fits = self.waiting.holds(presence.waiting)
        if fits:
            return met(presence.waiting, self.waiting.text)
        return not_met(presence.waiting, self.waiting.text, asks=Asks.HOUSE)
