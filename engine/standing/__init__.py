"""How a shop's connections stand: its pages and each of its platforms at one glance, asking nobody outside.

What is told is what stands in the database: what came to the doors, what platforms answered and what they refused, and
whether the settings that this process sees are enough.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine

from engine.integration import names
from engine.pipeline import ShopRules
from engine.settings import Settings
from engine.standing.lines import Connected, Line, Mark, Standing
from engine.standing.pages import connected_pages
from engine.standing.platforms import connected_platform
from engine.standing.scene import Scene
from engine.standing.strays import strays_of
from engine.store.database import database_now, reading

__all__ = ["Connected", "Line", "Mark", "Standing", "how_it_stands"]


def how_it_stands(engine: Engine, shops: Iterable[ShopRules], settings: Settings) -> Standing:
    """Of these shops, each with everything it is connected to. Raises StoreError."""
    with reading(engine) as connection:
        now = database_now(connection)
        told: dict[str, tuple[Connected, ...]] = {}
        for shop in shops:
            scene = Scene(engine, connection, shop, settings, now)
            stated = shop.rules.shop.integrations
            told[shop.id] = (connected_pages(scene), *(connected_platform(scene, entry) for entry in stated))
        return Standing(told, strays_of(connection, names(), now))
