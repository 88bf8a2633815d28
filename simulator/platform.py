"""What a platform's side has to provide, so that a shop of it can be simulated.

A side is one file or folder in ``simulator/platforms``, named as its integration, with one subclass of
:class:`Platform` in it. It turns what happens into the webhooks that the platform would send, and serves its API.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from flask import Flask

from engine.clock import MINUTE, SECOND, Millis
from simulator.life import Happening, Kind
from simulator.subscriptions import Hook, Hooks, never_gives_up
from simulator.world import Checkout, Order, World


@dataclass(frozen=True)
class Delivery:
    """One webhook as it goes over the wire, rightly signed.

    ``about`` says what it tells of, ``checkout:3``, ``order:3``, ``consent:3`` or ``erasure:3`` (the shopper's number),
    ``stock:101`` (the product's): a later delivery about the same tells all that an earlier one did. ``query`` follows
    the address.
    """

    topic: str
    about: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    hook: Hook | None = None
    """Because of which webhook it is sent; None where the platform's address was set up by hand."""


@dataclass(frozen=True)
class Manners:
    """How the platform delivers.

    ``soon`` is how long a delivery usually is on its way, at least and at most; ``again_after`` are the pauses before
    each further try of one that was not taken, none where the platform never tries again.
    """

    soon: tuple[Millis, Millis] = (SECOND, 20 * SECOND)
    again_after: tuple[Millis, ...] = tuple(minutes * MINUTE for minutes in (1, 2, 4, 8, 16, 32, 64, 112))
    taken: frozenset[int] = frozenset(range(200, 300))
    """The answers that count as taken."""
    fails: Callable[[Hook], Hook | None] = never_gives_up
    """What becomes of a webhook that failed once more."""


class Platform(ABC):
    """One simulated shop on this platform. ``clock`` is the shop's time, for tokens and limits."""

    name: ClassVar[str]
    """The integration's."""
    manners: ClassVar[Manners] = Manners()
    browser_tells: ClassVar[frozenset[Kind]] = frozenset([Kind.LOOKED, Kind.CART_CHANGED])
    """What the snippet on its pages tells as well."""
    registered: ClassVar[frozenset[str]] = frozenset()
    """The topics of which it sends only what somebody has registered through its API."""
    hears_carts: ClassVar[bool] = True
    """Whether its webhooks tell of carts and checkouts; else only those of watched shoppers can be known."""

    asks_back: ClassVar[bool] = False
    """Whether its webhooks only say where to look, so that what they tell is known some time later."""
    shown_tells_consent: ClassVar[bool] = False
    """Whether a checkout that its API shows also tells the address, and that it may be mailed."""

    tells_once: ClassVar[frozenset[str]] = frozenset()
    """Of what (as in :attr:`Delivery.about`) nothing is known when its deliveries are lost: nobody asks for it."""
    mails_itself: ClassVar[bool] = False
    """Whether it mails about carts that were left, and its API says so."""

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self.clock = clock
        self.hooks = Hooks(self.manners.fails)

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """What stands in the rule file under its integration; secrets as ``env:NAME``."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """The secrets that the settings name."""

    @abstractmethod
    def deliveries(self, happening: Happening, world: World) -> list[Delivery]:
        """The webhooks that the platform sends because of it; ``world`` is as it is just after."""

    @abstractmethod
    def api(self, world: World) -> Flask:
        """The platform's API. Whatever host Shopbell asks is asked here; the request's own ``host`` tells which.

        What it shows it tells the world (:meth:`~simulator.world.World.note_shown`).
        """

    def cart_in_browser(self, checkout: Checkout) -> Mapping[str, object]:
        """What the snippet says of this cart beside its lines: its ``id``, as webhooks name it, and ``refs``."""
        return {"id": f"cart-{checkout.number}"}

    def thanks_in_browser(self, order: Order) -> Mapping[str, object]:
        """What the snippet tells on the page that thanks for an order, where :attr:`browser_tells` of it."""
        return {"order": {"id": str(order.number)}}

    def sent_by(self, hook: Hook, delivery: Delivery) -> Delivery | None:
        """What this webhook sends of it; None where it was asked not to."""
        return replace(delivery, hook=hook)

    def repeated(self, delivery: Delivery) -> Delivery:
        """The same delivery, sent once more. Unless a platform has another habit every byte stays the same."""
        return delivery


def sides() -> list[str]:
    """The platforms that can be simulated."""
    platforms = importlib.import_module("simulator.platforms")
    return sorted(module.name for module in pkgutil.iter_modules(platforms.__path__))


def side(name: str) -> type[Platform]:
    """The side of this platform. Raises KeyError for one that nobody has written."""
    if name not in sides():
        raise KeyError(name)
    module = importlib.import_module(f"simulator.platforms.{name}")
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Platform) and each.__module__ == module.__name__
    ]
    assert len(found) == 1, f"simulator/platforms/{name} must define one Platform, it defines {len(found)}"
    return found[0]
