"""A Shopbell of its own, started as a user would: `shopbell up` on an empty folder, with the rules that ship."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import requests

from engine.clock import VARIABLE, Pace
from engine.errors import ShopbellError
from simulator.platform import Platform
from simulator.ports import KeptPort

_SHOPBELL: Final = (sys.executable, "-P", "-m", "engine.cli")
UNPAID: Final = "unpaid-order"
STAND_IN: Final = "SHOPBELL_STAND_IN"
PARENT: Final = "SHOPBELL_PARENT"
_PATIENCE_S: Final = 180.0
_LOOK_AGAIN_S: Final = 0.05
_LAST_LINES: Final = 60
_NOT_OURS: Final = frozenset(
    "DATABASE_URL REDIS_URL SMTP_URL PUBLIC_URL SECRET_KEY SHOPBELL_ENV HOST MAILBOX_PORT SHOPBELL_CRASH_AT".split()
)
"""Settings of whoever starts the simulation, which are about another Shopbell."""


class House(ABC):
    """A Shopbell at ``url``, with the environment in which its commands are run."""

    url: str
    environment: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """What it has been given beside what whoever simulates has in their environment."""
        told = self.environment.items()
        return {name: value for name, value in told if os.environ.get(name) != value and name != PARENT}

    @abstractmethod
    def start(self) -> None:
        """See that it takes events. Raises ShopbellError where it does not."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it, where it is ours to stop."""

    def leave(self) -> None:
        """Stop it for good."""
        self.stop()

    def knows(self, person: str) -> bool:
        """Whether `shopbell export` finds anything about this address."""
        told = subprocess.run([*_SHOPBELL, "export", person], env=self.environment, capture_output=True, check=False)
        return told.returncode == 0

    def erase(self, person: str) -> None:
        """`shopbell erase`, by the shop's owner, where the platform does not tell of it. Nobody may be known."""
        command = [*_SHOPBELL, "erase", person, "--yes"]
        subprocess.run(command, env=self.environment, capture_output=True, check=False)


class OwnHouse(House):
    """One Shopbell in ``folder``; down and up again as often as the weather wants."""

    def __init__(self, folder: Path, rules: Path, platform: Platform, pace: Pace, stand_in: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        own_rules = folder / "rules.yaml"
        own_rules.write_text(connected(rules.read_text(encoding="utf-8"), platform), encoding="utf-8")
        if f"- name: {UNPAID}\n" not in own_rules.read_text(encoding="utf-8"):
            _take_in(UNPAID, own_rules)
        self._port, self._mailbox_port = KeptPort(), KeptPort()
        self.url = f"http://127.0.0.1:{self._port.number}"
        self.log = folder / "shopbell.log"
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        # A mailbox of its own: beside another Shopbell's the mails of one would arrive at the other.
        ports = {"PORT": str(self._port.number), "MAILBOX_PORT": str(self._mailbox_port.number)}
        own = {"DATA_DIR": str(folder / "data"), "RULES": str(own_rules)} | ports
        # Should this process die, its Shopbell ends with it.
        tied = {PARENT: str(os.getpid())}
        self.environment = inherited | own | tied | settings_of(platform, pace, stand_in)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_SHOPBELL, "up"], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        give_up_at = time.monotonic() + _PATIENCE_S
        while not is_ready(self.url):
            if (code := self._process.poll()) is not None:
                raise ShopbellError(f"Shopbell ended with exit code {code}; {self._last_words()}")
            if time.monotonic() > give_up_at:
                raise ShopbellError(f"Shopbell was not ready within {_PATIENCE_S:g} s; {self._last_words()}")
            threading.Event().wait(_LOOK_AGAIN_S)

    def _last_words(self) -> str:
        """The folder may be gone before anybody could look into it."""
        lines = self.log.read_text(errors="replace").splitlines(keepends=True)
        return f"{self.log} ends so:\n{''.join(lines[-_LAST_LINES:])}"

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def leave(self) -> None:
        self.stop()
        for kept in (self._port, self._mailbox_port):
            kept.give_up()


class OthersHouse(House):
    """A Shopbell that somebody has started with the settings of :func:`settings_of`; it is never stopped."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.environment = os.environ

    def start(self) -> None:
        if not is_ready(self.url):
            raise ShopbellError(f"No Shopbell at {self.url} can keep events.")

    def stop(self) -> None:
        """Nothing: it is somebody's."""


def _take_in(blueprint: str, rules: Path) -> None:
    """Put a rule that ships without being switched on into the file, as a shop would. Raises ShopbellError."""
    command = [*_SHOPBELL, "new", blueprint, "--set", "holdout=0%", "--into", str(rules)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise ShopbellError(f"{rules} does not take the rule {blueprint}: {made.stderr.strip()}")


def settings_of(platform: Platform, pace: Pace, stand_in: str) -> dict[str, str]:
    """What a Shopbell needs in its environment to live in this simulated shop."""
    return {VARIABLE: str(pace), STAND_IN: stand_in} | dict(platform.environment)


def is_ready(url: str) -> bool:
    """Whether a Shopbell there can keep events now."""
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def connected(rules: str, platform: Platform) -> str:
    """The rule file with the platform's integration in it; as it is where it names it already."""
    if f"\n  {platform.name}:" in rules:
        return rules
    entry = f"\nintegrations:\n  {entry_of(platform)}\n"
    if "\nintegrations:\n" in rules:
        return rules.replace("\nintegrations:\n", entry, 1)
    return rules + entry


def entry_of(platform: Platform) -> str:
    """The platform's line under ``integrations``."""
    settings = ", ".join(f'{name}: "{value}"' for name, value in platform.settings.items())
    return f"{platform.name}: {{{settings}}}"
