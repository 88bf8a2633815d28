"""Ports of this machine that ``shopbell up`` keeps for what it starts: bound before anything begins, until it ends.

What is started listens seconds later. Whoever only looked whether a port is free would share it by then with another
Shopbell that had looked in the same moment, and with it mails or shoppers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Final, Self

_TRIES: Final = 20


class Ports:
    """Those that this process keeps, for the servers that it starts. Use it with ``with``, once in a process."""

    def __init__(self) -> None:
        self._kept = ExitStack()

    def __enter__(self) -> Self:
        # One byte for each port in one file of this user's. Such locks end with the process, however it ends.
        path = Path(gettempdir()) / f"shopbell-{os.getuid()}-ports"
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
        self._locks = self._kept.enter_context(open(os.open(path, flags, 0o600), "rb+", buffering=0))  # noqa: PTH123 - a descriptor
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def hold(self, host: str, port: int) -> int:
        """Keep this port, or for 0 any; returns which it is. Raises OSError when somebody has it.

        Linux lets a server that shares its address (SO_REUSEADDR, as servers do) listen beside a socket that only holds
        it, and keeps out whoever does not. Two holders would be let in as well, so a lock tells one of the other.
        """
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as holding:
            own = holding.enter_context(socket.socket(family, kind, protocol))
            # Without it, connections that ended a moment ago would count as somebody who listens.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            own.bind(address)
            number = int(own.getsockname()[1])
            self._lock(number)
            if sys.platform == "linux":  # others would keep our own server out as well
                self._kept.push(holding.pop_all())
            return number

    def hold_or_another(self, host: str, port: int) -> int:
        """Keep this port, or where somebody has it, another one. Raises OSError when there is none."""
        for wanted in (port, *[0] * _TRIES):
            with suppress(OSError):
                return self.hold(host, wanted)
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def _lock(self, port: int) -> None:
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError as error:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)) from error
