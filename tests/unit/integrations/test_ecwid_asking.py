"""What Ecwid's API is asked, from a cursor that lasts and at the pace that it allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import LAST_LOOK, CartNow, Json, News, OrderNow, Page, PrivacyRequest
from integrations.ecwid.api import NoAccess
from tests.unit.integrations.ecwid_there import (
    CART,
    NOW,
    Store,
    cart,
    kinds,
    news_of,
    only,
    order,
    page,
    questions,
    store_of,
)

# --- lists and their cursor -------------------------------------------------------------------------------------------


def test_carts_are_asked_for_from_where_the_last_stretch_ended_and_no_later_than_they_may_be_orders() -> None:
    store = Store(carts=page(cart()))
    first = questions().ask("carts", "", store)
    assert (first.again_in_ms, kinds(news_of(first))[0]) == (None, "checkout_started")
    questions(NOW + 300).ask("carts", first.cursor, store)
    spans = [(int(asked["updatedFrom"]) - NOW, int(asked["updatedTo"]) - NOW) for _, asked in store.asked]
    assert spans == [(-86_400, -300), (-900, 0)]


def test_orders_are_asked_for_up_to_now() -> None:
    store = Store(orders=page(order(), order(id="INCOMPLETE", paymentStatus="INCOMPLETE")))
    assert kinds(news_of(questions().ask("orders", "", store))) == ["order_placed", "order_paid"]
    assert store.asked[0][1]["updatedTo"] == str(NOW)


def test_pages_follow_one_another_until_all_were_seen() -> None:
    store, cursor, seen = Store(), "", []
    for n, offset in enumerate((0, 100, 200)):
        items = [cart(cartId=f"c-{offset + i}") for i in range(100 if n < 2 else 7)]
        store.there["carts"] = page(*items, total=207, offset=offset)
        told = questions().ask("carts", cursor, store)
        cursor = told.cursor
        seen.append((store.asked[-1][1]["offset"], told.again_in_ms))
    assert seen == [("0", 0), ("100", 0), ("200", None)]
    assert cursor == str(NOW - 900)


def test_a_stretch_that_has_changed_while_it_was_read_is_begun_again() -> None:
    store = Store(carts=page(*[cart(cartId=f"c-{i}") for i in range(100)], total=150))
    cursor = questions().ask("carts", "", store).cursor
    store.there["carts"] = page(cart(), total=149, offset=100)
    told = questions().ask("carts", cursor, store)
    assert told.again_in_ms == 0
    questions().ask("carts", told.cursor, store)
    assert [asked["offset"] for _, asked in store.asked] == ["0", "100", "0"]


def test_carts_of_three_days_are_looked_at_for_ecwids_own_mail_and_each_is_told_once() -> None:
    mailed = cart(recoveryEmailSentTimestamp="2026-11-21 11:00:00 +0000", updateTimestamp=NOW - 80_000)
    store = Store(carts=page(mailed, cart(cartId="another")))
    first = questions().ask("reminders", "", store)
    assert kinds(news_of(first)).count("reminder_sent") == 1
    assert int(store.asked[0][1]["updatedFrom"]) == NOW - 3 * 86_400
    second = questions(NOW + 600).ask("reminders", first.cursor, store)
    assert second.deliveries == ()
    assert int(store.asked[1][1]["updatedFrom"]) == NOW + 600 - 3 * 86_400


# --- one thing --------------------------------------------------------------------------------------------------------


def test_a_cart_is_given_time_to_become_an_order_before_it_is_looked_at() -> None:
    store = Store(**{f"carts__{CART}": cart()})
    first = questions().ask(f"cart:{CART}", "", store)
    assert (first, store.asked) == (Page(News(), "waited", 300_000), [])
    assert "cart_updated" in kinds(news_of(questions().ask(f"cart:{CART}", first.cursor, store)))
    assert "cart_updated" in kinds(news_of(questions(wait_ms=0).ask(f"cart:{CART}", "", store)))


def test_a_shop_says_itself_how_long_a_cart_is_given() -> None:
    assert store_of(wait_minutes="8").ask(f"cart:{CART}", "", Store()).again_in_ms == 480_000


@pytest.mark.parametrize("what", ["order:XJ12H", "product:7", "customer:5001", "cart:gone", "of another release"])
def test_what_is_not_there_says_nothing(what: str) -> None:
    assert questions(wait_ms=0).ask(what, "", Store()) == Page(News())


def test_a_name_is_never_a_way_to_another_address() -> None:
    store = Store()
    store_of().ask("order:INKT#26/../x?y", "", store)
    assert store.asked == [("orders/INKT%2326%2F..%2Fx%3Fy", {})]


def test_the_order_that_a_cart_became_is_told_with_its_cart() -> None:
    asked = store_of().ask(f"order:223:{CART}", "", Store(orders__223=order()))
    placed = only(news_of(asked), "order_placed")["order"]
    assert isinstance(placed, dict)
    assert placed["cart_id"] == CART


def test_newer_carts_are_looked_through_where_a_webhook_names_none() -> None:
    store = Store(carts=page(cart()))
    told = questions().ask("recent:carts", "", store)
    assert (told.again_in_ms, told.cursor, len(told.deliveries)) == (None, "", 1)
    assert int(store.asked[0][1]["updatedFrom"]) == NOW - 3_600


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_store_that_took_our_access_away_is_told_of_and_forgotten_when_it_asked_for_that(status: int) -> None:
    store = Store()
    store.answer = Answered(status, b"")
    assert store_of().ask("access", "", store).news == News(disconnected=True)
    first = store_of().ask("store_removal", "3|0", store)
    assert first == Page(News(), "4|1", 86_400_000)
    again = store_of().ask("store_removal", first.cursor, store)
    assert again == Page(News(requests=(PrivacyRequest("erase_shop"),), disconnected=True))


def test_nobody_is_forgotten_because_an_unsigned_body_says_so() -> None:
    store = Store(profile={"generalInfo": {"storeId": 1003}})
    assert store_of().ask("access", "", store).news == News()
    assert store_of().ask("access", "", Store()).news == News(), "an answer about nothing takes no access away"
    assert store_of().ask("store_removal", "3|1", store).cursor == "4|0", "it was closed for a moment"
    cursor, days_waited = "", 0
    while (told := store_of().ask("store_removal", cursor, store)).again_in_ms is not None:
        assert told.news == News()
        assert told.again_in_ms == 86_400_000
        cursor, days_waited = told.cursor, days_waited + 1
    assert days_waited == 39


def test_many_products_are_one_question_and_what_cannot_be_read_is_asked_for_alone() -> None:
    known: list[Json] = [
        {"id": n, "sku": f"INKT-{n}", "name": "Inkt", "enabled": True, "quantity": n, "updateTimestamp": NOW}
        for n in (7, 8)
    ]
    store = Store(products=page(*known, {"id": 9, "name": "Inkt", "enabled": True, "price": "veel", "quantity": 1}))
    whats = ("product:7", "product:8", "product:9", "product:10")
    told = store_of().ask_together(whats, store)
    assert store.asked == [("products", {"productId": "7,8,9,10", "limit": "100"})]
    assert [(what, [event["type"] for event in page.news.events]) for what, page in told.items()] == [
        ("product:7", ["stock_changed"]),
        ("product:8", ["stock_changed"]),
    ]
    alone = store_of().ask("product:8", "", Store(products__8=known[1]))
    assert tuple(news_of(alone).events) == told["product:8"].news.events, "told in either way it is one fact"


def test_an_answer_with_strangers_in_it_tells_nothing_of_them() -> None:
    stranger: Json = {"id": 1, "sku": "X", "name": "X", "enabled": True, "quantity": 1, "updateTimestamp": NOW}
    assert store_of().ask_together(("product:7",), Store(products=page(stranger))) == {}
    assert dict(store_of().together) == {"product": 100}


# --- the last look ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "now"),
    [
        ({f"carts__{CART}": cart()}, CartNow.OPEN),
        ({f"carts__{CART}": cart(recoveredOrderId=223)}, CartNow.ORDERED),
        ({f"carts__{CART}": cart(recoveryEmailSentTimestamp="2026-11-21 11:00:00 +0000")}, CartNow.MAILED),
        ({"orders__XJ12H": order()}, CartNow.ORDERED),
        ({"orders__XJ12H": order(paymentStatus="INCOMPLETE")}, CartNow.OPEN),
        ({f"carts__{CART}": cart(items=[])}, CartNow.GONE),
        ({f"carts__{CART}": cart(hidden=True)}, CartNow.GONE),
        ({}, CartNow.GONE),
    ],
)
def test_a_moment_before_a_mail_leaves_ecwid_is_asked(there: dict[str, Json], now: CartNow | None) -> None:
    refs = (f"ecwid:cart:{CART}", "ecwid:order:XJ12H", "ecwid:order_number:492512057")
    assert store_of().look(refs, Store(**there)) is now


def test_of_what_ecwid_has_no_name_for_it_is_not_asked() -> None:
    store = Store()
    assert store_of().look(("shopify:checkout:t1",), store) is None
    assert store.asked == []


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({"paymentStatus": "AWAITING_PAYMENT"}, OrderNow.UNPAID),
        ({"paymentStatus": "AWAITING_PAYMENT", "paymentMethod": "Onder rembours"}, OrderNow.PAID),
        ({"paymentStatus": "AWAITING_PAYMENT", "fulfillmentStatus": "SHIPPED"}, OrderNow.PAID),
        ({"paymentStatus": "CUSTOM_PAYMENT_STATUS_1"}, OrderNow.PAID),
        ({"paymentStatus": "PAID"}, OrderNow.PAID),
        ({"paymentStatus": "PARTIALLY_REFUNDED"}, OrderNow.PAID),
        ({"paymentStatus": "REFUNDED"}, OrderNow.CANCELLED),
        ({"paymentStatus": "CANCELLED"}, OrderNow.CANCELLED),
        ({"paymentStatus": "INCOMPLETE"}, OrderNow.CANCELLED),
    ],
)
def test_a_moment_before_a_mail_asks_to_pay_the_order_is_asked_for(changes: Json, now: OrderNow) -> None:
    store = Store(orders__XJ12H=order(**changes))
    refs = (f"ecwid:cart:{CART}", "ecwid:order:XJ12H")
    assert store_of(paid_later="onder rembours").look_at_order(refs, store) is now
    assert store.asked == [("orders/XJ12H", {})]


def test_an_order_that_is_gone_is_nobodys_to_pay_and_one_without_a_name_is_not_asked_for() -> None:
    assert store_of().look_at_order(("ecwid:order:XJ12H",), Store()) is OrderNow.CANCELLED
    store = Store()
    assert store_of().look_at_order((f"ecwid:cart:{CART}", "shopify:order:1"), store) is None
    assert store.asked == []


# --- how it is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wait"),
    [("30", 30_000), ("0", 5_000), ("", 5_000), ("soon", 5_000), ("99999999999", 3_600_000), ("-1", 5_000)],
)
def test_whoever_asked_too_much_waits_as_long_as_ecwid_says(header: str, wait: int) -> None:
    store = Store()
    store.answer = Answered(429, b"", {"retry-after": header})
    with pytest.raises(Throttled) as told:
        store_of().ask("orders", "", store)
    assert told.value.wait_ms == wait
    assert store_of().allowed(store.answer).rest_ms == wait


def test_a_wait_may_be_told_as_a_date() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert store_of().allowed(Answered(429, b"", {"retry-after": until})).rest_ms == 3_600_000
    assert store_of().allowed(Answered(429, b"", {"retry-after": "Fri, 06 Mar 2020 21:00:00 GMT"})).rest_ms == 1_000


@pytest.mark.parametrize("status", [301, 302, 307, 308, 500, 503, 203])
def test_a_redirect_and_any_other_answer_is_none(status: int) -> None:
    store = Store()
    store.answer = Answered(status, b"{}", {"location": "https://elsewhere.example/"})
    with pytest.raises(CallError, match=str(status)) as told:
        store_of().ask("orders", "", store)
    assert not isinstance(told.value, NoAccess)
    assert len(store.asked) == 1


@pytest.mark.parametrize("what", ["carts", "orders", "reminders", "recent:carts"])
def test_a_list_that_is_not_there_or_is_none_is_no_answer(what: str) -> None:
    with pytest.raises(CallError, match=r"is store_id the number"):
        questions().ask(what, "", Store())
    odd: list[Json] = [{}, {"errorMessage": "?"}]
    for nothing in odd:
        with pytest.raises(Unreadable, match="there is no items in it"):
            questions().ask(what, "", Store(carts=nothing, orders=nothing))


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_token_that_is_not_taken_says_what_to_look_at(status: int) -> None:
    store = Store()
    store.answer = Answered(status, b"{}")
    with pytest.raises(NoAccess, match=rf"does not take the token \({status}\)"):
        questions().ask("orders", "", store)


def test_a_mail_that_is_about_to_leave_goes_first() -> None:
    shares = [store_of().share(what) for what in (LAST_LOOK, "order:XJ12H", "carts", "orders", "reminders")]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == 3
    assert dict(store_of().allowance) == {60_000: 600}
    assert store_of().account == "1003"


# --- what people ask --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "store", "request_"),
    [
        (
            "removal:5001",
            Store(customers__5001={"id": 5001, "email": "sanne@example.nl"}),
            PrivacyRequest("erase", "sanne@example.nl", "5001"),
        ),
        ("removal:5001", Store(), PrivacyRequest("erase", "", "5001")),
        (
            "export:5001",
            Store(customers__5001={"id": 5001, "email": "sanne@example.nl"}),
            PrivacyRequest("export", "sanne@example.nl", "5001"),
        ),
    ],
)
def test_a_persons_request_is_about_whoever_the_api_names(what: str, store: Store, request_: PrivacyRequest) -> None:
    assert store_of().ask(what, "", store) == Page(News(requests=(request_,)))
    assert store.asked == [("customers/5001", {})]


def test_a_customer_whom_the_shop_has_deleted_is_forgotten_once_they_are_gone() -> None:
    there = Store(customers__5001={"id": 5001, "email": "sanne@example.nl"})
    assert store_of().ask("gone:5001", "", there) == Page(News())
    assert store_of().ask("gone:5001", "", Store()) == Page(News(requests=(PrivacyRequest("erase", "", "5001"),)))
