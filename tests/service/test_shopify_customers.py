"""What a Shopify shop does with its customers' accounts: one that is deleted is forgotten here, two can become one."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from engine.clock import HOUR, MINUTE
from engine.intake import Outcome
from engine.messages import DeliveryState
from engine.people import Person
from engine.store import privacy_requests
from engine.store.errands import ERRANDS
from engine.store.unit import CARTS, CONSENTS, DELIVERIES, EVENTS, IDENTITIES, PEOPLE, VISITORS
from tests.builders import SURPRISE, Premises
from tests.service.shopify_shop import ADDRESS, VISITOR, Api, Body, Shop, body_of, open_shop

OTHER, OTHER_ADDRESS = 603851970716743999, "sanne@werk.example"
GONE, THERE = {"customer": None}, {"customer": {"id": "gid://shopify/Customer/1"}}
NOBODY_LEFT = (CARTS, CONSENTS, DELIVERIES, EVENTS, IDENTITIES, PEOPLE, VISITORS)


@pytest.fixture
def shop(premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(premises, tmp_path, monkeypatch, SURPRISE, settings="client_id: app-7")


def number_in(body: Body) -> int:
    customer = body["customer"]
    assert isinstance(customer, dict)
    number = customer["id"]
    assert isinstance(number, int)
    return number


def deleted(number: int) -> Body:
    return {"id": number, "tax_exemptions": [], "admin_graphql_api_id": f"gid://shopify/Customer/{number}"}


def merged(kept: int, gone: int, status: str = "completed") -> Body:
    names = {"kept": kept, "deleted": gone}
    told = {f"admin_graphql_api_customer_{which}_id": f"gid://shopify/Customer/{it}" for which, it in names.items()}
    return {**told, "admin_graphql_api_job_id": None, "status": status, "errors": []}


def is_told(shop: Shop, number: int, data: object) -> Api:
    """The deletion comes, and the clock asks about it when it is time."""
    assert shop.delivers("customers/delete", deleted(number)) is Outcome.ACCEPTED
    return passes(shop, data)


def passes(shop: Shop, data: object) -> Api:
    """The while in which word of a merge may come, with Shopify's answer at its end."""
    api = Api(data)
    shop.asks(api)
    assert api.asked == [], "it is waited a while"
    shop.premises.later(5 * MINUTE)
    shop.asks(api)
    assert shop.due() == []
    return api


def people(shop: Shop) -> list[Person]:
    rows = shop.premises.rows(PEOPLE)
    return sorted((msgspec.msgpack.decode(row.state, type=Person) for row in rows), key=lambda person: person.email)


# --- deleted ----------------------------------------------------------------------------------------------------------


