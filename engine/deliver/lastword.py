"""The last look, at the shop's platform: has this cart been ordered, this order been paid, which nobody told us yet?

A webhook may be late or lost. A mail about a cart or an unpaid order therefore waits for the platform's word, though
not for ever: a platform that says no to the question is not waited for at all, and one that does not answer for an hour
at most. After that the mail leaves on what is known here, and its record says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine

from engine import integration
from engine.clock import MINUTE, SECOND, Millis, machine_time, stopwatch
from engine.decisions import Guard
from engine.errors import CallError, SettingsError, StoreError, Throttled, Unreadable
from engine.http import Caller, InTime
from engine.integration import LAST_LOOK, BuyerLooker, Call, CartNow, Integration, Looker, OrderLooker, OrderNow
from engine.meter import metered
from engine.pipeline import ShopRules
from engine.rules.facts import Facts
from engine.rules.holds import Hold
from engine.rules.shop import Integration as Stated
from engine.said import noted
from engine.store import aliases
from engine.store.database import reading

AnyIntegration = Integration[Any]
Said = CartNow | OrderNow
Question = Callable[[Any, Call], Said | None]
"""Asks a platform, as its integration does, about one cart, one buyer or one order."""
LOOK_S = 5.0
"""How long all the answers to one look may take together; a relay's connection is not open meanwhile."""
REST_S = 30.0
"""How long a platform that did not answer is left alone."""
WAIT_S = max(3_600.0, machine_time(MINUTE) / SECOND)
"""For how long a platform may be silent before mails no longer wait for it; never shorter than a few looks take."""
_GUARDS: dict[Said, Guard] = {
    CartNow.ORDERED: Guard.BOUGHT,
    CartNow.MAILED: Guard.REMINDED,
    CartNow.GONE: Guard.CART_EMPTIED,
    OrderNow.PAID: Guard.PAID,
    OrderNow.CANCELLED: Guard.ORDER_CANCELLED,
}


@dataclass(frozen=True)
class Word:
    """What the platform ``by`` says of a cart or an order. None: nobody could be asked, or ``problem`` says why it did
    not say ``what``.

    ``wait_ms`` is for how long the mail should wait before it is asked again; 0 when it should not.
    """

    said: Said | None = None
    by: str = ""
    problem: str = ""
    wait_ms: Millis = 0
    what: str = ""

    @property
    def hold(self) -> Hold | None:
        """Why nothing must leave, if the platform gives a reason."""
        guard = _GUARDS.get(self.said) if self.said is not None else None
        return None if guard is None else Hold(guard, noted(f"says {self.by}"), settled=True)

    @property
    def remark(self) -> str:
        """For the record of a mail; "" when there is nothing to remark."""
        return f"{self.by} did not say whether it was {self.what}: {self.problem}" if self.problem else ""


@dataclass(frozen=True)
class _Silence:
    since: float
    until: float
    problem: str


class LastWord:
    """Asks shops' platforms; one for each worker process."""

    def __init__(self, engine: Engine, caller: Caller) -> None:
        self._engine = engine
        self._caller = caller
        self._made: dict[tuple[str, str], tuple[ShopRules, AnyIntegration]] = {}
        self._silent: dict[tuple[str, str], _Silence] = {}

    def ask(self, shop: ShopRules, facts: Facts, cart: str) -> Word:
        """What the platform says that knows this cart, or whom the mail is for. Raises StoreError."""
        with reading(self._engine) as connection:
            names = aliases.names_of(connection, shop.id, facts.visitor_id, cart)
        for stated in shop.rules.shop.integrations:
            question = _question(integration.find(stated.name), _own(stated.name, names), facts)
            if question is not None:
                return replace(self._ask(shop, stated, question), what="ordered")
        return Word()

    def ask_about_order(self, shop: ShopRules, refs: tuple[str, ...]) -> Word:
        """What the platform says that knows the order by these names. Raises StoreError."""
        for stated in shop.rules.shop.integrations:
            own = _own(stated.name, refs)
            if own and issubclass(integration.find(stated.name), OrderLooker):
                return replace(self._ask(shop, stated, _about_order(own)), what="paid")
        return Word()

    def _ask(self, shop: ShopRules, stated: Stated, question: Question) -> Word:
        known = self._silent.get((shop.id, stated.name))
        if known is not None and stopwatch() < known.until:
            return _unsaid(stated.name, known)
        try:
            looker = self._looker(shop, stated)
            call = metered(self._engine, looker, stated.name, LAST_LOOK, InTime(self._caller, LOOK_S))
            said = question(looker, call)
        except Throttled as error:
            return self._note_silence(shop, stated.name, "it wants to be left alone", error.wait_ms / SECOND)
        except (CallError, Unreadable) as error:
            if isinstance(error, CallError) and error.refused:
                return Word(None, stated.name, error.message)
            return self._note_silence(shop, stated.name, error.message, REST_S)
        except SettingsError as error:
            return Word(None, stated.name, str(error.message))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a platform answers, the mail's fate is ours to decide
            return self._note_silence(shop, stated.name, f"asking broke: {type(error).__name__}", REST_S)
        self._silent.pop((shop.id, stated.name), None)
        return Word(said, stated.name)

    def _looker(self, shop: ShopRules, stated: Stated) -> AnyIntegration:
        known = self._made.get((shop.id, stated.name))
        if known is None or known[0] is not shop:
            made = integration.create(stated.name, stated.settings, os.environ)
            known = self._made[shop.id, stated.name] = shop, made
        return known[1]

    def _note_silence(self, shop: ShopRules, name: str, problem: str, rest_s: float) -> Word:
        now, before = stopwatch(), self._silent.get((shop.id, name))
        silence = _Silence(before.since if before else now, now + rest_s, problem)
        self._silent[shop.id, name] = silence
        return _unsaid(name, silence)


def _own(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(ref for ref in names if ref.startswith(f"{name}:"))


def _question(kind: type[AnyIntegration], own: tuple[str, ...], facts: Facts) -> Question | None:
    """What such a platform can be asked about this cart; None: nothing."""
    if own and issubclass(kind, Looker):
        return lambda looker, call: looker.look(own, call)
    basket, person = facts.visitor.basket, facts.person
    if basket is None or person is None or not issubclass(kind, BuyerLooker):
        return None
    return lambda looker, call: looker.look_for(person.email, basket.progressed_at, call)


def _about_order(own: tuple[str, ...]) -> Question:
    return lambda looker, call: looker.look_at_order(own, call)


def _unsaid(name: str, silence: _Silence) -> Word:
    now = stopwatch()
    wait_s = max(1.0, silence.until - now) if now - silence.since < WAIT_S else 0.0
    return Word(None, name, silence.problem, round(wait_s * SECOND))
