"""Calls to other systems: only to public addresses, bounded, and with the last byte behind the fence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

import pytest

from engine import http
from engine.errors import CallError
from engine.http import Caller, StandIn, caller, is_public
from tests.parts import DEADLINE_S, free_port

OPEN = Caller(permit=lambda address: True, schemes=("http",))
"""As production calls, but to this machine."""


def serve(answer: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that reads one request to its end and lets ``answer`` do the rest."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(DEADLINE_S)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65_536)
                head, _, body = request.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                while len(body) < length and (more := connection.recv(65_536)):
                    body += more
                heard.append(body)
                answer(connection, head)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook?a=1", heard
        thread.join(DEADLINE_S)


serving = contextmanager(serve)


def says(text: str) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, head: connection.sendall(text.encode())


def test_what_is_posted_arrives_whole_and_the_answer_comes_back() -> None:
    with serving(says("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")) as (url, heard):
        answered = OPEN.post(url, b'{"a": 1}', {"X-Name": "v"}, lambda: True)
    assert (answered.status, answered.body, heard) == (201, b"ok", [b'{"a": 1}'])


def test_the_fence_is_asked_before_the_last_byte_and_can_stop_it() -> None:
    with serving(says("")) as (url, heard):
        with pytest.raises(CallError) as refused:
            OPEN.post(url, b'{"a": 1}', {}, lambda: False)
        assert not refused.value.uncertain
    assert heard == [b'{"a": 1']


def test_silence_after_the_last_byte_is_uncertain() -> None:
    with (
        serving(lambda connection, head: connection.shutdown(socket.SHUT_RDWR)) as (url, _),
        pytest.raises(CallError) as failed,
    ):
        OPEN.post(url, b"{}", {}, lambda: True)
    assert failed.value.uncertain


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CUT = {
    "in the status": "HTTP/1.1 20",
    "after the status": "HTTP/1.1 200",
    "after the first line": "HTTP/1.1 200 OK\r\n",
    "in the name of a header": "HTTP/1.1 200 OK\r\nContent-Le",
    "between headers": HEAD,
    "after an interim answer": f"HTTP/1.1 100 Continue\r\n\r\n{HEAD}",
    "before the body": f"{HEAD}Content-Length: 10\r\n\r\n",
    "in the body": f"{HEAD}Content-Length: 10\r\n\r\nhalf",
    "in a chunk": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "between chunks": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}
WHOLE = {
    "with its length": (f"{HEAD}Content-Length: 5\r\n\r\nhello", b"hello"),
    "in chunks": (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "until the end": (f"{HEAD}\r\nhello", b"hello"),
    "empty": (f"{HEAD}Content-Length: 0\r\n\r\n", b""),
    "after an interim answer": (f"HTTP/1.1 100 Continue\r\n\r\n{HEAD}Content-Length: 5\r\n\r\nhello", b"hello"),
}


@pytest.mark.parametrize("where", CUT)
def test_an_answer_that_is_cut_off_is_none_and_leaves_the_outcome_open(where: str) -> None:
    with serving(says(CUT[where])) as (url, _), pytest.raises(CallError) as failed:
        OPEN.post(url, b"{}", {}, lambda: True)
    assert failed.value.uncertain


@pytest.mark.parametrize("where", CUT)
def test_a_page_that_is_cut_off_is_no_page(where: str) -> None:
    with serving(says(CUT[where])) as (url, _), pytest.raises(CallError):
        OPEN.ask("POST", url, {}, b"{}")


@pytest.mark.parametrize("how", WHOLE)
def test_an_answer_that_is_whole_is_taken_however_it_ends(how: str) -> None:
    said, body = WHOLE[how]
    with serving(says(said)) as (url, _):
        answered = OPEN.post(url, b"{}", {}, lambda: True)
    assert (answered.status, answered.body, answered.headers["content-type"]) == (200, body, "text/plain")


def test_nobody_there_is_certain() -> None:
    with pytest.raises(CallError) as failed:
        OPEN.post(f"http://127.0.0.1:{free_port()}/", b"{}", {}, lambda: True)
    assert (failed.value.uncertain, failed.value.refused) == (False, False)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    answer = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with serving(says(answer)) as (url, heard):
        assert OPEN.post(url, b"{}", {}, lambda: True).status == 302
    assert heard == [b"{}"]


def test_an_endless_answer_is_cut_in_size() -> None:
    def flood(connection: socket.socket, head: bytes) -> None:
        with suppress(ConnectionError):  # the caller hangs up in the middle
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 * http.LARGEST_ANSWER))

    with serving(flood) as (url, _):
        assert len(OPEN.post(url, b"{}", {}, lambda: True).body) == http.LARGEST_ANSWER


def test_an_answer_that_drips_is_cut_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WHOLE_S", 3.0)
    done = threading.Event()

    def drip(connection: socket.socket, head: bytes) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: y\r\n" * 1_000:
                connection.sendall(bytes([letter]))
                if done.wait(0.5):  # so the cut falls into the first line, however late it comes
                    return
        except OSError:
            return

    with serving(drip) as (url, _):
        with pytest.raises(CallError) as failed:
            OPEN.post(url, b"{}", {}, lambda: True)
        done.set()
    assert failed.value.uncertain


# --- addresses --------------------------------------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.88.99.1", "::1", "::", "fe80::1", "fc00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_whatever_it_is_written_like_the_house_itself_is_never_called(host: str) -> None:
    with pytest.raises(CallError) as refused:
        Caller().post(f"https://{host}/hook", b"{}", {}, lambda: pytest.fail("nothing may be sent"))
    assert refused.value.refused


def test_what_a_name_leads_to_when_it_is_called_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public a moment ago (rebinding), or is public and private at once."""
    for found in (["10.0.0.1"], ["93.184.215.14", "127.0.0.1"]):
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, entries=entries, **__: entries)
        with pytest.raises(CallError) as refused:
            Caller().post("https://hooks.example/x", b"{}", {}, lambda: pytest.fail("nothing may be sent"))
        assert refused.value.refused


