"""Texts with gaps in them: ``Only {gap} to free shipping`` is filled from what is known at that moment.

A gap is a word from a fixed list and nothing else: no expressions, no attributes, no formats. What is not known leaves
the whole text unsaid, because half a sentence is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from engine import money
from engine.rules.facts import Facts
from engine.rules.fields import Fault, Reading, Text, did_you_mean, shorten
from engine.rules.source import Node
from engine.said import Said, say

_GAP = re.compile(r"\{([^{}]+)\}")


def _amount(minor: int, currency: str, language: str) -> str:
    try:
        locale = Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        locale = Locale("en")
    return format_currency(money.to_major(minor, currency), currency, locale=locale)


def _gap(facts: Facts, language: str) -> str | None:
    basket, wanted = facts.visitor.basket, facts.shop.free_shipping_from
    if basket is None or wanted is None or basket.currency != facts.shop.currency or basket.total >= wanted:
        return None
    return _amount(wanted - basket.total, basket.currency, language)


def _free_from(facts: Facts, language: str) -> str | None:
    wanted = facts.shop.free_shipping_from
    return None if wanted is None else _amount(wanted, facts.shop.currency, language)


def _total(facts: Facts, language: str) -> str | None:
    basket = facts.visitor.basket
    return None if basket is None else _amount(basket.total, basket.currency, language)


def _items(facts: Facts, language: str) -> str | None:
    basket = facts.visitor.basket
    return None if basket is None else str(sum(item.quantity for item in basket.items))


def _shipping(facts: Facts, language: str) -> str | None:
    basket = facts.visitor.basket
    price = None if basket is None else basket.shipping_now
    return None if basket is None or price is None else _amount(price, basket.currency, language)


def _hours(facts: Facts, language: str) -> str | None:
    return facts.shop.office_hours.describe(language) if facts.shop.office_hours else None


def _stock(facts: Facts, language: str) -> str | None:
    latest = max((good for good in facts.visitor.goods if good.seen_at), key=lambda good: good.seen_at, default=None)
    # "Only 0 left" is no news for whoever wants one.
    return str(latest.stock) if latest is not None and latest.stock else None


GAPS: dict[str, tuple[Callable[[Facts, str], str | None], str]] = {
    "gap": (_gap, "what the cart is short of free shipping"),
    "free_shipping_from": (_free_from, "the cart value from which shipping is free"),
    "total": (_total, "the cart's value"),
    "items": (_items, "how many pieces are in the cart"),
    "shipping": (_shipping, "the shipping cost that was shown"),
    "stock": (_stock, "how many are left of the product that was looked at last"),
    "shop": (lambda facts, language: facts.shop.name, "the shop's name"),
    "phone": (lambda facts, language: facts.shop.phone or None, "the shop's phone number"),
    "office_hours": (_hours, "the shop's opening hours"),
}
"""Every word that may stand in braces: how it is found (None when it is not known), and what it is."""


@dataclass(frozen=True)
class Phrase(Text):
    """A text with gaps."""

    what: Said = say("text")

    def read(self, node: Node, reading: Reading) -> str:
        text = super().read(node, reading)
        for word in _GAP.findall(text):
            if word not in GAPS:
                raise Fault(
                    node,
                    say("'{%(word)s}' is not known here%(hint)s", word=shorten(word), hint=did_you_mean(word, GAPS)),
                )
        return text


def fill(text: str, facts: Facts, language: str) -> str:
    """The text with its gaps filled; a dash stands for what is not known (see :func:`missing`)."""
    return _GAP.sub(lambda match: GAPS[match[1]][0](facts, language) or "–", text)


def missing(text: str, facts: Facts, language: str) -> str | None:
    """The first gap for which nothing is known, or None."""
    return next((word for word in _GAP.findall(text) if GAPS[word][0](facts, language) is None), None)
