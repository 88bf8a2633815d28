"""A mail server that misbehaves as told, at any step, and remembers every mail whose final dot it saw."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from tests.parts import DEADLINE_S

DROP, HANG = "(hangs up)", "(says nothing)"
TAKES_AND_DROPS = "(takes it and hangs up)"
TAKES_AND_ANSWERS_TOO_LATE = "(takes it and says 250 when nobody listens any more)"
WAITS = "(waits for the gate and goes on)"
TAKING = (TAKES_AND_DROPS, TAKES_AND_ANSWERS_TOO_LATE)
GOOD: Mapping[str, str] = {
    "connect": "220 relay.example ESMTP",
    "EHLO": "250 relay.example",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "body": "",
    "dot": "250 2.0.0 queued",
    "QUIT": "221 bye",
}
Script = Mapping[str, str]
"""What is said at which step, where it is not ``GOOD``."""


@dataclass(frozen=True)
class TakenMail:
    """A mail that is the server's now. ``answered`` tells whether the sender could know it."""

    id: str
    recipient: str
    content: bytes
    at: float
    answered: bool


@dataclass
class _Talk:
    script: Script
    recipient: str = ""
    body: bytes = b""


@dataclass
class FaultySmtp:
    """Serves any number of connections; ``script`` is asked once for each, ``scripts`` knows single recipients."""

    script: Callable[[], Script] = dict
    scripts: dict[str, Script] = field(default_factory=dict)
    mails: list[TakenMail] = field(default_factory=list)
    connections: int = 0
    goodbyes: int = 0
    dropped_at_the_dot: int = 0
    """How many senders it left without an answer to a mail that it did not take."""
    port: int = 0

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._over = threading.Event()
        self.gate = threading.Event()
        """Opened by a test that has somebody wait."""
        self.waiting = threading.Semaphore(0)
        """Released for everybody who waits at the gate."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="faulty-smtp", daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def mails_to(self, recipient: str) -> list[TakenMail]:
        with self._news:
            return [mail for mail in self.mails if mail.recipient == recipient]

    def doubled(self) -> list[str]:
        """The Message-IDs that came more than once."""
        with self._news:
            return [name for name, count in Counter(mail.id for mail in self.mails).items() if count > 1]

    def wait_for_mail_to(self, recipient: str, timeout_s: float = DEADLINE_S) -> TakenMail:
        with self._news:
            found = self._news.wait_for(lambda: any(mail.recipient == recipient for mail in self.mails), timeout_s)
            assert found, f"waited {timeout_s} s for a mail to {recipient}"
            return next(mail for mail in self.mails if mail.recipient == recipient)

    def wait_for_connections(self, count: int, timeout_s: float = DEADLINE_S) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.connections >= count, timeout_s), "nobody came"

    def __enter__(self) -> FaultySmtp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def wait_for_goodbyes(self, count: int, timeout_s: float = DEADLINE_S) -> None:
        """Return once so many conversations are over."""
        with self._news:
            assert self._news.wait_for(lambda: self.goodbyes >= count, timeout_s), "somebody still talks"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._news:
                self.connections += 1
                self._news.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            self._converse(connection, lines.readline)
        with self._news:
            self.goodbyes += 1
            self._news.notify_all()

    def _converse(self, connection: socket.socket, readline: Callable[[], bytes]) -> None:
        talk = _Talk(self.script())
        talking = self._say(connection, talk, "connect")
        while talking and (line := readline()):
            verb = line.decode("ascii", "replace").strip().split(" ")[0].upper()
            talking = self._hear(connection, talk, verb, line, readline)

    def _hear(
        self, connection: socket.socket, talk: _Talk, verb: str, line: bytes, readline: Callable[[], bytes]
    ) -> bool:
        if verb == "RCPT":
            talk.recipient = line.decode().partition("<")[2].partition(">")[0]
            talk.script = {**talk.script, **self.scripts.get(talk.recipient, {})}
        if not self._say(connection, talk, verb):
            return False
        if verb != "DATA" or not self._reply(talk, "DATA").startswith("354"):
            return verb != "QUIT"
        return self._take_body(talk, readline) and self._finish(connection, talk)

    def _take_body(self, talk: _Talk, readline: Callable[[], bytes]) -> bool:
        if self._reply(talk, "body") == DROP:
            return False
        body = b""
        while (line := readline()) != b".\r\n":
            if not line:
                return False
            body += line
        talk.body = body
        return True

    def _finish(self, connection: socket.socket, talk: _Talk) -> bool:
        reply = self._reply(talk, "dot")
        answered = reply.startswith("2") or reply == WAITS
        if answered or reply in TAKING:
            found = re.search(rb"(?mi)^Message-ID:\s*<([^>]+)>", talk.body)
            assert found, "a mail without a Message-ID"
            with self._news:
                self.mails.append(TakenMail(found[1].decode(), talk.recipient, talk.body, time.time(), answered))
                self._news.notify_all()
        elif reply == DROP:
            with self._news:
                self.dropped_at_the_dot += 1
        return self._say(connection, talk, "dot")

    def _reply(self, talk: _Talk, step: str) -> str:
        return talk.script.get(step, GOOD.get(step, "502 5.5.2 what?"))

    def _say(self, connection: socket.socket, talk: _Talk, step: str) -> bool:
        reply = self._reply(talk, step)
        if reply == WAITS:
            self.waiting.release()
            self.gate.wait(DEADLINE_S)
            reply = GOOD[step]
        if reply == HANG:
            self._over.wait(DEADLINE_S * 3)
            return False
        if reply == TAKES_AND_ANSWERS_TOO_LATE:
            connection.settimeout(DEADLINE_S * 3)
            while connection.recv(4096):
                pass  # until it has hung up
            reply = GOOD[step]
        if reply in (DROP, TAKES_AND_DROPS):
            return False
        connection.sendall(reply.encode() + b"\r\n")
        return True
