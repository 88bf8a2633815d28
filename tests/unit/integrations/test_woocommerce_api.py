"""What a webhook missed is asked of WooCommerce's API, and webhooks that it has switched off are switched on again."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.connect import Became, connect
from engine.errors import CallError, SettingsError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import CartNow, OrderNow, Page, create, fact
from integrations.woocommerce import WooCommerce
from tests.unit.integrations.cases import FIXTURES, settings_of

Json = dict[str, object]
SITE = "https://winkel.example/shop"
KEYED = {"site": SITE, "consumer_key": "ck_1", "consumer_secret": "cs_2"}
ADDRESS = "https://bell.example/hooks/woocommerce/main"
START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def shop(**settings: str) -> WooCommerce:
    made = create("woocommerce", settings_of("woocommerce") | KEYED | settings, {})
    assert isinstance(made, WooCommerce)
    return made


def gmt(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Far:
    """The shop's API: orders that change, webhooks that stand there. It is asked as WordPress reads a question."""

    def __init__(self, *, missing_hour: str = "") -> None:
        self._missing_hour = missing_hour
        self.orders: dict[int, datetime] = {}
        self.webhooks: dict[int, Json] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[Answered] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        parts = urlsplit(url)
        assert url.startswith(f"{SITE}/wp-json/wc/v3/")
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"ck_1:cs_2").decode()
        assert "ck_" not in url
        path, query = parts.path.removeprefix("/shop/wp-json/wc/v3/"), dict(parse_qsl(parts.query))
        self.asked.append((method, path, query))
        if self.answers:
            return self.answers.pop(0)
        said = msgspec.json.decode(body, type=Json) if body else {}
        if path == "customers":
            return Answered(200, msgspec.json.encode(self._accounts(query)))
        told = self._orders(query) if path == "orders" else self._webhooks(method, path, query, said)
        return Answered(201 if method == "POST" else 200, msgspec.json.encode(told))

    def _accounts(self, query: Mapping[str, str]) -> list[Json]:
        assert (query["role"], query["orderby"]) == ("all", "id")
        size, page = int(query["per_page"]), int(query["page"])
        body: Json = msgspec.json.decode((FIXTURES / "woocommerce" / "bodies" / "unsubscribed.json").read_bytes())
        return [body | {"id": name} for name in range(1, 131)][size * (page - 1) : size * page]

    def _orders(self, query: Mapping[str, str]) -> list[Json]:
        assert (query["orderby"], query["status"]) == ("modified", "any")
        after = query.get("modified_after", "")
        if after:
            # With a zone WordPress would turn it into the shop's own time.
            assert (query["dates_are_gmt"], len(after)) == ("true", len("2026-11-22T10:00:00"))
        if self._missing_hour and after.startswith(self._missing_hour):
            after = gmt(datetime.fromisoformat(after) + timedelta(hours=1))
        changed = sorted((gmt(at), name) for name, at in self.orders.items() if gmt(at) > after)
        if query["order"] == "desc":
            changed.reverse()
        size, page = int(query["per_page"]), int(query.get("page", "1"))
        return [self._order(name, at) for at, name in changed[size * (page - 1) : size * page]]

    def _order(self, name: int, at: str) -> Json:
        body: Json = msgspec.json.decode((FIXTURES / "woocommerce" / "bodies" / "order_created.json").read_bytes())
        return body | {"id": name, "date_modified_gmt": at}

    def _webhooks(self, method: str, path: str, query: Mapping[str, str], said: Json) -> object:
        name = int(path.partition("/")[2] or 0)
        if method == "GET":
            assert query["status"] == "all"
            size, page = int(query["per_page"]), int(query["page"])
            return list(self.webhooks.values())[size * (page - 1) : size * page]
        if method == "DELETE":
            assert query["force"] == "true"
            return self.webhooks.pop(name)
        name = name or max(self.webhooks, default=0) + 1
        self.webhooks[name] = self.webhooks.get(name, {}) | said | {"id": name}
        return {key: value for key, value in self.webhooks[name].items() if key != "secret"}


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


def without(name: str) -> WooCommerce:
    told = {key: value for key, value in (settings_of("woocommerce") | KEYED).items() if key != name}
    made = create("woocommerce", told, {})
    assert isinstance(made, WooCommerce)
    return made


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


# --- the last look ----------------------------------------------------------------------------------------------------


NOON_MS = 1_795_348_800_123


