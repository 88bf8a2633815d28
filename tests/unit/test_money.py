"""Money: whole minor units inside, decimals outside, and no amount that is none."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import money
from engine.errors import MoneyError

CURRENCIES = st.sampled_from(["JPY", "ISK", "EUR", "GBP", "USD", "KWD", "BHD"])


@given(st.integers(-money.LARGEST_MINOR, money.LARGEST_MINOR), CURRENCIES)
def test_an_amount_goes_out_and_comes_back_the_same(minor: int, currency: str) -> None:
    assert money.to_minor(money.to_major(minor, currency), currency) == minor


@given(st.decimals())
def test_whatever_is_said_is_an_amount_or_is_refused(said: Decimal) -> None:
    with suppress(MoneyError):
        assert abs(money.to_minor(said, "EUR")) <= money.LARGEST_MINOR


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [("6.95", "EUR", 695), ("6.950", "EUR", 695), ("695", "JPY", 695), ("0.695", "KWD", 695), ("-1", "EUR", -100)],
)
def test_each_currency_has_its_own_number_of_decimals(major: str, currency: str, minor: int) -> None:
    assert money.to_minor(Decimal(major), currency) == minor


@pytest.mark.parametrize(("major", "minor"), [("0.005", 0), ("0.015", 2), ("0.025", 2), ("1.999", 200)])
def test_half_a_cent_is_rounded_to_the_even_side(major: str, minor: int) -> None:
    assert money.to_minor(Decimal(major), "EUR") == minor


@pytest.mark.parametrize("said", ["NaN", "sNaN", "Infinity", "-Infinity", "1e14", "1e400", "1e999999", "9" * 60])
def test_what_no_cart_can_cost_is_refused(said: str) -> None:
    with pytest.raises(MoneyError):
        money.to_minor(Decimal(said), "EUR")


def test_an_amount_is_described_with_its_currency() -> None:
    assert money.describe(695, "EUR") == "6.95 EUR"
    assert money.describe(695, "JPY") == "695 JPY"
    assert money.describe(695, "KWD") == "0.695 KWD"
