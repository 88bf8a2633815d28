"""A Lightspeed shop's life as its webhooks tell it: who may speak, what is one story, and what must not start again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from engine.clock import DAY, HOUR, MINUTE, Millis, to_iso
from engine.errors import SettingsError
from engine.intake import Outcome
from engine.integration import find
from engine.settings import Settings
from engine.store import quarantine
from engine.store.unit import DELIVERIES, EVENTS, ORDERS, VISITORS
from engine.web import create_app
from tests.builders import SURPRISE, Premises, cart, rule_set
from tests.service.doors import INK, Door, environment_for, error_code, rule_file
from tests.service.platform import result_of
from tests.service.story import UNPAID, Storyteller

BODIES = Path(__file__).parents[1] / "fixtures" / "integrations" / "lightspeed" / "bodies"
SECRET = "hush-of-this-very-shop"
KEY = "an-address-of-its-own"
HASH = "0123456789abcdef0123456789"
REFS = [f"lightspeed:cart:{HASH}"]
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
integrations:
  lightspeed: {app_secret: env:LIGHTSPEED_APP_SECRET}
  smtp: {from: "Sanne van Vloei <sanne@vloei.example>"}
"""
Body = dict[str, object]


def signed(raw: bytes, secret: str = SECRET) -> str:
    return hashlib.md5(raw + secret.encode(), usedforsecurity=False).hexdigest()


def in_php(value: object) -> bytes:
    """JSON as PHP writes it: slashes and all letters beyond ASCII are escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


# --- over the wire ----------------------------------------------------------------------------------------------------


class LightspeedDoor(Door):
    """A running application of which the shop ``ink`` is at Lightspeed."""

    def deliver(self, raw: bytes, topic: str = "orders/created", *, key: str = KEY, **headers: str) -> TestResponse:
        told = {"X-Signature": signed(raw)} | {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/hooks/lightspeed/ink?{urlencode({'topic': topic, 'key': key})}"
        answer = self.client.post(path, data=raw, headers=told)
        self.contract.names_no_other_than(answer, "POST", "/hooks/{integration}/{shop}")
        return answer


def settings_in(folder: Path, database_url: str) -> Settings:
    (folder / "rules").mkdir(exist_ok=True)
    stated = "integrations:\n  lightspeed: {app_secret: env:LIGHTSPEED_APP_SECRET, address_key: env:LIGHTSPEED_KEY}\n"
    (folder / "rules" / "ink.yaml").write_text(rule_file("ink", INK).replace("integrations:\n", stated))
    return Settings.from_env(environment_for(folder, database_url))


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LightspeedDoor]:
    monkeypatch.setenv("LIGHTSPEED_APP_SECRET", SECRET)
    monkeypatch.setenv("LIGHTSPEED_KEY", KEY)
    opened = LightspeedDoor(settings_in(tmp_path, sqlite_url))
    yield opened
    opened.close()


def recorded(case: str) -> bytes:
    return (BODIES / f"{case}.json").read_bytes()


def test_bytes_are_checked_as_php_wrote_them(door: LightspeedDoor) -> None:
    raw = recorded("orders_created")
    assert b"\\/" in raw
    assert result_of(door.deliver(raw)) == "accepted"
    again = json.dumps(json.loads(raw), indent=2).encode()
    assert error_code(door.deliver(again, X_Signature=signed(raw)), 401) == "bad_signature"
    assert door.kept() == 1


@pytest.mark.parametrize("signature", ["", "x", "é" * 32, "0" * 32, "A" * 10_000])
def test_another_signature_is_401_whatever_it_is(door: LightspeedDoor, signature: str) -> None:
    assert error_code(door.deliver(recorded("orders_created"), X_Signature=signature), 401) == "bad_signature"
    assert door.kept() == 0


@pytest.mark.parametrize("key", ["", "é", KEY.upper()])
def test_a_good_signature_at_a_guessed_address_is_401(door: LightspeedDoor, key: str) -> None:
    assert error_code(door.deliver(recorded("orders_created"), key=key), 401) == "bad_signature"


def test_without_its_secret_nothing_starts(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTSPEED_KEY", KEY)
    for value in ("", " "):
        monkeypatch.setenv("LIGHTSPEED_APP_SECRET", value)
        with pytest.raises(SettingsError, match="app_secret names env:LIGHTSPEED_APP_SECRET, which is not set"):
            create_app(settings_in(tmp_path, sqlite_url))


def test_what_comes_again_counts_once_also_under_another_topic(door: LightspeedDoor) -> None:
    """No delivery has an id; an order that is paid comes as updated, too, with the very same bytes."""
    raw = recorded("orders_paid")
    assert result_of(door.deliver(raw, "orders/paid")) == "accepted"
    assert result_of(door.deliver(raw, "orders/paid")) == "duplicate"
    door.deliver(raw, "orders/updated")
    assert sorted(row.type for row in door.rows(EVENTS)) == ["order_paid", "order_placed"]


def test_a_body_that_is_not_what_the_address_says_is_set_aside_whole(door: LightspeedDoor) -> None:
    raw = recorded("quotes_updated")
    assert result_of(door.deliver(raw, "orders/created")) == "quarantined"
    [kept] = quarantine.everything(door.engine, "ink")
    assert (kept.delivery.body, kept.reason) == (raw, "there is no order in it")


def test_what_nobody_asked_for_is_acknowledged(door: LightspeedDoor) -> None:
    assert result_of(door.deliver(b'{"ticket": {"id": 1}}', "tickets/created")) == "unknown_topic"
    assert result_of(door.deliver(recorded("orders_created"), "")) == "unknown_topic"
    assert door.kept() == 0


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
_TOPICS = sorted(getattr(find("lightspeed"), "topics", ()))
_BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b"[]", b"null", b'{"order": false}', b'{"quote": []}', b'{"variant": {"id": 1e999}}', b"[" * 3000]
)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(body=_BODIES, topic=_TEXT | st.sampled_from(_TOPICS), key=_TEXT, signature=_TEXT)
def test_no_bytes_break_the_door(door: LightspeedDoor, body: bytes, topic: str, key: str, signature: str) -> None:
    """`deliver` holds every answer against the published contract, which knows no 500."""
    assert door.deliver(body, topic, key=key, X_Signature=signature.strip()).status_code == 401
    assert result_of(door.deliver(body, topic)) in ("quarantined", "unknown_topic")


# --- stories ----------------------------------------------------------------------------------------------------------


class Shop(Storyteller):
    """The shop, with Lightspeed on the other end of the line; ``delivers`` sends one webhook."""

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, "lightspeed")

    def delivers(self, topic: str, body: Body) -> Outcome:
        raw = in_php(body)
        return self.hears(raw, {"x-signature": signed(raw)}, {"topic": topic})

    def told(self, case: str, *, ago: Millis = 0, **changes: object) -> Body:
        """A recorded body as it was so long ago, with some of it changed."""
        [(kind, thing)] = json.loads(recorded(case)).items()
        at = to_iso(self.premises.hands.now - ago)
        return {kind: thing | {"createdAt": at, "updatedAt": at} | changes}

    def fills_cart_on_the_page(self) -> None:
        """The shop's page tells the cart, and the hash by which Lightspeed knows it."""
        line: Body = {"sku": "KT-01-ZW", "name": "Koptelefoon", "quantity": 1, "price": "30.00"}
        self.premises.post("cart_updated", "v1", cart=cart(line, cart_id=None), refs=REFS)


