"""One delivery from claim to outcome, in the order that the promises need.

Claim → last look → connect, everything but the last byte → fence (committed intent) → the last byte → outcome.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from engine import identify, integration
from engine.clock import DAY, MINUTE, SECOND, Millis, machine_time
from engine.crashpoints import crash_point
from engine.decisions import Guard
from engine.deliver.lastword import LastWord, Word
from engine.deliver.look import Look, look_once_more
from engine.deliver.words import Envelope, context_of
from engine.errors import CallError, DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain, StoreError
from engine.holding import held_by_the_living
from engine.http import Caller
from engine.integration import MailSender
from engine.links import Links
from engine.live import LiveRules
from engine.mail import render
from engine.messages import (
    DeliveryState,
    MailOrder,
    OutgoingMail,
    WebhookOrder,
)
from engine.pipeline import ShopRules
from engine.recovery import FIRST_RETRY
from engine.rules.holds import Hold
from engine.rules.model import Rule
from engine.rules.shop import Shop
from engine.store import deliveries, looks
from engine.store.database import reading
from engine.store.deliveries import Claim
from engine.store.suppress import suppress

log = structlog.get_logger()
GIVE_UP_AFTER: Millis = 3 * DAY
"""A mail that no relay took for this long, or that breaks, is given up; a weekend without a relay loses nothing."""
INSIST_S = 60.0
"""How long a known outcome is tried to be written while the database is away."""
TRY_AGAIN = frozenset({408, 425, 429})
"""Answers of another system that are no refusal."""
SLOW_S = 5.0
REST_S = 30.0
"""A relay that kept a worker waiting gets no more of this shop's mails from it for a while; others have theirs."""


def backoff(attempt: int) -> Millis:
    """How long to wait after the given attempt: 5 s, 10 s, 20 s … at most half an hour."""
    doubled: Millis = FIRST_RETRY << min(attempt - 1, 10)
    return min(doubled, 30 * MINUTE)


@dataclass(frozen=True)
class Letterbox:
    """What a shop's mails go through: the carrier, and whom they come from."""

    sender: MailSender[Any]
    address: str


