"""A platform's webhooks are made what they should be: each where it is missing, changed or left over, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.connect import Became, Step, address_of, connect, refusals
from engine.errors import CallError, Throttled
from engine.http import Answered
from engine.integration import Call, Settings, Subscriber, Subscription
from engine.settings import Settings as Environment

HERE = "https://bell.example/hooks/acme/main"
ORDERS = Subscription("orders/create", HERE, frozenset(["id", "email"]))
STOCK = Subscription("stock/update", HERE, filter="available:0")


class Acme(Subscriber[Settings]):
    """A platform in memory; ``says_no_to`` are topics it refuses."""

    title = "Acme"

    def __init__(self, *there: Subscription, says_no_to: tuple[str, ...] = ()) -> None:
        super().__init__(Settings())
        self.there = list(there)
        self.asked: list[str] = []
        self.says_no_to = says_no_to
        self.wants: tuple[Subscription, ...] = (ORDERS, STOCK)

    def wanted(self, address: str) -> tuple[Subscription, ...]:
        assert address == HERE
        return self.wants

    def standing(self, call: Call) -> tuple[Subscription, ...]:
        return tuple(self.there)

    def make(self, wanted: Subscription, call: Call) -> None:
        self._ask("make", wanted)
        self.there.append(replace(wanted, id=f"n{len(self.there)}"))

    def mend(self, standing: Subscription, wanted: Subscription, call: Call) -> None:
        self._ask("mend", wanted)
        self.there[self.there.index(standing)] = replace(wanted, id=standing.id)

    def remove(self, standing: Subscription, call: Call) -> None:
        self._ask("remove", standing)
        self.there.remove(standing)

    def _ask(self, what: str, about: Subscription) -> None:
        self.asked.append(f"{what} {about.topic}")
        if about.topic in self.says_no_to:
            raise CallError("no right to that", refused=True)


def nobody(method: str, url: str, headers: object, body: bytes = b"") -> Answered:
    raise AssertionError("the platform is in memory")


def seen_to(acme: Acme, *, change: bool = True) -> dict[str, str]:
    steps = connect(acme, HERE, nobody, change=change)
    return {step.topic: f"{step.became.value} {step.detail}".strip() for step in steps}


def test_what_is_missing_is_made_and_then_stands() -> None:
    acme = Acme()
    assert seen_to(acme) == {"orders/create": "made", "stock/update": "made"}
    assert seen_to(acme) == {"orders/create": "stands", "stock/update": "stands"}
    assert acme.asked == ["make orders/create", "make stock/update"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"active": False}, "it was switched off"),
        ({"fields": frozenset(["id"])}, "other fields"),
        ({"filter": "available:>0"}, "another filter"),
        ({"address": f"{HERE}?key=old"}, "another address"),
        ({"active": False, "fields": frozenset()}, "it was switched off, other fields"),
    ],
)
def test_what_differs_is_mended(changed: dict[str, object], why: str) -> None:
    acme = Acme(replace(ORDERS, id="1", **changed), replace(STOCK, id="2"))  # type: ignore[arg-type]
    assert seen_to(acme) == {"orders/create": f"mended {why}", "stock/update": "stands"}
    assert acme.there[0] == replace(ORDERS, id="1")


def test_what_is_ours_and_too_much_is_removed_and_what_is_somebody_elses_is_left_alone() -> None:
    elsewhere = replace(ORDERS, id="9", address="https://other.example/hooks/acme/main")
    another_shop = replace(ORDERS, id="8", address=f"{HERE}-outlet")
    gone, twice = Subscription("carts/old", HERE, id="7"), replace(ORDERS, id="6")
    acme = Acme(elsewhere, another_shop, gone, replace(ORDERS, id="1"), twice, replace(STOCK, id="2"))
    steps = connect(acme, HERE, nobody)
    assert [step.topic for step in steps if step.became is Became.REMOVED] == ["carts/old", "orders/create"]
    assert [item.id for item in acme.there] == ["9", "8", "1", "2"]


def test_who_only_looks_changes_nothing() -> None:
    acme = Acme(Subscription("carts/old", HERE, id="7"), replace(STOCK, id="2", active=False))
    assert seen_to(acme, change=False) == {
        "orders/create": "made",
        "stock/update": "mended it was switched off",
        "carts/old": "removed",
    }
    assert acme.asked == []


def test_a_no_to_one_keeps_no_other_from_being_made() -> None:
    acme = Acme(Subscription("carts/old", HERE, id="7"), says_no_to=("orders/create", "carts/old"))
    steps = connect(acme, HERE, nobody)
    assert steps[1] == Step("stock/update", Became.MADE)
    assert refusals(steps) == "orders/create: no right to that; carts/old: no right to that"


def test_where_there_is_no_answer_nothing_more_is_asked() -> None:
    class Away(Acme):
        def make(self, wanted: Subscription, call: Call) -> None:
            self.asked.append(wanted.topic)
            raise CallError("no answer")

    acme = Away()
    with pytest.raises(CallError):
        connect(acme, HERE, nobody)
    assert acme.asked == ["orders/create"]


def test_after_a_pause_it_goes_on_where_it_was() -> None:
    class Slow(Acme):
        patience = 1

        def make(self, wanted: Subscription, call: Call) -> None:
            if not self.patience:
                self.patience = 1
                raise Throttled(1_500)
            self.patience -= 1
            super().make(wanted, call)

    acme = Slow()
    with pytest.raises(Throttled):
        connect(acme, HERE, nobody)
    assert seen_to(acme) == {"orders/create": "stands", "stock/update": "made"}


def test_a_shop_whose_settings_do_not_let_it_ask_is_not_asked() -> None:
    class Mute(Acme):
        def standing(self, call: Call) -> tuple[Subscription, ...]:
            raise AssertionError("it cannot ask")

    acme = Mute()
    acme.wants = ()
    assert connect(acme, HERE, nobody) == ()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"PUBLIC_URL": "https://bell.example"}, HERE),
        ({"PUBLIC_URL": "http://bell.example"}, ""),
        ({}, ""),
        ({"SHOPBELL_STAND_IN": "http://127.0.0.1:4000"}, "http://127.0.0.1:8080/hooks/acme/main"),
    ],
)
def test_no_platform_is_told_to_deliver_to_where_it_cannot(
    environment: dict[str, str], address: str, tmp_path: Path
) -> None:
    settings = Environment.from_env(environment | {"DATA_DIR": str(tmp_path)})
    assert address_of(settings.hooks_url, "acme", "main") == address
