"""Somebody is known by number first and by address later, or the other way round: in the end it is one person."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from engine.clock import HOUR, MINUTE
from engine.people import Person
from engine.store.unit import CARTS, CONSENTS, DELIVERIES, IDENTITIES, ORDERS, PEOPLE, VISITORS
from tests.builders import LEFT, Premises, cart, line, rule_set

ADDRESS = "sanne@shopper.example"
CONSENT: dict[str, object] = {"email": True, "text": "Ja", "source": "newsletter"}


def people(premises: Premises) -> list[Person]:
    return [msgspec.msgpack.decode(row.state, type=Person) for row in premises.rows(PEOPLE)]


class Shop:
    """A platform that knows a cart by its customer's number, and tells the address with the customer alone."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises

    def says(self, what: str) -> None:
        getattr(self, what)()

    def quote(self) -> None:
        self.premises.hear("cart_updated", "quote-1", cart=cart(line(), cart_id="q1"))
        self.premises.hear("contact_given", "quote-1", customer_id="7")

    def newsletter(self) -> None:
        self.premises.hear("consent_changed", email=ADDRESS, consent=CONSENT)

    def customer(self) -> None:
        self.premises.hear("contact_given", email=ADDRESS, customer_id="7", name="Sanne de Vries")


@pytest.fixture
def shop(premises: Premises) -> Shop:
    premises.use(rule_set(LEFT))
    return Shop(premises)


@pytest.mark.parametrize("order", list(permutations(["quote", "newsletter", "customer"])))
def test_a_quote_becomes_its_customers_in_whatever_order_that_is_told(shop: Shop, order: tuple[str, ...]) -> None:
    for what in order:
        shop.says(what)
    [person] = people(shop.premises)
    assert (person.email, person.customer_id, person.name) == (ADDRESS, "7", "Sanne de Vries")
    assert person.basis is not None
    assert {row.person for row in shop.premises.rows(VISITORS)} == {person.id}
    assert {(row.kind, row.person) for row in shop.premises.rows(IDENTITIES)} == {
        ("email", person.id),
        ("customer", person.id),
    }
    assert {row.person for row in shop.premises.rows(CONSENTS)} == {person.id}


def test_whoever_turns_out_to_be_mailable_is_mailed_about_the_cart_they_left(shop: Shop) -> None:
    shop.newsletter()
    shop.quote()
    shop.premises.later(2 * HOUR)
    shop.premises.look_at("quote-1")
    assert shop.premises.rows(DELIVERIES) == []
    shop.customer()
    [visitor] = shop.premises.rows(VISITORS, id="quote-1")
    assert visitor.due_at == shop.premises.hands.now
    shop.premises.look_at("quote-1")
    assert [row.visitor for row in shop.premises.rows(DELIVERIES)] == ["quote-1"]


def test_what_either_had_ordered_the_one_has_ordered(shop: Shop) -> None:
    shop.premises.hear("order_placed", order={"id": "o1", "total": "5.00", "email": ADDRESS})
    shop.quote()
    shop.premises.later(MINUTE)
    shop.premises.hear(
        "order_placed", "quote-1", order={"id": "o2", "total": "7.00", "customer_id": "7", "cart_id": "q1"}
    )
    shop.customer()
    [person] = people(shop.premises)
    assert (person.orders, sorted(person.order_ids)) == (2, ["o1", "o2"])
    assert [bought.id for bought in person.bought] == ["o1", "o2"]
    assert {row.person for row in shop.premises.rows(ORDERS)} == {person.id}


def test_two_who_both_have_an_address_stay_two(shop: Shop) -> None:
    shop.premises.hear("contact_given", email="other@shopper.example", customer_id="7")
    shop.newsletter()
    shop.customer()
    assert sorted(person.email for person in people(shop.premises)) == ["other@shopper.example", ADDRESS]


def test_a_browser_that_says_both_makes_nobody_of_two(shop: Shop) -> None:
    """Anybody may type anybody's number."""
    shop.quote()
    shop.newsletter()
    shop.premises.post("contact_given", "v1", email=ADDRESS, customer_id="7")
    assert len(people(shop.premises)) == 2


