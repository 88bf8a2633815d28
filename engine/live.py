"""What is live in this process: the rule sets, reloaded when the file changes, and the keys.

A new file replaces the old one only when it is good; a bad one is refused, told about, and the old one stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import Engine

from engine.errors import RuleFileError, SettingsError
from engine.pipeline import ShopRules
from engine.rules.loader import load, load_path
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.settings import Settings
from engine.store import keys, rule_sets
from engine.store.keys import Key

log = structlog.get_logger()
LOOK_EVERY_S = 0.5
KEYS_LAST_S = 2.0

Stamp = tuple[tuple[str, int, int], ...]


class LiveRules:
    """The rule sets of all shops, as they are in the file or folder now; asked by every request, so it is quick."""

    def __init__(
        self,
        path: Path,
        engine: Engine,
        *,
        demo_url: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``demo_url`` is where a shop without an address of its own is found: the demo shop, in development."""
        self._path = path
        self._engine = engine
        self._demo_url = demo_url
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._stamp: Stamp = ()
        self._shops: dict[str, ShopRules] = {}
        self.problems: tuple[str, ...] = ()
        """What is wrong with the file that was refused last; empty when the file is live."""
        self._start()

    def shop(self, shop_id: str) -> ShopRules | None:
        """The shop's rules, at most half a second behind the file."""
        self.refresh()
        return self._shops.get(shop_id)

    def shops(self) -> dict[str, ShopRules]:
        self.refresh()
        return dict(self._shops)

    def refresh(self) -> None:
        """Look whether the file changed, at most every half second."""
        now = self._monotonic()
        if now - self._looked_at < LOOK_EVERY_S or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_at = now
            stamp = stamp_of(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._reload()
        finally:
            self._lock.release()

    def _start(self) -> None:
        """At start a broken file is no reason to stay down if a good one was live before."""
        self._stamp = stamp_of(self._path)
        self._reload()
        if self._shops:
            return
        for shop, source in rule_sets.last_good(self._engine).items():
            self._shops[shop] = self._ready(load(source, name=f"the last good rules of {shop}"))
        if not self._shops:
            raise RuleFileError(f"{self._path} cannot be used", self.problems)
        log.warning("rules refused, going on with the last good ones", problems=len(self.problems))

    def _reload(self) -> None:
        try:
            loaded = load_path(self._path)
        except RuleFileError as error:
            self.problems = error.problems or (error.message,)
            for problem in self.problems:
                log.error("rules refused", problem=problem)
            return
        fresh = {
            shop: known if (known := self._shops.get(shop)) and known.rules.hash == rules.hash else self._ready(rules)
            for shop, rules in loaded.items()
        }
        for shop, rules in loaded.items():
            if fresh[shop] is not self._shops.get(shop):
                rule_sets.remember(self._engine, shop, rules.hash, rules.source)
                log.info("rules live", shop=shop, rules=len(rules.rules), hash=rules.hash[:12])
        self._shops, self.problems = fresh, ()

    def _ready(self, rules: RuleSet) -> ShopRules:
        shop = rules.shop
        if self._demo_url and not shop.url:
            cart_url = shop.cart_url or f"{self._demo_url}/cart"
            rules = replace(rules, shop=replace(shop, url=self._demo_url, cart_url=cart_url))
        return ready(rules)


def ready(rules: RuleSet) -> ShopRules:
    return ShopRules(rules, PageTypes(rules.shop))


def stamp_of(path: Path) -> Stamp:
    """What changes when the file (or any file of the folder) changes."""
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    stats = [(file.name, file.stat()) for file in files if file.exists()]
    if not stats and not path.exists():
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


class LiveKeys:
    """Key look-ups, remembered for two seconds: a revoked key is refused that soon."""

    def __init__(self, engine: Engine, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Key | None]] = {}

    def find(self, key: str) -> Key | None:
        """Raises StoreError when the database is away and the key is not remembered."""
        now = self._monotonic()
        remembered = self._known.get(key)
        if remembered is not None and now - remembered[0] < KEYS_LAST_S:
            return remembered[1]
        found = keys.find_key(self._engine, key)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (now, found)
        return found


def require_shop(live: LiveRules, shop_id: str) -> ShopRules:
    shop = live.shop(shop_id)
    if shop is None:
        raise SettingsError(f"there is no shop called '{shop_id}' in the rule files")
    return shop


def open_rules(settings: Settings, engine: Engine) -> LiveRules:
    """The live rules of this process. Raises RuleFileError when neither the file nor an earlier one can be used."""
    demo_url = None if settings.production else f"{settings.public_url}/demo"
    return LiveRules(settings.rules, engine, demo_url=demo_url)
