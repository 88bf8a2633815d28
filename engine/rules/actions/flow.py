"""The order of things: waiting, and ending."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from engine.clock import DAY, Millis, from_datetime, to_datetime
from engine.rules.actions.base import Silent, Turn, action
from engine.rules.facts import Facts
from engine.rules.fields import Fault, Kind, OneOrMore, Reading, Schema, Slug, text_of
from engine.rules.forms import setting
from engine.rules.numbers import Duration
from engine.rules.source import Node
from engine.rules.suggestions import shorten
from engine.rules.zones import zone_of
from engine.said import say
from engine.visitors import Run


@dataclass(frozen=True)
class Pause:
    """So long, or until a time of the day (in minutes), or until the shop opens."""

    ms: Millis = 0
    minute: int | None = None
    opening: bool = False

    def ends_at(self, facts: Facts) -> Millis:
        """The moment it is over; now, where it is that time already."""
        if self.opening:
            hours = facts.shop.office_hours
            return facts.now if hours is None else hours.opens_at(facts.now, facts.shop.zone)
        if self.minute is None:
            return facts.now + self.ms
        local = to_datetime(facts.now).astimezone(zone_of(facts))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        # On the wall clock, so that the days on which it is put forward or back have their 09:00 too.
        times = (from_datetime(midnight + timedelta(days=day, minutes=self.minute)) for day in range(3))
        return next(at for at in times if at >= facts.now)


class PauseText(Kind[Pause]):
    what = say("a duration such as 1d, `until 09:00` or `until office_hours`")

    def read(self, node: Node, reading: Reading) -> Pause:
        text = text_of(node, self.what)
        if not text.startswith("until"):
            return Pause(ms=Duration(90 * DAY).read(node, reading))
        until = text.removeprefix("until").strip()
        if until == "office_hours":
            return Pause(opening=True)
        match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", until, re.ASCII)
        if match is None:
            raise Fault(
                node,
                say("after until comes a time such as 09:00, or office_hours, not '%(until)s'", until=shorten(until)),
            )
        return Pause(minute=int(match[1]) * 60 + int(match[2]))

    def schema(self) -> Schema:
        return {"type": "string"}


@action
@dataclass(frozen=True, kw_only=True)
class Wait(Silent):
    """Waits before the next step; the rule's `until` says what makes the rest superfluous.

    `until 09:00` is the next time that it is so late on the shopper's own clock, `until office_hours` the next moment
    at which the shop is open. Where it is that time already, nothing is waited for.

    Example:
        - wait: 1d
        - wait: until 09:00
        - wait: until office_hours
    """

    kind: ClassVar[str] = "wait"
    bare: ClassVar[bool] = True
    pause: Pause = setting(PauseText(), "How long until the next step.", main=True)

    def take(self, turn: Turn) -> None:
        turn.run.wake_at = self.pause.ends_at(turn.facts)
        turn.run.waits_since = turn.facts.now

    def reckon_anew(self, run: Run, facts: Facts) -> None:
        """The rule was edited while this wait was on: it is as long as it says now, from when it began."""
        run.wake_at = max(facts.now, self.pause.ends_at(replace(facts, now=run.waits_since)))


@action
@dataclass(frozen=True, kw_only=True)
class Stop(Silent):
    """Ends what is on its way for this shopper: the steps of the named rules, or those of this rule itself.

    Alone as the only step of a variant, it is the variant that gets nothing, to compare the others with.

    Example:
        - stop
        - stop: [cart-left, unexpected-shipping]
    """

    kind: ClassVar[str] = "stop"
    bare: ClassVar[bool] = True
    rules: tuple[str, ...] = setting(OneOrMore(Slug()), "The rules that go no further.", default=(), main=True)

    def take(self, turn: Turn) -> None:
        turn.result.stops.extend((name, turn.rule) for name in self.rules)
