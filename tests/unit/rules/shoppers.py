"""A shopper whose visit is told in sentences, through real events; and rules from a few words of YAML."""

from __future__ import annotations

import textwrap
from itertools import count

import msgspec

from engine import visitors
from engine.clock import MINUTE, SECOND, Millis
from engine.events import Cart, Event, Line, Order, Page, Shipping, parse_event
from engine.people import Basis, Person
from engine.rules.conditions.base import BaseCondition
from engine.rules.facts import Facts, House, Presence
from engine.rules.loader import load
from engine.rules.logic import All
from engine.rules.model import Rule, RuleSet
from engine.rules.shop import Known, Option, Shop
from engine.rules.verdicts import Verdict
from engine.visitors import Visitor

NOON: Millis = 1_795_262_400_000  # 2026-11-21T12:00:00Z

INK = Line(sku="INK-1", product_id="11", category="Ink", brand="Epson", quantity=2, price=1495)
LAMP = Line(sku="LAMP", product_id="12", category="Lamps", brand="Noor", quantity=1, price=4900)

SERVICES = {
    "shopify": Known(
        (
            Option(
                "shop", "a web address such as https://shop.example/cart", False, True, "", lambda text: "." in text
            ),
            Option("client_secret", "signs every webhook", True, False, "env:SHOPIFY_CLIENT_SECRET", bool),
        )
    ),
    "smtp": Known(
        (
            Option("url", "where the relay is", False, False, "env:SMTP_URL", bool),
            Option("from", "the address mail is sent from", False, False, "", bool),
        ),
        carries_mail=True,
    ),
}
"""Two services as a rule file knows them; what they say of their settings is said elsewhere too, so in Dutch."""

_ids = count(1)


class Shopper:
    """Somebody in the shop since ``NOON``; ``at`` is their clock."""

    def __init__(self, watching: str = "", *, shop: Shop | None = None) -> None:
        self.visitor = Visitor()
        self.shop = shop or Shop()
        # What a condition wants remembered counts from when its rule goes live: before the visit begins.
        self.watches = watches_of(watching) if watching else {}
        self.person: Person | None = None
        self.house = House()
        self.at: Millis = NOON

    def later(self, ms: Millis) -> Shopper:
        self.at += ms
        return self

    def opens(self, page_type: str, url: str = "https://shop.example/page", *, tab: str = "t1") -> Shopper:
        return self._does("page_viewed", page=Page(url=url), page_type=page_type, tab=tab)

    def has_engaged(self, seconds: int) -> Shopper:
        """The page reports so much engaged time since it was opened."""
        return self._does("checked_in", engaged_ms=seconds * SECOND)

    def reads(self, page_type: str, seconds: int, url: str = "https://shop.example/page") -> Shopper:
        """Opens a page and looks at it for so long, as the page reports."""
        self.opens(page_type, url)
        return self.later(seconds * SECOND).has_engaged(seconds)

    def looks_away(self) -> Shopper:
        return self._does("page_hidden")

    def looks_back(self) -> Shopper:
        return self._does("page_shown")

    def fills_cart(
        self, *lines: Line, currency: str = "EUR", shipping_told: int | None = None, free_from: int | None = None
    ) -> Shopper:
        total = sum((line.price or 0) * line.quantity for line in lines)
        cart = Cart(id="c1", currency=currency, total=total, lines=lines)
        cart = msgspec.structs.replace(cart, shipping_estimate=shipping_told, free_shipping_from=free_from)
        return self._does("cart_updated", cart=cart)

    def sees_shipping(self, cents: int, *, estimate: bool = False) -> Shopper:
        return self._does("shipping_shown", shipping=Shipping(cents, "EUR", estimate=estimate))

    def orders(self) -> Shopper:
        return self._does("order_placed", order=Order(id="o1", cart_id="c1", total=2990))

    def does(self, event: str, *, step: str | None = None) -> Shopper:
        return self._does(event, step=step)

    def may_be_mailed(self) -> Shopper:
        self.person = Person(id="p1", email="sam@shopper.example", basis=Basis("consent", self.at))
        return self

    def finds_agents(
        self, online: int, free: int | None = None, department: str = "", *, until: Millis | None = None
    ) -> Shopper:
        self.house.agents[department] = Presence(online, free, self.at, waiting=0, until=until)
        return self

    def facts(self, *, after: Millis = 0) -> Facts:
        return Facts(self.shop, "v1", self.visitor, self.at + after, self.person, self.house)

    def tells(self, event: str, *, trusted: bool = False, page_type: str = "other", **fields: object) -> Shopper:
        """The event as it comes over the wire, with whatever fields it has."""
        number = next(_ids)
        raw = {"id": f"event-{number:08}", "seq": number, "type": event, "tab": "t1"} | fields
        read = parse_event(raw, received_at=self.at, skew_ms=0, currency="EUR", trusted=trusted)
        visitors.apply(self.visitor, read, page_type=page_type, watches=self.watches)
        return self

    def tells_again(self, times: int, event: str, *, every: Millis = SECOND, **fields: object) -> Shopper:
        for _ in range(times):
            self.later(every).tells(event, **fields)  # type: ignore[arg-type] # the fields of the event
        return self

    def _does(
        self,
        event: str,
        *,
        page: Page | None = None,
        page_type: str = "other",
        tab: str = "t1",
        engaged_ms: int | None = None,
        cart: Cart | None = None,
        shipping: Shipping | None = None,
        order: Order | None = None,
        step: str | None = None,
    ) -> Shopper:
        number = next(_ids)
        happened = Event(
            id=f"event-{number}",
            seq=number,
            type=event,
            at=self.at,
            tab=tab,
            page=page,
            engaged_ms=engaged_ms,
            cart=cart,
            shipping=shipping,
            order=order,
            step=step,
        )
        visitors.apply(self.visitor, happened, page_type=page_type, watches=self.watches)
        return self


def at_the_checkout(*, shipping: int, told: int | None = None) -> Shopper:
    """A cart of € 29.90 that was taken to the checkout, where the shipping cost showed."""
    shopper = Shopper().opens("cart").fills_cart(INK, shipping_told=told)
    shopper.later(MINUTE).does("checkout_started")
    return shopper.later(MINUTE).sees_shipping(shipping)


def clause(text: str) -> BaseCondition:
    """The condition a marketer writes as ``text``."""
    when = one_rule(f"when:\n  - {text}\nthen:\n  - email: cart-reminder").when
    assert isinstance(when, All)
    return when.of[0]


def watches_of(text: str) -> visitors.Watches:
    """What the condition wants remembered."""
    when = one_rule(f"when:\n  - {text}\nthen:\n  - email: cart-reminder").when
    found: dict[str, list[visitors.Watch]] = {}
    for watch in when.watches:
        found.setdefault(watch.event, []).append(watch)
    return found


def one_rule(text: str, *, before: str = "") -> Rule:
    """The rule with these settings; it is called ``helping-hand`` unless it says so."""
    name = "" if text.lstrip().startswith("name:") else "name: helping-hand\n"
    return load_text(f"{before}rules:\n  -\n{textwrap.indent(name + textwrap.dedent(text), '    ')}\n").rules[0]


def load_text(text: str) -> RuleSet:
    return load(text, known_integrations=SERVICES)


def check(text: str, shopper: Shopper, *, after: Millis = 0) -> Verdict:
    """What the condition says ``after`` so much more time, in full."""
    return clause(text).check(shopper.facts(after=after))
