"""A platform's webhooks, made what they should be: registered where they are missing, mended where they differ.

What is ours is known by its address, whatever its query says; the rest is somebody else's and is left alone. What a
platform has us register beside webhooks, such as a script on the shop's pages, is seen to in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import CallError
from engine.integration import Call, Subscriber, Subscription


class Became(StrEnum):
    """What was found of a webhook, and what was made of it; when it was only looked at, what would be."""

    STANDS = "stands"
    MADE = "made"
    MENDED = "mended"
    REMOVED = "removed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Step:
    """One webhook; ``detail`` says what differed, or why the platform refused."""

    topic: str
    became: Became
    detail: str = ""


def address_of(hooks_url: str, integration: str, shop: str) -> str:
    """Where the platform should deliver to; "" where no platform could reach it (see ``Settings.hooks_url``)."""
    return f"{hooks_url}/hooks/{integration}/{shop}" if hooks_url else ""


def connect(subscriber: Subscriber[Any], address: str, call: Call, *, change: bool = True) -> tuple[Step, ...]:
    """Have everything that is wanted stand; without ``change`` only say what would be done.

    Raises CallError when the platform does not answer, and Throttled: what was done until then stays done.
    """
    wanted = subscriber.wanted(address)
    if not wanted:
        return ()
    ours = {_base(item.address) for item in wanted}
    own = [item for item in subscriber.standing(call) if _base(item.address) in ours]
    steps = [_see_to(subscriber, item, own, call, change=change) for item in wanted]
    kept = {_first(own, item.topic) for item in wanted}
    return (*steps, *(_remove(subscriber, item, call, change=change) for item in own if item not in kept))


def refusals(steps: Iterable[Step]) -> str:
    """What the platform said no to, in one line; "" for nothing."""
    return "; ".join(f"{step.topic}: {step.detail}" for step in steps if step.became is Became.REFUSED)


def _see_to(
    subscriber: Subscriber[Any], wanted: Subscription, own: list[Subscription], call: Call, *, change: bool
) -> Step:
    standing = _first(own, wanted.topic)
    differs = "" if standing is None else _difference(standing, wanted)
    if standing is not None and not differs:
        return Step(wanted.topic, Became.STANDS)
    try:
        if change and standing is None:
            subscriber.make(wanted, call)
        elif change and standing is not None:
            subscriber.mend(standing, wanted, call)
    except CallError as error:
        return _refused(wanted, error)
    return Step(wanted.topic, Became.MADE if standing is None else Became.MENDED, differs)


def _remove(subscriber: Subscriber[Any], standing: Subscription, call: Call, *, change: bool) -> Step:
    try:
        if change:
            subscriber.remove(standing, call)
    except CallError as error:
        return _refused(standing, error)
    return Step(standing.topic, Became.REMOVED)


def _refused(subscription: Subscription, error: CallError) -> Step:
    """A no to one webhook is no reason to give up the others; no answer at all is."""
    if not error.refused:
        raise error
    return Step(subscription.topic, Became.REFUSED, error.message)


def _first(own: list[Subscription], topic: str) -> Subscription | None:
    return next((item for item in own if item.topic == topic), None)


def _difference(standing: Subscription, wanted: Subscription) -> str:
    differs = {
        "it was switched off": standing.active != wanted.active,
        "another address": standing.address != wanted.address,
        "other fields": standing.fields != wanted.fields,
        "another filter": standing.filter != wanted.filter,
    }
    return ", ".join(name for name, is_so in differs.items() if is_so)


def _base(address: str) -> str:
    return address.partition("?")[0]
