"""What a shop tells about itself: what WooCommerce's bodies leave open."""

from __future__ import annotations

from typing import Annotated

from engine.integration import Settings, secret, setting

_STATUSES = r"|[a-z0-9_-]+(, *[a-z0-9_-]+)*"
_KEY = r"\S*"
_SITE = r"|https://[^\s/?#@]+(/[^\s?#]*[^\s/?#])?"
_USUAL_NAME = "env:WOOCOMMERCE_WEBHOOK_SECRET"


class WooCommerceSettings(Settings, frozen=True):
    webhook_secret: Annotated[str, secret("the secret that stands in each of the shop's webhooks")] = _USUAL_NAME
    previous_secret: Annotated[str, secret("the webhooks' secret that is being replaced")] = ""
    site: Annotated[
        str, setting("the shop's own address, such as https://shop.example; its API is asked there", pattern=_SITE)
    ] = ""
    consumer_key: Annotated[str, secret("the key of the shop's REST API, ck_…; without it nothing is asked")] = ""
    consumer_secret: Annotated[str, secret("the secret of that key, cs_…")] = ""
    key_in: Annotated[
        str,
        setting(
            "how the key is told: in the header, or by a signature in the address where the host drops that header",
            pattern="header|address",
        ),
    ] = "header"
    shipped_statuses: Annotated[
        str, setting("the order statuses that say it was sent, separated by commas", pattern=_STATUSES)
    ] = "completed"
    delivered_statuses: Annotated[
        str, setting("the order statuses of a plugin that say it has arrived, separated by commas", pattern=_STATUSES)
    ] = ""
    prices: Annotated[
        str,
        setting(
            "how the shop shows prices: with_tax, without_tax, or as_entered",
            pattern="with_tax|without_tax|as_entered",
        ),
    ] = "as_entered"
    consent_meta: Annotated[
        str, setting("the meta key in which a plugin notes the tick for the newsletter", pattern=_KEY)
    ] = ""
    visitor_meta: Annotated[
        str, setting("the meta key in which the shop notes whose order it is for Shopbell", pattern=_KEY)
    ] = "_shopbell_visitor"


def statuses(told: str) -> frozenset[str]:
    """The statuses of a setting, as bodies name them: without the ``wc-`` of the database."""
    return frozenset(name.strip().removeprefix("wc-") for name in told.split(",") if name.strip())
