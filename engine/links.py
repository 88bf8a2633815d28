"""Signed links in mails: what they allow stands inside the signature, and nobody's address stands anywhere.

Each kind of link has its own salt, so that a link made for one purpose opens nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from engine.clock import DAY, SECOND, Clock, from_datetime, wall_clock
from engine.errors import LinkError, SettingsError

RESTORE_LIFETIME: Final = 30 * DAY
SURVEY_LIFETIME: Final = 90 * DAY
_LONGEST_TOKEN: Final = 1_500


class RestoreClaim(msgspec.Struct, frozen=True, array_like=True):
    """What the holder of a restore link may do: see this cart, and have it back."""

    shop: str
    cart_id: str
    delivery_id: str


class UnsubscribeClaim(msgspec.Struct, frozen=True, array_like=True):
    """What the holder of an unsubscribe link may do: stop this person's mails of this shop.

    ``address`` is the hash under which their address is looked up: the link holds when they were forgotten, too, and
    their shop tells of them anew. "" in links of before.
    """

    shop: str
    person_id: str
    delivery_id: str
    address: str = ""


class SurveyClaim(msgspec.Struct, frozen=True, array_like=True):
    """What the holder of a survey link may do: answer this one question, once."""

    shop: str
    visitor_id: str
    delivery_id: str


Claim = RestoreClaim | UnsubscribeClaim | SurveyClaim
_Claim = TypeVar("_Claim", RestoreClaim, UnsubscribeClaim, SurveyClaim)


class Links:
    """Makes and reads the links. ``secret_key`` may be ``new,old`` while a key is being replaced: the first signs."""

    def __init__(self, secret_key: str, public_url: str, clock: Clock = wall_clock) -> None:
        keys = [key.strip() for key in secret_key.split(",")]
        if not all(keys):
            raise SettingsError("SECRET_KEY is empty, or one of its parts is")
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._restore = _serializer(keys, "restore", clock)
        self._unsubscribe = _serializer(keys, "unsubscribe", clock)
        self._survey = _serializer(keys, "survey", clock)

    def restore(self, shop: str, cart_id: str, delivery_id: str) -> str:
        """The absolute address ``/c/<token>`` that brings a cart back, for 30 days."""
        return f"{self._public_url}/c/{_sign(self._restore, RestoreClaim(shop, cart_id, delivery_id))}"

    def unsubscribe(self, shop: str, person_id: str, delivery_id: str, address: str = "") -> str:
        """The absolute address ``/u/<token>`` that stops a person's mails; it never expires.

        ``address`` is the hash of theirs.
        """
        claim = UnsubscribeClaim(shop, person_id, delivery_id, address)
        return f"{self._public_url}/u/{_sign(self._unsubscribe, claim)}"

    def survey(self, shop: str, visitor_id: str, delivery_id: str) -> str:
        """The absolute address ``/s/<token>`` of a survey, without the answer, for 90 days."""
        return f"{self._public_url}/s/{_sign(self._survey, SurveyClaim(shop, visitor_id, delivery_id))}"

    def read_survey(self, token: str) -> SurveyClaim:
        """Raises LinkError, ``expired`` after 90 days."""
        claim, signed_at = _read(self._survey, token, SurveyClaim)
        if self._clock() - signed_at > SURVEY_LIFETIME:
            raise LinkError("this link is older than 90 days", expired=True)
        return claim

    def read_restore(self, token: str) -> RestoreClaim:
        """Raises LinkError, ``expired`` after 30 days."""
        claim, signed_at = _read(self._restore, token, RestoreClaim)
        # Not itsdangerous' max_age: that takes a link from a host whose clock is ahead for an expired one.
        if self._clock() - signed_at > RESTORE_LIFETIME:
            raise LinkError("this link is older than 30 days", expired=True)
        return claim

    def read_unsubscribe(self, token: str) -> UnsubscribeClaim:
        """Raises LinkError for a link that is not ours."""
        return _read(self._unsubscribe, token, UnsubscribeClaim)[0]


class _Signer(TimestampSigner):
    """Signs with the house's clock instead of the machine's."""

    def __init__(
        self,
        secret_key: str | bytes | Iterable[str] | Iterable[bytes],
        salt: str | bytes,
        key_derivation: str,
        digest_method: object,
        clock: Clock,
    ) -> None:
        super().__init__(secret_key, salt, key_derivation=key_derivation, digest_method=digest_method)
        self._clock = clock

    def get_timestamp(self) -> int:
        return self._clock() // SECOND


def _serializer(keys: list[str], purpose: str, clock: Clock) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        keys[::-1],  # itsdangerous signs with the last
        salt=f"shopbell.link.{purpose}",
        signer=_Signer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256, "clock": clock},
    )


def _sign(serializer: URLSafeTimedSerializer, claim: Claim) -> str:
    return str(serializer.dumps(msgspec.to_builtins(claim)))


def _read(serializer: URLSafeTimedSerializer, token: str, kind: type[_Claim]) -> tuple[_Claim, int]:
    if len(token) > _LONGEST_TOKEN:
        raise LinkError("this link is not one of ours")
    try:
        payload, signed_at = serializer.loads(token, return_timestamp=True)
        return msgspec.convert(payload, kind), from_datetime(signed_at)
    except (BadData, msgspec.ValidationError, UnicodeError):
        raise LinkError("this link is not one of ours") from None
