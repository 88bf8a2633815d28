"""The mail that helps with paying: what it says, what it never says, and what the last look holds back."""

from __future__ import annotations

from textwrap import indent

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE
from engine.decisions import Guard
from engine.errors import RuleFileError
from engine.events import Line
from engine.language import locale_for
from engine.mail import render
from engine.mail.view import make_view
from engine.messages import Bought, MailContext, MailOrder
from engine.rules.guards import sending_hold
from engine.rules.loader import examine
from tests.builders import Visit, rule_set

PAY_URL = "https://winkel.example/order-pay/7/?key=wc_order_x"
PEN = Line(sku="P1", name="Vulpen Hoekwerk", price=3495)
PAPER = Line(sku="P2", name="Notitieboek A5", quantity=2, price=1250)
CONTEXT = MailContext(
    language="nl",
    shop_name="Inkt & Papier",
    sender_name="Sanne de Wit",
    order=MailOrder("unpaid-order", call=("chat", "phone"), unpaid="o7"),
    currency="EUR",
    lines=(PEN, PAPER),
    total=6190,
    bought=Bought(500, 695, PAY_URL),
    unsubscribe_url="https://bell.example/u/abc",
    chat_url="https://winkel.example/?chat=1",
    phone="030 123 45 67",
    shop_url="https://winkel.example/",
)
UNPAID = "name: unpaid\nwhen: [unpaid_order: 1h, can_email]\nthen: [email: unpaid-order]\nonce_per: cart"


def context(**changes: object) -> MailContext:
    return msgspec.structs.replace(CONTEXT, **changes)


def sums(total: int, bought: Bought, *lines: Line) -> list[tuple[str, str]]:
    told = context(total=total, bought=bought, lines=lines)
    return [(each.kind, each.amount) for each in make_view(told, "en", locale_for("en", "en"), "").sums]


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "nl",
            [
                "is binnen, maar we hebben er nog geen betaling voor",
                "Heb je net betaald",
                "Vulpen Hoekwerk",
                "Korting",
                "Verzending",
                "Totaal",
                "€\xa061,90",
                PAY_URL,
                "op een andere manier betalen",
                "Chat met ons",
            ],
        ),
        (
            "en",
            [
                "has come in, but we have no payment for it yet",
                "Did you pay just now",
                "Vulpen Hoekwerk",
                "Discount",
                "Shipping",
                "Total",
                "€61.90",
                PAY_URL,
                "pay in another way",
                "Chat with us",
            ],
        ),
    ],
)
def test_it_helps_first_and_says_what_it_is_about(language: str, wanted: list[str]) -> None:
    made = render(context(language=language))
    for part in (made.text, made.html.replace("&nbsp;", "\xa0").replace("&amp;", "&")):
        found = [part.index(words) for words in wanted]
        assert found == sorted(found)
        assert "winkelwagen" not in part
        assert "cart at" not in part


def test_without_a_page_for_paying_there_is_no_button_and_somebody_helps() -> None:
    made = render(context(bought=Bought(500, 695, "")))
    assert "Bestelling betalen" not in made.html
    assert "order-pay" not in made.html
    assert "dan helpen we je met betalen" in made.html
    assert "dan helpen we je met betalen" in made.text


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a:b@winkel.example/", "/order-pay/7", "ftp://x"])
def test_what_is_no_web_address_is_no_page_for_paying(address: str) -> None:
    assert address not in render(context(bought=Bought(None, None, address))).text


