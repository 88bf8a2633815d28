"""``POST /proxy/<integration>/<shop>/v1/events``: what a shop's pages send to an address of the shop's own.

The platform passes it on and signs the address it passes it to. So the shop is known without a key and without an
origin, no browser counts it as a third party, and who is logged in is said by the platform and not by the page. The
body is the page's own: it is believed as little as any page's. A signature covers no body, so whoever could read one
might use it for as long as it lasts; only the platform and this door ever see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
import structlog
from flask import Blueprint, Response, current_app, request

from engine.clock import wall_clock
from engine.committer import Pending
from engine.errors import BadSignature, BodyTooLarge, NotFound, RequestError, SettingsError, Unavailable
from engine.events import parse_event
from engine.ids import derived_uuid
from engine.intake import Platform
from engine.integration import FirstParty, RawRequest, Vouched
from engine.pipeline import Accepted, ShopRules, Submission
from engine.store.keys import PUBLIC, Key
from engine.web.batch import Environ, read_batch, visitor_of
from engine.web.events import Taken, error_response
from engine.web.services import Services, services
from engine.web.speaker import BROWSER_LIMIT, Speaker

log = structlog.get_logger()
blueprint = Blueprint("proxy", __name__)


@blueprint.post("/proxy/<integration>/<shop>/v1/events")
def post_events(integration: str, shop: str) -> Response:
    """Events in, as at `/v1/events`, passed on and signed by the shop's platform; no key, no origin."""
    house = services()
    environ: Environ = request.environ
    try:
        platform = _platform(house, integration, shop)
        vouched = _vouched(platform)
        house.limits.addresses.take(_shoppers_address(environ))
        batch, size = read_batch(environ)
        if size > BROWSER_LIMIT:
            raise BodyTooLarge(f"a browser's body may have at most {BROWSER_LIMIT // 1024} KiB")
        speaker = Speaker(Key("", platform.shop.id, PUBLIC, platform.name, 0, None), platform.shop)
        return _Passed(house, environ, batch, size, speaker, _logged_in(platform.shop, batch, vouched))
    except RequestError as error:
        return error_response(error)


@blueprint.get("/proxy/<integration>/<shop>/v1/carts/<token>")
def get_cart(integration: str, shop: str, token: str) -> Response:
    """The saved cart behind a link, as at `/v1/carts/<token>`."""
    try:
        _vouched(_platform(services(), integration, shop))
    except RequestError as error:
        return error_response(error)
    return cast("Response", current_app.view_functions["links.cart"](token=token))


def _platform(house: Services, name: str, shop_id: str) -> Platform:
    shop = house.live.shop(shop_id)
    try:
        platform = house.intake.platform(shop, name) if shop is not None else None
    except SettingsError as error:
        log.error("proxy not ready", shop=shop_id, error=error.message)
        raise Unavailable("this shop cannot receive yet", retry_after_s=60) from None
    if platform is None or not isinstance(platform.integration, FirstParty):
        raise NotFound("no shop here receives from that")
    return platform


def _vouched(platform: Platform) -> Vouched:
    assert isinstance(platform.integration, FirstParty)
    headers = {name.casefold(): value for name, value in request.headers.items()}
    raw = RawRequest(headers, request.args.to_dict(), query_string=str(request.environ.get("QUERY_STRING", "")))
    try:
        return platform.integration.vouch(raw, wall_clock())
    except BadSignature as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001 - strangers' bytes that break a check have not passed it
        reason = f"its signature cannot be read: {type(error).__name__}"
    log.warning("proxy refused", integration=platform.name, shop=platform.shop.id, reason=reason)
    raise BadSignature(reason)


def _shoppers_address(environ: Environ) -> str:
    """Who asked the platform: the last address before the platform's own. Ours is always the platform's."""
    platform = str(environ.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    return next((hop for hop in reversed(hops) if hop and hop != platform), platform)[:100]


def _logged_in(shop: ShopRules, batch: dict[str, object], vouched: Vouched) -> Submission | None:
    """Who is logged in, as an event that the platform vouches for; once in a session, however often it is told."""
    visitor = visitor_of(batch)
    if not vouched.customer_id or not visitor:
        return None
    session = batch.get("session")
    told = {
        "id": derived_uuid("logged in", visitor, str(session)[:64], vouched.customer_id),
        "type": "identified",
        "customer_id": vouched.customer_id,
        "logged_in": True,
    }
    currency = shop.rules.shop.currency
    event = parse_event(
        told | {"visitor": visitor}, received_at=wall_clock(), skew_ms=0, currency=currency, trusted=True
    )
    return Submission(shop, [Accepted(event, msgspec.json.encode(told).decode())])


class _Passed(Taken):
    """The answer to a batch that was passed on; who is logged in goes before it, and is not counted in it."""

    def __init__(
        self,
        house: Services,
        environ: Environ,
        batch: dict[str, object],
        size: int,
        speaker: Speaker,
        who: Submission | None,
    ) -> None:
        super().__init__(house, environ, batch, size, speaker)
        self._who = who

    def begin(self, tell: Callable[[], object]) -> None:
        if self._who is not None:
            # Nobody waits for it: should it not be kept, the next batch tells the same.
            self._house.committer.submit(Pending(self._who, lambda: None))
        super().begin(tell)
