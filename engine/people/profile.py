"""What belongs to a person and not to one of their browsers: it follows them over all devices that are linked.

Conditions ask the visitor. So the profile is brought to a visitor before anything happens to them, and what is
different afterwards is noted with the person.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from engine.events import Loyalty, Trait
from engine.visitors import MAX_REPLIES, MAX_TIMES, MAX_TRAITS, Reply, Series, Tally, Visitor

ABOUT_PERSON = frozenset(
    "survey_answered chat_started chat_ended order_paid order_shipped order_delivered order_returned".split()
)
"""Events that are counted for the person, whatever device they came by.

Orders are not among them: the shop's page and its server both tell of the same one, and each order counts once already.
"""


class Profile(msgspec.Struct, omit_defaults=True):
    """The parts of a visitor that belong to the person; the same names mean the same as in Visitor."""

    loyalty: Loyalty | None = None
    attributes: dict[str, Trait] = {}
    tags: list[str] = []
    segments: list[str] | None = None
    replies: list[Reply] = []
    tallies: dict[str, Tally] = {}
    watched: dict[str, Series] = {}
    vouched: list[str] = []
    """What the shop's server said, or a device that it vouched for: no browser that merely typed an address changes
    that. ``loyalty``, or an attribute's name behind a colon."""


def bring(visitor: Visitor, profile: Profile) -> None:
    """What is known of the person is known here too."""
    visitor.loyalty = profile.loyalty
    visitor.attributes = dict(profile.attributes)
    visitor.tags = list(profile.tags)
    visitor.segments = None if profile.segments is None else list(profile.segments)
    visitor.replies = list(profile.replies)
    visitor.tallies = {name: tally for name, tally in visitor.tallies.items() if name not in ABOUT_PERSON}
    # Copies, because a visitor's own are changed in place.
    visitor.tallies |= {name: msgspec.structs.replace(tally) for name, tally in profile.tallies.items()}
    visitor.watched |= {key: msgspec.structs.replace(series) for key, series in profile.watched.items()}
    nos = [reply.at for reply in profile.replies if reply.what == "dismissed"]
    visitor.dismissed_at = max([visitor.dismissed_at or 0, *nos]) or None


def noted(visitor: Visitor, profile: Profile, watches: Collection[str], *, vouched: bool) -> Profile:
    """The profile after what happened to this visitor, to whom it was brought before.

    ``watches`` are the keys of watches for events that are counted for the person.
    """
    known = set(profile.vouched)
    loyalty, attributes = visitor.loyalty, dict(visitor.attributes)
    if not vouched:
        loyalty = profile.loyalty if "loyalty" in known else loyalty
        attributes |= {name: value for name, value in profile.attributes.items() if f":{name}" in known}
    else:
        known |= {"loyalty"} if loyalty != profile.loyalty else set()
        known |= {f":{name}" for name, value in attributes.items() if profile.attributes.get(name) != value}
    return Profile(
        loyalty=loyalty,
        attributes=attributes,
        tags=list(visitor.tags),
        segments=visitor.segments,
        replies=list(visitor.replies),
        tallies={
            name: msgspec.structs.replace(visitor.tallies[name]) for name in ABOUT_PERSON & visitor.tallies.keys()
        },
        watched={key: msgspec.structs.replace(visitor.watched[key]) for key in watches if key in visitor.watched},
        vouched=sorted(known & {"loyalty", *(f":{name}" for name in attributes)}),
    )


def join(visitor: Visitor, profile: Profile) -> None:
    """This visitor turns out to be the person: both sides' knowledge together; where they differ, the person's."""
    visitor.loyalty = profile.loyalty or visitor.loyalty
    visitor.attributes = dict(list((visitor.attributes | profile.attributes).items())[-MAX_TRAITS:])
    visitor.tags = list(dict.fromkeys([*visitor.tags, *profile.tags]))[-MAX_TRAITS:]
    visitor.segments = visitor.segments if profile.segments is None else list(profile.segments)
    known = {(reply.message, reply.what): reply for reply in [*visitor.replies, *profile.replies]}
    visitor.replies = sorted(known.values(), key=lambda reply: reply.at)[-MAX_REPLIES:]
    visitor.tallies |= {name: _both(visitor.tallies.get(name), tally) for name, tally in profile.tallies.items()}
    visitor.watched |= {key: _both_series(visitor.watched.get(key), known) for key, known in profile.watched.items()}


def _both(one: Tally | None, other: Tally) -> Tally:
    one = one or Tally()
    return Tally(one.count + other.count, sorted([*one.times, *other.times])[-MAX_TIMES:])


def _both_series(one: Series | None, other: Series) -> Series:
    one = one or Series()
    told = sorted(zip([*one.times, *other.times], [*one.values, *other.values], strict=True), key=lambda pair: pair[0])
    last = told[-MAX_TIMES:]
    return Series(one.count + other.count, one.total + other.total, [at for at, _ in last], [it for _, it in last])
