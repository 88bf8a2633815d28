"""A person's rights: everything about them given out, and everything taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from engine.cli import run
from engine.committer import Committer
from engine.events import parse_event
from engine.identify import hash_of
from engine.live import ready
from engine.pipeline import Accepted, ShopRules, Submission
from engine.rules.loader import load
from engine.said import say
from engine.store import models
from engine.store.database import open_engine, reading
from engine.store.migrate import upgrade
from engine.store.privacy import erase, export, find_person
from engine.store.suppress import suppress

NOON = 1_795_257_600_000
CANARY = "alice.canary@example.org"
RULES = """
shop: {name: Inkt, languages: [nl, en]}
rules:
  - name: hello
    when:
      - on_page: home
    then:
      - invite: {text: {nl: Hoi, en: Hi}}
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    upgrade(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def tell(committer: Committer, shop: ShopRules, visitor: str, *events: dict[str, Any]) -> None:
    accepted = []
    for number, raw in enumerate(events):
        whole = {"id": f"{visitor}-event-{number}", "visitor": visitor, "tab": "t1"} | raw
        event = parse_event(whole, received_at=NOON + number, skew_ms=0, currency="EUR", trusted=False)
        accepted.append(Accepted(event, str(whole)))
    committer.commit(Submission(shop, accepted))


def two_devices_and_a_neighbour(engine: Engine) -> None:
    committer, shop = Committer(engine), ready(load(RULES))
    cart = {"id": "cart-1", "lines": [{"sku": "pen", "price": "5.00"}]}
    for device in ("phone", "laptop"):
        tell(
            committer,
            shop,
            device,
            {"type": "page_viewed", "page": {"url": "https://shop.example/", "type": "home"}},
            {"type": "cart_updated", "cart": cart | {"id": f"cart-{device}"}},
            {"type": "contact_given", "email": CANARY, "name": "Alice Canary", "consent": {"email": True}},
        )
    order = {"id": "order-1", "email": CANARY, "total": "5.00"}
    tell(committer, shop, "laptop-2", {"type": "order_placed", "order": order})
    tell(
        committer,
        shop,
        "neighbour",
        {"type": "page_viewed", "page": {"url": "https://shop.example/", "type": "home"}},
        {"type": "contact_given", "email": "bob@example.org", "consent": {"email": True}},
    )


def everything(engine: Engine) -> str:
    with reading(engine) as connection:
        tables = models.Base.metadata.tables.values()
        return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(select(table)))


def alice(engine: Engine) -> str:
    found = find_person(engine, "main", [("email", hash_of("main", CANARY.upper()))], "")
    assert found is not None
    return found


def test_an_export_holds_every_device_event_cart_order_and_consent(engine: Engine) -> None:
    two_devices_and_a_neighbour(engine)
    kept = export(engine, "main", alice(engine))
    assert kept["person"]["email"] == CANARY
    assert set(kept["visitors"]) == {"phone", "laptop", "laptop-2"}
    assert len(kept["events"]) == 7
    assert {cart["id"] for cart in kept["carts"]} == {"cart-phone", "cart-laptop"}
    assert [order["id"] for order in kept["orders"]] == ["order-1"]
    assert len(kept["consents"]) == 2
    assert "bob@example.org" not in str(kept)


def test_the_command_prints_it_as_json(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_devices_and_a_neighbour(engine)
    row = dict.fromkeys(("rule_hash", "rule_set", "occasion", "variant", "trace"), "")
    row |= {"shop": "main", "id": "dec_1", "visitor": "phone", "rule": "hello", "outcome": "held", "guard": "holdout"}
    with engine.begin() as connection:
        detail = say("%(share)s of visitors", share="10%")
        connection.execute(insert(models.DecisionRow).values(at=NOON, detail=detail, **row))
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert run(["export", CANARY]) == 0
    (decision,) = json.loads(capsys.readouterr().out)["decisions"]
    assert (decision["guard"], decision["detail"]) == ("holdout", "10% of visitors")


def test_an_erasure_leaves_no_row_with_the_person_in_it_and_spares_the_neighbour(engine: Engine) -> None:
    two_devices_and_a_neighbour(engine)
    person = alice(engine)
    assert erase(engine, "main", person) > 10
    left = everything(engine)
    for trace in (CANARY, "Canary", person, "phone", "laptop", "cart-phone", "order-1"):
        assert trace not in left
    assert "bob@example.org" in left
    assert "neighbour" in left


def test_a_second_erasure_finds_nothing(engine: Engine) -> None:
    two_devices_and_a_neighbour(engine)
    person = alice(engine)
    erase(engine, "main", person)
    assert erase(engine, "main", person) == 0
    assert find_person(engine, "main", [("email", hash_of("main", CANARY))], person) is None


def test_an_unsubscription_outlives_the_erasure(engine: Engine) -> None:
    two_devices_and_a_neighbour(engine)
    person = alice(engine)
    suppress(engine, "main", person, hash_of("main", CANARY), "unsubscribed")
    erase(engine, "main", person)
    tell(
        Committer(engine),
        ready(load(RULES)),
        "new-phone",
        {"type": "contact_given", "email": CANARY, "consent": {"email": True}},
    )
    again = export(engine, "main", alice(engine))
    assert again["person"]["unsubscribed_at"] is not None
