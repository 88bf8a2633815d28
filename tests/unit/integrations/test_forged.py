"""What somebody could make of what others signed: another topic over a body, another body under its MD5."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from engine.errors import BadSignature, HookError, Unreadable
from engine.integration import Delivery, News, RawRequest
from integrations.lightspeed import Lightspeed
from tests.unit.integrations.cases import settings_of
from tests.unit.integrations.test_every_receiver import READ, delivery_of, receiver, receiver_kind
from tests.unit.integrations.test_lightspeed import asking

HARMLESS = frozenset(["checkout_deleted", "contact_given"])
"""What a body may become under a topic that is not its own: it stops nothing and starts nothing by itself."""
# Two blocks each, by Wang and others (2004): the same MD5 for whatever follows them.
ONE = (
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd9"
    "1dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec698"
    "21bcb6a8839396f9652b6ff72a70"
)
OTHER = (
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a085125e8f7cdc99fd9"
    "1dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0e99f33420f577ee8ce54b67080280d1ec698"
    "21bcb6a8839396f965ab6ff72a70"
)


# --- another topic over a body ----------------------------------------------------------------------------------------


def under_another_topic(key: str, topic: str) -> News:
    own = delivery_of(key)
    try:
        return receiver(key.split("/")[0]).read(Delivery(topic, own.body, own.id, own.hints))
    except HookError:
        return News()


def kinds(news: News) -> set[object]:
    return {event["type"] for event in news.events}


def gives_consent(event: dict[str, object]) -> bool:
    consent: Any = event.get("consent") or {}
    return any(consent.get(way) is True for way in ("email", "sms", "whatsapp"))


@pytest.mark.parametrize("key", [key for key in READ if receiver_kind(key).signs_body])
def test_under_a_topic_that_is_not_its_own_a_body_erases_nobody_orders_nothing_and_allows_nothing(key: str) -> None:
    own = receiver(key.split("/")[0]).read(delivery_of(key))
    for topic in receiver_kind(key).topics:
        news = under_another_topic(key, topic)
        assert {request.kind for request in news.requests} <= {request.kind for request in own.requests}, topic
        became = [event for event in news.events if event["type"] not in kinds(own) | HARMLESS]
        assert not any(gives_consent(event) for event in became), topic
        assert {event["type"] for event in became} <= {"consent_changed"}, topic


# --- another body under its MD5 ---------------------------------------------------------------------------------------


def signed_as(body: bytes, signed: bytes) -> RawRequest:
    """The body with the signature of another."""
    stated = settings_of("lightspeed")
    signature = hashlib.md5(signed + stated["app_secret"].encode(), usedforsecurity=False).hexdigest()
    return RawRequest({"x-signature": signature}, {"key": stated["address_key"], "topic": "orders/paid"}, body)


def test_two_bodies_with_one_md5_have_one_signature_and_neither_says_anything() -> None:
    """The secret stands behind the body, so a collision is one under every secret. Its blocks are no text."""
    one, other = bytes.fromhex(ONE), bytes.fromhex(OTHER)
    assert one != other
    made = receiver("lightspeed")
    delivery = made.admit(signed_as(other, one))
    assert delivery is not None, "that is how weak the platform's signature is"
    with pytest.raises(Unreadable, match="not UTF-8"):
        made.read(delivery)


def test_a_body_that_goes_on_after_its_secret_has_no_signature() -> None:
    """Who knows md5(body + secret) can go on hashing behind the secret, but not put the secret at the end again."""
    body = b'{"order": {"id": 1}}'
    signature = hashlib.md5(body + settings_of("lightspeed")["app_secret"].encode(), usedforsecurity=False).hexdigest()
    longer = _padded(body, len(settings_of("lightspeed")["app_secret"])) + b"more"
    for told in (signature, hashlib.md5(longer, usedforsecurity=False).hexdigest()):
        with pytest.raises(BadSignature):
            receiver("lightspeed").admit(RawRequest({"x-signature": told}, signed_as(body, body).query, longer))


def _padded(body: bytes, secret: int) -> bytes:
    """The body with what MD5 puts behind it and a secret of so many letters."""
    length = len(body) + secret
    return body + b"\x00" * secret + b"\x80" + b"\x00" * ((55 - length) % 64) + (length * 8).to_bytes(8, "little")


@pytest.mark.parametrize("key", [key for key in READ if key.startswith("lightspeed/")])
def test_whoever_could_sign_as_lightspeed_still_brings_nobody_a_mail(key: str) -> None:
    """With a key for the API what leads to a message is read again there: a delivery says where, or stops something."""
    made: Lightspeed = asking()
    own = delivery_of(key)
    news = made.read(Delivery(own.topic, own.body))
    assert kinds(news) <= {"order_placed", "order_paid", "order_cancelled", "consent_changed"}
    assert not any(gives_consent(event) for event in news.events)
    for event in news.events:
        order: Any = event.get("order") or {}
        assert {"email", "customer_id"}.isdisjoint(order)
        assert order.get("paid") is not False
    assert news.requests == ()
