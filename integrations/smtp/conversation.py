"""The words of SMTP: smtplib's, each step with a deadline, each answer with its meaning."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import Final

from engine.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain
from integrations.smtp.relay import Deadlines

_CHUNK: Final = 64 * 1024

Reply = tuple[int, bytes]


class _Reader:
    """Reads a socket's lines before one deadline for all of them; smtplib alone waits anew for every byte."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kept = b""
        self.deadline = 0.0

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._kept and len(self._kept) < limit:
            self._connection.settimeout(_remaining(self.deadline))
            piece = self._connection.recv(4096)
            if not piece:
                break
            self._kept += piece
        end = self._kept.find(b"\n") + 1 or len(self._kept)
        line, self._kept = self._kept[: min(end, limit)], self._kept[min(end, limit) :]
        return line

    def has_something(self) -> bool:
        """Whether the relay already spoke, or hung up, without being asked."""
        self._connection.setblocking(False)
        try:
            piece = self._connection.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return bool(self._kept)
        if not piece:
            raise ConnectionResetError("it hung up")
        self._kept += piece
        return True

    def close(self) -> None:
        """The socket is smtplib's to close."""


class Line(smtplib.SMTP):
    """smtplib's connection, with a deadline for each step."""

    file: _Reader | None
    sock: socket.socket | None
    limits: Deadlines
    step_s: float

    def getreply(self) -> Reply:
        assert self.sock is not None
        if self.file is None:  # also after STARTTLS: what was said in the clear before it is dropped, RFC 3207
            self.file = _Reader(self.sock)
        self.file.deadline = monotonic() + self.step_s
        return super().getreply()

    def pour(self, data: bytes) -> None:
        """Send all of it, within one command's deadline."""
        deadline = monotonic() + self.limits.command_s
        assert self.sock is not None
        for start in range(0, len(data), _CHUNK):
            self.sock.settimeout(_remaining(deadline))
            self.sock.sendall(data[start : start + _CHUNK])

    def early_reply(self) -> Reply | None:
        assert self.file is not None
        return self.getreply() if self.file.has_something() else None


class PlainLine(Line):
    def __init__(self, host: str, port: int, limits: Deadlines, tls: ssl.SSLContext) -> None:
        self.limits, self.step_s = limits, limits.connect_s
        super().__init__(host, port, local_hostname=_own_name(), timeout=limits.connect_s)
        self.step_s = limits.command_s


class TlsLine(Line, smtplib.SMTP_SSL):
    def __init__(self, host: str, port: int, limits: Deadlines, tls: ssl.SSLContext) -> None:
        self.limits, self.step_s = limits, limits.connect_s
        smtplib.SMTP_SSL.__init__(self, host, port, local_hostname=_own_name(), timeout=limits.connect_s, context=tls)
        self.step_s = limits.command_s


def introduce(line: Line) -> None:
    code, said = line.ehlo()
    if not 200 <= code < 300:
        raise smtplib.SMTPHeloError(code, said)


def finish(line: Line, limits: Deadlines) -> str:
    """The dot, and what became of it."""
    line.step_s = limits.final_s
    try:
        line.pour(b".\r\n")
        reply = line.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryUncertain(f"the relay did not answer to the end of the mail: {redact(str(error))}") from None
    if not 200 <= reply[0] < 600 or reply[0] // 100 == 3:
        raise DeliveryUncertain(f"the relay's answer to the end of the mail makes no sense: {answer(*reply)}")
    expect(reply, "the mail")
    _say_goodbye(line)
    return answer(*reply)


def _say_goodbye(line: Line) -> None:
    # The mail is the relay's by now; how the talk ends changes nothing.
    with suppress(OSError, smtplib.SMTPException):
        line.putcmd("QUIT")


def expect(reply: Reply, what: str, *, wanted: int = 2, recipient: bool = False) -> None:
    """Raises DeliveryRefused for 5xx and DeliveryDelayed for all else but ``wanted``, the answer's first digit."""
    code, text = reply
    if code // 100 == wanted:
        return
    said = answer(code, text)
    if code // 100 == 5:
        raise DeliveryRefused(f"the relay refused {what}: {said}", bad_address=recipient and _is_dead(code, text))
    raise DeliveryDelayed(f"the relay did not take {what} now: {said}")


def _is_dead(code: int, text: bytes) -> bool:
    """Whether a refusal speaks of the address itself (RFC 3463: 5.1.1 to 5.1.3, 5.1.6, 5.1.10), not of us or a policy.

    Without an enhanced status code nothing is concluded: "550 relaying denied" must not put anybody on a list.
    """
    return code in (550, 551, 553) and re.match(rb"5\.1\.(?:[1236]|10)(?!\d)", text) is not None


def answer(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return redact(f"{code} {' '.join(words.split())}")[:300]


def redact(text: str) -> str:
    """Relays like to repeat the address, and what is said here ends up in logs."""
    return re.sub(r"[^\s<>:;,]+@[^\s<>:;,]+", "(address)", text)


def _remaining(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


def _own_name() -> str:
    """What EHLO says: never asks the DNS, as smtplib would, because that may hang."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
