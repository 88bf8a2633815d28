"""The real server, by the socket: odd bodies, slow clients, and clients that say nothing.

It never hangs up on them, so whoever would have to wait until they are gone would wait until the test fails.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from engine.store import migrate
from engine.store.database import open_engine
from engine.store.keys import PUBLIC, SECRET, add_key
from tests import parts
from tests.service.doors import INK, INK_KEY, INK_SECRET, batch, environment_for, page_viewed, settings_for

SLOW = 100
"""Clients that dawdle at the same time."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[int]:
    """``shopbell web`` on a loopback port."""
    url, port = f"sqlite:///{folder / 'shopbell.db'}", parts.free_port()
    settings_for(folder, url)
    migrate.upgrade(url)
    engine = open_engine(url)
    add_key(engine, "ink", PUBLIC, "pages", INK_KEY)
    add_key(engine, "ink", SECRET, "server", INK_SECRET)
    engine.dispose()
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "web"], env=os.environ | environment_for(folder, url) | {"PORT": str(port)}
    )
    try:
        parts.wait_until_listening(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(parts.DEADLINE_S)


def post(port: int, body: bytes, timeout_s: float = parts.DEADLINE_S) -> int:
    """A well-behaved client's request; returns the status."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as connection:
        connection.request("POST", "/v1/events", body, {"Content-Type": "text/plain", "Origin": INK})
        return connection.getresponse().status


class Told(NamedTuple):
    status: int
    headers: Message
    body: bytes


def get(port: int, path: str, method: str = "GET") -> Told:
    with closing(HTTPConnection("127.0.0.1", port, timeout=parts.DEADLINE_S)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return Told(response.status, response.headers, response.read())


def raw(port: int, *pieces: bytes, timeout_s: float = parts.DEADLINE_S) -> tuple[int, bytes]:
    """Send these bytes as they are; returns the status and the body of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        with suppress(ConnectionError):  # it may refuse and hang up while we still talk; what it said is there to read
            for piece in pieces:
                connection.sendall(piece)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def head(*lines: str) -> bytes:
    told = ("POST /v1/events HTTP/1.1", "Host: bell.example", f"Origin: {INK}", "Content-Type: text/plain", *lines)
    return "\r\n".join((*told, "", "")).encode()


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_batch_is_taken_and_the_answer_tells_its_time(server: int) -> None:
    with closing(HTTPConnection("127.0.0.1", server, timeout=parts.DEADLINE_S)) as connection:
        connection.request("POST", "/v1/events", batch(page_viewed()), {"Content-Type": "text/plain", "Origin": INK})
        response = connection.getresponse()
        assert response.status == 202
        assert response.headers["Date"]
        assert response.headers["Access-Control-Allow-Origin"] == INK
        assert msgspec.json.decode(response.read())["accepted"] == 1


def test_a_body_of_unknown_length_is_taken_as_well(server: int) -> None:
    status, answer = raw(server, head("Transfer-Encoding: chunked"), chunked(batch(page_viewed())))
    assert status == 202
    assert msgspec.json.decode(answer)["accepted"] == 1


def test_a_body_of_unknown_length_that_does_not_end_is_cut_off_at_the_limit(server: int) -> None:
    status, answer = raw(server, head("Transfer-Encoding: chunked"), chunked(b"x" * (512 * 1024 + 1), 65_536))
    assert status == 413
    assert msgspec.json.decode(answer)["error"]["code"] == "body_too_large"


def test_one_byte_over_the_limit_is_413(server: int) -> None:
    body = b"x" * (512 * 1024 + 1)
    assert raw(server, head(f"Content-Length: {len(body)}"), body)[0] == 413


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 30, "\u00b2", "5, 6"])
def test_an_impossible_length_is_the_senders_fault(server: int, length: str) -> None:
    assert raw(server, head(f"Content-Length: {length}"), b"{}")[0] in (400, 413)


