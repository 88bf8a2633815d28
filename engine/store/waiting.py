"""Who saw a product sold out: to them news about its stock is told, whatever the shop's server says it about.

A row is written only for what somebody saw sold out, so most views of a product cost nothing here. It stays when the
product is back, because "sold out again" is news too; only a change from the one to the other reaches anybody.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Table, Update, select, update

from engine.clock import Millis
from engine.events import Line, Product
from engine.store import models

WAITING: Table = models.Base.metadata.tables["waiting"]
MOST_TOLD = 5_000
"""So many visitors hear at once that something is back, those who looked last before the others."""


def who_waits(connection: Connection, shop: str, names: Sequence[str], *, in_stock: bool) -> list[str]:
    """The visitors to whom this is news; ``names`` are those of the product."""
    columns = WAITING.c
    query = select(columns.visitor).where(
        columns.shop == shop, columns.product.in_(names), columns.in_stock.is_not(in_stock)
    )
    rows = connection.execute(query.order_by(columns.since.desc()).limit(MOST_TOLD))
    return list(dict.fromkeys(row.visitor for row in rows))


def told(shop: str, names: Sequence[str], *, in_stock: bool) -> Update:
    """Note what was told about the product."""
    columns = WAITING.c
    return update(WAITING).where(columns.shop == shop, columns.product.in_(names)).values(in_stock=in_stock)


def products_of(connection: Connection, shop: str, visitor: str) -> dict[str, Line]:
    """What this visitor saw sold out and is there now, by each of its names, as their page showed it."""
    columns = WAITING.c
    query = select(columns.product, columns.body).where(
        columns.shop == shop, columns.visitor == visitor, columns.in_stock.is_(True)
    )
    return {row.product: msgspec.json.decode(row.body, type=Line) for row in connection.execute(query)}


def line_of(product: Product) -> Line:
    """The product as a line of a mail."""
    return Line(
        sku=product.sku,
        product_id=product.id,
        name=product.name,
        variant=product.variant,
        price=product.price,
        url=product.url,
        image_url=product.image_url,
    )


def row(shop: str, visitor: str, name: str, since: Millis, in_stock: bool, line: Line) -> dict[str, object]:
    """The row for one name of a product."""
    body = msgspec.json.encode(line).decode()
    return {"shop": shop, "product": name, "visitor": visitor, "since": since, "in_stock": in_stock, "body": body}
