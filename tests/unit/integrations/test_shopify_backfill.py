"""What a webhook missed is asked of Shopify's API: with a token that lasts, from a cursor, at the shop's own pace."""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import CallError
from engine.http import Answered
from engine.integration import Page, create, fact
from integrations.shopify import Shopify
from tests.unit.integrations.cases import settings_of
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop

MONEY = {"presentmentMoney": {"amount": "36.95", "currencyCode": "EUR"}}
LINE = {
    "quantity": 1,
    "sku": "KT-01-ZW",
    "title": "Koptelefoon",
    "variantTitle": "Zwart",
    "variant": {"id": "gid://shopify/ProductVariant/90060006"},
    "product": {"id": "gid://shopify/Product/80050005", "vendor": "Voorbeeldmerk"},
    "originalUnitPriceSet": {"presentmentMoney": {"amount": "30.00", "currencyCode": "EUR"}},
}
SHARED = {
    "createdAt": "2026-11-21T10:02:04Z",
    "taxesIncluded": True,
    "customAttributes": [{"key": "_shopbell_visitor", "value": "9f0c2a54-0000-4000-8000-000000000001"}],
    "discountCodes": ["HERFST10"],
    "shippingAddress": {"countryCodeV2": "NL"},
    "totalPriceSet": MONEY,
    "totalTaxSet": {"presentmentMoney": {"amount": "6.42", "currencyCode": "EUR"}},
    "customer": {
        "id": "gid://shopify/Customer/603851970716743426",
        "firstName": "Sanne",
        "lastName": "de Vries",
        "defaultEmailAddress": {"emailAddress": "sanne.devries@example.nl"},
    },
    "lineItems": {"nodes": [LINE]},
}


def checkout(updated_at: str = "2026-11-21T10:15:42Z") -> Json:
    own: Json = {
        "id": "gid://shopify/AbandonedCheckout/35481578373269",
        "name": "#35481578373269",
        "updatedAt": updated_at,
        "completedAt": None,
        "subtotalPriceSet": {"presentmentMoney": {"amount": "30.00", "currencyCode": "EUR"}},
        "totalDiscountSet": None,
        "totalDutiesSet": None,
    }
    return {**SHARED, **own}


def order(updated_at: str = "2026-11-21T10:17:00Z") -> Json:
    own: Json = {
        "id": "gid://shopify/Order/820982911946154508",
        "name": "#1001",
        "updatedAt": updated_at,
        "cancelledAt": None,
        "displayFinancialStatus": "PENDING",
        "displayFulfillmentStatus": "UNFULFILLED",
        "email": "sanne.devries@example.nl",
        "customerLocale": "nl",
        "statusPageUrl": "https://voorbeeld.example/orders/1/authenticate?key=k",
        "totalShippingPriceSet": {"presentmentMoney": {"amount": "6.95", "currencyCode": "EUR"}},
        "totalDiscountsSet": None,
    }
    return {**SHARED, **own}


def page(what: str, *nodes: Json, after: str | None = None, available: int = 1_000) -> Answered:
    connection = {"pageInfo": {"hasNextPage": after is not None, "endCursor": after or "end"}, "nodes": nodes}
    return answered({what: connection}, available=available)


def kinds(asked: Page) -> list[object]:
    return [event["type"] for event in asked.news.events]


# --- what it says -----------------------------------------------------------------------------------------------------


def test_an_abandoned_checkout_says_what_its_webhook_would_have_said() -> None:
    asked = shop().ask("abandonedCheckouts", "", Shopify2026(page("abandonedCheckouts", checkout())))
    assert kinds(asked) == ["checkout_started", "cart_updated", "shipping_shown", "contact_given"]
    began, cart, shipping, contact = asked.news.events
    assert began["id"] == fact("checkout_started", "shopify", "#35481578373269")["id"]
    assert began["refs"] == ["shopify:checkout_name:35481578373269"]
    assert began["visitor"] == "9f0c2a54-0000-4000-8000-000000000001"
    told = msgspec.to_builtins(cart["cart"], builtin_types=())
    assert isinstance(told, dict)
    assert (told["total"], told["currency"], told["coupon"]) == ("30.00", "EUR", "HERFST10")
    assert msgspec.to_builtins(shipping["shipping"]) == {"price": "6.95", "currency": "EUR", "method": ""}
    assert (contact["email"], contact["customer_id"]) == ("sanne.devries@example.nl", "603851970716743426")
    assert "consent" not in contact


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({"taxesIncluded": False}, "shipping_shown"),
        ({"totalPriceSet": {"presentmentMoney": {"amount": "30.00", "currencyCode": "EUR"}}}, "shipping_shown"),
        ({"customer": None}, "contact_given"),
        ({"completedAt": "2026-11-21T10:20:00Z"}, "checkout_started"),
    ],
)
def test_what_is_not_known_is_not_said(changes: Json, silent: str) -> None:
    asked = shop().ask("abandonedCheckouts", "", Shopify2026(page("abandonedCheckouts", checkout() | changes)))
    assert silent not in kinds(asked)