@pytest.fixture
def shop(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("LIGHTSPEED_APP_SECRET", SECRET)
    premises.use(rule_set(SURPRISE, UNPAID, head=HEAD))
    return Shop(premises)


def leaves_after_shipping(shop: Shop) -> None:
    """Somebody who reads the newsletter fills a cart, sees what shipping costs, and goes."""
    shop.delivers("subscriptions/created", shop.told("subscriptions_created", ago=HOUR))
    shop.fills_cart_on_the_page()
    shop.premises.later(MINUTE)
    shop.delivers("customers/created", shop.told("customers_created"))
    shop.delivers("quotes/updated", shop.told("quotes_updated"))


def test_a_cart_left_after_unexpected_shipping_is_mailed_with_what_the_quote_says_it_costs(shop: Shop) -> None:
    leaves_after_shipping(shop)
    basket = shop.premises.visitor("v1").state.basket
    assert basket is not None
    assert (basket.currency, basket.total, basket.shipping_now) == ("EUR", 3000, 695)
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]


def test_a_quote_that_holds_its_products_is_a_cart_by_itself(shop: Shop) -> None:
    shop.delivers("quotes/updated", shop.told("quote_with_its_products"))
    [visitor] = shop.premises.rows(VISITORS)
    basket = shop.premises.visitor(str(visitor.id)).state.basket
    assert basket is not None
    assert (basket.id, basket.total, basket.shipping_now, basket.coupon) == ("50020002", 6000, 695, "WELKOM")
    shop.premises.later(MINUTE)
    shop.delivers("quotes/updated", shop.told("quote_emptied"))
    assert shop.premises.visitor(str(visitor.id)).state.basket is None


def test_a_quote_that_only_links_to_its_products_empties_no_cart(shop: Shop) -> None:
    leaves_after_shipping(shop)
    shop.premises.later(MINUTE)
    shop.delivers("quotes/updated", shop.told("quotes_updated"))
    assert shop.premises.visitor("v1").state.basket is not None


@pytest.mark.parametrize(("currency", "total", "shipping"), [("JPY", 60, 7), ("EUR", 6000, 695), ("KWD", 60_000, 6950)])
def test_money_has_the_decimals_of_the_shops_currency(shop: Shop, currency: str, total: int, shipping: int) -> None:
    shop.premises.use(rule_set(head=HEAD.replace("EUR", currency)))
    abroad = Shop(shop.premises)
    abroad.delivers("quotes/updated", shop.told("quote_with_its_products"))
    [visitor] = shop.premises.rows(VISITORS)
    basket = shop.premises.visitor(str(visitor.id)).state.basket
    assert basket is not None
    assert (basket.currency, basket.total, basket.shipping_now) == (currency, total, shipping)


