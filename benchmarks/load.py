"""The load generator: one thread, one selector, a few keep-alive connections, and a check of every answer.

``python -m benchmarks.load`` reads a Spec as JSON from standard input and writes an Outcome to standard output; it runs
as a process of its own so that it can be given a core of its own.
"""

from __future__ import annotations

import gc
import re
import selectors
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import msgspec

from benchmarks.figures import percentile
from benchmarks.shop import Visitors

PATIENCE_S = 30.0
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where. ``rate`` is requests a second, whatever comes back; None sends as soon as one is answered."""

    port: int
    connections: int
    events_per_request: int
    visitors: int
    seed: int
    seconds: float
    most_requests: int = 1_000_000
    rate: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: ``problem`` says why the run is void, if it is. CPU without and with the preparations."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    cpu_all_s: float
    problem: str | None = None


class Void(Exception):
    """An answer was not what it must be, so nothing was measured."""


@dataclass(eq=False, slots=True)
class _Connection:
    socket: socket.socket
    begun_at: float = 0.0
    unsent: bytes = b""
    waits_to_send: bool = False
    received: bytearray = field(default_factory=bytearray)


class _Driver:
    """Drives all connections of one run."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.visitors = Visitors(spec.visitors, spec.seed, spec.port)
        self.expected = b'{"accepted":%d,"duplicates":0,"rejected":[],' % spec.events_per_request
        # epoll's clock is too coarse for a given rate; select(2) has one of microseconds.
        self.selector = selectors.DefaultSelector() if spec.rate is None else selectors.SelectSelector()
        self.idle: list[_Connection] = []
        self.sent = 0
        self.latencies: list[float] = []
        self.due_at = 0.0

    def run(self) -> float:
        """Send until time or number is over and every answer has come; returns how many seconds that took."""
        with ExitStack() as stack:
            stack.enter_context(self.selector)
            for _ in range(self.spec.connections):
                connection = _Connection(stack.enter_context(self._connect()))
                self.selector.register(connection.socket, selectors.EVENT_READ, connection)
                self.idle.append(connection)
            began = self.due_at = time.perf_counter()
            over_at = began + self.spec.seconds
            while (now := time.perf_counter()) < over_at and self.sent < self.spec.most_requests:
                self._send_what_is_due(now)
                self._receive(self._pause(now))
            self._await_answers(over_at + PATIENCE_S)
            return time.perf_counter() - began

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.spec.port), timeout=PATIENCE_S)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _send_what_is_due(self, now: float) -> None:
        most = self.spec.most_requests
        while self.idle and self.sent < most and (self.spec.rate is None or self.due_at <= now):
            connection = self.idle.pop()
            request = self.visitors.request(self.spec.events_per_request)
            # At a given rate a request that had to wait for a free connection has been waiting since it was due.
            connection.begun_at = time.perf_counter() if self.spec.rate is None else self.due_at
            self.due_at += 0.0 if self.spec.rate is None else 1 / self.spec.rate
            self.sent += 1
            connection.unsent = request
            self._send(connection)

    def _send(self, connection: _Connection) -> None:
        with suppress(BlockingIOError):
            connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
        if connection.unsent or connection.waits_to_send:
            connection.waits_to_send = bool(connection.unsent)
            wanted = selectors.EVENT_WRITE if connection.unsent else selectors.EVENT_READ
            self.selector.modify(connection.socket, wanted, connection)

    def _pause(self, now: float) -> float:
        """How long there is nothing to send."""
        if self.spec.rate is None or not self.idle:
            return 0.1
        return max(0.0, self.due_at - now)

    def _receive(self, timeout_s: float) -> None:
        for key, _ in self.selector.select(timeout_s):
            connection: _Connection = key.data
            if connection.unsent:
                self._send(connection)
            elif self._is_answered(connection):
                self.latencies.append(time.perf_counter() - connection.begun_at)
                self.idle.append(connection)

    def _is_answered(self, connection: _Connection) -> bool:
        """Whether the whole answer has come. Raises Void for any that does not accept everything."""
        data = connection.socket.recv(65_536)
        if not data:
            raise Void("the server closed a connection")
        received = connection.received
        received += data
        body_at = received.find(b"\r\n\r\n") + 4
        if body_at < 4:
            return False
        length = _LENGTH.search(received, 0, body_at)
        if length is None:
            raise Void("an answer does not tell its length")
        if len(received) < body_at + int(length[1]):
            return False
        if not received.startswith(b"HTTP/1.1 202 ") or not received.startswith(self.expected, body_at):
            raise Void(f"an answer was {received[:20].decode('latin-1')!r} … {received[body_at:][:200].decode()!r}")
        received.clear()
        return True

    def _await_answers(self, give_up_at: float) -> None:
        while len(self.idle) < self.spec.connections:
            if time.perf_counter() > give_up_at:
                raise Void(f"{self.spec.connections - len(self.idle)} answers did not come in {PATIENCE_S:g} s")
            self._receive(0.1)


def drive(spec: Spec) -> Outcome:
    """Do what the spec says, in this process."""
    driver = _Driver(spec)
    cpu = time.process_time()
    problem, seconds = None, 0.0
    try:
        seconds = driver.run()
    except (Void, OSError) as error:
        problem = str(error)
    finished = time.process_time()
    milliseconds = [latency * 1000 for latency in driver.latencies] or [0.0]
    return Outcome(
        requests=len(driver.latencies),
        seconds=seconds,
        p50_ms=percentile(milliseconds, 0.50),
        p99_ms=percentile(milliseconds, 0.99),
        cpu_s=finished - cpu,
        cpu_all_s=finished,
        problem=problem,
    )


if __name__ == "__main__":
    gc.disable()  # a pause here would be taken for one of the server's
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Spec)
    sys.stdout.buffer.write(msgspec.json.encode(drive(given)))
