"""What the doors work with; one for each web process."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import Engine

from engine.committer import Committer
from engine.hints import Bell
from engine.links import Links
from engine.live import LiveKeys, LiveRules
from engine.settings import Settings
from engine.web.limits import RateLimits


@dataclass(frozen=True)
class Services:
    settings: Settings
    engine: Engine
    live: LiveRules
    keys: LiveKeys
    committer: Committer
    bell: Bell
    links: Links
    limits: RateLimits

    def origins_of(self, shop_id: str) -> frozenset[str]:
        """The origins whose pages may use the shop's public key."""
        shop = self.live.shop(shop_id)
        stated = shop.rules.shop.origins if shop else ()
        return frozenset(stated) | self.own_origins

    def all_origins(self) -> frozenset[str]:
        """The origins of all shops: for answers that are given before the key is known."""
        stated = [shop.rules.shop.origins for shop in self.live.shops().values()]
        return frozenset().union(*stated) | self.own_origins

    @property
    def own_origins(self) -> frozenset[str]:
        """In development the demo shop lives under our own address, by whichever name it is called."""
        if self.settings.production:
            return frozenset()
        port, public = self.settings.port, urlsplit(self.settings.public_url)
        return frozenset({f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"{public.scheme}://{public.netloc}"})


def services() -> Services:
    """The services of the running app."""
    found: Services = current_app.extensions["shopbell"]
    return found
