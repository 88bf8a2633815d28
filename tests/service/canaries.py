"""Somebody who can be told from everybody else in every word that is kept of her, and a shop that looks for her."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from sqlalchemy import Engine, select

from engine.identify import hash_of
from engine.store import models
from engine.store.database import reading

Json = dict[str, object]

MAIL, NAME = "Zilla.Canary@shopper.example", "Zilla Kanariepiet"
PHONE, STREET, NOTE = "+31 6 7770777", "Kanarielaan 7", "bij de canary aanbellen"
URL = "https://shop.example/canary?email=zilla.canary%40shopper.example&key=canarytoken7"
IP, AGENT = "198.51.100.77", "CanaryBrowser/7.7"
CUSTOMER, ORDER, CART, CHECKOUT = 77007700077, 88008800088, "cartcanary77777777", "checkoutcanary88888888"
PHONE_BROWSER, LAPTOP_BROWSER = "canary-phone-7777", "canary-laptop-7777"

TRACES = (
    "canary", "kanarie", "zilla", PHONE, IP, str(CUSTOMER), str(ORDER),
)  # fmt: skip
"""Whatever of her is found has one of these in it, whatever case it is written in."""
_BY_KEY: tuple[tuple[str, object], ...] = (
    (r"e_?mail(_address)?|contact_email", MAIL),
    (r"phone|mobile|sms_marketing_phone", PHONE),
    (r"first_?name|last_?name|middle_?name|username|addressBillingName|addressShippingName", NAME),
    (r"address_?1|street|address(Billing|Shipping)Street", STREET),
    (r"note|comment|memo|customer_note|orderComments|customerNote", NOTE),
    (r"landing_site|referring_site|source_url|order_status_url|abandoned_checkout_url|refererUrl|avatar_url", URL),
    (r"browser_ip|ip|ipAddress|remoteIp|customer_ip_address", IP),
    (r"user_agent|userAgent|customer_user_agent", AGENT),
    (r"order_id", ORDER),
    (r"customer_id", CUSTOMER),
    (r"cart_token|recoveryHash", CART),
    (r"checkout_token", CHECKOUT),
    (r"order_key", f"wc_order_{CHECKOUT}"),
)
_MADE_OF = [(re.compile(f"(?:{pattern})\\Z"), new) for pattern, new in _BY_KEY]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_SOMEBODY = re.compile(r"customer|address|billing|shipping|destination|person", re.IGNORECASE)


def marked(value: object, *, ago: timedelta = timedelta(hours=2), key: str = "", inside: str = "") -> object:
    """The same body about her: everything that says who somebody is says that it is she, and it happened lately."""
    if isinstance(value, dict):
        found = {name: marked(inner, ago=ago, key=name, inside=key or inside) for name, inner in value.items()}
        return found | ({"id": CUSTOMER} if key == "customer" and "id" in value else {})
    if isinstance(value, list):
        return [marked(inner, ago=ago, key=key, inside=inside) for inner in value]
    if isinstance(value, bool):
        return value
    for pattern, new in _MADE_OF:
        if pattern.match(key):
            return new
    if key == "name" and _SOMEBODY.search(inside):
        return NAME
    if isinstance(value, str) and _MOMENT.match(value):
        return _lately(value, ago)
    return value


def _lately(told: str, ago: timedelta) -> str:
    """A moment so long ago, written as this one is."""
    at = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S")
    return at + ("+00:00" if len(told) > len(at) else "")


# --- where a trace may be ---------------------------------------------------------------------------------------------


def hashes_of_her(shop: str) -> list[str]:
    """By what she would be recognised although nobody wrote her name: the keyed hashes of her names."""
    return [hash_of(shop, MAIL), hash_of(shop, str(CUSTOMER))]


def traces_in(text: str, *more: str) -> list[str]:
    folded = text.casefold()
    return [trace for trace in (*TRACES, *more) if trace.casefold() in folded]


def rows_of(engine: Engine) -> Iterator[tuple[str, str]]:
    """Every row of every table, with all of its columns: texts as they are, bytes as Latin-1."""
    with reading(engine) as connection:
        for table in models.Base.metadata.tables.values():
            for row in connection.execute(select(table)):
                yield table.name, " ".join(map(_text_of, row))


def _text_of(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def kept_about_her(engine: Engine, shop: str) -> list[str]:
    """What the database has of her: the table, which trace, and the row."""
    hashes = hashes_of_her(shop)
    return [f"{table}: {found}: {row[:160]}" for table, row in rows_of(engine) if (found := traces_in(row, *hashes))]


def bytes_on_disk(engine: Engine) -> str:
    """The database's own file with what was deleted from it; "" for PostgreSQL, whose files are not ours to read."""
    if engine.dialect.name != "sqlite":
        return ""
    with engine.connect() as connection:
        connection.rollback()
        busy = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert not busy, "something still reads the database"
    return Path(str(engine.url.database)).read_bytes().decode("latin-1")


def told_to_redis(url: str) -> str:
    """Every key of a Valkey with whatever lies under it."""
    told: list[bytes] = []
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(count=1_000):
            told += [key, client.dump(key) or b""]
            kind = client.type(key)
            if kind == b"hash":
                told += [part for pair in client.hgetall(key).items() for part in pair]
            elif kind == b"list":
                told += client.lrange(key, 0, -1)
    return b" ".join(told).decode("latin-1")
