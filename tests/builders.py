"""What tests of the core and the pipeline are told with: a clock to move, events as they come in, rules from YAML."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from textwrap import dedent, indent
from time import monotonic
from typing import TypeVar

import msgspec
import pytest
from sqlalchemy import Engine, Row, Table, select

from engine import clock
from engine.clock import Millis
from engine.committer import Committer
from engine.decisions import Decision, Guard, Outcome, Result
from engine.events import Event, parse_event
from engine.people import Basis, Person
from engine.pipeline import Accepted, Answer, ShopRules, Submission, processing, server_visitor
from engine.rules.evaluate import evaluate
from engine.rules.facts import Facts, House, Presence
from engine.rules.loader import load
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.store import deliveries, looks, migrate, retention, rule_sets, suppress, timers
from engine.store.database import open_engine, reading
from engine.store.unit import DECISIONS, DELIVERIES
from engine.visitors import Visitor, apply
from tests.parts import DEADLINE_S

NOON: Millis = 1_795_262_400_000
"""Saturday 2026-11-21T12:00:00Z, one o'clock in Amsterdam."""
KB = "https://shop.example/help/ink"
ADDRESS = "anna@shopper.example"
_numbers = count(1)
T = TypeVar("T")


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, now: Millis = NOON) -> None:
        self.now = now

    def __call__(self) -> Millis:
        return self.now


# --- rules ------------------------------------------------------------------------------------------------------------

STUCK = """
name: stuck
when:
  - on_page: {type: knowledge_base, for: 45s}
then:
  - invite: Can I help?
"""
LEFT = """
name: left
when:
  - cart_abandoned: 1h
then:
  - email: cart-reminder
"""
SEQUENCE = """
name: sequence
when:
  - cart_abandoned: 1h
then:
  - email: shipping-surprise
  - wait: 1d
  - email: cart-reminder
until: [ordered, cart_emptied, unsubscribed, returned]
"""

SURPRISE = """
name: surprise
when:
  - cart_abandoned: {after: 1h, at: shipping}
  - unexpected_shipping: {at_least: 3.00, or_share: 8%}
then:
  - email: shipping-surprise
"""


def rule_set(*rules: str, head: str = "") -> RuleSet:
    """A rule file with these rules; ``head`` is what stands above them (shop, pages, limits).

    Without limits of its own it is given one that nobody reaches, instead of the usual ones.
    """
    above = dedent(head) if "limits:" in head else f"{dedent(head)}\nlimits: 100000 per 1d"
    entries = "".join("  - " + indent(dedent(rule).strip(), "    ").lstrip() + "\n" for rule in rules)
    return load(f"{above}\nrules:\n{entries}" if rules else f"{above}\nrules: []\n")


def with_lines(rule: str, *lines: str) -> str:
    """The same rule with more settings: ``with_lines(STUCK, "priority: 5")``."""
    return "\n".join([rule.strip(), *lines])


def named(rule: str, name: str) -> str:
    """The same rule under another name."""
    first, _, rest = rule.strip().partition("\n")
    assert first.startswith("name: ")
    return f"name: {name}\n{rest}"


# --- events -----------------------------------------------------------------------------------------------------------


def line(sku: str = "INK-1", quantity: int = 1, price: str = "24.95") -> dict[str, object]:
    return {"sku": sku, "quantity": quantity, "price": price}


def cart(*lines: dict[str, object], cart_id: str | None = "c1", **fields: object) -> dict[str, object]:
    """A cart as it comes over the wire; without lines it is an emptied one."""
    return {"id": cart_id, "currency": "EUR", "lines": list(lines)} | fields


def raw_event(kind: str, at: Millis, **fields: object) -> dict[str, object]:
    return {"id": f"event-{next(_numbers):08}", "type": kind, "at": clock.to_iso(at)} | fields


def read_event(raw: dict[str, object], *, trusted: bool = False, received_at: Millis | None = None) -> Event:
    """The event as a door reads it; received when it happened unless told otherwise."""
    at = str(raw["at"])
    received = received_at if received_at is not None else clock.from_datetime(datetime.fromisoformat(at))
    return parse_event(raw, received_at=received, skew_ms=0, currency="EUR", trusted=trusted)


def event(kind: str, at: Millis = NOON, *, trusted: bool = False, **fields: object) -> Event:
    return read_event(raw_event(kind, at, **fields), trusted=trusted)


# --- the core alone ---------------------------------------------------------------------------------------------------


