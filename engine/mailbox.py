"""The development mailbox: an SMTP server that keeps every mail in a Maildir instead of sending it on.

What the server was told (the envelope) may differ from what the mail says (its headers), so each file starts with one
line that holds the envelope, and the mail follows byte for byte as it was received.
"""

from __future__ import annotations

import asyncio
import os
import signal
from email.parser import BytesHeaderParser
from email.policy import default as modern_policy
from mailbox import Maildir
from pathlib import Path
from typing import Final

import msgspec
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as SmtpEnvelope
from aiosmtpd.smtp import Session as SmtpSession

from engine.clock import Millis, wall_clock
from engine.errors import NotFound, SettingsError

LARGEST_MAIL: Final = 32 * 1024 * 1024
_ENVELOPE_LINE: Final = b"X-Shopbell-Envelope: "


class MailSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the mailbox. ``sender`` and ``recipients`` are the envelope's, ``subject`` is the mail's, decoded."""

    id: str
    received_at: Millis
    sender: str
    recipients: tuple[str, ...]
    subject: str


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    received_at: Millis
    sender: str
    recipients: tuple[str, ...]


def list_mails(path: Path, *, limit: int = 500) -> list[MailSummary]:
    """The newest ``limit`` mails of the mailbox at ``path``, newest first; none where there is no mailbox yet."""
    if not path.is_dir():
        return []
    box = _open(path)
    summaries = [_summary(mail_id, box.get_bytes(mail_id)) for mail_id in _newest(box, limit)]
    return sorted(summaries, key=lambda mail: (mail.received_at, mail.id), reverse=True)


def read_mail(path: Path, mail_id: str) -> bytes:
    """One mail exactly as it was received. Raises :class:`NotFound`; ids that are no ids are simply not found."""
    if not path.is_dir():
        raise NotFound("There is no such mail.")
    try:
        stored = _open(path).get_bytes(mail_id)
    except KeyError as error:
        raise NotFound("There is no such mail.") from error
    return _split(stored)[1]


def keep_mail(path: Path, *, sender: str, recipients: tuple[str, ...], mail: bytes, at: Millis) -> str:
    """Put one mail into the mailbox at ``path`` (made where missing) and return its id once it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    envelope = msgspec.json.encode(_Envelope(received_at=at, sender=sender, recipients=recipients))
    return str(_open(path).add(_ENVELOPE_LINE + envelope + b"\n" + mail))


class MailboxHandler:
    """What aiosmtpd asks when a mail has arrived; see https://aiosmtpd.aio-libs.org/en/latest/handlers.html."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: SmtpEnvelope) -> str:  # noqa: N802
        mail = envelope.original_content
        if mail is None:
            return "554 There was no mail in that."
        recipients = tuple(envelope.rcpt_tos)
        mail_id = keep_mail(
            self._path, sender=envelope.mail_from or "", recipients=recipients, mail=mail, at=wall_clock()
        )
        return f"250 Kept as {mail_id}"


def run_mailbox(path: Path, *, host: str = "127.0.0.1", port: int) -> None:
    """Receive mail on ``host``:``port`` until SIGINT or SIGTERM; :class:`SettingsError` when the port is taken."""
    asyncio.run(_serve(path, host, port))


async def _serve(path: Path, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked_to_stop.set)
    handler = MailboxHandler(path)
    try:
        server = await loop.create_server(lambda: _protocol(handler), host, port)
    except OSError as error:
        raise SettingsError(f"The mailbox cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from error
    await asked_to_stop.wait()
    # Not waited for: since Python 3.12 that would also wait for clients that merely keep their connection open.
    server.close()


def _protocol(handler: MailboxHandler) -> SMTP:
    return SMTP(handler, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, ident="Shopbell development mailbox")


def _open(path: Path) -> Maildir:
    return Maildir(path, create=True)


def _newest(box: Maildir, limit: int) -> list[str]:
    """Ids start with the second of their arrival, so their order is the order of arrival but for the second itself."""
    return sorted(box.iterkeys(), reverse=True)[:limit]


def _summary(mail_id: str, stored: bytes) -> MailSummary:
    envelope, mail = _split(stored)
    headers = BytesHeaderParser(policy=modern_policy).parsebytes(mail)
    return MailSummary(
        id=mail_id,
        received_at=envelope.received_at,
        sender=envelope.sender,
        recipients=envelope.recipients,
        subject=str(headers.get("Subject", "")),
    )


def _split(stored: bytes) -> tuple[_Envelope, bytes]:
    line, _, mail = stored.partition(b"\n")
    return msgspec.json.decode(line.removeprefix(_ENVELOPE_LINE), type=_Envelope), mail
