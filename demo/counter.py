"""What the shop's own server tells Shopbell with its secret key: who is behind the counter, what was ordered."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

import requests

log = logging.getLogger("demo")

ACCEPTED = 202

TIME_OUT_S = (3.0, 10.0)
"""To connect and to answer. Long enough for a busy machine, and no longer: a shopper is waiting."""


class ShopbellServer:
    """Posts single events as the shop's server; never raises, because no shopper may notice that it failed."""

    def __init__(self, endpoint: str, secret_key: str) -> None:
        self._url = f"{endpoint.rstrip('/')}/v1/events" if endpoint else ""
        self._secret_key = secret_key

    def tell(self, event: dict[str, object]) -> bool:
        """Send one event (`type` and its body; id and time are added unless given). True when it was accepted."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        whole = {"id": str(uuid.uuid4()), "at": now, **event}
        if not self._url:
            log.warning("no server address for Shopbell is configured, %s was not sent", event["type"])
            return False
        try:
            answer = requests.post(
                self._url,
                json={"sent_at": now, "events": [whole]},
                headers={"Authorization": f"Bearer {self._secret_key}"},
                timeout=TIME_OUT_S,
                allow_redirects=False,  # the key goes to the configured address and nowhere else
            )
        except requests.RequestException as error:
            log.warning("Shopbell did not hear about %s: %s", event["type"], type(error).__name__)
            return False
        heard = answer.status_code == ACCEPTED
        if not heard:
            log.warning("Shopbell answered %s to %s", answer.status_code, event["type"])
        return heard


class Counter:
    """Whether somebody is behind the counter: `None` until somebody said so.

    Kept in a file when several processes serve the shop, so that all of them say the same."""

    def __init__(self, server: ShopbellServer, state_file: Path | None = None) -> None:
        self._server = server
        self._file = state_file
        self._lock = threading.Lock()
        self._open: bool | None = None

    @property
    def open(self) -> bool | None:
        if self._file is None:
            return self._open
        try:
            return self._file.read_text() == "open"
        except FileNotFoundError:
            return None

    def switch(self, is_open: bool) -> bool:
        """Say that the agent came or went; remembered only when Shopbell heard it. Returns whether it did."""
        number = int(is_open)
        with self._lock:
            # How many chats she could take is not told: nobody counts them here, and one open invitation would silence
            # the whole demo for everybody else.
            heard = self._server.tell({"type": "agents_changed", "agents": {"online": number}})
            if heard:
                self._remember(is_open)
        return heard

    def _remember(self, is_open: bool) -> None:
        self._open = is_open
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text("open" if is_open else "closed")
