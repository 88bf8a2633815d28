"""What was told of a visitor's carts: of each telling the few facts from which all that is known of a cart follows.

Page, webhook and poll tell in any order, and the same more than once. A visitor's ``story`` is what they told, each
telling once, in the order in which it happened; whoever reads it (:mod:`engine.visitors.story`) never learns how it
came here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import msgspec

from engine.clock import Millis

OWN_CART = "own-"
"""Begins the id of a cart for which the shop told none."""


class Did(IntEnum):
    """What somebody did at the checkout, as far as its steps are concerned."""

    CAME = 0
    OPENED = 1
    COMPLETED = 2


class Filled(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """A whole cart with something in it."""

    at: Millis
    seq: int
    cart: str
    """The shop's name for it, or one of ours for this very telling."""
    contents: int
    """What is in it, as a number: equal contents give equal numbers."""
    goods: int
    """The same with the prices of its lines."""
    total: int
    currency: str
    coupon: str = ""
    free_from: int | None = None
    estimate: int | None = None
    """What it said of shipping."""


class Moved(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Somebody came further at the checkout; ``cart`` and ``contents`` where it was told with a cart."""

    at: Millis
    seq: int
    stage: int
    did: Did
    step: str = ""
    """The step that was opened."""
    cart: str = ""
    contents: int = 0


class Shown(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """A shipping cost was shown, or estimated."""

    at: Millis
    seq: int
    price: int
    currency: str
    estimate: bool = False
    days: int | None = None
    cart: str = ""
    contents: int = 0


class Emptied(msgspec.Struct, array_like=True, frozen=True, tag=3):
    """A cart with nothing in it."""

    at: Millis
    seq: int
    cart: str = ""


class Ordered(msgspec.Struct, array_like=True, frozen=True, tag=4):
    """An order; ``order`` is its own id, "" where only its time is known."""

    at: Millis
    seq: int
    order: str = ""
    cart: str = ""
    contents: int = 0


Step: TypeAlias = Moved | Shown
Telling: TypeAlias = Filled | Moved | Shown | Emptied | Ordered


def names_in(telling: Telling) -> tuple[str, ...]:
    """The cart and the order that it names."""
    return (telling.cart, telling.order) if isinstance(telling, Ordered) else (telling.cart,)


_encode = msgspec.msgpack.Encoder().encode


def _moment(telling: Telling) -> tuple[Millis, int, int, int, bytes]:
    """When it happened, and an order for tellings of the same moment that depends on nothing but themselves.

    ``seq`` is the order within a tab. Platforms tell whole seconds: of two carts of one second the larger is the later.
    """
    kind = telling.__struct_config__.tag
    assert isinstance(kind, int)
    return telling.at, telling.seq, kind, telling.total if isinstance(telling, Filled) else 0, _encode(telling)


def with_telling(story: list[Telling], telling: Telling) -> list[Telling]:
    """The story with this telling at its place; the very same list when it was told before."""
    if not story or telling.at > story[-1].at:
        return [*story, telling]
    return story if telling in story else sorted([*story, telling], key=_moment)


def both_told(one: list[Telling], other: list[Telling]) -> list[Telling]:
    """What two have heard, each telling once."""
    return sorted({*one, *other}, key=_moment)
