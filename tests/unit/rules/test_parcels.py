"""When a parcel arrives, and how a hint says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.clock import from_datetime
from engine.errors import RuleFileError
from engine.rules.facts import Facts
from engine.rules.phrases import fill, missing
from engine.visitors import Good, Visitor
from tests.unit.rules.shoppers import load_text

SHOP = """shop:
  languages: [nl, en]
  time_zone: Europe/Amsterdam
  delivery: {order_before: "16:00", leaves: mon-fri, arrives: tue-sat, closed: [2026-12-25, 2026-12-26], to: [NL, BE]}
rules: []
"""
TEXT = "Bestel vóór {order_before} en we bezorgen {delivery}."


def says(local: str, text: str = TEXT, language: str = "nl", *, visitor: Visitor | None = None) -> str:
    """The text at a moment on the shop's clock, which is an hour ahead of UTC in these months."""
    moment = datetime.fromisoformat(local).replace(tzinfo=UTC)
    facts = Facts(load_text(SHOP).shop, "v1", visitor or Visitor(), from_datetime(moment) - 3_600_000)
    assert missing(text, facts, language) is None
    return fill(text, facts, language).replace("\u202f", " ")


@pytest.mark.parametrize(
    ("local", "said"),
    [
        ("2026-11-24 15:59", "Bestel vóór 16:00 en we bezorgen morgen (woensdag 25 november)."),
        ("2026-11-24 16:00", "Bestel vóór morgen 16:00 en we bezorgen donderdag 26 november."),
        ("2026-11-27 10:00", "Bestel vóór 16:00 en we bezorgen morgen (zaterdag 28 november)."),
        ("2026-11-27 17:00", "Bestel vóór maandag 30 november 16:00 en we bezorgen dinsdag 1 december."),
        ("2026-12-24 10:00", "Bestel vóór 16:00 en we bezorgen dinsdag 29 december."),
        ("2026-12-24 17:00", "Bestel vóór maandag 28 december 16:00 en we bezorgen dinsdag 29 december."),
    ],
)
def test_it_names_the_day_and_until_when_that_holds(local: str, said: str) -> None:
    assert says(local) == said


def test_in_english_it_is_said_the_english_way() -> None:
    said = says("2026-11-24 12:00", "Order before {order_before}, and it arrives {delivery}.", "en")
    assert said == "Order before 4:00 PM, and it arrives tomorrow (Wednesday, November 25)."
    assert says("2026-11-24 12:00", "{delivery}", "it") == "mercoledì 25 novembre"


def test_the_same_day_is_today() -> None:
    shop = load_text(SHOP.replace("{order_before", "{takes: 0, order_before")).shop
    facts = Facts(shop, "v1", Visitor(), from_datetime(datetime(2026, 11, 24, 9, tzinfo=UTC)))
    assert fill("{delivery}", facts, "nl") == "vandaag (dinsdag 24 november)"


@pytest.mark.parametrize(
    "visitor",
    [Visitor(country="US"), Visitor(goods=[Good("A", "", seen_at=1, stock=0)])],
    ids=["who lives elsewhere", "who looks at something sold out"],
)
def test_no_day_is_promised_that_may_not_hold_to_those(visitor: Visitor) -> None:
    facts = Facts(load_text(SHOP).shop, "v1", visitor, from_datetime(datetime(2026, 11, 24, 9, tzinfo=UTC)))
    assert missing("{delivery}", facts, "nl") == "delivery"
    assert missing("{order_before}", facts, "nl") == "order_before"
    told = replace(facts, visitor=Visitor(country="BE"))
    assert missing("{delivery}", told, "nl") is None


def test_a_shop_that_says_nothing_or_never_opens_promises_nothing() -> None:
    at = from_datetime(datetime(2026, 11, 24, 9, tzinfo=UTC))
    silent = Facts(load_text("shop: {name: Ink}\nrules: []").shop, "v1", Visitor(), at)
    assert missing("{delivery}", silent, "nl") == "delivery"
    days = ", ".join(f"2026-{month:02}-{day:02}" for month in (11, 12) for day in range(1, 31))
    months = f"[{days}, 2026-12-31, {', '.join(f'2027-01-{day:02}' for day in range(1, 32))}]"
    closed = load_text(SHOP.replace("[2026-12-25, 2026-12-26]", months)).shop
    assert missing("{delivery}", replace(silent, shop=closed), "nl") == "delivery"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('order_before: "4 pm"', "this must be a time such as 16:00, not '4 pm'"),
        ('order_before: "24:00"', "this must be a time such as 16:00"),
        ('order_before: "16:00", closed: 2026-02-30', "this must be a day such as 2026-12-25"),
        ('order_before: "16:00", closed: 20261225', "this must be a day such as 2026-12-25"),
        ("takes: 1", "order_before"),
    ],
)
def test_what_is_written_wrongly_is_told(wrong: str, told: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        load_text(f"shop:\n  delivery: {{{wrong}}}\nrules: []\n")
    assert told in "\n".join(refused.value.problems)
