"""A made-up month of a shop, stored as if it had happened, to try rules on: ``shopbell replay --since 30d rules.yaml``.

``python -m benchmarks.month [--events 1000000] [--days 30] [--shop main] [--seed 1]`` fills the database that Shopbell
would use (``DATABASE_URL``, else ``DATA_DIR``), up to now. It refuses production, and a shop that has events already.

Who comes: six in ten look around, one in eight looks something up in the help pages, one in fourteen doubts about
sending back, one in five fills a cart. Of the carts three in ten are ordered; of the others one in five leaves an
address that may be mailed. People look at a page for some twelve seconds, a few for minutes; more of them come in the
evening than in the morning, and two agents are there from Tuesday to Saturday, from ten to five.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, exists, select

from benchmarks.shop import CATEGORIES, ORIGIN, PATHS
from engine.clock import HOUR, MINUTE, SECOND, Millis, to_iso
from engine.settings import Settings
from engine.store import migrate
from engine.store.database import open_engine
from engine.store.unit import EVENTS

Row = dict[str, Any]
ZONE = ZoneInfo("Europe/Amsterdam")
BROWSED = {"product": 40, "category": 30, "home": 15, "search": 9, "blog": 6}
LOOKED_UP = {"knowledge_base": 55, "faq": 30, "returns": 15}
HOURS = (1, 1, 0, 0, 0, 0, 1, 3, 5, 6, 7, 7, 7, 6, 6, 6, 6, 6, 7, 9, 11, 10, 6, 3)
"""How many visits begin in each hour of the shop's day."""
CHECK_INS = (45 * SECOND, 60 * SECOND, 120 * SECOND)
"""When a page that is looked at for long says so, as the shipped rules ask of it."""
FREE_SHIPPING_FROM = 75
BATCH = 5_000


class Month:
    """Everybody who came in the ``days`` before ``until``, one visitor after the other."""

    def __init__(self, shop: str, until: Millis, days: int = 30, seed: int = 1) -> None:
        self._shop, self._until, self._days = shop, until, days
        self._random = random.Random(seed)
        self._ids = count(1)
        self._today = datetime.fromtimestamp(until / SECOND, ZONE).replace(hour=0, minute=0, second=0, microsecond=0)

    def rows(self) -> Iterator[Row]:
        """Rows of the events table, without end; the agents' come first. None is later than ``until``."""
        return (row for row in self._everything() if row["received_at"] < self._until)

    def _everything(self) -> Iterator[Row]:
        for day in range(self._days, -1, -1):
            yield from self._agents(self._today - timedelta(days=day))
        for number in count(1):
            yield from self._visitor(f"visitor-{number:06}")

    def _agents(self, day: datetime) -> Iterator[Row]:
        closed = day.weekday() in (0, 6)
        for hour, there in ((10, 0 if closed else 2), (17, 0)):
            yield self.row("", "agents_changed", _at(day, hour), agents={"online": there, "free": there})

    def _visitor(self, visitor: str) -> Iterator[Row]:
        story = self._random.choices((_look_around, _look_something_up, _doubt, _buy), (60, 13, 7, 20))[0]
        visits = 1 if self._random.random() < 0.8 else self._random.randint(2, 4)
        for begin in sorted(self._begin() for _ in range(visits)):
            yield from story(Visit(self, self._random, visitor, begin))

    def _begin(self) -> Millis:
        day = self._today - timedelta(days=self._random.randrange(self._days))
        hour = self._random.choices(range(24), HOURS)[0]
        return _at(day, hour) + self._random.randrange(HOUR)

    def row(self, visitor: str, kind: str, at: Millis, **body: object) -> Row:
        number = next(self._ids)
        whole = {"id": f"month-{number:08}", "type": kind, "at": to_iso(at), "seq": number} | body
        text = json.dumps(whole, separators=(",", ":"))
        return {"shop": self._shop, "visitor": visitor, "id": whole["id"], "type": kind, "at": at,
                "received_at": at + 150, "trusted": not visitor, "body": text, "fault": None}  # fmt: skip


