"""A cart that is somebody else's is forgotten in the visitor's row, with all that was told of it."""

from __future__ import annotations

import msgspec
import pytest

from engine.clock import HOUR, MINUTE
from engine.rules.loader import load
from engine.visitors import Visitor, forget_orders
from tests.builders import NOON, Visit, line

NOBODY = load("rules: []\n")


def kept(visitor: Visitor) -> str:
    return msgspec.json.encode(visitor).decode()


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "open"])
def test_nothing_that_was_told_of_a_forgotten_cart_is_kept(ordered: bool) -> None:
    shopper = Visit(NOBODY, now=NOON).fills_cart(line("SECRET-1"), cart_id=None).later(MINUTE)
    shopper.fills_cart(line("SECRET-1"), line("SECRET-2"), cart_id="c-theirs").later(MINUTE).sees_shipping("6.95")
    if ordered:
        shopper.later(MINUTE).orders("o-theirs", cart_id="c-theirs")
    forget_orders(shopper.visitor, {"c-theirs", "o-theirs"})
    assert (shopper.visitor.basket, shopper.visitor.closed) == (None, None)
    assert "theirs" not in kept(shopper.visitor)
    assert "SECRET" not in kept(shopper.visitor)


def test_the_cart_of_whoever_sits_there_now_stays_as_it_is() -> None:
    shopper = (
        Visit(NOBODY, now=NOON).fills_cart(cart_id="c-theirs").later(MINUTE).orders("o-theirs", cart_id="c-theirs")
    )
    shopper.later(HOUR).fills_cart(line("PEN"), cart_id="c-own").later(MINUTE).sees_shipping("6.95")
    before = shopper.visitor.basket
    forget_orders(shopper.visitor, {"c-theirs", "o-theirs"})
    assert shopper.visitor.basket == before
    assert "theirs" not in kept(shopper.visitor)
