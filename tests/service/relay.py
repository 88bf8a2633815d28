"""A relay on a real socket that misbehaves at exactly one step, and a mail to hand to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from engine.errors import DeliveryError
from engine.messages import OutgoingMail
from integrations.smtp import Smtp, SmtpSettings
from integrations.smtp.relay import Deadlines
from tests.parts import DEADLINE_S

PATIENT = Deadlines(connect_s=DEADLINE_S, command_s=DEADLINE_S, final_s=DEADLINE_S)
UNSUBSCRIBE = "https://bell.example/u/" + "x" * 180
MAIL = OutgoingMail(
    message_id="dec_01jd9",
    sender="Sanne, Inkt & Papier <sanne@inkt.example>",
    recipient="anna@mail.example",
    recipient_name="Anna Müller",
    reply_to="sanne@inkt.example",
    subject="Je winkelwagen bij Inkt & Papier staat nog klaar, met een lang café-onderwerp dat omgebroken wordt",
    html="<p>Hallo Anna</p>",
    text="Hallo Anna,\n\n.een punt vooraan\n..twee punten\n.\nDat was het.\n",
    language="nl",
    unsubscribe_url=UNSUBSCRIBE,
    date=1_795_000_000_000,
)
GOOD = {
    "greeting": "220 relay.example ESMTP",
    "EHLO": "250-relay.example\r\n250 SIZE 10000000",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "dot": "250 2.0.0 queued as 4711",
    "QUIT": "221 bye",
}
DROP, SILENCE, CHATTER = "drop", "silence", "chatter"


class FaultyRelay:
    """An SMTP server for one connection that follows a script; ``messages`` are those whose final dot it saw."""

    def __init__(self, **script: str) -> None:
        self.script = GOOD | script
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> FaultyRelay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):  # wakes a relay that nobody came to; one that had company has closed it already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            with self._listener:
                connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines.readline)
        except OSError:
            self.commands.append("(client gone)")

    def _talk(self, connection: socket.socket, readline: Callable[[], bytes]) -> None:
        talking = self._answer(connection, "greeting")
        while talking:
            line = readline()
            if not line:
                return
            verb, *rest = line.decode().strip().split(" ", 1)
            verb = verb.upper()
            self.commands.append(" ".join([verb, *rest]))
            talking = self._answer(connection, verb)
            if talking and verb == "DATA" and self.script["DATA"].startswith("354"):
                talking = self._take_body(readline) and self._answer(connection, "dot")

    def _take_body(self, readline: Callable[[], bytes]) -> bool:
        body = b""
        if self.script.get("body") == DROP:
            return False
        while (line := readline()) != b".\r\n":
            if not line:
                return False
            body += line
        self.messages.append(body)
        return True

    def _answer(self, connection: socket.socket, step: str) -> bool:
        answer = self.script[step]
        if answer == SILENCE:
            self._over.wait(DEADLINE_S)
        elif answer == CHATTER:
            while not self._over.is_set():
                connection.sendall(b"250-and another thing\r\n")
        elif answer != DROP:
            connection.sendall(answer.encode() + b"\r\n")
            return True
        return False


class Fence:
    """A fence that says what it is told to, and remembers being asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.answer


def sender(port: int, deadlines: Deadlines = PATIENT, query: str = "", own: str = "") -> Smtp:
    return Smtp(SmtpSettings(url=f"smtp://127.0.0.1:{port}{query}", sender=own), deadlines=deadlines)


def failure(
    relay: FaultyRelay, fence: Fence, mail: OutgoingMail = MAIL, deadlines: Deadlines = PATIENT
) -> DeliveryError:
    with pytest.raises(DeliveryError) as error:
        sender(relay.port, deadlines).send(mail, fence)
    return error.value