class Visit:
    """One visit of one shopper: the page that is open, what is in the cart, and the clock."""

    def __init__(self, month: Month, chance: random.Random, visitor: str, begin: Millis) -> None:
        self.random, self.visitor, self.now = chance, visitor, begin
        self._month = month
        self._tab = {"session": f"session-{visitor}-{begin}", "tab": "tab-1"}
        self._page: dict[str, str] = {}
        self._lines: list[dict[str, object]] = []

    def tell(self, kind: str, after: Millis = 0, **sections: object) -> Row:
        """An event of the open page, so much later than the one before."""
        self.now += after
        return self._month.row(self.visitor, kind, self.now, **self._tab, page=self._page, **sections)

    def opens(self, kind: str, *, longer: float = 1.0) -> Iterator[Row]:
        """A page is opened, looked at for a while and left; ``longer`` times as long as usual."""
        path = PATHS.get(kind, "/").format(self.random.randrange(1000))
        self._page = {"url": ORIGIN + path, "title": f"{kind} {path}", "language": "nl"}
        yield self.tell("page_viewed", self.random.randrange(SECOND, 3 * SECOND), engaged_ms=0)
        if kind == "product":
            yield self.tell("product_viewed", 200, product=self._line() | {"currency": "EUR", "stock": 12})
        opened, looked = self.now, int(self.random.lognormvariate(2.5, 1.0) * longer * SECOND)
        for moment in CHECK_INS:
            if looked > moment:
                yield self.tell("checked_in", opened + moment - self.now, engaged_ms=moment)
        yield self.tell("page_hidden", opened + looked - self.now, engaged_ms=looked)

    def fills_the_cart(self) -> Row:
        self._lines.append(self._line() | {"quantity": self.random.randint(1, 3)})
        return self.tell("cart_updated", SECOND, cart=self._cart())

    def contact(self) -> Row:
        consent = {"email": True, "text": "Ja, mail mij", "source": "checkout"}
        return self.tell("contact_given", 20 * SECOND, email=f"{self.visitor}@shopper.example", consent=consent)

    def sees_shipping(self) -> Row:
        price = "0.00" if self._total() >= FREE_SHIPPING_FROM else "6.95"
        return self.tell("shipping_shown", MINUTE, shipping={"price": price, "currency": "EUR"}, cart=self._cart())

    def orders(self) -> Row:
        order = {"id": f"order-{self.visitor}-{self.now}", "cart_id": self._cart()["id"], "currency": "EUR",
                 "total": f"{self._total():.2f}", "email": f"{self.visitor}@shopper.example"}  # fmt: skip
        return self.tell("order_placed", 2 * MINUTE, order=order)

    def _total(self) -> float:
        return sum(float(str(line["price"])) * int(str(line["quantity"])) for line in self._lines)

    def _cart(self) -> dict[str, object]:
        return {"id": f"cart-{self._tab['session']}", "currency": "EUR", "total": f"{self._total():.2f}",
                "lines": self._lines}  # fmt: skip

    def _line(self) -> dict[str, object]:
        number = self.random.randrange(1000)
        category = CATEGORIES[number % len(CATEGORIES)]
        return {"sku": f"SKU-{number}", "name": f"Cartridge {number} XL", "category": category, "brand": "Epson",
                "price": f"{5 + number * 7 % 60}.95"}  # fmt: skip


# --- who comes --------------------------------------------------------------------------------------------------------


def _look_around(visit: Visit) -> Iterator[Row]:
    for _ in range(1 + int(visit.random.expovariate(1 / 4))):
        yield from visit.opens(_drawn(visit, BROWSED))


def _look_something_up(visit: Visit) -> Iterator[Row]:
    for _ in range(visit.random.randint(1, 4)):
        yield from visit.opens(_drawn(visit, LOOKED_UP), longer=2.0)
    yield from _look_around(visit)


def _doubt(visit: Visit) -> Iterator[Row]:
    yield from visit.opens("product")
    if visit.random.random() < 0.5:
        yield visit.fills_the_cart()
    for _ in range(visit.random.randint(1, 3)):
        yield from visit.opens("returns")
        yield from visit.opens("product")


def _buy(visit: Visit) -> Iterator[Row]:
    yield from _look_around(visit)
    for _ in range(visit.random.randint(1, 4)):
        yield from visit.opens("product")
        yield visit.fills_the_cart()
    if visit.random.random() < 0.7:
        yield from visit.opens("cart")
        yield from _check_out(visit)


def _check_out(visit: Visit) -> Iterator[Row]:
    if visit.random.random() < 0.3:
        return
    yield from visit.opens("checkout")
    yield visit.tell("checkout_started")
    orders = visit.random.random() < 0.6
    if orders or visit.random.random() < 0.8:
        yield visit.contact()
    yield visit.sees_shipping()
    if orders:
        yield visit.orders()


def _drawn(visit: Visit, shares: dict[str, int]) -> str:
    return visit.random.choices(list(shares), list(shares.values()))[0]


def _at(day: datetime, hour: int) -> Millis:
    return int(day.replace(hour=hour).timestamp()) * SECOND


# --- the database -----------------------------------------------------------------------------------------------------


def fill(engine: Engine, rows: Iterator[Row]) -> None:
    """Stores all of them, some thousands in a transaction."""
    while batch := list(islice(rows, BATCH)):
        with engine.begin() as connection:
            connection.execute(EVENTS.insert(), batch)


def refuse(settings: Settings, engine: Engine, shop: str) -> None:
    """Ends the program where real shoppers might be."""
    if settings.environment == "production":
        sys.exit("This is production; a made-up month belongs elsewhere.")
    with engine.connect() as connection:
        if connection.scalar(select(exists().where(EVENTS.c.shop == shop))):
            sys.exit(f"Shop {shop} has events already; give the month a DATA_DIR of its own.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--shop", default="main", help="the shop's id in its rule file")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    settings = Settings.from_env()
    migrate.upgrade(settings.database_url)
    engine = open_engine(settings.database_url)
    refuse(settings, engine, given.shop)
    started = time.perf_counter()
    now = int(datetime.now(UTC).timestamp() * SECOND)
    fill(engine, islice(Month(given.shop, now, given.days, given.seed).rows(), given.events))
    engine.dispose()
    print(f"{given.events:,} events of {given.days} days in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