def test_whoever_is_deleted_in_the_shop_is_forgotten_here_with_the_mail_that_was_owed(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.delivers("checkouts/update", checkout)
    shop.premises.later(2 * HOUR)
    assert shop.looks_again() == ["scheduled"]
    [mail] = shop.premises.rows(DELIVERIES)
    number = number_in(checkout)
    api = is_told(shop, number, GONE)
    assert api.asked == [{"id": f"gid://shopify/Customer/{number}"}]
    assert [shop.premises.rows(table) for table in NOBODY_LEFT] == [[]] * len(NOBODY_LEFT)
    left = shop.everything()
    assert [trace for trace in (ADDRESS, "Sanne", VISITOR, "Koptelefoon", str(number)) if trace in left] == []
    assert shop.deliverer.deliver(str(mail.id)) is not DeliveryState.SENT
    [request] = privacy_requests.everything(shop.premises.engine)
    assert (request.kind, request.reference) == ("erase", ""), "what names them is not written down once more"


def test_whoever_is_there_still_is_not_forgotten_whatever_a_webhook_says(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.delivers("checkouts/update", checkout)
    is_told(shop, number_in(checkout), THERE)
    assert [person.email for person in people(shop)] == [ADDRESS]
    assert privacy_requests.everything(shop.premises.engine) == []
    assert f"gone:{number_in(checkout)}" not in {row.what for row in shop.premises.rows(ERRANDS)}


def test_without_anything_to_ask_with_the_signed_word_counts(
    premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(premises, tmp_path, monkeypatch, SURPRISE)
    checkout = shop.checkout()
    shop.delivers("checkouts/update", checkout)
    assert is_told(shop, number_in(checkout), THERE).asked == []
    assert people(shop) == []


def test_a_customer_who_is_there_under_the_topic_of_those_who_are_gone_erases_nobody(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout())
    assert shop.delivers("customers/delete", body_of("customer_as_deletion")) is Outcome.QUARANTINED
    assert [person.email for person in people(shop)] == [ADDRESS]


# --- two become one ---------------------------------------------------------------------------------------------------


def with_two_accounts(shop: Shop) -> int:
    """Somebody with a cart and a yes under one account, and a yes under another; the number of the first."""
    checkout = shop.checkout()
    shop.delivers("checkouts/update", checkout)
    consent = {"state": "subscribed", "opt_in_level": None, "consent_updated_at": shop.at(HOUR)}
    told: Body = {"customer_id": OTHER, "email_address": OTHER_ADDRESS, "email_marketing_consent": consent}
    shop.delivers("customers_email_marketing_consent/update", told)
    assert len(people(shop)) == 2
    return number_in(checkout)


@pytest.mark.parametrize("order", list(permutations(["merge", "delete"])))
def test_of_two_accounts_that_become_one_nobody_is_forgotten_in_whatever_order_it_is_told(
    shop: Shop, order: tuple[str, ...]
) -> None:
    kept = with_two_accounts(shop)
    told = {"merge": ("customers/merge", merged(kept, OTHER)), "delete": ("customers/delete", deleted(OTHER))}
    for what in order:
        assert shop.delivers(*told[what]) is Outcome.ACCEPTED
    passes(shop, GONE)
    [person] = people(shop)
    assert (person.email, person.customer_id, person.former_ids) == (ADDRESS, str(kept), [str(OTHER)])
    assert {row.person for row in shop.premises.rows(IDENTITIES)} == {person.id}
    assert len(shop.premises.rows(IDENTITIES)) == 4
    assert len(shop.premises.rows(CONSENTS)) == 2
    # Whoever is one person now is deleted as one.
    is_told(shop, kept, GONE)
    assert [shop.premises.rows(table) for table in NOBODY_LEFT] == [[]] * len(NOBODY_LEFT)


def test_a_yes_stays_with_the_address_it_was_given_for(shop: Shop) -> None:
    shop.delivers("checkouts/update", shop.checkout(buyer_accepts_marketing=False))
    kept = number_in(shop.checkout())
    consent = {"state": "subscribed", "opt_in_level": None, "consent_updated_at": shop.at()}
    told: Body = {"customer_id": OTHER, "email_address": OTHER_ADDRESS, "email_marketing_consent": consent}
    shop.delivers("customers_email_marketing_consent/update", told)
    shop.delivers("customers/merge", merged(kept, OTHER))
    [person] = people(shop)
    assert (person.email, person.basis) == (ADDRESS, None)


def test_a_no_is_the_persons_whatever_address_they_said_it_with(shop: Shop) -> None:
    kept = with_two_accounts(shop)
    consent = {"state": "unsubscribed", "opt_in_level": None, "consent_updated_at": shop.at(-MINUTE)}
    told: Body = {"customer_id": OTHER, "email_address": OTHER_ADDRESS, "email_marketing_consent": consent}
    shop.premises.later(MINUTE)
    shop.delivers("customers_email_marketing_consent/update", told)
    shop.delivers("customers/merge", merged(kept, OTHER))
    assert [person.basis for person in people(shop)] == [None]


def test_the_account_that_is_left_may_be_new_here(shop: Shop) -> None:
    gone = number_in(shop.checkout())
    shop.delivers("checkouts/update", shop.checkout())
    shop.delivers("customers/merge", merged(OTHER, gone))
    [person] = people(shop)
    assert (person.email, person.customer_id, person.basis is not None) == (ADDRESS, str(OTHER), True)
    [visitor] = [row for row in shop.premises.rows(VISITORS) if row.id == VISITOR]
    assert visitor.person == person.id


@pytest.mark.parametrize("status", ["failed", "in_progress", "requested"])
def test_a_merge_that_is_not_done_makes_nobody_one(shop: Shop, status: str) -> None:
    kept = with_two_accounts(shop)
    assert shop.delivers("customers/merge", merged(kept, OTHER, status)) is Outcome.ACCEPTED
    assert len(people(shop)) == 2
