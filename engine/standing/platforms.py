"""One of a shop's platforms, chat tools or relays: what it has told us, what it answers, and what it lacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from engine import integration
from engine.clock import MINUTE, Millis, describe, machine_time
from engine.connect import address_of
from engine.errors import SettingsError
from engine.integration import PRESENCE, WEBHOOKS, Asker, Integration, Metered, Presence, Receiver, Subscriber
from engine.rules.shop import Integration as Stated
from engine.said import Said, joined, say, say_count
from engine.standing.lines import Connected, Line, Mark
from engine.standing.scene import Scene, refusals
from engine.store import budgets, errands, heard, privacy_requests, quarantine
from engine.store.budgets import Window
from engine.store.errands import Asked
from engine.store.heard import REFUSED, Tally

_LATE: Millis = 2 * MINUTE
"""What should have been asked so long ago, and was not, is asked by nobody."""


def connected_platform(scene: Scene, entry: Stated) -> Connected:
    """Everything that can be said of it without asking it."""
    kind = integration.find(entry.name)
    try:
        made = integration.create(entry.name, entry.settings, _environment(scene))
    except SettingsError as error:
        missing = Line("settings", Mark.WRONG, say("%(problem)s (where this command runs)", problem=error.message))
        return Connected(entry.name, kind.title, (missing, *_doors(scene, entry.name, kind)))
    lines = (*_doors(scene, entry.name, kind), *_questions(scene, entry.name, made), *_calls(scene, entry.name, made))
    return Connected(entry.name, kind.title, lines or (Line("settings", Mark.FINE, say("all there")),))


def _environment(scene: Scene) -> dict[str, str]:
    relay = scene.settings.smtp_url
    return dict(os.environ) | ({"SMTP_URL": relay} if relay else {})


# --- what it sends ----------------------------------------------------------------------------------------------------


def _doors(scene: Scene, name: str, kind: type[Integration[Any]]) -> Iterator[Line]:
    if not issubclass(kind, Receiver):
        return
    tallies = heard.tallies(scene.connection, scene.shop.id, name)
    yield _heard(scene, name, [tally for tally in tallies if tally.result != REFUSED])
    yield from refusals(tallies, scene.now)
    aside = quarantine.count(scene.connection).get((scene.shop.id, name), 0)
    if aside:
        says = say_count(
            "1 webhook could not be read: see `shopbell quarantine list`",
            "%(count)s webhooks could not be read: see `shopbell quarantine list`",
            count=aside,
        )
        yield Line("quarantine", Mark.WRONG, says)
    exports = privacy_requests.waiting(scene.connection, scene.shop.id, name)
    if exports:
        says = say_count(
            "1 export waits for you: see `shopbell privacy list`",
            "%(count)s exports wait for you: see `shopbell privacy list`",
            count=exports,
        )
        yield Line("privacy", Mark.WAITS, says)


def _heard(scene: Scene, name: str, good: list[Tally]) -> Line:
    if good:
        counts = joined(", ", (f"{tally.times} {tally.result}" for tally in good))
        says = say("%(counts)s; the last %(ago)s", counts=counts, ago=scene.ago(good[0].last_at))
        return Line("heard", Mark.FINE, says)
    if address := address_of(scene.settings.hooks_url, name, scene.shop.id):
        return Line("heard", Mark.WAITS, say("nothing yet; webhooks belong at %(address)s", address=address))
    says = say(
        "nothing yet, and no platform can reach %(address)s: set PUBLIC_URL to the https address of this Shopbell",
        address=scene.settings.public_url,
    )
    return Line("heard", Mark.WRONG, says)


# --- what it is asked -------------------------------------------------------------------------------------------------


def _questions(scene: Scene, name: str, made: Integration[Any]) -> Iterator[Line]:
    if isinstance(made, Asker) and made.lacks:
        yield Line("polls", Mark.WAITS, say("nothing is asked: %(setting)s is not given", setting=made.lacks))
        return
    asked = {each.what: each for each in errands.standing(scene.connection, scene.shop.id, name)}
    expected = _expected(scene, made)
    for what in expected:
        yield _question(scene, what, asked.get(what))
    look_ups = [each for what, each in asked.items() if what not in expected]
    if look_ups:
        yield _look_ups(look_ups)


def _expected(scene: Scene, made: Integration[Any]) -> list[str]:
    whats = list(made.polls) if isinstance(made, Asker) else []
    if isinstance(made, Presence):
        whats.append(PRESENCE)
    if isinstance(made, Subscriber) and address_of(scene.settings.hooks_url, "", ""):
        whats.append(WEBHOOKS)
    return whats


def _question(scene: Scene, what: str, asked: Asked | None) -> Line:
    if asked is None or asked.due_at is None:
        return Line(what, Mark.WAITS, say("not asked yet: is `shopbell clock` running?"))
    if asked.attempt:
        return Line(what, Mark.WRONG, _failing(scene, asked, asked.due_at))
    if asked.due_at < scene.now - machine_time(_LATE) and (asked.lease_until or 0) < scene.now:
        late = describe(scene.now - asked.due_at)
        return Line(what, Mark.WRONG, say("due for %(late)s: is `shopbell clock` running?", late=late))
    if asked.answered_at is None:
        return Line(what, Mark.WAITS, say("not answered yet; %(again)s", again=_again(scene, asked.due_at)))
    says = say("answered %(ago)s; %(again)s", ago=scene.ago(asked.answered_at), again=_again(scene, asked.due_at))
    return Line(what, Mark.FINE, says)


def _failing(scene: Scene, asked: Asked, due_at: Millis) -> Said:
    """What it answers, and since when."""
    again = _again(scene, due_at)
    if asked.answered_at is None:
        return say("%(problem)s; never answered; %(again)s", problem=asked.problem, again=again)
    since = scene.ago(asked.answered_at)
    return say("%(problem)s; last answered %(ago)s; %(again)s", problem=asked.problem, ago=since, again=again)


def _again(scene: Scene, due_at: Millis) -> Said:
    return say("again in %(long)s", long=describe(due_at - scene.now)) if due_at > scene.now else say("due now")


def _look_ups(asked: list[Asked]) -> Line:
    """Questions that a webhook led to: gone as soon as they are answered."""
    failing = [each for each in asked if each.attempt]
    if not failing:
        return Line("look-ups", Mark.FINE, say_count("1 waits", "%(count)s wait", count=len(asked)))
    says = say("%(count)s wait; %(problem)s", count=len(asked), problem=failing[0].problem)
    return Line("look-ups", Mark.WRONG, says)


# --- how many calls it takes ------------------------------------------------------------------------------------------


def _calls(scene: Scene, name: str, made: Integration[Any]) -> Iterator[Line]:
    if not isinstance(made, Metered):
        return
    for window in budgets.everything(scene.engine, f"{name}:{made.account}"):
        yield _window(scene, window)


def _window(scene: Scene, window: Window) -> Line:
    if window.rest_until > scene.now:
        rest = describe(window.rest_until - scene.now)
        return Line("calls", Mark.WAITS, say("the platform wants no calls for %(rest)s", rest=rest))
    used = window.used if window.ends_at > scene.now else 0
    left = max(0, window.most - used)
    says = say("%(left)s of %(most)s left in %(long)s", left=left, most=window.most, long=describe(window.lasts_ms))
    return Line("calls", Mark.FINE if left else Mark.WAITS, says)
