"""What the service tests share: a shop over each kind of database, and a second process beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine import hints
from tests.builders import LEFT, STUCK, Hands, Premises, keep_time, rule_set
from tests.parts import DEADLINE_S
from tests.service.webshopapp import Webshopapp


@pytest.fixture(autouse=True)
def long_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process a worker that said it is there is believed for as long as any test takes."""
    monkeypatch.setattr(hints, "ALIVE_S", DEADLINE_S)


@pytest.fixture
def premises(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Premises]:
    """A shop with two rules, where time stands still until the test moves it."""
    hands = Hands()
    keep_time(monkeypatch, hands)
    shop = Premises(database_url, rule_set(STUCK, LEFT), hands)
    yield shop
    shop.close()


@pytest.fixture
def other(premises: Premises, database_url: str) -> Iterator[Premises]:
    """A second process of the same shop: an engine, a committer and connections of its own."""
    process = Premises(database_url, premises.shop.rules, premises.hands)
    yield process
    process.close()


@pytest.fixture
def webshop() -> Iterator[Webshopapp]:
    """Lightspeed's API, on loopback."""
    with Webshopapp() as opened:
        yield opened
