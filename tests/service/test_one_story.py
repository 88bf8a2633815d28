"""One checkout is told by the shop's page, by its platform's webhooks and by a poll.

In whatever order and however often that happens, what is known in the end is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Row

from engine.clock import MINUTE, to_iso
from engine.events import Cart
from engine.ids import stand_in_of
from engine.leaving import why_left
from engine.people import Person
from engine.pipeline import Accepted, Submission
from engine.rules.shop import Shop
from engine.store.unit import CARTS, ORDERS, PEOPLE, VISITORS
from engine.visitors import Basket, Visitor
from tests.builders import NOON, Hands, Premises, keep_time, read_event, rule_set

Json = dict[str, object]
LEFT = [
    "page estimates", "page fills", "page adds", "webhook began", "page at checkout", "webhook shipping", "poll",
    "page shipping", "page costs",
]  # fmt: skip
BOUGHT = [*LEFT, "webhook ordered", "webhook paid", "page thanks", "page thanks again", "poll order", "page empties"]
TWO_CARTS = ["first cart", "first shipping", "second cart", "shipping in dollars", "cart in dollars", "second step"]
HEAD = "shop: {name: Inkt, languages: [nl], currency: EUR}"
_numbers = count(1)


def line(sku: str, quantity: int, price: str) -> Json:
    return {"sku": sku, "quantity": quantity, "price": price}


TWO = [line("THEE-1", 2, "15.00")]
THREE = [*TWO, line("KOP-7", 1, "9.50")]


@dataclass
class Story:
    """One shopper's checkout under names of its own, so that one database holds many."""

    name: str

    @property
    def visitor(self) -> str:
        return f"visitor-{self.name}"

    @property
    def refs(self) -> list[str]:
        return [f"acme:checkout:checkout-token-{self.name}", f"acme:cart:cart-token-{self.name}"]

    def told(self, what: str) -> list[Accepted]:
        """One delivery or batch."""
        return [self._accepted(event) for event in getattr(self, "_" + what.replace(" ", "_"))()]

    def _accepted(self, event: Json) -> Accepted:
        at, trusted = NOON + int(str(event.pop("minute"))) * MINUTE, bool(event.pop("trusted", False))
        raw = {"id": f"{event['type']}-{self.name}-{event.pop('fact')}", "at": to_iso(at), "tab": "t1"} | event
        return Accepted(read_event(raw, trusted=trusted), msgspec.json.encode(raw).decode())

    def _page(self, minute: int, kind: str, fact: str = "", **fields: object) -> Json:
        return {"minute": minute, "type": kind, "fact": f"page-{fact or minute}", "visitor": self.visitor} | fields

    def _hook(self, minute: int, kind: str, fact: str = "", **fields: object) -> Json:
        own = {"minute": minute, "type": kind, "fact": fact, "trusted": True, "visitor": ""}
        return own | {"refs": self.refs} | fields

    def _cart(self, lines: list[Json], cart_id: str | None = None) -> Json:
        return {"id": cart_id and f"{cart_id}-{self.name}", "currency": "EUR", "lines": lines}

    # the page

    def _page_estimates(self) -> list[Json]:
        """Before there is any cart."""
        shipping: Json = {"price": "4.95", "currency": "EUR", "estimate": True}
        return [self._page(-1, "shipping_shown", shipping=shipping)]

    def _page_fills(self) -> list[Json]:
        return [self._page(0, "cart_updated", cart=self._cart(TWO))]

    def _page_adds(self) -> list[Json]:
        return [self._page(1, "cart_updated", cart=self._cart(THREE))]

    def _page_at_checkout(self) -> list[Json]:
        return [self._page(3, "checkout_started", cart=self._cart(THREE), refs=self.refs[:1])]

    def _page_shipping(self) -> list[Json]:
        shipping: Json = {"price": "5.95", "currency": "EUR"}
        return [self._page(6, "shipping_shown", cart=self._cart(THREE), shipping=shipping, refs=self.refs[:1])]

    def _page_costs(self) -> list[Json]:
        """The same goods cost more there, and not for shipping alone."""
        cart = self._cart(THREE) | {"total": "42.00"}
        return [self._page(7, "checkout_step_viewed", cart=cart, step="payment", refs=self.refs[:1])]

    def _page_thanks(self) -> list[Json]:
        return [self._page(9, "order_placed", order={"id": f"o-{self.name}"}, refs=self.refs[:1])]

    def _page_thanks_again(self) -> list[Json]:
        return [self._page(600, "order_placed", order={"id": f"o-{self.name}"}, refs=self.refs[:1])]

    def _page_empties(self) -> list[Json]:
        return [self._page(10, "cart_updated", cart=self._cart([]))]

    def _page_named(self) -> list[Json]:
        """An older telling that comes late, and is the first to say the cart's name."""
        return [self._page(0, "cart_updated", "named", cart=self._cart(TWO, "c"))]

    def _page_orders(self) -> list[Json]:
        order = {"id": f"o-{self.name}", "cart_id": f"c-{self.name}"}
        return [self._page(8, "order_placed", order=order, cart=self._cart(THREE, "c"), refs=self.refs[:1])]

    def _webhook_knows_the_order_alone(self) -> list[Json]:
        order = {"id": f"o-{self.name}", "total": "45.45", "currency": "EUR", "lines": THREE}
        ref = f"acme:order:number-{self.name}"
        return [self._hook(9, "order_placed", "alone", order=order, refs=[ref]) | {"visitor": self.visitor}]

    # two carts, one after the other

    def _first_cart(self) -> list[Json]:
        return [self._page(0, "cart_updated", cart=self._cart(TWO, "b"))]

    def _first_shipping(self) -> list[Json]:
        return [self._page(1, "shipping_shown", shipping={"price": "9.95", "currency": "EUR"})]

    def _second_cart(self) -> list[Json]:
        return [self._page(3, "cart_updated", cart=self._cart(THREE, "c"))]

    def _shipping_in_dollars(self) -> list[Json]:
        return [self._page(4, "shipping_shown", shipping={"price": "7.95", "currency": "USD"})]

    def _cart_in_dollars(self) -> list[Json]:
        return [self._page(6, "cart_updated", cart=self._cart(THREE, "c") | {"currency": "USD"})]

    def _second_step(self) -> list[Json]:
        return [self._page(5, "checkout_step_completed", step="contact")]

    # the platform

    def _webhook_began(self) -> list[Json]:
        cart, email = self._cart(THREE, "c"), f"{self.name}@shopper.example"
        return [
            self._hook(2, "checkout_started", cart=cart),
            self._hook(2, "cart_updated", "2", cart=cart),
            self._hook(2, "contact_given", email=email, customer_id=f"k-{self.name}"),
        ]

    def _webhook_shipping(self) -> list[Json]:
        shipping = {"price": "6.95", "currency": "EUR"}
        cart = self._hook(4, "cart_updated", "4", cart=self._cart(THREE, "c"))
        return [cart, self._hook(4, "shipping_shown", shipping=shipping)]

    def _poll(self) -> list[Json]:
        """The same facts by the same names, of a checkout that the API knows by its cart alone."""
        return [event | {"refs": self.refs[1:]} for event in [*self._webhook_began(), *self._webhook_shipping()]]

    def _order(self, *, paid: bool) -> Json:
        body = {"id": f"o-{self.name}", "total": "45.45", "currency": "EUR", "paid": paid, "lines": THREE}
        return self._hook(8, "order_placed", order=body | {"cart_id": f"c-{self.name}"})

    def _webhook_ordered(self) -> list[Json]:
        return [self._order(paid=False)]

    def _webhook_paid(self) -> list[Json]:
        return [self._order(paid=True), self._hook(20, "order_paid", order={"id": f"o-{self.name}"})]

    def _poll_order(self) -> list[Json]:
        return [event | {"refs": self.refs[1:]} for event in self._webhook_paid()]


