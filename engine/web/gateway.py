"""The WSGI application inside an event loop: many requests wait for one commit, and no thread waits with them.

granian speaks RSGI_ to :class:`Gateway`. The routes that never wait are run in the loop itself, all others in threads.
Giving each request a thread would cost more than everything else that is done for it: with Python's global lock, every
wait is two switches between threads (see ``docs/adr``).

.. _RSGI: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from concurrent.futures import Executor
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from granian.rsgi import ProtocolClosed, Scope  # type: ignore[attr-defined]  # it exports them, but not by its own typing's rules

from engine.committer import PATIENCE_S
from engine.web.faults import fault
from engine.web.later import HAND_OVER, Answered, Headers, Later

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

MOST_BODY = 2 * 1024 * 1024
"""Bytes; no door takes more, and each has its own, lower limit."""
BODY_PATIENCE_S = 60.0
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Conversation(Protocol):
    """RSGI's HTTP protocol, as far as it is used here."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...


class Patience:
    """Calls off what takes too long: one timer for all, for a timer of its own would cost each request a tenth."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._since: dict[Callable[[], object], float] = {}
        self._look()

    def begin(self, call_off: Callable[[], object]) -> None:
        self._since[call_off] = self._loop.time()

    def end(self, call_off: Callable[[], object]) -> None:
        self._since.pop(call_off, None)

    def _look(self) -> None:
        self._loop.call_later(1.0, self._look)
        too_old = self._loop.time() - self._seconds
        for call_off in [waiting for waiting, since in self._since.items() if since < too_old]:
            self.end(call_off)
            call_off()


class Gateway:
    """An RSGI application. ``quick`` are the paths that never wait; for all others there are ``threads``."""

    def __init__(self, app: WSGIApplication, *, quick: Collection[str], threads: Executor) -> None:
        self._app = app
        self._quick = frozenset(quick)
        self._threads = threads
        self._told: deque[asyncio.Future[None]] = deque()
        self._woken = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reading = Patience(loop, BODY_PATIENCE_S)
        self._committing = Patience(loop, PATIENCE_S)

    async def __rsgi__(self, scope: Scope, proto: Conversation) -> None:
        try:
            answer = await self._answer(scope, proto)
        except ProtocolClosed:
            return  # nobody is there any more
        except Exception as error:  # noqa: BLE001 - a mistake of ours is an answer too
            answer = Answered.of(fault(error))
        proto.response_bytes(answer.status, answer.headers, answer.body)

    async def _answer(self, scope: Scope, proto: Conversation) -> Answered:
        environ = environ_of(scope, await self._body_of(scope, proto))
        if scope.path in self._quick:
            answer = self._call(environ)
        else:
            answer = await self._loop.run_in_executor(self._threads, self._call, environ)
        return await self._finished(answer) if isinstance(answer, Later) else answer

    async def _body_of(self, scope: Scope, proto: Conversation) -> bytes:
        """The whole body; of one that is too long no more than the door needs to see that it is."""
        length = scope.headers.get("content-length", "")
        if not length and "transfer-encoding" not in scope.headers:
            return b""
        if length == "0" or (length.isdecimal() and int(length) > MOST_BODY):
            return b""
        task = asyncio.current_task()
        assert task is not None
        self._reading.begin(task.cancel)
        try:
            return await (proto() if length else _unmeasured(proto))
        finally:
            self._reading.end(task.cancel)

    def _call(self, environ: WSGIEnvironment) -> Answered | Later:
        handed: list[Later] = []
        answered: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: _ExcInfo | None = None) -> Any:  # noqa: ANN401 - write(), which no application of ours uses
            del exc_info
            answered.append((int(status[:3]), headers))

        environ[HAND_OVER] = handed.append
        body = self._app(environ, start_response)
        try:
            content = b"".join(body)
        finally:
            _close(body)
            # Whoever was handed over holds the environment, which would hold them: memory that only the collector of
            # cycles could give back, and every request would be answered from cold memory.
            del environ[HAND_OVER]
        return handed[0] if handed else Answered(*answered[-1], content)

    async def _finished(self, later: Later) -> Answered:
        told: asyncio.Future[None] = self._loop.create_future()
        later.begin(partial(self._tell, told))
        self._committing.begin(later.give_up)
        await told
        self._committing.end(later.give_up)
        return later.answered()

    def _tell(self, told: asyncio.Future[None]) -> None:
        """From any thread. A whole group is told at once, so the loop is woken for the first of them only."""
        self._told.append(told)
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._woken = False
        while self._told:
            told = self._told.popleft()
            if not told.done():  # its client may have gone
                told.set_result(None)


async def _unmeasured(proto: Conversation) -> bytes:
    pieces, size = [], 0
    async for piece in proto:
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BODY:
            break
    return b"".join(pieces)


def environ_of(scope: Scope, body: bytes) -> WSGIEnvironment:
    """PEP 3333's environment for a request whose body is here already."""
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" not in name:  # it could pose as the header of the same name with a dash
            key = _VARIABLES.get(name) or _variable(name)
            environ[key] = f"{environ[key]}{';' if name == 'cookie' else ','}{value}" if key in environ else value
    return environ


def _variable(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


_VARIABLES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"} | {
    name: _variable(name)
    for name in ("host", "origin", "user-agent", "accept", "accept-encoding", "accept-language", "referer", "cookie")
}


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