@pytest.mark.parametrize("url", ["http://hooks.example/", "file:///etc/passwd", "gopher://x/", "https://", "x"])
def test_only_https_is_called(url: str) -> None:
    with pytest.raises(CallError) as refused:
        Caller().post(url, b"{}", {}, lambda: True)
    assert refused.value.refused


def test_a_simulated_shops_platform_is_asked_at_its_stand_in_under_its_own_name() -> None:
    told: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        told.append(head)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with serving(answer) as (url, heard):
        stand_in = caller(url.removesuffix("/hook?a=1"))
        answered = stand_in.ask("POST", "https://name.platform.example/admin/x?page=2", {"X-Token": "t"}, b"{}")
    assert (answered.status, answered.body, heard) == (200, b"ok", [b"{}"])
    assert told[0].startswith(b"POST /admin/x?page=2 HTTP/1.1\r\n")
    assert b"\r\nhost: name.platform.example\r\n" in told[0].lower()
    assert b"127.0.0.1" not in told[0]


@pytest.mark.parametrize("url", ["http://name.platform.example/x", "ftp://name.platform.example/x", "/x"])
def test_a_stand_in_takes_no_call_that_would_be_refused_in_earnest(url: str) -> None:
    with pytest.raises(CallError, match="only https") as refused:
        StandIn(f"http://127.0.0.1:{free_port()}").ask("GET", url, {})
    assert refused.value.refused


def test_without_a_stand_in_only_the_open_internet_is_called() -> None:
    with pytest.raises(CallError, match="not public"):
        caller("").ask("GET", "https://127.0.0.1/x", {})


def test_an_answer_with_a_broken_header_tells_no_log_what_was_asked(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = "HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\nok"
    with serving(says(broken)) as (url, _), suppress(CallError):
        OPEN.ask("GET", f"{url}&search=canary@shopper.example", {"Content-Length": "0"})
    told = capfd.readouterr()
    assert "canary" not in caplog.text + told.out + told.err
