"""The gateway between the server's event loop and the WSGI application, without any server."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from engine.web.gateway import Gateway
from engine.web.later import Answered, Later

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Scope:
    """A request's head, as the server passes it."""

    http_version, method, scheme, path, query_string = "1.1", "POST", "http", "/v1/events", ""
    server, client = "127.0.0.1:8080", "127.0.0.1:5555"

    def __init__(self, body: bytes) -> None:
        self.headers = {"content-length": str(len(body))}


class Conversation:
    """A body that has arrived, and the answer that goes back."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.answers: list[tuple[int, bytes]] = []

    async def __call__(self) -> bytes:
        return self.body

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("a body of known length is read at once")

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        del headers
        self.answers.append((status, body))


class Echo(Later):
    """Says the body back, once somebody had the time."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ

    def begin(self, tell: Callable[[], object]) -> None:
        self.told = tell
        tell()

    def give_up(self) -> None:
        raise AssertionError("nobody waits for long here")

    def finish(self) -> Answered:
        return Answered(202, [], self.environ["wsgi.input"].read())


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_an_answered_request_is_gone_without_a_collector_of_cycles(no_collector: None) -> None:
    del no_collector
    begun: list[weakref.ref[Echo]] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = Echo(environ)
        begun.append(weakref.ref(answer))
        return answer(environ, start_response)

    async def converse() -> list[tuple[int, bytes]]:
        gateway = Gateway(app, quick={"/v1/events"}, threads=threads)
        gateway.__rsgi_init__(asyncio.get_running_loop())
        conversation = Conversation(b"ring")
        scope: Any = Scope(b"ring")
        await gateway.__rsgi__(scope, conversation)
        return conversation.answers

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(converse()) == [(202, b"ring")]
    assert [answer() for answer in begun] == [None]
