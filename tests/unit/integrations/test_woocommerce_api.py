"""What a webhook missed is asked of WooCommerce's API, and webhooks that it has switched off are switched on again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.connect import Became, connect
from engine.errors import CallError, SettingsError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Page, fact
from integrations.woocommerce import WooCommerce
from tests.unit.integrations.cases import settings_of
from tests.unit.integrations.woocommerce_far import ADDRESS, KEYED, START, Far, Json, gmt, shop, without


def polled(asker: WooCommerce, far: Far, cursor: str = "") -> tuple[set[str], str]:
    """One round of the poll to its end: the orders that were told, and where it goes on."""
    told: set[str] = set()
    for _ in range(50):
        page = asker.ask("orders", cursor, far)
        cursor = page.cursor
        told |= orders_in(asker, page)
        if page.again_in_ms is None:
            return told, cursor
    raise AssertionError("the round never ends")


def orders_in(asker: WooCommerce, page: Page) -> set[str]:
    events = [event for delivery in page.deliveries for event in asker.read(delivery).events]
    orders = [event["order"] for event in events if event["type"] == "order_placed"]
    return {str(order["id"]) for order in orders if isinstance(order, dict)}


# --- what was missed --------------------------------------------------------------------------------------------------


def test_it_begins_with_the_newest_and_goes_on_with_what_has_changed() -> None:
    far, asker = Far(), shop()
    far.orders = {1: START - timedelta(days=9), 2: START}
    told, cursor = polled(asker, far)
    assert (told, cursor) == ({"2"}, "2026-11-22T09:00:00|1")
    far.orders |= {3: START + timedelta(minutes=5), 1: START + timedelta(minutes=6)}
    told, cursor = polled(asker, far, cursor)
    assert (told, cursor) == ({"1", "2", "3"}, "2026-11-22T09:06:00|1")


def test_a_shop_without_orders_is_asked_again_from_the_beginning() -> None:
    far, asker = Far(), shop()
    told, cursor = polled(asker, far)
    far.orders = {1: START}
    assert polled(asker, far, cursor)[0] == {"1"}
    assert told == set()


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1), timedelta(minutes=1)])
def test_no_order_is_missed_however_many_changed_at_once(apart: timedelta) -> None:
    far = Far()
    far.orders = {name: START + apart * name for name in range(1, 91)}
    assert polled(shop(), far, f"{gmt(START - timedelta(hours=1))}|1")[0] == {str(name) for name in far.orders}


def test_an_order_that_changes_while_pages_are_asked_for_hides_no_other() -> None:
    far, asker = Far(), shop()
    far.orders = {name: START + timedelta(seconds=name) for name in range(1, 61)}
    page = asker.ask("orders", f"{gmt(START)}|1", far)
    far.orders |= {name: START + timedelta(minutes=5, seconds=name) for name in range(1, 20)}
    told, _ = polled(asker, far, page.cursor)
    assert orders_in(asker, page) | told == {str(name) for name in far.orders}


def test_an_order_that_is_written_after_a_later_one_was_seen_is_told_all_the_same() -> None:
    far, asker = Far(), shop()
    far.orders = {1: START}
    _, cursor = polled(asker, far)
    far.orders[2] = START - timedelta(minutes=50)
    assert "2" in polled(asker, far, cursor)[0]


def test_in_the_night_that_has_no_such_hour_nothing_is_missed() -> None:
    """WordPress reads 02:30 of that night as 03:30, although it stands for UTC."""
    night, asker = datetime(2026, 3, 29, tzinfo=UTC), shop()
    far = Far(missing_hour="2026-03-29T02:")
    far.orders, told = {1: night}, set[str]()
    _, cursor = polled(asker, far)
    for minute in range(0, 300, 10):
        far.orders[minute + 2] = night + timedelta(minutes=minute)
        found, cursor = polled(asker, far, cursor)
        told |= found
    assert told == {str(name) for name in far.orders}


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 600)), max_size=40), min_size=1, max_size=4))
def test_whatever_changes_between_rounds_is_told(rounds: list[list[tuple[int, int]]]) -> None:
    far, asker, now = Far(), shop(), START
    far.orders = {99: START}
    _, cursor = polled(asker, far)
    for changes in rounds:
        now += timedelta(minutes=10)
        changed = {name: now + timedelta(seconds=second) for name, second in changes}
        far.orders |= changed
        told, cursor = polled(asker, far, cursor)
        assert {str(name) for name in changed} <= told


def test_an_order_is_read_as_its_webhook_would_have_been() -> None:
    far, asker = Far(), shop()
    far.orders = {727: START}
    [delivery] = asker.ask("orders", "", far).deliveries
    [placed, *_] = asker.read(delivery).events
    assert placed["id"] == fact("order_placed", "woocommerce", "727")["id"]
    assert placed["refs"] == ["woocommerce:checkout:wc_order_58d2d042d1d", "woocommerce:order:727"]


@pytest.mark.parametrize("cursor", ["x", "|", "2026-11-22|1", "2026-11-22T10:00:00|x", "2026-11-22T10:00:00"])
def test_a_cursor_that_is_none_begins_anew(cursor: str) -> None:
    far = Far()
    far.orders = {1: START}
    assert polled(shop(), far, cursor)[0] == {"1"}


def test_without_a_key_nothing_is_asked() -> None:
    far = Far()
    for missing in KEYED:
        asker = shop(**{missing: ""}) if missing == "site" else without(missing)
        assert asker.ask("orders", "", far) == Page(asker.ask("orders", "", far).news)
        assert asker.wanted(ADDRESS) == ()
    assert far.asked == []


@pytest.mark.parametrize(
    "site", ["http://winkel.example", "https://ck:cs@winkel.example", "winkel.example", "https://winkel.example/?a=1"]
)
def test_the_key_is_sent_to_an_https_address_only(site: str) -> None:
    with pytest.raises(SettingsError, match="site"):
        shop(site=site)


def test_all_accounts_are_read_page_by_page_where_they_say_what_may_be_mailed() -> None:
    far, asker = Far(), shop()
    first = asker.ask("customers", "", far)
    second = asker.ask("customers", first.cursor, far)
    assert [(len(page.deliveries), page.cursor, page.again_in_ms) for page in (first, second)] == [
        (100, "2", 60_000),
        (30, "", None),
    ]
    [event] = asker.read(second.deliveries[-1]).events
    assert (event["type"], event["customer_id"]) == ("consent_changed", "130")
    assert shop(consent_meta="").ask("customers", "", far).deliveries == ()
    assert len(far.asked) == 2


# --- when it does not answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "refused"), [(401, True), (403, True), (404, True), (301, False), (500, False)])
def test_what_is_no_answer_is_told_with_its_status(status: int, refused: bool) -> None:
    far = Far()
    far.answers = [Answered(status, b'{"message": "zoe@example.nl"}')]
    with pytest.raises(CallError, match=f"WooCommerce answered {status} to orders") as failed:
        shop().ask("orders", "", far)
    assert failed.value.refused == refused


@pytest.mark.parametrize(
    ("status", "told", "wait_ms"),
    [(429, "7", 7_000), (503, "", 60_000), (429, "soon", 60_000), (429, "9" * 9, 3_600_000)],
)
def test_a_host_that_wants_patience_gets_it(status: int, told: str, wait_ms: int) -> None:
    far = Far()
    far.answers = [Answered(status, b"", {"retry-after": told})]
    with pytest.raises(Throttled) as waiting:
        shop().ask("orders", "", far)
    assert waiting.value.wait_ms == wait_ms


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"code": 1}', b"[1"])
def test_a_page_of_something_else_is_unreadable(body: bytes) -> None:
    far = Far()
    far.answers = [Answered(200, body)]
    with pytest.raises(Unreadable):
        shop().ask("orders", "", far)


def test_an_odd_order_is_handed_on_with_its_bytes() -> None:
    far = Far()
    far.answers = [Answered(200, b'[{"id": 1, "date_modified_gmt": 7}, {"odd": "\\u00e9" }]')]
    page = shop().ask("orders", "2026-11-22T10:00:00|1", far)
    assert [delivery.body for delivery in page.deliveries] == [
        b'{"id": 1, "date_modified_gmt": 7}',
        b'{"odd": "\\u00e9" }',
    ]


# --- webhooks ---------------------------------------------------------------------------------------------------------


def standing_topics(far: Far) -> list[tuple[object, object]]:
    return sorted((str(each["topic"]), str(each["status"])) for each in far.webhooks.values())


def test_every_webhook_is_made_once_with_the_secret() -> None:
    far, subscriber = Far(), shop(consent_meta="")
    steps = connect(subscriber, ADDRESS, far)
    assert {step.became for step in steps} == {Became.MADE}
    wanted = ["customer.deleted", "order.created", "order.deleted", "order.restored", "order.updated"]
    wanted += ["product.created", "product.restored", "product.updated"]
    assert standing_topics(far) == [(topic, "active") for topic in wanted]
    assert {each["secret"] for each in far.webhooks.values()} == {settings_of("woocommerce")["webhook_secret"]}
    assert {step.became for step in connect(subscriber, ADDRESS, far)} == {Became.STANDS}


def test_customers_are_only_heard_of_where_they_say_something() -> None:
    topics = {item.topic for item in shop(consent_meta="newsletter").wanted(ADDRESS)}
    assert {"customer.created", "customer.updated"} <= topics


def test_one_that_was_disabled_is_switched_on_again_and_a_paused_one_is_left_alone() -> None:
    far, subscriber = Far(), shop()
    connect(subscriber, ADDRESS, far)
    far.webhooks[1]["status"], far.webhooks[2]["status"] = "disabled", "paused"
    mended = [step for step in connect(subscriber, ADDRESS, far) if step.became is not Became.STANDS]
    assert [(step.topic, step.became, step.detail) for step in mended] == [
        (far.webhooks[1]["topic"], Became.MENDED, "it was switched off")
    ]
    assert (far.webhooks[1]["status"], far.webhooks[2]["status"]) == ("active", "paused")


def test_webhooks_of_others_are_left_alone_and_what_is_left_over_of_ours_goes() -> None:
    far, subscriber = Far(), shop()
    other: Json = {"topic": "order.created", "delivery_url": "https://crm.example/in", "status": "disabled", "id": 1}
    ours: Json = {"topic": "product.deleted", "delivery_url": ADDRESS, "status": "active", "id": 2}
    far.webhooks = {1: other, 2: ours}
    connect(subscriber, ADDRESS, far)
    assert far.webhooks[1] == other
    assert 2 not in far.webhooks


def test_it_looks_at_all_pages_of_webhooks() -> None:
    far = Far()
    for name in range(1, 232):
        far.webhooks[name] = {
            "id": name,
            "topic": "order.created",
            "delivery_url": f"https://{name}.example",
            "status": "x",
        }
    assert len(shop().standing(far)) == 231
    assert [query["page"] for _, _, query in far.asked] == ["1", "2", "3"]


def test_a_key_that_may_only_read_is_told_so() -> None:
    far = Far()
    far.answers = [Answered(200, b"[]"), *[Answered(401, b"{}")] * 20]
    steps = connect(shop(), ADDRESS, far)
    assert {step.became for step in steps} == {Became.REFUSED}
    assert all("may it read and write" in step.detail for step in steps)


def test_pages_of_the_orders_are_asked_in_turn() -> None:
    far = Far()
    far.orders = dict.fromkeys(range(1, 61), START)
    polled(shop(), far, f"{gmt(START - timedelta(seconds=1))}|1")
    pages = [int(query["page"]) for _, _, query in far.asked]
    assert all(later == earlier + 1 for earlier, later in pairwise(pages))


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "does not take the key"), (403, "may not see"), (404, "pretty"), (301, "with or without www"), (500, "500")],
)
def test_what_is_wrong_is_told_to_a_person(status: int, hint: str) -> None:
    far = Far()
    far.answers = [Answered(status, b"<html>")]
    with pytest.raises(CallError, match=hint):
        shop().ask("orders", "", far)
