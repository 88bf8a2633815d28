"""What a shop's platform tells, taken in: its events through the one path, each delivery once; requests carried out.

The webhook door, `shopbell quarantine replay` and whoever asks a platform by itself all come through here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from engine import identify, integration
from engine.clock import Clock, Millis, wall_clock
from engine.committer import Committer
from engine.errors import InvalidEvent, StoreError, UnknownTopic, Unreadable
from engine.events import parse_event
from engine.ids import derived_uuid
from engine.integration import Delivery, Integration, News, PrivacyRequest, Receiver, ShopSaid, WireEvent
from engine.pipeline import Accepted, ShopRules, Submission, server_visitor
from engine.stitch import named_visitor
from engine.store import errands, privacy_requests, quarantine
from engine.store.database import reading
from engine.store.receipts import Receipt, known, receipt

log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_OF_THE_HOUSE = frozenset(["agents_changed", "stock_changed", "app_uninstalled"])
"""What concerns the shop itself, and nobody in it."""


class Outcome(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN_TOPIC = "unknown_topic"
    QUARANTINED = "quarantined"
    STALE = "stale"
    OUTDATED = "outdated"
    """Somebody was forgotten since the platform was asked for it: not taken in, to be asked for again."""


@dataclass(frozen=True)
class Taken:
    """What became of a delivery; ``hints`` are messages that are owed now because of it."""

    outcome: Outcome
    events: int = 0
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Platform:
    """A shop's platform: the shop, and the integration through which it speaks."""

    shop: ShopRules
    name: str
    integration: Integration[Any]

    @property
    def receiver(self) -> Receiver[Any]:
        assert isinstance(self.integration, Receiver)
        return self.integration


class Intake:
    """Takes in what platforms tell; one for each process."""

    def __init__(self, engine: Engine, committer: Committer, clock: Clock = wall_clock) -> None:
        self.engine = engine
        self._clock = clock
        self._committer = committer
        self._opened: dict[tuple[str, str], tuple[ShopRules, Platform | None]] = {}

    def platform(self, shop: ShopRules, name: str) -> Platform | None:
        """As :func:`open_platform`; remembered for as long as the shop's rules stay the same."""
        known = self._opened.get((shop.id, name))
        if known is None or known[0] is not shop:
            known = self._opened[shop.id, name] = shop, open_platform(shop, name)
        return known[1]

    def erasures(self, shop: str) -> int:
        """How often the shop has forgotten somebody; to be asked before a platform is, and told with its answer."""
        with reading(self.engine) as connection:
            return privacy_requests.erasures(connection, shop)

    def take(self, platform: Platform, delivery: Delivery, *, keep: bool = True, erasures: int | None = None) -> Taken:
        """Take a delivery in. Raises StoreError when nothing of it could be kept now.

        What can never be read or kept is put into quarantine, or raises Unreadable when ``keep`` is False.
        """
        if keep and self._is_stale(platform, delivery):
            return Taken(Outcome.STALE)
        try:
            return self._understand(platform, delivery, erasures)
        except UnknownTopic:
            return Taken(Outcome.UNKNOWN_TOPIC)
        except Unreadable as error:
            if not keep:
                raise
            signed = platform.receiver.signs_body
            name = quarantine.keep(self.engine, platform.shop.id, platform.name, delivery, error.message, signed=signed)
            log.error("delivery quarantined", id=name, integration=platform.name, topic=delivery.topic[:100])
            return Taken(Outcome.QUARANTINED)

    def _is_stale(self, platform: Platform, delivery: Delivery) -> bool:
        """Whether the platform itself would not send it any more: a signature that covers no body is good for ever."""
        tries_for = platform.receiver.tries_for
        return bool(tries_for and delivery.signed_at) and self._clock() - delivery.signed_at > tries_for

    def _understand(self, platform: Platform, delivery: Delivery, erasures: int | None) -> Taken:
        news = _read(platform, delivery)
        events = [_accepted(platform, event, self._clock()) for event in news.events]
        try:
            return self._take_in(platform, delivery, news, events, erasures)
        except StoreError as error:
            if not error.permanent:
                raise
            raise Unreadable("something in it is a value that no database keeps") from error

    def take_news(self, platform: Platform, news: News, *, erasures: int | None = None) -> Taken:
        """Take in what a platform was asked for. Raises Unreadable, and StoreError when nothing could be kept now."""
        events = [_accepted(platform, event, self._clock()) for event in news.events]
        return self._take_in(platform, None, news, events, erasures)

    def _take_in(
        self,
        platform: Platform,
        delivery: Delivery | None,
        news: News,
        events: list[Accepted],
        erasures: int | None,
    ) -> Taken:
        once = _receipt(platform, delivery, by_content=bool(events))
        if not events and once is not None and self._is_known(platform, once):
            return Taken(Outcome.DUPLICATE)
        # Before the receipt: what has to be done because of it may be done twice, but must not be forgotten.
        for request in news.requests:
            self._carry_out(platform, request)
        if news.look_ups:
            errands.plan(self.engine, platform.shop.id, platform.name, news.look_ups, again=True)
        if news.disconnected:
            log.warning("the platform disconnected the shop", shop=platform.shop.id, integration=platform.name)
        if differs := _difference(platform, news.shop):
            shop, name = platform.shop.id, platform.name
            log.warning("the platform says otherwise than the rule file", shop=shop, integration=name, differs=differs)
        if not events and (once is None or not news.look_ups):
            return Taken(Outcome.ACCEPTED)
        answer = self._committer.commit(Submission(platform.shop, events, receipt=once, erasures=erasures))
        if answer.outdated:
            return Taken(Outcome.OUTDATED)
        outcome = Outcome.DUPLICATE if events and answer.repeated else Outcome.ACCEPTED
        return Taken(outcome, answer.accepted, tuple(answer.hints))

    def _is_known(self, platform: Platform, once: Receipt) -> bool:
        with reading(self.engine) as connection:
            return known(connection, platform.shop.id, once)

    def _carry_out(self, platform: Platform, request: PrivacyRequest) -> None:
        shop = platform.shop.id
        named = [("email", request.email), ("customer", request.customer_id)]
        hashed = [(kind, identify.hash_of(shop, value)) for kind, value in named if value]
        done = privacy_requests.carry_out(self.engine, shop, platform.name, request, hashed)
        log.warning("a platform asked for a person's rights", shop=shop, kind=request.kind, request=done.id)


