"""Mails as they arrive, and relays that want encryption, a password or an address in a form of their own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern_policy
from pathlib import Path

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from engine.errors import DeliveryDelayed, SettingsError
from engine.integration import create
from engine.mailbox import MailboxHandler, list_mails, read_mail
from integrations.smtp import Smtp, SmtpSettings
from integrations.smtp.relay import Relay
from tests.parts import DEADLINE_S, free_port
from tests.service.relay import (
    DROP,
    MAIL,
    PATIENT,
    UNSUBSCRIBE,
    FaultyRelay,
    Fence,
    failure,
    sender,
)

CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"


# --- the mail itself --------------------------------------------------------------------------------------------------


@contextmanager
def serving(handler: object, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    port = free_port()
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        ready_timeout=DEADLINE_S,
        enable_SMTPUTF8=True,
        tls_context=tls,
        authenticator=let_in if tls else None,
        auth_required=tls is not None,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def received(path: Path) -> EmailMessage:
    [summary] = list_mails(path)
    message = message_from_bytes(read_mail(path, summary.id), policy=modern_policy)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_arrives_as_it_was_written(tmp_path: Path) -> None:
    box = tmp_path / "mailbox"
    with serving(MailboxHandler(box)) as port:
        sender(port).send(MAIL, Fence())
    message = received(box)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().strip() == MAIL.html
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_headers_say_who_what_and_how_to_leave(tmp_path: Path) -> None:
    box = tmp_path / "mailbox"
    with serving(MailboxHandler(box)) as port:
        sender(port).send(MAIL, Fence())
    message = received(box)
    assert {name: str(message[name]) for name in message if name not in ("MIME-Version", "Content-Type")} == {
        "From": '"Sanne, Inkt & Papier" <sanne@inkt.example>',
        "To": "Anna Müller <anna@mail.example>",
        "Reply-To": "sanne@inkt.example",
        "Subject": MAIL.subject,
        "Date": "Wed, 18 Nov 2026 11:06:40 +0000",
        "Message-ID": "<dec_01jd9@inkt.example>",
        "Content-Language": "nl",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_the_same_delivery_always_has_the_same_message_id() -> None:
    ids = set()
    for _ in range(2):
        with FaultyRelay(dot=DROP) as relay:
            failure(relay, Fence())
        ids.add(message_from_bytes(relay.messages[0])["Message-ID"])
    assert ids == {"<dec_01jd9@inkt.example>"}


def test_on_the_wire_every_line_is_short_ends_well_and_hides_no_dot() -> None:
    with FaultyRelay() as relay:
        sender(relay.port).send(msgspec.structs.replace(MAIL, html="<p>" + "é" * 5_000 + "</p>\r.\r\n.\n"), Fence())
    [raw] = relay.messages
    assert f"List-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in raw
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) < 998
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert b"..een punt vooraan" in lines
    assert b"...twee punten" in lines
    assert raw.isascii()


# --- relays with a door -----------------------------------------------------------------------------------------------


class Box:
    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.extend(envelope.rcpt_tos)
        return "250 kept"


def let_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"pass/word")
    return AuthResult(success=known, handled=False)


@contextmanager
def guarded(box: Box) -> Iterator[int]:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(CERTIFICATE)
    with serving(box, server_side) as port:
        yield port


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def test_a_password_travels_only_after_starttls() -> None:
    box = Box()
    with guarded(box) as port:
        relay = Smtp(SmtpSettings(url=f"smtp://shop:pass%2Fword@localhost:{port}?starttls=required"), tls=trusting())
        assert relay.send(MAIL, Fence()) == "250 kept"
    assert box.got == ["anna@mail.example"]


def test_a_wrong_password_delays_every_mail_and_loses_none() -> None:
    box = Box()
    with guarded(box) as port:
        relay = Smtp(SmtpSettings(url=f"smtp://shop:wrong@localhost:{port}"), tls=trusting(), deadlines=PATIENT)
        with pytest.raises(DeliveryDelayed) as error:
            relay.send(MAIL, Fence())
    assert "wrong" not in error.value.message
    assert box.got == []


def test_a_relay_nobody_vouches_for_gets_neither_password_nor_mail() -> None:
    box = Box()
    with guarded(box) as port, pytest.raises(DeliveryDelayed):
        Smtp(SmtpSettings(url=f"smtp://shop:pass%2Fword@localhost:{port}"), deadlines=PATIENT).send(MAIL, Fence())
    assert box.got == []


def test_encryption_that_is_required_is_not_talked_away() -> None:
    with FaultyRelay() as relay, pytest.raises(DeliveryDelayed, match="STARTTLS"):
        sender(relay.port, query="?starttls=required").send(MAIL, Fence())
    assert not any(command.startswith("MAIL") for command in relay.commands)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_url_says_where_mail_goes() -> None:
    assert Relay.from_url("smtp://127.0.0.1:8025") == Relay("127.0.0.1", 8025, False, "offered")
    assert Relay.from_url("smtps://u:p%40@mail.example") == Relay("mail.example", 465, True, "required", "u", "p@")
    assert Relay.from_url("smtp://mail.example?starttls=never") == Relay("mail.example", 25, False, "never")


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "smtp://", "smtp://u:secret@h:99999", "smtp://u:secret@h?starttls=maybe", "smtp://u:secret@h?x"],
)
def test_an_impossible_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        Smtp(SmtpSettings(url=url))
    assert "secret" not in error.value.message


def test_the_integration_is_found_by_its_name() -> None:
    made = create("smtp", {"url": "env:SMTP_URL"}, {"SMTP_URL": "smtp://127.0.0.1:8025"})
    assert isinstance(made, Smtp)