def test_an_order_is_the_same_fact_as_in_its_webhook() -> None:
    asked = shop().ask("orders", "", Shopify2026(page("orders", order())))
    assert kinds(asked) == ["order_placed"]
    [placed] = asked.news.events
    assert placed["id"] == fact("order_placed", "shopify", "820982911946154508")["id"]
    told = msgspec.to_builtins(placed["order"])
    assert isinstance(told, dict)
    assert (told["id"], told["total"], told["shipping"], told["paid"]) == ("820982911946154508", "36.95", "6.95", False)
    assert told["pay_url"] == "https://voorbeeld.example/orders/1/authenticate?key=k"


def test_what_has_become_of_an_order_is_told_too() -> None:
    paid: Json = {"displayFinancialStatus": "PAID", "displayFulfillmentStatus": "FULFILLED"}
    became = order() | paid | {"cancelledAt": "2026-11-22T10:00:00Z"}
    asked = shop().ask("orders", "", Shopify2026(page("orders", became)))
    assert kinds(asked) == ["order_placed", "order_paid", "order_shipped", "order_cancelled"]


def customer(told_at: str | None = "2026-11-21T10:05:00Z", state: str = "UNSUBSCRIBED") -> Json:
    told: Json = {"marketingState": state, "marketingUpdatedAt": told_at}
    return {
        "id": "gid://shopify/Customer/603851970716743426",
        "updatedAt": "2026-11-21T10:05:00Z",
        "defaultEmailAddress": {"emailAddress": "sanne.devries@example.nl"} | told,
        "defaultPhoneNumber": told,
    }


def test_a_consent_that_was_withdrawn_while_nobody_listened_is_learnt() -> None:
    far = Shopify2026(page("customers", customer()))
    asked = shop().ask("customers", "2026-11-21T10:00:00Z||", far)
    assert [(event["type"], event["consent"], event["at"]) for event in asked.news.events] == [
        ("consent_changed", {"email": False, "source": "Shopify: unsubscribed"}, "2026-11-21T10:05:00Z"),
        ("consent_changed", {"sms": False, "source": "Shopify: unsubscribed"}, "2026-11-21T10:05:00Z"),
    ]
    assert {event["customer_id"] for event in asked.news.events} == {"603851970716743426"}


def test_with_a_consent_is_told_how_it_was_given_as_its_webhook_does() -> None:
    told: Json = {"marketingState": "SUBSCRIBED", "marketingUpdatedAt": "2026-11-21T10:05:00Z"}
    node = customer() | {"defaultEmailAddress": told | {"marketingOptInLevel": "CONFIRMED_OPT_IN"}}
    asked = shop().ask("customers", "2026-11-21T10:00:00Z||", Shopify2026(page("customers", node)))
    assert asked.news.events[0]["consent"] == {"email": True, "source": "Shopify: subscribed, confirmed_opt_in"}


@pytest.mark.parametrize(
    ("cursor", "told"),
    [
        ("", customer()),
        ("2026-11-21T10:06:00Z||", customer()),
        ("2026-11-21T10:00:00Z||", customer(None)),
        ("2026-11-21T10:00:00Z||", customer(state="PENDING")),
        ("2026-11-21T10:00:00Z||", {"id": "gid://shopify/Customer/1", "updatedAt": "2026-11-21T10:05:00Z"}),
    ],
)
def test_what_was_said_long_ago_or_not_at_all_is_no_news(cursor: str, told: Json) -> None:
    asked = shop().ask("customers", cursor, Shopify2026(page("customers", told)))
    assert asked.news.events == ()
    assert asked.cursor.startswith("2026-11-21T10:0")


def test_the_stock_of_a_product_that_changed_is_looked_up() -> None:
    changed: list[Json] = [
        {"id": f"gid://shopify/Product/{number}", "updatedAt": "2026-11-21T10:00:00Z"} for number in (7, 8)
    ]
    asked = shop().ask("products", "", Shopify2026(page("products", *changed)))
    assert (asked.news.events, asked.news.look_ups) == ((), ("product:7", "product:8"))


# --- from where, and how fast -----------------------------------------------------------------------------------------