@pytest.mark.parametrize(
    ("total", "bought", "shown"),
    [
        (6195, Bought(0, 1200), [("shipping", "€12.00")]),
        (6095, Bought(None, 1000), [("shipping", "€10.00"), ("costs", "€1.00")]),
        (4995, Bought(None, 0), [("shipping", "")]),
        (4995, Bought(None, None), []),
        (5290, Bought(500, 695), [("discount", "-€5.00"), ("shipping", "€6.95"), ("costs", "€1.00")]),
        (5690, Bought(None, 695), [("shipping", "€6.95")]),
        (5000, Bought(None, 695), [("shipping", "€6.95"), ("deducted", "-€6.90")]),
    ],
)
def test_an_orders_sums_are_named(total: int, bought: Bought, shown: list[tuple[str, str]]) -> None:
    goods = Line(sku="P1", price=4995)
    assert sums(total, bought, goods) == shown


def test_a_discount_that_the_lines_have_taken_off_already_is_not_taken_off_twice() -> None:
    assert sums(5690, Bought(500, 695), Line(sku="P1", price=4995)) == [("shipping", "€6.95")]


def test_where_a_price_is_not_known_nothing_is_reckoned() -> None:
    assert sums(9999, Bought(None, 695), Line(sku="P1"), PEN) == [("shipping", "€6.95")]


@given(
    st.lists(st.tuples(st.integers(0, 9_999), st.integers(1, 5)), min_size=1, max_size=15),
    st.integers(1, 99_999),
    st.none() | st.integers(0, 5_000),
    st.none() | st.integers(0, 5_000),
)
def test_lines_and_sums_add_up_to_the_total(
    goods: list[tuple[int, int]], total: int, discount: int | None, shipping: int | None
) -> None:
    lines = tuple(Line(sku=str(place), price=price, quantity=many) for place, (price, many) in enumerate(goods))
    shown = sums(total, Bought(discount, shipping), *lines)
    cents = sum(int(amount.replace("€", "").replace(",", "").replace(".", "")) for _, amount in shown if amount)
    assert sum(price * many for price, many in goods) + cents == total


def test_it_offers_nothing_for_what_was_ordered_already() -> None:
    with pytest.raises(RuleFileError) as refused:
        rule_set(UNPAID.replace("email: unpaid-order", "email: {template: unpaid-order, offer: free_shipping}"))
    assert "cannot offer anything" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("rule", "doubt"),
    [
        (UNPAID, ""),
        (UNPAID.replace("unpaid_order: 1h, ", ""), "asks to pay whenever an order is unpaid"),
        (UNPAID.replace("email: unpaid-order", "email: cart-reminder"), "'unpaid-order' is the mail that helps"),
    ],
)
def test_a_doubtful_rule_about_paying_is_told(rule: str, doubt: str) -> None:
    source = "rules:\n" + indent(f"- {rule}".replace("\n", "\n  "), "  ")
    told = " ".join(str(warning.message) for warning in examine(source).warnings)
    assert (doubt in told, bool(told)) == (True, bool(doubt))


# --- when it is decided, and held back --------------------------------------------------------------------------------


def who_ordered() -> Visit:
    return Visit(rule_set(UNPAID)).may_be_mailed().fills_cart().orders(paid=False)


def held(shopper: Visit, order: str = "o1") -> Guard | None:
    hold = sending_hold(shopper.facts, None, order)
    return hold.guard if hold else None


def test_a_new_cart_is_no_reason_to_ask_again() -> None:
    shopper = who_ordered().waits(2 * HOUR).fills_cart(cart_id="c2").waits(DAY)
    assert shopper.fired == ["unpaid"]


def test_the_last_look_sees_what_became_of_the_order() -> None:
    assert held(who_ordered()) is None
    for event, guard in (("order_paid", Guard.PAID), ("order_cancelled", Guard.ORDER_CANCELLED)):
        assert held(who_ordered().later(MINUTE).does(event, trusted=True, order={"id": "o1"})) is guard


def test_the_last_look_sees_that_something_was_ordered_since() -> None:
    assert held(who_ordered().later(MINUTE).orders("o2")) is Guard.BOUGHT


def test_an_order_that_nobody_knows_any_more_is_not_asked_for() -> None:
    assert held(who_ordered(), "o9") is Guard.ORDER_CANCELLED
