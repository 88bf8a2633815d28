"""Ports of this machine for a simulated shop, which nobody else may take while its Shopbell is away or only starting.

A crowded machine gives free ports away all the time, and Shopbell listens some seconds after it has looked: whoever
connects somewhere may have got its port by then, and keep it. Then Shopbell would try to listen for good.
"""

from __future__ import annotations

import random
import socket
import sys
from contextlib import suppress
from typing import Final

_HOST: Final = "127.0.0.1"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as taken:
        return _take_any(taken)


class KeptPort:
    """A port that is kept for a server that shares its address (SO_REUSEADDR, as servers do), until :meth:`give_up`.

    Linux lets such a server listen beside a socket that only holds the port, and lets nobody else have it. Other
    systems would keep the server out as well; there it is a free port and nothing more.
    """

    def __init__(self) -> None:
        self._holding = socket.socket()
        self.number = _take_any(self._holding)
        # Only now: two that share from the beginning could be given the same one.
        self._holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform != "linux":
            self.give_up()

    def give_up(self) -> None:
        """Let it go."""
        self._holding.close()


def _take_any(taken: socket.socket) -> int:
    """Below those that the system gives to connections by itself: one of them would take it while nobody listens."""
    while True:
        port = random.randrange(12_000, 32_000)  # noqa: S311 - not a secret, and never the same for two days at once
        with suppress(OSError):
            taken.bind((_HOST, port))
            return port
