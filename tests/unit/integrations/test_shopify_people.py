"""Who is said to be gone: Shopify is asked, after a while, and believed where it cannot be asked."""

from __future__ import annotations

import json

import pytest

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Delivery, News, Page, PrivacyRequest
from integrations.shopify.people import MERGED_WITHIN_MS
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop

ERASED = News(requests=(PrivacyRequest("erase", customer_id="7", unless_merged=True),))


def asked(answer: Answered, *, client_id: str = "app-7") -> tuple[Page, Shopify2026]:
    far = Shopify2026(answer)
    asker = shop(client_id=client_id)
    first = asker.ask("gone:7", "", far)
    assert (first, far.asked) == (Page(News(), "waited", MERGED_WITHIN_MS), [])
    return asker.ask("gone:7", first.cursor, far), far


def test_who_is_gone_is_to_be_erased_unless_two_accounts_became_one() -> None:
    page, far = asked(answered({"customer": None}))
    assert page == Page(ERASED)
    assert far.asked == [{"id": "gid://shopify/Customer/7"}]


def test_who_is_there_is_not() -> None:
    assert asked(answered({"customer": {"id": "gid://shopify/Customer/7"}}))[0] == Page(News())


def test_where_nobody_may_ask_the_signed_word_counts() -> None:
    assert asked(refused("ACCESS_DENIED"))[0] == Page(ERASED)
    page, far = asked(answered({}), client_id="")
    assert (page, far.tokens) == (Page(ERASED), 0)


def test_no_answer_erases_nobody() -> None:
    with pytest.raises(CallError, match="502"):
        asked(Answered(502, b""))
    with pytest.raises(Throttled):
        asked(refused("THROTTLED"))


@pytest.mark.parametrize("name", ["gid://shopify/Order/7", "gid://shopify/Customer/7x", "7", "", None, 7, ["7"]])
def test_a_name_that_is_no_customers_is_nobody(name: object) -> None:
    told: Json = {"id": 7, "admin_graphql_api_id": name}
    assert shop().read(Delivery("customers/delete", _json(told))) == News()
    both = dict.fromkeys(("admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id"), name)
    assert shop().read(Delivery("customers/merge", _json({**both, "status": "completed"}))) == News()


@pytest.mark.parametrize("more", [{"email": "sanne@example.nl"}, {"created_at": "2026-11-21T10:00:00Z"}])
def test_a_body_that_says_more_is_no_deletion(more: Json) -> None:
    told: Json = {"id": 7, "admin_graphql_api_id": "gid://shopify/Customer/7", **more}
    with pytest.raises(Unreadable, match="a customer who is there"):
        shop().read(Delivery("customers/delete", _json(told)))


def _json(told: Json) -> bytes:
    return json.dumps(told).encode()