def _receipt(platform: Platform, delivery: Delivery | None, *, by_content: bool) -> Receipt | None:
    """By what a repeat is known; where to look may rightly be told again in the same words, there its id counts."""
    if delivery is None or not delivery.once or not (by_content or delivery.id):
        return None
    return receipt(platform.name, delivery.topic, delivery.id, delivery.body if by_content else None)


def _difference(platform: Platform, said: ShopSaid) -> str:
    """What the platform says otherwise of the shop than its rule file; "" for nothing."""
    own = platform.shop.rules.shop
    pairs = (("time_zone", own.zone.key, said.time_zone), ("currency", own.currency, said.currency))
    return ", ".join(f"{name}: {theirs} there, {ours} here" for name, ours, theirs in pairs if theirs not in ("", ours))


def open_platform(shop: ShopRules, name: str) -> Platform | None:
    """The shop's integration of that name, ready to receive; None when the shop has none that receives.

    Raises SettingsError when its secrets are not there.
    """
    stated = next((entry for entry in shop.rules.shop.integrations if entry.name == name), None)
    if stated is None or not issubclass(integration.find(name), Receiver):
        return None
    made = integration.create(name, stated.settings, os.environ)
    assert isinstance(made, Receiver)
    return Platform(shop, name, made)


def require_secrets(shop: ShopRules) -> None:
    """Raises SettingsError when a platform of this shop could not be recognised: its secret is missing or empty."""
    for entry in shop.rules.shop.integrations:
        open_platform(shop, entry.name)


def _read(platform: Platform, delivery: Delivery) -> News:
    try:
        return platform.receiver.read(delivery)
    except (UnknownTopic, Unreadable):
        raise
    except Exception as error:  # noqa: BLE001 - whatever bytes break, they are kept and the platform is answered
        # What an exception says may quote a shopper; its kind is enough to find it with the bytes at hand.
        raise Unreadable(f"reading it broke: {type(error).__name__}") from None


def _accepted(platform: Platform, wire: WireEvent, received_at: Millis) -> Accepted:
    shop = platform.shop
    whole = {"id": derived_uuid(platform.name, shop.id, _encode(wire).decode())} | wire
    whole["visitor"] = named_visitor(whole.get("visitor"))
    try:
        event = parse_event(whole, received_at=received_at, skew_ms=0, currency=shop.rules.shop.currency, trusted=True)
    except InvalidEvent as error:
        raise Unreadable(f"{wire.get('type')}: {error.field or 'it'} {error.message.partition(', got')[0]}") from None
    if not event.visitor and not event.refs and event.type not in _OF_THE_HOUSE:
        event = msgspec.structs.replace(event, visitor=server_visitor(shop.id, event))
        if not event.visitor:
            raise Unreadable(f"{event.type}: it names nobody")
    kept = {name: value for name, value in whole.items() if name != "visitor"}
    return Accepted(event, _encode(kept).decode())
