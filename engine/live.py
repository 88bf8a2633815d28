"""What is live in this process: the rule sets, reloaded when the file changes, and the keys.

A new file replaces the old one only when it is good and nobody is writing it any more; a bad one is refused and told
about, and the old one stays. What is live goes on record before anything is decided by it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import Engine

from engine import integration
from engine.clock import SECOND, machine_clock
from engine.errors import RuleFileError, SettingsError, StoreError
from engine.pipeline import ShopRules
from engine.recovery import FILE_LOOK_EVERY, FILE_LOOK_STEP, FILE_RESTS
from engine.rules.loader import load, load_path, unreadable
from engine.rules.model import RuleSet
from engine.rules.pages import PageTypes
from engine.said import Said, joined, say
from engine.settings import Settings
from engine.store import keys, rule_sets
from engine.store.keys import Key

log = structlog.get_logger()
LOOK_EVERY_S = FILE_LOOK_EVERY / SECOND
LOOK_STEP_S = FILE_LOOK_STEP / SECOND
QUIET_MS = FILE_RESTS
"""A file that was written this lately may be half a file; then it is used when the next look finds it the same."""
KEYS_LAST_S = 2.0
LONGEST_KEY = 200
"""Nothing longer is a key, and strangers' inventions are remembered for a while."""

Stamp = tuple[tuple[str, int, int, int], ...]