class Visit:
    """One shopper, a clock and a rule set, as the house runs them: after every event the rules are asked."""

    def __init__(self, rules: RuleSet, *, now: Millis = NOON, name: str = "visitor-1") -> None:
        self.rules = rules
        self.page_types = PageTypes(rules.shop)
        self.now = now
        self.name = name
        self.visitor = Visitor()
        self.person: Person | None = None
        self.house = House()
        self.due_at: Millis | None = None
        self.decisions: list[Decision] = []
        self.last = Result()
        self._seqs = count(1)

    # what happens

    def later(self, ms: Millis) -> Visit:
        """Time passes and nobody looks."""
        self.now += ms
        return self

    def does(self, kind: str, *, ago: Millis = 0, trusted: bool = False, **fields: object) -> Visit:
        """It happens (``ago`` before now, when it arrives late) and the rules are asked."""
        return self.takes(self.now_happens(kind, fields, ago=ago, trusted=trusted))._asks(None)

    def now_happens(self, kind: str, fields: dict[str, object], *, ago: Millis = 0, trusted: bool = False) -> Event:
        told = {"tab": "t1", "seq": next(self._seqs)} | fields
        return read_event(raw_event(kind, self.now - ago) | told, trusted=trusted)

    def takes(self, happened: Event) -> Visit:
        page = happened.page
        page_type = self.page_types.type_of(page.url, page.type) if page else "other"
        apply(self.visitor, happened, page_type=page_type, watches=self.rules.watches)
        return self

    def is_looked_at(self) -> Visit:
        """A timer asks the rules, on time or late."""
        return self._asks(self.due_at)

    def _asks(self, due_at: Millis | None) -> Visit:
        self.last = evaluate(self.rules, self.facts, due_at=due_at)
        self.due_at = self.last.due_at
        self.decisions.extend(self.last.decisions)
        return self

    @property
    def facts(self) -> Facts:
        return Facts(self.rules.shop, self.name, self.visitor, self.now, self.person, self.house)

    def waits(self, ms: Millis) -> Visit:
        """Time passes with a punctual clock: every planned look is taken when it is due."""
        until = self.now + ms
        for _ in range(100):
            if self.due_at is None or self.due_at > until:
                break
            self.now = max(self.now, self.due_at)
            self.is_looked_at()
        else:
            raise AssertionError("the rules ask to be looked at again and again")
        self.now = until
        return self

    # in everyday words

    def opens(self, url: str = KB, **fields: object) -> Visit:
        return self.takes(self.now_happens("page_viewed", {"page": {"url": url}} | fields))._asks(None)

    def has_engaged(self, ms: Millis, url: str | None = None) -> Visit:
        """The page reports so much engaged time since it was opened."""
        fields: dict[str, object] = {"page": {"url": url}} if url else {}
        return self.takes(self.now_happens("checked_in", {"engaged_ms": ms} | fields))._asks(None)

    def reads(self, ms: Millis, url: str = KB) -> Visit:
        return self.opens(url).later(ms).has_engaged(ms, url)

    def fills_cart(
        self, *lines: dict[str, object], cart_id: str | None = "c1", shipping_estimate: str | None = None
    ) -> Visit:
        told = cart(*(lines or (line(),)), cart_id=cart_id, shipping_estimate=shipping_estimate)
        return self.does("cart_updated", cart=told)

    def empties_cart(self) -> Visit:
        return self.does("cart_updated", cart=cart())

    def sees_shipping(self, price: str, **fields: object) -> Visit:
        return self.does("shipping_shown", shipping={"price": price, "currency": "EUR"} | fields)

    def orders(self, order_id: str = "o1", **fields: object) -> Visit:
        return self.does("order_placed", order={"id": order_id, "cart_id": "c1"} | fields)

    def may_be_mailed(self, *, trusted: bool = True) -> Visit:
        """Somebody with an address and a recorded basis; told by the shop's server unless said otherwise."""
        basis = Basis("consent", self.now, "checkout", "Yes, mail me", trusted)
        self.person = Person("per-1", email=ADDRESS, basis=basis)
        self.visitor.vouched = trusted
        return self

    def finds_agents(self, online: int, free: int | None = None, *, until: Millis | None = None) -> Visit:
        self.house.agents[""] = Presence(online, free, self.now, until=until)
        return self

    # what came of it

    @property
    def fired(self) -> list[str]:
        """Names of the rules that fired, in order."""
        return [decision.rule for decision in self.decisions if decision.outcome is Outcome.FIRED]

    @property
    def silences(self) -> list[tuple[str, Guard | None]]:
        """Rules that were held, with their reason."""
        return [(decision.rule, decision.guard) for decision in self.decisions if decision.outcome is Outcome.HELD]

    @property
    def endings(self) -> list[tuple[str, str]]:
        """Rules that stopped on their way: (guard, detail)."""
        stopped = (decision for decision in self.decisions if decision.outcome is Outcome.STOPPED)
        return [(str(decision.guard), decision.detail) for decision in stopped]

    @property
    def invited(self) -> bool:
        return bool(self.visitor.offers)


# --- the pipeline over a database -------------------------------------------------------------------------------------


def keep_time(monkeypatch: pytest.MonkeyPatch, hands: Hands) -> None:
    """Have the database's own clock stand still too, wherever it is asked."""
    monkeypatch.setattr(processing, "commit_begins", lambda connection: hands())
    for module in (timers, deliveries, suppress, rule_sets, retention):
        monkeypatch.setattr(module, "database_now", lambda connection: hands())


