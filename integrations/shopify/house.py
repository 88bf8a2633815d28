"""What concerns the shop itself and the app in it."""

from __future__ import annotations

from engine.integration import WEBHOOKS, News, ShopSaid
from integrations.shopify.body import Json, require, text


def from_shop(body: Json) -> News:
    """``shop/update``: its clock and its money."""
    require(body, "id", "iana_timezone", "currency")
    return News(shop=ShopSaid(text(body, "iana_timezone") or "", text(body, "currency") or ""))


def from_scopes(body: Json) -> News:
    """``app/scopes_update``: with other rights other webhooks can be registered."""
    require(body, "id", "previous", "current")
    return News(look_ups=(WEBHOOKS,))


def from_uninstalled(body: Json) -> News:
    """``app/uninstalled``: no token is good any more."""
    require(body, "id", "domain")
    return News(disconnected=True)
