"""What the doors work with; one for each web process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import Engine

from engine.committer import Committer
from engine.hints import Bell
from engine.intake import Intake
from engine.links import Links
from engine.live import LiveKeys, LiveRules
from engine.pipeline import ShopRules
from engine.settings import Settings
from engine.web.heard import Heard
from engine.web.limits import RateLimits


@dataclass(frozen=True)
class Services:
    settings: Settings
    engine: Engine
    live: LiveRules
    keys: LiveKeys
    committer: Committer
    intake: Intake
    bell: Bell
    links: Links
    limits: RateLimits
    heard: Heard
    threads: ThreadPoolExecutor
    """For whatever may have to wait."""

    def allows(self, origin: str | None, shop: ShopRules) -> bool:
        """Whether pages of this origin may use the shop's public key."""
        return origin in shop.rules.shop.origins or origin in self.own_origins

    def allows_any(self, origin: str | None) -> bool:
        """Whether it is an origin of any shop here: for answers that are given before the key is known."""
        if origin is None:
            return False
        return origin in self.own_origins or any(self.allows(origin, shop) for shop in self.live.shops().values())

    @cached_property
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
