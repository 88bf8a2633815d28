"""How Lightspeed's API is asked: with whose key, how often, and who must wait."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, to_iso
from engine.errors import CallError
from engine.store import budgets, errands
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS
from tests.builders import Premises
from tests.service.lightspeed_house import (
    CUSTOMER,
    HEAD,
    QUOTE,
    SECRETS,
    House,
    open_house,
    recorded,
)
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp

FIVE = 5 * MINUTE


@pytest.fixture
def house(premises: Premises, webshop: Webshopapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return open_house(premises, webshop, tmp_path, monkeypatch)


def test_key_and_secret_travel_in_a_header_and_nowhere_else(house: House) -> None:
    house.leaves_a_cart()
    right = base64.b64encode(f"{SECRETS['KEY']}:{SECRETS['SECRET']}".encode()).decode()
    assert {each.authorization for each in house.webshop.asked} == {f"Basic {right}"}
    assert {(each.host, each.language) for each in house.webshop.asked} == {("api.webshopapp.com", "nl")}
    for secret in SECRETS.values():
        assert not any(secret in each.url for each in house.webshop.asked)


def test_an_installed_app_has_a_password_made_of_its_token_and_its_secret(house: House) -> None:
    made = house.lightspeed(shop_token="a-token", cluster="us1", language="us")
    made.ask("limits", "", LOOPBACK.ask)
    password = hashlib.md5(f"a-token{SECRETS['APP_SECRET']}".encode(), usedforsecurity=False).hexdigest()
    [asked] = house.webshop.asked
    assert base64.b64decode(asked.authorization.removeprefix("Basic ")).decode() == f"{SECRETS['KEY']}:{password}"
    assert (asked.host, asked.language) == ("api.shoplightspeed.com", "us")
    assert made.account != house.lightspeed().account


def test_without_a_key_nothing_is_asked_and_webhooks_are_believed(house: House) -> None:
    house.live_by(HEAD.replace("    api_key: env:LIGHTSPEED_KEY\n", ""))
    house.delivers("quotes/updated", recorded("quote_with_its_products"))
    house.asks(polls=True)
    assert house.webshop.asked == []
    assert house.whose_cart().basket is not None


def test_calls_of_everybody_with_the_key_are_counted_and_what_can_wait_waits(house: House) -> None:
    house.has_a_cart()
    house.webshop.used = 275
    house.asks(polls=True)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks(polls=True)
    assert not any("quotes" in place for place in house.webshop.places())
    house.premises.later(FIVE)
    house.webshop.used = 0
    house.asks()
    assert house.whose_cart().basket is not None


def test_what_somebody_waits_for_goes_before_what_was_missed(house: House) -> None:
    house.webshop.tells_limits = False
    house.has_a_cart()
    account = f"lightspeed:{house.lightspeed().account}"
    for _ in range(200):
        budgets.take(house.premises.engine, account, house.lightspeed().allowance, 1.0)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks(polls=True)
    assert "GET orders" not in house.webshop.places()
    assert house.whose_cart().basket is not None


def test_a_cart_of_somebody_is_read_again_while_what_can_wait_longer_is_left_alone(house: House) -> None:
    house.webshop.tells_limits = False
    house.has_a_cart()
    engine, account = house.premises.engine, f"lightspeed:{house.lightspeed().account}"
    for _ in range(220):
        budgets.take(engine, account, house.lightspeed().allowance, 1.0)
    patient = ["quote:1", "quote:2", "variant:3"]
    errands.plan(engine, house.premises.shop.id, "lightspeed", patient, again=True)
    house.premises.later(1)
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    assert house.whose_cart().basket is not None
    waiting = {row.what: row.due_at - house.premises.hands.now for row in house.premises.rows(ERRANDS)}
    assert [waiting[what] for what in patient] == [FIVE - 1] * 3


def test_a_refusal_for_too_many_calls_is_believed_by_every_process(house: House) -> None:
    house.has_a_cart()
    house.webshop.tells_limits = False
    house.webshop.refuses[f"quotes/{QUOTE}"] = 429
    house.delivers("quotes/updated", recorded("quotes_updated"))
    house.asks()
    house.restart()
    house.premises.later(59 * SECOND)
    house.asks()
    assert house.webshop.places() == [f"GET quotes/{QUOTE}"]
    [errand] = house.premises.rows(ERRANDS, what=f"quote:{QUOTE}:{CUSTOMER}")
    assert (errand.attempt, errand.problem) == (0, "")
    house.webshop.refuses.clear()
    house.premises.later(SECOND)
    house.asks()
    assert house.whose_cart().basket is not None


def test_how_many_calls_are_left_is_read_back(house: House) -> None:
    house.webshop.used = 120
    house.webshop.tells_limits = False
    house.asks(polls=True)
    windows = budgets.everything(house.premises.engine, f"lightspeed:{house.lightspeed().account}")
    assert [(each.most, each.used >= 120) for each in windows] == [(300, True), (3_000, True), (12_000, True)]
    assert [each.ends_at - house.premises.hands.now for each in windows] == [FIVE, HOUR, DAY]


@pytest.mark.parametrize(("status", "says"), [(401, "refused the key"), (403, "refused"), (301, "answered 301")])
def test_what_goes_wrong_is_told_without_the_address_or_the_key(house: House, status: int, says: str) -> None:
    house.webshop.refuses[""] = status
    with pytest.raises(CallError, match=says) as failed:
        house.lightspeed().ask("order:60030003", "", LOOPBACK.ask)
    assert not any(secret in failed.value.message for secret in (*SECRETS.values(), "127.0.0.1"))


# --- many at once -----------------------------------------------------------------------------------------------------


def changed(house: House, *numbers: int, **changes: object) -> None:
    """Variants that changed just now, as the list has them: the given page size at a time, in some order."""
    at = to_iso(house.premises.hands.now)
    own = [recorded("variants_updated") | {"id": n, "sku": f"KT-{n}", "updatedAt": at} | changes for n in numbers]

    def page(query: dict[str, str]) -> list[Json]:
        size, number = int(query["limit"]), int(query["page"])
        return own[(number - 1) * size : number * size]

    house.webshop.lists["variants"] = page


def asked_together(house: House, *numbers: int) -> set[str]:
    return set(house.lightspeed().ask_together(tuple(f"variant:{n}" for n in numbers), LOOPBACK.ask))


def test_many_changed_variants_are_read_from_a_list_and_what_is_not_on_it_is_asked_for_alone(house: House) -> None:
    changed(house, *range(1000, 1600))
    wanted = (*range(1300, 1540), 7)
    assert asked_together(house, *wanted) == {f"variant:{n}" for n in range(1300, 1540)}
    assert house.webshop.places() == ["GET variants"] * 3
    assert {each.query["limit"] for each in house.webshop.asked} == {"250"}


def test_a_shop_that_counts_its_stock_anew_costs_few_calls(house: House) -> None:
    changed(house, *range(1000, 1030), stockLevel=4)
    for number in range(1000, 1030):
        house.delivers("variants/updated", recorded("variants_updated") | {"id": number, "stockLevel": 900})
    house.asks()
    assert house.webshop.places() == ["GET variants"]
    told = house.premises.rows(EVENTS, type="stock_changed")
    assert len(told) == 30
    assert not any("900" in str(row.body) for row in told)


def test_a_list_costs_no_more_than_a_fifth_of_asking_for_each(house: House) -> None:
    changed(house, *range(10_000, 20_000))
    assert asked_together(house, *range(10)) == set()
    assert len(house.webshop.asked) == 3
    assert asked_together(house, 10_000, 10_001) == set()
    assert len(house.webshop.asked) == 3, "of a few each is asked for at once"


def test_a_variant_on_the_list_is_the_same_fact_as_by_itself_and_one_that_nobody_can_read_is_left_to_itself(
    house: House,
) -> None:
    changed(house, *range(5))
    made = house.lightspeed()
    together = made.ask_together(tuple(f"variant:{n}" for n in range(5)), LOOPBACK.ask)
    own = {"id": 3, "sku": "KT-3", "updatedAt": to_iso(house.premises.hands.now)}
    house.webshop.things["variants/3"] = {"variant": recorded("variants_updated") | own}
    assert made.ask("variant:3", "", LOOPBACK.ask) == together["variant:3"]
    assert together["variant:3"].news.events
    changed(house, *range(5), stockLevel="veel")
    assert made.ask_together(tuple(f"variant:{n}" for n in range(5)), LOOPBACK.ask) == {}
