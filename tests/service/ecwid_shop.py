"""A shop that sells by Ecwid: its door, and the clock that asks its API."""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from engine.clock import MINUTE
from engine.deliver import Deliverer
from engine.errands import Errands
from engine.http import Caller
from engine.intake import Intake
from engine.integration import Json
from engine.links import Links
from engine.messages import DeliveryState
from engine.settings import Settings
from engine.store import budgets, errands, models
from engine.store.database import reading
from engine.store.unit import DELIVERIES
from tests.builders import SURPRISE, Hands
from tests.service.doors import Door, environment_for, rule_file
from tests.service.ecwid_store import (
    CART,
    SECRET,
    TOKEN,
    EcwidStore,
    left_cart,
    signature_of,
    webhook,
)

LOOPBACK = Caller(permit=lambda address: address.is_loopback, schemes=("http",))
WAIT = 5 * MINUTE
Captured = pytest.CaptureFixture[str]


class Shop(Door):
    """A running application whose shop sells by Ecwid, and a clock that asks its API."""

    def __init__(self, settings: Settings, store: EcwidStore, hands: Hands, smtp_url: str) -> None:
        super().__init__(settings)
        self.store, self.hands = store, hands
        self.rung: list[str] = []
        live, links = self.house.live, Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
        self._errands = Errands(live, Intake(self.engine, self.house.committer), self.rung.append, LOOPBACK)
        self._deliverer = Deliverer(self.engine, live, links, smtp_url, platforms=LOOPBACK)

    def hook(self, told: Json, *, headers: dict[str, str] | None = None, path: str = "ecwid/ink") -> TestResponse:
        """A webhook, as Ecwid sends it."""
        signed = {"X-Ecwid-Webhook-Signature": signature_of(told)} if headers is None else headers
        body = msgspec.json.encode(told)
        answer = self.client.post(f"/hooks/{path}?eventtype={told['eventType']}", data=body, headers=signed)
        self.contract.names_no_other_than(answer, "POST", "/hooks/{integration}/{shop}")
        return answer

    def hears(self, event: str, entity: object = 5001, **data: str) -> str:
        answer = self.hook(webhook(event, entity, data=data))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["result"])

    def asks(self) -> None:
        """The clock asks everything that is due, and what came due because a cart was given its time."""
        for _ in range(2):
            self.asks_at_once()
            self.hands.now += WAIT

    def asks_at_once(self) -> None:
        while self._errands.run():
            pass

    def delivers(self) -> list[DeliveryState | None]:
        return [self._deliverer.deliver(str(row.id)) for row in self.rows(DELIVERIES)]

    def everything(self) -> str:
        with reading(self.engine) as connection:
            tables = models.Base.metadata.tables.values()
            return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(select(table)))


@contextmanager
def open_shop(
    folder: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    smtp_url: str = "smtp://127.0.0.1:9",
    rule: str = SURPRISE,
) -> Iterator[Shop]:
    """The shop ``ink``, with nothing in its store."""
    with EcwidStore() as store:
        shop = _shop(folder, url, store, monkeypatch, smtp_url, rule)
        yield shop
        shop.close()


def _shop(folder: Path, url: str, store: EcwidStore, monkeypatch: pytest.MonkeyPatch, smtp_url: str, rule: str) -> Shop:
    monkeypatch.setenv("ECWID_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("ECWID_TOKEN", TOKEN)
    hands = Hands()
    for module in (errands, budgets):
        monkeypatch.setattr(module, "database_now", lambda connection: hands())
    (folder / "rules").mkdir()
    monkeypatch.setattr("integrations.ecwid.api.API", store.url)
    told = 'integrations:\n  ecwid: {store_id: "1003"}\n'
    rules = rule_file("ink", "https://ink.example", f"- {rule.strip()}".replace("\n", "\n  "))
    (folder / "rules" / "ink.yaml").write_text(rules.replace("integrations:\n", told))
    return Shop(Settings.from_env(environment_for(folder, url)), store, hands, smtp_url)


def words_of(content: bytes) -> str:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\xa0", " ")


def is_left(shop: Shop, **changes: str | bool | None) -> None:
    """A cart was left after its shipping was shown, and Ecwid says so."""
    shop.store.there[f"carts/{CART}"] = left_cart(**changes)
    assert shop.hears("unfinished_order.created", orderId="RA1SD", cartId=CART) == "accepted"
    shop.asks()