class Deliverer:
    """Brings deliveries; one for each worker process. ``platforms`` asks shops' platforms, ``caller`` whatever else."""

    def __init__(
        self,
        engine: Engine,
        live: LiveRules,
        links: Links,
        smtp_url: str | None,
        caller: Caller | None = None,
        platforms: Caller | None = None,
    ) -> None:
        self._engine = engine
        self._live = live
        self._links = links
        self._smtp_url = smtp_url
        self._caller = caller or Caller()
        self._last_word = LastWord(engine, platforms or self._caller)
        self._boxes: dict[str, tuple[Shop, Letterbox]] = {}
        self._rests_until: dict[str, float] = {}

    def deliver(self, delivery: str) -> DeliveryState | None:
        """Try once; None when there was nothing to do. What it becomes is written before this returns."""
        held = deliveries.claim(self._engine, delivery)
        if held is None:
            return None
        crash_point("after-claim")
        with held_by_the_living(lambda: deliveries.renew(self._engine, held), about=held.id):
            return self._try(held)

    def _try(self, held: Claim) -> DeliveryState:
        try:
            return self._bring(held)
        except DeliveryUncertain as error:
            return self._settle(held, DeliveryState.UNCERTAIN, error.message)
        except DeliveryRefused as error:
            state = self._settle(held, DeliveryState.FAILED, error.message)
            self._note_refusal(held, error)  # afterwards, because it cancels whatever else this person is owed
            return state
        except DeliveryError as error:
            return self._try_later(held, error.message)
        except StoreError:
            raise  # nothing can be written now; the lease runs out and the clock hints again
        except Exception as error:  # noqa: BLE001 - a mail that breaks something must not be tried without a pause
            return self._isolate(held, error)

    def _bring(self, held: Claim) -> DeliveryState:
        shop = self._live.shop(held.shop)
        if shop is None:
            return self._settle(held, DeliveryState.CANCELLED, "the shop is gone from the rule files")
        rest_s = self._rests_until.get(held.shop, 0.0) - time.monotonic()
        if rest_s > 0:
            deliveries.put_back(
                self._engine, held, machine_time(round(rest_s * SECOND)), "the relay did not answer in time just now"
            )
            return DeliveryState.SCHEDULED
        stopped = _is_silenced(shop.rules.by_name.get(held.rule))
        if stopped is not None:
            return self._hold(held, stopped)
        if held.kind == "webhook":
            return self._call(held)
        order = msgspec.json.decode(held.body, type=MailOrder)
        look = look_once_more(self._engine, held, shop.rules.shop, order)
        if isinstance(look, Hold):
            return self._hold(held, look)
        word = self._ask_platform(shop, look, order)
        if word.hold is not None:
            return self._hold(held, word.hold)
        if word.wait_ms:
            deliveries.put_back(self._engine, held, word.wait_ms, word.remark)
            return DeliveryState.SCHEDULED
        crash_point("after-last-look")
        mail = self._write(held, look, order)
        answer = self._send(held, mail, self._letterbox(look.facts.shop).sender)
        crash_point("after-dot")
        return self._settle(held, DeliveryState.SENT, f"{answer}; {word.remark}" if word.remark else answer)

    # --- the last look ------------------------------------------------------------------------------------------------

    def _ask_platform(self, shop: ShopRules, look: Look, order: MailOrder) -> Word:
        if look.order is not None:
            return self._last_word.ask_about_order(shop, look.order.refs)
        return self._last_word.ask(shop, look.facts, order.cart) if order.cart else Word()

    def _hold(self, held: Claim, hold: Hold) -> DeliveryState:
        if hold.retry_at is not None:
            deliveries.put_back(self._engine, held, hold.retry_at - held.now, hold.guard.value)
            return DeliveryState.SCHEDULED
        return self._settle(held, DeliveryState.CANCELLED, f"{hold.guard.value} {hold.detail}".strip())

    # --- writing and sending ------------------------------------------------------------------------------------------

    def _letterbox(self, shop: Shop) -> Letterbox:
        known = self._boxes.get(shop.id)
        if known is not None and known[0] is shop:
            return known[1]
        carrier = integration.mail_carrier(shop.integrations)
        environment = os.environ | ({"SMTP_URL": self._smtp_url} if self._smtp_url else {})
        sender = integration.create(carrier.name, carrier.settings, environment)
        assert isinstance(sender, MailSender)
        box = Letterbox(sender, sender.sender or f"{shop.name} <shop@shop.example>")
        self._boxes[shop.id] = (shop, box)
        return box

    def _write(self, held: Claim, look: Look, order: MailOrder) -> OutgoingMail:
        shop, person = look.facts.shop, look.person
        box = self._letterbox(shop)
        language = shop.speaks(person.language or look.facts.visitor.language)
        address = identify.hash_of(held.shop, person.email)
        unsubscribe_url = self._links.unsubscribe(held.shop, person.id, held.id, address)
        rendered = render(context_of(held, look, order, self._links, Envelope(language, unsubscribe_url, box.address)))
        return OutgoingMail(
            message_id=held.id,
            sender=box.address,
            recipient=person.email,
            recipient_name=person.name,
            reply_to=box.address,
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            language=language,
            unsubscribe_url=unsubscribe_url,
            date=held.now,
        )

    def _call(self, held: Claim) -> DeliveryState:
        """Tell another system; what it has taken it is not told again."""
        order = msgspec.json.decode(held.body, type=WebhookOrder)
        secret = os.environ.get(order.secret.removeprefix("env:"), "")
        if not secret:
            raise DeliveryDelayed(f"{order.secret} is not set, so nothing can be signed")
        try:
            answer = self._caller.post(order.url, bytes(order.message), sign(held, order, secret), self._fence_of(held))
        except CallError as error:
            kind = DeliveryRefused if error.refused else DeliveryUncertain if error.uncertain else DeliveryDelayed
            raise kind(error.message) from error
        crash_point("after-dot")
        if answer.status in TRY_AGAIN or answer.status >= 500:
            raise DeliveryDelayed(f"it answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise DeliveryRefused(f"it answered {answer.status}")
        return self._settle(held, DeliveryState.SENT, f"it answered {answer.status}")

    def _fence_of(self, held: Claim) -> Callable[[], bool]:
        return lambda: self._fence(held)

    def _send(self, held: Claim, mail: OutgoingMail, sender: MailSender[Any]) -> str:
        began = time.monotonic()
        try:
            return sender.send(mail, lambda: self._fence(held))
        except (DeliveryDelayed, DeliveryUncertain):
            if time.monotonic() - began >= SLOW_S:
                self._rests_until[held.shop] = time.monotonic() + REST_S
            raise

    def _fence(self, held: Claim) -> bool:
        crash_point("before-fence")
        try:
            passed = deliveries.pass_fence(self._engine, held)
        except StoreError as error:
            # Without a committed intent the last byte must not leave; the body so far is no message.
            raise DeliveryDelayed(error.message) from error
        crash_point("after-fence")
        return passed

    # --- outcomes -----------------------------------------------------------------------------------------------------

    def _settle(self, held: Claim, state: DeliveryState, result: str) -> DeliveryState:
        if _insist(lambda: deliveries.settle(self._engine, held, state, result)):
            log.info("delivery", delivery=held.id, shop=held.shop, state=state.value)
        return state

    def _try_later(self, held: Claim, reason: str) -> DeliveryState:
        if held.now - held.created_at >= GIVE_UP_AFTER:
            return self._settle(held, DeliveryState.FAILED, f"given up after {held.attempt} attempts: {reason}")
        _insist(lambda: deliveries.put_back(self._engine, held, backoff(held.attempt), reason))
        return DeliveryState.SCHEDULED

    def _isolate(self, held: Claim, error: Exception) -> DeliveryState:
        """Something unforeseen: tried again later, unless the last byte may have left."""
        # The text of an error may quote what a shopper typed.
        log.error("delivery isolated", delivery=held.id, shop=held.shop, error=type(error).__name__)
        reason = f"it could not be brought: {type(error).__name__}"
        too_old = held.now - held.created_at >= GIVE_UP_AFTER
        if too_old and _insist(lambda: deliveries.give_up(self._engine, held, reason)):
            return DeliveryState.FAILED
        if _insist(lambda: deliveries.put_back(self._engine, held, backoff(held.attempt), reason, refused=False)):
            return DeliveryState.SCHEDULED
        return self._settle(held, DeliveryState.UNCERTAIN, reason)

    def _note_refusal(self, held: Claim, error: DeliveryRefused) -> None:
        if not error.bad_address:
            return
        with reading(self._engine) as connection:
            seen = looks.visitor(connection, held.shop, held.visitor)
            person = looks.person(connection, held.shop, seen.person if seen else held.person)
        if person is not None:
            suppress(self._engine, held.shop, person.id, identify.hash_of(held.shop, person.email), "bounced")


def _is_silenced(rule: Rule | None) -> Hold | None:
    """A rule that was taken out, switched off or put in shadow brings nothing any more, also what it owes already."""
    if rule is None:
        return Hold(Guard.RULE_REMOVED, settled=True)
    if rule.off or rule.shadow:
        return Hold(Guard.SHADOW if rule.shadow else Guard.NOT_ACTIVE, settled=True)
    return None


def sign(held: Claim, order: WebhookOrder, secret: str) -> dict[str, str]:
    """The headers that prove where a webhook comes from, and tell a repeat."""
    seconds = str(held.now // SECOND)
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + bytes(order.message), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopbell",
        "Shopbell-Delivery": held.id,
        "Shopbell-Signature": f"t={seconds},v1={signed}",
    }


def _insist(write: Callable[[], bool]) -> bool:
    """What became of a mail is known once: a database that is away for a moment must not make it a guess."""
    give_up_at = time.monotonic() + INSIST_S
    while True:
        try:
            return write()
        except StoreError as error:
            if time.monotonic() >= give_up_at:
                raise
            log.warning("an outcome waits for the database", error=error.message)
            threading.Event().wait(0.5)
