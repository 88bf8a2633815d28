"""Texts with gaps in them: ``Only {gap} to free shipping`` is filled from what is known at that moment.

A gap is a word from a fixed list and nothing else: no expressions, no attributes, no formats. What is not known leaves
the whole text unsaid, because half a sentence is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency

from engine import money
from engine.clock import DAY
from engine.rules.facts import Facts
from engine.rules.fields import Fault, Reading, Text
from engine.rules.source import Node
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import Said, say

_GAP = re.compile(r"\{([^{}]+)\}")


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def _amount(minor: int, currency: str, language: str) -> str:
    return format_currency(money.to_major(minor, currency), currency, locale=_locale(language))


def _gap(facts: Facts, language: str) -> str | None:
    basket = facts.visitor.basket
    wanted = facts.free_shipping_in(basket.currency) if basket is not None else None
    if basket is None or wanted is None or basket.total >= wanted:
        return None
    return _amount(wanted - basket.total, basket.currency, language)


def _free_from(facts: Facts, language: str) -> str | None:
    known = facts.free_shipping_from
    return None if known is None else _amount(*known, language)


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
    latest = facts.good_seen_last
    # "Only 0 left" is no news for whoever wants one.
    return str(latest.stock) if latest is not None and latest.stock else None


def _chats(facts: Facts, language: str) -> str | None:
    tally = facts.visitor.tallies.get("chat_started")
    count = sum(facts.now - at <= 14 * DAY for at in tally.times) if tally else 0
    return str(count) if count else None


# --- when a parcel arrives --------------------------------------------------------------------------------------------

_DAYS = {
    "nl": ("vandaag", "morgen"),
    "en": ("today", "tomorrow"),
    "de": ("heute", "morgen"),
    "fr": ("aujourd’hui", "demain"),
}
"""The days that people call by no date."""


def _order_by(facts: Facts) -> datetime | None:
    """Until when the promise holds that is made now; None where no day may be promised."""
    delivery, latest = facts.shop.delivery, facts.good_seen_last
    country = facts.visitor.country or (facts.person.country if facts.person else "")
    if delivery is None or (country and delivery.to and country not in delivery.to):
        return None
    if latest is not None and latest.stock == 0:
        return None
    return delivery.order_by(facts.shop.local(facts.now))


def _order_before(facts: Facts, language: str) -> str | None:
    moment = _order_by(facts)
    if moment is None:
        return None
    hour = format_time(moment.time(), "short", locale=_locale(language))
    days = (moment.date() - facts.shop.local(facts.now).date()).days
    if not days:
        return hour
    known = _near(days, language)
    return f"{known or _day(moment.date(), language)} {hour}"


def _delivery(facts: Facts, language: str) -> str | None:
    moment, delivery = _order_by(facts), facts.shop.delivery
    arrives = delivery.arrives_on(moment.date()) if delivery and moment else None
    if arrives is None:
        return None
    near = _near((arrives - facts.shop.local(facts.now).date()).days, language)
    day = _day(arrives, language)
    return f"{near} ({day})" if near else day


def _near(days: int, language: str) -> str:
    names = _DAYS.get(language.split("-")[0], ())
    return names[days] if days < len(names) else ""


def _day(day: date, language: str) -> str:
    """The day in words and without its year: ``woensdag 25 november``."""
    locale = _locale(language)
    pattern = re.sub(r",? *y+ *", "", locale.date_formats["full"].pattern)
    return format_date(day, pattern, locale=locale)


GAPS: dict[str, tuple[Callable[[Facts, str], str | None], str]] = {
    "gap": (_gap, "what the cart is short of free shipping"),
    "free_shipping_from": (_free_from, "the cart value from which shipping is free"),
    "total": (_total, "the cart's value"),
    "items": (_items, "how many pieces are in the cart"),
    "shipping": (_shipping, "the shipping cost that was shown"),
    "stock": (_stock, "how many are left of the product that was looked at last"),
    "chats": (_chats, "how many chats the shopper began in the last 14 days"),
    "delivery": (_delivery, "the day on which an order placed now arrives, from the shop's `delivery`"),
    "order_before": (_order_before, "until when one must order for that, on the shop's clock"),
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
        for word in gaps_in(text):
            if word not in GAPS:
                raise Fault(
                    node,
                    say("'{%(word)s}' is not known here%(hint)s", word=shorten(word), hint=did_you_mean(word, GAPS)),
                )
        return text


def gaps_in(text: str) -> list[str]:
    """The words in its gaps."""
    return _GAP.findall(text)


def fill(text: str, facts: Facts, language: str) -> str:
    """The text with its gaps filled; a dash stands for what is not known (see :func:`missing`)."""
    return _GAP.sub(lambda match: GAPS[match[1]][0](facts, language) or "–", text)


def missing(text: str, facts: Facts, language: str) -> str | None:
    """The first gap for which nothing is known, or None."""
    return next((word for word in gaps_in(text) if GAPS[word][0](facts, language) is None), None)
