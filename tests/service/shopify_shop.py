"""A Shopify shop with everything behind its webhooks, and Shopify's API as a test answers for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from engine.clock import DAY, MINUTE, Millis, to_iso
from engine.deliver import Deliverer
from engine.errands import Errands
from engine.http import Answered, Caller
from engine.intake import Intake, Outcome, open_platform
from engine.integration import RawRequest
from engine.links import Links
from engine.live import LiveRules
from engine.store import errands, models
from engine.store.database import reading
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, VISITORS
from integrations.shopify import Shopify
from tests.builders import Premises, rule_set

BODIES = Path(__file__).parents[1] / "fixtures" / "integrations" / "shopify" / "bodies"
SECRET = "hush-of-this-very-shop"
VISITOR = "9f0c2a54-0000-4000-8000-000000000001"
ADDRESS = "sanne.devries@example.nl"
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
  time_zone: Europe/Amsterdam
  url: https://voorbeeld.example
  cart_url: https://voorbeeld.example/cart
integrations:
  shopify: {shop: voorbeeld.myshopify.com%s}
  smtp: {url: env:SMTP_URL, from: "Sanne van Vloei <sanne@vloei.example>"}
"""
Body = dict[str, object]


def body_of(case: str) -> Body:
    body: Body = json.loads((BODIES / f"{case}.json").read_bytes())
    return body


class Api(Caller):
    """Shopify's API, with ``data`` as its answer to every query."""

    def __init__(self, data: object) -> None:
        super().__init__()
        self.data = data
        self.asked: list[Body] = []

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, within_s: float = 0
    ) -> Answered:
        told = json.loads(body)
        if url.endswith("access_token"):
            return Answered(200, b'{"access_token": "t", "expires_in": 86399}')
        self.asked.append(told["variables"])
        return Answered(200, msgspec.json.encode({"data": self.data}))


class Shop:
    """The shop, its platform's webhooks, the clock that asks the platform, and a worker that sends mails."""

    def __init__(self, premises: Premises, live: LiveRules, smtp_url: str) -> None:
        self.premises = premises
        links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
        self.deliverer = Deliverer(premises.engine, live, links, smtp_url)
        platform = open_platform(premises.shop, "shopify")
        assert platform is not None
        self._live, self._platform = live, platform
        self._intake = Intake(premises.engine, premises.committer, premises.hands)
        self._count = 0

    def delivers(self, topic: str, body: Body, *, name: str = "") -> Outcome:
        """One webhook, signed as Shopify signs it."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        self._count += 1
        signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        headers = {
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": signature,
            "x-shopify-shop-domain": "voorbeeld.myshopify.com",
            "x-shopify-webhook-id": name or f"webhook-{self._count}",
        }
        delivery = self._platform.receiver.admit(RawRequest(headers, {}, raw))
        assert delivery is not None
        return self._intake.take(self._platform, delivery).outcome

    def asks(self, api: Caller) -> None:
        """The clock asks whatever is due."""
        told: list[str] = []
        Errands(self._live, self._intake, told.append, api, public_url="https://bell.example").run()

    def due(self) -> list[str]:
        return sorted(row.what for row in self.premises.rows(ERRANDS) if row.due_at <= self.premises.hands.now)

    def at(self, ago: Millis = 0) -> str:
        return to_iso(self.premises.hands.now - ago)

    def checkout(self, *, ago: Millis = 0, **changes: object) -> Body:
        """The Dutch checkout with its 6.95 for shipping, as it was so long ago."""
        told = body_of("shipping_shock")
        times = {"created_at": self.at(ago + MINUTE), "updated_at": self.at(ago)}
        ticked = {"buyer_accepts_marketing": True}
        return told | times | ticked | changes

    def order(self, *, ago: Millis = 0, **changes: object) -> Body:
        told = body_of("order_of_the_checkout")
        times = {"created_at": self.at(ago), "updated_at": self.at(ago), "email": ADDRESS, "contact_email": ADDRESS}
        return told | times | changes

    def looks_again(self) -> list[str]:
        """A timer rings for everybody; the states of all mails that there are then."""
        self.premises.look_at(*(str(row.id) for row in self.premises.rows(VISITORS)))
        return [str(row.state) for row in self.premises.rows(DELIVERIES)]

    def everything(self) -> str:
        """All that stands in the database, but for the rule file's own words: whoever sends the mails is a Sanne."""
        with reading(self.premises.engine) as connection:
            tables = models.Base.metadata.tables.values()
            rows = [str(tuple(row)) for table in tables for row in connection.execute(select(table))]
        return "\n".join(rows).replace("Sanne van Vloei", "")


def open_shop(
    premises: Premises,
    folder: Path,
    patch: pytest.MonkeyPatch,
    rule: str,
    *,
    settings: str = "",
    smtp_url: str = "smtp://127.0.0.1:1",
) -> Shop:
    """The shop with one rule, and more ``settings`` of its integration; its polls rest for a day."""
    hands = premises.hands
    patch.setenv("SHOPIFY_CLIENT_SECRET", SECRET)
    patch.setenv("SMTP_URL", smtp_url)
    patch.setattr(errands, "database_now", lambda connection: hands())
    premises.use(rule_set(rule, head=HEAD % (f", {settings}" if settings else "")))
    (file := folder / "rules.yaml").write_text(premises.shop.rules.source, encoding="utf-8")
    errands.plan(premises.engine, premises.shop.id, "shopify", [*Shopify.polls, "webhooks"], again=False)
    with premises.engine.begin() as connection:
        connection.execute(ERRANDS.update().values(due_at=hands.now + DAY))
    return Shop(premises, LiveRules(file, premises.engine), smtp_url)
