"""Who comes to the shop and what they do: stories drawn from a seed, nothing else; the same seed is the same day.

A story is a row of steps, in minutes since its shopper came. Everything a check can promise follows from the story:
who left a cart, who may be written to, who has ordered before a mail was due.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from engine.clock import DAY, HOUR, MINUTE, Millis
from simulator.goods import INSURED, LETTERBOX, PRODUCTS, SOLD_OUT, Line, Product, Shipping

OPENS_AT: Final[Millis] = 1_795_507_200_000
"""Tuesday 24 November 2026, 9:00 in Amsterdam: every mail of the day is due before nine in the evening."""
COMING: Final = 6 * HOUR
"""Within how long all of them come."""
LASTS: Final = 33 * HOUR
"""A day, and the next one until its mails have gone; another day is another 24 hours."""
CAME: Final = Line(SOLD_OUT, 12)
"""What comes back, and how many."""
BACK_AT: Final = 480 * MINUTE
"""How long after opening something sold out comes back: everybody has been there, and lost webhooks are back."""
COUNTED_AT: Final = (150 * MINUTE, 314 * MINUTE)
"""When the whole stock is counted: the changes of a day within a minute or two."""
CHANGES: Final = 20
"""How many changes of stock one count has for each shopper of the day."""


class Kind(StrEnum):
    """What happens in a shop."""

    LOOKED = "looked"
    CART_CHANGED = "cart_changed"
    CHECKOUT_BEGAN = "checkout_began"
    CONTACT_LEFT = "contact_left"
    SHIPPING_CHOSEN = "shipping_chosen"
    CART_EMPTIED = "cart_emptied"
    ORDERED = "ordered"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    MAILED = "mailed"
    """By the platform itself, about the cart that was left."""
    SIGNED_UP = "signed_up"
    """For mail about what they looked at, on the shop's page; the platform does not hear of it."""
    STOCKED = "stocked"
    """The shop itself has so many of something now (``lines``)."""
    CONSENT_WITHDRAWN = "consent_withdrawn"
    UNSUBSCRIBED = "unsubscribed"
    """By the link of a mail; the platform does not hear of it."""
    ERASURE_ASKED = "erasure_asked"


class Story(StrEnum):
    """What somebody's visit comes to."""

    SHOCKED = "leaves after the shipping costs"
    SHOCKED_RETURNS = "leaves after the shipping costs, orders in time"
    ERASED = "leaves, and asks to be erased"
    BUYS = "buys at once"
    LEAVES = "leaves a cart of some value"
    SHOCKED_BUYS_LATER = "orders after the first mail"
    ERASED_LATER = "asks to be erased after the first mail"
    NO_CONSENT = "leaves an address, and no consent"
    NO_ADDRESS = "leaves no address"
    UNPAID = "orders, and has not paid yet"
    EMPTIES = "empties the cart"
    WITHDRAWS = "takes the consent back"
    UNSUBSCRIBES = "unsubscribes from the first mail"
    PAYS_LATER = "orders, and pays half an hour later"
    WAITS = "waits for something that is sold out"
    REMINDED = "leaves a cart, and is mailed by the platform"
    KEEPS_SHOP = "keeps the shop"


@dataclass(frozen=True)
class Shopper:
    """Somebody. ``visitor`` is what the snippet calls their browser, "" where they let nobody watch."""

    number: int
    first_name: str
    last_name: str
    email: str
    language: str
    device: str
    visitor: str
    consents: bool
    story: Story

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class Happening:
    """Something that happens to one shopper at ``at``; ``lines`` is the whole cart, ``shipping`` what was chosen."""

    at: Millis
    kind: Kind
    shopper: Shopper
    lines: tuple[Line, ...]
    shipping: Shipping

    @property
    def number(self) -> int:
        """Under which number it is told: the shopper's, or that of what the shop has so many of."""
        return self.lines[0].product.number if self.kind is Kind.STOCKED else self.shopper.number


@dataclass(frozen=True)
class Life:
    """All that will happen between ``begins_at`` and ``ends_at``, in order."""

    shoppers: tuple[Shopper, ...]
    happenings: tuple[Happening, ...]
    begins_at: Millis
    ends_at: Millis


