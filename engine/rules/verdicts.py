"""What a condition answers.

``Met``, ``NotMet``, ``NotYet`` (met at a known moment if nothing changes) or ``Unknown`` (a fact is missing), always
with what was seen and what was wanted. NotMet beats Unknown, and Unknown never fires, also inside ``not``.
"""

from __future__ import annotations

from enum import Enum, IntEnum

import msgspec

from engine import clock, money
from engine.clock import Millis
from engine.said import Said, say


class State(Enum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"


class Asks(IntEnum):
    """Who can bring the answer that is still out, the strictest last."""

    CLOCK = 0
    """Time alone: the server looks again."""
    HOUSE = 1
    """The shop (its agents); a page that waits asks again now and then."""
    VISIBLE = 2
    """The page, asked again after so much time on which it is visible."""
    ENGAGED = 3
    """The page, asked again after so much engaged time; the server never assumes that somebody is looking."""


class Verdict(msgspec.Struct, frozen=True):
    """One answer. ``seen`` and ``wanted`` are raw values in ``unit``: ``ms``, a currency code, ``%`` or plain."""

    state: State
    seen: str | int | float | None = None
    wanted: str | int | float | None = None
    unit: str = ""
    at: Millis | None = None
    asks: Asks = Asks.CLOCK
    parts: tuple[Part, ...] = ()

    @property
    def met(self) -> bool:
        return self.state is State.MET


class Part(msgspec.Struct, frozen=True):
    """A clause and its verdict, inside a combined one; ``clause`` is the clause as the marketer wrote it."""

    clause: str
    verdict: Verdict


MET = Verdict(State.MET)


def met(seen: str | int | float | None = None, wanted: str | int | float | None = None, unit: str = "") -> Verdict:
    return Verdict(State.MET, seen, wanted, unit)


def not_met(
    seen: str | int | float | None = None,
    wanted: str | int | float | None = None,
    unit: str = "",
    *,
    asks: Asks = Asks.CLOCK,
) -> Verdict:
    """``asks=Asks.HOUSE`` says that the shop's own state stands in the way and may change any moment."""
    return Verdict(State.NOT_MET, seen, wanted, unit, asks=asks)


def not_yet(
    at: Millis,
    seen: str | int | float | None = None,
    wanted: str | int | float | None = None,
    unit: str = "",
    *,
    asks: Asks = Asks.CLOCK,
) -> Verdict:
    """Will be met at ``at`` if nothing changes and, for ``asks`` other than CLOCK, if the page says so then."""
    return Verdict(State.NOT_YET, seen, wanted, unit, at, asks)


def unknown(what: Said, *, asks: Asks = Asks.CLOCK) -> Verdict:
    """A fact that the condition needs is missing; ``what`` names it. HOUSE: the shop may tell any moment."""
    return Verdict(State.UNKNOWN, seen=what, asks=asks)


def all_of(parts: tuple[Part, ...]) -> Verdict:
    """Every part must hold: NotMet beats Unknown beats NotYet (the latest of them) beats Met.

    Where nothing but the house stands in the way (its agents are away, or were never told about), the answer says so,
    and ``at`` is when the rest would be met: a page that waits asks again then.
    """
    combined = together([part.verdict for part in parts if not part.verdict.met])
    return msgspec.structs.replace(combined, parts=parts)


def together(open_verdicts: list[Verdict]) -> Verdict:
    """The same for the verdicts that are not met, without a trace."""
    if not open_verdicts:
        return MET
    if len(open_verdicts) == 1:
        return open_verdicts[0]
    state, at, seen = State.NOT_YET, None, None
    asked: Asks = Asks.CLOCK
    house_only = True
    for verdict in open_verdicts:
        if verdict.state is State.NOT_YET:
            at = verdict.at if at is None else max(at, verdict.at or 0)
            # What needs the page cannot be answered by the clock, and engaged time is the stricter of the two.
            asked = max(asked, verdict.asks)
            continue
        house_only = house_only and verdict.asks is Asks.HOUSE
        if verdict.state is State.NOT_MET:
            state = State.NOT_MET
        elif state is State.NOT_YET:
            state, seen = State.UNKNOWN, verdict.seen
    if state is State.NOT_YET:
        return Verdict(state, at=at, asks=asked)
    seen = seen if state is State.UNKNOWN else None
    return Verdict(state, seen, at=at, asks=Asks.HOUSE) if house_only else Verdict(state, seen)


def any_of(parts: tuple[Part, ...]) -> Verdict:
    """One part must hold: Met beats NotYet (the soonest) beats Unknown beats NotMet."""
    if any(part.verdict.met for part in parts):
        return Verdict(State.MET, parts=parts)
    return msgspec.structs.replace(at_best([part.verdict for part in parts]), parts=parts)


def at_best(open_verdicts: list[Verdict]) -> Verdict:
    """The same for verdicts of which none is met, without a trace."""
    waiting = [verdict for verdict in open_verdicts if verdict.state is State.NOT_YET]
    if waiting:
        soonest = min(waiting, key=lambda verdict: verdict.at or 0)
        return Verdict(State.NOT_YET, at=soonest.at, asks=soonest.asks)
    blank = next((verdict for verdict in open_verdicts if verdict.state is State.UNKNOWN), None)
    if blank is not None:
        return Verdict(State.UNKNOWN, seen=blank.seen)
    house = any(verdict.asks is Asks.HOUSE for verdict in open_verdicts)
    return Verdict(State.NOT_MET, asks=Asks.HOUSE if house else Asks.CLOCK)


def opposite(part: Part, met_until: Millis | None = None) -> Verdict:
    """``not``: what will be met later is not met now; what is unknown stays unknown.

    ``met_until`` is when time alone ends what is met now.
    """
    inner = part.verdict
    if inner.met and met_until is not None:
        return Verdict(State.NOT_YET, seen=inner.seen, at=met_until, parts=(part,))
    state = {State.MET: State.NOT_MET, State.UNKNOWN: State.UNKNOWN}.get(inner.state, State.MET)
    asks = Asks.HOUSE if inner.asks is Asks.HOUSE else Asks.CLOCK
    return Verdict(state, seen=inner.seen, asks=asks, parts=(part,))


def describe(value: str | int | float | None, unit: str) -> str:
    """A seen or wanted value as a person reads it."""
    if value is None:
        return say("nothing")
    if unit == "ms" and isinstance(value, int):
        return clock.describe(value)
    if unit == "%" and isinstance(value, float):
        return f"{value:.1%}"
    if len(unit) == 3 and unit.isupper() and isinstance(value, int):
        return money.describe(value, unit)
    return value if isinstance(value, str) else str(value)
