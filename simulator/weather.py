"""How deliveries really arrive: twice, late, out of order, hours later, or not at all. Pure, drawn from a seed.

What is drawn depends on the delivery itself and not on when it is asked for, so the same day has the same weather.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.clock import HOUR, MINUTE, SECOND, Millis
from simulator.platform import Delivery, Manners


def is_insisted_on(delivery: Delivery) -> bool:
    """Whether a platform tells it until it is heard, through outages of its own: what people ask for themselves."""
    return delivery.about.partition(":")[0] in ("erasure", "consent")


@dataclass(frozen=True)
class Outage:
    """Somebody is away from ``begins_at`` until ``ends_at``."""

    begins_at: Millis
    ends_at: Millis

    def covers(self, at: Millis) -> bool:
        return self.begins_at <= at < self.ends_at


@dataclass(frozen=True)
class Weather:
    """A day's weather.

    While the platform is away its API answers 503 and webhooks about carts and orders are never sent. While Shopbell is
    away the platform tries again, as often as it does. At ``storms_at`` whatever was sent in the hour before is sent
    once more, all at once.
    """

    seed: int
    platform_away: Outage
    house_away: Outage
    storms_at: Millis
    doubled: float = 0.15
    """The share of deliveries that come twice within a minute."""
    overtaken: float = 0.10
    """The share that come minutes late, after what happened later."""
    stale: float = 0.08
    """The share that come once more four hours later, because their answer was lost on the way back."""

    def sendings(self, delivery: Delivery, at: Millis, manners: Manners) -> list[Millis]:
        """When the platform sends it, in order; what it does after a refusal is not in here."""
        chance = random.Random(f"{self.seed}/{delivery.topic}/{delivery.about}/{at}")  # noqa: S311 - a play
        soon = chance.randint(*manners.soon)
        if self.platform_away.covers(at):
            return [self.platform_away.ends_at + soon] if is_insisted_on(delivery) else []
        first = at + soon
        if chance.random() < self.overtaken:
            first += chance.randint(2 * MINUTE, 6 * MINUTE)
        sent = [first]
        if chance.random() < self.doubled:
            sent.append(first + chance.randint(1 * SECOND, 50 * SECOND))
        if chance.random() < self.stale:
            sent.append(first + 4 * HOUR)
        if self.storms_at - HOUR <= first < self.storms_at:
            sent.append(self.storms_at)
        return sorted(sent)


def weather_of(seed: int, opens_at: Millis) -> Weather:
    """The weather of a day whose shoppers come between nine and three."""
    chance = random.Random(f"weather {seed}")  # noqa: S311 - a play
    platform_away = opens_at + chance.randint(60, 100) * MINUTE
    # Late, because starting takes as long as it does: at a high speed that is half a day.
    house_away = opens_at + chance.randint(285, 315) * MINUTE
    return Weather(
        seed,
        Outage(platform_away, platform_away + 25 * MINUTE),
        Outage(house_away, house_away + 30 * MINUTE),
        opens_at + 4 * HOUR,
    )
