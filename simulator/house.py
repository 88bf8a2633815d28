"""A Shopbell of its own, started as a user would: `shopbell up` on an empty folder, with the rules that ship."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import requests

from engine.clock import VARIABLE, Pace
from engine.errors import ShopbellError
from simulator.platform import Platform

_SHOPBELL: Final = (sys.executable, "-P", "-m", "engine.cli")
_PATIENCE_S: Final = 180.0
_LOOK_AGAIN_S: Final = 0.05
_NOT_OURS: Final = frozenset(
    "DATABASE_URL REDIS_URL SMTP_URL PUBLIC_URL SECRET_KEY SHOPBELL_ENV HOST MAILBOX_PORT SHOPBELL_CRASH_AT".split()
)
"""Settings of whoever starts the simulation, which are about another Shopbell."""


class House:
    """One Shopbell in ``folder``; down and up again as often as the weather wants."""

    def __init__(self, folder: Path, rules: Path, platform: Platform, pace: Pace, stand_in: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        own_rules = folder / "rules.yaml"
        own_rules.write_text(connected(rules.read_text(), platform), encoding="utf-8")
        self._port = free_port()
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        own = {"PORT": str(self._port), "DATA_DIR": str(folder / "data"), "RULES": str(own_rules)}
        clock = {VARIABLE: str(pace), "SHOPBELL_STAND_IN": stand_in}
        self.environment: Mapping[str, str] = inherited | own | clock | dict(platform.environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        return self.folder / "shopbell.log"

    def start(self) -> None:
        """Start it, and wait until it takes events. Raises ShopbellError where it does not."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_SHOPBELL, "up"], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        give_up_at = time.monotonic() + _PATIENCE_S
        while not is_ready(self.url):
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise ShopbellError(f"Shopbell does not start; {self.log} says why.")
            threading.Event().wait(_LOOK_AGAIN_S)

    def stop(self) -> None:
        """Stop it in order, as Ctrl-C does; nothing where it is down."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def knows(self, person: str) -> bool:
        """Whether `shopbell export` finds anything about this address."""
        told = subprocess.run([*_SHOPBELL, "export", person], env=self.environment, capture_output=True, check=False)
        return told.returncode == 0


def is_ready(url: str) -> bool:
    """Whether a Shopbell there can keep events now."""
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def connected(rules: str, platform: Platform) -> str:
    """The rule file with the platform's integration in it; as it is where it names it already."""
    if f"\n  {platform.name}:" in rules:
        return rules
    settings = ", ".join(f'{name}: "{value}"' for name, value in platform.settings.items())
    entry = f"\nintegrations:\n  {platform.name}: {{{settings}}}\n"
    if "\nintegrations:\n" in rules:
        return rules.replace("\nintegrations:\n", entry, 1)
    return rules + entry