class Premises:
    """A shop over a real database, by the clock it is given (see :func:`keep_time`)."""

    def __init__(self, url: str, rules: RuleSet, hands: Hands) -> None:
        migrate.upgrade(url)
        self.engine: Engine = open_engine(url)
        self.hands = hands
        self.committer = Committer(self.engine, hands)
        self.shop = ShopRules(rules, PageTypes(rules.shop))

    def use(self, rules: RuleSet) -> None:
        """The rule file changed."""
        self.shop = ShopRules(rules, PageTypes(rules.shop))

    # what comes in

    def later(self, ms: Millis) -> Premises:
        self.hands.now += ms
        return self

    def accept(
        self, kind: str, visitor: str = "v1", *, ago: Millis = 0, trusted: bool = False, **fields: object
    ) -> Accepted:
        """One event at the door, not committed yet."""
        return self._accept(kind, visitor, fields, ago, trusted)

    def _accept(self, kind: str, visitor: str, fields: dict[str, object], ago: Millis, trusted: bool) -> Accepted:
        raw = raw_event(kind, self.hands.now - ago) | {"tab": "t1", "visitor": visitor} | fields
        read = read_event(raw, trusted=trusted, received_at=self.hands.now)
        if not visitor and kind != "agents_changed":
            read = msgspec.structs.replace(read, visitor=server_visitor(self.shop.id, read))
        return Accepted(read, msgspec.json.encode(raw).decode())

    def submit(self, *accepted: Accepted) -> Answer:
        """One request; the answer is for the visitor of its first event."""
        answer_for = accepted[0].event.visitor if accepted and not accepted[0].event.trusted else None
        return self.committer.commit(Submission(self.shop, list(accepted), answer_for=answer_for or None))

    def post(self, kind: str, visitor: str = "v1", *, ago: Millis = 0, **fields: object) -> Answer:
        """One event in a request of its own, from a browser."""
        return self.submit(self._accept(kind, visitor, fields, ago, trusted=False))

    def hear(self, kind: str, visitor: str = "", *, ago: Millis = 0, **fields: object) -> Answer:
        """One event from the shop's server."""
        return self.submit(self._accept(kind, visitor, fields, ago, trusted=True))

    def look_at(self, *visitors: str) -> Answer:
        """A worker looks at them again, as a timer asked."""
        return self.committer.commit(Submission(self.shop, rechecks=list(visitors)))

    def gives_address(self, visitor: str = "v1", email: str = ADDRESS, *, trusted: bool = True) -> Answer:
        consent = {"email": True, "text": "Yes, mail me", "source": "checkout"}
        return self.submit(
            self.accept("contact_given", visitor, trusted=trusted, email=email, consent=consent),
        )

    def fills_cart(self, visitor: str = "v1", cart_id: str | None = "c1", *lines: dict[str, object]) -> Answer:
        return self.post("cart_updated", visitor, cart=cart(*(lines or (line(),)), cart_id=cart_id))

    # what is kept

    def rows(self, table: Table, **where: object) -> list[Row[tuple[object, ...]]]:
        with reading(self.engine) as connection:
            query = select(table).where(*(table.c[name] == value for name, value in where.items()))
            return list(connection.execute(query))

    def visitor(self, name: str = "v1") -> looks.SeenVisitor:
        with reading(self.engine) as connection:
            seen = looks.visitor(connection, self.shop.id, name)
        assert seen is not None
        return seen

    def person_of(self, visitor: str = "v1") -> Person:
        with reading(self.engine) as connection:
            person = looks.person(connection, self.shop.id, self.visitor(visitor).person)
        assert person is not None
        return person

    def decided(self, outcome: str = "fired") -> list[tuple[str, str]]:
        """(visitor, rule) of every decision with that outcome."""
        return sorted((row.visitor, row.rule) for row in self.rows(DECISIONS, outcome=outcome))

    def mails(self) -> list[tuple[str, str, str]]:
        """(visitor, state, result) of every mail that is owed or was."""
        return sorted((row.visitor, row.state, row.result) for row in self.rows(DELIVERIES, kind="email"))

    def close(self) -> None:
        self.engine.dispose()


def at_once(*works: Callable[[], T]) -> list[T]:
    """Run these in threads that begin together and give back what they gave; the first thing raised is raised here."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait(DEADLINE_S)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result(DEADLINE_S) for done in [threads.submit(run, work) for work in works]]


def wait_until(holds: Callable[[], bool], timeout_s: float = DEADLINE_S) -> None:
    """Return as soon as it holds; fail when it does not in time."""
    pause, give_up_at = threading.Event(), monotonic() + timeout_s
    while not holds():
        assert monotonic() < give_up_at, f"waited {timeout_s} s in vain"
        pause.wait(0.002)
