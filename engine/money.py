"""Amounts: decimals in major units on the wire, whole minor units inside.

A currency has 0, 2 or 3 decimals (ISO 4217); the few that are not 2 are listed here.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from engine.errors import MoneyError
from engine.said import say

_WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
LARGEST_MINOR = 10**15
"""What a whole cart or order can come to."""
_LARGEST_EXPONENT = 15


def exponent(currency: str) -> int:
    """How many decimals the currency has: 0, 2 or 3."""
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """A decimal in major units as minor units: ``Decimal("6.95"), "EUR"`` is 695.

    Raises MoneyError for what is not finite or larger than any cart.
    """
    if not amount.is_finite():
        raise MoneyError(say("%(amount)s is not an amount", amount=str(amount)))
    # Looked at before any arithmetic: 1e999999 would overflow, and cost its time first.
    if amount.adjusted() > _LARGEST_EXPONENT:
        raise MoneyError(say("an amount of %(currency)s is larger than any cart", currency=currency))
    minor = int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN))
    if abs(minor) > LARGEST_MINOR:
        raise MoneyError(say("an amount of %(currency)s is larger than any cart", currency=currency))
    return minor


def to_major(minor: int, currency: str) -> Decimal:
    """Minor units as a decimal in major units: ``695, "EUR"`` is ``Decimal("6.95")``."""
    return Decimal(minor).scaleb(-exponent(currency))


def describe(minor: int, currency: str) -> str:
    """An amount for traces and logs (shoppers get Babel's): ``6.95 EUR``."""
    return f"{to_major(minor, currency)} {currency}"
