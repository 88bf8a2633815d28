"""How a shop writes down when its parcels arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from engine.rules.fields import Kind, OneOrMore, Reading, text_of, unlike
from engine.rules.forms import Form, Setting
from engine.rules.numbers import Whole
from engine.rules.parcels import Delivery
from engine.rules.shop_fields import Country, Weekdays
from engine.rules.source import Node
from engine.said import Said, frame, say


@dataclass(frozen=True)
class TimeOfDay(Kind[int]):
    """A time of the day, as minutes since midnight."""

    what: Said = say("a time such as 16:00")

    def read(self, node: Node, reading: Reading) -> int:
        text = text_of(node, self.what)
        match = re.fullmatch(r"(\d|[01]\d|2[0-3]):([0-5]\d)", text, re.ASCII)
        if match is None:
            raise unlike(node, self.what, text)
        return int(match[1]) * 60 + int(match[2])


@dataclass(frozen=True)
class Day(Kind[date]):
    """A day of the calendar."""

    what: Said = say("a day such as 2026-12-25")

    def read(self, node: Node, reading: Reading) -> date:
        text = text_of(node, self.what)
        try:
            return date.fromisoformat(text if len(text) == len("2026-12-25") else "")
        except ValueError:
            raise unlike(node, self.what, text) from None


DELIVERY = Form(
    Delivery,
    (
        Setting("order_before", TimeOfDay(), "Ordered before this time, it leaves the same day.", required=True),
        Setting("takes", Whole(0, 30), "How many delivery days it is on its way.", shown_default="1"),
        Setting("leaves", Weekdays(), "The days on which parcels leave.", shown_default="mon-fri"),
        Setting("arrives", Weekdays(), "The days on which parcels are delivered.", shown_default="every day"),
        Setting("closed", OneOrMore(Day()), "Holidays: nothing leaves and nothing arrives."),
        Setting("to", OneOrMore(Country()), "The countries for which it holds; shoppers elsewhere are told no day."),
    ),
    frame("'delivery'"),
)