def test_two_lengths_are_refused(server: int) -> None:
    """What two servers in a row could read differently is how requests are smuggled."""
    body = batch(page_viewed())
    status, _ = raw(server, head(f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"), chunked(body))
    assert status in (202, 400)
    status, _ = raw(server, head(f"Content-Length: {len(body)}", "Content-Length: 3"), body)
    assert status == 400


def test_a_client_that_hangs_up_in_the_middle_disturbs_nobody(server: int) -> None:
    for _ in range(SLOW):
        with socket.create_connection(("127.0.0.1", server), timeout=parts.DEADLINE_S) as connection:
            connection.sendall(head("Content-Length: 1000") + b'{"key"')
    assert post(server, batch(page_viewed())) == 202


def test_clients_that_send_a_byte_a_second_do_not_keep_others_waiting(server: int) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server), timeout=parts.DEADLINE_S))
            for _ in range(SLOW)
        ]
        for connection in slow:
            connection.sendall(head("Content-Length: 200") + b"{")
        for letter in b'"key":':
            for connection in slow:
                connection.sendall(bytes([letter]))
            assert post(server, batch(page_viewed())) == 202


def test_a_slow_client_is_heard_in_the_end(server: int) -> None:
    body = batch(page_viewed())
    pieces = [body[start : start + 64] for start in range(0, len(body), 64)]
    assert raw(server, head(f"Content-Length: {len(body)}"), *pieces)[0] == 202


def test_who_waits_for_the_disk_keeps_nobody_else_waiting(server: int, folder: Path) -> None:
    """More requests than there are threads wait for a commit; whatever needs no commit is answered meanwhile."""
    body = batch(page_viewed())
    with ExitStack() as stack:
        locked = stack.enter_context(closing(sqlite3.connect(folder / "shopbell.db", isolation_level=None)))
        locked.execute("BEGIN IMMEDIATE")
        waiting = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server), timeout=parts.DEADLINE_S))
            for _ in range(SLOW)
        ]
        for connection in waiting:
            connection.sendall(head(f"Content-Length: {len(body)}") + body)
        assert get(server, "/healthz").status == 200
        assert raw(server, head("Content-Length: 1"), b"{")[0] == 400
        locked.execute("ROLLBACK")
        for connection in waiting:
            response = HTTPResponse(connection)
            response.begin()
            told = msgspec.json.decode(response.read())
            if response.status == 503:  # on a machine so slow that the lock outlasted the door's patience
                assert post(server, body) == 202
            else:
                assert response.status == 202
                assert told["accepted"] + told["duplicates"] == 1


def test_a_body_that_no_door_takes_is_not_even_read(server: int) -> None:
    assert raw(server, head(f"Content-Length: {64 * 1024 * 1024}"), b"{")[0] == 413


@pytest.mark.parametrize("path", ["/healthz", "/shopbell.js"])
def test_a_question_for_the_head_alone_gets_no_body(server: int, path: str) -> None:
    asked, told = get(server, path, "HEAD"), get(server, path)
    assert (asked.status, asked.body) == (told.status, b"")
    assert asked.headers["Content-Length"] == str(len(told.body))


def test_a_page_that_is_not_there_is_404_whatever_its_name(server: int) -> None:
    assert get(server, "/caf%C3%A9/%ff?x=%00").status == 404


def test_an_unknown_key_is_looked_up_without_keeping_anybody_waiting(server: int) -> None:
    told = [raw(server, head(f"Content-Length: {len(b)}"), b)[0] for b in (batch(key="pk_no"), batch(key=INK_KEY))]
    assert told == [401, 202]


def test_a_header_with_an_underscore_poses_as_no_other(server: int) -> None:
    """Servers in front pass such names on; read as WSGI does it, it would be the origin."""
    body = batch(page_viewed())
    told = f"POST /v1/events HTTP/1.1\r\nHost: b\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    assert raw(server, f"{told}User_Agent: x\r\nORIGIN: {INK}\r\n\r\n".encode(), body)[0] == 202
    assert raw(server, f"{told.replace('Content-Type', 'Content_Type')}Origin: {INK}\r\n\r\n".encode(), body)[0] == 415


def test_two_hundred_silent_connections_do_not_keep_others_waiting(server: int) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", server), timeout=parts.DEADLINE_S))
        assert post(server, batch(page_viewed())) == 202