def test_it_begins_with_the_newest_and_goes_on_with_what_has_changed_since() -> None:
    far = Shopify2026(
        page("orders", order("2026-11-21T10:00:00Z"), order("2026-11-21T09:00:00Z"), after="older"),
        page("orders", order("2026-11-21T10:30:00Z"), after="p1"),
        page("orders", order("2026-11-21T10:20:00Z")),
        page("orders"),
    )
    asker, cursor, pauses = shop(), "", list[int | None]()
    for _ in range(4):
        asked = asker.ask("orders", cursor, far)
        cursor = asked.cursor
        pauses.append(asked.again_in_ms)
    assert [(asked["query"], asked["after"], asked["newest"]) for asked in far.asked] == [
        (None, None, True),
        ("updated_at:>='2026-11-21T10:00:00Z'", None, False),
        ("updated_at:>='2026-11-21T10:00:00Z'", "p1", False),
        ("updated_at:>='2026-11-21T10:30:00Z'", None, False),
    ]
    assert pauses == [None, 0, None, None]
    assert cursor == "2026-11-21T10:30:00Z||"


def test_with_few_points_left_the_next_page_waits_until_there_are_enough() -> None:
    far = Shopify2026(page("orders", order(), after="p1", available=302))
    assert shop().ask("orders", "2026-11-21T10:00:00Z||", far).again_in_ms == 4_000


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (Answered(429, b"", {"retry-after": "2.5"}), 2_500),
        (Answered(429, b""), 2_000),
        (Answered(200, b'{"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}'), 2_000),
    ],
)
def test_when_its_points_are_used_up_the_same_page_is_asked_for_again(answer: Answered, pause: int) -> None:
    asked = shop().ask("orders", "2026-11-21T10:00:00Z|p1|", Shopify2026(answer))
    assert (asked.cursor, asked.again_in_ms, asked.news.events) == ("2026-11-21T10:00:00Z|p1|", pause, ())


def test_where_a_page_costs_more_than_any_may_it_asks_for_fewer_from_then_on() -> None:
    asker, far = shop(), Shopify2026(refused("MAX_COST_EXCEEDED"), refused("MAX_COST_EXCEEDED"), page("orders"))
    pauses = [asker.ask("orders", "2026-11-21T10:00:00Z|p1|", far) for _ in range(3)]
    assert [(asked.cursor, asked.again_in_ms) for asked in pauses[:2]] == [("2026-11-21T10:00:00Z|p1|", 0)] * 2
    asker.ask("customers", "", far)
    assert [asked["first"] for asked in far.asked] == [25, 12, 6, 6]


def test_one_that_still_costs_too_much_is_told() -> None:
    asker, far = shop(), Shopify2026(refused("MAX_COST_EXCEEDED"))
    for _ in range(4):
        assert asker.ask("orders", "", far).again_in_ms == 0
    with pytest.raises(CallError, match="more points than Shopify allows"):
        asker.ask("orders", "", far)


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"errors": [{"message": "canary", "extensions": {"code": "ACCESS_DENIED"}}]}'])
def test_a_refusal_is_told_by_its_code_and_quotes_nothing(body: bytes) -> None:
    with pytest.raises(CallError, match="ACCESS_DENIED") as refused:
        shop().ask("orders", "", Shopify2026(Answered(200, body)))
    assert "canary" not in refused.value.message


def test_a_refusal_names_the_right_that_is_missing() -> None:
    denied: Json = {"code": "ACCESS_DENIED", "requiredAccess": "`read_orders` access scope."}
    told: Json = {"data": {"orders": None}, "errors": [{"message": "canary", "extensions": denied}]}
    with pytest.raises(CallError, match="ACCESS_DENIED: it needs `read_orders` access scope"):
        shop().ask("orders", "", Shopify2026(Answered(200, msgspec.json.encode(told))))


def test_an_order_is_heard_of_also_where_nobody_may_see_whose_it_is() -> None:
    denied: Json = {"message": "canary", "extensions": {"code": "ACCESS_DENIED"}, "path": ["orders", "customer"]}
    whole: Json = msgspec.json.decode(page("orders", order() | {"customer": None, "email": None}).body)
    asked = shop().ask("orders", "", Shopify2026(Answered(200, msgspec.json.encode(whole | {"errors": [denied]}))))
    assert kinds(asked) == ["order_placed"]


def test_a_checkout_is_in_the_language_of_its_customer() -> None:
    customer = {**msgspec.to_builtins(SHARED["customer"]), "locale": "en"}
    asked = shop().ask(
        "abandonedCheckouts", "", Shopify2026(page("abandonedCheckouts", checkout() | {"customer": customer}))
    )
    assert {event["language"] for event in asked.news.events} == {"en"}


def test_without_a_client_id_nobody_is_asked() -> None:
    made = create("shopify", settings_of("shopify"), {})
    assert isinstance(made, Shopify)
    far = Shopify2026(page("orders"))
    assert made.ask("orders", "", far) == Page(made.ask("orders", "", far).news)
    assert (far.tokens, far.asked) == (0, [])
