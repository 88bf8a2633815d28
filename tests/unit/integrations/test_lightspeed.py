"""What Lightspeed's API says of the calls that are left, whatever it says; and what goes first when they are few."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.errors import HookError
from engine.http import Answered
from engine.integration import LAST_LOOK, Delivery, Json, Left, OrderNow, RawRequest, create, json_object
from integrations.lightspeed import Lightspeed
from integrations.lightspeed.api import ALLOWANCE, Listed, allowed
from integrations.lightspeed.backfill import Place
from integrations.lightspeed.lookups import share_of
from integrations.lightspeed.orders import from_order, order_now
from tests.unit.integrations.bending import ODD, places, replaced
from tests.unit.integrations.cases import HookCase, cases, settings_of

FIVE = 5 * MINUTE
HOOKS = {
    key: case
    for key, case in cases("receive", HookCase).items()
    if key.startswith("lightspeed/") and case.topic and not case.unknown_topic and not case.unreadable
}


def lightspeed(**more: str) -> Lightspeed:
    made = create("lightspeed", settings_of("lightspeed") | more, {})
    assert isinstance(made, Lightspeed)
    return made


def asking() -> Lightspeed:
    environment = {"KEY": "a-key", "SECRET": "its-secret"}
    stated = settings_of("lightspeed") | {"api_key": "env:KEY", "api_secret": "env:SECRET"}
    made = create("lightspeed", stated, environment)
    assert isinstance(made, Lightspeed)
    return made


def told(limit: str, remaining: str, reset: str = "", status: int = 200, **more: str) -> Answered:
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
    return Answered(status, b"{}", headers | {name.replace("_", "-"): value for name, value in more.items()})


# --- calls ------------------------------------------------------------------------------------------------------------


def test_every_answer_tells_how_many_calls_are_left_and_until_when() -> None:
    said = allowed(told("300/3000/12000", "299/2900/0", "277/3277/21277"))
    assert said.windows == {
        FIVE: Left(300, 299, 277 * SECOND),
        HOUR: Left(3_000, 2_900, 3_277 * SECOND),
        DAY: Left(12_000, 0, 21_277 * SECOND),
    }
    assert said.rest_ms == 0


def test_a_shop_with_more_calls_has_more() -> None:
    body = {"limit5Min": {"limit": 1000, "remaining": 999, "reset": 277, "resetTime": "2019-08-12T18:10:00+00:00"}}
    said = allowed(Answered(200, json.dumps({"accountRatelimit": body}).encode()))
    assert said.windows == {FIVE: Left(1_000, 999, 277 * SECOND)}


@pytest.mark.parametrize(
    ("answered", "rest_ms"),
    [
        (Answered(429, b""), MINUTE),
        (told("300/3000/12000", "0/900/9000", "42/9/9", 429), 42 * SECOND),
        (told("300/3000/12000", "0/0/9000", "42/600/9", 429), 600 * SECOND),
        (told("300/3000/12000", "0/900/9000", "", 429), MINUTE),
        (told("", "", "", 429, retry_after="7"), 7 * SECOND),
        (told("", "", "", 429, retry_after="999999999999"), DAY),
        (told("", "", "", 429, retry_after="Sat, 21 Nov 2026 12:00:00 GMT"), MINUTE),
    ],
)
def test_a_refusal_says_how_long_to_wait_or_means_a_minute(answered: Answered, rest_ms: int) -> None:
    assert allowed(answered).rest_ms == rest_ms


_ODD_HEADERS = ["1/2", "1/2/3/4", "-1/2/3", "٣/2/1", "0/0/0", "99999999999/1/1", "1/2/3"]
_HEADER = st.text(max_size=12) | st.sampled_from(_ODD_HEADERS)


@given(_HEADER, _HEADER, _HEADER, st.sampled_from([200, 429]), st.binary(max_size=60))
def test_nonsense_about_calls_is_no_news_or_within_bounds(
    limit: str, remaining: str, reset: str, status: int, body: bytes
) -> None:
    said = allowed(Answered(status, body, told(limit, remaining, reset).headers))
    assert set(said.windows) <= set(ALLOWANCE)
    for lasts, left in said.windows.items():
        assert 0 <= left.left <= left.most
        assert left.resets_in_ms is None or 0 <= left.resets_in_ms <= lasts
    assert (said.rest_ms > 0) == (status == 429)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_number_of_calls_is_no_news(odd: object) -> None:
    body = {"accountRatelimit": {"limit5Min": {"limit": odd, "remaining": odd, "reset": odd}, "limitHour": odd}}
    windows = allowed(Answered(200, msgspec.json.encode(body))).windows
    assert all(0 <= left.left <= left.most for left in windows.values())


def test_what_somebody_waits_for_goes_first() -> None:
    order = [LAST_LOOK, "quote:5:7", "quote:5", "variant:3", "missed:5:7"]
    shares = [share_of(what) for what in order]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)
    assert share_of("order:5:7") == share_of("customer:7") == share_of("webhooks") == share_of("quote:5:7")


# --- cursors ----------------------------------------------------------------------------------------------------------


def test_a_place_is_found_again_from_its_text() -> None:
    for place in (Place(), Place("2026-11-21T12:00:00+00:00", 3, "2026-11-21T13:00:00+00:00")):
        assert Place.of(str(place)) == place


@given(st.text(max_size=40))
def test_a_cursor_that_nobody_wrote_begins_somewhere(cursor: str) -> None:
    assert Place.of(cursor).page >= 0


def test_without_a_clock_of_its_own_the_latest_change_on_the_first_page_is_where_to_go_on() -> None:
    items: list[dict[str, object]] = [{"updatedAt": "2026-11-21T12:00:00+00:00"}, {"updatedAt": False}]
    first, more = Place("s").past(Listed(items, "no date"), 2)
    assert (first, more) == (Place("s", 2, "2026-11-21T12:00:00+00:00"), True)
    assert first.past(Listed([]), 2) == (Place("2026-11-21T12:00:00+00:00"), False)


# --- webhooks, where there is an API ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", HOOKS)
def test_with_an_api_no_webhook_tells_by_itself_what_leads_to_a_message(key: str) -> None:
    case, made = HOOKS[key], asking()
    news = made.read(Delivery(case.topic, case.bytes_of("lightspeed")))
    kinds = {str(event["type"]) for event in news.events}
    assert kinds <= {"order_placed", "order_paid", "order_cancelled", "consent_changed"}
    for event in news.events:
        consent, order = event.get("consent") or {}, event.get("order") or {}
        assert isinstance(consent, dict)
        assert isinstance(order, dict)
        assert not consent.get("email")
        assert order.get("paid") is not False
        assert not {"email", "customer_id"} & order.keys()
    assert news.look_ups or case.topic == "subscriptions/deleted"
    assert all(len(what) <= 200 for what in news.look_ups)


@given(st.data())
def test_an_odd_webhook_hints_at_something_or_is_unreadable(data: st.DataObject) -> None:
    case = HOOKS[data.draw(st.sampled_from(sorted(HOOKS)))]
    body = json.loads(case.bytes_of("lightspeed"))
    body = replaced(body, data.draw(st.sampled_from(list(places(body)))), data.draw(st.sampled_from(ODD)))
    try:
        news = asking().read(Delivery(case.topic, json.dumps(body).encode()))
    except HookError:
        return
    assert len(news.look_ups) <= 1


def test_a_header_that_tells_a_deliverys_id_is_believed_once_it_is_named() -> None:
    case = HOOKS["lightspeed/orders_created"]
    headers = {name.casefold(): value for name, value in case.headers.items()} | {"x-delivery": "d-1"}
    request = RawRequest(headers, case.query, case.bytes_of("lightspeed"))
    assert lightspeed().admit(request).id == ""
    assert lightspeed(delivery_id_header="x-delivery").admit(request).id == "d-1"


@pytest.mark.parametrize(
    ("refs", "address"),
    [
        (("lightspeed:cart:50020002", "lightspeed:cart:0a1b2c"), "https://vloei.example/r/0a1b2c/"),
        (("lightspeed:cart:50020002",), ""),
        (("lightspeed:cart:../../x?y",), ""),
        (("own:1", "lightspeed:order:0a1b2c"), ""),
    ],
)
def test_only_a_hash_opens_a_cart(refs: tuple[str, ...], address: str) -> None:
    assert lightspeed(recovery_url="https://vloei.example/r/{hash}/").cart_address(refs) == address
    assert lightspeed().cart_address(refs) == ""


# --- what an order says -----------------------------------------------------------------------------------------------

STATUSES = [
    ("on_hold", "not_paid", None, []),
    ("processing_awaiting_payment", "not_paid", False, []),
    ("processing_awaiting_payment", "paid", True, ["order_paid"]),
    ("processing_awaiting_shipment", "paid", True, ["order_paid"]),
    ("processing_awaiting_pickup", "not_paid", None, []),
    ("processing_ready_for_pickup", "not_paid", None, []),
    ("completed", "paid", True, ["order_paid"]),
    ("completed_shipped", "paid", True, ["order_paid", "order_shipped"]),
    ("completed_picked_up", "paid", True, ["order_paid", "order_delivered"]),
    ("cancelled", "not_paid", None, ["order_cancelled"]),
    ("of another release", "not_paid", None, []),
]


def recorded_order(**changes: object) -> Json:
    order = json_object(HOOKS["lightspeed/orders_created"].bytes_of("lightspeed"))["order"]
    assert isinstance(order, dict)
    return order | changes


@pytest.mark.parametrize(("status", "payment", "paid", "became"), STATUSES)
def test_every_status_says_whether_it_waits_and_what_became_of_it(
    status: str, payment: str, paid: bool | None, became: list[str]
) -> None:
    order = recorded_order(status=status, paymentStatus=payment)
    placed, *rest = from_order({"order": order})
    assert [event["type"] for event in rest] == became
    details = placed["order"]
    assert isinstance(details, dict)
    assert details.get("paid") is paid
    now = OrderNow.CANCELLED if status == "cancelled" else OrderNow.UNPAID if paid is False else OrderNow.PAID
    assert order_now(order) is now


@pytest.mark.parametrize("how", ["paymentIsPost", "paymentIsInvoiceExternal", "shipmentIsCashOnDelivery"])
def test_who_pays_later_by_agreement_waits_for_nothing(how: str) -> None:
    assert order_now(recorded_order(**{how: True})) is OrderNow.PAID
    assert order_now(recorded_order(**{how: False})) is OrderNow.UNPAID


def test_the_cart_of_an_order_is_known_by_the_quote_inside_it() -> None:
    quote: Json = {"resource": {"id": False, "embedded": {"id": 50020002, "recoveryHash": "0a1b2c"}}}
    placed = from_order({"order": recorded_order(quote=quote)})[0]
    assert placed["refs"] == ["lightspeed:cart:50020002", "lightspeed:cart:0a1b2c", "lightspeed:order:60030003"]
    details = placed["order"]
    assert isinstance(details, dict)
    assert details["cart_id"] == "50020002"


@pytest.mark.parametrize("key", HOOKS)
def test_from_where_and_with_what_somebody_shops_is_told_by_no_event(key: str) -> None:
    case, made = HOOKS[key], lightspeed()
    told = repr(made.read(Delivery(case.topic, case.bytes_of("lightspeed"))))
    assert not any(word in told for word in ("192.0.2.", "Mozilla", "remoteIp", "Voorbeeldstraat", "+31 6"))


def test_a_deleted_customer_is_looked_up_by_number_with_the_address_that_they_had() -> None:
    def hint(**customer: object) -> str:
        [what] = asking().read(Delivery("customers/deleted", msgspec.json.encode({"customer": customer}))).look_ups
        return what

    assert hint(id=7, email="anna@shopper.example") == "gone:7:anna@shopper.example"
    assert hint(id=7, email=False) == hint(id=7, email=f"{'a' * 200}@shopper.example") == "gone:7"
    assert hint(id=7, email='"a:b"@shopper.example') == "gone:7"
