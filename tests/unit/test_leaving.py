"""Why a cart was left: each reason with its evidence, and which goes first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.clock import DAY, MINUTE
from engine.leaving import REASONS, Reason, why_left
from engine.people import Device, Person
from engine.rules.verdicts import State
from tests.unit.rules.shoppers import INK, Shopper, at_the_checkout, check

CART = {"id": "c1", "lines": [{"sku": "INK-1", "product_id": "11", "quantity": 2, "price": "14.95"}]}
Story = Callable[[Shopper], object]


def left(*what: Story) -> Reason:
    """The reason of somebody with a cart to whom all this happened, one after the other."""
    shopper = Shopper().opens("product").tells("cart_updated", cart=CART)
    for happens in what:
        happens(shopper.later(MINUTE))
    return why_left(shopper.visitor, shopper.person, shopper.shop, shopper.at)


def event(kind: str, **fields: object) -> Story:
    return lambda shopper: shopper.tells(kind, **fields)  # type: ignore[arg-type] # the fields of the event


def page(kind: str, url: str = "https://shop.example/x") -> Story:
    return lambda shopper: shopper.opens(kind, url)


def total(amount: str, kind: str = "checkout_started") -> Story:
    return event(kind, cart=CART | {"total": amount})


def elsewhere(kind: str) -> Story:
    def links(shopper: Shopper) -> None:
        shopper.visitor.device = "mobile"
        shopper.person = Person("p1", devices=[Device(shopper.at, kind)])

    return links


CHECKOUT = event("checkout_started")
SHIPPING = event("shipping_shown", shipping={"price": "6.95"})
STORIES: list[tuple[str, str, list[Story]]] = [
    ("a payment failed", "payment_failed", [CHECKOUT, SHIPPING, event("payment_failed")]),
    ("a payment failed and was tried no more", "payment_failed", [event("coupon_rejected"), event("payment_failed")]),
    ("shipping cost more than was said", "unexpected_shipping", [CHECKOUT, SHIPPING]),
    (
        "shipping was told before",
        "unknown",
        [event("cart_updated", cart=CART | {"shipping_estimate": "6.95"}), CHECKOUT, SHIPPING],
    ),
    ("shipping was accepted", "unknown", [CHECKOUT, SHIPPING, event("checkout_step_completed", step="shipping")]),
    ("the checkout added a fee", "other_costs", [total("31.90")]),
    ("a later step added a fee", "other_costs", [CHECKOUT, total("31.90", "checkout_step_completed")]),
    ("the total grew by the shipping only", "unknown", [CHECKOUT, event("shipping_shown", shipping={"price": "2.00"}),
        total("31.90", "checkout_step_completed")]),
    ("a discount made it cheaper", "unknown", [total("25.00")]),
    ("a code was refused", "coupon_failed", [event("coupon_rejected")]),
    ("another code was taken", "unknown", [event("coupon_rejected"), event("coupon_applied")]),
    ("it sold out", "sold_out", [event("stock_changed", trusted=True, product={"sku": "INK-1", "stock": 0})]),
    ("something else sold out", "unknown", [event("product_viewed", product={"sku": "B", "stock": 0})]),
    (
        "the delivery takes a week",
        "delivery_too_slow",
        [CHECKOUT, event("shipping_shown", shipping={"price": "0", "days": 7})],
    ),
    (
        "the delivery takes two days",
        "unknown",
        [CHECKOUT, event("shipping_shown", shipping={"price": "0", "days": 2})],
    ),
    ("an account was asked for", "account_required", [CHECKOUT, event("checkout_step_viewed", step="login")]),
    ("they ended on the account page", "account_required", [CHECKOUT, page("account")]),
    (
        "they did log in",
        "unknown",
        [CHECKOUT, event("checkout_step_viewed", step="login"), event("identified", email="a@b.example")],
    ),
    ("a form was left half-way", "form_trouble", [CHECKOUT, event("form_abandoned")]),
    ("something typed was never sent", "form_trouble", [CHECKOUT, event("text_typed", length=12)]),
    ("a form was left outside the checkout", "unknown", [event("form_abandoned")]),
    (
        "two products were opened again and again",
        "comparing",
        [page("product", "/a"), page("product", "/b"), page("product", "/a"), page("product", "/b")],
    ),
    ("the phone was left for the desk", "switched_device", [elsewhere("desktop")]),
    ("the same kind of device", "unknown", [elsewhere("mobile")]),
    ("nothing stands out", "unknown", []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "story"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_why_a_cart_was_left(kind: str, story: list[Story]) -> None:
    reason = left(*story)
    assert reason.kind == kind
    assert bool(reason.evidence) is (kind != "unknown")


def test_every_reason_has_a_story() -> None:
    assert {kind for _, kind, _ in STORIES} == set(REASONS)


def test_the_most_specific_reason_goes_first() -> None:
    story = [
        page("product", "/a"), page("product", "/b"), page("product", "/a"), page("product", "/b"),
        event("coupon_rejected"), total("31.90"), SHIPPING,
    ]  # fmt: skip
    assert left(*story).kind == "unexpected_shipping"
    assert left(*story, event("checkout_step_completed", step="shipping")).kind == "other_costs"
    assert left(*story, event("payment_failed")).kind == "payment_failed"


def test_a_cost_is_told_with_its_amount() -> None:
    reason = left(CHECKOUT, SHIPPING)
    assert (reason.amount, reason.currency) == (695, "EUR")
    assert "6.95" in (reason.evidence or "")
    assert left(total("31.90")).amount == 200


def test_a_cart_kept_over_visits_needs_only_one_page_again() -> None:
    def comes_back(shopper: Shopper) -> None:
        shopper.later(DAY).opens("product", "/a").later(MINUTE).opens("product", "/a")

    assert left(comes_back).kind == "comparing"


def test_changing_the_cart_at_the_checkout_is_no_other_cost() -> None:
    more = {"id": "c1", "total": "44.85", "lines": [{"sku": "INK-1", "quantity": 3, "price": "14.95"}]}
    assert left(CHECKOUT, event("cart_updated", cart=more)).kind == "unknown"


def test_an_unpaid_order_is_left_for_its_payment() -> None:
    order = {"id": "o1", "cart_id": "c1", "total": "29.90", "paid": False}
    assert left(event("order_placed", order=order), event("payment_failed")).kind == "payment_failed"
    assert left(event("order_placed", order=order)).kind == "unknown"


def test_nobody_without_a_cart_left_one() -> None:
    shopper = Shopper().opens("product")
    assert why_left(shopper.visitor, None, shopper.shop, shopper.at) == Reason("unknown")


# --- as a condition ---------------------------------------------------------------------------------------------------


def test_a_rule_may_ask_for_a_reason() -> None:
    shopper = at_the_checkout(shipping=695)
    verdict = check("left_because: [coupon_failed, unexpected_shipping]", shopper)
    assert verdict.met
    assert str(verdict.seen).startswith("unexpected_shipping: ")
    assert check("left_because: coupon_failed", shopper).state is State.NOT_MET
    assert check("left_because: unknown", Shopper().fills_cart(INK)).met
    assert check("left_because: unknown", Shopper()).seen == "no cart"