def ordered(
    email: object = "Zoe.deVries@example.nl", at: object = "2026-11-22T12:00:00", status: str = "pending"
) -> Json:
    return {"id": 7, "status": status, "billing": {"email": email}, "date_created_gmt": at}


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (ordered(), CartNow.ORDERED),
        (ordered(at="2026-11-22T12:00:05Z", status="completed"), CartNow.ORDERED),
        (ordered(at="no time at all"), CartNow.ORDERED),
        (ordered(at="2026-11-22T11:59:59"), CartNow.OPEN),
        (ordered(email="somebody.else@example.nl"), CartNow.OPEN),
        (ordered(email=""), CartNow.OPEN),
        (ordered(at=None), CartNow.OPEN),
        (ordered(status="checkout-draft"), CartNow.OPEN),
    ],
)
def test_whoever_has_ordered_since_is_not_mailed(order: Json, said: CartNow) -> None:
    far = Far()
    far.answers = [Answered(200, msgspec.json.encode([ordered(email="x@example.nl"), order]))]
    assert shop().look_for("zoe.devries@example.nl", NOON_MS, far) is said
    [(method, path, query)] = far.asked
    assert (method, path, query["search"]) == ("GET", "orders", "zoe.devries@example.nl")


def test_without_a_key_nobody_is_looked_for() -> None:
    far = Far()
    assert without("consumer_key").look_for("zoe.devries@example.nl", NOON_MS, far) is None
    assert far.asked == []


ORDER = ("woocommerce:checkout:wc_order_x", "woocommerce:order:727")
PAID_AT = {"date_paid_gmt": "2026-11-22T12:00:00"}


@pytest.mark.parametrize(
    ("status", "told", "said"),
    [
        ("pending", {}, OrderNow.UNPAID),
        ("failed", {}, OrderNow.UNPAID),
        ("on-hold", {}, OrderNow.UNPAID),
        ("on-hold", PAID_AT, OrderNow.PAID),
        ("processing", PAID_AT, OrderNow.PAID),
        ("processing", {}, OrderNow.PAID),
        ("completed", {}, OrderNow.PAID),
        ("a-plugins-own", {}, OrderNow.PAID),
        ("cancelled", {}, OrderNow.CANCELLED),
        ("refunded", PAID_AT, OrderNow.CANCELLED),
        ("trash", {}, OrderNow.CANCELLED),
    ],
)
def test_the_shop_says_what_has_become_of_an_unpaid_order(status: str, told: Json, said: OrderNow) -> None:
    far = Far()
    far.answers = [Answered(200, msgspec.json.encode({"id": 727, "status": status} | told))]
    assert shop().look_at_order(ORDER, far) is said
    assert [(method, path) for method, path, _ in far.asked] == [("GET", "orders/727")]


def test_an_order_that_the_shop_has_no_longer_is_nobodys_to_pay() -> None:
    far = Far()
    far.answers = [Answered(404, b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Ongeldige ID."}')]
    assert shop().look_at_order(ORDER, far) is OrderNow.CANCELLED


@pytest.mark.parametrize("body", [b"<html>", b'{"code":"rest_no_route"}', b"[]", b""])
def test_another_404_says_nothing_of_the_order(body: bytes) -> None:
    far = Far()
    far.answers = [Answered(404, body)]
    with pytest.raises(CallError, match="answered 404 to orders/727") as caught:
        shop().look_at_order(ORDER, far)
    assert caught.value.refused


@pytest.mark.parametrize("refs", [(), ("woocommerce:order:",), ("woocommerce:order:7/../8",), ("shopify:order:7",)])
def test_an_order_without_a_number_is_not_asked_for(refs: tuple[str, ...]) -> None:
    far = Far()
    assert shop().look_at_order(refs, far) is None
    assert without("consumer_key").look_at_order(ORDER, far) is None
    assert far.asked == []


# --- webhooks ---------------------------------------------------------------------------------------------------------


def standing_topics(far: Far) -> list[tuple[object, object]]:
    return sorted((str(each["topic"]), str(each["status"])) for each in far.webhooks.values())


def test_every_webhook_is_made_once_with_the_secret() -> None:
    far, subscriber = Far(), shop(consent_meta="")
    steps = connect(subscriber, ADDRESS, far)
    assert {step.became for step in steps} == {Became.MADE}
    wanted = ["order.created", "order.restored", "order.updated"]
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
    ours: Json = {"topic": "order.deleted", "delivery_url": ADDRESS, "status": "active", "id": 2}
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
    assert {(step.became, step.detail) for step in steps} == {(Became.REFUSED, "WooCommerce answered 401 to webhooks")}


def test_pages_of_the_orders_are_asked_in_turn() -> None:
    far = Far()
    far.orders = dict.fromkeys(range(1, 61), START)
    polled(shop(), far, f"{gmt(START - timedelta(seconds=1))}|1")
    pages = [int(query["page"]) for _, _, query in far.asked]
    assert all(later == earlier + 1 for earlier, later in pairwise(pages))
