"""Our webhooks with Shopify: each topic with the fields that are read of it, and no others."""

from __future__ import annotations

import json
import re

import pytest

from engine.connect import Became, connect
from engine.errors import CallError, Throttled
from engine.http import Answered
from engine.integration import Delivery
from integrations.shopify.topics import REQUESTS, TOPICS
from tests.unit.integrations.cases import HookCase, cases
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop

HERE = "https://bell.example/hooks/shopify/main"
DONE = answered({"done": {"userErrors": []}})
READ = {
    key: case
    for key, case in cases("receive", HookCase).items()
    if key.startswith("shopify/") and case.topic in TOPICS and not case.refused and not case.unreadable
}


def constant(topic: str) -> str:
    return topic.upper().replace("/", "_")


def hook(topic: str, **changes: object) -> Json:
    told = TOPICS[topic]
    own: Json = {
        "id": f"gid://shopify/WebhookSubscription/{topic}",
        "topic": constant(topic),
        "uri": HERE,
        "includeFields": sorted(told.fields.split(), reverse=True),
        "filter": told.filter or None,
    }
    return own | changes


def there(*hooks: Json, after: str | None = None) -> Answered:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return answered({"webhookSubscriptions": {"pageInfo": info, "nodes": hooks}})


OURS = [name for name, topic in TOPICS.items() if topic.fields]


# --- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", READ)
def test_the_fields_that_are_asked_for_are_all_that_is_read(key: str) -> None:
    case, asked = READ[key], TOPICS[READ[key].topic].fields.split()
    whole = case.bytes_of("shopify")
    cut = {name: value for name, value in json.loads(whole).items() if name in asked} if asked else json.loads(whole)
    made = shop()
    assert made.read(Delivery(case.topic, json.dumps(cut).encode())) == made.read(
        Delivery(case.topic, json.dumps(json.loads(whole)).encode())
    )


def test_every_topic_is_registered_but_those_that_every_app_names_itself_or_that_say_nothing_today() -> None:
    assert [item.topic for item in shop().wanted(HERE)] == OURS
    assert {*TOPICS} - {*OURS} == {"customers/create", "customers/update"} | REQUESTS


def test_a_filter_lets_through_whatever_becomes_an_event() -> None:
    wanted = {item.topic: item for item in shop().wanted(HERE)}["fulfillment_events/create"].filter
    for case in READ.values():
        if case.topic == "fulfillment_events/create" and case.events:
            assert f"status:{json.loads(case.bytes_of('shopify'))['status']}" in wanted.split(" OR ")


def test_a_filter_is_written_so_that_shopify_sends_anything_at_all() -> None:
    """A field that is not among those that are asked for, or another capital, and nothing ever comes."""
    filters = {item.topic: item for item in shop().wanted(HERE) if item.filter}
    assert [*filters] == ["fulfillment_events/create"], "no checkout is kept away: an address may come with the next"
    for item in filters.values():
        for term in item.filter.split(" OR "):
            field, value = term.split(":")
            assert field in item.fields
            assert re.fullmatch(r"[a-z_]+", value)


ONCE = {
    "carts/create",
    "checkouts/create",
    "checkouts/delete",
    "refunds/create",
    "fulfillment_events/create",
    "customers/delete",
    "app/uninstalled",
}
"""What happens once to a thing that its body names."""


@pytest.mark.parametrize("topic", [topic for topic in OURS if topic not in ONCE])
def test_what_changes_twice_is_never_told_in_the_same_words(topic: str) -> None:
    """Of two bodies that are the same Shopify drops the later one."""
    moments = {
        "updated_at",
        "email_marketing_consent",
        "sms_marketing_consent",
        "whats_app_marketing_consent",
        "status",
    }
    assert moments.intersection(TOPICS[topic].fields.split())


def test_without_a_client_id_nothing_is_registered() -> None:
    far = Shopify2026(there())
    assert connect(shop(client_id=""), HERE, far) == ()
    assert (far.tokens, far.asked) == (0, [])


# --- what is there ----------------------------------------------------------------------------------------------------


def test_a_shop_without_any_gets_all_of_them() -> None:
    far = Shopify2026(there(), DONE)
    steps = connect(shop(), HERE, far)
    assert {step.became for step in steps} == {Became.MADE}
    made = {str(asked["topic"]): asked["hook"] for asked in far.asked[1:]}
    assert list(made) == [constant(topic) for topic in OURS]
    assert made["INVENTORY_LEVELS_UPDATE"] == {
        "uri": HERE,
        "format": "JSON",
        "includeFields": ["available", "inventory_item_id", "location_id", "updated_at"],
        "filter": None,
    }


def test_what_stands_is_left_alone_whatever_the_order_of_its_fields() -> None:
    far = Shopify2026(there(*map(hook, OURS[:9]), after="p2"), there(*map(hook, OURS[9:])))
    assert {step.became for step in connect(shop(), HERE, far)} == {Became.STANDS}
    assert far.asked == [{"after": None}, {"after": "p2"}]


def test_what_was_deleted_after_failures_is_made_again_and_what_differs_is_mended() -> None:
    older = hook("orders/create", includeFields=[])
    elsewhere = hook("products/update", uri="https://other.example/hooks")
    gone = hook("carts/update", id="gid://shopify/WebhookSubscription/old") | {"topic": "LOCATIONS_UPDATE"}
    others = [hook(topic) for topic in OURS if topic not in ("orders/create", "checkouts/update", "products/update")]
    far = Shopify2026(there(older, elsewhere, gone, *others), DONE)
    changed = {s.topic: s.became.value for s in connect(shop(), HERE, far) if s.became is not Became.STANDS}
    assert changed == {
        "checkouts/update": "made",
        "orders/create": "mended",
        "products/update": "made",
        "locations_update": "removed",
    }
    assert [asked.get("id") for asked in far.asked if "id" in asked] == [older["id"], gone["id"]]


# --- what it answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (answered({"done": {"userErrors": [{"message": "Specified topic is invalid"}]}}), "Specified topic is invalid"),
        (refused("ACCESS_DENIED"), "Shopify's API answered ACCESS_DENIED"),
    ],
)
def test_a_topic_that_the_app_may_not_have_keeps_no_other_away(answer: Answered, detail: str) -> None:
    far = Shopify2026(there(*map(hook, OURS[2:])), answer, DONE)
    first, second, *_ = connect(shop(), HERE, far)
    assert (first.became, first.detail, second.became) == (Became.REFUSED, detail, Became.MADE)


def test_no_answer_and_no_points_are_no_refusal() -> None:
    with pytest.raises(CallError, match="502"):
        connect(shop(), HERE, Shopify2026(there(), Answered(502, b"")))
    with pytest.raises(Throttled):
        connect(shop(), HERE, Shopify2026(there(), refused("THROTTLED")))
