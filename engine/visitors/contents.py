"""What is in a cart: its lines as rules see them, and what only another telling says of the same goods."""

from __future__ import annotations

from collections.abc import Iterable, Set

import msgspec

from engine.events import Cart
from engine.visitors.state import MAX_ITEMS, MAX_LORE, MAX_SHELVES, Basket, Item, Traits, Visitor
from engine.visitors.tellings import Filled, Telling


def contents_of(cart: Cart) -> str:
    """What is in the cart, as text: equal carts give equal texts."""
    return "|".join(sorted(f"{line.key}×{line.quantity}" for line in cart.lines[:MAX_ITEMS]))[:500]


def contents_in(basket: Basket) -> str:
    """The same for the cart as rules see it."""
    return "|".join(sorted(f"{item.key}×{item.quantity}" for item in basket.items))[:500]


def items_of(cart: Cart) -> list[Item]:
    return [
        Item(
            key=line.key,
            sku=line.sku,
            product_id=line.product_id,
            category=line.category,
            brand=line.brand,
            quantity=line.quantity,
            value=(line.price or 0) * line.quantity,
        )
        for line in cart.lines[:MAX_ITEMS]
    ]


def priced(items: list[Item]) -> str:
    """What is in the cart with what each line costs, as text."""
    return "|".join(f"{item.key}×{item.quantity}×{item.value}" for item in items)


Shelves = dict[int, list[Item]]
"""Items by what a telling calls them."""


def shelves_of(visitor: Visitor) -> Shelves:
    """The items of every telling that is still known by its items."""
    basket = visitor.basket
    return visitor.shelves | ({basket.goods: basket.items} if basket is not None else {})


def put_on_shelves(visitor: Visitor, shelves: Shelves) -> None:
    """Give the open cart its items, and keep those of the carts that may turn out to be it instead.

    Of the same goods one source says the category and another does not: what was said once holds, in whatever order.
    """
    known = with_traits_of(shelves.values(), visitor.lore)
    basket = visitor.basket
    open_now = basket.goods if basket is not None else 0
    if basket is not None:
        basket.items = [_with_traits(item, known) for item in shelves[open_now]]
    kept = _told_last(visitor.story, shelves.keys() - {open_now})
    visitor.shelves = {goods: [_with_traits(item, known) for item in shelves[goods]] for goods in kept}
    on_shelves = {item.key for goods in (open_now, *kept) for item in shelves.get(goods, ())}
    visitor.lore = dict([(key, says) for key, says in known.items() if key not in on_shelves][-MAX_LORE:])


def _told_last(story: list[Telling], among: Set[int]) -> list[int]:
    """Which of these goods were told last, the latest first; as many as there is room for."""
    kept: list[int] = []
    for each in reversed(story):
        if len(kept) == min(MAX_SHELVES, len(among)):
            break
        if isinstance(each, Filled) and each.goods in among and each.goods not in kept:
            kept.append(each.goods)
    return kept


def with_traits_of(told: Iterable[list[Item]], lore: dict[str, Traits]) -> dict[str, Traits]:
    """The lore with what these say. Of two words for the same thing the one that is last in the alphabet holds."""
    known = dict(lore)
    for items in told:
        for item in items:
            says, before = (item.product_id, item.category, item.brand), known.get(item.key)
            if before is None and any(says):
                known[item.key] = says
            elif before is not None and before != says:
                known[item.key] = (max(before[0], says[0]), max(before[1], says[1]), max(before[2], says[2]))
    return known


def _with_traits(item: Item, known: dict[str, Traits]) -> Item:
    told = known.get(item.key)
    if told is None or told == (item.product_id, item.category, item.brand):
        return item
    return msgspec.structs.replace(item, product_id=told[0], category=told[1], brand=told[2])
