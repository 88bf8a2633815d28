"""The shop as its platform knows it at a moment. What happens changes it; the platform's API shows it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from engine.clock import Millis
from simulator.goods import EVERYTHING, SOLD_OUT, Line, Product, Shipping
from simulator.life import Happening, Kind, Shopper

FIRST_ORDER = 1001
FULL = 25
"""How many of everything there are in the morning."""
OUT_OF_SIGHT = 4
"""So many questions after an erasure whoever asked the first of them has long read the answer before it."""


@dataclass(frozen=True)
class Checkout:
    """One shopper's cart and checkout, which are one thing here. What nobody has said yet is None or False."""

    number: int
    shopper: Shopper
    lines: tuple[Line, ...]
    began_at: Millis
    changed_at: Millis
    at_checkout: bool = False
    contact_left: bool = False
    shipping: Shipping | None = None
    completed_at: Millis | None = None
    mailed_at: Millis | None = None
    """When the platform itself mailed about it."""

    @property
    def subtotal(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def shipping_price(self) -> int:
        return self.shipping.price if self.shipping else 0

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping_price

    @property
    def email(self) -> str:
        """The address, once it was left."""
        return self.shopper.email if self.contact_left else ""


@dataclass(frozen=True)
class Order:
    """What became of a checkout that was bought. ``shopper`` is None once they are erased."""

    number: int
    checkout: Checkout
    placed_at: Millis
    changed_at: Millis
    paid_at: Millis | None = None
    shipped_at: Millis | None = None
    delivered_at: Millis | None = None


@dataclass(frozen=True)
class Stocked:
    """How many of a product there are."""

    product: Product
    left: int
    changed_at: Millis


class World:
    """All checkouts and orders, by their shopper's number. Read from other threads than the one that changes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checkouts: dict[int, Checkout] = {}
        self._orders: dict[int, Order] = {}
        self._withdrawn: dict[int, Millis] = {}
        self._stock = {each.number: Stocked(each, 0 if each is SOLD_OUT else FULL, 0) for each in EVERYTHING}
        self._shown: dict[str, Millis] = {}
        self._questions = 0
        self._questions_then: dict[int, int] = {}

    def take(self, happening: Happening) -> None:
        """Let it have happened."""
        with self._lock:
            self._take(happening)

    def _take(self, happening: Happening) -> None:
        number, at = happening.shopper.number, happening.at
        match happening.kind:
            case Kind.LOOKED | Kind.UNSUBSCRIBED | Kind.SIGNED_UP:
                pass
            case Kind.STOCKED:
                (line,) = happening.lines
                self._stock[line.product.number] = Stocked(line.product, line.quantity, at)
            case Kind.CART_CHANGED:
                self._checkouts[number] = Checkout(number, happening.shopper, happening.lines, at, at)
            case Kind.ORDERED:
                self._place(number, at)
            case Kind.PAID:
                self._orders[number] = replace(self._orders[number], paid_at=at, changed_at=at)
            case Kind.SHIPPED:
                self._orders[number] = replace(self._orders[number], shipped_at=at, changed_at=at)
            case Kind.DELIVERED:
                self._orders[number] = replace(self._orders[number], delivered_at=at, changed_at=at)
            case Kind.CONSENT_WITHDRAWN:
                self._withdrawn[number] = at
            case Kind.ERASURE_ASKED:
                self._questions_then[number] = self._questions
                self._checkouts.pop(number, None)
                self._orders.pop(number, None)
            case _:
                self._checkouts[number] = _stepped(self._checkouts[number], happening)

    def _place(self, number: int, at: Millis) -> None:
        checkout = replace(self._checkouts[number], completed_at=at, changed_at=at)
        self._checkouts[number] = checkout
        self._orders[number] = Order(FIRST_ORDER + number, checkout, at, at)

    def checkout(self, shopper: Shopper) -> Checkout | None:
        """Theirs; None before they have a cart and after they were erased."""
        with self._lock:
            return self._checkouts.get(shopper.number)

    def is_new(self, happening: Happening) -> bool:
        """Whether the shopper's cart began with this."""
        with self._lock:
            return self._checkouts[happening.shopper.number].began_at == happening.at

    def order(self, shopper: Shopper) -> Order | None:
        with self._lock:
            return self._orders.get(shopper.number)

    def allows_mail(self, shopper: Shopper) -> bool:
        """Whether they have ticked the box and not taken it back."""
        with self._lock:
            return shopper.consents and shopper.number not in self._withdrawn

    def consent_changed_at(self, shopper: Shopper) -> Millis | None:
        """When they took it back; None as long as they have not."""
        with self._lock:
            return self._withdrawn.get(shopper.number)

    def checkouts(self) -> list[Checkout]:
        """In the order of their last change."""
        with self._lock:
            return sorted(self._checkouts.values(), key=lambda checkout: (checkout.changed_at, checkout.number))

    def orders(self) -> list[Order]:
        """In the order of their last change."""
        with self._lock:
            return sorted(self._orders.values(), key=lambda order: (order.changed_at, order.number))

    def stock(self) -> list[Stocked]:
        """Of everything, in the order of its last change."""
        with self._lock:
            return sorted(self._stock.values(), key=lambda stocked: (stocked.changed_at, stocked.product.number))

    def stock_of(self, product: Product) -> Stocked:
        with self._lock:
            return self._stock[product.number]

    def show_stock(self, stocked: Stocked) -> Stocked:
        """As :meth:`note_shown`."""
        self.note_shown(f"stock:{stocked.product.number}", stocked.changed_at)
        return stocked

    def note_shown(self, about: str, changed_at: Millis) -> None:
        """The API has shown this (``checkout:3``, ``order:3``) as it was then. Every side says so when it does."""
        with self._lock:
            self._shown[about] = max(self._shown.get(about, 0), changed_at)

    def note_question(self) -> None:
        """Somebody asks the API something."""
        with self._lock:
            self._questions += 1

    def is_out_of_sight(self, shopper: Shopper) -> bool:
        """Whether no answer about somebody who was erased can still be on its way: others were asked for since."""
        with self._lock:
            since = self._questions - self._questions_then.get(shopper.number, 0)
            return self._questions == 0 or since >= OUT_OF_SIGHT

    def shown(self) -> dict[str, Millis]:
        """Up to which change each thing was shown by the API."""
        with self._lock:
            return dict(self._shown)


def _stepped(checkout: Checkout, happening: Happening) -> Checkout:
    step = replace(checkout, changed_at=happening.at)
    match happening.kind:
        case Kind.CHECKOUT_BEGAN:
            return replace(step, at_checkout=True)
        case Kind.CONTACT_LEFT:
            return replace(step, contact_left=True)
        case Kind.SHIPPING_CHOSEN:
            return replace(step, shipping=happening.shipping)
        case Kind.CART_EMPTIED:
            return replace(step, lines=())
        case Kind.MAILED:
            return replace(checkout, mailed_at=happening.at)
    raise ValueError(f"{happening.kind} is no step of a checkout")