_Plot = tuple[tuple[float, Kind], ...]
_TO_CHECKOUT: Final[_Plot] = (
    (0, Kind.LOOKED),
    (2, Kind.CART_CHANGED),
    (4, Kind.CHECKOUT_BEGAN),
)
_TO_SHIPPING: Final[_Plot] = (*_TO_CHECKOUT, (5, Kind.CONTACT_LEFT), (6, Kind.SHIPPING_CHOSEN))
_PLOTS: Final[Mapping[Story, _Plot]] = {
    Story.SHOCKED: _TO_SHIPPING,
    Story.SHOCKED_RETURNS: (*_TO_SHIPPING, (35, Kind.ORDERED), (36, Kind.PAID)),
    Story.ERASED: (*_TO_SHIPPING, (40, Kind.ERASURE_ASKED)),
    Story.BUYS: (
        *_TO_SHIPPING,
        (9, Kind.ORDERED),
        (10, Kind.PAID),
        (50, Kind.SHIPPED),
        (90, Kind.DELIVERED),  # by a courier on a bicycle
    ),
    Story.LEAVES: _TO_SHIPPING,
    Story.SHOCKED_BUYS_LATER: (*_TO_SHIPPING, (600, Kind.ORDERED), (601, Kind.PAID)),
    Story.ERASED_LATER: (*_TO_SHIPPING, (600, Kind.ERASURE_ASKED)),
    Story.NO_CONSENT: _TO_SHIPPING,
    Story.NO_ADDRESS: _TO_CHECKOUT,
    Story.UNPAID: (*_TO_SHIPPING, (8, Kind.ORDERED)),
    Story.EMPTIES: (*_TO_SHIPPING, (30, Kind.CART_EMPTIED)),
    Story.WITHDRAWS: (*_TO_SHIPPING, (30, Kind.CONSENT_WITHDRAWN)),
    Story.UNSUBSCRIBES: (*_TO_SHIPPING, (600, Kind.UNSUBSCRIBED)),
    Story.PAYS_LATER: (*_TO_SHIPPING, (8, Kind.ORDERED), (38, Kind.PAID)),
    Story.WAITS: ((0, Kind.LOOKED), (1, Kind.SIGNED_UP)),
    Story.REMINDED: (*_TO_SHIPPING, (40, Kind.MAILED)),
}
STORIES: Final = tuple(_PLOTS)
"""Of shoppers, in the order of their worth to a check."""
_WEIGHTS: Final = {Story.BUYS: 5, Story.SHOCKED: 3, Story.LEAVES: 3, Story.SHOCKED_RETURNS: 3}
_CHEAP: Final = frozenset([Story.LEAVES, Story.REMINDED])
"""Whose shipping costs surprise nobody."""
_FIRST: Final = (
    "Anna Bram Carla Daan Eline Femke Gijs Hanna Ilse Joost Karin Lars Maud Noor Otto Pien Ruben Saar".split()
)
_LAST: Final = "de Wit|Jansen|van Dijk|O'Brien|Visser|Smith|Mulder|Øster|Bakker|Taylor|Peeters|Müller".split("|")
_DEVICES: Final = ("mobile", "mobile", "desktop", "tablet")


SHOP: Final = Shopper(0, "", "", "", "nl", "", "", consents=False, story=Story.KEEPS_SHOP)
"""Whoever keeps the shop, to whom happens what happens to no shopper."""


def live(seed: int, count: int, opens_at: Millis = OPENS_AT, days: int = 1) -> Life:
    """A day with so many shoppers, and what comes of it in so many. The first have a story each."""
    chance = random.Random(seed)  # noqa: S311 - a play, not a secret
    stories = [*STORIES][:count]
    stories += chance.choices(STORIES, [_WEIGHTS.get(story, 1) for story in STORIES], k=max(0, count - len(stories)))
    shoppers = tuple(_shopper(chance, seed, number, story) for number, story in enumerate(stories, 1))
    happenings = [each for shopper in shoppers for each in _visit(chance, shopper, opens_at)]
    happenings += _stock_taking(seed, count, opens_at)
    happenings.sort(key=lambda happening: (happening.at, happening.shopper.number))
    return Life(shoppers, tuple(happenings), opens_at, opens_at + LASTS + (days - 1) * DAY)


def _stock_taking(seed: int, count: int, opens_at: Millis) -> list[Happening]:
    """The stock is counted twice, a thousand changes in a minute where fifty shoppers come; one thing comes back."""
    chance = random.Random(f"stock {seed}")  # noqa: S311 - a play
    counted = [
        _stocked(
            opens_at + begins + change * MINUTE // (count * CHANGES), chance.choice(PRODUCTS), chance.randint(1, 90)
        )
        for begins in COUNTED_AT
        for change in range(count * CHANGES)
    ]
    return [*counted, _stocked(opens_at + BACK_AT, CAME.product, CAME.quantity)]


def _stocked(at: Millis, product: Product, left: int) -> Happening:
    return Happening(at, Kind.STOCKED, SHOP, (Line(product, left),), LETTERBOX)


def _shopper(chance: random.Random, seed: int, number: int, story: Story) -> Shopper:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    watched, visitor = chance.random() < 0.7, str(UUID(int=chance.getrandbits(128), version=4))
    return Shopper(
        number=number,
        first_name=first,
        last_name=last,
        email=f"{first.lower()}.{seed}-{number}@shopper.example",
        language=chance.choice(("nl", "nl", "en")),
        device=chance.choice(_DEVICES),
        visitor=visitor if watched or story is Story.WAITS else "",
        consents=story is not Story.NO_CONSENT,
        story=story,
    )


def _visit(chance: random.Random, shopper: Shopper, opens_at: Millis) -> list[Happening]:
    comes_at, haste = opens_at + chance.randrange(COMING), chance.uniform(0.9, 1.2)
    lines = (Line(SOLD_OUT, 1),) if shopper.story is Story.WAITS else _cart(chance)
    shipping = LETTERBOX if shopper.story in _CHEAP else INSURED
    return [
        Happening(comes_at + round(minutes * haste * MINUTE), kind, shopper, lines, shipping)
        for minutes, kind in _PLOTS[shopper.story]
    ]


def _cart(chance: random.Random) -> tuple[Line, ...]:
    """One dear thing, and up to two more: worth a mail, and never so much that 2.50 for shipping surprises."""
    dear, *rest = chance.sample([product for product in PRODUCTS if product.price >= 4_000], 1)
    rest = chance.sample([product for product in PRODUCTS if product.price < 4_000], chance.randrange(3))
    return (Line(dear, 1), *(Line(product, chance.choice((1, 1, 2))) for product in rest))
