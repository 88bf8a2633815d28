"""How fast are stored events replayed? A month of a made-up shop, a hundred rules on either side, one core.

``python -m benchmarks.replay [--events 200000] [--database URL] [--profile]``. The visitors: six pages in a visit, each
looked at for as long as people do (half of them less than twelve seconds, a few for minutes), one in five comes back
within the month, one in ten fills a cart, a quarter of those gives an address, a third of those orders.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.shop import CATEGORIES, ORIGIN, PATHS, SHOP, rule_file
from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, to_iso
from engine.live import ready
from engine.replay.run import Window, replay
from engine.rules.loader import load
from engine.store import migrate
from engine.store.database import open_engine
from engine.store.unit import EVENTS

BEGIN: Millis = 1_793_491_200_000
"""2026-11-01T00:00:00Z"""
MONTH = 30 * DAY
PAGES = {"product": 34, "category": 26, "home": 12, "search": 8, "cart": 5, "blog": 5, "knowledge_base": 4, "faq": 3,
         "checkout": 2, "returns": 1}  # fmt: skip
Row = dict[str, Any]


class Month:
    """Everybody who came in a month, visit by visit."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ids = count(1)

    def rows(self, most: int) -> list[Row]:
        """At least ``most`` events, in the order in which they came in."""
        rows = list(islice(self._visitors(), most))
        return sorted(rows, key=lambda row: row["received_at"])

    def _visitors(self) -> Iterator[Row]:
        for number in count(1):
            visits = 1 if self._random.random() < 0.8 else self._random.randint(2, 4)
            buys = self._random.random() < 0.1
            for begin in sorted(self._random.randrange(MONTH) for _ in range(visits)):
                yield from self._visit(f"visitor-{number}", BEGIN + begin, buys)

    def _visit(self, visitor: str, now: Millis, buys: bool) -> Iterator[Row]:
        for page in range(min(40, 1 + int(self._random.expovariate(1 / 5)))):
            kind = self._random.choices(list(PAGES), list(PAGES.values()))[0]
            path = PATHS.get(kind, "/{}").format(self._random.randrange(1000))
            place = {"url": ORIGIN + path, "title": f"{kind} {path}", "language": "nl"}
            yield self._row(visitor, "page_viewed", now, page=place)
            if kind == "product":
                yield self._row(visitor, "product_viewed", now + 200, page=place, product=self._line())
            looked = int(self._random.lognormvariate(2.5, 1.0) * SECOND)
            if looked > 40 * SECOND:
                yield self._row(visitor, "checked_in", now + 40 * SECOND, page=place, engaged_ms=40 * SECOND)
            if buys and page == 2:
                yield self._row(visitor, "cart_updated", now + looked, page=place, cart=self._cart(visitor))
            yield self._row(visitor, "page_hidden", now + looked, page=place, engaged_ms=looked)
            now += looked + self._random.randrange(3 * SECOND)
        if buys:
            yield from self._checkout(visitor, now)

    def _checkout(self, visitor: str, now: Millis) -> Iterator[Row]:
        if self._random.random() < 0.5:
            yield self._row(visitor, "checkout_started", now)
            price = {"price": "6.95", "currency": "EUR"}
            yield self._row(visitor, "shipping_shown", now + MINUTE, shipping=price)
        if self._random.random() < 0.25:
            email = f"{visitor}@shopper.example"
            consent = {"email": True, "text": "Yes", "source": "checkout"}
            yield self._row(visitor, "contact_given", now + MINUTE, email=email, consent=consent)
            if self._random.random() < 0.33:
                order = {"id": f"order-{visitor}-{now}", "cart_id": f"cart-{visitor}", "total": "64.90", "email": email}
                yield self._row(visitor, "order_placed", now + HOUR // 10, order=order)

    def _row(self, visitor: str, kind: str, at: Millis, **sections: object) -> Row:
        number = next(self._ids)
        body = {"at": to_iso(at), "id": f"event-{number:010}", "type": kind, "seq": number % 1000, "engaged_ms": 0,
                "session": f"session-{visitor}", "tab": "tab-1"} | sections  # fmt: skip
        text = json.dumps(body, separators=(",", ":"))
        return {"shop": SHOP, "visitor": visitor, "id": body["id"], "type": kind, "at": at, "received_at": at + 150,
                "trusted": False, "body": text, "fault": None}  # fmt: skip

    def _cart(self, visitor: str) -> dict[str, object]:
        lines = [self._line() | {"quantity": self._random.randint(1, 3)} for _ in range(3)]
        return {"id": f"cart-{visitor}", "currency": "EUR", "total": "64.90", "lines": lines}

    def _line(self) -> dict[str, object]:
        number = self._random.randrange(1000)
        price = f"{self._random.randrange(500, 9000) / 100:.2f}"
        return {"id": f"p{number}", "sku": f"SKU-{number}", "name": f"Cartridge {number} XL",
                "category": self._random.choice(CATEGORIES), "brand": "Epson", "price": price}  # fmt: skip


def fill(engine: Engine, events: int) -> None:
    rows = Month(7).rows(events)
    with engine.begin() as connection:
        for start in range(0, len(rows), 5_000):
            connection.execute(EVENTS.insert(), rows[start : start + 5_000])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rules", type=int, default=100)
    options.add_argument("--database", help="an empty database; SQLite in a temporary folder unless given")
    options.add_argument("--profile", action="store_true")
    given = options.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'month.db'}"
        migrate.upgrade(url)
        engine = open_engine(url)
        fill(engine, given.events)
        text = rule_file(given.rules)
        before, after = ready(load(text)), ready(load(text.replace("for: 4", "for: 5")))
        window = Window(BEGIN, BEGIN + MONTH + DAY, BEGIN)
        profiler = cProfile.Profile()
        if given.profile:
            profiler.enable()
        started = time.process_time()
        report = replay(engine, before, after, window)
        spent = time.process_time() - started
        profiler.disable()
        engine.dispose()
    if given.profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    fired = sum(rule.after for rule in report.rules), sum(rule.before for rule in report.rules)
    print(
        f"{report.events:,} events of {report.visitors:,} visitors, {report.played:,} of them played; "
        f"{fired[1]} fired before, {fired[0]} after\n"
        f"{spent:.1f} s of one core, {report.events / spent:,.0f} events/s "
        f"({report.seconds:.1f} s on the clock, {report.events / report.seconds:,.0f}/s)"
    )


if __name__ == "__main__":
    main()