def test_without_consent_nobody_is_mailed(shop: Shop) -> None:
    shop.fills_cart_on_the_page()
    shop.delivers("customers/created", shop.told("customers_created"))
    shop.delivers("quotes/updated", shop.told("quotes_updated", allowNotifications=True))
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []


def test_without_an_address_nobody_is_mailed(shop: Shop) -> None:
    shop.delivers("quotes/updated", shop.told("quote_with_its_products"))
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []


def test_a_newsletter_that_ends_stops_the_mail(shop: Shop) -> None:
    """Its body tells when it began; that it ended counts from now."""
    leaves_after_shipping(shop)
    shop.delivers("subscriptions/deleted", shop.told("subscriptions_created", ago=HOUR))
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []


@pytest.mark.parametrize("case", ["orders_created", "orders_paid"])
def test_an_order_ends_the_recovery_whether_paid_or_not(shop: Shop, case: str) -> None:
    leaves_after_shipping(shop)
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    shop.delivers("orders/created", shop.told(case))
    assert [row.state for row in shop.premises.rows(DELIVERIES)] == ["cancelled"]
    assert [row.visitor for row in shop.premises.rows(ORDERS)] == ["v1"]


def test_a_stale_quote_after_the_order_starts_nothing(shop: Shop) -> None:
    leaves_after_shipping(shop)
    before = [("quotes/updated", shop.told(case)) for case in ("quotes_updated", "quote_with_its_products")]
    shop.premises.later(5 * MINUTE)
    shop.delivers("orders/created", shop.told("orders_created"))
    shop.premises.later(4 * HOUR)
    for topic, body in before:
        shop.delivers(topic, body)
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == []
    assert shop.premises.visitor("v1").state.basket is None


def test_an_unpaid_order_is_the_other_way_to_leave(shop: Shop) -> None:
    shop.delivers("orders/created", shop.told("orders_created"))
    assert shop.who_waits() == []
    shop.premises.later(3 * HOUR)
    assert len(shop.who_waits()) == 1


@pytest.mark.parametrize(("topic", "case"), [("orders/paid", "orders_paid"), ("orders/updated", "orders_updated")])
def test_an_unpaid_order_that_is_paid_or_cancelled_in_time_waits_for_nothing(shop: Shop, topic: str, case: str) -> None:
    shop.delivers("orders/created", shop.told("orders_created"))
    shop.premises.later(HOUR)
    shop.delivers(topic, shop.told(case))
    shop.premises.later(3 * HOUR)
    assert shop.who_waits() == []


def test_a_stale_retry_of_the_unpaid_order_does_not_take_its_payment_back(shop: Shop) -> None:
    unpaid = shop.told("orders_created")
    shop.premises.later(HOUR)
    shop.delivers("orders/paid", shop.told("orders_paid"))
    shop.premises.later(HOUR)
    shop.delivers("orders/created", unpaid)
    shop.premises.later(3 * HOUR)
    assert shop.who_waits() == []


@pytest.mark.parametrize("case", ["paid_on_delivery", "paid_afterwards"])
def test_who_pays_later_by_agreement_is_not_reminded(shop: Shop, case: str) -> None:
    shop.delivers("orders/created", shop.told(case))
    shop.premises.later(DAY)
    assert shop.who_waits() == []


def test_a_storm_in_any_order_is_one_story(shop: Shop) -> None:
    shop.fills_cart_on_the_page()
    first, second = shop.told("free_shipping", ago=2 * MINUTE), shop.told("quotes_updated", ago=MINUTE)
    unpaid, paid = shop.told("orders_created", ago=MINUTE), shop.told("orders_paid")
    storm = [
        ("orders/paid", paid),
        ("quotes/updated", second),
        ("orders/created", unpaid),
        ("quotes/created", first),
    ]
    outcomes = [shop.delivers(topic, body) for topic, body in [*storm, *storm, *storm[::-1]]]
    assert set(outcomes[4:]) == {Outcome.DUPLICATE}
    assert [row.visitor for row in shop.premises.rows(EVENTS, type="order_placed")] == ["v1"]
    assert shop.premises.visitor("v1").state.orders == 1
    shop.premises.later(DAY)
    assert (shop.looks_again(), shop.who_waits()) == ([], [])


def test_ids_stay_what_they_are_however_long(shop: Shop) -> None:
    shop.delivers("quotes/updated", shop.told("big_ids"))
    kept = " ".join(str(row.body) for row in shop.premises.rows(EVENTS))
    assert "lightspeed:cart:271878346596884015" in kept
    assert '"820982911946154508"' in kept


def test_a_product_that_is_back_reaches_whoever_saw_it_sold_out(shop: Shop) -> None:
    shop.premises.post("product_viewed", "v1", product={"sku": "KT-01-ZW", "name": "Koptelefoon", "stock": 0})
    shop.premises.later(HOUR)
    shop.delivers("variants/updated", shop.told("variants_updated"))
    [good] = shop.premises.visitor("v1").state.goods
    assert (good.stock, good.back_at is not None) == (3, True)
