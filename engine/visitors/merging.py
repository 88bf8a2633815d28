"""Two visitors turn out to be one: what a shop's platform told of a stand-in belongs to the browser it stood in for."""

from __future__ import annotations

from engine.visitors.carts import remember_reminder, settle
from engine.visitors.contents import shelves_of, with_traits_of
from engine.visitors.older import retell
from engine.visitors.orders import count_order, join_orders
from engine.visitors.state import MAX_OCCASIONS, MAX_TIMES, Item, Tally, Visitor
from engine.visitors.tellings import both_told


def hand_over(stand_in: Visitor, visitor: Visitor) -> None:
    """The stand-in's cart and orders are this visitor's from now on; nothing of them stays with the stand-in.

    What both have heard is put together as if one of them had heard all of it, in whatever order.
    """
    for each in (stand_in, visitor):
        retell(each)
    for name in stand_in.reminded:
        remember_reminder(visitor, name)
    _hand_over_orders(stand_in, visitor)
    _hand_over_tallies(stand_in, visitor)
    _hand_over_carts(stand_in, visitor)


def hand_over_rules(stand_in: Visitor, visitor: Visitor) -> list[str]:
    """What rules have said to the stand-in, and are about to say, was said to the visitor; before :func:`hand_over`.

    Returns the rules that have spoken to both: of those the visitor's own word stands.
    """
    spoken = visitor.done.keys() | visitor.runs.keys()
    both = sorted((stand_in.done.keys() | stand_in.runs.keys()) & spoken)
    visitor.runs |= {name: run for name, run in stand_in.runs.items() if name not in both}
    for name, occasions in stand_in.done.items():
        known = visitor.done.get(name, [])
        fresh = [occasion for occasion in occasions if occasion not in known]
        visitor.done[name] = [*fresh, *known][-MAX_OCCASIONS:]
    stand_in.runs, stand_in.done = {}, {}
    return both


def _hand_over_carts(stand_in: Visitor, visitor: Visitor) -> None:
    theirs = shelves_of(stand_in)
    said = [*theirs.values(), [Item(key, "", *traits) for key, traits in stand_in.lore.items()]]
    visitor.lore = with_traits_of(said, visitor.lore)
    visitor.over = stand_in.over | visitor.over
    visitor.story = both_told(visitor.story, stand_in.story)
    settle(visitor, theirs | shelves_of(visitor), stand_in.basket)
    stand_in.story, stand_in.shelves, stand_in.lore, stand_in.over = [], {}, {}, {}
    stand_in.basket = stand_in.closed = stand_in.emptied_at = stand_in.ordered_at = None


def _hand_over_orders(stand_in: Visitor, visitor: Visitor) -> None:
    visitor.bought = join_orders(visitor.bought, stand_in.bought)
    for order in stand_in.order_ids:
        count_order(visitor, order)
    stand_in.bought, stand_in.orders, stand_in.order_ids = [], 0, []


def _hand_over_tallies(stand_in: Visitor, visitor: Visitor) -> None:
    """How often something happened; what both heard of the same moment is the same."""
    for name, theirs in stand_in.tallies.items():
        ours = visitor.tallies.get(name, Tally())
        both = sorted({*ours.times, *theirs.times})
        count = ours.count + theirs.count - (len(ours.times) + len(theirs.times) - len(both))
        visitor.tallies[name] = Tally(count, both[-MAX_TIMES:])
    stand_in.tallies = {}
