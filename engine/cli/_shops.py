"""What ``connect`` and ``status`` have in common: the shops of the rule files, with the database open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.pipeline import ShopRules
    from engine.settings import Settings


class Opened(NamedTuple):
    settings: Settings
    engine: Engine
    shops: list[ShopRules]


@contextmanager
def opened_shops(only: str | None) -> Iterator[Opened]:
    """All shops, or the one with this id; the log says warnings only, and those beside the output."""
    from engine.cli._quiet import tell_only_warnings
    from engine.live import open_rules, require_shop
    from engine.settings import Settings
    from engine.store.database import open_engine

    tell_only_warnings()
    settings = Settings.from_env()
    engine = open_engine(settings.database_url)
    try:
        live = open_rules(settings, engine, remember=False)
        shops = list(live.shops().values()) if only is None else [require_shop(live, only)]
        yield Opened(settings, engine, shops)
    finally:
        engine.dispose()
