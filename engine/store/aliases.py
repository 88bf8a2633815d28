"""By what names a shop's platform knows carts, checkouts and orders, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select

from engine.clock import Millis
from engine.store.unit import ALIASES


class Alias(NamedTuple):
    """Whose it is and which cart of ours; ``at`` is when that was told."""

    visitor: str
    cart: str | None
    at: Millis


def find(connection: Connection, shop: str, names: Iterable[str]) -> dict[str, Alias]:
    """Those of the names that are known."""
    columns = ALIASES.c
    query = select(columns.name, columns.visitor, columns.cart, columns.at)
    rows = connection.execute(query.where(columns.shop == shop, columns.name.in_(sorted(names))))
    return {row.name: Alias(row.visitor, row.cart, row.at) for row in rows}


def names_of(connection: Connection, shop: str, visitor: str, cart: str) -> tuple[str, ...]:
    """By which names platforms know this cart of the visitor's."""
    columns = ALIASES.c
    query = select(columns.name).where(columns.shop == shop, columns.visitor == visitor, columns.cart == cart)
    return tuple(connection.execute(query.order_by(columns.name)).scalars())