class Known(NamedTuple):
    """What is known in the end, without the names that differ between stories."""

    cart: object
    orders: object
    closed: object
    left_because: object
    email: str
    people: int
    open_carts: list[object]
    order_rows: list[tuple[str, int, str]]
    with_stand_ins: list[str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    url = f"sqlite:///{tmp_path_factory.mktemp('story') / 'shopbell.db'}"
    with pytest.MonkeyPatch.context() as patch:
        hands = Hands(NOON + 1_000 * MINUTE)
        keep_time(patch, hands)
        opened = Premises(url, rule_set(head=HEAD), hands)
        yield opened
        opened.engine.dispose()


def known_after(house: Premises, tellings: list[str]) -> Known:
    story = Story(f"s{next(_numbers):05}")
    for what in tellings:
        house.committer.commit(Submission(house.shop, story.told(what)))
    return summed_up(house, story)


def summed_up(house: Premises, story: Story) -> Known:
    mine = [row for row in house.rows(VISITORS) if story.name in row.id or _stands_in(house, row.id, story)]
    states = {row.id: msgspec.msgpack.decode(row.state, type=Visitor) for row in mine}
    own, people = states.pop(story.visitor), {row.person for row in mine if row.person}
    person = [row for row in house.rows(PEOPLE) if row.id in people]
    email = msgspec.msgpack.decode(person[0].state, type=Person).email if person else ""
    carts = [row for row in house.rows(CARTS) if row.visitor in states or row.visitor == story.visitor]
    orders = [row for row in house.rows(ORDERS) if story.name in row.id]
    return Known(
        cart=_basket(own.basket, story),
        orders=[(own.orders, own.ordered_at), [(b.at, b.total, b.unpaid, b.currency) for b in own.bought]],
        closed=own.closed and (own.closed.ordered_at, own.closed.contents),
        left_because=why_left(own, None, Shop(), NOON + 1_000 * MINUTE),
        email=email.replace(story.name, "…"),
        people=len(person),
        open_carts=[_kept(row, story) for row in carts if row.status == "open"],
        order_rows=[(row.visitor.replace(story.name, "…"), row.total, row.currency) for row in orders],
        with_stand_ins=[name for name, state in states.items() if state.basket or state.bought or state.orders],
    )


def _stands_in(house: Premises, visitor: str, story: Story) -> bool:
    return visitor in {stand_in_of(house.shop.id, ref) for ref in story.refs}


def _basket(basket: Basket | None, story: Story) -> object:
    if basket is None:
        return None
    return msgspec.to_builtins(basket) | {"id": basket.id.replace(story.name, "…")}


def _kept(row: Row[Any], story: Story) -> object:
    """What a mail about the cart would show."""
    cart = msgspec.json.decode(row.body, type=Cart)
    lines = [(line.sku, line.quantity) for line in cart.lines]
    return row.id.replace(story.name, "…"), row.shipping_shown, lines, cart.currency


def tellings_of(what: list[str]) -> st.SearchStrategy[list[str]]:
    """All of it, in any order, some of it twice."""
    return st.lists(st.sampled_from(what), max_size=4).flatmap(lambda again: st.permutations([*what, *again]))


quietly = hypothesis_settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quietly
@given(tellings_of(LEFT))
@example(LEFT[::-1])
def test_a_cart_that_was_left_is_the_same_in_whatever_order_it_is_told(house: Premises, tellings: list[str]) -> None:
    assert known_after(house, tellings) == known_after(house, LEFT)


@quietly
@given(tellings_of(TWO_CARTS))
@example(TWO_CARTS[::-1])
def test_of_two_carts_each_keeps_its_own_shipping_in_whatever_order_they_are_told(
    house: Premises, tellings: list[str]
) -> None:
    assert known_after(house, tellings) == known_after(house, TWO_CARTS)


@quietly
@given(tellings_of(BOUGHT))
@example(BOUGHT[::-1])
def test_a_cart_that_was_ordered_is_over_in_whatever_order_that_is_told(house: Premises, tellings: list[str]) -> None:
    assert known_after(house, tellings) == known_after(house, BOUGHT)


def test_a_cart_that_is_named_by_an_older_telling_keeps_its_lines_for_the_mail(house: Premises) -> None:
    known = known_after(house, ["page adds", "page named"])
    assert known.open_carts == [("c-…", None, [("THEE-1", 2), ("KOP-7", 1)], "EUR")]


def test_an_order_that_is_told_without_its_cart_keeps_the_cart_it_has(house: Premises) -> None:
    story = Story(f"s{next(_numbers):05}")
    for what in ["page named", "page orders", "webhook knows the order alone"]:
        house.committer.commit(Submission(house.shop, story.told(what)))
    (row,) = (row for row in house.rows(ORDERS) if story.name in row.id)
    assert (row.cart, row.total) == (f"c-{story.name}", 4545)


def test_what_is_known_in_the_end(house: Premises) -> None:
    left = known_after(house, LEFT)
    assert isinstance(left.cart, dict)
    names = "id total stage shipping_first shipping_now opened_at shipping_expected total_before".split()
    shown = {name: left.cart[name] for name in names}
    assert shown == {
        "id": "c-…",
        "total": 4200,
        "stage": 3,
        "shipping_first": 695,
        "shipping_now": 595,
        "opened_at": NOON,
        "shipping_expected": 495,
        "total_before": 3950,
    }
    assert left.cart["progressed_at"] == NOON + 4 * MINUTE
    (kept,) = left.open_carts
    assert (left.email, left.people, kept) == (
        "…@shopper.example",
        1,
        ("c-…", 595, [("THEE-1", 2), ("KOP-7", 1)], "EUR"),
    )
    bought = known_after(house, BOUGHT)
    assert (bought.cart, bought.open_carts, bought.order_rows) == (None, [], [("visitor-…", 4545, "EUR")])
    assert bought.orders == [(1, NOON + 8 * MINUTE), [(NOON + 8 * MINUTE, 4545, False, "EUR")]]
