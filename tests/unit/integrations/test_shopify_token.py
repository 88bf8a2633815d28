"""With what Shopify's API is asked: a token that is renewed, or the lasting one of an app that is older than 2026."""

from __future__ import annotations

import pytest

from engine.errors import CallError, SettingsError
from engine.http import Answered
from engine.integration import CartNow
from integrations.shopify import ShopifySettings
from tests.unit.integrations.shopify_far import Shopify2026, answered, shop
from tests.unit.integrations.test_shopify_hooks import HERE

NOTHING = answered({"orders": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}})
LASTING = {"client_id": "", "admin_token": "env:SHOPIFY_ADMIN_TOKEN"}
ENVIRONMENT = {"SHOPIFY_ADMIN_TOKEN": "shpat_of-old"}


def test_a_token_is_used_as_long_as_it_lasts() -> None:
    asker, far = shop(), Shopify2026(NOTHING)
    for _ in range(3):
        asker.ask("orders", "", far)
    assert far.tokens == 1
    asker, far = shop(), Shopify2026(NOTHING, token_lasts_s=60)
    for _ in range(3):
        asker.ask("orders", "", far)
    assert far.tokens == 3


def test_a_token_that_was_taken_back_is_replaced() -> None:
    asker, far = shop(), Shopify2026(Answered(401, b""), NOTHING)
    with pytest.raises(CallError, match="401"):
        asker.ask("orders", "", far)
    asker.ask("orders", "", far)
    assert far.tokens == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "are client_id and client_secret of the same app, and is it installed in voorbeeld.myshopify.com?"),
        (404, "there is no shop voorbeeld.myshopify.com"),
        (500, "it answered 500"),
    ],
)
def test_where_there_is_no_token_it_is_said_why(status: int, words: str) -> None:
    with pytest.raises(CallError, match=f"gave no token: it answered {status}") as refused:
        shop().ask("orders", "", lambda *asked: Answered(status, b"canary"))
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "still installed in"), (402, "has to pay"), (403, "may ask nothing"), (404, "api_version"), (502, "502")],
)
def test_what_is_no_answer_is_put_into_words(status: int, words: str) -> None:
    with pytest.raises(CallError, match=f"it answered {status}") as refused:
        shop().ask("orders", "", Shopify2026(Answered(status, b"canary")))
    assert words in refused.value.message
    assert "canary" not in refused.value.message


def test_an_older_app_asks_looks_and_connects_with_its_lasting_token() -> None:
    asker = shop(ENVIRONMENT, **LASTING)
    far = Shopify2026(NOTHING, admin_token="shpat_of-old")
    asker.ask("orders", "", far)
    assert asker.look(("shopify:checkout:c0ffee",), far) is CartNow.OPEN
    assert (far.tokens, len(far.asked)) == (0, 2)
    assert asker.wanted(HERE) == shop().wanted(HERE)


def test_a_lasting_token_that_was_taken_back_is_told() -> None:
    far = Shopify2026(Answered(401, b""), admin_token="shpat_of-old")
    with pytest.raises(CallError, match="401"):
        shop(ENVIRONMENT, **LASTING).ask("orders", "", far)


def test_a_lasting_token_stands_in_the_environment_and_is_never_shown() -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_ADMIN_TOKEN, which is not set"):
        shop(**LASTING)
    assert "shpat" not in repr(shop(ENVIRONMENT, **LASTING).settings)
    assert ShopifySettings(shop="voorbeeld.myshopify.com").may_ask is False
