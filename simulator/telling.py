"""How a side says what its webhooks tell of a happening: topics, what they are about, and bodies."""

from __future__ import annotations

from collections.abc import Callable

from simulator.life import Happening
from simulator.world import Checkout, Order, Stocked, World

Json = dict[str, object]
Told = list[tuple[str, str, Json]]
"""Topic, what it is about, and the thing itself."""
Teller = Callable[[Happening, World], Told]


def of_checkout(body: Callable[[Checkout], Json], *topics: str) -> Teller:
    """The shopper's checkout, in each of these topics."""

    def told(happening: Happening, world: World) -> Told:
        checkout = world.checkout(happening.shopper)
        assert checkout is not None
        return [(topic, "checkout", body(checkout)) for topic in topics]

    return told


def of_order(body: Callable[[Order], Json], *topics: str) -> Teller:
    """The shopper's order, in each of these topics."""

    def told(happening: Happening, world: World) -> Told:
        order = world.order(happening.shopper)
        assert order is not None
        return [(topic, "order", body(order)) for topic in topics]

    return told


def of_stock(topic: str, body: Callable[[Stocked], Json]) -> Teller:
    """How many there are now of what has changed."""

    def told(happening: Happening, world: World) -> Told:
        (line,) = happening.lines
        return [(topic, "stock", body(world.stock_of(line.product)))]

    return told


def together(*tellers: Teller) -> Teller:
    """All of it; on its way any of it may overtake the rest."""
    return lambda happening, world: [each for tell in tellers for each in tell(happening, world)]