class LiveRules:
    """The rule sets of all shops, as they are in the file or folder now; asked by every request, so it is quick."""

    def __init__(
        self,
        path: Path,
        engine: Engine,
        *,
        demo_url: str | None = None,
        remember: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``demo_url`` is where a shop without an address of its own is found: the demo shop, in development.

        ``remember`` is False for whoever only looks: then the database is not told what is live.
        """
        self._path = path
        self._engine = engine
        self._demo_url = demo_url
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._remember = remember
        self._looked_at = 0.0
        self._stamp: Stamp = ()
        self._seen: Stamp = ()
        self._untold = False
        self._to_wake: set[str] = set()
        self._shops: dict[str, ShopRules] = {}
        self.problems: tuple[Said, ...] = ()
        """What is wrong with the file that was refused last; empty when the file is live."""
        self._start()

    def shop(self, shop_id: str) -> ShopRules | None:
        """The shop's rules, about a second behind the file at most."""
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
            self.look_now()
        finally:
            self._lock.release()

    def watch(self) -> None:
        """Look from a thread of its own, for a process whose requests must not wait for a file or the database."""
        threading.Thread(target=self._watch, name="rules", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.refresh()
            time.sleep(LOOK_STEP_S)

    def look_now(self) -> None:
        """Look without waiting for the half second to be over."""
        stamp = stamp_of(self._path)
        if stamp != self._stamp and self._is_quiet(stamp):
            self._reload(stamp)
        elif self._untold or self._to_wake:
            self._tell_database(self._shops)
            self._wake_visitors()

    def _is_quiet(self, stamp: Stamp) -> bool:
        """Whether nobody is writing: it was written a while ago, or is as the look before this one found it."""
        before, self._seen = self._seen, stamp
        written_ns = max((at_ns for _, at_ns, *_ in stamp), default=None)
        return stamp == before or (written_ns is not None and machine_clock() - written_ns // 1_000_000 > QUIET_MS)

    def _start(self) -> None:
        """At start a broken file is no reason to stay down if a good one was live before."""
        self._reload(stamp_of(self._path))
        if self._shops:
            return
        self._shops = self._last_good()
        if not self._shops:
            raise RuleFileError(say("%(name)s cannot be used", name=self._path.name), self.problems)
        log.warning("rules refused, going on with the last good ones", problems=len(self.problems))

    def _last_good(self) -> dict[str, ShopRules]:
        found: dict[str, ShopRules] = {}
        for shop, source in rule_sets.last_good(self._engine).items():
            try:
                found[shop] = self._ready(load(source, name=f"the last good rules of {shop}"))
            except RuleFileError as error:  # written for an older release
                log.error("last good rules cannot be used", shop=shop, problems=len(error.problems))
        return found

    def _reload(self, stamp: Stamp) -> None:
        loaded, problems = self._load()
        if stamp_of(self._path) != stamp and self._shops:
            return  # it was written while it was read; the next look sees that it is another one
        self._stamp, self.problems = stamp, problems
        for problem in problems:
            log.error("rules refused", problem=problem.splitlines()[0])  # the line itself is shown by `shopbell check`
        if not problems:
            self._use(loaded)

    def _load(self) -> tuple[dict[str, RuleSet], tuple[Said, ...]]:
        """The rule sets by shop, or what is wrong."""
        try:
            return load_path(self._path, known_integrations=integration.known()), ()
        except RuleFileError as error:
            return {}, error.problems or (error.message,)
        except OSError as error:
            return {}, (unreadable(self._path, error),)

    def _use(self, loaded: dict[str, RuleSet]) -> None:
        before = self._shops
        shops = {
            shop: known if (known := before.get(shop)) and known.rules.hash == rules.hash else self._ready(rules)
            for shop, rules in loaded.items()
        }
        self._tell_database(shops)
        self._shops = shops
        for shop in sorted(before.keys() - loaded.keys()):
            log.warning("shop gone: no rule file is left", shop=shop)
        for shop, now in shops.items():
            if now is not before.get(shop):
                log.info("rules live", shop=shop, rules=len(now.rules.rules), hash=now.rules.hash[:12])
        self._wake_visitors()

    def _tell_database(self, shops: dict[str, ShopRules]) -> None:
        """Put on record what is live. A database that is away is told later; the rules are live anyway."""
        if not self._remember:
            return
        live = {shop: (now.rules.hash, now.rules.source) for shop, now in shops.items()}
        try:
            self._to_wake.update(rule_sets.remember_all(self._engine, live))
            self._untold = False
        except StoreError as error:
            self._untold = True
            log.warning("the live rules are not noted yet", error=error.message)

    def _wake_visitors(self) -> None:
        """Have everybody who waits for something looked at by the new rules."""
        try:
            for shop in sorted(self._to_wake):
                log.info("looking again by the new rules", shop=shop, visitors=rule_sets.wake(self._engine, shop))
                self._to_wake.remove(shop)
        except StoreError as error:
            log.warning("nobody was looked at by the new rules yet", error=error.message)

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
    return tuple(seen for file in files if (seen := _stamp_of_file(file)) is not None)


def _stamp_of_file(file: Path) -> tuple[str, int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:  # it has gone in this moment, or never was
        return None
    # Editors replace a file, and may do so twice within one tick of its clock; then the inode differs.
    return file.name, stat.st_mtime_ns, stat.st_size, stat.st_ino


class LiveKeys:
    """Key look-ups, remembered for two seconds: a revoked key is refused that soon."""

    def __init__(self, engine: Engine, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Key | None]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def remembers(self, key: str) -> bool:
        """Whether :meth:`find` will answer without asking the database."""
        return len(key) > LONGEST_KEY or self._remembered(key) is not None

    def _remembered(self, key: str) -> tuple[float, Key | None] | None:
        known = self._known.get(key)
        return known if known is not None and self._monotonic() - known[0] < KEYS_LAST_S else None

    def find(self, key: str) -> Key | None:
        """Raises StoreError when the database is away and the key is not remembered."""
        if len(key) > LONGEST_KEY:
            return None
        remembered = self._remembered(key)
        if remembered is not None:
            return remembered[1]
        now = self._monotonic()
        found = keys.find_key(self._engine, key)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (now, found)
        return found


def require_shop(live: LiveRules, shop_id: str) -> ShopRules:
    shop = live.shop(shop_id)
    if shop is None:
        known = joined(", ", sorted(live.shops()))
        raise SettingsError(
            say("there is no shop called '%(shop)s' in the rule files; there is %(known)s", shop=shop_id, known=known)
        )
    return shop


def open_rules(settings: Settings, engine: Engine, *, remember: bool = True) -> LiveRules:
    """The live rules of this process; see :class:`LiveRules`.

    Raises RuleFileError when neither the file nor an earlier one can be used.
    """
    demo_url = None if settings.production else f"{settings.public_url}/demo"
    return LiveRules(settings.rules, engine, demo_url=demo_url, remember=remember)