def test_a_browser_cannot_say_that_two_accounts_became_one(shop: Shop) -> None:
    shop.premises.hear("contact_given", email="other@shopper.example", customer_id="8")
    shop.customer()
    shop.premises.post("contact_given", "v1", email=ADDRESS, customer_id="7", formerly="8")
    assert len(people(shop.premises)) == 2
    shop.premises.hear("contact_given", customer_id="7", formerly="8")
    [person] = people(shop.premises)
    assert (person.email, person.customer_id, person.former_ids) == (ADDRESS, "7", ["8"])


def test_in_one_delivery_too(shop: Shop) -> None:
    """Nothing of the one who is gone is left over, also of what was not written yet."""
    shop.newsletter()
    told = [
        shop.premises.accept("contact_given", "quote-1", trusted=True, customer_id="7"),
        shop.premises.accept("order_placed", "quote-1", trusted=True, order={"id": "o9", "total": "7.00"}),
        shop.premises.accept("contact_given", "quote-1", trusted=True, email=ADDRESS, customer_id="7"),
    ]
    shop.premises.submit(*told)
    [person] = people(shop.premises)
    assert {row.person for row in shop.premises.rows(ORDERS)} == {person.id}
    assert {row.person for row in shop.premises.rows(VISITORS)} == {person.id}


# --- carts and orders that several tell of ----------------------------------------------------------------------------


def statuses(premises: Premises) -> dict[str, str]:
    return {"own" if row.id.startswith("own-") else row.id: row.status for row in premises.rows(CARTS)}


def test_an_order_of_another_cart_id_leaves_no_cart_of_the_page_open(premises: Premises) -> None:
    premises.post("cart_updated", cart=cart(line(), cart_id=None))
    premises.later(MINUTE)
    premises.hear("order_placed", "v1", order={"id": "o1", "cart_id": "c-of-the-platform", "lines": [line()]})
    assert statuses(premises) == {"own": "ordered"}


def test_a_cart_that_gets_its_name_later_is_one_open_cart(premises: Premises) -> None:
    premises.post("cart_updated", cart=cart(line(), cart_id=None))
    premises.later(MINUTE)
    premises.hear("cart_updated", "v1", cart=cart(line(), cart_id="c1"))
    assert statuses(premises) == {"own": "merged", "c1": "open"}


def test_a_page_that_empties_its_cart_leaves_none_open(premises: Premises) -> None:
    premises.post("cart_updated", cart=cart(line(), cart_id=None))
    premises.later(MINUTE)
    premises.post("cart_updated", cart=cart(cart_id=None))
    assert statuses(premises) == {"own": "emptied"}


def test_an_order_on_one_device_leaves_no_cart_open_on_another(premises: Premises) -> None:
    premises.gives_address("v1")
    premises.post("cart_updated", cart=cart(line(), cart_id=None))
    premises.later(MINUTE)
    premises.hear("order_placed", order={"id": "o1", "email": "anna@shopper.example"})
    premises.look_at("v1")
    assert statuses(premises) == {"own": "ordered"}


def test_the_page_after_an_order_told_less_of_it_than_the_shops_server(premises: Premises) -> None:
    premises.post("order_placed", order={"id": "o1"})
    premises.hear("order_placed", "v1", order={"id": "o1", "total": "45.45", "currency": "EUR", "cart_id": "c1"})
    [row] = premises.rows(ORDERS)
    assert (row.total, row.currency, row.cart) == (4545, "EUR", "c1")
    premises.post("order_placed", order={"id": "o1", "total": "0.01"})
    assert [row.total for row in premises.rows(ORDERS)] == [4545]


def test_a_page_of_thanks_that_is_opened_next_week_ends_no_new_cart(premises: Premises) -> None:
    premises.post("order_placed", order={"id": "o1"})
    premises.later(100 * HOUR)
    premises.post("cart_updated", cart=cart(line("LAMP"), cart_id=None))
    premises.later(HOUR)
    premises.post("order_placed", order={"id": "o1"})
    assert statuses(premises) == {"own": "open"}
    basket = premises.visitor("v1").state.basket
    assert basket is not None
    assert basket.items[0].sku == "LAMP"
