"""``POST /hooks/<integration>/<shop>``: webhooks of shop platforms.

The sender is known by a signature over the raw bytes, or nothing is read. What is answered 200 is on disk, was there
before, or says nothing that is asked for; when the database is away the answer is 503, and the platform comes again.
"""

from __future__ import annotations

import hashlib

import msgspec
import structlog
from flask import Blueprint, Response, request

from engine.errors import BadSignature, BodyTooLarge, NotFound, SettingsError, StoreError, Unavailable, WrongMediaType
from engine.intake import Outcome, Platform
from engine.integration import Delivery, RawRequest, names
from engine.store.heard import NO_SHOP, REFUSED, Sound
from engine.web import metrics
from engine.web.services import Services, services

log = structlog.get_logger()
blueprint = Blueprint("hooks", __name__)


class HookAnswer(msgspec.Struct):
    """What became of a delivery: ``accepted``, ``duplicate``, ``unknown_topic``, ``quarantined``, ``stale`` or
    ``answered``.
    """

    result: str


@blueprint.post("/hooks/<integration>/<shop>", merge_slashes=False)  # platforms follow no redirect
def post_hook(integration: str, shop: str) -> Response:
    """A delivery of the shop's platform, signed."""
    house = services()
    platform = _platform(house, integration, shop)
    body = _read_body(platform.receiver.largest_body)
    delivery = _admitted(house, platform, body)
    result = "answered" if delivery is None else _take(house, platform, delivery).value
    metrics.HOOKS.labels(platform.name, result).inc()
    house.heard.note(Sound(shop, platform.name, result), "" if delivery is None else delivery.topic)
    return Response(msgspec.json.encode(HookAnswer(result)), content_type="application/json")


def _platform(house: Services, integration: str, shop_id: str) -> Platform:
    shop = house.live.shop(shop_id)
    try:
        platform = None if shop is None else house.intake.platform(shop, integration)
    except SettingsError as error:
        log.error("hook not ready", shop=shop_id, error=error.message)
        house.heard.note(Sound(shop_id, integration, REFUSED, "its secret is not in the environment"))
        raise Unavailable("this shop cannot receive yet", retry_after_s=60) from None
    if platform is None:
        _note_stray(house, integration, shop_id)
        raise NotFound("no shop here receives from that")
    return platform


def _note_stray(house: Services, integration: str, shop_id: str) -> None:
    """A platform that delivers to a misspelt address is told 404 for ever, and nobody looks there."""
    if integration in names():
        log.warning("hook for no shop", integration=integration, shop=shop_id[:64])
        metrics.HOOKS.labels(integration, REFUSED).inc()
        house.heard.note(Sound(NO_SHOP, integration, REFUSED, "no shop here receives at that address"), shop_id)


def _read_body(limit: int) -> bytes:
    """The bytes as they came: whatever is decoded and encoded again no longer fits its signature."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongMediaType("send the body uncompressed")
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"a body may have at most {limit // 1024} KiB")
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(f"a body may have at most {limit // 1024} KiB")
    return body


def _admitted(house: Services, platform: Platform, body: bytes) -> Delivery | None:
    headers = {name.casefold(): value for name, value in request.headers.items()}
    raw = RawRequest(headers, request.args.to_dict(), body)
    try:
        return platform.receiver.admit(raw)
    except BadSignature as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001 - strangers' bytes that break a check have not passed it
        reason = type(error).__name__
    # Enough to find out whether something on the way changes bodies, and nothing of what they say.
    digest = hashlib.sha256(body).hexdigest()[:12]
    shop = platform.shop.id
    log.warning("hook refused", shop=shop, integration=platform.name, reason=reason, length=len(body), sha256=digest)
    metrics.HOOKS.labels(platform.name, REFUSED).inc()
    metrics.HOOKS_REFUSED.labels(platform.name, reason).inc()
    house.heard.note(Sound(shop, platform.name, REFUSED, reason))
    raise BadSignature("the signature does not fit the body")


def _take(house: Services, platform: Platform, delivery: Delivery) -> Outcome:
    try:
        taken = house.intake.take(platform, delivery)
    except StoreError as error:
        raise Unavailable("it cannot be kept right now; send it again") from error
    for hint in taken.hints:
        house.bell.ring("deliver", hint)
    return taken.outcome
