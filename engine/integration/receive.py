"""The part of an integration that takes what a shop's platform sends: webhooks.

Two steps, so that a body of which the sender is known can be kept when it cannot be read: :meth:`Receiver.admit` knows
the sender, :meth:`Receiver.read` understands. Neither asks anybody anything; both are the same tomorrow.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec

from engine.clock import Millis
from engine.ids import derived_uuid
from engine.integration.base import Integration
from engine.integration.settings import S

WireEvent = dict[str, object]
"""One event as ``docs/events.md`` has it: its type and sections, amounts in major units."""


@dataclass(frozen=True)
class RawRequest:
    """A request as it came. Header names in lower case, their values as HTTP has them (Latin-1).

    ``query`` has the first value of each name; ``query_string`` is all of it, as it stands in the address.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query_string: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of which the sender is known.

    ``id`` is the platform's own, "" where it has none. ``hints`` is what unsigned headers said beside the topic: never
    more than a hint. ``once`` is False for what may rightly come again with the very same bytes. ``signed_at`` is when
    the platform signed it, in milliseconds since the epoch, where the signature covers that.
    """

    topic: str
    body: bytes
    id: str = ""
    hints: dict[str, str] = {}
    once: bool = True
    signed_at: Millis = 0


class PrivacyRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the platform asks on behalf of a person (or, at its end, of the whole shop).

    ``refs`` names orders of somebody who is known by nothing else, as events name them. ``unless_merged``: erase nobody
    whose account with this ``customer_id`` went up in another one; they are customers still.
    """

    kind: Literal["export", "erase", "erase_shop"]
    email: str = ""
    customer_id: str = ""
    refs: tuple[str, ...] = ()
    reference: str = ""
    unless_merged: bool = False


class ShopSaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the platform says of the shop itself, where it says it: an IANA time zone, an ISO currency."""

    time_zone: str = ""
    currency: str = ""


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a delivery says. ``disconnected``: the platform has taken our access away.

    ``shop`` is compared with the rule file, and the difference told.

    ``look_ups`` is what has to be asked for because of it, in words of the integration's own: see
    :class:`~engine.integration.ask.Asker`.
    """

    events: tuple[WireEvent, ...] = ()
    requests: tuple[PrivacyRequest, ...] = ()
    look_ups: tuple[str, ...] = ()
    disconnected: bool = False
    shop: ShopSaid = ShopSaid()


class Receiver(Integration[S], ABC):
    """Takes a platform's webhooks, at ``POST /hooks/<name>/<shop>``."""

    topics: ClassVar[Mapping[str, str]] = {}
    """What it understands: by topic, what becomes of it."""
    largest_body: ClassVar[int] = 2 * 1024 * 1024
    signs_body: ClassVar[bool] = True
    """False where the platform signs no more than an id and a moment: then :meth:`read` says only where to look."""
    tries_for: ClassVar[Millis] = 0
    """For how long after ``signed_at`` the platform may still send it, 0 where that is not known; what is older is
    somebody's repeat."""

    @abstractmethod
    def admit(self, request: RawRequest) -> Delivery | None:
        """The delivery, when its signature is good; None for a knock that only wants to be answered.

        Raises BadSignature for everything else, whatever bytes stand in the headers.
        """

    @abstractmethod
    def read(self, delivery: Delivery) -> News:
        """What it says. Raises UnknownTopic, or Unreadable when the body is not what the topic promises.

        Only the body was signed: whatever a header said may be wrong.
        """


def is_signed(body: bytes, signature: str, *secrets: str, digest: Callable[[bytes], bytes] = base64.b64encode) -> bool:
    """Whether ``signature`` is the HMAC-SHA256 of ``body`` under one of the secrets, as ``digest`` writes it.

    Several secrets, so that one can replace another while the platform still signs with the old. Compared as bytes and
    in constant time; what is empty never fits.
    """
    told = signature.encode(errors="replace")
    right = [digest(hmac.new(secret.encode(), body, hashlib.sha256).digest()) for secret in secrets if secret]
    # All of them are looked at, so that the time taken tells nothing.
    return sum(hmac.compare_digest(each, told) for each in right) > 0


def fact(kind: str, *what: object, at: str | None = None, **sections: object) -> WireEvent:
    """An event about one fact: the same ``kind`` and ``what`` give the same id, however often and by whatever way it
    is told. Sections that are None are left out.
    """
    said = {name: value for name, value in sections.items() if value is not None}
    return {"id": derived_uuid(kind, *map(str, what)), "type": kind} | ({"at": at} if at else {}) | said
